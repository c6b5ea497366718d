"""Proposals: the values that models gave for the needs of notes, and the decisions on them.

They keep a model from being asked twice for the same need.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from sqlite3 import Connection, Row
from typing import Any, Literal, NamedTuple

from companion.errors import ProposalDecided
from companion.note.needs import Need
from companion.sqlite import fold
from companion.store.database import Store
from companion.store.moves import put_note

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
    undone. original: the model's value, while the user's own version of it is accepted.
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
    edited: ProposedValue | None = field(default=None, repr=False)
    original: ProposedValue | None = None

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


def describe_state(proposal: Proposal) -> str:
    """Return in words why nobody can decide on the proposal in its state."""
    by = {"user": "you", "setting": "a setting"}.get(proposal.decided_by, proposal.decided_by)
    words = {
        "asked": "its question is in a batch, and not answered yet",
        "open": "it is open",
        "accepted": f"it was accepted already (change {proposal.change})",
        "refused": "it was refused already",
        "rejected": "it was rejected by a check",
        "superseded": "a newer one took its place",
        "closed": "its need is gone",
    }[proposal.state]
    why = f": {proposal.reason}" if proposal.reason else ""
    return f"{words}{f', by {by}' if by and proposal.state == 'refused' else ''}{why}"


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
    ) -> list[Proposal]:
        """Store proposals; return them as stored, in the same order.

        An open one supersedes an older open one for the same need. source: the note that they were
        made from.
        """
        if not new:
            return []
        with self._db.transaction() as db:
            for path in {each.path for each in new}:
                put_note(db, path, source)
            return self._read(insert_proposals(db, new, source))

    def get(self, id_: int) -> Proposal | None:
        """Return the proposal with that id; None if there is none."""
        matches = self.get_all([id_])
        return matches[0] if matches else None

    def get_all(self, ids: Iterable[int]) -> list[Proposal]:
        """Return the proposals with these ids, by id; unknown ones are left out."""
        return self._read(sorted({each for each in ids if 0 < each <= _MOST}))

    def asked_in(self, line: str) -> list[Proposal]:
        """Return the proposals whose question is this line of a batch, and has no answer yet."""
        where = "state = 'asked' AND json_extract(answer, '$[0]') = ? ORDER BY id"
        return self._query(where, line)

    def select(self, selection: Selection = ALL, limit: int | None = None) -> list[Proposal]:
        """Return the selected proposals, newest first; at most `limit`."""
        where, values = _find_condition(selection)
        most = -1 if limit is None else limit  # SQLite takes -1 for no limit
        return self._query(f"{where} ORDER BY id DESC LIMIT ?", *values, most)

    def count(self, selection: Selection = ALL) -> int:
        """Return how many proposals are selected."""
        where, values = _find_condition(selection)
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
            return decide_proposals(db, ids, to, by, reason, states, run)

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
        numbers = sorted(ids)
        query = f"SELECT id FROM proposals WHERE state = 'open' AND {_IN_IDS} ORDER BY id"  # noqa: S608
        with self._db.transaction() as db:
            for number in numbers:
                if db.execute(_STEP_BACK, (time.time(), number)).rowcount:
                    db.execute(f"{_OPEN} WHERE id = ?", ("", number))
                db.execute(f"{_OPEN} WHERE id = ? AND {_CAN_REOPEN}", ("", number))
            return [id_ for (id_,) in db.execute(query, (_json(numbers),)).fetchall()]

    def reopen_lost(self, id_: int) -> None:
        """Reopen an accepted proposal, flagged, because its value is not in its note any more."""
        query = f"""{_OPEN_UNDONE}, value = coalesce(edited, value), edited = NULL
            WHERE id = ? AND state = 'accepted' AND {_HAS_NO_OPEN}"""
        with self._db.transaction() as db:
            db.execute(query, ("its value is not in the note any more", id_))

    def edit_value(self, id_: int, value: ProposedValue | None) -> None:
        """Store the user's version of an accepted value, beside the model's; None: unchanged."""
        query = "UPDATE proposals SET edited = ?1, value = coalesce(value, ?1) WHERE id = ?2"
        with self._db.transaction() as db:
            db.execute(query, (None if value is None else _json(value), id_))

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
        stored, mine = _json(paths), "path IN (SELECT value FROM json_each(?))"
        query = f"""UPDATE proposals SET state = ?, decided_at = ?, decided_by = ?, reason = ?
            WHERE state IN ('open', 'asked') AND {mine}"""  # noqa: S608 (our own words)
        with self._db.transaction() as db:
            db.execute(query, (to, time.time(), by, reason, stored))
            count = _delete_texts(db, mine, stored)
        self._db.erase_log()
        return count

    def paths(self) -> list[str]:
        """Return the paths of the notes that have proposals with text."""
        query = f"SELECT DISTINCT path FROM proposals WHERE {_HAS_TEXT}"  # noqa: S608
        return [path for (path,) in self._db.select(query)]

    def purge(self, older_than: float) -> int:
        """Delete the text of proposals decided over `older_than` seconds ago; return how many."""
        with self._db.transaction() as db:
            return _delete_texts(db, "state != 'open' AND decided_at < ?", time.time() - older_than)

    def _read(self, ids: Sequence[int]) -> list[Proposal]:
        return self._query(f"{_IN_IDS} ORDER BY id", _json(ids))

    def _query(self, where: str, *values: object) -> list[Proposal]:
        query = f"SELECT * FROM proposals WHERE {where}"  # noqa: S608
        return [_read_row(row) for row in self._db.select(query, *values)]

    def _latest(self, where: str, *values: object) -> dict[str, dict[str, Proposal]]:
        latest: dict[str, dict[str, Proposal]] = {}
        for each in self._query(_LATEST.format(where), *values):
            latest.setdefault(each.path, {})[each.need.key] = each
        return latest


def _json(value: object) -> str:
    if isinstance(value, Iterable) and not isinstance(value, str | Mapping):
        value = list(value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _read_row(row: Row) -> Proposal:
    def load(name: str) -> Any:
        return None if row[name] is None else json.loads(row[name])

    value, edited, flags = load("value"), load("edited"), row["flags"]
    is_waiting = row["state"] == "open" and row["decided_by"]
    is_edited = edited is not None and (row["state"] == "accepted" or is_waiting)
    return Proposal(
        path=row["path"],
        need=Need(*json.loads(row["place"])),
        value=edited if is_edited else value,
        state=row["state"],
        flags=() if flags == "[]" else tuple(json.loads(flags)),
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
        edited=edited,
        original=value if is_edited else None,
    )


# --- within a transaction, of a change too


def insert_proposals(db: Connection, new: Iterable[Proposal], source: bytes | None) -> list[int]:
    """Insert proposals; return their ids.

    An open one supersedes an open one of its need; each supersedes a question in a batch.
    """
    ids, now = list[int](), time.time()
    digest = "" if source is None else sha256(source).hexdigest()
    for each in new:
        if source is not None and (each.state == "asked" or each.value is not None):
            db.execute("INSERT OR IGNORE INTO proposal_sources VALUES (?, ?)", (digest, source))
        db.execute(_SUPERSEDE, (now, each.path, each.need.key, each.state, each.state))
        row = {
            "path": each.path,
            "need": each.need.key,
            "kind": each.need.kind,
            "place": _json(each.need),
            "state": each.state,
            "flags": _json(each.flags),
            "reason": each.reason,
            "remark": each.remark,
            "model": each.origin.model,
            "run": each.origin.run,
            "source_sha256": digest,
            "made_at": now,
            "decided_at": None if each.state in ("asked", "open") else now,
            "waits": each.waits,
            "value": None if each.value is None else _json(each.value),
            "answer": None if each.answer is None else json.dumps(each.answer),
            "shown": _json(each.shown) if each.shown else None,
        }
        ids.append(insert_row(db, "proposals", row))
    return ids


def insert_row(db: Connection, table: str, row: Mapping[str, object]) -> int:
    """Insert a row with these columns, and return its id; the others get their defaults."""
    columns, values = ", ".join(row), ", ".join(f":{column}" for column in row)
    insert = f"INSERT INTO {table} ({columns}) VALUES ({values})"  # noqa: S608 (our own words)
    number = db.execute(insert, row).lastrowid
    assert number is not None
    return number


def decide_proposals(
    db: Connection,
    ids: Iterable[int],
    to: ProposalState,
    by: str,
    reason: str,
    states: Sequence[ProposalState],
    run: str = "",
) -> list[int]:
    """Decide on the proposals, as ProposalStore.decide does; return their ids."""
    rows = db.execute(_DECIDE, (to, time.time(), by, reason, run, _json(ids), _json(states)))
    return sorted(row["id"] for row in rows.fetchall())


def require_in_state(
    db: Connection, path: str, ids: Sequence[int], states: Sequence[ProposalState]
) -> None:
    """Raise ProposalDecided unless all these proposals are in one of the states."""
    query = f"""SELECT id, state FROM proposals WHERE {_IN_IDS}
        AND state NOT IN (SELECT value FROM json_each(?)) ORDER BY id"""  # noqa: S608
    if row := db.execute(query, (_json(ids), _json(states))).fetchone():
        raise ProposalDecided(f"proposal {row['id']} is already {row['state']}", path)


def mark_accepted(db: Connection, change: int) -> None:
    """Accept the proposals of the change, by whoever decided on it.

    Other open ones for the same needs are superseded.
    """
    db.execute(_ACCEPT, (change, time.time()))
    reason = f"change {change} filled it"
    db.execute(_MAKE_WAY_FOR_CHANGE, (time.time(), reason, change))


def mark_not_written(db: Connection, change: int) -> None:
    """Reopen the proposals of a change that was not made; a newer open one goes first."""
    db.execute(_REOPEN_NOT_WRITTEN, (change,))


def mark_taken_back(db: Connection, change: int) -> None:
    """Reopen, flagged, the proposals of an undone change that a person accepted.

    The others are refused: an undo of what was written at once is a refusal.
    """
    reason = f"change {change} was undone"
    where = f"change = ? AND state = 'accepted' AND decided_by = 'user' AND {_HAS_NO_OPEN}"
    db.execute(f"{_OPEN_UNDONE} WHERE {where}", (reason, change))
    query = """UPDATE proposals SET state = 'refused', decided_at = ?, decided_by = 'user',
        reason = ? WHERE change = ? AND state = 'accepted'"""
    db.execute(query, (time.time(), reason, change))


def mark_made_again(db: Connection, change: int) -> None:
    """Accept the proposals of an undone change that was made again."""
    db.execute(_ACCEPT_AGAIN, (time.time(), change))


def mark_waiting(
    db: Connection, ids: Iterable[int], by: str, states: Sequence[ProposalState]
) -> None:
    """Mark these proposals as waiting for the editor, if they are in one of the states.

    Other open ones for the same needs are superseded. by: who accepted them; empty: they do not
    wait any more, and are open.
    """
    selected = (_json(ids), _json(states))
    db.execute(_MAKE_WAY, (time.time(), *selected))
    db.execute(_WAIT, (by, *selected))


def _delete_texts(db: Connection, where: str, *values: object) -> int:
    """Delete the text of the proposals that the SQL condition selects; return their number."""
    count = db.execute(f"{_DELETE_TEXTS} WHERE {_HAS_TEXT} AND {where}", values).rowcount
    db.execute(
        f"""DELETE FROM proposal_sources WHERE sha256 NOT IN
        (SELECT source_sha256 FROM proposals WHERE {_HAS_TEXT})"""  # noqa: S608 (our own words)
    )
    return count


def _find_condition(selection: Selection) -> tuple[str, list[object]]:
    """Return the selection as an SQL condition, and its values."""
    paths, kind, states, flagged, run, before, flag, text = selection
    conditions: list[tuple[str, object]] = [
        (_IN_PATHS, None if paths is None or "" in paths else _json(paths)),
        ("kind = ?", kind),
        ("state IN (SELECT value FROM json_each(?))", None if states is None else _json(states)),
        ("(flags != '[]') = ?", flagged),
        ("EXISTS (SELECT 1 FROM json_each(flags) AS flag WHERE flag.value = ?)", flag),
        (_HAS_WORDS, None if text is None else fold(text)),
        ("run = ?", run),
        ("id < ?", None if before is None else min(before, _MOST)),
    ]
    parts = [(words, value) for words, value in conditions if value is not None]
    return " AND ".join(words for words, _ in parts) or "1", [value for _, value in parts]


_MOST = (1 << 63) - 1  # the highest id SQLite can give
_IN_IDS = "id IN (SELECT value FROM json_each(?))"
_HAS_TEXT = "(value IS NOT NULL OR answer IS NOT NULL)"
_IN_PATHS = """EXISTS (SELECT 1 FROM json_each(?) AS named
    WHERE proposals.path = named.value
    OR (proposals.path > named.value || '/' AND proposals.path < named.value || '0'))"""
_HAS_WORDS = """instr(fold(path || char(10) || coalesce(
    (SELECT group_concat(atom, char(10)) FROM json_tree(coalesce(edited, proposals.value))), '')
    ), ?)"""
_LATEST = "state NOT IN ('superseded', 'closed') {} ORDER BY path, need, state = 'open', id"
_DELETE_TEXTS = "UPDATE proposals SET value = NULL, edited = NULL, answer = NULL, remark = ''"
_DECIDE = """UPDATE proposals SET state = ?, decided_at = ?, decided_by = ?, reason = ?,
    decided_in = ? WHERE id IN (SELECT value FROM json_each(?))
    AND state IN (SELECT value FROM json_each(?)) RETURNING id"""
_SUPERSEDE = """UPDATE proposals SET state = 'superseded', decided_at = ?
    WHERE path = ? AND need = ? AND (state = 'asked' AND ? != 'asked'
        OR state = 'open' AND ? = 'open')"""
_OTHER_IS_OPEN = """EXISTS (SELECT 1 FROM proposals AS other WHERE other.path = proposals.path
    AND other.need = proposals.need AND other.state = 'open')"""
_HAS_NO_OPEN = f"value IS NOT NULL AND NOT {_OTHER_IS_OPEN}"
_CAN_REOPEN = f"state IN ('refused', 'rejected', 'closed') AND {_HAS_NO_OPEN}"
_OPEN = """UPDATE proposals SET state = 'open', decided_by = '', decided_at = NULL, change = NULL,
    reason = ?"""
_IS_UNDONE = "EXISTS (SELECT 1 FROM json_each(flags) AS flag WHERE flag.value = 'undone')"
_OPEN_UNDONE = f"""UPDATE proposals SET state = 'open', decided_by = '', decided_at = NULL,
    flags = iif({_IS_UNDONE}, flags, json_insert(flags, '$[#]', 'undone')), reason = ?"""  # noqa: S608
_STEP_BACK = """UPDATE proposals SET state = 'superseded', decided_by = 'user', decided_at = ?,
    reason = '' WHERE state = 'open' AND decided_by = '' AND (path, need) = (SELECT path, need
    FROM proposals WHERE id = ? AND state = 'superseded' AND value IS NOT NULL)"""
_ACCEPT = """UPDATE proposals SET state = 'accepted', reason = '', decided_at = ?2,
    decided_in = '', change = changes.id, decided_by = changes.decided_by
    FROM changes, json_each(changes.proposals) AS mine
    WHERE changes.id = ?1 AND proposals.id = mine.value
    AND (proposals.state, proposals.change) IS NOT ('accepted', changes.id)"""
_MAKE_WAY_FOR_CHANGE = """UPDATE proposals SET state = 'superseded', decided_by = 'need',
    decided_at = ?, reason = ? WHERE state = 'open' AND (path, need) IN (
        SELECT path, need FROM proposals WHERE change = ? AND state = 'accepted')"""
_REOPEN_NOT_WRITTEN = f"""UPDATE proposals SET decided_by = '', change = NULL,
    value = coalesce(edited, value), edited = NULL,
    state = iif({_OTHER_IS_OPEN}, 'superseded', 'open')
    WHERE change = ? AND state = 'accepted'"""  # noqa: S608
_ACCEPT_AGAIN = f"""UPDATE proposals SET state = 'accepted', decided_at = ?, decided_by = 'user',
    flags = (SELECT json_group_array(value) FROM json_each(flags) WHERE value != 'undone'),
    reason = '' WHERE change = ? AND (state IN ('accepted', 'refused')
        OR (state = 'open' AND {_IS_UNDONE}))"""  # noqa: S608
_MAKE_WAY = """UPDATE proposals SET state = 'superseded', decided_at = ? WHERE state = 'open'
    AND EXISTS (SELECT 1 FROM proposals AS other WHERE other.path = proposals.path
        AND other.need = proposals.need AND other.id != proposals.id
        AND other.id IN (SELECT value FROM json_each(?))
        AND other.state IN (SELECT value FROM json_each(?)))"""
_WAIT = """UPDATE proposals SET state = 'open', decided_by = ?, decided_at = NULL, reason = '',
    change = NULL WHERE id IN (SELECT value FROM json_each(?))
    AND state IN (SELECT value FROM json_each(?))"""
