"""Callout Companion: fills AI callouts and empty properties of Obsidian notes, to the byte."""

from __future__ import annotations

from contextlib import AbstractContextManager
from os import PathLike
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from companion.app.vault import Vault

__version__ = "0.3.0"


def open_vault(path: str | PathLike[str]) -> AbstractContextManager[Vault]:
    """Return the vault in the folder at path, with its settings, to be opened by `with`.

    Raises companion.errors.UsageError if there is no such folder.
    """
    from pathlib import Path  # not for those who only ask for the version

    from companion.app.open_vault import open_vault
    from companion.vault.paths import resolve_vault

    return open_vault(resolve_vault(Path(path)))
