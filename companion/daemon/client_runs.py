"""The runs that clients start: their options, progress and results."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from companion.app.editor_edits import ClientEdits
from companion.app.types.runs import RunOptions, RunState
from companion.enrich.run import Result
from companion.llm.response import Usage

_KEPT = 50  # finished runs that clients can still ask about


class RunEntry(NamedTuple):
    """One note's result; its number counts up within the run, from 1.

    counted: whether it is one of the run's total; other notes were named, and skipped at the start.
    """

    number: int
    result: Result
    edits: ClientEdits | None = None
    counted: bool = True


@dataclass
class Run:
    """A run. Only Runs and the workers change it.

    total: the number of its notes. warnings, left_alone: as in RunPlan. waits: why it waits now, in
    words; empty if it does not. fault: what ended it. usage: of all its calls, with those that had
    no answer. made_at: Unix time, seconds.
    """

    id: str
    options: RunOptions
    total: int
    state: RunState = "queued"
    fault: str = ""
    waits: str = ""
    made_at: float = field(default_factory=time.time)
    entries: list[RunEntry] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    usage: Usage = field(default_factory=Usage)
    warnings: Sequence[str] = ()
    left_alone: Mapping[str, int] = field(default_factory=dict)
    cancelled: threading.Event = field(default_factory=threading.Event)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.state in ("done", "cancelled", "failed")

    def begin(self) -> None:
        """Record that work on it has begun."""
        with self._changed:
            if self.state == "queued":
                self.state = "running"

    def add(
        self, result: Result, edits: ClientEdits | None = None, *, counted: bool = True
    ) -> None:
        """Add the result for a note, and end the run with the last one. counted: see RunEntry."""
        with self._changed:
            if result.change is not None:  # the journal has the texts
                result = replace(result, old="", new="")
            self.entries.append(RunEntry(len(self.entries) + 1, result, edits, counted))
            if counted:
                self.counts[result.status] += 1
            if not self.is_over and result.ends_run:
                self.state, self.fault, self.waits = "failed", result.reason, ""
            if not self.is_over and self.counts.total() >= self.total:
                self.state, self.waits = "done", ""
            self._changed.notify_all()

    def end(self, state: RunState, fault: str = "") -> None:
        """End the run, unless it has ended already."""
        with self._changed:
            if not self.is_over:
                self.state, self.fault, self.waits = state, fault, ""
            self._changed.notify_all()

    def since(self, number: int) -> list[RunEntry]:
        """Return the entries after that number."""
        with self._changed:
            return self.entries[max(0, number) :]

    def wait(self, number: int, timeout: float) -> None:
        """Wait for an entry after that number or the end of the run, at most timeout seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self.is_over or len(self.entries) > number, timeout)


class Runs:
    """The runs of this daemon. Of the finished ones, the latest 50 are remembered."""

    def __init__(self, new_id: Callable[[], str]) -> None:
        self._new_id = new_id
        self._runs: dict[str, Run] = {}
        self._lock = threading.Lock()

    def new(self, options: RunOptions, total: int) -> Run:
        """Return a new run."""
        with self._lock:
            run = Run(self._new_id(), options, total)
            self._runs[run.id] = run
            over = [run.id for run in self._runs.values() if run.is_over]
            for old in over[: max(0, len(over) - _KEPT)]:
                del self._runs[old]
            return run

    def get(self, name: str) -> Run | None:
        """Return the run of that id, None if there is none."""
        with self._lock:
            return self._runs.get(name)

    def all(self) -> list[Run]:
        """Return the runs, newest first."""
        with self._lock:
            return list(reversed(self._runs.values()))

    def active(self) -> list[Run]:
        """Return the runs that are not over."""
        return [run for run in self.all() if not run.is_over]

    def set_waits(self, waits: str) -> None:
        """Set why all active runs wait, in words; empty: they go on."""
        for run in self.active():
            run.waits = waits
