"""Edits that an open note's editor is to make: the rows of the outbox."""

from __future__ import annotations

from typing import Self

from companion.app import editor_edits
from companion.app.types.base import OfferShape, OrNull, RelativePath, Sent, Sha256, Shape
from companion.store.outbox_row import OutboxRow, RowState


class TextShown(Sent):
    """The text that the editor shows now."""

    text: str


class EditsInPart(Shape):
    """Edits for the text that was sent. Of an undo, left and reason are as in Undone."""

    offer: OfferShape
    left: list[str]
    reason: OrNull

    @classmethod
    def of(cls, edits: editor_edits.EditsInPart) -> Self:
        """Return edits as the outbox gives them."""
        offer = OfferShape.model_validate(edits.edits)
        return cls(offer=offer, left=edits.left, reason=edits.reason)


class RowApplied(Sent):
    """An editor has made the edits of a row: the hashes of the text before and after.

    moved_to: the note's path, if that changed since.
    """

    base_sha256: Sha256
    new_sha256: Sha256
    moved_to: RelativePath | None = None


class OutboxEntry(Shape):
    """What became of edits that an open note's editor is to make, or Companion once it is closed.

    state: `waiting`; `given`, to an editor that has not confirmed them yet; `made`, as this change;
    `withdrawn`, for this reason, and with the code of a problem. Of an undo, left and reason are as
    in Undone.
    """

    id: int
    path: str
    state: RowState
    change: int | None
    left: list[str]
    reason: OrNull
    code: OrNull

    @classmethod
    def of(cls, row: OutboxRow, left: list[str]) -> Self:
        """Return what became of a row. left: what an undo left of its change."""
        names = ("id", "path", "state", "change", "reason", "code")
        return cls(left=left, **{name: getattr(row, name) for name in names})
