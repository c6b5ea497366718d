"""What was changed in the notes, and how it is taken back."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from companion.daemon.offers import Offers
from companion.daemon.open_notes import PATIENCE, Asked
from companion.daemon.presence import Presence, fold_path
from companion.daemon.runs import Offer
from companion.daemon.seen import Seen
from companion.enrich.run import new_run
from companion.enrich.workspace import Workspace
from companion.errors import NoteBusy, NoteError, NoteRefused
from companion.note.edit import apply_edits
from companion.note.editor import require_utf8
from companion.vault.journal import Change, NewChange
from companion.vault.undo import find_inverse_in_editor, undo_change
from companion.vault.write import read_note

_WAITERS = 2  # of the server's threads may wait for an editor; whoever comes then is refused
_LOOK = 0.5  # seconds between two looks whether the note is still open


@dataclass
class _Waiting:
    """An undo that an editor is to make, for a run. over: it made it, or said why it cannot."""

    change: Change
    run: str
    over: threading.Event = field(default_factory=threading.Event)
    made: int | None = None
    error: NoteError | None = None


class History:
    """The changes of one vault. From any thread."""

    def __init__(self, space: Workspace, offers: Offers, seen: Seen, presence: Presence) -> None:
        self._space = space
        self._offers = offers
        self._seen = seen
        self._presence = presence
        self._waiting: dict[int, _Waiting] = {}  # by the change that is to be taken back
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
        """Return changes, newest first."""
        return self._space.journal.changes(path, run, limit, before)

    def find(self, number: int) -> Change | None:
        """Return the change of that id."""
        return self._space.journal.change(number)

    def texts(self, change: Change) -> tuple[str, str] | None:
        """Return the note before and after the change; None when its images were pruned."""
        images = self._space.journal.images(change.id)
        return images and (images[0].decode("utf-8"), images[1].decode("utf-8"))

    def undo(self, change: Change, run: str | None = None, *, even_open: bool = False) -> int:
        """Return the id of the change that took this one back.

        In a note that is open its editor does it, unless even_open. Raises NoteError.
        """
        if change.state == "done" and not even_open and self._presence.is_open(change.path):
            made = self._undo_in_editor(_Waiting(change, run or new_run()))
            if made is not None:
                return made
        number = undo_change(self._space.root, self._space.journal, change, run or new_run())
        with suppress(NoteError):
            snapshot = read_note(self._space.root, change.path, settle=0)
            self._seen.wrote(change.path, snapshot.data.decode("utf-8"))
        self._tell_waiting(change, number)
        return number

    def offer_undo(self, change: Change, text: str) -> Offer:
        """Return the edits that take the change out of a text in an editor. Raises NoteError."""
        waiting = self._waiting.get(change.id)
        try:
            return self._offer_undo(change, text, waiting.run if waiting else new_run())
        except NoteError as error:
            if waiting:
                waiting.error = error
                waiting.over.set()
            raise

    def confirm_undo(self, change: Change, base_sha256: str, new_sha256: str) -> int:
        """Return the id of the undo, journaled, that the client made. Raises UsageError."""
        made = self._offers.confirm(f"change {change.id}", base_sha256, new_sha256)
        self._tell_waiting(change, made)
        return made

    def asked(self, paths: Iterable[str]) -> list[Asked]:
        """Return what is to be taken back in these notes, whose paths a client spells so."""
        by_path = {fold_path(each.change.path): each for each in list(self._waiting.values())}
        found = ((path, by_path.get(fold_path(path))) for path in paths)
        return [Asked(path, change=each.change.id) for path, each in found if each]

    def _undo_in_editor(self, waiting: _Waiting) -> int | None:
        """Return the id of the undo that an editor made; None when the note is not open any more.

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
        found = self.find(waiting.change.id)  # whose confirmation may have got lost
        made = waiting.made or (found.undone_by if found else None)
        if made is None:
            raise NoteBusy(_OPEN, path)
        return made

    def _tell_waiting(self, change: Change, made: int) -> None:
        if waiting := self._waiting.get(change.id):
            waiting.made = made
            waiting.over.set()

    def _offer_undo(self, change: Change, text: str, run: str) -> Offer:
        require_utf8(text)
        if change.state != "done":
            by = f" by change {change.undone_by}" if change.undone_by else ""
            reason = "was taken back already" + by if change.state == "undone" else "is not made"
            raise NoteRefused(f"change {change.id} {reason}", change.path)
        edits = find_inverse_in_editor(self._space.journal, change, text)
        undo = NewChange(run, change.path, "undo", edits, undoes=change.id)
        return self._offers.make(f"change {change.id}", undo, text, apply_edits(text, edits))


_OPEN = (
    f"open in Obsidian, where nobody took it back within {PATIENCE:.0f} s; undo it there, or close "
    "it there and try again"
)
