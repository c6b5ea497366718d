"""Proposals: values for the needs of notes, and the decisions on them."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, WithJsonSchema, model_validator

from companion.app.types.base import (
    WHOLE,
    ExactMoment,
    FolderPath,
    Moment,
    Name,
    OrNull,
    PageSize,
    QueryId,
    RelativePath,
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


class ProposalFilter(Sent):
    """Which proposals. path: of one note. folder: in it, and those below. kind: a property, or
    `callout`; field: the same, or the name of its file. tag, property, modified_since: of the note;
    a property may be followed by `=` and a value. state: `all`, `decided` (accepted, refused or
    superseded), or a single state. flagged: only those with a flag, or without; flag: with this
    one. text: with these words in the note's path or the value. latest: only those that no later
    one for the same need followed; an open one is always the latest.
    """

    path: RelativePath | None = None
    folder: FolderPath = ""
    kind: Name | None = None
    field: Name | None = None
    tag: str | None = None
    property: str | None = None
    modified_since: ExactMoment | None = None
    state: Literal[ProposalState, "decided", "all"] = "open"
    flagged: YesOrNo | None = None
    flag: Flag | None = None
    text: Name | None = None
    latest: YesOrNo = False
    run: RunId | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.path is not None and self.folder:
            raise ValueError("`path` names one note, and `folder` many; one of them is enough")
        return self

    def states(self) -> tuple[ProposalState, ...] | None:
        """Return the states that are selected; None: all."""
        if self.state == "all":
            return None
        return _DECIDED if self.state == "decided" else (self.state,)


class ProposalQuery(ProposalFilter):
    """A page of proposals. before: with a lower id. The rest selects them, as in ProposalFilter."""

    before: QueryId | None = None
    limit: PageSize = 100


class ProposalIds(Shape):
    """The ids of all proposals that match a filter, newest first."""

    ids: list[int]


class Proposal(Shape):
    """A proposal. text: a property's value or values, or the lines of a callout; null: there is
    none, or it was deleted. flags: why somebody should look at it. why: the need that it answers.

    reason: why it was rejected, refused or closed. run: the run that asked for it. change: the
    change that wrote it. decided_by: for an
    open one, who has accepted it while an editor showed its note, which has to make the edits; else
    empty. original: the model's value, if the user has edited the text; null: it was not edited.
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
    original: str | list[str] | None

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


class ProposalPage(Shape):
    """A page of proposals, newest first. next: `before` of the next page; null on the last.

    total: the number on all pages.
    """

    proposals: list[Proposal]
    next: int | None
    total: int
