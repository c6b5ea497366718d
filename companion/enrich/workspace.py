"""An open vault: its settings, prompts, privacy rules, index and journal, after recovery."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property, partial
from hashlib import sha256
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from companion import __version__
from companion.config import Config, state_folder
from companion.enrich.settings import Reader, SettingsSource, SettingsUnusable, VaultSettings
from companion.errors import NoteError
from companion.llm.errors import Cancelled
from companion.note.facts import FACTS_VERSION, Facts, find_facts, read_facts
from companion.note.needs import Rules
from companion.note.note import ParsedNote
from companion.private_files import keep_private, make_private_folder
from companion.prompts import Prompts
from companion.store.journal import Journal
from companion.store.moves import follow_moves
from companion.store.recovery import Recovered, confirm_made_offers, recover
from companion.vault.files import (
    NoteFile,
    is_gone,
    is_vault_there,
    read_file,
    skip_reason,
    stat_note,
)
from companion.vault.ignore import IgnoreRules
from companion.vault.index import Index
from companion.vault.notes import Scan
from companion.vault.write import read_note

if TYPE_CHECKING:
    from companion.enrich.context.vault_context import VaultContext

LEFT_ALONE = "the note is left alone now"
_BROKEN_LOOK = 1.0  # seconds between two checks of broken settings
_LOST_SECONDS = 600.0  # for which a note must be missing before it counts as deleted


AttemptBasis = tuple[NoteFile | None, int]
"""What the outcome of an attempt to fill a note depends on: its file, and the settings' version."""


