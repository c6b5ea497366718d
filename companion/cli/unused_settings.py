"""Settings in [ignore] and [private] that match no note of the vault: slips, as a rule."""

from __future__ import annotations

from pathlib import Path

from companion.cli.output import Output
from companion.config import Config
from companion.enrich.workspace import Workspace
from companion.note.exclusions import property_mark, tag_mark
from companion.vault.ignore import OWN_FOLDER, IgnoreRules
from companion.vault.index import Scan
from companion.vault.paths import has_folder

_UNUSED = "it keeps no note back"


def warn_of_unused_folders(workspace: Workspace, output: Output) -> None:
    """Warn of each folder that settings or prompts name and the vault does not have."""
    for sentence in find_unused_folders(workspace.config, workspace.root):
        output.warn(sentence)
    for folder in workspace.prompts.by_folder:
        if not has_folder(workspace.root, folder):
            output.warn(
                f"{OWN_FOLDER}/prompts has prompts for {folder}, and the vault has no such folder"
            )


def find_unused_folders(config: Config, root: Path) -> list[str]:
    """Return a sentence for each folder in [ignore] or [private] that the vault does not have."""
    return [
        f"[{table}] folders names {folder}, and the vault has no such folder: {_UNUSED}"
        for table, settings in (("ignore", config.ignore), ("private", config.private))
        for folder in settings.folders
        if not has_folder(root, folder)
    ]


def warn_of_unused_marks(workspace: Workspace, scan: Scan, output: Output) -> None:
    """Warn of each tag, property and pattern in the configuration that no note has."""
    for sentence in find_unused_marks(workspace.config, scan):
        output.warn(sentence)


def find_unused_marks(config: Config, scan: Scan) -> list[str]:
    """Return a sentence for each tag, property or pattern that no note in the scan has."""
    in_use = scan.marks() if count_marks(config) else set()
    nobody = f"and no note that is looked at has it: {_UNUSED}"
    sentences: list[str] = []
    for name, table in (("ignore", config.ignore), ("private", config.private)):
        for tag in table.tags:
            if tag_mark(tag) not in in_use:
                sentences.append(f"[{name}] tags names #{tag}, {nobody}")
        for key, value in table.properties.items():
            if property_mark(key, value) not in in_use:
                sentences.append(f"[{name}] properties names {key}: {value}, {nobody}")
    for glob in config.ignore.patterns:
        # matched as a folder: a pattern may skip one as a whole
        rules = IgnoreRules(patterns=(glob,))
        if not any(map(rules.folder_reason, (*scan.notes, *scan.skipped))):
            sentences.append(
                f"[ignore] patterns has {glob}, and no note that is looked at matches it: {_UNUSED}"
            )
    return sentences


def count_marks(config: Config) -> int:
    """Return how many tags, properties and patterns [ignore] and [private] name."""
    tables = (config.ignore, config.private)
    marks = sum(len(table.tags) + len(table.properties) for table in tables)
    return marks + len(config.ignore.patterns)
