"""Proposals: the values that models gave for the needs of notes, and the decisions on them.

They keep a model from being asked twice for the same need.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from sqlite3 import Row
from typing import Any, Literal, NamedTuple

from companion.note.needs import Need
from companion.store.database import Store, to_json
from companion.store.moves import put_note
from companion.store.proposal_rows import (
    HAS_NO_OPEN,
    HAS_TEXT,
    IN_IDS,
    MOST,
    OPEN_UNDONE,
    delete_texts,
    find_condition,
    insert_proposals,
    reopen_proposals,
)

ProposalState = Literal["asked", "open", "accepted", "refused", "rejected", "superseded", "closed"]
"""The state of a proposal:

- asked: the question is in a batch, and there is no value yet; no other run asks.
- open: it waits for a decision.
- accepted: it is in the note, or was until the user took it out.
- refused: the user does not want it, or undid the change that wrote it at once.
- rejected: a check found it unfit, or there is no value at all.
- superseded: a newer one of the same need took its place.
- closed: the need is gone; it may be asked for again if it comes back.
"""

Flag = Literal[
    "unsupported",
    "new-value",
    "replaces",
    "program",
    "undone",
]
"""Why somebody should look at a proposal before it is written; FLAG_WORDS puts it in words."""

FLAG_WORDS: Mapping[Flag, str] = {
    "unsupported": "neither the note nor what links to it supports all of this",
    "new-value": "no other note uses this yet",
    "replaces": "it replaces what Companion wrote before",
    "program": "a script or an agent proposed this, not the model you chose",
    "undone": "it was in the note once, and was taken out again",
}

ProposedValue = str | list[str]
"""A text, the texts of a list, or the lines of a callout's body."""

PROGRAM_NAME = r"[A-Za-z0-9][A-Za-z0-9._ -]{0,59}"
"""The names that a program may have, as a regular expression."""


class Origin(NamedTuple):
    """What a proposal came from.

    model: that gave the value; empty: none was asked. source_sha256: of the note that it was made
    from. made_at: Unix time, seconds.
    """

    model: str = ""
    run: str = ""
    source_sha256: str = ""
    made_at: float = 0.0


_UNKNOWN = Origin()


@dataclass(frozen=True)
class Proposal:
    """A value for a need of a note, from when a check accepts it; or why there is none.

    path: of the note now. value: None if there is none, or its text was deleted. reason: why it was
    rejected, refused or closed. remark: what the history says beside the value. waits: it must be
    reviewed first; the daemon does not write it by itself. fault: of a rejected one, not stored:
    empty if there is nothing to say, `unfit` if a check rejected it, `no answer`, or what is wrong
    with the endpoint's replies, such as `cut off`.
    answer, shown: of a question in a batch, its id and the key of the value, and the paths of the
    other notes that it quotes.

    id: 0 until it is stored. decided_by: `user`, `setting`, `need` if the need is gone, or `agent:`
    and a name; of an open one, who accepted it while an editor showed its note, else empty.
    decided_at: Unix time, seconds. change: the id of the change that wrote it, even after that was
    undone.
    """

    path: str
    need: Need
    value: ProposedValue | None
    state: ProposalState = "open"
    flags: tuple[Flag, ...] = ()
    reason: str = ""
    remark: str = ""
    origin: Origin = _UNKNOWN
    waits: bool = False
    fault: str = ""
    answer: Any = None
    shown: tuple[str, ...] = ()
    id: int = 0
    decided_by: str = ""
    decided_at: float | None = None
    change: int | None = None

    @property
    def kind(self) -> str:
        """The property that it fills, or `callout`."""
        return self.need.kind

    @property
    def text(self) -> str:
        """The value as one text, with items and lines on separate lines; empty: none."""
        return self.value if isinstance(self.value, str) else "\n".join(self.value or ())

    @property
    def waits_for_editor(self) -> bool:
        """Whether it is accepted, and waits for the editor that shows its note."""
        return self.state == "open" and bool(self.decided_by)


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


