"""An opened vault, recovered: its settings, prompts, rules of what is private, index, journal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from hashlib import sha256
from pathlib import Path
from typing import Literal

from companion import __version__
from companion.config import Config, config_folder, state_folder
from companion.errors import NoteError, UsageError
from companion.note.facts import FACTS_VERSION, UNKNOWN, Facts, find_facts, read_facts
from companion.note.needs import CALLOUT, DESCRIPTION, Rules
from companion.note.parsed_note import ParsedNote
from companion.note.text import NoteText
from companion.private_files import keep_private
from companion.prompts import Prompts, find_field, load_prompts
from companion.vault.files import NoteFile, is_gone, is_vault_there, read_file, skip_reason
from companion.vault.ignore import OWN_FOLDER, IgnoreRules
from companion.vault.index import Index, Scan
from companion.vault.journal import Journal
from companion.vault.lock import vault_lock
from companion.vault.moves import follow_moves
from companion.vault.obsidian import read_obsidian_settings
from companion.vault.recover import Recovered, confirm_made_offers, recover

Reader = Literal["here", "elsewhere"]
"""Where the model runs that reads the notes: on this machine, or not."""

LEFT_ALONE = "the note is left alone now"


@dataclass
class Workspace:
    """One opened vault. root: its folder, resolved. state: the folder of its journal and index.

    ignore: what is left alone, by Obsidian's settings as they were last read. recovered: what an
    interrupted run had left unfinished, and what became of it. read_only: nothing is written into
    the journal. reader: where the model runs that reads the notes, if not where the configured one
    does.
    """

    root: Path
    state: Path
    config: Config
    prompts: Prompts
    rules: Rules
    ignore: IgnoreRules
    journal: Journal
    recovered: list[Recovered] = field(default_factory=list)
    read_only: bool = False
    reader: Reader | None = None
    _lost: set[str] | None = None

    def read_ignore(self) -> None:
        """Read Obsidian's settings again. Raises UsageError when they cannot be understood."""
        self.ignore = replace(self.ignore, obsidian=read_obsidian_settings(self.root))

    def scan(self, progress: Callable[[int, int], None] | None = None) -> Scan:
        """Return the facts of every note of the vault; only changed files are read again.

        What the journal keeps of a note follows it when it was moved.

        Not for several threads at once, nor while rescan is at work.
        """
        known = repr((__version__, FACTS_VERSION, self.rules, self.ignore))
        fingerprint = sha256(known.encode("utf-8", "surrogateescape")).hexdigest()
        found = self._index.scan(self.root, self.ignore, self._examine, fingerprint, progress)
        follow_moves(self.root, self.journal, found.files)
        if not self.read_only and self.reader is None:  # by which other notes are private
            self._forget_lost(found)
        return found

    def rescan(self, scan: Scan, paths: Iterable[str]) -> set[str]:
        """Update the facts of these notes in the last scan, and return the paths that changed.

        paths: vault-relative, with `/`, as on the disk; of notes that may be new, changed or gone.
        """
        paths = list(paths)
        changed = self._index.refresh(self.root, self.ignore, self._examine, scan, paths)
        follow_moves(self.root, self.journal, scan.files, paths)
        return changed

    def read_again(
        self, file: NoteFile, *, is_remote: bool = False
    ) -> tuple[ParsedNote, Facts] | None:
        """Return a note of the scan as it is now; None if it is left alone now, or was changed.

        is_remote: it is read for another machine, as well.
        """
        rules, ignore = self.rules, self.ignore
        if is_remote:
            rules, ignore = replace(rules, is_remote=True), replace(ignore, is_remote=True)
        try:
            if skip_reason(self.root, file.path, ignore):
                return None
            data = read_file(f"{self.root}/{file.path}", file.size)
            if data is None:
                return None
            parsed = ParsedNote(NoteText.decode(data))
            facts = find_facts(parsed, rules)
        except (OSError, NoteError):
            return None
        return None if facts.skipped is not None else (parsed, facts)

    def _forget_lost(self, scan: Scan) -> None:
        """Delete what was proposed for notes that were deleted, or are private or ignored now.

        What belongs to a note that is missing for the first time stays until the next scan: sync
        clients delete a note and write it again.
        """
        lost: list[str] = []
        excluded: list[str] = []
        for path in self.journal.proposals.paths():
            if path not in scan.notes:
                if self.ignore.path_reason(path):
                    excluded.append(path)
                elif path not in scan.skipped:
                    with suppress(OSError):  # its drive may come back
                        if is_vault_there(self.root) and is_gone(self.root, path):
                            lost.append(path)
            elif (facts := scan.notes.skipped(path)) and {*facts.marks} - {UNKNOWN}:
                excluded.append(path)
        lost_before, self._lost = self._lost, set(lost)
        if lost_before is not None:
            lost = [path for path in lost if path in lost_before]
        for paths, reason in ((lost, "the note was deleted"), (excluded, LEFT_ALONE)):
            if paths:
                self.journal.proposals.forget(paths, reason, "need", to="closed")

    @cached_property
    def _index(self) -> Index:
        return Index(self.state / "index.sqlite3")

    def _examine(self, path: str, data: bytes) -> Facts:
        return read_facts(data, self.rules)


