"""Proposals: values for the needs of notes, the decisions on them, and what came of these."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, WithJsonSchema

from companion.app.types.base import (
    ClientName,
    FolderPath,
    Id,
    Moment,
    Name,
    OrNull,
    PageSize,
    Query,
    RunId,
    Sent,
    Shape,
)
from companion.note.diff import Mark
from companion.store import proposals
from companion.store.proposals import FLAG_WORDS as FLAG_WORDS
from companion.store.proposals import Flag
from companion.store.proposals import ProposalState as ProposalState

_DECIDED: tuple[ProposalState, ...] = ("accepted", "refused", "superseded")


class ProposalQuery(Query):
    """Which proposals. path: of a note, or of those in a folder. field: its name, or the property.
    tag: of the note. state: `all`, `decided` (accepted, refused or superseded), or a single one.
    flagged: only those with a flag, or without. run: that asked. before, limit: of a page: at most
    so many, with a lower id.
    """

    path: FolderPath = ""
    field: Name | None = None
    tag: str | None = None
    state: Literal[ProposalState, "decided", "all"] = "open"
    flagged: bool | None = None
    run: RunId | None = None
    before: Id | None = None
    limit: PageSize = 100

    def states(self) -> tuple[ProposalState, ...] | None:
        """Return the states that are selected; None: all."""
        if self.state == "all":
            return None
        return _DECIDED if self.state == "decided" else (self.state,)


class ProposalIds(Shape):
    """The ids of all proposals that match a filter, newest first."""

    ids: list[int]


class Proposal(Shape):
    """A proposal. text: a property's value or values, or the lines of a callout; null: there is
    none, or it was deleted. flags: why somebody should look at it. why: the need that it answers.

    reason: why it was rejected, refused or closed. run: the run that asked for it. change: the
    change that wrote it. decided_by: for an
    open one, who has accepted it while an editor showed its note, which has to make the edits; else
    empty.
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
    made_at: Moment
    run: str
    decided_by: str
    decided_at: Moment | None
    change: int | None

    @classmethod
    def of(cls, stored: proposals.Proposal) -> Self:
        """Return a proposal as it is stored."""
        need, origin = stored.need, stored.origin
        own = {"kind": need.kind, "heading": need.heading, "why": need.reason}
        made = {"model": origin.model, "run": origin.run, "made_at": origin.made_at}
        return cls.model_validate(vars(stored) | own | made | {"text": stored.value})

    @property
    def lines(self) -> str:
        """The value as one text, with items and lines on separate lines; empty: none."""
        return self.text if isinstance(self.text, str) else "\n".join(self.text or ())


Value = str | Annotated[list[str], Field(max_length=1000)]
"""A user's version of a value: as long as a request allows; the field has its own limit."""


class ProposedValue(Sent):
    """A value that a program proposes. kind: a property, or `callout`; or the field's name.

    heading, question: for a callout, its section, or its title.
    """

    kind: str
    value: Value
    heading: str | None = None
    question: str | None = None


class ProposalMade(Shape):
    """The result: the proposal, which waits for a decision, or why a check rejected it."""

    proposal: Proposal | None
    rejected: str | None


# as items that are all texts, since tools that read OpenAPI take no `prefixItems`
_PAIR = WithJsonSchema({"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 2})


class PlaceQuery(Query):
    """How much of the note around a proposal. context: lines before and after each difference."""

    context: Annotated[int, Field(ge=0, le=1000)] = 2


class ProposalInPlace(Shape):
    """The effect of a proposal on its note as it is now: the parts of a word diff, each with its
    mark: kept (`=`), added (`+`), removed (`-`), or lines that are left out (`…`). title: the
    note's. new_values: those of its values that no note of the vault uses yet. start: where the
    first edit is in the note's text; it counts UTF-16 code units.
    """

    title: str
    new_values: list[str]
    start: int
    parts: list[Annotated[tuple[Mark, str], _PAIR]]


class Proposals(Shape):
    """Proposals, newest first."""

    proposals: list[Proposal]


class ProposalPage(Proposals):
    """A page of proposals, newest first. next: `before` of the next page; null on the last.

    total: the number on all pages.
    """

    next: int | None
    total: int


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
