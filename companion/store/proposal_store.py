"""The proposals of a vault: values that models gave for its notes, and decisions on them.

They keep a model from being asked twice for the same need.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from functools import cache
from sqlite3 import Connection
from typing import NamedTuple

from companion.sqlite import fold
from companion.store.database import Store
from companion.store.moves import put_note
from companion.store.proposal import (
    Flag,
    LatestProposal,
    NewProposal,
    Proposal,
    ProposalState,
    ProposedValue,
    dump_json,
    read_proposal_row,
)
from companion.store.proposal_rows import (
    PROPOSAL_COLUMNS,
    REOPEN_ACCEPTED,
    REOPEN_DECIDED,
    RESTORE,
    STEP_BACK,
    decide_proposals,
    insert_proposals,
)


class Selection(NamedTuple):
    """A query for proposals; None: any.

    paths: notes, and folders with everything in them; `""`: the vault. flag: with this one. text:
    in the note's path or the value, ignoring case. before: with a lower id.
    """

    paths: Sequence[str] | None = None
    kind: str | None = None
    states: Sequence[ProposalState] | None = None
    flagged: bool | None = None
    run: str | None = None
    before: int | None = None
    flag: Flag | None = None
    text: str | None = None


class Filed(NamedTuple):
    """The attributes by which proposals are counted. path: the note's current one."""

    id: int
    path: str
    state: ProposalState
    kind: str
    flags: tuple[Flag, ...]


ALL = Selection()


