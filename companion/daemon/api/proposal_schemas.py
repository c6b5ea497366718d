"""The JSON of proposals, and of the decisions on them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from companion.daemon.api.run_schemas import FilledShape
from companion.daemon.api.schemas import (
    FolderPath,
    Id,
    IsoTime,
    OfferShape,
    OrNull,
    PageSize,
    QueryId,
    RelativePath,
    RunId,
    Sent,
    Shape,
)
from companion.enrich.run import Decided, NoteDecision, NoteStatus, Result
from companion.vault.proposal import Acceptance, Flag, Proposal, ProposalState, RejectedValue
from companion.vault.proposals import Selection

MOST_DECISIONS = 1000  # of one request

Value = str | Annotated[list[str], Field(max_length=1000)]
"""What a user made of a value: as long as a request takes; its field says how long it may be."""


class ProposalShape(Shape):
    """A proposal. text: a property's value or values, or the lines of a callout; null: there is
    none, or it was deleted. flags: why somebody should look at it. why: the need that it answers.

    reason: why it was rejected, refused or closed. run: that asked for it. change: that it became.
    evidence: for each sentence what was shown that comes closest to it, and whether that is taken
    to support it, as far as it is known. decided_by: of an open one,
    who has accepted it while an editor showed its note, which is to make the edits; else empty.
    """

    id: int
    path: str
    kind: str
    heading: str | None
    text: str | list[str] | None
    state: ProposalState
    flags: list[Flag]
    why: str
    reason: OrNull
    remark: str
    model: str
    made_at: IsoTime
    run: str
    decided_by: str
    change: int | None
    evidence: list[Any] | None

    @classmethod
    def of(cls, proposal: Proposal) -> ProposalShape:
        """Return the shape of a proposal."""
        return cls.model_validate(vars(proposal) | {"text": proposal.value})


class ProposalMade(Shape):
    """What came of it: the proposal, which waits for a decision; or why a check rejected it."""

    proposal: ProposalShape | None
    rejected: str | None

    @classmethod
    def of(cls, outcome: Proposal | RejectedValue) -> ProposalMade:
        """Return the shape of what came of a proposed value."""
        if isinstance(outcome, RejectedValue):
            return cls(proposal=None, rejected=outcome.reason)
        return cls(proposal=ProposalShape.of(outcome), rejected=None)


class ProposalPage(Shape):
    """A page of proposals, newest first. before: where the next page begins; null on the last.

    total: how many there are on all pages.
    """

    proposals: list[ProposalShape]
    before: int | None
    total: int


class ProposalsQuery(Sent):
    """Which proposals. path: of one note. folder: in it, and those below. kind: a property, or
    `callout`. state: `all`, or one of them. flagged: only those with a flag, or without.
    """

    path: RelativePath | None = None
    folder: FolderPath = ""
    kind: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    state: Literal["open", "accepted", "refused", "rejected", "superseded", "closed", "all"] = (
        "open"
    )
    flagged: Literal["true", "false"] | None = None
    run: RunId | None = None
    before: QueryId | None = None
    limit: PageSize = 100

    @model_validator(mode="after")
    def _check(self) -> ProposalsQuery:
        if self.path is not None and self.folder:
            raise ValueError("`path` names one note, and `folder` many; one of them is enough")
        return self

    @property
    def selection(self) -> Selection:
        """The proposals of all pages."""
        named = self.path if self.path is not None else self.folder
        return Selection(
            paths=[named] if named else None,
            kind=self.kind,
            states=None if self.state == "all" else (self.state,),
            flagged=None if self.flagged is None else self.flagged == "true",
            run=self.run,
        )


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


class NotesToForget(Sent):
    """Notes and folders whose text is to be deleted from what is kept; `""`: of the vault."""

    paths: Annotated[list[FolderPath], Field(min_length=1, max_length=10_000)]


class Forgotten(Shape):
    """Of how many proposals the text was deleted."""

    proposals: int


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
