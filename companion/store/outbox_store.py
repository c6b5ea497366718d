"""The outbox on disk: edits for open notes, made by their editors, or once they are closed.

An editor gets edits only once they are on the disk. If it never confirms them, as after a crash on
either side, the note shows whether they were made.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from sqlite3 import Connection, Row
from typing import Literal, NamedTuple

from companion.errors import NoteRefused
from companion.note.edit import Edit, EditLost, apply_edits, rebase
from companion.note.editor_text import EditorText
from companion.store.change import NewChange, insert_change, invert_edits, make_row, mark_done
from companion.store.database import Store
from companion.store.moves import put_note
from companion.store.proposals import ProposalState, mark_waiting

RowState = Literal["waiting", "given", "made", "withdrawn"]
"""The state of a row's edits: nobody has them yet; an editor has them, and has not confirmed them;
the note holds them; nobody is to make them any more.
"""
Event = Literal["give", "confirm", "find", "miss", "write", "withdraw"]
"""An editor gets the edits, or confirms them; the note is found to hold them, or not to; the engine
writes them; they are withdrawn."""

# Edits that were given may be made at any time, so that a confirmation always counts.
_NEXT: dict[tuple[RowState, Event], RowState] = {
    ("waiting", "give"): "given",
    ("waiting", "confirm"): "made",
    ("waiting", "find"): "made",
    ("waiting", "write"): "made",
    ("waiting", "withdraw"): "withdrawn",
    ("given", "give"): "given",
    ("given", "confirm"): "made",
    ("given", "find"): "made",
    ("given", "miss"): "waiting",
    ("given", "withdraw"): "withdrawn",
    ("made", "confirm"): "made",
    ("withdrawn", "confirm"): "made",
    ("withdrawn", "find"): "made",
}
OPEN: tuple[RowState, ...] = ("waiting", "given")
UNDO_IN_EDITOR = (
    "open in Obsidian; it is taken back there when you pause, or here once the note is closed"
)
NOT_OPEN = "these edits are already made, or no longer wanted"


def next_state(state: RowState, event: Event) -> RowState | None:
    """Return the state of a row after an event; None: it cannot happen to a row in this state."""
    return _NEXT.get((state, event))


class TextHashes(NamedTuple):
    """SHA-256 of the whole text that an editor had, and of the text that its edits make of it."""

    before: str
    after: str


class OfferedChange(NamedTuple):
    """Edits that were given and are not confirmed. before: the text that the editor had.

    row: the id of the row whose edits they are.
    """

    row: int
    hashes: TextHashes
    path: str
    before: str
    edits: tuple[Edit, ...]

    @property
    def after(self) -> str:
        """The text with the change made."""
        return apply_edits(self.before, self.edits)

    def is_in(self, text: str) -> bool:
        """Whether text, the note's, holds all of the change; it may be edited elsewhere."""
        if EditorText.of(self.before).text == self.before:  # it may come from an editor
            text = EditorText.of(text).text
        if text == self.after:
            return True
        replaced = [self.before[edit.start : edit.end] for edit in self.edits]
        inverse = invert_edits(self.edits, replaced)
        return _fits(inverse, self.after, text) and not _fits(self.edits, self.before, text)


@dataclass(frozen=True)
class Request:
    """Edits to be made in an open note: an undo, or the values of proposals.

    path: the note's path now. run: that the change belongs to. undoes: the change to take back;
    None: it is no undo. proposals, decided_by: as in NewChange. remark: what the history shows
    beside the values. deadline: until when somebody waits, Unix time, seconds.
    """

    path: str
    run: str
    undoes: int | None = None
    proposals: tuple[int, ...] = ()
    decided_by: str = ""
    deadline: float = 0.0
    remark: str = ""


@dataclass(frozen=True, kw_only=True)
class OutboxRow(Request):
    """A request as it is stored. offer: the latest edits given, until they are made.

    change: that made them. reason: why they were withdrawn, or are not complete, in words; code: of
    the error for which they were withdrawn.
    """

    id: int
    state: RowState
    offer: OfferedChange | None = None
    change: int | None = None
    reason: str = ""
    code: str = ""

    @property
    def is_open(self) -> bool:
        """Whether its edits are still to be made."""
        return self.state in OPEN


def _fits(edits: Iterable[Edit], old: str, new: str) -> bool:
    try:
        rebase(list(edits), old, new)
    except EditLost:
        return False
    return True


