"""Names in [ignore], [private] and prompt folders that the vault does not have: probably typos."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from companion.config import Config, config_file
from companion.config.load import first_vault, read_tables, vault_file, vaults_with_settings
from companion.config.settings import IgnoreTable, PrivateTable
from companion.errors import UsageError
from companion.note.exclusions import property_mark, tag_mark
from companion.prompts import Prompts
from companion.vault.ignore import IgnoreRules
from companion.vault.notes import Scan
from companion.vault.paths import has_folder

_UNUSED = "it keeps no note back"


def find_unused(config: Config, prompts: Prompts, root: Path, scan: Scan) -> list[str]:
    """Return a sentence for each name in the vault's own settings that the vault does not have."""
    return [*find_unused_folders(config, root), *find_unused_marks(config, scan)]


def find_unused_folders(config: Config, root: Path) -> list[str]:
    """Return a sentence for each folder in [ignore] or [private] that the vault does not have.

    The common settings may name a folder of any vault, so it is enough if one of them has it.
    """
    return [
        f"{table}.folders names {folder}, but the vault has no such folder: {_UNUSED}"
        for table, settings in (("ignore", config.ignore), ("private", config.private))
        for folder in settings.folders
        if not (has_folder(root, folder) or _is_in_another_vault(root, table, folder))
    ]


def _is_in_another_vault(root: Path, table: str, folder: str) -> bool:
    """Return whether another vault has the folder, and this one's own settings do not name it."""
    try:
        first, own = first_vault(read_tables(config_file())), read_tables(vault_file(root))
        settings = IgnoreTable if table == "ignore" else PrivateTable
        if folder in settings.model_validate(own.get(table, {})).folders:
            return False
    except (UsageError, ValidationError):  # the settings in use are those from before
        return False
    others = {first, *(vault for vault, _ in vaults_with_settings())} - {root}
    return any(other and has_folder(other, folder) for other in others)


def find_unused_marks(config: Config, scan: Scan) -> list[str]:
    """Return a sentence for each tag, property or pattern that no note in the scan has."""
    in_use = scan.marks() if count_marks(config) else set()
    nobody = f"but no note that was read has it: {_UNUSED}"
    sentences: list[str] = []
    for name, table in (("ignore", config.ignore), ("private", config.private)):
        for tag in table.tags:
            if tag_mark(tag) not in in_use:
                sentences.append(f"{name}.tags names #{tag}, {nobody}")
        for key, value in table.properties.items():
            if property_mark(key, value) not in in_use:
                sentences.append(f"{name}.properties names {key}: {value}, {nobody}")
    for glob in config.ignore.patterns:
        # matched as a folder: a pattern may skip one as a whole
        rules = IgnoreRules(patterns=(glob,))
        if not any(map(rules.folder_reason, (*scan.notes, *scan.skipped))):
            sentences.append(
                f"ignore.patterns has {glob}, but no note that was read matches it: {_UNUSED}"
            )
    return sentences


def count_marks(config: Config) -> int:
    """Return how many tags, properties and patterns [ignore] and [private] name."""
    tables = (config.ignore, config.private)
    marks = sum(len(table.tags) + len(table.properties) for table in tables)
    return marks + len(config.ignore.patterns)
