"""The tables of changes and of offers: insert their rows, and mark what becomes of them.

An offer is a change that a client makes in its editor and confirms. It is on the disk before the
client gets it. If no confirmation arrives, as after a crash on either side, the note shows whether
the change was made.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Sequence
from typing import NamedTuple

from companion.errors import NoteBusy, ProposalDecided
from companion.note.edit import Edit, EditLost, apply_edits, rebase
from companion.note.editor_text import EditorText
from companion.store.change import NewChange, invert_edits
from companion.store.proposal_rows import (
    accept_proposals,
    insert_row,
    mark_taken_back,
    remember_filled,
    reopen_proposals,
    require_in_state,
)
from companion.store.remembered_notes import put_note, restore_fingerprint

_MOST_OFFERS = 1_000  # if there are more, the oldest are deleted


class OfferId(NamedTuple):
    """Identifies an offer.

    key: a run, or a change that is taken back. before_sha256, after_sha256: of the whole text that
    the client had, and of the text that the edits make of it.
    """

    key: str
    before_sha256: str
    after_sha256: str


class OfferedChange(NamedTuple):
    """An offer that is not confirmed yet. before: the text that the client had."""

    name: OfferId
    path: str
    before: str
    edits: tuple[Edit, ...]

    @property
    def after(self) -> str:
        """The text with the change made."""
        return apply_edits(self.before, self.edits)

    def is_in(self, text: str) -> bool:
        """Whether text, that of the note's file, holds the change; it may be edited elsewhere.

        It does not if only a part of the change is left, or if it was taken back since.
        """
        if EditorText.of(self.before).text == self.before:  # it may come from an editor
            text = EditorText.of(text).text
        if text == self.after:
            return True
        replaced = [self.before[edit.start : edit.end] for edit in self.edits]
        inverse = invert_edits(self.edits, replaced)
        return _fits(inverse, self.after, text) and not _fits(self.edits, self.before, text)


def insert_pending(
    db: sqlite3.Connection, row: dict[str, object], before: bytes, change: NewChange
) -> int:
    """Insert a pending change and its image, and accept its proposals; return its id.

    Raises NoteBusy if an earlier change of the note is pending, and ProposalDecided if one of its
    proposals is in another state by now.
    """
    try:
        require_in_state(db, change.path, str(row["proposals"]), change.states)
        number = _insert(db, row | {"state": "pending"}, before)
    except (ProposalDecided, sqlite3.IntegrityError):
        query = "SELECT id FROM changes WHERE path = :path AND state = 'pending'"
        if db.execute(query, row).fetchone():
            reason = "an earlier change of it is not finished; it is recovered at the next start"
            raise NoteBusy(reason, str(row["path"])) from None
        raise
    # at once, so that nobody else decides on them
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
    query = f"SELECT id FROM changes WHERE {mine} AND undoes IS NOT NULL ORDER BY id"  # noqa: S608
    for (change,) in db.execute(query, (ids,)).fetchall():
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


def put_offer(db: sqlite3.Connection, key: str, row: dict[str, object], before: bytes) -> None:
    """Insert an offer, in place of an equal one if there is one, even if that was confirmed."""
    db.execute(
        """INSERT OR REPLACE INTO offers
        (key, before_sha256, after_sha256, path, made_at, row, before)
        VALUES (:key, :before_sha256, :after_sha256, :path, :made_at, :row, :before)""",
        row | {"key": key, "before": before, "row": json.dumps(row)},
    )
    db.execute(
        """DELETE FROM offers WHERE rowid IN
        (SELECT rowid FROM offers ORDER BY rowid DESC LIMIT -1 OFFSET ?)""",
        (_MOST_OFFERS,),
    )


def confirm_offer(db: sqlite3.Connection, name: OfferId, moved_to: str | None) -> int | None:
    """Insert the offered change as done; return its id, or None if there is no such offer.

    A second call returns the same id. moved_to: the note's path, if it was moved since.
    """
    query = """SELECT rowid, * FROM offers
        WHERE key = ? AND before_sha256 = ? AND after_sha256 = ?"""
    offer = db.execute(query, name).fetchone()
    if offer is None or offer["change"]:
        return int(offer["change"]) if offer else None
    now = time.time()
    row = json.loads(offer["row"]) | {"made_at": now, "path": moved_to or offer["path"]}
    change = _insert(db, row | {"state": "done"}, offer["before"])
    mark_done(db, [change], now)
    after = apply_edits(offer["before"].decode("utf-8"), _read_edits(offer))
    put_note(db, row["path"], after.encode("utf-8"), now)
    close = "UPDATE offers SET change = ?, before = NULL WHERE rowid = ?"
    db.execute(close, (change, offer["rowid"]))
    return change


def drop_offers(db: sqlite3.Connection, until: float) -> None:
    """Delete the offers from before that Unix time, in seconds."""
    db.execute("DELETE FROM offers WHERE made_at < ?", (until,))


def list_offers(db: sqlite3.Connection) -> list[OfferedChange]:
    """Return the offers that are not confirmed.

    Left out are those that a later change of the note supersedes: one that fills the same needs
    or takes back the same change.
    """
    return [
        OfferedChange(
            OfferId(row["key"], row["before_sha256"], row["after_sha256"]),
            row["path"],
            row["before"].decode("utf-8"),
            _read_edits(row),
        )
        for row in db.execute(_SELECT_OPEN)
    ]


_SELECT_OPEN = """SELECT * FROM offers WHERE change IS NULL AND NOT EXISTS (
    SELECT 1 FROM changes WHERE changes.path = offers.path AND changes.state != 'abandoned'
    AND changes.made_at >= offers.made_at
    AND (changes.undoes = json_extract(offers.row, '$.undoes') OR EXISTS (
        SELECT 1 FROM json_each(changes.needs) AS mine,
        json_each(json_extract(offers.row, '$.needs')) AS theirs
        WHERE mine.value = theirs.value))) ORDER BY rowid"""


def _read_edits(row: sqlite3.Row) -> tuple[Edit, ...]:
    return tuple(Edit(*edit) for edit, *_ in json.loads(json.loads(row["row"])["edits"]))


def _fits(edits: Sequence[Edit], old: str, new: str) -> bool:
    try:
        rebase(edits, old, new)
    except EditLost:
        return False
    return True
