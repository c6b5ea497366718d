"""Insert the rows of changes into the journal, and mark what becomes of them."""

from __future__ import annotations

import json
import sqlite3
import time

from companion.errors import NoteBusy
from companion.vault import offered_changes
from companion.vault.change import NewChange
from companion.vault.offered_changes import OfferId
from companion.vault.proposal_rows import (
    accept_proposals,
    insert_row,
    mark_taken_back,
    remember_filled,
    reopen_proposals,
    require_in_state,
)
from companion.vault.remembered_notes import put_note, restore_fingerprint


def insert_pending(
    db: sqlite3.Connection, row: dict[str, object], before: bytes, change: NewChange
) -> int:
    """Insert a pending change and its image, and accept its proposals; return its id.

    Raises NoteBusy if an earlier change of the note is pending, and ProposalDecided if one of its
    proposals is in another state by now.
    """
    query = "SELECT id FROM changes WHERE path = :path AND state = 'pending'"
    if db.execute(query, row).fetchone():
        reason = "an earlier change of it is not finished; it is recovered at the next start"
        raise NoteBusy(reason, str(row["path"]))
    require_in_state(db, change.path, str(row["proposals"]), change.states)
    number = _insert(db, row | {"state": "pending"}, before)
    accept_proposals(db, number, time.time())  # at once, so that nobody else decides on them
    return number


def confirm_offer(db: sqlite3.Connection, name: OfferId, moved_to: str | None) -> int | None:
    """Insert the offered change as done; return its id, or None if there is no such offer.

    A second call returns the same id. moved_to: the note's path, if it was moved since.
    """
    found = offered_changes.find_offer(db, name)
    if found is None or found["change"]:
        return int(found["change"]) if found else None
    now = time.time()
    row = json.loads(found["row"]) | {"made_at": now, "path": moved_to or found["path"]}
    change = _insert(db, row | {"state": "done"}, found["before"])
    mark_done(db, change, now)
    put_note(db, row["path"], offered_changes.text_after(found), now)
    offered_changes.close_offer(db, name, change)
    return change


def mark_done(db: sqlite3.Connection, change: int, now: float) -> None:
    """Mark the change as done, its proposals as accepted, and the edits that it takes back.

    now: Unix time, seconds.
    """
    db.execute("UPDATE changes SET state = 'done' WHERE id = ?", (change,))
    accept_proposals(db, change, now)
    remember_filled(db, change, now)
    _mark_undone(db, change, now)


def mark_abandoned(db: sqlite3.Connection, change: int, remark: str) -> None:
    """Mark the change as abandoned, with a remark, open its proposals again, delete its image."""
    query = "UPDATE changes SET state = 'abandoned', note = trim(note || ' ' || ?) WHERE id = ?"
    db.execute(query, (remark, change))
    reopen_proposals(db, change)
    restore_fingerprint(db, change)
    db.execute("DELETE FROM images WHERE change = ?", (change,))


def _insert(db: sqlite3.Connection, row: dict[str, object], before: bytes) -> int:
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
