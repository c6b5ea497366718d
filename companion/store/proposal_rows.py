"""The table of proposals: insert their rows, and decide on them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from sqlite3 import Connection, IntegrityError

from companion.errors import ProposalDecided
from companion.store.proposal import NewProposal, Proposal, ProposalState, make_proposal_row

PROPOSAL_COLUMNS = ", ".join(each.name for each in fields(Proposal) if each.name != "original")


def insert_row(db: Connection, table: str, row: Mapping[str, object]) -> int:
    """Insert a row with these columns, and return its id; the others get their defaults."""
    columns, values = ", ".join(row), ", ".join(f":{column}" for column in row)
    insert = f"INSERT INTO {table} ({columns}) VALUES ({values})"  # noqa: S608 (our own words)
    number = db.execute(insert, row).lastrowid
    assert number is not None
    return number


def insert_proposals(db: Connection, new: Iterable[NewProposal], made_at: float) -> list[int]:
    """Insert proposals, and return their ids; an open one supersedes an open one of its need.

    Any of them supersedes a question that is in a batch."""
    ids: list[int] = []
    stored: set[object] = set()
    for each in new:
        row = make_proposal_row(each, made_at)
        source = row["source_sha256"]
        has_text = each.state == "asked" or (each.value, each.answer) != (None, None)
        if each.source is not None and has_text and source not in stored:
            stored.add(source)
            insert = "INSERT OR IGNORE INTO proposal_sources VALUES (?, ?)"
            db.execute(insert, (source, each.source))
        try:
            ids.append(insert_row(db, "proposals", row))
        except IntegrityError:  # there is an open one, which is rare
            db.execute(_SUPERSEDE, row)
            ids.append(insert_row(db, "proposals", row))
        if each.state != "asked":
            db.execute(_ANSWER, row)
    return ids


def require_in_state(db: Connection, path: str, ids: str, states: Sequence[ProposalState]) -> None:
    """Raise ProposalDecided unless all these proposals are in one of the states. ids: JSON."""
    query = """SELECT id, state FROM proposals WHERE id IN (SELECT value FROM json_each(?1))
        AND state NOT IN (SELECT value FROM json_each(?2)) ORDER BY id"""
    if row := db.execute(query, (ids, json.dumps(states))).fetchone():
        raise ProposalDecided(f"proposal {row['id']} is already {row['state']}", path)


def mark_taken_back(db: Connection, change: int, *, is_undone: bool, now: float) -> None:
    """Reopen, flagged, the proposals of the change that a person accepted; refuse the others.

    is_undone: False if the change is made again; then they are accepted again.
    """
    if not is_undone:
        db.execute(_ACCEPT_AGAIN, (now, change))
        return
    reason = f"change {change} was undone"
    db.execute(_REOPEN_UNDONE, (reason, change))
    query = """UPDATE proposals SET state = 'refused', decided_at = ?, decided_by = 'user',
        reason = ? WHERE change = ? AND state = 'accepted'"""
    db.execute(query, (now, reason, change))


def decide_proposals(
    db: Connection,
    ids: Sequence[int],
    to: ProposalState,
    decided: tuple[float, str, str],
    states: Sequence[ProposalState],
    run: str = "",
) -> list[int]:
    """Decide on the proposals that are in one of the states; return their ids.

    decided: when, by whom, and why. run: in which they are refused.
    """
    query = """UPDATE proposals SET state = ?, decided_at = ?, decided_by = ?, reason = ?,
        decided_in = ? WHERE id IN (SELECT value FROM json_each(?))
        AND state IN (SELECT value FROM json_each(?)) RETURNING id"""
    rows = db.execute(query, (to, *decided, run, json.dumps(list(ids)), json.dumps(list(states))))
    return sorted(row["id"] for row in rows.fetchall())


def mark_waiting(
    db: Connection, ids: str, by: str, states: Sequence[ProposalState], now: float
) -> None:
    """Mark these proposals as waiting for the editor, if they are in one of the states. ids: JSON.

    Other open ones for the same needs are superseded. now: Unix time, seconds.
    """
    selected = (ids, json.dumps(list(states)))
    db.execute(_MAKE_WAY, (now, *selected))
    db.execute(_WAIT, (by, *selected))


_ANSWER = """UPDATE proposals SET state = 'superseded', decided_at = :made_at
    WHERE path = :path AND need = :need AND state = 'asked'"""
_SUPERSEDE = """UPDATE proposals SET state = 'superseded', decided_at = :made_at
    WHERE path = :path AND need = :need AND state = 'open'"""
# of a change (id, time)
ACCEPT = """UPDATE proposals SET state = 'accepted', reason = '', decided_at = ?2,
    decided_in = '', change = changes.id, decided_by = changes.decided_by
    FROM changes, json_each(changes.proposals) AS mine
    WHERE changes.id = ?1 AND proposals.id = mine.value
    AND (proposals.state, proposals.change) IS NOT ('accepted', changes.id)"""
# an accepted proposal for each need of a change that has none (id, time)
REMEMBER_FILLED = """INSERT INTO proposals
    (path, need, kind, state, model, run, made_at, decided_by, decided_at, change)
    SELECT changes.path, need.value, iif(need.value GLOB 'callout:*', 'callout', need.value),
        'accepted', model, run, ?2, decided_by, ?2, changes.id
    FROM changes, json_each(changes.needs) AS need
    WHERE changes.id = ?1 AND NOT EXISTS (SELECT 1 FROM proposals
        WHERE proposals.change = changes.id AND proposals.need = need.value)"""
# of a change that was not made (id); a newer open one goes first
REOPEN = """UPDATE proposals SET decided_by = '', change = NULL,
    value = coalesce(edited, value), edited = NULL, state = CASE
        WHEN EXISTS (SELECT 1 FROM proposals AS other WHERE other.path = proposals.path
            AND other.need = proposals.need AND other.state = 'open') THEN 'superseded'
        ELSE 'open' END WHERE change = ? AND state = 'accepted'"""
_HAS_NO_OPEN = """value IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM proposals AS other WHERE other.path = proposals.path
    AND other.need = proposals.need AND other.state = 'open')"""
REOPEN_DECIDED = f"""UPDATE proposals SET state = 'open', decided_by = '', decided_at = NULL,
    reason = '', change = NULL WHERE id = ? AND state IN ('refused', 'rejected', 'closed')
    AND {_HAS_NO_OPEN}"""  # noqa: S608 (our own words)
STEP_BACK = """UPDATE proposals SET state = 'superseded', decided_by = 'user', decided_at = ?,
    reason = '' WHERE state = 'open' AND decided_by = '' AND (path, need) = (SELECT path, need
    FROM proposals WHERE id = ? AND state = 'superseded' AND value IS NOT NULL)"""
RESTORE = """UPDATE proposals SET state = 'open', decided_by = '', decided_at = NULL, reason = ''
    WHERE id = ?"""
REOPEN_ACCEPTED = f"""UPDATE proposals SET state = 'open', decided_by = '', decided_at = NULL,
    value = coalesce(edited, value), edited = NULL, flags = ?, reason = ?, change = NULL
    WHERE id = ? AND state = 'accepted'
    AND {_HAS_NO_OPEN}"""  # noqa: S608 (our own words)
_IS_UNDONE = "EXISTS (SELECT 1 FROM json_each(flags) AS flag WHERE flag.value = 'undone')"
_REOPEN_UNDONE = f"""UPDATE proposals SET state = 'open', decided_by = '', decided_at = NULL,
    flags = iif({_IS_UNDONE}, flags, json_insert(flags, '$[#]', 'undone')), reason = ?
    WHERE change = ? AND state = 'accepted' AND decided_by = 'user'
    AND {_HAS_NO_OPEN}"""  # noqa: S608 (our own words)
_ACCEPT_AGAIN = f"""UPDATE proposals SET state = 'accepted', decided_at = ?, decided_by = 'user',
    flags = (SELECT json_group_array(value) FROM json_each(flags) WHERE value != 'undone'),
    reason = '' WHERE change = ? AND (state IN ('accepted', 'refused')
        OR (state = 'open' AND {_IS_UNDONE}))"""  # noqa: S608 (our own words)
_MAKE_WAY = """UPDATE proposals SET state = 'superseded', decided_at = ? WHERE state = 'open'
    AND EXISTS (SELECT 1 FROM proposals AS other WHERE other.path = proposals.path
        AND other.need = proposals.need AND other.id != proposals.id
        AND other.id IN (SELECT value FROM json_each(?))
        AND other.state IN (SELECT value FROM json_each(?)))"""
_WAIT = """UPDATE proposals SET state = 'open', decided_by = ?, decided_at = NULL, reason = '',
    change = NULL WHERE id IN (SELECT value FROM json_each(?))
    AND state IN (SELECT value FROM json_each(?))"""
