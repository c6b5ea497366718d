"""The result of the work on a note, of the decision on its proposals, and the name of a run."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Self

from companion.errors import NoteError, NoteRefused
from companion.llm.response import Usage
from companion.note.needs import Need
from companion.note.sections import HeadingNotFound
from companion.store.proposal import FLAG_WORDS, Flag, NewProposal, Proposal, ProposalState

NoteStatus = Literal["enriched", "proposed", "refused", "undone", "unchanged", "skipped", "failed"]


@dataclass(frozen=True)
class Filling:
    """The value that a need is filled with, sanitized; a list holds items, or a callout's lines.

    remark: what the history says about it beside the value.
    """

    need: Need
    value: str | list[str]
    remark: str = ""


@dataclass(frozen=True, kw_only=True)
class OpenProposal(Filling):
    """An open proposal for a note, with the need that it fills in the note as it is now.

    waits: review was requested, as with --propose. model: what made the value; empty: no model did.
    """

    id: int
    flags: tuple[Flag, ...] = ()
    waits: bool = False
    model: str = ""

    @classmethod
    def of(cls, id_: int, need: Need, proposal: NewProposal | Proposal) -> Self:
        """Return the proposal of that id, for a need of the note."""
        value, flags = proposal.value, proposal.flags
        assert value is not None, "an open proposal has a value"
        own = cls(need, value, proposal.remark, id=id_, flags=flags, waits=proposal.waits)
        return replace(own, model=proposal.model)


@dataclass(frozen=True)
class Decided:
    """The result for a proposal. state: null if there is none. reason: why it failed, or null."""

    id: int
    state: ProposalState | None
    reason: str | None = None


@dataclass(frozen=True)
class Result:
    """The result of a job. filled: the values written; unfilled: the needs without one, and why.

    old, new: the note's text before and after, if it changed or would change. change: the id of the
    change in the journal; None if nothing was written. ends_run: the reason applies to every note,
    so the run ends with it. lacks_heading: skipped, because no heading or more than one matches the
    requested section. proposals: the ids of the proposals that it is
    about: first of filled, in its order, then of those that wait for a decision. decided: the
    outcome for each proposal that was decided on.
    """

    path: str
    status: NoteStatus
    reason: str = ""
    filled: tuple[Filling, ...] = ()
    unfilled: tuple[str, ...] = ()
    usage: Usage = field(default_factory=Usage)
    old: str = ""
    new: str = ""
    change: int | None = None
    ends_run: bool = False
    lacks_heading: bool = False
    proposals: tuple[int, ...] = ()
    decided: tuple[Decided, ...] = ()


def failed_result(path: str, error: NoteError) -> Result:
    """Return the result of a note whose work failed, for the reason in error."""
    status: NoteStatus = "skipped" if isinstance(error, NoteRefused) else "failed"
    reason = f"{error.reason} (line {error.line})" if error.line else error.reason
    return Result(path, status, reason, lacks_heading=isinstance(error, HeadingNotFound))


def proposed_result(
    path: str, waiting: Sequence[OpenProposal], unfilled: tuple[str, ...], usage: Usage
) -> Result:
    """Return the result of a note whose proposals wait; nothing is written into it."""
    reason = "; ".join(describe_waiting(waiting))
    ids = tuple(each.id for each in waiting)
    result = Result(path, "proposed", reason, unfilled=unfilled, usage=usage)
    return replace(result, proposals=ids)


def unfilled_result(
    path: str, status: NoteStatus, unfilled: tuple[str, ...], usage: Usage
) -> Result:
    """Return the result of a note in which nothing is filled, for these reasons."""
    reason = unfilled[-1] if unfilled else ""
    return Result(path, status, reason, unfilled=unfilled[:-1], usage=usage)


def describe_waiting(waiting: Iterable[OpenProposal]) -> list[str]:
    """Return in words which proposals wait for a decision, and why."""
    kinds: dict[str, list[str]] = {}
    for each in waiting:
        words = "; ".join(FLAG_WORDS[flag] for flag in each.flags)
        kinds.setdefault(words, []).append(each.need.kind)
    return [
        f"{', '.join(names)}: proposed, for you to decide{flags and f' ({flags})'}"
        for flags, names in kinds.items()
    ]


def decided_result(result: Result, decided: Sequence[Decided]) -> Result:
    """Return the result of a decision; it has failed if it failed for every proposal of the note.

    A decision that an editor has yet to make is `proposed` until then.
    """
    if result.status != "proposed" and all(each.reason for each in decided):
        reasons = "; ".join(dict.fromkeys(each.reason for each in decided if each.reason))
        result = replace(result, status="failed", reason=reasons)
    else:
        unfilled = (f"proposal {each.id}: {each.reason}" for each in decided if each.reason)
        result = replace(result, unfilled=(*result.unfilled, *unfilled))
    ids = result.proposals or tuple(each.id for each in decided)
    return replace(result, proposals=ids, decided=tuple(decided))


def new_run() -> str:
    """Return a name for a run that sorts by time: `20261125-104412-3f9a`."""
    return f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"
