"""A note's text without the parts that Companion wrote, which are to be asked for again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence, Set
from typing import NamedTuple

from companion.errors import NoteChanged
from companion.note.edit import Edit, apply_edits
from companion.note.parsed_note import ParsedNote
from companion.note.text import NoteText, split_lines
from companion.store.journal import Change, Journal
from companion.store.undo import Inverse, find_parts


class RevertedText(NamedTuple):
    """A note's text without what Companion wrote.

    keys: of the needs that are open again. kept: of those whose text stays.
    """

    text: str
    keys: frozenset[str]
    kept: frozenset[str]


def revert_needs(
    journal: Journal,
    path: str,
    text: str,
    needed: Set[str] | None,
    find_keys: Callable[[str], Set[str]],
) -> RevertedText:
    """Return the text of the note without what Companion wrote for these needs; None: for all.

    Edited text stays, and so does everything else that their changes wrote. needed: keys of needs.
    find_keys: returns the keys of the needs that would be asked for in a text.
    """
    changes = [c for c in journal.changes(path) if (c.state, c.kind) == ("done", "enrich")]
    if needed is None:
        needed = {key for change in changes for key in change.needs}
    before, keys = find_keys(text), set[str]()
    for key in sorted(needed - before):
        opened = text if key in find_keys(text) else _open(journal, changes, text, key, find_keys)
        if opened is not None:
            text = opened
            keys.add(key)
    return RevertedText(text, frozenset(keys), frozenset(needed - before - keys))


def _open(
    journal: Journal,
    changes: Sequence[Change],
    text: str,
    key: str,
    find_keys: Callable[[str], Set[str]],
) -> str | None:
    """Return the text without what these changes, newest first, wrote for a need, which opens it.

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
    """Return how many properties and callouts of the text are different in the new one."""
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
    """Return whether lines were added below a callout that the edit removes, as part of it.

    Companion puts a blank line below a new callout if there is none.
    """
    block = split_lines(text[edit.start : edit.end])
    if not any(line.startswith("> [!ai]") for line in block) or not block[-1].strip():
        return False
    below = split_lines(text[edit.end :])[:1]
    return any(line.strip() for line in below)
