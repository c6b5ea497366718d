"""What is decided on proposals, and what becomes of them and of their note."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from companion.enrich.result import Result
from companion.vault.proposal import Proposal, ProposalState

TAKEABLE: tuple[ProposalState, ...] = ("open", "refused", "rejected")
"""The states of proposals that can be accepted by their id."""


class Acceptance(NamedTuple):
    """A proposal to accept. text: what to write in place of its value; None: the value.

    states: those that it may be in; in another one, somebody else has decided on it meanwhile.
    """

    id: int
    text: str | list[str] | None = None
    states: tuple[ProposalState, ...] = ("open",)


class Decided(NamedTuple):
    """What became of a proposal. state: the present one; None: there is no such proposal.

    reason: why it is not as it was wanted, in words; empty: it is.
    """

    id: int
    state: ProposalState | None
    reason: str = ""


class NoteDecision(NamedTuple):
    """What became of a note: `enriched`, `refused`, `unchanged` or `failed`; and its proposals."""

    result: Result
    proposals: tuple[Decided, ...]


def sum_up(result: Result, decided: Sequence[Decided]) -> NoteDecision:
    """Return the decision; a result in which nothing was done as it was wanted is a failed one."""
    if all(each.reason for each in decided):
        reasons = "; ".join(dict.fromkeys(each.reason for each in decided))
        result = replace(result, status="failed", reason=reasons)
    else:
        left = (f"proposal {each.id}: {each.reason}" for each in decided if each.reason)
        result = replace(result, left=(*result.left, *left))
    ids = result.proposals or tuple(each.id for each in decided)
    return NoteDecision(replace(result, proposals=ids), tuple(decided))


def describe_state(proposal: Proposal) -> str:
    """Return in words why the proposal cannot be decided on in its state."""
    by = {"user": "you", "setting": "a setting"}.get(proposal.decided_by, proposal.decided_by)
    words = {
        "open": "it is open",
        "accepted": f"it was accepted already (change {proposal.change})",
        "refused": "it was refused already",
        "rejected": "it was rejected by a check",
        "superseded": "a newer one took its place",
        "closed": "its need is gone",
    }[proposal.state]
    why = f": {proposal.reason}" if proposal.reason else ""
    return f"{words}{f', by {by}' if by and proposal.state == 'refused' else ''}{why}"
