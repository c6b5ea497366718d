"""A change as the journal records it, and the table of changes."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from sqlite3 import Connection, IntegrityError, Row
from typing import Any, Literal

from companion.errors import NoteBusy, ProposalDecided
from companion.note.edits import Edit, apply_edits, name_place
from companion.note.text import line_start
from companion.store.database import insert_row
from companion.store.moves import put_note
from companion.store.proposal_rows import (
    mark_accepted,
    mark_made_again,
    mark_not_written,
    mark_taken_back,
    require_in_state,
)
from companion.store.proposals import ProposalState

ChangeState = Literal["pending", "offered", "done", "undone", "abandoned"]

_OPEN: tuple[ProposalState, ...] = ("open",)


@dataclass(frozen=True)
class Change:
    """A change of a note: about to be made, or in the journal.

    edits: their offsets count characters of the old text. needs: the keys of those that it fills.
    note: a remark. undoes: the id of the change that this one takes back. parts: for an undo, the
    numbers, from 0, of the edits that it takes back, in the order of its own edits; None for all.
    proposals: the ids of the proposals that it accepts; decided_by: who accepts them; states: the
    states that they must be in when the change is recorded.

    What follows is set once it is recorded.
    state: `pending` from the journal's commit until the note is written, `offered` from when an
    editor gets the edits until it has made them, then `done`; `undone` while all of it is taken
    back by later changes; `abandoned` if it was never written to the note, or recovery took it out
    again.
    made_at: Unix time, seconds.
    before_sha256, after_sha256: of the whole note, hexadecimal.
    replaced: for each edit, the text that it replaced.
    around: for each edit, the text before and after it on the lines that it touches, as they are
    once the change is made.
    names: for each edit, what it fills, as name_place returns it.
    undone_by: the id of the latest change that takes it, or a part of it, back.
    taken: the numbers, from 0, of its edits that are taken back; the state is `done` until all are.
    outbox: the row whose edits an editor makes.
    """

    run: str
    path: str
    kind: str
    edits: Sequence[Edit]
    needs: tuple[str, ...] = ()
    model: str = ""
    note: str = ""
    undoes: int | None = None
    parts: tuple[int, ...] | None = None
    proposals: tuple[int, ...] = ()
    decided_by: str = "setting"
    states: tuple[ProposalState, ...] = _OPEN
    id: int = 0
    state: ChangeState = "pending"
    made_at: float = 0.0
    before_sha256: str = ""
    after_sha256: str = ""
    replaced: tuple[str, ...] = ()
    around: tuple[tuple[str, str], ...] = ()
    names: tuple[str, ...] = ()
    undone_by: int | None = None
    taken: frozenset[int] = frozenset()
    outbox: int | None = None

    @property
    def is_made(self) -> bool:
        """Whether it is done and not completely taken back; false for an undo."""
        return self.state == "done" and self.undoes is None

    @property
    def remaining_parts(self) -> list[int]:
        """The numbers, from 0, of the edits that are not taken back."""
        return [part for part in range(len(self.edits)) if part not in self.taken]

    @property
    def remaining(self) -> list[str]:
        """What remains of a change that was partly taken back, as name_parts returns it."""
        return self.name_parts(self.remaining_parts) if self.taken else []

    def name_parts(self, parts: Iterable[int]) -> list[str]:
        """Return what these edits fill, each name once: a property, a callout or a text."""
        return list(dict.fromkeys(self.names[part] for part in parts))

    def inverse_edits(self) -> list[Edit]:
        """Return the edits that take the change back. Offsets count characters of the new text."""
        return invert_edits(self.edits, self.replaced)


def make_row(change: Change, before: bytes, after: bytes) -> dict[str, object]:
    """Return the columns of a new row of the table `changes`.

    Raises ValueError if the edits do not turn before into after, since undo relies on it.
    """
    old, new = before.decode("utf-8"), after.decode("utf-8")
    edits = sorted(change.edits, key=lambda e: (e.start, e.end))
    if old == new or apply_edits(old, edits) != new:
        raise ValueError(f"{change.path}: the edits do not turn the old text into the new one")
    replaced = [old[edit.start : edit.end] for edit in edits]
    inverse = invert_edits(edits, replaced)
    around = [_lines_around(new, span) for span in inverse]
    names = [
        name_place(new, back.start, back.end) if edit.text.strip() else name_place(old, *edit[:2])
        for edit, back in zip(edits, inverse, strict=True)
    ]
    return {
        "run": change.run,
        "path": change.path,
        "kind": change.kind,
        "state": "pending",
        "made_at": time.time(),
        "before_sha256": sha256(before).hexdigest(),
        "after_sha256": sha256(after).hexdigest(),
        "edits": json.dumps(list(zip(edits, replaced, around, names, strict=True))),
        "needs": json.dumps(change.needs),
        "model": change.model,
        "note": change.note,
        "undoes": change.undoes,
        "parts": None if change.parts is None else json.dumps(change.parts),
        "proposals": json.dumps(change.proposals),
        "decided_by": change.decided_by,
    }


def read_row(row: Row) -> Change:
    """Return the change in a row of `changes` to which the column `undone_by` was joined."""
    columns: dict[str, Any] = dict(row)
    for name in ("needs", "parts", "proposals"):
        columns[name] = None if columns[name] is None else tuple(json.loads(columns[name]))
    edits, taken = json.loads(columns.pop("edits")), json.loads(columns.pop("taken"))
    return Change(
        **columns,
        edits=tuple(Edit(*edit) for edit, *_ in edits),
        replaced=tuple(replaced for _, replaced, *_ in edits),
        around=tuple((before, after) for _, _, (before, after), _ in edits),
        names=tuple(name for *_, name in edits),
        taken=frozenset(taken),
    )


def invert_edits(edits: Sequence[Edit], replaced: Sequence[str]) -> list[Edit]:
    """Return the edits that undo these. replaced: for each edit, the text that it replaced."""
    inverse: list[Edit] = []
    shift = 0
    for edit, old in zip(edits, replaced, strict=True):
        start = edit.start + shift
        inverse.append(Edit(start, start + len(edit.text), old))
        shift += len(edit.text) - len(old)
    return inverse


def _lines_around(text: str, span: Edit) -> tuple[str, str]:
    """Return the text before and after span on its lines; for an empty span, from a line before."""
    start = line_start(text, span.start)
    if start == span.start == span.end:
        line_end = 2 if text.endswith("\r\n", 0, start) else 1
        start = line_start(text, max(0, start - line_end))
    ends_its_line = text[span.start : span.end].endswith(("\r", "\n"))
    after = re.compile(r"" if ends_its_line else r"[^\r\n]*").match(text, span.end)
    return text[start : span.start], after.group() if after else ""


def insert_pending(db: Connection, row: dict[str, object], before: bytes, change: Change) -> int:
    """Insert a pending change and its image, and accept its proposals; return its id.

    Raises NoteBusy if an earlier change of the note is pending, ProposalDecided.
    """
    try:
        require_in_state(db, change.path, change.proposals, change.states)
        number = insert_change(db, row, before)
    except (ProposalDecided, IntegrityError):
        query = "SELECT id FROM changes WHERE path = :path AND state = 'pending'"
        if db.execute(query, row).fetchone():
            reason = "an earlier change of it is not finished; it is recovered at the next start"
            raise NoteBusy(reason, str(row["path"])) from None
        raise
    # at once: nobody else may decide on them
    mark_accepted(db, number)
    return number


def mark_done(db: Connection, change: int) -> None:
    """Mark the change as done, its proposals as accepted, and the edits it takes back as undone."""
    db.execute("UPDATE changes SET state = 'done' WHERE id = ?", (change,))
    mark_accepted(db, change)
    row = db.execute("SELECT undoes, outbox FROM changes WHERE id = ?", (change,)).fetchone()
    if row["outbox"] is not None:
        db.execute(_END_ROW, (change, row["outbox"]))
    if row["undoes"] is not None:
        _mark_undone(db, change)
        db.execute(_END_REQUESTS, (change, row["undoes"]))


def mark_abandoned(db: Connection, change: int, remark: str) -> None:
    """Mark the change as abandoned, with a remark, reopen its proposals, delete its image."""
    query = "UPDATE changes SET state = 'abandoned', note = trim(note || ' ' || ?) WHERE id = ?"
    db.execute(query, (remark, change))
    mark_not_written(db, change)
    query = "SELECT path, before FROM changes JOIN images ON change = id WHERE id = ?"
    for path, before in db.execute(query, (change,)).fetchall():
        put_note(db, path, before)
    db.execute("DELETE FROM images WHERE change = ?", (change,))


def insert_change(db: Connection, row: dict[str, object], before: bytes) -> int:
    """Insert a change and its image; return its id."""
    change = insert_row(db, "changes", row)
    db.execute("INSERT INTO images (change, before) VALUES (?, ?)", (change, before))
    return change


def delete_change(db: Connection, change: int) -> None:
    """Delete a change that nobody made, and its image."""
    db.execute("DELETE FROM images WHERE change = ?", (change,))
    db.execute("DELETE FROM changes WHERE id = ?", (change,))


def _mark_undone(db: Connection, change: int) -> None:
    """Mark the edits that this change takes back; if it undoes an undo, restore those."""
    query = """SELECT other.id, change.parts, other.taken, json_array_length(other.edits)
        FROM changes AS change JOIN changes AS other ON other.id = change.undoes
        WHERE change.id = ?"""
    mine: list[int] | None = None  # numbers of the edits that are taken back, or made again
    taken_back = True
    while row := db.execute(query, (change,)).fetchone():  # none if it is in a lost journal
        change, parts, taken, count = row
        of_other = range(count) if parts is None else json.loads(parts)
        mine = [of_other[i] for i in (range(len(of_other)) if mine is None else mine)]
        undone = set(json.loads(taken))
        undone = undone | set(mine) if taken_back else undone - set(mine)
        state = "undone" if len(undone) == count else "done"
        update = "UPDATE changes SET state = ?, taken = ? WHERE id = ?"
        db.execute(update, (state, json.dumps(sorted(undone)), change))
        (mark_taken_back if state == "undone" else mark_made_again)(db, change)
        taken_back = not taken_back


_END_ROW = "UPDATE outbox SET state = 'made', change = ?, code = '' WHERE id = ?"
# that an editor take the same change back
_END_REQUESTS = """UPDATE outbox SET state = 'made', change = ?
    WHERE undoes = ? AND state IN ('waiting', 'given')"""
