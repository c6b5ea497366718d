"""The JSON of runs: their progress, and their results for the notes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from companion.app.types.base import IsoTime, OfferShape, Shape
from companion.app.types.results import NoteResult, Usage
from companion.daemon.client_runs import Run, RunEntry, RunState
from companion.enrich.run import Result

_RESULTS = 200  # results of one answer at most

DiffOf = Callable[[Result], str | None]
"""Returns the unified diff of a result, None if the note does not change."""


class ResultShape(NoteResult):
    """The result for a note of a run. number: counts up within the run. offer: the edits for an
    editor. counted: whether it is one of the run's total; other notes were named, and skipped at
    the start.
    """

    number: int
    counted: bool
    offer: OfferShape | None

    @classmethod
    def of_entry(cls, entry: RunEntry, diff_of: DiffOf | None) -> ResultShape:
        """Return the shape of a run's entry; diff_of: None for no diffs."""
        diff = diff_of(entry.result) if diff_of else None
        more = {"number": entry.number, "counted": entry.counted, "offer": entry.edits}
        return cls.of(entry.result, diff=diff, **more)


class RunShape(Shape):
    """A run. counts: results by status. waits: why it waits now. fault: what ended it."""

    id: str
    state: RunState
    total: int
    counts: dict[str, int]
    usage: Usage
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
        results = [ResultShape.of_entry(entry, diff_of) for entry in entries]
        last = entries[-1].number if entries else number
        return cls(**vars(head), results=results, next=last)


class RunList(Shape):
    """The runs that the daemon remembers, newest first."""

    runs: list[RunShape]
