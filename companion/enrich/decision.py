"""What is decided on proposals, and what becomes of them and of their note."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from companion.enrich.run import Result
from companion.vault.proposal import Flag, Proposal, ProposalState

TAKEABLE: tuple[ProposalState, ...] = ("open", "refused", "rejected")
"""The states of proposals that can be accepted by their id."""


FLAG_WORDS: Mapping[Flag, str] = {
    "unsupported": "neither the note nor what links to it supports all of this",
    "extractive": "a sentence of the note itself, for want of a usable answer",
    "new-value": "a value that the vault does not use yet",
    "small-model": "a callout by a small model, which knows little by heart",
    "replaces": "it takes the place of what Companion wrote before",
    "program": "a script or an agent gave it, not the model that you chose",
}
"""Why somebody should look at a proposal first."""


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

    @property
    def waiting(self) -> list[int]:
        """The ids of those that are accepted, and wait for the editor that shows the note."""
        if self.result.status != "proposed":
            return []
        return [each.id for each in self.proposals if each.reason == self.result.reason]


def sum_up(result: Result, decided: Sequence[Decided]) -> NoteDecision:
    """Return the decision; a result in which nothing was done as it was wanted is a failed one.

    One that an editor is to make is `proposed` until then.
    """
    if result.status != "proposed" and all(each.reason for each in decided):
        reasons = "; ".join(dict.fromkeys(each.reason for each in decided))
        result = replace(result, status="failed", reason=reasons)
    else:
        left = (f"proposal {each.id}: {each.reason}" for each in decided if each.reason)
        result = replace(result, left=(*result.left, *left))
    ids = result.proposals or tuple(each.id for each in decided)
    return NoteDecision(replace(result, proposals=ids), tuple(decided))


def is_waiting(proposal: Proposal) -> bool:
    """Return whether it is accepted, and waits for the editor that shows its note."""
    return proposal.state == "open" and bool(proposal.decided_by)


def describe_state(proposal: Proposal) -> str:
    """Return in words why the proposal cannot be decided on in its state."""
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


def refuse_wish(proposal: Proposal, wish: Acceptance) -> str:
    """Return why the proposal cannot be accepted, whatever its note is; empty: it can."""
    if proposal.state not in wish.states:
        return describe_state(proposal)
    if proposal.value is None and wish.text is None:
        return "it has no text any more; ask for it again"
    return ""
