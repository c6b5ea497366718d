"""Take the mark that a note is postponed out of it, once it is filled."""

from __future__ import annotations

from companion.note.edit import Edit
from companion.note.needs import Rules
from companion.note.view import NoteView


def take_mark(view: NoteView, rules: Rules, afterwards: str) -> list[Edit]:
    """Return the edits (draft)."""
    return []
