"""Install Companion's plugin in a vault, and tell which version is installed."""

from __future__ import annotations

import json
import os
from pathlib import Path

from companion.errors import UsageError
from companion.private_files import read_if_there, write_whole
from companion.vault.obsidian import SETTINGS

PLUGIN = "callout-companion"
FILES = ("main.js", "manifest.json", "styles.css")
_PACKAGE = Path(__file__).parent.parent
_USUAL = 0o666  # less the umask


def find_built() -> Path | None:
    """Return the folder of the built plugin, in the wheel or beside the package.

    None if it was not built. In a checkout, `make dev` builds it with Node.
    """
    packed = _PACKAGE / "_plugin"
    folder = packed if packed.is_dir() else _PACKAGE.parent / "obsidian-plugin"
    return folder if all((folder / name).is_file() for name in FILES) else None


def install(root: Path, built: Path) -> tuple[str, ...]:
    """Install the plugin built in that folder in the vault at root, a real path, and enable it.

    Returns the names of the files written; none if it is there already. Plugins belong where
    https://docs.obsidian.md/Plugins/Getting+started/Build+a+plugin says.

    Raises UsageError if the folder is not an Obsidian vault, a symbolic link leads out of it, or
    the list of enabled plugins cannot be read; nothing is written then.
    """
    if not (root / SETTINGS).is_dir():
        raise UsageError(
            f"{root} is not an Obsidian vault yet: it has no {SETTINGS} folder; open it once in"
            " Obsidian, and try again"
        )
    folder, enabled = _folder(root), _read_enabled(root)
    writes = {folder / name: (built / name).read_bytes() for name in FILES}
    if PLUGIN not in enabled:
        writes[_list_file(root)] = _as_json([*enabled, PLUGIN])
    changed = {file: data for file, data in writes.items() if read_if_there(file) != data}
    for file, data in changed.items():
        write_whole(file, data, _USUAL)
    return tuple(file.name for file in changed)


def read_installed(root: Path) -> tuple[str | None, bool]:
    """Return the plugin's version in the vault, None if it is incomplete, and if it is enabled.

    Raises UsageError if that cannot be read.
    """
    folder, enabled = _folder(root), PLUGIN in _read_enabled(root)
    is_whole = all((folder / name).is_file() for name in FILES)
    return read_version(folder) if is_whole else None, enabled


def read_version(folder: Path) -> str:
    """Return the version in the manifest of the plugin in that folder. Raises UsageError."""
    file = folder / "manifest.json"
    try:
        return str(json.loads(file.read_bytes())["version"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{file} names no version ({error}); install the plugin again") from None


def find_plugin(root: Path) -> Path | None:
    """Return the plugin's folder in the vault at root; None if there is none, or it is a link."""
    folder = root / SETTINGS / "plugins" / PLUGIN
    is_real = folder.is_dir() and Path(os.path.realpath(folder)) == folder
    return folder if is_real else None


def _folder(root: Path) -> Path:
    """Return where the plugin belongs. Raises UsageError if that is outside the vault."""
    folder = root / SETTINGS / "plugins" / PLUGIN
    if not Path(os.path.realpath(folder)).is_relative_to(root):
        raise UsageError(f"{folder} leads out of the vault by a symbolic link, and is not followed")
    return folder


def _list_file(root: Path) -> Path:
    """Return the file that lists the enabled plugins."""
    return root / SETTINGS / "community-plugins.json"


def _read_enabled(root: Path) -> list[str]:
    """Return the names of the enabled plugins. Raises UsageError."""
    file = _list_file(root)
    try:
        enabled = json.loads(read_if_there(file) or b"[]")
    except ValueError as error:
        raise UsageError(f"{file} is not valid JSON ({error}); correct or remove it") from None
    if not isinstance(enabled, list):
        raise UsageError(f"{file} is not a list of plugins; correct or remove it")
    return enabled


def _as_json(value: list[str]) -> bytes:
    """Return value as JSON the way Obsidian writes it: indented by two, without a last newline."""
    return json.dumps(value, ensure_ascii=False, indent=2).encode("utf-8", "backslashreplace")
