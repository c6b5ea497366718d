"""Take a change back, in whole or in part, and leave all later edits of its note."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import sha256
from itertools import pairwise, product
from pathlib import Path
from typing import NamedTuple

from companion.errors import ChangeNotInNote, NoteChanged, NoteRefused
from companion.note.editor_text import EditorText
from companion.note.edits import Edit, EditLost, apply_edits, rebase
from companion.note.text import BOM
from companion.store.journal import Change, Journal, write_note
from companion.store.moves import follow_moves
from companion.vault.write import read_note

_WHY_NOT = {
    "pending": "is not finished; it is recovered when Companion starts next",
    "undone": "was taken back already",
    "abandoned": "was never made",
}


class Undone(NamedTuple):
    """The outcome of taking back a change, or a part of it.

    change: the id of the new change that takes it back. path: of the note. remaining: the
    parts of the old change that stay, as Change.name_parts returns them. reason: why they stay.
    """

    change: int
    path: str
    remaining: list[str]
    reason: str


def undo_change(root: Path, journal: Journal, change: Change, run: str) -> Undone:
    """Take the change out of its note, even if the note was moved; what the user edited remains.

    This is a change of the kind `undo`, which can be undone itself.

    Raises NoteRefused if there is nothing to take back, NoteChanged if all of it was edited or the
    note cannot be found, and the same as write_note.
    """
    change = locate_note(root, journal, change)
    require_made(change)
    try:
        snapshot = read_note(root, change.path)
    except NoteChanged as error:
        if (root / change.path).exists():
            raise
        what_to_do = "if it was moved and edited, move it back under this name to undo"
        raise NoteChanged(f"{error.reason}; {what_to_do}", change.path) from None
    text = snapshot.data.decode("utf-8")
    inverse = find_parts(journal, change, text)
    new = apply_edits(text, inverse.edits).encode("utf-8")
    undo = make_undo(change, inverse, run)
    return Undone(
        write_note(snapshot, new, journal, undo), undo.path, inverse.remaining, inverse.reason
    )


def require_made(change: Change) -> None:
    """Raise NoteRefused unless there is something to take back."""
    if change.state != "done":
        by = f" by change {change.undone_by}" if change.undone_by else ""
        raise NoteRefused(f"change {change.id} {_WHY_NOT[change.state]}{by}", change.path)


def make_undo(change: Change, inverse: Inverse, run: str) -> Change:
    """Return the change that takes the given one back."""
    return Change(run, change.path, "undo", inverse.edits, undoes=change.id, parts=inverse.parts)


def locate_note(root: Path, journal: Journal, change: Change) -> Change:
    """Return the change with the current path of its note, if it was moved. Raises JournalError."""
    if not os.path.lexists(root / change.path):
        follow_moves(root, journal)
    return journal.change(change.id) or change


# --- the edits


class Inverse(NamedTuple):
    """The edits that take a change out of a text.

    parts: the numbers of the change's edits that they take back. remaining: what of the change
    stays, as Change.name_parts returns it. reason: why it stays, in the user's words.
    """

    edits: list[Edit]
    parts: tuple[int, ...]
    remaining: list[str]
    reason: str


def find_inverse(journal: Journal, change: Change, text: str) -> list[Edit]:
    """Return the edits that take the whole change, except parts already undone, out of text.

    text: a later text of its note, which may differ in line ends and byte order mark, as a file
    differs from what an editor shows; restored text gets those of text.

    Raises ChangeNotInNote if nothing of the change is left, NoteChanged if its lines were edited.
    """
    inverse = find_parts(journal, change, text)
    if inverse.remaining:
        raise NoteChanged(inverse.reason, change.path)
    return inverse.edits


def find_parts(journal: Journal, change: Change, text: str, *, in_editor: bool = False) -> Inverse:
    """Return, as find_inverse does, the edits that undo the parts that nobody edited since.

    in_editor: text is what an editor shows, without `\r` and byte order mark, and none is inserted;
    one that has them is the file's, and gets back exactly what the change replaced.

    Raises ChangeNotInNote if nothing of the change is left, NoteChanged if all of it was edited.
    """
    view = EditorText.of(text)
    in_editor &= view.text == text

    def find(parts: Sequence[int]) -> list[Edit]:
        edits = _find_inverse(journal, change, text, parts)
        return view.from_file(edits) if in_editor else edits

    parts = change.remaining_parts
    with suppress(EditLost):
        return Inverse(find(parts), tuple(parts), [], "")
    edits_by_part = dict[int, list[Edit]]()
    for part in parts:
        with suppress(EditLost):
            edits_by_part[part] = find([part])
    edits = sorted((edit, part) for part, mine in edits_by_part.items() for edit in mine)
    if edits and all(one[0].end <= other[0].start for one, other in pairwise(edits)):
        remaining = change.name_parts(part for part in parts if part not in edits_by_part)
        reason = (
            f"change {change.id} stays in part, where it was edited, moved or removed since: "
            f"{', '.join(remaining)}; remove by hand what you do not want"
        )
        numbers = tuple(part for _, part in edits)
        return Inverse([edit for edit, _ in edits], numbers, remaining, reason if remaining else "")
    if not change.taken and _is_taken_out(journal, change, view.text):
        reason = f"change {change.id} is not in the note any more; there is nothing to take back"
        raise ChangeNotInNote(reason, change.path)
    reason = (
        f"the lines of change {change.id} were edited since, so it cannot be taken back "
        "exactly; remove by hand what you do not want"
    )
    raise NoteChanged(reason, change.path)


def _is_taken_out(journal: Journal, change: Change, shown: str) -> bool:
    """Whether nothing of the change is left in what an editor shows, as after the editor's undo.

    That is so if no line that it inserted occurs more often than before the change (the first
    lines of callouts are alike, and do not count), or if it could be made again where it was.
    """
    images = journal.images(change.id)
    before = EditorText.of(images[0].decode("utf-8") if images else "")
    inserted = "\n".join(_to_editor(edit.text) for edit in change.edits)
    lines = [line.strip(" \t>") for line in inserted.split("\n")]
    telling = [line for line in lines if line and not line.casefold().startswith("[!ai]")]
    if telling and all(shown.count(line) <= before.text.count(line) for line in telling):
        return True
    if not images:
        return False
    with suppress(EditLost):
        rebase(before.from_file(change.edits), before.text, shown)
        return True
    return False


def _find_inverse(journal: Journal, change: Change, text: str, parts: Sequence[int]) -> list[Edit]:
    """Return the edits that take these parts of the change out of text. Raises EditLost.

    They are found by the text after the change, while it is kept, else by the lines of each edit.
    """
    all_edits = change.inverse_edits()
    inverse = [all_edits[part] for part in parts]
    if _hash(text) == change.after_sha256:
        return inverse
    view = EditorText.of(text)
    for mark, newline in product(("", BOM), ("\n", "\r\n", "\r")):
        after = mark + view.text.replace("\n", newline)
        if _hash(after) == change.after_sha256:  # it is the text right after the change
            return view.to_file(EditorText.of(after).from_file(inverse))
    has_cr = "\r" in text
    if images := journal.images(change.id):
        then = EditorText.of(images[1].decode("utf-8"))
        had_cr = "\r" in then.file_text or (has_cr and any("\r" in edit.text for edit in inverse))
        ways: list[Callable[[], list[Edit]]] = [
            lambda: rebase(inverse, then.file_text, text),
            lambda: view.to_file(rebase(then.from_file(inverse), then.text, view.text)),
        ]
    else:
        lines = _ChangedLines.of(change, parts)
        had_cr = any("\r" in part for each in lines for part in each)
        ways = [
            lambda: _restore(lines, text),
            lambda: view.to_file(_restore([each.in_editor() for each in lines], view.text)),
        ]
    # if they do not fit, either is an editor's, and line ends of the other must not be inserted
    first, second = ways if has_cr == had_cr else reversed(ways)
    try:
        return first()
    except EditLost:
        return second()


class _ChangedLines(NamedTuple):
    """The lines that an edit touched: text replaced `replaced`, between before and after."""

    before: str
    text: str
    after: str
    replaced: str

    @classmethod
    def of(cls, change: Change, parts: Sequence[int]) -> list[_ChangedLines]:
        edits = list(zip(change.edits, change.replaced, change.around, strict=True))
        return [
            cls(before, edit.text, after, replaced)
            for edit, replaced, (before, after) in (edits[part] for part in parts)
        ]

    def in_editor(self) -> _ChangedLines:
        """Return these lines as an editor shows them. Raises EditLost if it cannot."""
        shown = _ChangedLines(*(_to_editor(part) for part in self))
        for mine, theirs in ((self.text, shown.text), (self.replaced, shown.replaced)):
            if _to_editor(self.before + mine + self.after) != shown.before + theirs + shown.after:
                raise EditLost("the change made half of a line end")
        return shown


def _restore(lines: Sequence[_ChangedLines], text: str) -> list[Edit]:
    """Return the edits that restore what was replaced.

    Raises EditLost if the lines of an edit do not occur exactly once in text.
    """
    edits = []
    for before, inserted, after, replaced in lines:
        start = _find_lines(text, before + inserted + after) + len(before)
        end = start + len(inserted)
        parts = before + replaced + after, text[end + len(after) :][:1]
        if all(part and not part.endswith(("\r", "\n")) for part in parts):
            raise EditLost("text follows where the last line of the note goes back")
        edits.append(Edit(start, end, replaced))
    if any(second.start < first.end for first, second in pairwise(edits)):
        raise EditLost("the edits changed their order")
    return edits


def _find_lines(text: str, lines: str) -> int:
    """Return the offset of these whole lines in text. Raises EditLost unless they occur once."""
    end = "" if lines.endswith(("\r", "\n")) else r"(?![^\r\n])"
    places = [m.start() for m in re.finditer(rf"(?<![^\r\n])(?={re.escape(lines)}{end})", text)]
    if len(places) != 1 or not lines.strip():
        raise EditLost("its lines are not in the note, or are there more than once")
    return places[0]


def _to_editor(text: str) -> str:
    return EditorText.of(text).text


def _hash(text: str) -> str:
    return sha256(text.encode("utf-8")).hexdigest()
