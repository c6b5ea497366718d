"""The batches of a vault: questions in files, or at a provider, that have no answer yet.

Each need in a batch has a proposal in state `asked`, which keeps other runs from asking for it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from companion.store.database import Store
from companion.store.proposal import NewProposal, ProposalState
from companion.store.proposal_rows import decide_proposals, insert_proposals

BatchState = Literal["making", "out", "cancelled"]
"""The state of a batch: its file is being written; it is out; or the user gave it up."""


class ProviderState(NamedTuple):
    """The progress of a batch at its provider. address: of the endpoint. step: the last one done.

    - ready: its file is on this machine.
    - sending: the provider may or may not have it.
    - sent: the provider has it.
    - collected: the answers are stored; the provider still has its files.
    - done: the provider's files are deleted.

    file, id: the provider's ids of the uploaded file and of the batch; empty: unknown. files: the
    ids of all its files there, to be deleted.
    """

    address: str
    step: Literal["ready", "sending", "sent", "collected", "done"] = "ready"
    file: str = ""
    id: str = ""
    files: Sequence[str] = ()


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


class BatchCall(NamedTuple):
    """A call. id: opaque. proposals: the ids of those in state `asked`, one for each need.

    keys: of the values in its JSON answer, in the same order; empty for one in plain text.
    max_tokens: of its answer.
    """

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


class BatchStore(Store):
    """The batches in the journal's database."""

    def begin(self, id_: str, file: str, model: Mapping[str, Any]) -> None:
        """Store a batch whose file is being written; see cancel_unfinished for interruptions."""
        query = "INSERT INTO batches (id, file, made_at, model) VALUES (?, ?, ?, ?)"
        self._write(query, id_, file, time.time(), json.dumps(model))

    def add(self, call: BatchCall) -> None:
        """Store a call of a batch, whose proposals are stored already."""
        query = """INSERT INTO batch_calls (id, batch, state, proposals, keys, max_tokens)
            VALUES (?, ?, ?, ?, ?, ?)"""
        proposals, keys = json.dumps(call.proposals), json.dumps(call.keys)
        self._write(query, *call[:3], proposals, keys, call.max_tokens)

    def finish(self, batch: str) -> None:
        """Store that the batch's file is complete, and flush all of the batch to the disk."""
        self._write("UPDATE batches SET state = 'out' WHERE id = ?", batch)

    def set_provider(self, batch: str, provider: ProviderState) -> None:
        """Store the batch's progress at its provider, and flush it to the disk."""
        query = "UPDATE batches SET provider = ? WHERE id = ?"
        self._write(query, json.dumps(provider._asdict()), batch)

    def end(self, batch: str) -> int:
        """Mark unanswered calls as failed; return their number. Other runs may ask again."""
        return self._give_up(batch, "failed", "no answer came")

    def cancel(self, batch: str) -> int:
        """Give up the calls of the batch that have no answer; return their number.

        A batch without calls is deleted.
        """
        number = self._give_up(batch, "cancelled", "the batch was cancelled")
        query = """DELETE FROM batches WHERE id = ?
            AND NOT EXISTS (SELECT 1 FROM batch_calls WHERE batch = batches.id)"""
        self._write(query, batch)
        self._write("UPDATE batches SET state = 'cancelled' WHERE id = ?", batch)
        return number

    def cancel_unfinished(self) -> None:
        """Give up the batches whose file was being written when its process ended."""
        for (batch,) in self._db.select("SELECT id FROM batches WHERE state = 'making'"):
            self.cancel(batch)

    def all(self) -> list[Batch]:
        """Return the batches, the oldest first."""
        query = "SELECT id, file, made_at, state, model, provider FROM batches ORDER BY made_at, id"
        batches = []
        for row in self._db.select(query):
            state = json.loads(row["provider"] or "null")
            named = {name: state[name] for name in ProviderState._fields if name in (state or {})}
            provider = ProviderState(**named) if state else None
            model = json.loads(row["model"])
            batches.append(Batch(*row)._replace(model=model, provider=provider))
        return batches

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
        to: ProposalState = "superseded" if new else "closed"
        with self._db.transaction() as db:
            db.execute("UPDATE batch_calls SET state = ? WHERE id = ?", (state, call.id))
            decide_proposals(db, call.proposals, to, (now, "need", ""), ["asked"])
            for number, reason in (closed or {}).items():
                decided = (now, "need", reason)
                decide_proposals(db, [number], "closed", decided, ["superseded", "closed"])
            return insert_proposals(db, new, now)

    def _give_up(self, batch: str, state: BatchCallState, reason: str) -> int:
        """Set the state of the batch's calls that have no answer; return their number.

        reason: why their needs have no value. A proposal without a call belongs to one that was
        being stored when its process ended.
        """
        query = "SELECT id FROM proposals WHERE run = ? AND state = 'asked'"
        update = "UPDATE batch_calls SET state = ? WHERE batch = ? AND state = 'out'"
        with self._db.transaction() as db:
            ids = [id_ for (id_,) in db.execute(query, (batch,))]
            decide_proposals(db, ids, "closed", (time.time(), "need", reason), ["asked"])
            return db.execute(update, (state, batch)).rowcount

    def _write(self, query: str, *values: object) -> None:
        with self._db.transaction() as db:
            db.execute(query, values)
