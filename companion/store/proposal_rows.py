"""The rows of proposals: new ones, and what becomes of them as changes are made and taken back.

Each function is one step of somebody's transaction.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from hashlib import sha256
from sqlite3 import Connection
from typing import TYPE_CHECKING

from companion.errors import ProposalDecided
from companion.sqlite import fold
from companion.store.database import insert_row, to_json

if TYPE_CHECKING:
    from companion.store.proposals import Proposal, ProposalState, Selection


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
            "place": to_json(each.need),
            "state": each.state,
            "flags": to_json(each.flags),
            "reason": each.reason,
            "remark": each.remark,
            "model": each.origin.model,
            "run": each.origin.run,
            "source_sha256": digest,
            "made_at": now,
            "decided_at": None if each.state in ("asked", "open") else now,
            "waits": each.waits,
            "value": None if each.value is None else to_json(each.value),
            "answer": None if each.answer is None else json.dumps(each.answer),
            "shown": to_json(each.shown) if each.shown else None,
        }
        ids.append(insert_row(db, "proposals", row))
    return ids


def require_in_state(
    db: Connection, path: str, ids: Sequence[int], states: Sequence[ProposalState]
) -> None:
    """Raise ProposalDecided unless all these proposals are in one of the states."""
    query = f"""SELECT id, state FROM proposals WHERE {IN_IDS}
        AND state NOT IN (SELECT value FROM json_each(?)) ORDER BY id"""  # noqa: S608
    if row := db.execute(query, (to_json(ids), to_json(states))).fetchone():
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
    where = f"change = ? AND state = 'accepted' AND decided_by = 'user' AND {HAS_NO_OPEN}"
    db.execute(f"{OPEN_UNDONE} WHERE {where}", (reason, change))
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
    selected = (to_json(ids), to_json(states))
    db.execute(_MAKE_WAY, (time.time(), *selected))
    db.execute(_WAIT, (by, *selected))


def reopen_proposals(db: Connection, ids: Sequence[int]) -> list[int]:
    """Reopen proposals, as ProposalStore.reopen does; return the ids of those that are open."""
    for number in ids:
        if db.execute(_STEP_BACK, (time.time(), number)).rowcount:
            db.execute(f"{_OPEN} WHERE id = ?", ("", number))
        db.execute(f"{_OPEN} WHERE id = ? AND {_CAN_REOPEN}", ("", number))
    query = f"SELECT id FROM proposals WHERE state = 'open' AND {IN_IDS} ORDER BY id"  # noqa: S608
    return [id_ for (id_,) in db.execute(query, (to_json(ids),)).fetchall()]


def delete_texts(db: Connection, where: str, *values: object) -> int:
    """Delete the text of the proposals that the SQL condition selects; return their number."""
    count = db.execute(f"{_DELETE_TEXTS} WHERE {HAS_TEXT} AND {where}", values).rowcount
    db.execute(
        f"""DELETE FROM proposal_sources WHERE sha256 NOT IN
        (SELECT source_sha256 FROM proposals WHERE {HAS_TEXT})"""  # noqa: S608 (our own words)
    )
    return count


def find_condition(selection: Selection) -> tuple[str, list[object]]:
    """Return the selection as an SQL condition, and its values."""
    paths, kind, states, flagged, run, before, flag, text = selection
    conditions: list[tuple[str, object]] = [
        (_IN_PATHS, None if paths is None or "" in paths else to_json(paths)),
        ("kind = ?", kind),
        ("state IN (SELECT value FROM json_each(?))", None if states is None else to_json(states)),
        ("(flags != '[]') = ?", flagged),
        ("EXISTS (SELECT 1 FROM json_each(flags) AS flag WHERE flag.value = ?)", flag),
        (_HAS_WORDS, None if text is None else fold(text)),
        ("run = ?", run),
        ("id < ?", None if before is None else min(before, MOST)),
    ]
    parts = [(words, value) for words, value in conditions if value is not None]
    return " AND ".join(words for words, _ in parts) or "1", [value for _, value in parts]


MOST = (1 << 63) - 1  # the highest id SQLite can give
IN_IDS = "id IN (SELECT value FROM json_each(?))"
OTHER_IS_OPEN = """EXISTS (SELECT 1 FROM proposals AS other WHERE other.path = proposals.path
    AND other.need = proposals.need AND other.state = 'open')"""
HAS_NO_OPEN = f"value IS NOT NULL AND NOT {OTHER_IS_OPEN}"
IS_UNDONE = "EXISTS (SELECT 1 FROM json_each(flags) AS flag WHERE flag.value = 'undone')"
OPEN_UNDONE = f"""UPDATE proposals SET state = 'open', decided_by = '', decided_at = NULL,
    flags = iif({IS_UNDONE}, flags, json_insert(flags, '$[#]', 'undone')), reason = ?"""  # noqa: S608
_ACCEPT = """UPDATE proposals SET state = 'accepted', reason = '', decided_at = ?2,
    decided_in = '', change = changes.id, decided_by = changes.decided_by
    FROM changes, json_each(changes.proposals) AS mine
    WHERE changes.id = ?1 AND proposals.id = mine.value
    AND (proposals.state, proposals.change) IS NOT ('accepted', changes.id)"""
_MAKE_WAY_FOR_CHANGE = """UPDATE proposals SET state = 'superseded', decided_by = 'need',
    decided_at = ?, reason = ? WHERE state = 'open' AND (path, need) IN (
        SELECT path, need FROM proposals WHERE change = ? AND state = 'accepted')"""
_REOPEN_NOT_WRITTEN = f"""UPDATE proposals SET decided_by = '', change = NULL,
    state = iif({OTHER_IS_OPEN}, 'superseded', 'open')
    WHERE change = ? AND state = 'accepted'"""  # noqa: S608
_ACCEPT_AGAIN = f"""UPDATE proposals SET state = 'accepted', decided_at = ?, decided_by = 'user',
    flags = (SELECT json_group_array(value) FROM json_each(flags) WHERE value != 'undone'),
    reason = '' WHERE change = ? AND (state IN ('accepted', 'refused')
        OR (state = 'open' AND {IS_UNDONE}))"""  # noqa: S608
_MAKE_WAY = """UPDATE proposals SET state = 'superseded', decided_at = ? WHERE state = 'open'
    AND EXISTS (SELECT 1 FROM proposals AS other WHERE other.path = proposals.path
        AND other.need = proposals.need AND other.id != proposals.id
        AND other.id IN (SELECT value FROM json_each(?))
        AND other.state IN (SELECT value FROM json_each(?)))"""
_WAIT = """UPDATE proposals SET state = 'open', decided_by = ?, decided_at = NULL, reason = '',
    change = NULL WHERE id IN (SELECT value FROM json_each(?))
    AND state IN (SELECT value FROM json_each(?))"""
_SUPERSEDE = """UPDATE proposals SET state = 'superseded', decided_at = ?
    WHERE path = ? AND need = ? AND (state = 'asked' AND ? != 'asked'
        OR state = 'open' AND ? = 'open')"""
HAS_TEXT = "(value IS NOT NULL OR answer IS NOT NULL)"
_DELETE_TEXTS = "UPDATE proposals SET value = NULL, answer = NULL, remark = ''"
_CAN_REOPEN = f"state IN ('refused', 'rejected', 'closed') AND {HAS_NO_OPEN}"
_OPEN = """UPDATE proposals SET state = 'open', decided_by = '', decided_at = NULL, change = NULL,
    reason = ?"""
_STEP_BACK = """UPDATE proposals SET state = 'superseded', decided_by = 'user', decided_at = ?,
    reason = '' WHERE state = 'open' AND decided_by = '' AND (path, need) = (SELECT path, need
    FROM proposals WHERE id = ? AND state = 'superseded' AND value IS NOT NULL)"""
_IN_PATHS = """EXISTS (SELECT 1 FROM json_each(?) AS named
    WHERE proposals.path = named.value
    OR (proposals.path > named.value || '/' AND proposals.path < named.value || '0'))"""
_HAS_WORDS = """instr(fold(path || char(10) || coalesce(
    (SELECT group_concat(atom, char(10)) FROM json_tree(proposals.value)), '')
    ), ?)"""
