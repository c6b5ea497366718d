"""What was changed in the notes, and how it is taken back."""

from __future__ import annotations

import threading
import time
import unicodedata
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from companion.daemon.client_edits import ClientEditJournal, ClientEdits
from companion.daemon.fingerprints import Fingerprints
from companion.daemon.open_notes import PATIENCE, RequestedEdit
from companion.daemon.presence import Presence, fold_path
from companion.daemon.queries import resolve_path
from companion.enrich.run import new_run
from companion.enrich.workspace import Workspace
from companion.errors import NoteBusy, NoteError, UsageError
from companion.note.edit import apply_edits
from companion.note.editor_text import require_utf8
from companion.vault.inverse import find_parts_in_editor
from companion.vault.journal import Change
from companion.vault.moves import locate_note
from companion.vault.undo import Undone, require_made, undo_change, undo_of
from companion.vault.write import read_note

_WAITERS = 2  # of the server's threads may wait for an editor; whoever comes then is refused
_LOOK = 0.5  # seconds between two looks whether the note is still open


@dataclass
class _PendingUndo:
    """An undo that an editor is to make, for a run. over: it made it, or said why it cannot.

    left, reason: as of the edits that it got; see Undone.
    """

    change: Change
    run: str
    over: threading.Event = field(default_factory=threading.Event)
    made: int | None = None
    error: NoteError | None = None
    left: Sequence[str] = ()
    reason: str = ""


class UndoEdits(NamedTuple):
    """An offer to take a change back. left: what of it stays, and reason: why; see Undone."""

    offer: ClientEdits
    left: list[str]
    reason: str


class History:
    """The changes of one vault. From any thread."""

    def __init__(
        self,
        space: Workspace,
        offers: ClientEditJournal,
        fingerprints: Fingerprints,
        presence: Presence,
    ) -> None:
        self._space = space
        self._client_edits = offers
        self._fingerprints = fingerprints
        self._presence = presence
        self._waiting: dict[int, _PendingUndo] = {}  # by the change that is to be taken back
        self._places = threading.BoundedSemaphore(_WAITERS)
        self._stopping = False

    def stop(self) -> None:
        """Wait for no editor any more."""
        self._stopping = True
        for waiting in list(self._waiting.values()):
            waiting.over.set()

    def page(
        self, path: str | None, run: str | None, before: int | None, limit: int
    ) -> list[Change]:
        """Return changes, newest first. path: of a note, in any spelling, which may be gone."""
        found: list[Change] = []
        for spelled in [None] if path is None else self._spellings(path):
            found = found or self._space.journal.changes(spelled, run, limit, before)
        return found

    def _spellings(self, path: str) -> list[str]:
        """Return what the journal may have as the path: as it is on the disk, if it is there."""
        try:
            return [resolve_path(self._space.root, path)]
        except UsageError:
            return [path, *(unicodedata.normalize(form, path) for form in ("NFC", "NFD"))]

    def find(self, number: int) -> Change | None:
        """Return the change of that id."""
        return self._space.journal.change(number)

    def texts(self, change: Change) -> tuple[str, str] | None:
        """Return the note before and after the change; None when its images were pruned."""
        images = self._space.journal.images(change.id)
        return images and (images[0].decode("utf-8"), images[1].decode("utf-8"))

    def undo(self, change: Change, run: str | None = None, *, even_open: bool = False) -> Undone:
        """Take the change back; what was edited of it stays.

        In a note that is open its editor does it, unless even_open. Raises NoteError.
        """
        if change.state == "done" and not even_open:
            change = locate_note(self._space.root, self._space.journal, change)
            if self._presence.is_open(change.path):
                undone = self._undo_in_editor(_PendingUndo(change, run or new_run()))
                if undone is not None:
                    return undone
        undone = undo_change(self._space.root, self._space.journal, change, run or new_run())
        with suppress(NoteError):
            snapshot = read_note(self._space.root, undone.path, settle=0)
            self._fingerprints.record_write(undone.path, snapshot.data.decode("utf-8"))
        self._tell_waiting(change, undone.change)
        return undone

    def prepare_undo(self, change: Change, text: str) -> UndoEdits:
        """Return the edits that take the change out of a text in an editor. Raises NoteError."""
        waiting = self._waiting.get(change.id)
        try:
            offer = self._offer_undo(change, text, waiting.run if waiting else new_run())
        except NoteError as error:
            if waiting:
                waiting.error = error
                waiting.over.set()
            raise
        if waiting:
            waiting.left, waiting.reason = offer.left, offer.reason
        return offer

    def confirm_undo(self, change: Change, base_sha256: str, new_sha256: str) -> int:
        """Return the id of the undo, journaled, that the client made. Raises UsageError."""
        made = self._client_edits.confirm(f"change {change.id}", base_sha256, new_sha256)
        self._tell_waiting(change, made)
        return made

    def asked(self, paths: Iterable[str]) -> list[RequestedEdit]:
        """Return what is to be taken back in these notes, whose paths a client spells so."""
        by_path = {fold_path(each.change.path): each for each in list(self._waiting.values())}
        found = ((path, by_path.get(fold_path(path))) for path in paths)
        return [RequestedEdit(path, change=each.change.id) for path, each in found if each]

    def _undo_in_editor(self, waiting: _PendingUndo) -> Undone | None:
        """Return what an editor took back; None when the note is not open any more.

        Raises NoteError: it cannot be made, or nobody made it in time.
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
        made = waiting.made or self._find_undo(waiting.change)
        if made is None:
            raise NoteBusy(_OPEN, path)
        return Undone(made, path, list(waiting.left), waiting.reason)

    def _find_undo(self, change: Change) -> int | None:
        """Return what took the change back since it was read, if its confirmation got lost."""
        found = self.find(change.id)
        return found.undone_by if found and found.undone_by != change.undone_by else None

    def _tell_waiting(self, change: Change, made: int) -> None:
        if waiting := self._waiting.get(change.id):
            waiting.made = made
            waiting.over.set()

    def _offer_undo(self, change: Change, text: str, run: str) -> UndoEdits:
        require_utf8(text)
        require_made(change)
        change = locate_note(self._space.root, self._space.journal, change)
        inverse = find_parts_in_editor(self._space.journal, change, text)
        undo, after = undo_of(change, inverse, run), apply_edits(text, inverse.edits)
        offer = self._client_edits.prepare(f"change {change.id}", undo, text, after)
        return UndoEdits(offer, inverse.left, inverse.reason)


_OPEN = (
    f"open in Obsidian, where nobody took it back within {PATIENCE:.0f} s; undo it there, or close "
    "it there and try again"
)
