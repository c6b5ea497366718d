"""The batches of a vault: questions in files, or at a provider, that have no answer yet.

Each need in a batch has a proposal in state `asked`, which keeps other runs from asking for it.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Literal, NamedTuple

from companion.store.database import Database
from companion.store.proposal import NewProposal, ProposalState
from companion.store.proposal_rows import decide_proposals, insert_proposals
from companion.store.remembered_notes import RememberedNotes

BatchState = Literal["making", "out", "cancelled"]
"""What became of a batch: its file is being written; it is out; the user gave it up."""


class ProviderState(NamedTuple):
    """The progress of a batch at its provider. address: of the endpoint. step: the last one done.

    - ready: its file is on this machine.
    - sending: the provider may or may not have it.
    - sent: the provider has it.
    - collected: the answers are stored; the provider still has its files.
    - done: the provider's files are deleted.

    file, id: the provider's ids of the uploaded file and of the batch; empty: not known. files:
    the ids of all its files there, to be deleted. tokens: in and out, as estimated.
    """

    address: str
    step: Literal["ready", "sending", "sent", "collected", "done"] = "ready"
    file: str = ""
    id: str = ""
    files: Sequence[str] = ()
    tokens: Sequence[int] = (0, 0)


class Batch(NamedTuple):
    """The calls in one file. file: its absolute path. made_at: Unix time, seconds.

    model: facts about the model that it was made for, as JSON. provider: where it was submitted,
    and its progress; None for a file that another program answers.
    """

    id: str
    file: str
    made_at: float
    state: BatchState
    model: Mapping[str, Any]
    provider: ProviderState | None = None


BatchCallState = Literal["out", "answered", "failed", "cancelled"]
"""The state of a call. A failed one has no answer, and another run asks again."""


class NewBatchCall(NamedTuple):
    """A call to store. id: opaque. proposals: one in state `asked` for each need.

    keys: of the values in its JSON answer, in the same order; empty for one in plain text.
    max_tokens: of its answer.
    """

    id: str
    proposals: Sequence[NewProposal]
    keys: Sequence[str]
    max_tokens: int


class BatchCall(NamedTuple):
    """A stored call. proposals: the ids of the proposals for its needs."""

    id: str
    batch: str
    state: BatchCallState
    proposals: tuple[int, ...]
    keys: tuple[str, ...]
    max_tokens: int


class BatchCounts(NamedTuple):
    """The number of a batch's calls in each state."""

    out: int = 0
    answered: int = 0
    failed: int = 0
    cancelled: int = 0


