"""The outbox: changes of open notes, which their editors make, or Companion once they are closed.

The edits that an editor gets are a change in the journal, `offered`, before it gets them. If it
never confirms them, as after a crash on either side, recovery looks whether the note holds them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from sqlite3 import Connection, Row
from typing import Literal, NamedTuple

from companion.errors import NoteRefused
from companion.store.changes import Change, delete_change, insert_change, make_row, mark_done
from companion.store.database import Store
from companion.store.moves import put_note
from companion.store.proposal_rows import mark_waiting
from companion.store.proposals import ProposalState

RowState = Literal["waiting", "given", "made", "withdrawn"]
"""The state of a row: nobody has its edits yet; an editor has them, and has not confirmed them; the
note holds them; nobody is to make them any more.
"""

UNDO_IN_EDITOR = (
    "open in Obsidian; it is taken back there when you pause, or here once the note is closed"
)
NOT_OPEN = "these edits are already made, or no longer wanted"


class TextHashes(NamedTuple):
    """SHA-256 of the whole text that an editor had, and of the text that its edits make of it."""

    before: str
    after: str


@dataclass(frozen=True)
class OutboxRow:
    """Edits to be made in an open note: an undo, or the values of proposals.

    path: the note's path now. run: that the change belongs to. undoes: the change to take back;
    None: it is no undo. proposals, decided_by: as in Change. deadline: until when somebody waits,
    Unix time, seconds.

    What follows is set once it is stored. change: that made its edits. reason: why they were
    withdrawn, or are not complete, in words; code: of the error for which they were withdrawn.
    """

    path: str
    run: str
    undoes: int | None = None
    proposals: tuple[int, ...] = ()
    decided_by: str = ""
    deadline: float = 0.0
    id: int = 0
    state: RowState = "waiting"
    change: int | None = None
    reason: str = ""
    code: str = ""

    @property
    def is_open(self) -> bool:
        """Whether its edits are still to be made."""
        return self.state in ("waiting", "given")


class OutboxStore(Store):
    """The outbox of one vault."""

    def add(self, request: OutboxRow, states: Sequence[ProposalState] = ()) -> OutboxRow:
        """Store a new row, and return it; it replaces any that waits for the same proposals.

        An open undo of the same change is returned unchanged. states: the states that the proposals
        may be in, which are open then, and wait for the editor; empty: they stay as they are.
        """
        values = vars(request) | {"proposals": json.dumps(request.proposals), "now": time.time()}
        query = f"SELECT * FROM outbox WHERE {_IS_OPEN} AND undoes = ?"  # noqa: S608
        insert = """INSERT INTO outbox
            (path, state, run, undoes, proposals, decided_by, deadline, made_at)
            VALUES (:path, 'waiting', :run, :undoes, :proposals, :decided_by, :deadline, :now)
            RETURNING *"""
        with self._db.transaction() as db:
            if open_undo := db.execute(query, (request.undoes,)).fetchone():
                return _read_row(open_undo)
            _narrow(db, request.proposals)
            mark_waiting(db, request.proposals, request.decided_by, states)
            return _read_row(db.execute(insert, values).fetchone())

    def get(self, id_: int) -> OutboxRow | None:
        """Return the row of that id; None if there is none any more."""
        rows = self._db.select("SELECT * FROM outbox WHERE id = ?", id_)
        return _read_row(rows[0]) if rows else None

    def open_rows(self) -> list[OutboxRow]:
        """Return the rows whose edits are to be made, the oldest first."""
        query = f"SELECT * FROM outbox WHERE {_IS_OPEN} ORDER BY id"  # noqa: S608
        return list(map(_read_row, self._db.select(query)))

    def end(
        self, id_: int, to: RowState, *, change: int | None = None, reason: str = "", code: str = ""
    ) -> bool:
        """Record that the edits of an open row were made, or withdrawn, or wait again.

        Returns whether it was open. Edits that were given may be made at any time, so that their
        confirmation still counts.
        """
        query = f"""UPDATE outbox SET state = ?, change = coalesce(?, change), reason = ?, code = ?
            WHERE id = ? AND {_IS_OPEN} RETURNING proposals, decided_by"""  # noqa: S608
        with self._db.transaction() as db:
            row = db.execute(query, (to, change, reason, code, id_)).fetchone()
            if row and to == "withdrawn" and row["decided_by"] != "setting":
                mark_waiting(db, json.loads(row["proposals"]), "", ("open",))
            if row and to == "made":
                _delete_offer(db, id_)
        return row is not None

    def withdraw(self, proposals: Collection[int]) -> None:
        """Withdraw the acceptance of these proposals; what was accepted with them waits on."""
        with self._db.transaction() as db:
            mark_waiting(db, proposals, "", ("open",))
            _narrow(db, proposals)

    def offer(
        self,
        id_: int,
        change: Change,
        before: bytes,
        after: bytes,
        reason: str = "",
        deadline: float = 0.0,
    ) -> TextHashes:
        """Record edits of a row that an editor may make, in place of earlier ones.

        before, after: the whole text that the editor has, before and after the edits. reason: why
        they are not complete. deadline: for a row that somebody waits for, until when, when its
        edits are given for the first time.

        Raises ValueError if the edits do not turn before into after, and NoteRefused if the row is
        no longer open.
        """
        row = make_row(change, before, after) | {"state": "offered", "outbox": id_}
        update = f"""UPDATE outbox SET state = 'given', reason = :reason,
            deadline = iif(state = 'waiting' AND deadline > 0, max(deadline, :until), deadline)
            WHERE id = :id AND {_IS_OPEN}"""  # noqa: S608 (our own words)
        with self._db.transaction() as db:
            put_note(db, change.path, before)
            values = {"id": id_, "reason": reason, "until": deadline}
            if not db.execute(update, values).rowcount:
                raise NoteRefused(NOT_OPEN, change.path)
            _delete_offer(db, id_)
            insert_change(db, row, before)
        return TextHashes(str(row["before_sha256"]), str(row["after_sha256"]))

    def confirm(self, id_: int, hashes: TextHashes, moved_to: str | None = None) -> int | None:
        """Record that a row's edits were made; return the id of their change.

        A second call returns the same id. Returns None if the row has no such edits. moved_to: the
        note's path, if it was moved since.
        """
        query = """SELECT id, path, state FROM changes
            WHERE outbox = ? AND before_sha256 = ? AND after_sha256 = ?"""
        with self._db.transaction() as db:
            if not (row := db.execute(query, (id_, *hashes)).fetchone()):
                return None
            number: int = row["id"]
            if row["state"] == "offered":
                update = "UPDATE changes SET path = ?, made_at = ? WHERE id = ?"
                db.execute(update, (moved_to or row["path"], time.time(), number))
                mark_done(db, number)
            return number

    def drop(self, older_than: float) -> None:
        """Delete the rows from over `older_than` seconds ago that nobody waits for."""
        where = f"made_at < ? AND NOT ({_IS_OPEN})"
        with self._db.transaction() as db:
            query = f"SELECT id FROM outbox WHERE {where}"  # noqa: S608 (our own words)
            for (id_,) in db.execute(query, (time.time() - older_than,)).fetchall():
                _delete_offer(db, id_)
                db.execute("DELETE FROM outbox WHERE id = ?", (id_,))


def forget_offers(db: Connection, path: str) -> None:
    """Delete the offers for the note, and its requests other than undos; undos wait again."""
    query = "SELECT id, undoes, state FROM outbox WHERE path = ? AND change IS NULL"
    for id_, undoes, state in db.execute(query, (path,)).fetchall():
        _delete_offer(db, id_)
        if undoes is None:
            db.execute("DELETE FROM outbox WHERE id = ?", (id_,))
        elif state == "given":
            db.execute("UPDATE outbox SET state = 'waiting' WHERE id = ?", (id_,))


def _delete_offer(db: Connection, row: int) -> None:
    query = "SELECT id FROM changes WHERE outbox = ? AND state = 'offered'"
    for (change,) in db.execute(query, (row,)).fetchall():
        delete_change(db, change)


def _narrow(db: Connection, proposals: Collection[int]) -> None:
    """Let open rows wait without these proposals; withdraw those that have no others."""
    query = f"SELECT id, proposals FROM outbox WHERE {_IS_OPEN}"  # noqa: S608 (our own words)
    for id_, of_row in db.execute(query).fetchall():
        rest = [each for each in json.loads(of_row) if each not in proposals]
        if len(rest) < len(json.loads(of_row)):
            update = "UPDATE outbox SET proposals = ?, state = ? WHERE id = ?"
            db.execute(update, (json.dumps(rest), "waiting" if rest else "withdrawn", id_))


def _read_row(row: Row) -> OutboxRow:
    columns = {each.name: row[each.name] for each in fields(OutboxRow)}
    return OutboxRow(**columns | {"proposals": tuple(json.loads(row["proposals"]))})


_IS_OPEN = "state IN ('waiting', 'given')"
