"""A row of the outbox: edits for an open note, made by its editor, or once it is closed.

An editor gets edits only once they are on the disk. If it never confirms them, as after a crash on
either side, the note shows whether they were made.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from companion.note.edit import Edit, EditLost, apply_edits, rebase
from companion.note.editor_text import EditorText
from companion.store.change import invert_edits

RowState = Literal["waiting", "given", "made", "withdrawn"]
"""The state of a row's edits: nobody has them yet; an editor has them, and has not confirmed them;
the note holds them; nobody is to make them any more.
"""
Event = Literal["give", "confirm", "find", "miss", "write", "withdraw"]
"""An editor gets the edits, or confirms them; the note is found to hold them, or not to; the engine
writes them; they are withdrawn."""

# Edits that were given may be made at any time, so that a confirmation always counts.
_NEXT: dict[tuple[RowState, Event], RowState] = {
    ("waiting", "give"): "given",
    ("waiting", "confirm"): "made",
    ("waiting", "find"): "made",
    ("waiting", "write"): "made",
    ("waiting", "withdraw"): "withdrawn",
    ("given", "give"): "given",
    ("given", "confirm"): "made",
    ("given", "find"): "made",
    ("given", "miss"): "waiting",
    ("given", "withdraw"): "withdrawn",
    ("made", "confirm"): "made",
    ("withdrawn", "confirm"): "made",
    ("withdrawn", "find"): "made",
}
OPEN: tuple[RowState, ...] = ("waiting", "given")
UNDO_IN_EDITOR = (
    "open in Obsidian; it is taken back there when you pause, or here once the note is closed"
)
NOT_OPEN = "these edits are already made, or no longer wanted"


def next_state(state: RowState, event: Event) -> RowState | None:
    """Return the state of a row after an event; None: it cannot happen to a row in this state."""
    return _NEXT.get((state, event))


class TextHashes(NamedTuple):
    """SHA-256 of the whole text that an editor had, and of the text that its edits make of it."""

    before: str
    after: str


class OfferedChange(NamedTuple):
    """Edits that were given and are not confirmed. before: the text that the editor had.

    row: the id of the row whose edits they are.
    """

    row: int
    hashes: TextHashes
    path: str
    before: str
    edits: tuple[Edit, ...]

    @property
    def after(self) -> str:
        """The text with the change made."""
        return apply_edits(self.before, self.edits)

    def is_in(self, text: str) -> bool:
        """Whether text, the note's, holds all of the change; it may be edited elsewhere."""
        if EditorText.of(self.before).text == self.before:  # it may come from an editor
            text = EditorText.of(text).text
        if text == self.after:
            return True
        replaced = [self.before[edit.start : edit.end] for edit in self.edits]
        inverse = invert_edits(self.edits, replaced)
        return _fits(inverse, self.after, text) and not _fits(self.edits, self.before, text)


@dataclass(frozen=True)
class Request:
    """Edits to be made in an open note: an undo, or the values of proposals.

    path: the note's path now. run: that the change belongs to. undoes: the change to take back;
    None: it is no undo. proposals, decided_by: as in NewChange. remark: what the history shows
    beside the values. deadline: until when somebody waits, Unix time, seconds.
    """

    path: str
    run: str
    undoes: int | None = None
    proposals: tuple[int, ...] = ()
    decided_by: str = ""
    deadline: float = 0.0
    remark: str = ""


@dataclass(frozen=True, kw_only=True)
class OutboxRow(Request):
    """A request as it is stored. offer: the latest edits given, until they are made.

    change: that made them. reason: why they were withdrawn, or are not complete, in words; code: of
    the error for which they were withdrawn.
    """

    id: int
    state: RowState
    offer: OfferedChange | None = None
    change: int | None = None
    reason: str = ""
    code: str = ""

    @property
    def is_open(self) -> bool:
        """Whether its edits are still to be made."""
        return self.state in OPEN


def _fits(edits: Iterable[Edit], old: str, new: str) -> bool:
    try:
        rebase(list(edits), old, new)
    except EditLost:
        return False
    return True
