"""The tables of batches: insert the rows of calls, and set what became of them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from companion.vault.proposal import NewProposal
from companion.vault.proposal_rows import insert_proposals

BatchCallState = Literal["out", "answered", "failed", "cancelled"]
"""What became of a call: failed ones have no answer, and are asked for again in another run."""


class NewBatchCall(NamedTuple):
    """A call to store. id: opaque. asked: a proposal in state `asked` for each of its needs.

    keys: of the values in its JSON answer, in the order of asked; empty for one in plain text.
    max_tokens: of its answer.
    """

    id: str
    asked: Sequence[NewProposal]
    keys: Sequence[str]
    max_tokens: int


class BatchCall(NamedTuple):
    """A call as it is stored. proposals: the ids of those for its needs."""

    id: str
    batch: str
    state: BatchCallState
    proposals: tuple[int, ...]
    keys: tuple[str, ...]
    max_tokens: int


def create_batches(db: sqlite3.Connection) -> None:
    """Create the tables of batches and of their calls."""
    db.execute(
        """CREATE TABLE batches (
            id TEXT PRIMARY KEY,
            file TEXT NOT NULL,
            made_at REAL NOT NULL,
            state TEXT NOT NULL DEFAULT 'making',
            model TEXT NOT NULL,
            provider TEXT
        ) WITHOUT ROWID"""
    )
    db.execute(
        """CREATE TABLE batch_calls (
            id TEXT PRIMARY KEY,
            batch TEXT NOT NULL REFERENCES batches (id),
            state TEXT NOT NULL DEFAULT 'out',
            proposals TEXT NOT NULL,
            keys TEXT NOT NULL,
            max_tokens INTEGER NOT NULL
        ) WITHOUT ROWID"""
    )
    db.execute("CREATE INDEX calls_of_batch ON batch_calls (batch, state)")


def insert_calls(
    db: sqlite3.Connection, batch: str, calls: Iterable[NewBatchCall], now: float
) -> None:
    """Insert calls of the batch, and proposals in state `asked` for their needs."""
    query = """INSERT INTO batch_calls (id, batch, proposals, keys, max_tokens)
        VALUES (?, ?, ?, ?, ?)"""
    for call in calls:
        ids = json.dumps(insert_proposals(db, call.asked, now))
        db.execute(query, (call.id, batch, ids, json.dumps(list(call.keys)), call.max_tokens))


def close_call(
    db: sqlite3.Connection,
    call: BatchCall,
    state: BatchCallState,
    given: Sequence[NewProposal],
    closed: Mapping[int, str],
    now: float,
) -> list[int]:
    """Set the state of the call, put what was given in place of what was asked; return its ids.

    closed: why these proposals, by id, have no value. now: Unix time, seconds.
    """
    db.execute("UPDATE batch_calls SET state = ? WHERE id = ?", (state, call.id))
    _end_asked(db, call.proposals, "superseded" if given else "closed", "", now)
    for number, reason in closed.items():
        _end_asked(db, [number], "closed", reason, now, among=("superseded", "closed"))
    return insert_proposals(db, given, now)


def cancel_batch(db: sqlite3.Connection, batch: str, now: float) -> int:
    """Give up the calls of the batch that have no answer; return their number."""
    query = "SELECT id, proposals FROM batch_calls WHERE batch = ? AND state = 'out'"
    rows = db.execute(query, (batch,)).fetchall()
    for row in rows:
        _end_asked(db, json.loads(row["proposals"]), "closed", "the batch was cancelled", now)
    db.execute(
        "UPDATE batch_calls SET state = 'cancelled' WHERE batch = ? AND state = 'out'", (batch,)
    )
    db.execute("UPDATE batches SET state = 'cancelled' WHERE id = ?", (batch,))
    return len(rows)


def end_batch(db: sqlite3.Connection, batch: str, now: float) -> int:
    """Set those calls of the batch to failed that have no answer; return their number."""
    query = "SELECT proposals FROM batch_calls WHERE batch = ? AND state = 'out'"
    rows = db.execute(query, (batch,)).fetchall()
    for row in rows:
        _end_asked(db, json.loads(row["proposals"]), "closed", "no answer came", now)
    query = "UPDATE batch_calls SET state = 'failed' WHERE batch = ? AND state = 'out'"
    db.execute(query, (batch,))
    return len(rows)


def _end_asked(
    db: sqlite3.Connection,
    ids: Sequence[int],
    state: str,
    reason: str,
    now: float,
    among: Sequence[str] = ("asked",),
) -> None:
    query = """UPDATE proposals SET state = ?, reason = ?, decided_at = ?, decided_by = 'need'
        WHERE id IN (SELECT value FROM json_each(?))
        AND state IN (SELECT value FROM json_each(?))"""
    db.execute(query, (state, reason, now, json.dumps(list(ids)), json.dumps(list(among))))