@contextmanager
def open_workspace(
    config: Config,
    root: Path,
    *,
    read_only: bool = False,
    reader: Reader | None = None,
    patience: float = 0.0,
) -> Iterator[Workspace]:
    """Open the vault at root, and recover first what an interrupted run left behind.

    read_only: take no lock, recover nothing, write nothing into the journal. reader: as in
    Workspace; private notes are left alone where it is elsewhere. patience: seconds to wait for
    another process to be done with the vault.

    Raises UsageError (settings, prompts), VaultLocked, JournalError.
    """
    state = state_folder(root)
    keep_private(state)
    prompts = load_prompts(config_folder() / "prompts", root / OWN_FOLDER / "prompts")
    ignore = replace(config.ignore_rules(), obsidian=read_obsidian_settings(root))
    rules = make_rules(config, prompts)
    if reader is not None:
        ignore = replace(ignore, is_remote=reader == "elsewhere")
        rules = replace(rules, is_remote=reader == "elsewhere")
    opened = partial(Workspace, root, state, config, prompts, rules, ignore, reader=reader)
    if read_only:
        with Journal(state / "journal.sqlite3", read_only=True) as journal:
            yield opened(journal, read_only=True)
        return
    with vault_lock(state, patience), Journal(state / "journal.sqlite3") as journal:
        recovered = recover(root, journal, state / "torn")
        confirm_made_offers(root, journal)
        journal.batches.cancel_unfinished()
        yield opened(journal, recovered=recovered)


def make_rules(config: Config, prompts: Prompts) -> Rules:
    """Return the rules that select notes, and what is filled in them.

    Raises UsageError: notes.fields or review.fields names what no prompt file fills.
    """
    every = list(prompts.all_fields())
    kinds = {field.fills for field in every}
    if unknown := [name for name in config.review.fields if name not in kinds]:
        known = ", ".join(sorted(kinds))
        raise UsageError(
            f"review.fields names {unknown[0]}, which nothing fills; there are: {known}"
        )
    fields = sorted(prompts.fields.values(), key=lambda f: (f.fills != DESCRIPTION, f.fills))
    filled = [each.fills for each in fields]
    if config.notes.fields is not None:  # properties, named as such or by their prompt file
        found = {name: find_field(fields, name) for name in config.notes.fields}
        if unknown := [name for name, field in found.items() if field is None]:
            there = [f.name if f.name == f.fills else f"{f.name} (fills {f.fills})" for f in fields]
            raise UsageError(
                f"notes.fields names {unknown[0]}, but there is no such file in prompts/fields, and"
                f" none fills such a property; there are: {', '.join(there)}"
            )
        filled = list(dict.fromkeys(field.fills for field in found.values() if field))
    triggers = [field.fills for field in fields if field.trigger]
    return Rules(
        fields=tuple(name for name in filled if name != CALLOUT),
        callout=CALLOUT in filled,
        postponed_tags=tuple(tag.removeprefix("#") for tag in config.notes.postponed_tags),
        postponed_properties=tuple(config.notes.postponed_properties.items()),
        skip_tags=config.ignore.tags,
        skip_properties=tuple(config.ignore.properties.items()),
        private_tags=config.private.tags,
        private_properties=tuple(config.private.properties.items()),
        is_remote=config.is_remote,
        never_tags=config.tags.never,
        vocabulary=tuple(sorted({f.fills for f in every if f.vocabulary == "vault"})),
        triggers=tuple(dict.fromkeys([DESCRIPTION, *triggers])),
    )
