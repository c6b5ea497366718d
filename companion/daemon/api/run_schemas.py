"""The JSON of an order: what a client wants enriched, and how."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator

from companion.daemon.api.schemas import (
    LARGEST,
    WHOLE,
    Applied,
    FolderPath,
    OfferShape,
    Sent,
    Shape,
    VaultPath,
    iso_time,
)
from companion.daemon.client_runs import Run, RunEntry, RunRequest, RunState
from companion.daemon.work_queue import Priority
from companion.enrich.result import NoteStatus, Result
from companion.enrich.selection import Choice
from companion.llm.response import Usage


def _either(schema: dict[str, Any]) -> None:
    """Say in the schema, too, what goes together."""
    one = {"type": "array", "maxItems": 1, "items": {"type": "string", "minLength": 1}}
    client = {"apply": {"const": "client"}, "text": {"type": "string"}, "paths": one}
    daemon = {"apply": {"const": "daemon"}, "text": {"type": "null"}}
    schema["oneOf"] = [
        {"properties": daemon},
        {"properties": client, "required": ["apply", "text", "paths"]},
    ]
    by_line = {"section": {"type": "null"}, "paths": one}
    schema["anyOf"] = [{"properties": {"line": {"type": "null"}}}, {"properties": by_line}]


class NewRun(Sent):
    """What to enrich, and how: the options of `companion enrich`.

    paths: notes and folders; empty for the vault. text: the one note as its editor shows it, or as
    its file has it where the client edits that; the run answers with edits then (`apply: client`)
    and writes nothing. requests: fill the empty
    callouts that stand in the notes, and nothing else. section: a callout under the heading with
    these words, of which there must be one. line: the same for the section that this line of the
    one note stands in, counted from 1 in `text`, without it in the file; for headings that several
    sections share. on_fault: whether the run
    waits while the endpoint fails, or ends. agreed: begin even where more than 50 notes go to a
    model on another machine; else that is refused with 409, `not-agreed`, saying what it costs.
    even_open: write notes that are open in an editor, too: only for the client that shows them,
    with nothing unsaved; else their edits wait for that client, see `POST /api/v1/presence`.
    """

    model_config = ConfigDict(json_schema_extra=_either)

    paths: Annotated[list[FolderPath], Field(min_length=1, max_length=10_000)]
    all: bool = False
    force: bool = False
    retry: bool = False
    section: Annotated[str, Field(min_length=1, max_length=1000)] | None = None
    line: Annotated[int, Field(ge=1, le=LARGEST)] | None = None
    limit: Annotated[int, Field(ge=1, le=LARGEST)] | None = None
    dry_run: bool = False
    requests: bool = False
    priority: Literal["interactive", "request", "background"] = "request"
    apply: Literal["daemon", "client"] = "daemon"
    text: str | None = None
    on_fault: Literal["wait", "stop"] = "wait"
    agreed: bool = False
    even_open: bool = False

    @model_validator(mode="after")
    def _check(self) -> NewRun:
        if (self.text is not None) != (self.apply == "client"):
            raise ValueError("`text` goes with `apply: client`, and that needs it")
        if self.text is not None and (len(self.paths) != 1 or not self.paths[0]):
            raise ValueError("`text` is of one note; name that in `paths`")
        if self.line is not None and (len(self.paths) != 1 or not self.paths[0]):
            raise ValueError("`line` is of one note; name that in `paths`")
        if self.line is not None and self.section is not None:
            raise ValueError("`line` and `section` both name a section; one of them is enough")
        return self

    @property
    def request(self) -> RunRequest:
        """The same for the daemon."""
        choice = Choice(
            self.all,
            self.force,
            self.retry,
            self.section,
            self.dry_run,
            self.requests,
            self.line,
        )
        return RunRequest(
            paths=self.paths,
            choice=choice,
            priority=Priority[self.priority.upper()],
            text=self.text,
            stops_on_fault=self.on_fault == "stop",
            limit=self.limit,
            agreed=self.agreed,
            even_open=self.even_open,
        )


def request_object(request: RunRequest) -> dict[str, object]:
    """Return the JSON object, a NewRun, that asks the daemon for the order."""
    choice = request.choice
    by_line = {} if choice.line is None else {"line": choice.line}  # an older daemon has it not
    return by_line | {
        "paths": list(request.paths),
        "all": choice.every,
        "force": choice.force,
        "retry": choice.retry,
        "section": choice.section,
        "limit": request.limit,
        "dry_run": choice.dry_run,
        "priority": request.priority.name.lower(),
        "apply": "daemon" if request.text is None else "client",
        "text": request.text,
        "on_fault": "stop" if request.stops_on_fault else "wait",
        "agreed": request.agreed,
        "even_open": request.even_open,
    }


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
    status: NoteStatus
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
    def of(cls, entry: RunEntry, diff_of: DiffOf | None) -> ResultShape:
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
    state: RunState
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
        entries: Sequence[RunEntry] = run.since(number)[:_RESULTS]
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

    path: VaultPath
    text: str
    only: Numbers | None = None


class Refused(Sent):
    """Changes of the note's result that the user does not want, counted from 0."""

    path: VaultPath
    only: Numbers


class AppliedTo(Applied):
    """An editor made the edits of an offer in the note at path.

    moved_to: its path by now, where it was moved or renamed since the run was started.
    """

    path: VaultPath
    moved_to: VaultPath | None = None
