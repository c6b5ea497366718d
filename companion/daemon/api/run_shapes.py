"""The JSON of runs: how far they are, and what became of the notes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Literal

from pydantic import Field

from companion.daemon.api.shapes import (
    LARGEST,
    WHOLE,
    Applied,
    NotePath,
    OfferShape,
    Sent,
    Shape,
    iso_time,
)
from companion.daemon.runs import Entry, Run, State
from companion.enrich.result import Result, Status
from companion.llm.answer import Usage

_RESULTS = 200  # results of one answer at most
LONGEST_WAIT = 25  # seconds that an answer may be held back

DiffOf = Callable[[Result], str | None]
"""Gives the unified diff of a note that changed, or would."""

Numbers = Annotated[
    list[Annotated[int, Field(ge=0, le=1000)]], Field(min_length=1, max_length=1000)
]
"""Some of the changes in a result, counted from 0."""


class UsageShape(Shape):
    """Tokens read and written, and calls made. cached_tokens: of those read, from a cache."""

    input_tokens: int
    output_tokens: int
    calls: int
    cached_tokens: int

    @classmethod
    def of(cls, usage: Usage) -> UsageShape:
        """Return the shape of a usage."""
        return cls.model_validate(vars(usage))


class FilledShape(Shape):
    """What was filled: a property's value or values, or the lines of a callout."""

    kind: str
    heading: str | None
    reason: str
    text: str | list[str]
    remark: str


class ResultShape(Shape):
    """What became of a note. number: counts up within the run. change: its id in the journal.

    counted: as one of the run's total; others were asked for, and left alone from the start.
    diff: where it was asked for and the note changed, or would. offer: for an editor to make.
    fallback: the kinds of changes that are the note's own sentence, for want of an answer.
    """

    number: int
    counted: bool
    path: str
    status: Status
    reason: str | None
    changes: list[FilledShape]
    left: list[str]
    usage: UsageShape
    change: int | None
    ends_run: bool
    fallback: list[str]
    diff: str | None
    offer: OfferShape | None

    @classmethod
    def of(cls, entry: Entry, diff_of: DiffOf | None) -> ResultShape:
        """Return the shape of a run's entry; diff_of: None for no diffs."""
        result = entry.result
        return cls(
            number=entry.number,
            counted=entry.counted,
            path=result.path,
            status=result.status,
            reason=result.reason or None,
            changes=[
                FilledShape(
                    kind=need.kind,
                    heading=need.heading,
                    reason=need.reason,
                    text=value,
                    remark=remark,
                )
                for need, value, remark in result.filled
            ],
            left=list(result.left),
            usage=UsageShape.of(result.usage),
            change=result.change,
            ends_run=result.ends_run,
            fallback=list(result.fallback),
            diff=diff_of(result) if diff_of else None,
            offer=entry.offer and OfferShape.of(entry.offer),
        )


class RunShape(Shape):
    """A run. counts: results by status. waits: why nothing goes on now. fault: what ended it."""

    id: str
    state: State
    total: int
    counts: dict[str, int]
    usage: UsageShape
    waits: str
    fault: str
    made_at: str

    @classmethod
    def of(cls, run: Run) -> RunShape:
        """Return the shape of a run."""
        return cls(
            id=run.id,
            state=run.state,
            total=run.total,
            counts=dict(run.counts),
            usage=UsageShape.of(run.usage),
            waits=run.waits,
            fault=run.fault,
            made_at=iso_time(run.made_at),
        )


class RunProgress(RunShape):
    """A run with its results after a number; next: the number to ask from the next time.

    All are there once the state is done, cancelled or failed and no result comes any more.
    """

    results: list[ResultShape]
    next: int

    @classmethod
    def since(cls, run: Run, number: int, diff_of: DiffOf | None) -> RunProgress:
        """Return how far the run is; the state first: what is over gets no more results."""
        head = RunShape.of(run)
        entries: Sequence[Entry] = run.since(number)[:_RESULTS]
        results = [ResultShape.of(entry, diff_of) for entry in entries]
        last = entries[-1].number if entries else number
        return cls(**vars(head), results=results, next=last)


class RunList(Shape):
    """The runs that the daemon remembers, newest first."""

    runs: list[RunShape]


class RunQuery(Sent):
    """since: results after this number. wait: seconds to wait for one, at most 25.

    diff: with the diffs.
    """

    since: Annotated[int, Field(ge=0, le=LARGEST), WHOLE] = 0
    wait: Annotated[int, Field(ge=0, le=LONGEST_WAIT), WHOLE] = 0
    diff: Literal["true", "false"] = "false"


class EditsAgain(Sent):
    """The text that the editor shows now.

    only: which of the changes in the note's result are wanted, counted from 0; null: all.
    """

    path: NotePath
    text: str
    only: Numbers | None = None


class Refused(Sent):
    """Changes of the note's result that the user does not want, counted from 0."""

    path: NotePath
    only: Numbers


class AppliedTo(Applied):
    """An editor made the edits of an offer in the note at path.

    moved_to: its path by now, where it was moved or renamed since the run was started.
    """

    path: NotePath
    moved_to: NotePath | None = None