class OutboxStore(Store):
    """The outbox of one vault."""

    def add(self, request: Request, states: Sequence[ProposalState] = ()) -> OutboxRow:
        """Store a request on the disk, replacing any that waits for the same proposals.

        An open undo of the same change is returned unchanged. states: the states that the proposals
        may be in, which are open then, and wait for the editor; empty: they stay as they are.
        """
        proposals, now = json.dumps(request.proposals), time.time()
        values = vars(request) | {"proposals": proposals, "made_at": now}
        query = f"SELECT * FROM outbox WHERE {_IS_OPEN} AND undoes = :undoes"  # noqa: S608
        insert = """INSERT INTO outbox (key, path, state, requested, run, undoes, proposals,
            decided_by, deadline, remark, made_at)
            VALUES (hex(randomblob(16)), :path, 'waiting', 1, :run, :undoes, :proposals,
            :decided_by, :deadline, :remark, :made_at) RETURNING *"""
        with self._db.transaction() as db:
            if open_undo := db.execute(query, values).fetchone():
                return _read_row(open_undo)
            _narrow(db, request.proposals)
            mark_waiting(db, request.proposals, request.decided_by, states)
            return _read_row(db.execute(insert, values).fetchone())

    def get(self, id_: int) -> OutboxRow | None:
        """Return the row of that id; None if there is none any more."""
        rows = self._read("requested AND id = ?", id_)
        return rows[0] if rows else None

    def open_rows(self) -> list[OutboxRow]:
        """Return the rows whose edits are to be made, the oldest first."""
        return self._read(_IS_OPEN)

    def step(
        self,
        id_: int,
        event: Event,
        *,
        change: int | None = None,
        reason: str = "",
        code: str = "",
    ) -> bool:
        """Record an event; return whether it is possible in the row's state."""
        query = """UPDATE outbox SET state = ?1, change = coalesce(?2, change), reason = ?3,
            code = ?4, before = iif(?1 = 'made', NULL, before) WHERE id = ?5"""
        with self._db.transaction() as db:
            row = db.execute("SELECT * FROM outbox WHERE id = ?", (id_,)).fetchone()
            state = row and next_state(row["state"], event)
            if state is None:
                return False
            db.execute(query, (state, change, reason, code, id_))
            if event == "withdraw" and row["decided_by"] != "setting":
                mark_waiting(db, json.loads(row["proposals"]), "", ("open",))
        return True

    def withdraw(self, proposals: Collection[int]) -> None:
        """Withdraw the acceptance of these proposals; what was accepted with them waits on."""
        with self._db.transaction() as db:
            mark_waiting(db, proposals, "", ("open",))
            _narrow(db, proposals)

    def offer(
        self,
        id_: int,
        change: NewChange,
        before: bytes,
        after: bytes,
        reason: str = "",
        deadline: float = 0.0,
    ) -> TextHashes:
        """Record edits of a row that an editor may make; return once they are on the disk.

        They replace earlier edits given for the row. before, after: the whole text that the editor
        has, before and after the edits. reason: why they are not complete. deadline: for a row that
        somebody waits for, until when, when its edits are given for the first time.

        Raises ValueError if the edits do not turn before into after, and NoteRefused if the row is
        no longer open.
        """
        row = make_row(change, before, after)
        values = {"id": id_, "before": before, "reason": reason, "deadline": deadline}
        update = f"""UPDATE outbox SET state = 'given', before_sha256 = :before_sha256,
            after_sha256 = :after_sha256, row = :row, before = :before, reason = :reason,
            deadline = iif(before IS NULL AND deadline > 0, max(deadline, :deadline), deadline)
            WHERE id = :id AND {_IS_OPEN}"""  # noqa: S608 (our own words)
        with self._db.transaction() as db:
            put_note(db, change.path, before)
            if not db.execute(update, row | values | {"row": json.dumps(row)}).rowcount:
                raise NoteRefused(NOT_OPEN, change.path)
        return TextHashes(str(row["before_sha256"]), str(row["after_sha256"]))

    def confirm(
        self,
        id_: int,
        hashes: TextHashes,
        moved_to: str | None = None,
        event: Event = "confirm",
    ) -> int | None:
        """Record that a row's edits were made; return the id of their change, once on the disk.

        A second call returns the same id. Returns None if the row has no such edits. A pending
        change of the note does not matter. moved_to: the note's path, if it was moved since.
        """
        query = "SELECT * FROM outbox WHERE id = ? AND before_sha256 = ? AND after_sha256 = ?"
        update = (
            "UPDATE outbox SET state = 'made', change = ?, code = '', before = NULL WHERE id = ?"
        )
        with self._db.transaction() as db:
            row = db.execute(query, (id_, *hashes)).fetchone()
            if row is None or row["change"] or not next_state(row["state"], event):
                return int(row["change"]) if row and row["change"] else None
            now, path = time.time(), moved_to or row["path"]
            new = json.loads(row["row"]) | {"made_at": now, "path": path, "state": "done"}
            change = insert_change(db, new, row["before"])
            db.execute(update, (change, id_))
            mark_done(db, change)
            after = apply_edits(row["before"].decode("utf-8"), _read_edits(row))
            put_note(db, path, after.encode("utf-8"))
            return change

    def unconfirmed(self) -> list[OfferedChange]:
        """Return the edits that were given but that no editor has confirmed.

        Edits that a later change of the note supersedes are left out: one that fills the same needs
        or takes back the same change.
        """
        return list(map(_read_offer, self._db.select(_SELECT_UNCONFIRMED)))

    def drop(self, older_than: float) -> None:
        """Delete the rows from over `older_than` seconds ago that nobody waits for."""
        query = f"DELETE FROM outbox WHERE made_at < ? AND NOT ({_IS_OPEN})"  # noqa: S608
        with self._db.transaction() as db:
            db.execute(query, (time.time() - older_than,))

    def _read(self, where: str, *values: object) -> list[OutboxRow]:
        query = f"SELECT * FROM outbox WHERE {where} ORDER BY id"  # noqa: S608
        return list(map(_read_row, self._db.select(query, *values)))