class BatchStore:
    """The batches in the journal's database. Every method may be called from any thread.

    All of them raise JournalError, with the reason, if the database fails.
    """

    def __init__(self, db: Database, notes: RememberedNotes) -> None:
        self._db = db
        self._notes = notes

    def begin(
        self, id_: str, file: str, model: Mapping[str, Any], provider: ProviderState | None = None
    ) -> None:
        """Store a batch whose file is being written. cancel_unfinished deals with interruptions."""
        where = provider and json.dumps(provider._asdict())
        row = (id_, file, time.time(), json.dumps(model), where)
        query = "INSERT INTO batches (id, file, made_at, model, provider) VALUES (?, ?, ?, ?, ?)"
        self._db.ask(lambda db: db.execute(query, row)).result()

    def add(self, batch: str, calls: Sequence[NewBatchCall]) -> None:
        """Store calls of a batch; from now on their needs count as asked."""
        for path, source in {(new.path, new.source) for call in calls for new in call.proposals}:
            self._notes.record(path, source)
        now = time.time()
        query = """INSERT INTO batch_calls (id, batch, proposals, keys, max_tokens)
            VALUES (?, ?, ?, ?, ?)"""

        def insert(db: sqlite3.Connection) -> None:
            for call in calls:
                ids = json.dumps(insert_proposals(db, call.proposals, now))
                db.execute(query, (call.id, batch, ids, json.dumps([*call.keys]), call.max_tokens))

        self._db.ask(insert).result()

    def finish(self, batch: str) -> None:
        """Store that the batch's file is complete, and flush all of the batch to the disk."""
        query = "UPDATE batches SET state = 'out' WHERE id = ?"
        self._db.ask(lambda db: db.execute(query, (batch,)), durable=True).result()

    def set_provider(self, batch: str, provider: ProviderState) -> None:
        """Store the batch's progress at its provider, and flush it to the disk."""
        row = (json.dumps(provider._asdict()), batch)
        query = "UPDATE batches SET provider = ? WHERE id = ?"
        self._db.ask(lambda db: db.execute(query, row), durable=True).result()

    def end(self, batch: str) -> int:
        """Mark the calls without an answer as failed; return their number. Other runs may ask."""
        end = partial(_give_up_calls, batch=batch, state="failed", reason="no answer came")
        return self._db.ask(end, durable=True).result()

    def cancel(self, batch: str) -> int:
        """Give up the calls of the batch that have no answer; return their number."""

        def give_up(db: sqlite3.Connection) -> int:
            number = _give_up_calls(db, batch, "cancelled", "the batch was cancelled")
            db.execute("UPDATE batches SET state = 'cancelled' WHERE id = ?", (batch,))
            return number

        return self._db.ask(give_up, durable=True).result()

    def cancel_unfinished(self) -> None:
        """Give up the batches whose file was being written when its process ended."""
        query = "SELECT id FROM batches WHERE state = 'making'"
        rows = self._db.select(query)
        for (batch,) in rows:
            self.cancel(batch)

    def all(self) -> list[Batch]:
        """Return the batches, the oldest first."""
        query = "SELECT id, file, made_at, state, model, provider FROM batches ORDER BY made_at, id"
        rows = self._db.select(query)
        providers = [json.loads(row["provider"] or "null") for row in rows]
        return [
            Batch(*row)._replace(
                model=json.loads(row["model"]), provider=provider and ProviderState(**provider)
            )
            for row, provider in zip(rows, providers, strict=True)
        ]

    def get(self, batch: str) -> Batch | None:
        """Return the batch with that id; None if there is none."""
        return next((each for each in self.all() if each.id == batch), None)

    def count(self, batch: str) -> BatchCounts:
        """Return the number of the batch's calls in each state."""
        query = "SELECT state, count(*) FROM batch_calls WHERE batch = ? GROUP BY state"
        rows = self._db.select(query, batch)
        return BatchCounts(**dict(map(tuple, rows)))

    def call(self, id_: str) -> BatchCall | None:
        """Return the call with that id; None if this vault has no such call."""
        query = """SELECT id, batch, state, proposals, keys, max_tokens FROM batch_calls
            WHERE id = ?"""
        if not (rows := self._db.select(query, id_)):
            return None
        (row,) = rows
        proposals, keys = (tuple(json.loads(row[name])) for name in ("proposals", "keys"))
        return BatchCall(*row)._replace(proposals=proposals, keys=keys)

    def close_call(
        self,
        call: BatchCall,
        state: BatchCallState,
        new: Sequence[NewProposal] = (),
        closed: Mapping[int, str] | None = None,
    ) -> list[int]:
        """Store the outcome of a call; return the ids of the new proposals, in their order.

        They replace those in state `asked`. closed: by id, why a proposal has no value.
        """
        now = time.time()

        def close(db: sqlite3.Connection) -> list[int]:
            db.execute("UPDATE batch_calls SET state = ? WHERE id = ?", (state, call.id))
            to: ProposalState = "superseded" if new else "closed"
            decide_proposals(db, call.proposals, to, (now, "need", ""), ["asked"])
            for number, reason in (closed or {}).items():
                decided = (now, "need", reason)
                decide_proposals(db, [number], "closed", decided, ["superseded", "closed"])
            return insert_proposals(db, new, now)

        return self._db.ask(close).result()


def _give_up_calls(db: sqlite3.Connection, batch: str, state: BatchCallState, reason: str) -> int:
    """Set the state of the batch's calls that have no answer; return their number.

    reason: why their needs have no value.
    """
    query = "SELECT proposals FROM batch_calls WHERE batch = ? AND state = 'out'"
    rows = db.execute(query, (batch,)).fetchall()
    for row in rows:
        decided = (time.time(), "need", reason)
        decide_proposals(db, json.loads(row["proposals"]), "closed", decided, ["asked"])
    query = "UPDATE batch_calls SET state = ? WHERE batch = ? AND state = 'out'"
    db.execute(query, (state, batch))
    return len(rows)
