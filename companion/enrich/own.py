"""What Companion itself wrote into a note and nobody edited since."""

from __future__ import annotations

from typing import NamedTuple

from companion.errors import NoteChanged
from companion.note.edit import apply_edits
from companion.vault.journal import Journal
from companion.vault.undo import find_inverse


class Own(NamedTuple):
    """A note's text without what Companion wrote.

    keys: the needs that are open again. left: what stays, since it was edited.
    """

    text: str
    keys: frozenset[str]
    left: tuple[str, ...]


def take_own_out(journal: Journal, path: str, text: str) -> Own:
    """Return the text of the note without Companion's changes that nobody edited since."""
    keys: set[str] = set()
    left = []
    for change in journal.changes(path):
        if change.state != "done" or change.kind != "enrich":
            continue
        try:
            text = apply_edits(text, find_inverse(journal, change, text))
        except NoteChanged:
            left.append(f"what change {change.id} wrote was edited since, so it stays")
        else:
            keys.update(change.needs)
    return Own(text, frozenset(keys), tuple(left))
