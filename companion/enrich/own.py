"""What Companion itself wrote into a note and nobody edited since."""

from __future__ import annotations

from collections.abc import Callable, Set
from typing import NamedTuple

from companion.errors import NoteChanged
from companion.note.edit import Edit, apply_edits
from companion.note.text import split_lines
from companion.vault.inverse import find_inverse
from companion.vault.journal import Change, Journal


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
        if change.taken:
            left.append(f"change {change.id} was taken back in part, so the rest stays")
            continue
        inverse = _find_inverse(journal, change, text)
        if inverse is None:
            left.append(f"what change {change.id} wrote was edited since, so it stays")
            continue
        without = apply_edits(text, inverse)
        if find_keys(without) >= set(change.needs):
            keys.update(change.needs)
            text = without
        else:
            left.append(f"what change {change.id} wrote is not asked for here, so it stays")
    return Own(text, frozenset(keys), tuple(left))


def _find_inverse(journal: Journal, change: Change, text: str) -> list[Edit] | None:
    """Return the edits that take the change out of text; None where it was edited since."""
    try:
        inverse = find_inverse(journal, change, text)
    except NoteChanged:
        return None
    return None if any(_goes_on(text, edit) for edit in inverse) else inverse


def _goes_on(text: str, edit: Edit) -> bool:
    """Whether a callout that the edit takes out has lines below that were added to it since.

    Companion puts a blank line below a new callout, where none is.
    """
    block = split_lines(text[edit.start : edit.end])
    if not any(line.startswith("> [!ai]") for line in block) or not block[-1].strip():
        return False
    below = split_lines(text[edit.end :])[:1]
    return any(line.strip() for line in below)