class ProposalStore(Store):
    """The proposals in the journal's database."""

    def add(self, new: Sequence[NewProposal]) -> list[int]:
        """Store proposals; return their ids, in the same order.

        An open one supersedes an older open one for the same need of the note.
        """
        if not new:
            return []
        now = time.time()
        with self._db.transaction() as db:
            for each in {each.path: each for each in new}.values():
                put_note(db, each.path, each.source, each.read_at or now)
            return insert_proposals(db, new, now)

    def get(self, id_: int) -> Proposal | None:
        """Return the proposal with that id; None if there is none."""
        matches = self.get_all([id_])
        return matches[0] if matches else None

    def get_all(self, ids: Iterable[int]) -> list[Proposal]:
        """Return the proposals with these ids, in their order; unknown ones are left out."""
        numbers = json.dumps([each for each in ids if 0 < each <= _MOST])
        return self._query("id IN (SELECT value FROM json_each(?)) ORDER BY id", numbers)

    def asked_in(self, line: str) -> list[Proposal]:
        """Return the proposals whose question is this line of a batch, and has no answer yet."""
        where = "state = 'asked' AND json_extract(answer, '$[0]') = ? ORDER BY id"
        return self._query(where, line)

    def select(self, selection: Selection = ALL, limit: int | None = None) -> list[Proposal]:
        """Return the selected proposals, newest first; at most `limit`."""
        where, values = self._where(selection)
        most = -1 if limit is None else limit  # SQLite takes -1 for no limit
        return self._query(f"{where} ORDER BY id DESC LIMIT ?", *values, most)

    def corrected(self, kind: str | None, most: int) -> list[Proposal]:
        """Return what the user accepted in their own words, latest first. kind: None: any."""
        where = """state = 'accepted' AND decided_by = 'user' AND edited IS NOT NULL
            AND kind = coalesce(?, kind) ORDER BY decided_at DESC, id DESC LIMIT ?"""
        return self._query(where, kind, most)

    def decided_by_user(self) -> list[tuple[str, str, ProposalState]]:
        """Return path, kind and state of proposals with text that the user decided on, latest
        first.
        """
        query = f"""SELECT path, kind, state FROM proposals WHERE decided_by = 'user'
            AND state IN ('accepted', 'refused') AND {_HAS_TEXT}
            ORDER BY decided_at DESC, id DESC"""  # noqa: S608 (our own words)
        rows = self._db.select(query)
        return [(path, kind, state) for path, kind, state in rows]

    def count(self, selection: Selection = ALL) -> int:
        """Return how many proposals are selected."""
        where, values = self._where(selection)
        query = f"SELECT count(*) FROM proposals WHERE {where}"  # noqa: S608 (our own words)
        ((number,),) = self._db.select(query, *values)
        return int(number)

    def file(self, selection: Selection = ALL) -> list[Filed]:
        """Return what the selected proposals are counted by, newest first."""
        where, values = self._where(selection)
        query = f"""SELECT id, path, state, kind, flags FROM proposals WHERE {where}
            ORDER BY id DESC"""  # noqa: S608 (our own words)
        read_flags = cache(lambda flags: tuple(json.loads(flags)))
        return [
            Filed(id_, path, state, kind, read_flags(flags))
            for id_, path, state, kind, flags in self._db.select(query, *values)
        ]

    def source(self, proposal: Proposal) -> bytes | None:
        """Return the note that the proposal was made from; None once its text was deleted."""
        query = "SELECT text FROM proposal_sources WHERE sha256 = ?"
        rows = self._db.select(query, proposal.source_sha256)
        return bytes(rows[0]["text"]) if rows else None

    def decide(
        self,
        ids: Sequence[int],
        to: ProposalState,
        by: str,
        reason: str = "",
        states: Sequence[ProposalState] = ("open",),
        run: str = "",
    ) -> list[int]:
        """Decide on the proposals that are in one of the states; return their ids.

        If two callers decide at the same time, only one gets the id. run: in which they are
        refused. The journal marks them as accepted when their change begins.
        """
        with self._db.transaction() as db:
            return decide_proposals(db, ids, to, (time.time(), by, reason), states, run)

    def refused_in(self, run: str) -> dict[int, str]:
        """Return the ids of the proposals that are refused since that run, and their notes."""
        query = """SELECT id, path FROM proposals WHERE state = 'refused' AND decided_in = ?
            ORDER BY id"""
        rows = self._db.select(query, run)
        return dict(map(tuple, rows))

    def reopen(self, ids: Iterable[int]) -> list[int]:
        """Reopen proposals that nobody accepted; return the ids of those that are open then.

        One whose text is gone stays closed, and so does one whose need has another open proposal.
        But one that took the place of an older one steps back for it.
        """
        numbers = list(ids)
        query = """SELECT id FROM proposals WHERE state = 'open'
            AND id IN (SELECT value FROM json_each(?)) ORDER BY id"""
        with self._db.transaction() as db:
            for number in numbers:
                if db.execute(STEP_BACK, (time.time(), number)).rowcount:
                    db.execute(RESTORE, (number,))
                db.execute(REOPEN_DECIDED, (number,))
            return [id_ for (id_,) in db.execute(query, (json.dumps(numbers),)).fetchall()]

    def reopen_accepted(self, id_: int, flags: Sequence[Flag], reason: str) -> None:
        """Reopen an accepted proposal, with these flags, because its value is not in its note."""
        with self._db.transaction() as db:
            db.execute(REOPEN_ACCEPTED, (json.dumps(list(flags)), reason, id_))

    def edit_value(self, id_: int, value: ProposedValue | None) -> None:
        """Store the user's version of an accepted value, beside the model's; None: unchanged."""
        query = "UPDATE proposals SET edited = ?1, value = coalesce(value, ?1) WHERE id = ?2"
        with self._db.transaction() as db:
            db.execute(query, (None if value is None else dump_json(value), id_))

    def latest(self, path: str) -> dict[str, LatestProposal]:
        """Return the latest proposal for each need of the note, by key; an open one goes first.

        Those that are superseded or closed do not count.
        """
        return self._latest("AND path = ?", path).get(path, {})

    def latest_of_all(self) -> dict[str, dict[str, LatestProposal]]:
        """Return the latest proposals for all notes, by path and key, with one query."""
        return self._latest("")

    def forget(
        self,
        paths: Iterable[str],
        reason: str,
        by: str = "user",
        to: ProposalState = "refused",
    ) -> int:
        """Delete the text of all proposals for these notes; return how many had any. to: of open
        ones.
        """
        stored = json.dumps(list(paths))
        mine = "path IN (SELECT value FROM json_each(?))"
        query = f"""UPDATE proposals SET state = ?, decided_at = ?, decided_by = ?, reason = ?
            WHERE state IN ('open', 'asked') AND {mine}"""  # noqa: S608 (our own words)
        with self._db.transaction() as db:
            db.execute(query, (to, time.time(), by, reason, stored))
            count = _delete_texts(db, f"{_HAS_TEXT} AND {mine}", stored)
        self._db.erase_log()
        return count

    def paths(self) -> list[str]:
        """Return the paths of the notes that have proposals with text."""
        query = f"SELECT DISTINCT path FROM proposals WHERE {_HAS_TEXT}"  # noqa: S608
        rows = self._db.select(query)
        return [row["path"] for row in rows]

    def purge(self, older_than: float) -> int:
        """Delete the text of proposals decided over `older_than` seconds ago; return how many."""
        where = f"{_HAS_TEXT} AND state != 'open' AND decided_at < ?"
        with self._db.transaction() as db:
            return _delete_texts(db, where, time.time() - older_than)

    def _where(self, selection: Selection) -> tuple[str, list[object]]:
        """Return the selection as an SQL condition, and its values."""
        paths, kind, states, flagged, run, before, flag, text = selection
        is_open = states is not None and tuple(states) == ("open",)
        conditions: list[tuple[str, object]] = [
            (_IN_PATHS, None if paths is None or "" in paths else json.dumps(list(paths))),
            ("kind = ?", kind),
            (_IN_STATES, None if states is None or is_open else json.dumps(list(states))),
            ("(flags != '[]') = ?", flagged),
            (_HAS_FLAG, flag),
            (_HAS_WORDS, None if text is None else fold(text)),
            ("run = ?", run),
            ("id < ?", None if before is None else min(before, _MOST)),
        ]
        parts = [(words, value) for words, value in conditions if value is not None]
        # the open ones as their index has it
        words = [words for words, _ in parts] + ["state = 'open'"] * is_open
        return " AND ".join(words) or "1", [value for _, value in parts]

    def _query(self, where: str, *values: object) -> list[Proposal]:
        query = f"SELECT {PROPOSAL_COLUMNS} FROM proposals WHERE {where}"  # noqa: S608
        return [read_proposal_row(row) for row in self._db.select(query, *values)]

    def _latest(self, where: str, *values: object) -> dict[str, dict[str, LatestProposal]]:
        query = _LATEST.format(where)
        rows = self._db.select(query, *values)
        latest: dict[str, dict[str, LatestProposal]] = {}
        for path, need, id_, state, rejection, reason, flags, waits, change, has_value in rows:
            flag_names = tuple(json.loads(flags)) if flags != "[]" else ()
            latest.setdefault(path, {})[need] = LatestProposal(
                id_, state, rejection, reason, flag_names, bool(waits), change, bool(has_value)
            )
        return latest


