"""The JSON of proposals, and of the decisions on them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from companion.app.types.base import (
    Id,
    OfferShape,
    OrNull,
    RunId,
    Sent,
    Shape,
)
from companion.app.types.proposals import Proposal
from companion.daemon.api.run_schemas import FilledShape
from companion.enrich.run import Decided, NoteDecision, NoteStatus, Result
from companion.vault.proposal import Acceptance, ProposalState, RejectedValue
from companion.vault.proposal import Proposal as StoredProposal

MOST_DECISIONS = 1000  # of one request

Value = str | Annotated[list[str], Field(max_length=1000)]
"""What a user made of a value: as long as a request takes; its field says how long it may be."""


class ProposalMade(Shape):
    """What came of it: the proposal, which waits for a decision; or why a check rejected it."""

    proposal: Proposal | None
    rejected: str | None

    @classmethod
    def of(cls, outcome: StoredProposal | RejectedValue) -> ProposalMade:
        """Return the shape of what came of a proposed value."""
        if isinstance(outcome, RejectedValue):
            return cls(proposal=None, rejected=outcome.reason)
        return cls(proposal=Proposal.of(outcome), rejected=None)


class AcceptOne(Sent):
    """A proposal to accept. text: what the user made of its text; null: it is as it was.

    state: as the client shows it. If it is another one by now, somebody else has decided on it, and
    it stays as it is. `refused` and `rejected` ones can be accepted, too.
    """

    id: Id
    text: Value | None = None
    state: Literal["open", "refused", "rejected"] = "open"

    @property
    def wish(self) -> Acceptance:
        """The wish, as the application takes it."""
        return Acceptance(self.id, self.text, (self.state,))


Ids = Annotated[list[Id], Field(default_factory=list, max_length=MOST_DECISIONS)]


class NewDecisions(Sent):
    """Proposals to accept, to refuse, and to open again: what was decided on them is undone.

    What is accepted for a note that is open in an editor waits for that editor to make the edits,
    see `POST /api/v1/presence`, or until the note is closed, also across restarts; `refuse` and
    `undo` take that back. reason: why they are refused. run:
    that the changes of notes belong to, so that what is sent in parts is taken back together; null:
    a new one.
    """

    accept: Annotated[list[AcceptOne], Field(default_factory=list, max_length=MOST_DECISIONS)]
    refuse: Ids
    undo: Ids
    reason: Annotated[str, Field(max_length=1000)] = ""
    run: RunId | None = None


class DecidedShape(Shape):
    """What became of a proposal. state: null if there is none of that id.

    reason: why it is not as it was wanted; null: it is.
    """

    id: int
    state: ProposalState | None
    reason: OrNull

    def to_decided(self) -> Decided:
        """Return what became of the proposal."""
        return Decided(self.id, self.state, self.reason or "")


class NoteDecisionShape(Shape):
    """What became of a note. status: `enriched`, `refused`, `unchanged` or `failed`; `proposed` if
    the note is open, and its editor is to make the edits. changes: what was filled, as in runs.

    change: its id in the journal. reason: why nothing was done. left: what was not done, and why.
    """

    path: str
    status: NoteStatus
    changes: list[FilledShape]
    change: int | None
    reason: OrNull
    left: list[str]
    proposals: list[DecidedShape]

    @classmethod
    def of(cls, decision: NoteDecision) -> NoteDecisionShape:
        """Return the shape of what became of a note."""
        changes = list(map(FilledShape.of, decision.result.filled))
        more = {"changes": changes, "proposals": decision.proposals}
        return cls.model_validate(vars(decision.result) | more)

    def to_decision(self) -> NoteDecision:
        """Return what became of the note."""
        result = Result(
            path=self.path,
            status=self.status,
            reason=self.reason or "",
            filled=tuple(change.to_filling() for change in self.changes),
            left=tuple(self.left),
            change=self.change,
            proposals=tuple(each.id for each in self.proposals),
        )
        return NoteDecision(result, tuple(each.to_decided() for each in self.proposals))


class DecisionsMade(Shape):
    """What became of each note whose proposals were decided on."""

    notes: list[NoteDecisionShape]


class TextToEdit(Sent):
    """The text of the note that the editor shows now. value: what the user made of the proposal's
    text; null: it is as it was. state: as in AcceptOne.
    """

    text: str
    value: Value | None = None
    state: Literal["open", "refused", "rejected"] = "open"


class ProposalOffer(Shape):
    """The edits that accept a proposal in the text that was sent.

    run: to confirm them by `POST /api/v1/runs/RUN/applied`; only then it is accepted.
    """

    run: str
    offer: OfferShape
