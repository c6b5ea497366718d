"""What was changed in the notes, and how it is taken back."""

from __future__ import annotations

import unicodedata
from contextlib import suppress
from typing import NamedTuple

from companion.daemon.notes import resolve_path
from companion.daemon.offers import Offers
from companion.daemon.runs import Offer
from companion.daemon.seen import Seen
from companion.enrich.run import new_run
from companion.enrich.workspace import Workspace
from companion.errors import NoteError, UsageError
from companion.note.edit import apply_edits
from companion.note.editor import require_utf8
from companion.vault.inverse import find_parts_in_editor
from companion.vault.journal import Change
from companion.vault.moves import locate_note
from companion.vault.undo import Undone, require_made, undo_change, undo_of
from companion.vault.write import read_note


class UndoOffer(NamedTuple):
    """An offer to take a change back. left: what of it stays, and reason: why; see Undone."""

    offer: Offer
    left: list[str]
    reason: str


class History:
    """The changes of one vault. From any thread."""

    def __init__(self, space: Workspace, offers: Offers, seen: Seen) -> None:
        self._space = space
        self._offers = offers
        self._seen = seen

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

    def undo(self, change: Change, run: str | None = None) -> Undone:
        """Take the change back; what was edited of it stays. Raises NoteError."""
        undone = undo_change(self._space.root, self._space.journal, change, run or new_run())
        with suppress(NoteError):
            snapshot = read_note(self._space.root, undone.path, settle=0)
            self._seen.wrote(undone.path, snapshot.data.decode("utf-8"))
        return undone

    def offer_undo(self, change: Change, text: str) -> UndoOffer:
        """Return the edits that take the change out of a text in an editor. Raises NoteError."""
        require_utf8(text)
        require_made(change)
        change = locate_note(self._space.root, self._space.journal, change)
        inverse = find_parts_in_editor(self._space.journal, change, text)
        undo, after = undo_of(change, inverse, new_run()), apply_edits(text, inverse.edits)
        offer = self._offers.make(f"change {change.id}", undo, text, after)
        return UndoOffer(offer, inverse.left, inverse.reason)

    def confirm_undo(self, change: Change, base_sha256: str, new_sha256: str) -> int:
        """Return the id of the undo, journaled, that the client made. Raises UsageError."""
        return self._offers.confirm(f"change {change.id}", base_sha256, new_sha256)
