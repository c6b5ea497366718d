"""A note's text without Companion's own, which is asked for again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence, Set
from typing import NamedTuple

from companion.errors import NoteChanged
from companion.note.edit import Edit, apply_edits
from companion.note.parsed_note import ParsedNote
from companion.note.text import NoteText, split_lines
from companion.store.inverse import Inverse, find_inverse, find_parts
from companion.store.journal import Change, Journal


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
    changes = [c for c in journal.changes(path) if (c.state, c.kind) == ("done", "enrich")]
    before, keys = find_keys(text), set[str]()
    for key in sorted(needed - before):
        opened = text if key in find_keys(text) else _open(journal, changes, text, key, find_keys)
        if opened is not None:
            text = opened
            keys.add(key)
    return RevertedText(text, frozenset(keys), ())


def _open(
    journal: Journal,
    changes: Sequence[Change],
    text: str,
    key: str,
    find_keys: Callable[[str], Set[str]],
) -> str | None:
    """Return the text without what these changes, newest first, wrote for a need, which is open.

    A change that rewrote it leaves what an older one wrote. None: it was edited since.
    """
    for number, change in enumerate(changes, 1):
        try:
            inverse = find_parts(journal, change, text)
        except NoteChanged:
            continue
        edits = [[each] for each in inverse.edits if not _was_continued(text, each)]
        for taken in [*edits, *_by_place(change, inverse)]:
            without = apply_edits(text, taken)
            if key in find_keys(without):
                return without
            if key not in change.needs:
                continue
            opened = _open(journal, changes[number:], without, key, find_keys)
            if opened is not None and _count_changed(text, opened) == 1:
                return opened
    return None


def _by_place(change: Change, inverse: Inverse) -> Iterator[list[Edit]]:
    """Yield the edits of each property or callout that several of them changed."""
    places: dict[str, list[Edit]] = {}
    for edit, part in zip(inverse.edits, inverse.parts, strict=True):
        places.setdefault(change.names[part], []).append(edit)
    return (edits for edits in places.values() if len(edits) > 1)


def _count_changed(old: str, new: str) -> int:
    """Return how many properties and callouts of the text are others in the new one."""
    notes = [ParsedNote(NoteText(text)) for text in (old, new)]
    before, after = (each.properties.values for each in notes)
    changed = sum(before.get(name) != after.get(name) for name in {*before, *after})
    callouts = [
        Counter(
            "\n".join(line.text for line in each.lines[c.first : c.last + 1]) for c in each.callouts
        )
        for each in notes
    ]
    return changed + (callouts[0] - callouts[1]).total()


def _was_continued(text: str, edit: Edit) -> bool:
    """Return whether lines were added below to a callout that the edit takes out.

    Companion puts a blank line below a new callout, where none is.
    """
    block = split_lines(text[edit.start : edit.end])
    if not any(line.startswith("> [!ai]") for line in block) or not block[-1].strip():
        return False
    below = split_lines(text[edit.end :])[:1]
    return any(line.strip() for line in below)