def _delete_texts(db: Connection, where: str, *values: object) -> int:
    """Delete the text of the proposals that the SQL condition selects; return their number."""
    count = db.execute(f"{_DELETE_TEXTS} WHERE {where}", values).rowcount
    db.execute(
        f"""DELETE FROM proposal_sources WHERE sha256 NOT IN
        (SELECT source_sha256 FROM proposals WHERE {_HAS_TEXT})"""  # noqa: S608 (our own words)
    )
    return count


_MOST = (1 << 63) - 1  # the highest id SQLite can give
_DELETE_TEXTS = """UPDATE proposals SET value = NULL, edited = NULL, answer = NULL,
    evidence = NULL, remark = ''"""
_HAS_TEXT = "(value IS NOT NULL OR answer IS NOT NULL OR state = 'asked')"
_IN_PATHS = """EXISTS (SELECT 1 FROM json_each(?) AS named
    WHERE proposals.path = named.value
    OR (proposals.path > named.value || '/' AND proposals.path < named.value || '0'))"""
_IN_STATES = "state IN (SELECT value FROM json_each(?))"
_HAS_FLAG = "EXISTS (SELECT 1 FROM json_each(flags) AS flag WHERE flag.value = ?)"
_HAS_WORDS = """instr(fold(path || char(10) || coalesce(
    (SELECT group_concat(atom, char(10)) FROM json_tree(coalesce(edited, proposals.value))), '')
    ), ?)"""
_LATEST = """SELECT path, need, id, state, rejection, reason, flags, waits, change,
    value IS NOT NULL FROM proposals
    WHERE state NOT IN ('superseded', 'closed') {} ORDER BY path, need, state = 'open', id"""
