"""A change as the journal records it, and the columns of its row."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal, NamedTuple

from companion.note.edit import Edit, apply_edits, name_place
from companion.note.text import line_start
from companion.store.proposal import ProposalState, dump_json

ChangeState = Literal["pending", "done", "undone", "abandoned"]

_OPEN: tuple[ProposalState, ...] = ("open",)


class NewChange(NamedTuple):
    """A change that is about to be made. The edits' offsets count characters of the old text.

    undoes: the id of the change that this one takes back.
    parts: for an undo, the numbers, from 0, of the edits that it takes back, in the order of its
    own edits; None for all.
    proposals: the ids of the proposals that it accepts; decided_by: who accepts them; states: the
    states that they must be in when the change is recorded.
    """

    run: str
    path: str
    kind: str
    edits: Sequence[Edit]
    needs: tuple[str, ...] = ()
    model: str = ""
    note: str = ""
    undoes: int | None = None
    parts: tuple[int, ...] | None = None
    proposals: tuple[int, ...] = ()
    decided_by: str = "setting"
    states: tuple[ProposalState, ...] = _OPEN


@dataclass(frozen=True)
class Change:
    """A change in the journal.

    state: `pending` from the journal's commit until the note is written, then `done`; `undone`
    while all of it is taken back by later changes; `abandoned` if it was never written to the
    note, or recovery took it out again.
    made_at: Unix time, seconds.
    before_sha256, after_sha256: of the whole note, hexadecimal.
    replaced: for each edit, the text that it replaced.
    around: for each edit, the text before and after it on the lines that it touches, as they are
    once the change is made.
    names: for each edit, what it fills, as name_place returns it.
    undone_by: the id of the latest change that takes it, or a part of it, back.
    parts: as in NewChange.
    taken: the numbers, from 0, of its edits that are taken back; the state is `done` until all are.
    proposals, decided_by: as in NewChange.
    """

    id: int
    run: str
    path: str
    kind: str
    state: ChangeState
    made_at: float
    before_sha256: str
    after_sha256: str
    edits: tuple[Edit, ...]
    replaced: tuple[str, ...]
    around: tuple[tuple[str, str], ...]
    needs: tuple[str, ...]
    model: str
    note: str
    undoes: int | None
    undone_by: int | None
    parts: tuple[int, ...] | None = None
    taken: frozenset[int] = frozenset()
    names: tuple[str, ...] = ()
    proposals: tuple[int, ...] = ()
    decided_by: str = ""

    @property
    def is_made(self) -> bool:
        """Whether it is done and not wholly taken back; false for an undo."""
        return self.state == "done" and self.undoes is None

    @property
    def remaining_parts(self) -> list[int]:
        """The numbers, from 0, of the edits that are not taken back."""
        return [part for part in range(len(self.edits)) if part not in self.taken]

    @property
    def remaining(self) -> list[str]:
        """What remains of a change that was partly taken back, as name_parts returns it."""
        return self.name_parts(self.remaining_parts) if self.taken else []

    def name_parts(self, parts: Iterable[int]) -> list[str]:
        """Return what these edits fill, each name once: a property, a callout or a text."""
        return list(dict.fromkeys(self.names[part] for part in parts))

    def inverse_edits(self) -> list[Edit]:
        """Return the edits that take the change back. Offsets count characters of the new text."""
        return invert_edits(self.edits, self.replaced)


def make_row(change: NewChange, before: bytes, after: bytes, made_at: float) -> dict[str, object]:
    """Return the columns of a new row of the table `changes`.

    Raises ValueError if the edits do not turn before into after: undo and the image of the text
    after the change rely on it.
    """
    old, new = before.decode("utf-8"), after.decode("utf-8")
    edits = sorted(change.edits, key=lambda e: (e.start, e.end))
    if old == new or apply_edits(old, edits) != new:
        raise ValueError(f"{change.path}: the edits do not turn the old text into the new one")
    replaced = [old[edit.start : edit.end] for edit in edits]
    inverse = invert_edits(edits, replaced)
    around = [_lines_around(new, span) for span in inverse]
    names = [
        name_place(new, back.start, back.end) if edit.text.strip() else name_place(old, *edit[:2])
        for edit, back in zip(edits, inverse, strict=True)
    ]
    return {
        "run": change.run,
        "path": change.path,
        "kind": change.kind,
        "made_at": made_at,
        "before_sha256": sha256(before).hexdigest(),
        "after_sha256": sha256(after).hexdigest(),
        "edits": dump_json(list(zip(edits, replaced, around, names, strict=True))),
        "needs": dump_json(change.needs),
        "model": change.model,
        "note": change.note,
        "undoes": change.undoes,
        "parts": None if change.parts is None else dump_json(change.parts),
        "proposals": dump_json(change.proposals),
        "decided_by": change.decided_by,
    }


def read_row(row: sqlite3.Row) -> Change:
    """Return the change in a row of `changes` to which the column `undone_by` was joined."""
    columns = dict(row)
    edits, parts = json.loads(columns.pop("edits")), columns.pop("parts")
    columns["needs"] = tuple(json.loads(columns["needs"]))
    columns["proposals"] = tuple(json.loads(columns["proposals"]))
    columns["taken"] = frozenset(json.loads(columns["taken"]))
    return Change(
        **columns,
        parts=None if parts is None else tuple(json.loads(parts)),
        edits=tuple(Edit(*edit) for edit, *_ in edits),
        replaced=tuple(replaced for _, replaced, *_ in edits),
        around=tuple((before, after) for _, _, (before, after), *_ in edits),
        names=tuple(_name(*edit) for edit in edits),
    )


def _name(edit: list[Any], replaced: str, around: list[str], name: str = "") -> str:
    """Return what the edit fills; for a row without names, of an older version, from its lines."""
    words = f"{around[0]}{edit[2] if edit[2].strip() else replaced}"
    return name or name_place(words, len(around[0]), len(words))


def invert_edits(edits: Sequence[Edit], replaced: Sequence[str]) -> list[Edit]:
    """Return the edits that undo these. replaced: for each edit, the text that it replaced."""
    inverse: list[Edit] = []
    shift = 0
    for edit, old in zip(edits, replaced, strict=True):
        start = edit.start + shift
        inverse.append(Edit(start, start + len(edit.text), old))
        shift += len(edit.text) - len(old)
    return inverse


def _lines_around(text: str, span: Edit) -> tuple[str, str]:
    """Return the text before and after span on its lines; for an empty span, from a line before."""
    start = line_start(text, span.start)
    if start == span.start == span.end:
        line_end = 2 if text.endswith("\r\n", 0, start) else 1
        start = line_start(text, max(0, start - line_end))
    ends_its_line = text[span.start : span.end].endswith(("\r", "\n"))
    after = re.compile(r"" if ends_its_line else r"[^\r\n]*").match(text, span.end)
    return text[start : span.start], after.group() if after else ""
