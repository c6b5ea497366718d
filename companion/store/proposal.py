"""A proposal: a model's value for one need of a note, and its state."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from sqlite3 import Row
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from companion.note.needs import Need

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
    "lost",
    "undone",
]
"""Why somebody should look at a proposal before it is written; FLAG_WORDS puts it in words."""

FLAG_WORDS: Mapping[Flag, str] = {
    "unsupported": "neither the note nor what links to it supports all of this",
    "new-value": "no other note uses this yet",
    "replaces": "it replaces what Companion wrote before",
    "program": "a script or an agent proposed this, not the model you chose",
    "lost": "it was in the note until an older version from another device replaced it",
    "undone": "you accepted this once, then undid it",
}

ProposedValue = str | list[str]
"""A text, the texts of a list, or the lines of a callout's body."""

PROGRAM_NAME = r"[A-Za-z0-9][A-Za-z0-9._ -]{0,59}"
"""The names that a program may have, as a regular expression."""

_NO_OPTIONS: Mapping[str, object] = MappingProxyType({})


class NewProposal(NamedTuple):
    """A proposal to store, whose state is `asked`, `open` or `rejected`.

    value: None if there is none. rejection, reason: the kind of a rejection, and why, in words.
    answer: the model's answer, of any JSON type. remark: what the history shows beside the value.
    prompt: a fingerprint of the prompt. source: the note that it was made from. read_at: when the
    source was read, Unix time, seconds; None: just now.
    sentences: a hash of each sentence that it was made from. evidence: what supports it, as JSON.
    tokens: in and out, of the calls; of several made by the same calls, only the first has them.
    options: how the need was asked for, by which it is found again in the note. waits: whether
    it must be reviewed first; the daemon does not write it by itself.
    """

    path: str
    need: Need
    value: ProposedValue | None
    state: ProposalState = "open"
    flags: tuple[Flag, ...] = ()
    reason: str = ""
    rejection: str = ""
    answer: object = None
    remark: str = ""
    model: str = ""
    prompt: str = ""
    source: bytes | None = None
    read_at: float | None = None
    sentences: tuple[str, ...] = ()
    evidence: object = None
    tokens: tuple[int, int] = (0, 0)
    run: str = ""
    options: Mapping[str, object] = _NO_OPTIONS
    waits: bool = False


@dataclass(frozen=True)
class Proposal:
    """A proposal as it is stored.

    need: the key of its need, and place: the whole of it; None if an older version stored only the
    key. why: the need's reason. value: None once its text was deleted, or if there never was one.
    made_at, decided_at: Unix time, seconds. decided_by: `user`, `setting`, `need` if the need is
    gone, or `agent:` and a name; of an open one, who accepted it while an editor showed its note,
    else empty. change: the id of the change that wrote it, even after that was undone. edited: the
    user's version of the value when they accepted it, which is the value while it is accepted;
    original: the model's value in that time. The rest is as in NewProposal.
    """

    id: int
    path: str
    need: str
    kind: str
    heading: str | None
    place: Need | None
    value: ProposedValue | None
    answer: object
    state: ProposalState
    flags: tuple[Flag, ...]
    why: str
    reason: str
    rejection: str
    remark: str
    model: str
    prompt: str
    source_sha256: str
    sentences: tuple[str, ...]
    evidence: Any
    tokens: tuple[int, int]
    run: str
    made_at: float
    decided_by: str
    decided_at: float | None
    change: int | None
    options: dict[str, Any]
    waits: bool
    edited: ProposedValue | None = None
    original: ProposedValue | None = None

    @property
    def text(self) -> str:
        """The value as one text, with items and lines on separate lines; empty: none."""
        return self.value if isinstance(self.value, str) else "\n".join(self.value or ())

    @property
    def waits_for_editor(self) -> bool:
        """Whether it is accepted, and waits for the editor that shows its note."""
        return self.state == "open" and bool(self.decided_by)


class LatestProposal(NamedTuple):
    """The state of the latest proposal for a need, which keeps a model from being asked twice.

    change: the id of the change that wrote it. has_value: its value was not deleted since.
    """

    id: int
    state: ProposalState
    rejection: str
    reason: str
    flags: tuple[Flag, ...]
    waits: bool
    change: int | None
    has_value: bool = False


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


def make_proposal_row(new: NewProposal, made_at: float) -> dict[str, object]:
    """Return the columns of a new row of the table `proposals`."""
    need = new.need
    row = new._asdict() | {
        "need": need.key,
        "kind": need.kind,
        "heading": need.heading,
        "place": need,
        "why": need.reason,
        "source_sha256": "" if new.source is None else sha256(new.source).hexdigest(),
        "options": dict(new.options),
        "made_at": made_at,
        "decided_at": None if new.state in ("asked", "open") else made_at,
    }
    del row["source"], row["read_at"]
    return row | {
        name: dump_json(value)
        for name, value in row.items()
        if name in _JSON_COLUMNS and value is not None
    }


def read_proposal_row(row: Row) -> Proposal:
    """Return the proposal in a row of `proposals`."""
    columns: dict[str, Any] = dict(row)
    for name in _JSON_COLUMNS:
        columns[name] = None if columns[name] is None else json.loads(columns[name])
    columns["place"] = columns["place"] and Need(*columns["place"])
    for name in ("flags", "sentences", "tokens"):
        columns[name] = tuple(columns[name])
    columns["waits"] = bool(columns["waits"])
    read = Proposal(**columns)
    is_edited = read.edited is not None and (read.state == "accepted" or read.waits_for_editor)
    return replace(read, value=read.edited, original=read.value) if is_edited else read


_JSON_COLUMNS = (
    *("place", "value", "answer", "flags", "sentences", "evidence", "tokens", "options"),
    "edited",
)


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def dump_json(value: object) -> str:
    """Return the value as compact JSON."""
    return _ENCODER.encode(value)
