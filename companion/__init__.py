"""Callout Companion: fills AI callouts and empty properties of Obsidian notes, to the byte."""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from companion.python_api import Vault

__version__ = "0.3.0"


def open_vault(path: str | PathLike[str]) -> Vault:
    """Return the vault in the folder at path, with its settings; see companion.python_api.

    Raises companion.errors.UsageError if there is no such folder.
    """
    from companion.python_api import Vault  # not for those who only ask for the version

    return Vault.at(path)
