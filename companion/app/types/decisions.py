"""Decisions on proposals, and the results for their notes."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field

from companion.app.types.base import ClientName, Id, RunId, Sent, Shape
from companion.app.types.proposals import Proposal, Value
from companion.app.types.runs import NoteResult
from companion.store.proposals import ProposalState

MOST_DECISIONS = 100_000  # at once; a request of the API has room for fewer

Takeable = Literal["open", "refused", "rejected"]
"""The states of proposals that can be accepted."""


class Acceptance(Sent):
    """A proposal to accept. text: the user's version of its text; null: unchanged.

    state: as the client shows it. If it has changed, somebody else has decided on it, and it stays
    as it is. `refused` and `rejected` ones can be accepted, too.
    """

    id: Id
    text: Value | None = None
    state: Takeable = "open"

    @classmethod
    def of_shown(cls, shown: Proposal) -> Self:
        """Return the decision to accept a proposal as shown."""
        states: dict[ProposalState, Takeable] = {"refused": "refused", "rejected": "rejected"}
        return cls(id=shown.id, state=states.get(shown.state, "open"))


Reason = Annotated[str, Field(max_length=1000)]
Acceptances = Annotated[list[Acceptance], Field(max_length=MOST_DECISIONS)]
Ids = Annotated[list[Id], Field(max_length=MOST_DECISIONS)]


class Decisions(Sent):
    """Proposals to accept, to refuse, and to reopen, which undoes the decision on them.

    A proposal accepted for a note that is open in an editor waits for that editor to make the edits
    (see `POST /api/v1/presence`), or until the note is closed, even across restarts; `refuse` and
    `undo` take that back. reason: why they are refused. run: the run that the changes of notes
    belong to, so that a request sent in parts is taken back as one; null: a new one. client: who is
    told of the results in a notice.
    """

    accept: Acceptances = Field(default_factory=list)
    refuse: Ids = Field(default_factory=list)
    undo: Ids = Field(default_factory=list)
    reason: Reason = ""
    run: RunId | None = None
    client: ClientName = ""

    @property
    def ids(self) -> list[int]:
        """The proposals that it is about."""
        return [*(each.id for each in self.accept), *self.refuse, *self.undo]


class DecisionOnAll(Sent):
    """One decision on many proposals, in one run. reason: why they are refused. client: who is told
    of the result.
    """

    decision: Literal["accept", "refuse", "undo"]
    ids: Ids
    reason: Reason = ""
    client: ClientName = ""

    def as_decisions(self) -> Decisions:
        """Return the decisions on each."""
        if self.decision == "accept":
            return Decisions(accept=[Acceptance(id=each) for each in self.ids])
        if self.decision == "refuse":
            return Decisions(refuse=self.ids, reason=self.reason)
        return Decisions(undo=self.ids)


class Wish(Sent):
    """What should be different about a proposal, in your own words; empty: anything.

    agreed: as in RunOptions. client: who is told of the result.
    """

    wish: Annotated[str, Field(max_length=1000)] = ""
    agreed: bool = False
    client: ClientName = ""


class DecisionsMade(Shape):
    """The results for the notes whose proposals were decided on."""

    notes: list[NoteResult]
