"""Undos of changes: by the editor of a note that is open in one, else in the file."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from companion.daemon.client_runs import ClientEditJournal, ClientEdits
from companion.daemon.fingerprints import Fingerprints
from companion.daemon.open_notes import PATIENCE, Presence, RequestedEdit, fold_path
from companion.enrich.run import new_run
from companion.enrich.workspace import Workspace
from companion.errors import NoteBusy, NoteError
from companion.note.edit import apply_edits
from companion.note.editor_text import require_utf8
from companion.store.inverse import find_parts_in_editor
from companion.store.journal import Change
from companion.store.moves import locate_note
from companion.store.undo import Undone, make_undo, require_made, undo_change
from companion.vault.write import read_note

_MAX_WAITING = 2  # of the server's threads may wait for an editor; further undos are refused
_LOOK = 0.5  # seconds between two checks whether the note is still open


@dataclass
class _PendingUndo:
    """An undo that an editor is to make. over: set once it did, or reported that it cannot.

    run: the run that the undo belongs to. left, reason: of the edits that it got; see Undone.
    """

    change: Change
    run: str
    over: threading.Event = field(default_factory=threading.Event)
    made: int | None = None
    error: NoteError | None = None
    left: Sequence[str] = ()
    reason: str = ""


class UndoEdits(NamedTuple):
    """The edits that undo a change. left: what of it stays, and reason: why; see Undone."""

    edits: ClientEdits
    left: list[str]
    reason: str


class Undos:
    """The undos of one vault. Safe to use from any thread."""

    def __init__(
        self,
        space: Workspace,
        client_edits: ClientEditJournal,
        fingerprints: Fingerprints,
        presence: Presence,
    ) -> None:
        self._space = space
        self._client_edits = client_edits
        self._fingerprints = fingerprints
        self._presence = presence
        self._waiting: dict[int, _PendingUndo] = {}  # by the id of the change to be undone
        self._places = threading.BoundedSemaphore(_MAX_WAITING)

    def stop(self) -> None:
        """Stop waiting for editors."""
        for waiting in list(self._waiting.values()):
            waiting.over.set()

    def undo(self, change: Change, run: str | None = None, *, even_open: bool = False) -> Undone:
        """Undo the change, except the parts that were edited since.

        In a note that is open its editor makes the undo, unless even_open. run: that the undo
        belongs to; None: a new one. Raises NoteError if it cannot be undone.
        """
        run = run or new_run()
        if change.state == "done" and not even_open:
            change = locate_note(self._space.root, self._space.journal, change)
            if self._presence.is_open(change.path):
                undone = self._undo_in_editor(_PendingUndo(change, run))
                if undone is not None:
                    return undone
        self._space.refresh()
        undone = undo_change(self._space.root, self._space.journal, change, run)
        with suppress(NoteError):
            snapshot = read_note(self._space.root, undone.path, settle=0)
            self._fingerprints.record_write(undone.path, snapshot.data)
        self._end_waiting(change, undone.change)
        self._find(undone.change)  # a query ends the transaction: other processes see it as done
        return undone

    def prepare_undo(self, change: Change, text: str) -> UndoEdits:
        """Return the edits that undo the change in a text in an editor. Raises NoteError."""
        waiting = self._waiting.get(change.id)
        try:
            require_utf8(text)
            require_made(change)
            change = locate_note(self._space.root, self._space.journal, change)
            inverse = find_parts_in_editor(self._space.journal, change, text)
            undo = make_undo(change, inverse, waiting.run if waiting else new_run())
        except NoteError as error:
            if waiting:
                waiting.error = error
                waiting.over.set()
            raise
        if waiting:
            waiting.left, waiting.reason = inverse.left, inverse.reason
        after = apply_edits(text, inverse.edits)
        edits = self._client_edits.prepare(f"change {change.id}", undo, text, after)
        return UndoEdits(edits, inverse.left, inverse.reason)

    def confirm_undo(self, change: Change, base_sha256: str, new_sha256: str) -> int:
        """Record in the journal that the client made the undo; return the id of its change.

        Raises UsageError if there were no such edits.
        """
        made = self._client_edits.confirm(f"change {change.id}", base_sha256, new_sha256)
        self._end_waiting(change, made)
        return made

    def asked(self, paths: Iterable[str]) -> list[RequestedEdit]:
        """Return the undos that wait for these notes, with paths as the client spells them."""
        by_path = {fold_path(each.change.path): each for each in list(self._waiting.values())}
        found = ((path, by_path.get(fold_path(path))) for path in paths)
        return [RequestedEdit(path, change=each.change.id) for path, each in found if each]

    def _undo_in_editor(self, waiting: _PendingUndo) -> Undone | None:
        """Wait until an editor has made the undo; return None if the note was closed meanwhile.

        Raises NoteError if the undo is impossible, or no editor made it in time.
        """
        path, until = waiting.change.path, time.monotonic() + PATIENCE
        if not self._places.acquire(blocking=False):
            raise NoteBusy(_OPEN, path)
        self._waiting[waiting.change.id] = waiting
        try:
            while not waiting.over.wait(_LOOK) and time.monotonic() < until:
                if not self._presence.is_open(path):
                    return None
        finally:
            self._waiting.pop(waiting.change.id, None)
            self._places.release()
        if waiting.error:
            raise waiting.error
        made, change = waiting.made, waiting.change
        if made is None and (found := self._find(change.id)):  # its confirmation may have got lost
            made = found.undone_by if found.undone_by != change.undone_by else None
        if made is None:
            raise NoteBusy(_OPEN, path)
        return Undone(made, path, list(waiting.left), waiting.reason)

    def _find(self, number: int) -> Change | None:
        return self._space.journal.change(number)

    def _end_waiting(self, change: Change, made: int) -> None:
        if waiting := self._waiting.get(change.id):
            waiting.made = made
            waiting.over.set()


_OPEN = (
    f"open in Obsidian, where nobody took it back within {PATIENCE:.0f} s; undo it there, or close "
    "it there and try again"
)