ALL = Selection()


class ProposalStore(Store):
    """The proposals in the journal's database."""

    def add(
        self,
        new: Sequence[Proposal],
        source: bytes | None = None,
        *,
        flush: bool = True,
    ) -> list[Proposal]:
        """Store proposals; return them as stored, in the same order.

        An open one supersedes an older open one for the same need. source: the note that they were
        made from. flush: False: a change to the note follows, whose commit flushes these, too.
        """
        if not new:
            return []
        with self._db.transaction(flush=flush) as db:
            for path in {each.path for each in new}:
                put_note(db, path, source)
            return self._read(insert_proposals(db, new, source))

    def get(self, id_: int) -> Proposal | None:
        """Return the proposal with that id; None if there is none."""
        matches = self.get_all([id_])
        return matches[0] if matches else None

    def get_all(self, ids: Iterable[int]) -> list[Proposal]:
        """Return the proposals with these ids, by id; unknown ones are left out."""
        return self._read(sorted({each for each in ids if 0 < each <= MOST}))

    def asked_in(self, line: str) -> list[Proposal]:
        """Return the proposals whose question is this line of a batch, and has no answer yet."""
        where = "state = 'asked' AND json_extract(answer, '$[0]') = ? ORDER BY id"
        return self._query(where, line)

    def select(self, selection: Selection = ALL, limit: int | None = None) -> list[Proposal]:
        """Return the selected proposals, newest first; at most `limit`."""
        where, values = find_condition(selection)
        most = -1 if limit is None else limit  # SQLite takes -1 for no limit
        return self._query(f"{where} ORDER BY id DESC LIMIT ?", *values, most)

    def count(self, selection: Selection = ALL) -> int:
        """Return how many proposals are selected."""
        where, values = find_condition(selection)
        query = f"SELECT count(*) FROM proposals WHERE {where}"  # noqa: S608 (our own words)
        ((number,),) = self._db.select(query, *values)
        return int(number)

    def latest(self, path: str) -> dict[str, Proposal]:
        """Return the latest proposal for each need of the note, by key; an open one goes first.

        Those that are superseded or closed do not count.
        """
        return self._latest("AND path = ?", path).get(path, {})

    def latest_of_all(self) -> dict[str, dict[str, Proposal]]:
        """Return the latest proposals for all notes, by path and key."""
        return self._latest("")

    def source(self, proposal: Proposal) -> bytes | None:
        """Return the note that the proposal was made from; None once its text was deleted."""
        query = "SELECT text FROM proposal_sources WHERE sha256 = ?"
        rows = self._db.select(query, proposal.origin.source_sha256)
        return bytes(rows[0]["text"]) if rows else None

    def decide(
        self,
        ids: Iterable[int],
        to: ProposalState,
        by: str,
        reason: str = "",
        states: Sequence[ProposalState] = ("open",),
        run: str = "",
    ) -> list[int]:
        """Decide on the proposals that are in one of the states; return their ids.

        If two callers decide at the same time, only one gets the id. run: in which they are
        refused. A change accepts its proposals when it begins.
        """
        with self._db.transaction() as db:
            values = (to, time.time(), by, reason, run, to_json(ids), to_json(states))
            return sorted(id_ for (id_,) in db.execute(_DECIDE, values).fetchall())

    def refused_in(self, run: str) -> dict[int, str]:
        """Return the ids of the proposals that are refused since that run, and their notes."""
        query = """SELECT id, path FROM proposals WHERE state = 'refused' AND decided_in = ?
            ORDER BY id"""
        return dict(map(tuple, self._db.select(query, run)))

    def reopen(self, ids: Iterable[int]) -> list[int]:
        """Reopen proposals that nobody accepted; return the ids of those that are open then.

        One whose text is gone stays closed, and so does one whose need has another open proposal.
        But one that took the place of an older one steps back for it.
        """
        with self._db.transaction() as db:
            return reopen_proposals(db, sorted(ids))

    def reopen_lost(self, id_: int) -> None:
        """Reopen an accepted proposal, flagged, because its value is not in its note any more."""
        query = f"{OPEN_UNDONE} WHERE id = ? AND state = 'accepted' AND {HAS_NO_OPEN}"
        with self._db.transaction() as db:
            db.execute(query, ("its value is not in the note any more", id_))

    def flag(self, ids: Iterable[int], flag: Flag) -> None:
        """Flag those of the proposals that are open."""
        query = f"""UPDATE proposals SET flags = json_insert(flags, '$[#]', ?)
            WHERE state = 'open' AND {IN_IDS} AND instr(flags, ?) = 0"""  # noqa: S608
        with self._db.transaction() as db:
            db.execute(query, (flag, to_json(ids), to_json(flag)))

    def edit_value(self, id_: int, value: ProposedValue) -> None:
        """Store the user's version of a value in place of the model's."""
        with self._db.transaction() as db:
            db.execute("UPDATE proposals SET value = ? WHERE id = ?", (to_json(value), id_))

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
        stored, mine = to_json(paths), "path IN (SELECT value FROM json_each(?))"
        query = f"""UPDATE proposals SET state = ?, decided_at = ?, decided_by = ?, reason = ?
            WHERE state IN ('open', 'asked') AND {mine}"""  # noqa: S608 (our own words)
        with self._db.transaction() as db:
            db.execute(query, (to, time.time(), by, reason, stored))
            count = delete_texts(db, mine, stored)
        self._db.erase_log()
        return count

    def paths(self) -> list[str]:
        """Return the paths of the notes that have proposals with text."""
        query = f"SELECT DISTINCT path FROM proposals WHERE {HAS_TEXT}"  # noqa: S608
        return [path for (path,) in self._db.select(query)]

    def purge(self, older_than: float) -> int:
        """Delete the text of proposals decided over `older_than` seconds ago; return how many."""
        with self._db.transaction() as db:
            return delete_texts(db, "state != 'open' AND decided_at < ?", time.time() - older_than)

    def _read(self, ids: Sequence[int]) -> list[Proposal]:
        return self._query(f"{IN_IDS} ORDER BY id", to_json(ids))

    def _query(self, where: str, *values: object) -> list[Proposal]:
        query = f"SELECT * FROM proposals WHERE {where}"  # noqa: S608
        return [_read_row(row) for row in self._db.select(query, *values)]

    def _latest(self, where: str, *values: object) -> dict[str, dict[str, Proposal]]:
        latest: dict[str, dict[str, Proposal]] = {}
        for each in self._query(_LATEST.format(where), *values):
            latest.setdefault(each.path, {})[each.need.key] = each
        return latest


def _read_row(row: Row) -> Proposal:
    def load(name: str) -> Any:
        return None if row[name] is None else json.loads(row[name])

    return Proposal(
        path=row["path"],
        need=Need(*json.loads(row["place"])),
        value=load("value"),
        state=row["state"],
        flags=() if row["flags"] == "[]" else tuple(json.loads(row["flags"])),
        reason=row["reason"],
        remark=row["remark"],
        origin=Origin(row["model"], row["run"], row["source_sha256"], row["made_at"]),
        waits=bool(row["waits"]),
        answer=load("answer"),
        shown=tuple(load("shown") or ()),
        id=row["id"],
        decided_by=row["decided_by"],
        decided_at=row["decided_at"],
        change=row["change"],
    )


_LATEST = "state NOT IN ('superseded', 'closed') {} ORDER BY path, need, state = 'open', id"
_DECIDE = """UPDATE proposals SET state = ?, decided_at = ?, decided_by = ?, reason = ?,
    decided_in = ? WHERE id IN (SELECT value FROM json_each(?))
    AND state IN (SELECT value FROM json_each(?)) RETURNING id"""
