"""The JSON of runs: their progress, and their results for the notes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from companion.app.types.base import IsoTime, OfferShape, OrNull, Shape
from companion.daemon.client_runs import Run, RunEntry, RunState
from companion.enrich.plan import Filling
from companion.enrich.run import NoteStatus, Result
from companion.llm.response import Usage
from companion.note.needs import CALLOUT, Need

_RESULTS = 200  # results of one answer at most

DiffOf = Callable[[Result], str | None]
"""Returns the unified diff of a result, None if the note does not change."""


class UsageShape(Shape):
    """Tokens read and written, and calls made. cached_tokens: of those read, the cached ones."""

    input_tokens: int
    output_tokens: int
    calls: int
    cached_tokens: int

    def to_usage(self) -> Usage:
        """Return the usage."""
        return Usage(**self.model_dump())


class FilledShape(Shape):
    """What was filled: a property's value or values, or the lines of a callout."""

    kind: str
    heading: str | None
    reason: str
    text: str | list[str]
    remark: str

    @classmethod
    def of(cls, filling: Filling) -> FilledShape:
        """Return the shape of a filling."""
        need, value, remark = filling
        return cls(
            kind=need.kind, heading=need.heading, reason=need.reason, text=value, remark=remark
        )

    def to_filling(self) -> Filling:
        """Return the filling. Its need lacks what is not sent, so that its key may be another."""
        where = "property" if self.kind != CALLOUT else "section" if self.heading else "top"
        need = Need(self.kind, self.heading, None, where, self.reason)
        return Filling(need, self.text, self.remark)


class ResultShape(Shape):
    """The result for a note. number: counts up within the run. change: its id in the journal.

    counted: whether it is one of the run's total; other notes were named, and skipped at the start.
    diff: if it was asked for and the note changed, or would. offer: the edits for an editor.
    fallback: the kinds of changes that are a sentence of the note, as no answer could be used.
    proposals: the ids of the proposals: first those of `changes`, in that order, then those that
    wait. left: what was not filled, and why. ends_run: whether the reason holds for every note.
    lacks_heading: whether not just one heading fits the section asked for.
    """

    number: int
    counted: bool
    path: str
    status: NoteStatus
    reason: OrNull
    changes: list[FilledShape]
    left: list[str]
    usage: UsageShape
    change: int | None
    ends_run: bool
    lacks_heading: bool
    fallback: list[str]
    proposals: list[int]
    diff: str | None
    offer: OfferShape | None

    @classmethod
    def of(cls, entry: RunEntry, diff_of: DiffOf | None) -> ResultShape:
        """Return the shape of a run's entry; diff_of: None for no diffs."""
        result = entry.result
        more = {
            "number": entry.number,
            "counted": entry.counted,
            "changes": list(map(FilledShape.of, result.filled)),
            "diff": diff_of(result) if diff_of else None,
            "offer": entry.edits,
        }
        return cls.model_validate(vars(result) | more)

    def to_result(self) -> Result:
        """Return the result, without the texts of the note."""
        return Result(
            path=self.path,
            status=self.status,
            reason=self.reason or "",
            filled=tuple(change.to_filling() for change in self.changes),
            left=tuple(self.left),
            usage=self.usage.to_usage(),
            change=self.change,
            ends_run=self.ends_run,
            lacks_heading=self.lacks_heading,
            fallback=tuple(self.fallback),
            proposals=tuple(self.proposals),
        )


class RunShape(Shape):
    """A run. counts: results by status. waits: why it waits now. fault: what ended it."""

    id: str
    state: RunState
    total: int
    counts: dict[str, int]
    usage: UsageShape
    waits: str
    fault: str
    made_at: IsoTime


class RunProgress(RunShape):
    """A run with its results after a number. next: the number to ask with next time.

    Once the state is done, cancelled or failed, an answer without results is the last one.
    """

    results: list[ResultShape]
    next: int

    @classmethod
    def since(cls, run: Run, number: int, diff_of: DiffOf | None) -> RunProgress:
        """Return the run's progress after that number."""
        head = RunShape.model_validate(run)  # first: a run that is over gets no more results
        entries: Sequence[RunEntry] = run.since(number)[:_RESULTS]
        results = [ResultShape.of(entry, diff_of) for entry in entries]
        last = entries[-1].number if entries else number
        return cls(**vars(head), results=results, next=last)


class RunList(Shape):
    """The runs that the daemon remembers, newest first."""

    runs: list[RunShape]
