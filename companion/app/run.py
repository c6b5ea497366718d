"""Run: notes that are being filled, whoever does it; and LocalRun, which this process does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from threading import Event
from typing import Protocol

from companion.app.jobs import RunPlan
from companion.app.types.results import NoteResult, Usage
from companion.app.types.runs import RunOptions
from companion.enrich.checks import find_unchecked
from companion.enrich.context import VaultContext
from companion.enrich.enricher import Enricher, open_enricher
from companion.enrich.run import Result, new_run, run_jobs
from companion.enrich.workspace import Workspace
from companion.note.diff import diff_lines
from companion.vault.index import Scan

Tell = Callable[[str], object]


class Run(Protocol):
    """A run over notes. Iterate over it, once, to have it done and be told of each note.

    The iteration raises what ended the run early (EndpointError, StorageError, ...); what was
    answered by then is kept. id: by which its changes are taken back. total: how many notes are
    worked on. warnings, left_alone: as in RunShape.
    tell: is called, from any thread, with why the run waits; empty: it goes on.
    """

    id: str
    total: int
    warnings: Sequence[str]
    left_alone: Mapping[str, int]
    tell: Tell

    def __iter__(self) -> Iterator[NoteResult]: ...

    @property
    def usage(self) -> Usage:
        """What all calls took so far, also those without a usable answer."""

    @property
    def is_cancelled(self) -> bool:
        """Whether cancel was called."""

    def cancel(self) -> str | None:
        """Begin no further note. Return in words what is finished first; None: what is written."""

    def give_up(self) -> int:
        """Break off the calls under way, and return for how many the endpoint may charge.

        Raises KeyboardInterrupt where another process makes them.
        """


class LocalRun:
    """A run that this process does. opened: opens the vault for writing."""

    def __init__(
        self,
        opened: Callable[[], AbstractContextManager[Workspace]],
        scan: Scan,
        options: RunOptions,
        plan: RunPlan,
    ) -> None:
        self.id = new_run()
        self.total = len(plan.jobs)
        self.warnings: Sequence[str] = [*plan.warnings, *filter(None, [find_unchecked()])]
        self.left_alone: Mapping[str, int] = plan.left_alone
        self.tell: Tell = bool
        self._opened = opened
        self._scan = scan
        self._options = options
        self._plan = plan
        self._cancelled = Event()
        self._enricher: Enricher | None = None

    def __iter__(self) -> Iterator[NoteResult]:
        for result in self._plan.skipped:
            yield self._show(result, counted=False)
        if not self._plan.jobs:
            return
        with (
            self._opened() as space,
            open_enricher(
                space, VaultContext(self._scan), self.id, self._cancelled, can_wait=self.total > 1
            ) as enricher,
        ):
            self._enricher = enricher
            if enricher.limiter:
                enricher.limiter.tell = lambda why: self.tell(why)
            if enricher.similar:
                enricher.similar.progress = self._tell_of_comparing
            at_once = space.config.concurrency
            for result in run_jobs(self._plan.jobs, enricher.enrich, at_once, self._cancelled):
                yield self._show(result)

    @property
    def usage(self) -> Usage:
        """What all calls took so far, also those without a usable answer."""
        return Usage.model_validate(self._enricher.usage) if self._enricher else Usage()

    @property
    def is_cancelled(self) -> bool:
        """Whether it was stopped."""
        return self._cancelled.is_set()

    def cancel(self) -> str | None:
        """Begin no further note; see Run."""
        self._cancelled.set()
        calls = self._enricher.under_way if self._enricher else 0
        named = "1 call" if calls == 1 else f"{calls} calls"
        return f"waiting for {named} under way; what is answered is kept." if calls else None

    def give_up(self) -> int:
        """Break off the calls under way; see Run."""
        if self._enricher is None:
            return 0
        calls = self._enricher.under_way
        self._enricher.close()
        return calls

    def _show(self, result: Result, *, counted: bool = True) -> NoteResult:
        lines = diff_lines(result.path, result.old, result.new) if self._options.diff else ()
        return NoteResult.of(result, diff="".join(lines) or None, counted=counted)

    def _tell_of_comparing(self, done: int, total: int) -> None:
        self.tell(f"comparing notes, {done:,} of {total:,}" if done < total else "")
