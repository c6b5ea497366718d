"""Proposals: values for the needs of notes, and the decisions on them."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, WithJsonSchema

from companion.app.types.base import (
    WHOLE,
    FolderPath,
    Moment,
    Name,
    OrNull,
    PageSize,
    QueryId,
    RunId,
    Sent,
    Shape,
    YesOrNo,
)
from companion.note.diff import Mark
from companion.store import proposals
from companion.store.proposals import FLAG_WORDS as FLAG_WORDS
from companion.store.proposals import Flag
from companion.store.proposals import ProposalState as ProposalState

_DECIDED: tuple[ProposalState, ...] = ("accepted", "refused", "superseded")


class ProposalQuery(Sent):
    """Which proposals. path: of a note, or of those in a folder. field: its name, or the property.
    tag: of the note. state: `all`, `decided` (accepted, refused or superseded), or a single one.
    flagged: only those with a flag, or without. run: that asked. before, limit: of a page: at most
    so many, with a lower id.
    """

    path: FolderPath = ""
    field: Name | None = None
    tag: str | None = None
    state: Literal[ProposalState, "decided", "all"] = "open"
    flagged: YesOrNo | None = None
    run: RunId | None = None
    before: QueryId | None = None
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


class NotesToForget(Sent):
    """Notes and folders whose stored text is to be deleted; `""`: the whole vault's."""

    paths: Annotated[list[FolderPath], Field(min_length=1, max_length=10_000)]


class Forgotten(Shape):
    """How many proposals had their text deleted."""

    proposals: int


# as items that are all texts, since tools that read OpenAPI take no `prefixItems`
_PAIR = WithJsonSchema({"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 2})


class PlaceQuery(Sent):
    """How much of the note around a proposal. context: lines before and after each difference."""

    context: Annotated[int, Field(ge=0, le=1000), WHOLE] = 2


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