def forget_texts(db: Connection, paths: Iterable[tuple[str]]) -> None:
    """Delete the texts of these notes, and requests other than undos; undos are given again."""
    paths = list(paths)
    db.executemany(
        """DELETE FROM outbox WHERE path = ? AND change IS NULL
        AND NOT (requested AND undoes IS NOT NULL)""",
        paths,
    )
    db.executemany(
        """UPDATE outbox SET before = NULL, row = NULL, before_sha256 = NULL, after_sha256 = NULL,
        state = iif(state = 'given', 'waiting', state) WHERE path = ? AND change IS NULL""",
        paths,
    )


def _narrow(db: Connection, proposals: Collection[int]) -> None:
    """Let open rows wait without these proposals; withdraw those that have no others."""
    query = f"SELECT id, proposals FROM outbox WHERE {_IS_OPEN}"  # noqa: S608 (our own words)
    for id_, of_row in db.execute(query).fetchall():
        rest = [each for each in json.loads(of_row) if each not in proposals]
        if len(rest) < len(json.loads(of_row)):
            update = "UPDATE outbox SET proposals = ?, state = ? WHERE id = ?"
            db.execute(update, (json.dumps(rest), "waiting" if rest else "withdrawn", id_))


def _read_row(row: Row) -> OutboxRow:
    columns = {name: row[name] for name in _COLUMNS}
    offer = None if row["before"] is None else _read_offer(row)
    return OutboxRow(**columns, proposals=tuple(json.loads(row["proposals"])), offer=offer)


def _read_offer(row: Row) -> OfferedChange:
    hashes = TextHashes(row["before_sha256"], row["after_sha256"])
    before = row["before"].decode("utf-8")
    return OfferedChange(row["id"], hashes, row["path"], before, _read_edits(row))


def _read_edits(row: Row) -> tuple[Edit, ...]:
    return tuple(Edit(*edit) for edit, *_ in json.loads(json.loads(row["row"])["edits"]))


_COLUMNS = [each.name for each in fields(OutboxRow) if each.name not in ("proposals", "offer")]
_IS_OPEN = "requested AND state IN ('waiting', 'given')"
_SELECT_UNCONFIRMED = """SELECT * FROM outbox WHERE change IS NULL AND before IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM changes WHERE changes.path = outbox.path
    AND changes.state != 'abandoned'
    AND changes.made_at >= json_extract(outbox.row, '$.made_at')
    AND (changes.undoes = json_extract(outbox.row, '$.undoes') OR EXISTS (
        SELECT 1 FROM json_each(changes.needs) AS mine,
        json_each(json_extract(outbox.row, '$.needs')) AS theirs
        WHERE mine.value = theirs.value))) ORDER BY id"""
