"""A note's text without Companion's own, which is asked for again."""

from __future__ import annotations

from collections.abc import Callable, Set
from typing import NamedTuple

from companion.errors import NoteChanged
from companion.note.edit import Edit, apply_edits
from companion.note.text import split_lines
from companion.store.inverse import find_inverse, find_parts
from companion.store.journal import Journal


class RevertedText(NamedTuple):
    """A note's text without what Companion wrote.

    keys: of the needs that are open again. unfilled: which changes stay, and why.
    """

    text: str
    keys: frozenset[str]
    unfilled: tuple[str, ...]


def revert_own_changes(
    journal: Journal, path: str, text: str, find_keys: Callable[[str], Set[str]]
) -> RevertedText:
    """Return the text of the note without Companion's changes that nobody edited since.

    find_keys: returns the keys of the needs that would be asked for in a text. A change whose
    needs are not all among them stays: it would be taken out, and nothing put in its place.
    """
    keys: set[str] = set()
    kept = []
    for change in journal.changes(path):
        if change.state != "done" or change.kind != "enrich":
            continue
        if change.taken:
            kept.append(f"change {change.id} was taken back in part, so the rest stays")
            continue
        try:
            inverse = find_inverse(journal, change, text)
        except NoteChanged:
            inverse = None
        if inverse is None or any(_was_continued(text, edit) for edit in inverse):
            kept.append(f"what change {change.id} wrote was edited since, so it stays")
            continue
        without = apply_edits(text, inverse)
        if find_keys(without) >= set(change.needs):
            keys.update(change.needs)
            text = without
        else:
            kept.append(f"what change {change.id} wrote is not asked for here, so it stays")
    return RevertedText(text, frozenset(keys), tuple(kept))


def revert_needs(
    journal: Journal, path: str, text: str, needed: Set[str], find_keys: Callable[[str], Set[str]]
) -> RevertedText:
    """Return the text of the note without what Companion wrote for these needs.

    What was edited since stays, and so does what else their changes wrote. needed: keys of needs.
    find_keys: returns the keys of the needs that a text has.
    """
    keys: set[str] = set()
    for change in journal.changes(path):
        if change.state != "done" or change.kind != "enrich" or not needed - keys:
            continue
        try:
            edits = find_parts(journal, change, text).edits
        except NoteChanged:
            continue
        had = find_keys(text)
        taken = [
            edit
            for edit in edits
            if not _was_continued(text, edit)
            and (find_keys(apply_edits(text, [edit])) - had) & (needed - keys)
        ]
        text = apply_edits(text, taken)
        keys |= (find_keys(text) - had) & needed
    return RevertedText(text, frozenset(keys), ())


def _was_continued(text: str, edit: Edit) -> bool:
    """Return whether lines were added below to a callout that the edit takes out.

    Companion puts a blank line below a new callout, where none is.
    """
    block = split_lines(text[edit.start : edit.end])
    if not any(line.startswith("> [!ai]") for line in block) or not block[-1].strip():
        return False
    below = split_lines(text[edit.end :])[:1]
    return any(line.strip() for line in below)
