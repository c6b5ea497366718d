"""Changes that are offered to a client, which makes them in its editor and confirms them.

An offer is on the disk before the client gets it. If no confirmation arrives, as after a crash on
either side, the note shows whether the change was made.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from companion.note.edit import Edit, EditLost, apply_edits, rebase
from companion.note.editor_text import EditorText
from companion.vault.change import invert_edits

_MOST_OFFERS = 1_000  # if there are more, the oldest are deleted


class OfferId(NamedTuple):
    """Identifies an offer.

    key: a run, or a change that is taken back. before_sha256, after_sha256: of the whole text that
    the client had, and of the text that the edits make of it.
    """

    key: str
    before_sha256: str
    after_sha256: str


class OfferedChange(NamedTuple):
    """An offer that is not confirmed yet. before: the text that the client had."""

    name: OfferId
    path: str
    before: str
    edits: tuple[Edit, ...]

    @property
    def after(self) -> str:
        """The text with the change made."""
        return apply_edits(self.before, self.edits)

    def is_in(self, text: str) -> bool:
        """Whether text, that of the note's file, holds the change; it may be edited elsewhere.

        It does not if only a part of the change is left, or if it was taken back since.
        """
        if EditorText.of(self.before).text == self.before:  # it may come from an editor
            text = EditorText.of(text).text
        if text == self.after:
            return True
        replaced = [self.before[edit.start : edit.end] for edit in self.edits]
        inverse = invert_edits(self.edits, replaced)
        return _fits(inverse, self.after, text) and not _fits(self.edits, self.before, text)


def put_offer(db: sqlite3.Connection, key: str, row: dict[str, object], before: bytes) -> None:
    """Insert an offer, in place of an equal one if there is one, even if that was confirmed."""
    db.execute(_INSERT, row | {"key": key, "before": before, "row": json.dumps(row)})
    db.execute(
        """DELETE FROM offers WHERE rowid IN
        (SELECT rowid FROM offers ORDER BY rowid DESC LIMIT -1 OFFSET ?)""",
        (_MOST_OFFERS,),
    )


def find_offer(db: sqlite3.Connection, name: OfferId) -> sqlite3.Row | None:
    """Return the row of the offer; None if there is none.

    Its `change` is the id of the change that it became; NULL until it is confirmed.
    """
    found: sqlite3.Row | None = db.execute(_SELECT_ONE, name).fetchone()
    return found


def text_after(row: sqlite3.Row) -> bytes:
    """Return the whole text that an unconfirmed offer makes."""
    return apply_edits(row["before"].decode("utf-8"), _read_edits(row)).encode("utf-8")


def close_offer(db: sqlite3.Connection, name: OfferId, change: int) -> None:
    """Record that the offer became that change, and delete its copy of the text."""
    db.execute(_CLOSE, (change, *name))


def drop_offers(db: sqlite3.Connection, until: float) -> None:
    """Delete the offers from before that Unix time, in seconds."""
    db.execute("DELETE FROM offers WHERE made_at < ?", (until,))


def list_offers(db: sqlite3.Connection) -> list[OfferedChange]:
    """Return the offers that are not confirmed.

    Left out are those that a later change of the note supersedes: one that fills the same needs
    or takes back the same change.
    """
    return [
        OfferedChange(
            OfferId(row["key"], row["before_sha256"], row["after_sha256"]),
            row["path"],
            row["before"].decode("utf-8"),
            _read_edits(row),
        )
        for row in db.execute(_SELECT_OPEN)
    ]


_INSERT = """INSERT OR REPLACE INTO offers
    (key, before_sha256, after_sha256, path, made_at, row, before)
    VALUES (:key, :before_sha256, :after_sha256, :path, :made_at, :row, :before)"""
_SELECT_ONE = "SELECT * FROM offers WHERE key = ? AND before_sha256 = ? AND after_sha256 = ?"
_CLOSE = """UPDATE offers SET change = ?, before = NULL
    WHERE key = ? AND before_sha256 = ? AND after_sha256 = ?"""
_SELECT_OPEN = """SELECT * FROM offers WHERE change IS NULL AND NOT EXISTS (
    SELECT 1 FROM changes WHERE changes.path = offers.path AND changes.state != 'abandoned'
    AND changes.made_at >= offers.made_at
    AND (changes.undoes = json_extract(offers.row, '$.undoes') OR EXISTS (
        SELECT 1 FROM json_each(changes.needs) AS mine,
        json_each(json_extract(offers.row, '$.needs')) AS theirs
        WHERE mine.value = theirs.value))) ORDER BY rowid"""


def _read_edits(row: sqlite3.Row) -> tuple[Edit, ...]:
    return tuple(Edit(*edit) for edit, *_ in json.loads(json.loads(row["row"])["edits"]))


def _fits(edits: Sequence[Edit], old: str, new: str) -> bool:
    try:
        rebase(edits, old, new)
    except EditLost:
        return False
    return True
