"""What the configuration keeps notes back by, and no note has: a slip, as a rule."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from companion.cli.output import Show
from companion.config import Config
from companion.config.settings import IgnoreTable, PrivateTable
from companion.enrich.workspace import Workspace
from companion.note.exclusions import property_mark, tag_mark
from companion.vault.ignore import IgnoreRules
from companion.vault.index import Scan
from companion.vault.paths import has_folder

_IN_VAIN = "it keeps no note back"


def warn_of_folders(workspace: Workspace, show: Show) -> None:
    """Say which folders the configuration names that are not in the vault."""
    for missing in find_missing_folders(workspace.config, workspace.root):
        show.warn(missing)


def find_missing_folders(config: Config, root: Path) -> list[str]:
    """Return a sentence for each folder that [ignore] or [private] names in vain."""
    named = {"ignore": config.ignore.folders, "private": config.private.folders}
    return [
        f"[{table}] folders names {folder}, and the vault has no such folder: {_IN_VAIN}"
        for table, folders in named.items()
        for folder in folders
        if not has_folder(root, folder)
    ]


def warn_of_marks(workspace: Workspace, scan: Scan, show: Show) -> None:
    """Say which tags, properties and patterns of the configuration are those of no note."""
    for missing in find_missing_marks(workspace.config, scan):
        show.warn(missing)


def find_missing_marks(config: Config, scan: Scan) -> list[str]:
    """Return a sentence for each tag, property or pattern that keeps no note back."""
    found = scan.marks() if count_marks(config) else set()
    marks = [mark for table in _marking(config) for mark in _marks(*table)]
    return [said for mark, said in marks if mark not in found] + [
        f"[ignore] patterns has {glob}, and no note that is looked at matches it: {_IN_VAIN}"
        for glob in config.ignore.patterns
        if not _matches_any(glob, scan)
    ]


def count_marks(config: Config) -> int:
    """Return how many tags, properties and patterns [ignore] and [private] name."""
    marks = sum(len(table.tags) + len(table.properties) for _, table in _marking(config))
    return marks + len(config.ignore.patterns)


def _matches_any(glob: str, scan: Scan) -> bool:
    rules = IgnoreRules(patterns=(glob,))  # asked about folders: one may be skipped as a whole
    return any(map(rules.folder_reason, (*scan.notes, *scan.skipped)))


def _marking(config: Config) -> list[tuple[str, IgnoreTable | PrivateTable]]:
    return [("ignore", config.ignore), ("private", config.private)]


def _marks(name: str, table: IgnoreTable | PrivateTable) -> Iterator[tuple[str, str]]:
    """Yield each mark that the table names, and what to say where no note has it."""
    end = f"and no note that is looked at has it: {_IN_VAIN}"
    for tag in table.tags:
        yield tag_mark(tag), f"[{name}] tags names #{tag}, {end}"
    for pair in table.properties.items():
        yield property_mark(*pair), f"[{name}] properties names {': '.join(pair)}, {end}"
