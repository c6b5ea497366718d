"""The table of changes: insert its rows, and update their states."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Sequence

from companion.errors import NoteBusy, ProposalDecided
from companion.store.change import NewChange
from companion.store.proposal_rows import (
    accept_proposals,
    insert_row,
    mark_taken_back,
    remember_filled,
    reopen_proposals,
    require_in_state,
)
from companion.store.remembered_notes import restore_fingerprint


def insert_pending(
    db: sqlite3.Connection, row: dict[str, object], before: bytes, change: NewChange
) -> int:
    """Insert a pending change and its image, and accept its proposals; return its id.

    Raises NoteBusy if an earlier change of the note is pending, and ProposalDecided if the state
    of one of its proposals has changed.
    """
    try:
        require_in_state(db, change.path, str(row["proposals"]), change.states)
        number = insert_change(db, row | {"state": "pending"}, before)
    except (ProposalDecided, sqlite3.IntegrityError):
        query = "SELECT id FROM changes WHERE path = :path AND state = 'pending'"
        if db.execute(query, row).fetchone():
            reason = "an earlier change of it is not finished; it is recovered at the next start"
            raise NoteBusy(reason, str(row["path"])) from None
        raise
    # at once: nobody else may decide on them
    accept_proposals(db, json.dumps([number]), time.time())
    return number


def mark_done(db: sqlite3.Connection, changes: Sequence[int], now: float) -> None:
    """Mark the changes as done, their proposals as accepted, and the edits that they take back.

    now: Unix time, seconds.
    """
    ids = json.dumps(changes)
    mine = "id IN (SELECT value FROM json_each(?))"
    db.execute(f"UPDATE changes SET state = 'done' WHERE {mine}", (ids,))  # noqa: S608 (our words)
    accept_proposals(db, ids, now)
    remember_filled(db, ids, now)
    query = f"""SELECT id, undoes FROM changes WHERE {mine} AND undoes IS NOT NULL
        ORDER BY id"""  # noqa: S608 (our words)
    for change, undoes in db.execute(query, (ids,)).fetchall():
        _mark_undone(db, change, now)
        db.execute(_END_REQUESTS, (change, undoes))


def mark_abandoned(db: sqlite3.Connection, change: int, remark: str) -> None:
    """Mark the change as abandoned, with a remark, open its proposals again, delete its image."""
    query = "UPDATE changes SET state = 'abandoned', note = trim(note || ' ' || ?) WHERE id = ?"
    db.execute(query, (remark, change))
    reopen_proposals(db, change)
    restore_fingerprint(db, change)
    db.execute("DELETE FROM images WHERE change = ?", (change,))


def insert_change(db: sqlite3.Connection, row: dict[str, object], before: bytes) -> int:
    """Insert a change and its image; return its id."""
    change = insert_row(db, "changes", row)
    db.execute("INSERT INTO images (change, before) VALUES (?, ?)", (change, before))
    return change


def _mark_undone(db: sqlite3.Connection, change: int, now: float) -> None:
    """Mark the edits that this change takes back; if they were an undo's, those it undid are back.

    A change is `undone` if all its edits are taken back.
    """
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
        mark_taken_back(db, change, is_undone=state == "undone", now=now)
        taken_back = not taken_back


# that an editor take the same change back
_END_REQUESTS = """UPDATE outbox SET state = 'made', change = ?, before = NULL
    WHERE undoes = ? AND requested AND state IN ('waiting', 'given')"""
