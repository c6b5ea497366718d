"""Obsidian's own settings: what it leaves out of a vault, types, and this machine's vaults."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from companion.errors import UsageError

SETTINGS = ".obsidian"
_APP, _TEMPLATES, _TYPES = "app.json", "templates.json", "types.json"
_TEMPLATER = "plugins/templater-obsidian/data.json"
SETTINGS_FILES = (_APP, _TEMPLATES, _TEMPLATER, _TYPES)
"""The files in that folder that read_obsidian_settings reads."""
_NAMED_GROUP = re.compile(r"(?<!\\)\(\?<(?=[A-Za-z_$])")


@dataclass(frozen=True)
class ObsidianSettings:
    """The settings in a vault's `.obsidian` folder that matter here.

    excluded: the "Excluded files" as Obsidian stores them, each the beginning of a path, or a
    regular expression between slashes. templates: pairs of a folder and the plugin whose setting it
    is. link_format: of new links, `shortest`, `relative` or `absolute`. property_types: pairs of a
    casefolded name and Obsidian's word for its type.
    """

    excluded: tuple[str, ...] = ()
    templates: tuple[tuple[str, str], ...] = ()
    link_format: str = "shortest"
    property_types: tuple[tuple[str, str], ...] = ()


def read_obsidian_settings(root: Path) -> ObsidianSettings:
    """Return what the settings of the vault at root say.

    A missing file sets nothing. Raises UsageError, naming the file, if one cannot be read or
    understood: a vault whose exclusions are unknown must not be touched.
    """
    folder = root / SETTINGS
    templates = [
        (_text(folder / _TEMPLATES, "folder"), "Obsidian's settings"),
        (_text(folder / _TEMPLATER, "templates_folder"), "Templater's settings"),
        (_text(folder / _TEMPLATER, "template_folder"), "Templater's settings"),
    ]
    file = folder / _APP
    filters = _settings(file).get("userIgnoreFilters") or []
    if not isinstance(filters, list) or not all(isinstance(entry, str) for entry in filters):
        raise _unknown(file, "userIgnoreFilters is not a list of texts")
    for entry in filter(is_regex, filters):
        try:
            compile_filter(entry)
        except re.error as error:
            why = f"the excluded files' pattern {entry} is not understood ({error})"
            raise _unknown(file, why) from None
    return ObsidianSettings(
        excluded=tuple(entry for entry in filters if entry.strip()),
        templates=tuple((path, whose) for path, whose in templates if path),
        link_format=_text(file, "newLinkFormat") or "shortest",
        property_types=tuple(read_property_types(root).items()),
    )


def read_property_types(root: Path) -> dict[str, str]:
    """Return Obsidian's word for the type of each property, by its casefolded name.

    Raises UsageError, naming the file, if it cannot be read or understood.
    """
    file = root / SETTINGS / _TYPES
    types = _settings(file).get("types") or {}
    if not isinstance(types, dict):
        raise _unknown(file, "types is not a list of properties")
    return {name.casefold(): str(kind) for name, kind in types.items()}


def compile_filter(pattern: str) -> re.Pattern[str]:
    """Return the regular expression of an "Excluded files" entry of the form `/.../`.

    It is JavaScript's in Obsidian, and searched for in the vault-relative path. Named groups, the
    one common difference, are translated. Raises re.error if Python cannot compile it.
    """
    return re.compile(_NAMED_GROUP.sub("(?P<", pattern[1:-1]))


def is_regex(pattern: str) -> bool:
    """Whether an "Excluded files" entry is a regular expression rather than a path's beginning."""
    return len(pattern) > 2 and pattern[0] == pattern[-1] == "/"


def _text(file: Path, key: str) -> str:
    """Return the folder that key sets, without slashes around it; empty if it is not set."""
    value = _settings(file).get(key) or ""
    if not isinstance(value, str):
        raise _unknown(file, f"{key} is not a text")
    return value.strip().strip("/")


def _settings(file: Path) -> dict[str, object]:
    try:
        settings = json.loads(file.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise _unknown(file, error.strerror or str(error)) from None
    except (ValueError, RecursionError) as error:
        raise _unknown(file, f"it is not valid JSON: {error}") from None
    if not isinstance(settings, dict):
        raise _unknown(file, "it holds no settings")
    return settings


def _unknown(file: Path, why: str) -> UsageError:
    what = "which notes Obsidian leaves out"
    if file.name == _TYPES:
        what = "of which types the properties are"
    return UsageError(
        f"{file}: cannot tell {what}: {why}. "
        "Nothing was changed; correct the file, or set this again in Obsidian's settings"
    )


class RegisteredVault(NamedTuple):
    """A vault that Obsidian lists. root: its real path. opened_at: Unix time, milliseconds.

    is_open: whether it was open in Obsidian when the list was written.
    """

    root: Path
    opened_at: int
    is_open: bool


def find_registered_vaults() -> list[RegisteredVault]:
    """Return the vaults that exist, those open in Obsidian first, then by when they were opened.

    They are in the `obsidian.json` of Obsidian's folder of settings
    (https://help.obsidian.md/data-storage; Flatpak and Snap have their own), with `path`, `ts`
    (opened at, milliseconds) and `open`. A list that cannot be read counts as empty.
    """
    vaults: dict[Path, RegisteredVault] = {}
    for file in _lists():
        try:
            listed = json.loads(file.read_bytes())["vaults"].values()
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            continue
        for entry in listed:
            vault = _vault_of(entry) if isinstance(entry, dict) else None
            if vault and not vault.root.is_relative_to(file.parent.resolve()):  # its sandbox
                vaults.setdefault(vault.root, vault)
    return sorted(vaults.values(), key=lambda vault: (not vault.is_open, -vault.opened_at))


def _lists() -> Iterator[Path]:
    """Yield the files that list vaults, for each way to install Obsidian on this system."""
    home = Path.home()
    if sys.platform == "win32":
        folders = [Path(os.environ.get("APPDATA", home / "AppData" / "Roaming"))]
    elif sys.platform == "darwin":
        folders = [home / "Library" / "Application Support"]
    else:
        folders = [
            Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config"),
            home / ".var" / "app" / "md.obsidian.Obsidian" / "config",
            home / "snap" / "obsidian" / "current" / ".config",
        ]
    for folder in folders:
        yield folder / "obsidian" / "obsidian.json"


def _vault_of(entry: dict[str, Any]) -> RegisteredVault | None:
    """Return the vault that an entry names; None if it names none, or one that does not exist."""
    path, opened_at = entry.get("path"), entry.get("ts")
    if not isinstance(path, str) or not path:
        return None
    try:
        root = Path(path).resolve(strict=True)
        if not (root / SETTINGS).is_dir():
            return None
    except (OSError, ValueError, RuntimeError):
        return None
    at = opened_at if isinstance(opened_at, int) else 0
    return RegisteredVault(root, at, entry.get("open") is True)
