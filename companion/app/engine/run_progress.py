"""The runs of an engine: their options, progress and results."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from companion.app.engine.work_queue import Ticket
from companion.app.jobs import RunPlan
from companion.app.problem import code_of
from companion.app.types.runs import NoteResult, RunKind, RunOptions, RunState
from companion.enrich.enricher import Enricher
from companion.enrich.result import Result
from companion.errors import CompanionError, NoteError
from companion.llm.response import Usage
from companion.note.diff import diff_lines

_KEPT = 50  # finished runs that clients can still ask about


@dataclass
class EngineRun:
    """A run as the engine sees it, and alone changes it.

    kind, total: as in RunShape. warnings, left_alone: as in RunPlan. waits: why it waits now, in
    words; empty if it does not. error: what ended it. usage: of all its calls, including those
    without an answer. made_at: Unix time, seconds. enricher: fills its notes; None before the first
    one. tell: is called after each change. is_background: it is for background work, and never
    ends.
    """

    id: str
    options: RunOptions
    total: int
    kind: RunKind = "fill"
    state: RunState = "queued"
    error: CompanionError | None = None
    waits: str = ""
    made_at: float = field(default_factory=time.time)
    results: list[NoteResult] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    usage: Usage = field(default_factory=Usage)
    warnings: Sequence[str] = ()
    left_alone: Mapping[str, int] = field(default_factory=dict)
    cancelled: threading.Event = field(default_factory=threading.Event)
    enricher: Enricher | None = None
    tell: Callable[[], object] = bool
    is_background: bool = False
    _busy: int = 0  # notes that are worked on now
    _changed: threading.Condition = field(default_factory=threading.Condition)

    @classmethod
    def of(cls, id: str, options: RunOptions, plan: RunPlan) -> EngineRun:
        """Return the run for a plan; notes that the plan skips are among its results."""
        run = cls(id, options, len(plan.jobs), warnings=plan.warnings, left_alone=plan.left_alone)
        for result in plan.skipped:
            run.add(result, counted=False)
        if not plan.jobs:
            run.end("done")
        return run

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.state in ("done", "cancelled", "failed")

    @property
    def fault(self) -> str:
        """What ended it, in words; empty if it ended well, or has not ended."""
        return str(self.error or "")

    @property
    def code(self) -> str:
        """The code of the problem that ended it."""
        return code_of(self.error) if self.error else ""

    def puts_off(self, ticket: Ticket, path: str) -> bool:
        """Return whether the note, now at path, has to wait; if so, its ticket is given back."""
        return False

    def retries(self, ticket: Ticket, error: NoteError) -> bool:
        """Return whether the note is tried again later; if so, the ticket has been given back."""
        return False

    def record(self, path: str, result: Result) -> None:
        """Record the result for the note that was at path, before its ticket is given back."""

    def enter(self, path: str) -> bool:
        """Record that work on its note at path begins; return False if the run is already over."""
        with self._changed:
            if self.is_over:
                return False
            self._busy += 1
            if self.state == "queued":
                self.state = "running"
            self.tell()
            return True

    def leave(self) -> None:
        """Record that the work on a note has ended."""
        with self._changed:
            self._busy -= 1
            self._tell()

    def add(
        self,
        result: Result | NoteResult,
        *,
        counted: bool = True,
        ends_with: CompanionError | None = None,
    ) -> None:
        """Add the result for a note, and end the run with the last one, or with that error.

        counted: whether it is one of the total; other notes were named, and skipped at the start.
        """
        if isinstance(result, Result):
            has_diff = self.options.diff and result.old != result.new
            diff = "".join(diff_lines(result.path, result.old, result.new)) if has_diff else None
            result = NoteResult.of(result, diff=diff, counted=counted)
        with self._changed:
            self.results.append(result)
            if counted:
                self.counts[result.status] += 1
            if not self.is_over and ends_with:
                self.state, self.error, self.waits = "failed", ends_with, ""
            if not self.is_over and self.counts.total() >= self.total:
                self.state, self.waits = "done", ""
            self._tell()

    def end(self, state: RunState, error: CompanionError | None = None) -> None:
        """End the run, unless it has already ended."""
        with self._changed:
            if not self.is_over:
                self.state, self.error, self.waits = state, error, ""
            self._tell()

    def _tell(self) -> None:
        self._changed.notify_all()
        self.tell()

    def since(self, number: int) -> list[NoteResult]:
        """Return the results after that number; they count from 1."""
        with self._changed:
            return self.results[max(0, number) :]

    def wait(self, number: int, timeout: float) -> None:
        """Wait for a result after that number or the end of the run, at most timeout seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self.is_over or len(self.results) > number, timeout)

    def wait_idle(self, timeout: float) -> bool:
        """Return whether none of its notes is in progress, after at most timeout seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._busy, timeout)

    def close_unless_busy(self) -> None:
        """Close the enricher, once nobody works with it any more."""
        with self._changed:
            enricher = self.enricher
            if self._busy or enricher is None:
                return
            self.usage, self.enricher = enricher.client.usage, None
        enricher.client.close()

    def break_off(self) -> int:
        """Break off its calls in progress; return their number."""
        if (enricher := self.enricher) is None:
            return 0
        calls = enricher.client.under_way
        enricher.client.close()
        return calls


class Runs:
    """The runs of an engine. It remembers the latest 50 that have finished.

    tell: is called after each change of one.
    """

    def __init__(self) -> None:
        self.tell: Callable[[], object] = bool
        self._runs: dict[str, EngineRun] = {}
        self._lock = threading.Lock()

    def add(self, run: EngineRun) -> None:
        """Add a run."""
        run.tell = self.tell
        with self._lock:
            self._runs[run.id] = run
            over = [run.id for run in self._runs.values() if run.is_over]
            for old in over[: max(0, len(over) - _KEPT)]:
                del self._runs[old]
        self.tell()

    def get(self, name: str) -> EngineRun | None:
        """Return the run of that id, None if there is none."""
        with self._lock:
            return self._runs.get(name)

    def all(self) -> list[EngineRun]:
        """Return the runs, newest first."""
        with self._lock:
            return list(reversed(self._runs.values()))

    def active(self) -> list[EngineRun]:
        """Return the runs that are not over."""
        return [run for run in self.all() if not run.is_over]

    def set_waits(self, waits: str) -> None:
        """Set why all active runs that ask a model wait, in words; empty: they continue."""
        for run in self.active():
            if run.kind == "fill":
                run.waits = waits
        self.tell()
