"""What Companion itself wrote into a note and nobody edited since."""

from __future__ import annotations

from collections.abc import Callable, Set
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


def take_own_out(
    journal: Journal, path: str, text: str, find_keys: Callable[[str], Set[str]]
) -> Own:
    """Return the text of the note without Companion's changes that nobody edited since.

    find_keys: the needs that would be asked for in a text. A change stays whose needs are not
    all among them: it would be taken out, and nothing put in its place.
    """
    keys: set[str] = set()
    left = []
    for change in journal.changes(path):
        if change.state != "done" or change.kind != "enrich":
            continue
        try:
            without = apply_edits(text, find_inverse(journal, change, text))
        except NoteChanged:
            left.append(f"what change {change.id} wrote was edited since, so it stays")
            continue
        if find_keys(without) >= set(change.needs):
            keys.update(change.needs)
            text = without
        else:
            left.append(f"what change {change.id} wrote is not asked for here, so it stays")
    return Own(text, frozenset(keys), tuple(left))
