"""Install Companion's plugin in a vault, and tell which version is installed."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from companion.errors import UsageError
from companion.private_files import read_if_there, write_whole
from companion.vault.obsidian import SETTINGS

T = TypeVar("T", dict[str, Any], list[Any])
PLUGIN = "callout-companion"
FILES = ("main.js", "manifest.json", "styles.css")
_PACKAGE = Path(__file__).parent.parent
_USUAL = 0o666  # less the umask


class PlannedWrite(NamedTuple):
    """A file to write. before: its bytes when the plan was made; None if it did not exist."""

    file: Path
    before: bytes | None
    after: bytes
    mode: int = _USUAL


class InstallPlan(NamedTuple):
    """What installing the plugin in the vault at root, a real path, will write.

    folder: of the plugin. enabling: of the list of enabled plugins; None if it is enabled already.
    """

    root: Path
    folder: Path
    version: str
    files: tuple[PlannedWrite, ...]
    enabling: PlannedWrite | None


def find_built() -> Path | None:
    """Return the folder of the built plugin, in the wheel or beside the package.

    None if it was not built. In a checkout, `make dev` builds it with Node.
    """
    packed = _PACKAGE / "_plugin"
    folder = packed if packed.is_dir() else _PACKAGE.parent / "obsidian-plugin"
    return folder if all((folder / name).is_file() for name in FILES) else None


def plan_install(root: Path, built: Path) -> InstallPlan:
    """Return the plan for installing the plugin built in that folder in the vault at root.

    Plugins belong where https://docs.obsidian.md/Plugins/Getting+started/Build+a+plugin says.

    Raises UsageError if the folder is not an Obsidian vault, if a symbolic link leads out of it, or
    if one of Obsidian's files cannot be read or understood.
    """
    settings = root / SETTINGS
    if not settings.is_dir():
        raise UsageError(
            f"{root} is not an Obsidian vault yet: it has no {SETTINGS} folder; open it once in"
            " Obsidian, and try again"
        )
    folder = settings / "plugins" / PLUGIN
    list_file, before, enabled = _read_enabled(root)
    enabling = PlannedWrite(list_file, before, _as_json([*enabled, PLUGIN], before))
    files = [(folder / name, (built / name).read_bytes()) for name in FILES]
    writes = [PlannedWrite(file, _read(root, file), content) for file, content in files]
    return InstallPlan(
        root=root,
        folder=folder,
        version=_version((built / "manifest.json").read_bytes(), built / "manifest.json"),
        files=tuple(write for write in writes if write.before != write.after),
        enabling=None if PLUGIN in enabled else enabling,
    )


def write_install(install: InstallPlan) -> tuple[str, ...]:
    """Write the plugin, and enable it last; return the names of the files written.

    Raises UsageError if a file has changed since the plan was made, or cannot be written; each file
    is then as it was or as planned.
    """
    writes = [*install.files, *filter(None, [install.enabling])]
    for write in writes:
        if _read(install.root, write.file) != write.before:
            raise UsageError(f"somebody changed {write.file} meanwhile; try again")
        write_whole(write.file, write.after, write.mode)
    return tuple(write.file.name for write in writes)


def read_installed(root: Path) -> tuple[str | None, bool]:
    """Return the plugin's version in the vault, None if it is incomplete, and if it is enabled.

    Raises UsageError if that cannot be read.
    """
    folder = root / SETTINGS / "plugins" / PLUGIN
    enabled = PLUGIN in _read_enabled(root)[2]
    contents = {name: _read(root, folder / name) for name in FILES}
    manifest = contents["manifest.json"]
    if manifest is None or None in contents.values():
        return None, enabled
    return _version(manifest, folder / "manifest.json"), enabled


def find_plugin(root: Path) -> Path | None:
    """Return the plugin's folder in the vault at root; None if there is none, or it is a link."""
    folder = root / SETTINGS / "plugins" / PLUGIN
    is_real = folder.is_dir() and Path(os.path.realpath(folder)) == folder
    return folder if is_real else None


def remove_plugin(root: Path) -> None:
    """Disable the plugin in the vault at root, and remove its folder.

    Raises UsageError if the list of enabled plugins cannot be read; nothing is removed then.
    """
    list_file, before, enabled = _read_enabled(root)
    if PLUGIN in enabled:
        rest = [name for name in enabled if name != PLUGIN]
        write_whole(list_file, _as_json(rest, before), _USUAL)
    if folder := find_plugin(root):
        shutil.rmtree(folder)


def _read_enabled(root: Path) -> tuple[Path, bytes | None, list[Any]]:
    """Return the file that lists the enabled plugins, its bytes, and their names."""
    file = root / SETTINGS / "community-plugins.json"
    return file, *_read_json(root, file, list[Any](), "it is not a list of plugins")


def _read_json(root: Path, file: Path, empty: T, otherwise: str) -> tuple[bytes | None, T]:
    """Return the bytes of the file and the JSON in it; None and `empty` if it does not exist.

    otherwise: what is wrong with JSON of another type than that of `empty`.
    """
    data = _read(root, file)
    value = empty if data is None else _parse(data, file)
    if not isinstance(value, type(empty)):
        raise _unknown(file, otherwise)
    return data, value


def _version(manifest: bytes, file: Path) -> str:
    content = _parse(manifest, file)
    if not isinstance(content, dict) or not isinstance(content.get("version"), str):
        raise _unknown(file, "it names no version")
    version: str = content["version"]
    return version


def _parse(data: bytes, file: Path) -> Any:
    """Return the JSON value in data. Raises UsageError, also if JSON cannot represent it again."""
    try:
        value = json.loads(data.decode("utf-8"))
        json.dumps(value, allow_nan=False)  # Python reads NaN, and 1e999 as infinite
    except (ValueError, RecursionError) as error:
        raise _unknown(file, f"it is not valid JSON: {error}") from None
    return value


def _as_json(value: Any, before: bytes | None) -> bytes:
    """Return value as JSON the way Obsidian writes it: indented by two, and without a last newline.

    before: the file's old bytes; if they end with a newline, so does the result.
    """
    text = json.dumps(value, ensure_ascii=False, indent=2)
    end = b"\n" if before and before.endswith(b"\n") else b""
    # half a surrogate pair becomes its escape, as JSON.stringify has it
    return text.encode("utf-8", "backslashreplace") + end


def _unknown(file: Path, why: str) -> UsageError:
    return UsageError(
        f"{file}: {why}. Nothing was written; correct the file, or remove it to reset its settings"
    )


def _read(root: Path, file: Path) -> bytes | None:
    """Return the bytes of a file in the vault at root; None if it does not exist."""
    if not Path(os.path.realpath(file)).is_relative_to(root):
        raise UsageError(
            f"{file} leads out of the vault by a symbolic link, and is not followed; put the"
            " folder itself there, or install the plugin where it leads"
        )
    return read_if_there(file)