@dataclass
class Workspace:
    """One opened vault. root: its folder, resolved. state: the folder of its journal and index.

    source: the vault's settings as its files have them. recovered: what an interrupted run left
    unfinished, and what happened to it. reader: where the model that reads the notes runs; None:
    where the configured one does. find_context: returns the names and vocabularies of the vault;
    None: from a new scan.
    """

    root: Path
    state: Path
    source: SettingsSource
    journal: Journal
    recovered: list[Recovered] = field(default_factory=list)
    reader: Reader | None = None
    find_context: Callable[[], VaultContext] | None = None
    _lost: dict[str, float] = field(default_factory=dict, init=False)  # since when, by path

    @property
    def settings(self) -> VaultSettings:
        """The settings as last read from the files; see refresh."""
        own = self.source.current
        return own.for_reader[self.reader] if self.reader else own

    def refresh(self) -> VaultSettings:
        """Return the settings as the files have them now. Takes microseconds unless one changed.

        Raises SettingsUnusable while a file is broken.
        """
        self.source.refresh()
        return self.settings

    def wait_for_settings(self, cancelled: Event) -> VaultSettings:
        """Return what refresh does, once no settings file is broken.

        Raises Cancelled if the work is stopped first.
        """
        while True:
            try:
                return self.refresh()
            except SettingsUnusable as error:
                if cancelled.wait(_BROKEN_LOOK):
                    raise Cancelled(f"The work was stopped while it waited: {error}") from None

    @property
    def config(self) -> Config:
        """The configuration, as last read."""
        return self.settings.config

    @property
    def prompts(self) -> Prompts:
        """The prompts, as last read."""
        return self.settings.prompts

    @property
    def rules(self) -> Rules:
        """The rules that select notes, as last read."""
        return self.settings.rules

    @property
    def ignore(self) -> IgnoreRules:
        """The rules that leave files alone, as last read."""
        return self.settings.ignore

    def is_current(self, scan: Scan) -> bool:
        """Return whether a scan of this vault was made with the settings as last read."""
        return scan.basis in (None, self.source.current.scan_basis)

    def context(self) -> VaultContext:
        """Return the names and the vocabularies of the vault."""
        if self.find_context is None:
            from companion.enrich.context.vault_context import VaultContext

            context = VaultContext(self.scan())
            self.find_context = lambda: context
        return self.find_context()

    def scan(self, progress: Callable[[int, int], None] | None = None) -> Scan:
        """Return the facts of every note of the vault; only changed files are read again.

        The journal's records of a moved note move with it.

        Not for several threads at once. Raises SettingsUnusable.
        """
        self.refresh()
        settings = self.source.current.scan_basis
        rules = repr((__version__, FACTS_VERSION, self.rules, self.ignore))
        fingerprint = sha256(rules.encode("utf-8", "surrogateescape")).hexdigest()
        scan = self._index.scan(self.root, self.ignore, self._examine, fingerprint, progress)
        follow_moves(self.root, self.journal, scan.files)
        if self.reader is None:  # for another one, other notes are private
            self._forget_lost(scan)
        scan.basis = settings
        return scan

    def read_note(self, path: str) -> ParsedNote:
        """Return the note at path as it is now. Raises NoteError."""
        return ParsedNote.decode(read_note(self.root, path, settle=0).data)

    def read_source(self, file: NoteFile) -> ParsedNote | None:
        """Return a note whose text other notes may be told, as it is now.

        None if it is left alone or private now, or has changed. Nothing that is private may be
        shown in another note, whichever model is asked: the answer goes into a note that another
        model may read.
        """
        try:
            if skip_reason(self.root, file.path, self.ignore) or self.ignore.is_private(file.path):
                return None
            data = read_file(f"{self.root}/{file.path}", file.size)
            if data is None:
                return None
            parsed = ParsedNote.decode(data)
            facts = find_facts(parsed, self.rules)
        except (OSError, NoteError):
            return None
        return None if facts.skipped is not None or facts.marks else parsed

    def attempt_basis(self, path: str) -> AttemptBasis:
        """Return what an attempt on the note that begins now depends on."""
        return stat_note(self.root, path), self.settings.version

    def _forget_lost(self, scan: Scan) -> None:
        """Delete the proposals for notes that were deleted, and all text of excluded ones.

        Those of a note stay for the first minutes in which it is missing: sync clients delete a
        note and write it again.
        """
        proposal_paths, changed_paths = self.journal.proposals.paths(), self.journal.changed_paths()
        now = time.monotonic()
        missing = [path for path in proposal_paths if self._is_lost(path, scan)]
        self._lost = {path: self._lost.get(path, now) for path in missing}
        lost = [path for path, since in self._lost.items() if now - since >= _LOST_SECONDS]
        excluded = [
            path for path in {*proposal_paths, *changed_paths} if self._is_excluded(path, scan)
        ]
        for paths, reason in ((lost, "the note was deleted"), (excluded, LEFT_ALONE)):
            if paths:
                self.journal.proposals.forget(paths, reason, "need", to="closed")
        if excluded:
            self.journal.delete_texts(excluded)

    def _is_lost(self, path: str, scan: Scan) -> bool:
        if path in scan.notes or path in scan.skipped or self.ignore.path_reason(path):
            return False
        with suppress(OSError):  # its drive may come back
            return is_vault_there(self.root) and is_gone(self.root, path)
        return False

    def _is_excluded(self, path: str, scan: Scan) -> bool:
        """Return whether the note is private or ignored, by its path or by what it says."""
        if path not in scan.notes:
            return bool(self.ignore.path_reason(path))
        return (facts := scan.notes.skipped(path)) is not None and facts.is_excluded

    @cached_property
    def _index(self) -> Index:
        return Index(self.state / "index.sqlite3")

    def _examine(self, path: str, data: bytes) -> Facts:
        return read_facts(data, self.rules)


@contextmanager
def open_workspace(
    config: Config | None,
    root: Path,
    *,
    reader: Reader | None = None,
) -> Iterator[Workspace]:
    """Open the vault at root, after recovering from an interrupted run.

    Other processes may have it open, too. config: applies until a settings file changes; None: read
    the files. reader: as in Workspace.

    Raises UsageError (settings, prompts), VaultLocked, JournalError.
    """
    state = state_folder(root)
    keep_private(state)
    opened = partial(Workspace, root, state, SettingsSource(root, config), reader=reader)
    make_private_folder(state)
    with Journal(state / "journal.sqlite3") as journal:
        recovered = list[Recovered]()
        journal.recover = lambda: recovered.extend(recover(root, journal, state / "torn"))
        if journal.pending():
            with journal.writing():
                pass  # what a crash left is settled first
        confirm_made_offers(root, journal)
        yield opened(journal, recovered=recovered)
