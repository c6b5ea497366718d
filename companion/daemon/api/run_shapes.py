"""The JSON of runs: what a client orders, and how far it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator

from companion.daemon.api.shapes import (
    LARGEST,
    WHOLE,
    Applied,
    FolderPath,
    NotePath,
    OfferShape,
    Sent,
    Shape,
    iso_time,
)
from companion.daemon.queue import Priority
from companion.daemon.runs import Entry, Order, Run, State
from companion.enrich.jobs import Choice
from companion.enrich.result import Status
from companion.llm.answer import Usage
from companion.note.diff import diff_lines

_RESULTS = 200  # results of one answer at most
LONGEST_WAIT = 25  # seconds that an answer may be held back


def _either(schema: dict[str, Any]) -> None:
    """Say in the schema, too, what goes together."""
    one = {"type": "array", "maxItems": 1, "items": {"type": "string", "minLength": 1}}
    client = {"apply": {"const": "client"}, "text": {"type": "string"}, "paths": one}
    daemon = {"apply": {"const": "daemon"}, "text": {"type": "null"}}
    schema["oneOf"] = [
        {"properties": daemon},
        {"properties": client, "required": ["apply", "text", "paths"]},
    ]


Numbers = Annotated[
    list[Annotated[int, Field(ge=0, le=1000)]], Field(min_length=1, max_length=1000)
]
"""Some of the changes in a result, counted from 0."""


class NewRun(Sent):
    """What to enrich, and how: the options of `companion enrich`.

    paths: notes and folders; empty for the vault. text: the one note as its editor shows it; the
    run answers with edits then (`apply: client`) and writes nothing. on_fault: whether the run
    waits while the endpoint fails, or ends.
    """

    model_config = ConfigDict(json_schema_extra=_either)

    paths: Annotated[list[FolderPath], Field(min_length=1, max_length=10_000)]
    all: bool = False
    force: bool = False
    retry: bool = False
    section: Annotated[str, Field(min_length=1, max_length=1000)] | None = None
    limit: Annotated[int, Field(ge=1, le=LARGEST)] | None = None
    dry_run: bool = False
    priority: Literal["interactive", "request", "background"] = "request"
    apply: Literal["daemon", "client"] = "daemon"
    text: str | None = None
    on_fault: Literal["wait", "stop"] = "wait"

    @model_validator(mode="after")
    def _check(self) -> NewRun:
        if (self.text is not None) != (self.apply == "client"):
            raise ValueError("`text` goes with `apply: client`, and that needs it")
        if self.text is not None and (len(self.paths) != 1 or not self.paths[0]):
            raise ValueError("`text` is of one note; name that in `paths`")
        return self

    @property
    def order(self) -> Order:
        """The same for the daemon."""
        choice = Choice(self.all, self.force, self.retry, self.section, self.dry_run)
        return Order(
            paths=self.paths,
            choice=choice,
            priority=Priority[self.priority.upper()],
            text=self.text,
            stops_on_fault=self.on_fault == "stop",
            limit=self.limit,
        )


def order_object(order: Order) -> dict[str, object]:
    """Return the JSON object, a NewRun, that asks the daemon for the order."""
    choice = order.choice
    return {
        "paths": list(order.paths),
        "all": choice.every,
        "force": choice.force,
        "retry": choice.retry,
        "section": choice.section,
        "limit": order.limit,
        "dry_run": choice.dry_run,
        "priority": order.priority.name.lower(),
        "apply": "daemon" if order.text is None else "client",
        "text": order.text,
        "on_fault": "stop" if order.stops_on_fault else "wait",
    }


class UsageShape(Shape):
    """Tokens read and written, and calls made."""

    input_tokens: int
    output_tokens: int
    calls: int

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
    diff: str | None
    offer: OfferShape | None

    @classmethod
    def of(cls, entry: Entry, *, with_diff: bool) -> ResultShape:
        """Return the shape of a run's entry."""
        result = entry.result
        has_diff = with_diff and result.new != result.old
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
            diff="".join(diff_lines(result.path, result.old, result.new)) if has_diff else None,
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
    def since(cls, run: Run, number: int, *, with_diff: bool) -> RunProgress:
        """Return how far the run is; the state first: what is over gets no more results."""
        head = RunShape.of(run)
        entries: Sequence[Entry] = run.since(number)[:_RESULTS]
        results = [ResultShape.of(entry, with_diff=with_diff) for entry in entries]
        last = entries[-1].number if entries else number
        return cls(**vars(head), results=results, next=last)


class RunList(Shape):
    """The runs that the daemon remembers, newest first."""

    runs: list[RunShape]


class RunQuery(Sent):
    """since: results after this number. wait: seconds to wait for one. diff: with the diffs."""

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
    """An editor made the edits of an offer in the note at path."""

    path: NotePath
