"""Edits that editors get for the text that they show: on the disk before, confirmed, or settled."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from companion.enrich.workspace import Workspace
from companion.errors import UsageError
from companion.note.edit import apply_edits
from companion.note.editor_text import Utf16Edit, to_utf16
from companion.store.change import Change, NewChange
from companion.store.inverse import find_parts_in_editor
from companion.store.moves import locate_note
from companion.store.outbox_row import TextHashes
from companion.store.recover import confirm_made_offers
from companion.store.undo import make_undo, require_made


class ClientEdits(NamedTuple):
    """Edits for an editor to make. Offsets count UTF-16 code units of the text before.

    base_sha256, new_sha256: hashes of the text before and after, encoded as UTF-8.
    """

    edits: Sequence[Utf16Edit]
    base_sha256: str
    new_sha256: str


class EditsInPart(NamedTuple):
    """Edits that may leave something. left: what of a change stays, and reason: why; see Undone."""

    edits: ClientEdits
    left: list[str]
    reason: str


class EditorEdits:
    """The edits that editors of one vault's notes get. Safe to use from any thread."""

    def __init__(self, space: Workspace) -> None:
        self._space = space
        self._store = space.journal.outbox

    def offer(
        self,
        row: int,
        change: NewChange,
        before: str,
        after: str,
        reason: str = "",
        deadline: float = 0.0,
    ) -> ClientEdits:
        """Return the edits of a change that a client may make, once they are on the disk.

        row: the id of the row whose edits they are. reason, deadline: as in OutboxStore.offer.
        The offsets of change.edits count characters of `before`. Raises JournalError.
        """
        old, new = before.encode("utf-8"), after.encode("utf-8")
        hashes = self._store.offer(row, change, old, new, reason, deadline)
        return ClientEdits(to_utf16(before, change.edits), *hashes)

    def confirm(
        self, row: int, base_sha256: str, new_sha256: str, moved_to: str | None = None
    ) -> int:
        """Record that a client made the edits; return the id of the change in the journal.

        A second call returns the same id. moved_to: the note's present path, if it was moved.

        Raises UsageError if there were no such edits, and JournalError.
        """
        number = self._store.confirm(row, TextHashes(base_sha256, new_sha256), moved_to)
        if number is None:
            raise UsageError(
                "no edits were offered that make this text of that one; ask for them again"
            )
        return number

    def settle(self, paths: Collection[str] | None = None) -> None:
        """Record edits that clients made without confirming them. paths: the notes; None: all."""
        confirm_made_offers(self._space.root, self._space.journal, paths)

    def offer_undo(self, change: Change, text: str, row: int, run: str) -> EditsInPart:
        """Return the edits that undo the change in a text in an editor.

        row: as in offer. run: that the undo belongs to. Raises NoteError.
        """
        require_made(change)
        change = locate_note(self._space.root, self._space.journal, change)
        inverse = find_parts_in_editor(self._space.journal, change, text)
        undo = make_undo(change, inverse, run)
        after = apply_edits(text, inverse.edits)
        edits = self.offer(row, undo, text, after, inverse.reason)
        return EditsInPart(edits, inverse.remaining, inverse.reason)
