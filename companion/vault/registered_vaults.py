"""The vaults that Obsidian itself lists on this machine, in its `obsidian.json`.

The list is in Obsidian's folder of settings, which https://help.obsidian.md/data-storage names for
each system; those of Flatpak and Snap are their own. It has an object for each vault: `path`, `ts`
(when it was opened, in milliseconds) and `open`.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from companion.vault.obsidian import SETTINGS


class RegisteredVault(NamedTuple):
    """A vault that Obsidian lists. root: its real path. is_open: in Obsidian, when it wrote so."""

    root: Path
    opened_at: int
    is_open: bool


def find_registered_vaults() -> list[RegisteredVault]:
    """Return the vaults that exist, those open in Obsidian first, then by when they were opened.

    A list that cannot be read lists none: it only saves the user to name a vault.
    """
    found: dict[Path, RegisteredVault] = {}
    for file in _lists():
        for vault in _read(file):
            found.setdefault(vault.root, vault)
    return sorted(found.values(), key=lambda vault: (not vault.is_open, -vault.opened_at))


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


def _read(file: Path) -> Iterator[RegisteredVault]:
    try:
        listed = json.loads(file.read_bytes())["vaults"].values()
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return
    for entry in listed:
        vault = _vault_of(entry) if isinstance(entry, dict) else None
        if vault and not vault.root.is_relative_to(file.parent.resolve()):  # Obsidian's sandbox
            yield vault


def _vault_of(entry: dict[str, Any]) -> RegisteredVault | None:
    """Return the vault of an entry; None if it has none, or none that is there."""
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
