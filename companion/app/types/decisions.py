"""Decisions on proposals, and the results for their notes."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Literal, Self

from pydantic import Field

from companion.app.types.base import Id, OrNull, RunId, Sent, Shape
from companion.app.types.proposals import Proposal
from companion.app.types.runs import Decided, Filled, NoteResult, Wish
from companion.enrich.job import NoteStatus, Result
from companion.store.proposals import ProposalState

MOST_DECISIONS = 100_000  # at once; a request of the API has room for fewer

Value = str | Annotated[list[str], Field(max_length=1000)]
"""A user's version of a value: as long as a request allows; the field has its own limit."""


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
    belong to, so that a request sent in parts is taken back as one; null: a new one.
    """

    accept: Acceptances = Field(default_factory=list)
    refuse: Ids = Field(default_factory=list)
    undo: Ids = Field(default_factory=list)
    reason: Reason = ""
    run: RunId | None = None

    def without(self, ids: Collection[int]) -> Self:
        """Return the decisions that remain once these are made."""
        return self.model_copy(
            update={
                "accept": [each for each in self.accept if each.id not in ids],
                "refuse": [each for each in self.refuse if each not in ids],
                "undo": [each for each in self.undo if each not in ids],
            }
        )

    @property
    def ids(self) -> list[int]:
        """The proposals that it is about."""
        return [*(each.id for each in self.accept), *self.refuse, *self.undo]


class DecisionOnAll(Sent):
    """A decision on all proposals that match a filter.

    ids: only on these, as somebody has seen them; null: on all. before: only on those with a lower
    id, since nobody has seen newer ones. without: these stay as they are. reason: why they are
    refused. `undo` reopens proposals, which undoes the decisions on them.
    """

    decision: Literal["accept", "refuse", "undo"]
    ids: Ids | None = None
    before: Id | None = None
    without: Annotated[list[Id], Field(max_length=10_000)] = Field(default_factory=list)
    reason: Reason = ""


class AskAgain(Sent):
    """Ask for a proposal once more. wish: what should be different, in your own words; empty:
    anything. agreed: as in RunOptions.
    """

    wish: Wish = ""
    agreed: bool = False


class AskAllAgain(AskAgain):
    """Ask for proposals once more. proposals: their ids."""

    proposals: Annotated[list[Id], Field(min_length=1, max_length=10_000)]


class NoteDecision(Shape):
    """The result for a note. status: `enriched`, `refused`, `unchanged` or `failed`; `proposed` if
    the note is open, and its editor has to make the edits. changes: what was filled, as in runs.

    change: its id in the journal. reason: why nothing was done. left: what was not done, and why.
    """

    path: str
    status: NoteStatus
    changes: list[Filled]
    change: int | None
    reason: OrNull
    left: list[str]
    proposals: list[Decided]

    @classmethod
    def of(cls, result: Result) -> Self:
        """Return the engine's result of a note in this shape."""
        decided = [
            Decided(id=each.id, state=each.state, reason=result.why_not.get(each.id))
            for each in result.proposals
        ]
        known = {each.id for each in decided}
        decided += [
            Decided(id=id_, state=None, reason=why)
            for id_, why in result.why_not.items()
            if id_ not in known
        ]
        changes = list(map(Filled.of, result.filled))
        own = {"changes": changes, "left": result.unfilled, "proposals": decided}
        return cls.model_validate(vars(result) | own)

    @property
    def result(self) -> NoteResult:
        """The result of the note, in the form of a run's."""
        ids = [each.id for each in self.proposals]
        values = vars(self) | {"proposals": ids, "decided": self.proposals}
        return NoteResult.model_validate(values)

    @property
    def waiting(self) -> list[int]:
        """The ids of proposals whose decision waits for the editor that shows the note."""
        if self.status != "proposed":
            return []
        return [each.id for each in self.proposals if each.reason == self.reason]


class DecisionsMade(Shape):
    """The results for the notes whose proposals were decided on first; send the other decisions
    again: the answer took its time.
    """

    notes: list[NoteDecision]
