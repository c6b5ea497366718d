"""Run: notes being filled, by any process; and LocalRun, which this process carries out."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from threading import Event
from types import MappingProxyType
from typing import Protocol

from companion.app.engine.engine import Engine
from companion.app.engine.run_progress import EngineRun
from companion.app.jobs import RunPlan
from companion.app.outbox import Outbox
from companion.app.types.runs import NoteResult, RunKind, RunOptions
from companion.enrich.checks import find_unchecked
from companion.enrich.configured_model import ASK_FROM, open_spending
from companion.enrich.context.similar import open_similar
from companion.enrich.context.vault_context import VaultContext
from companion.enrich.result import new_run
from companion.enrich.workspace import Workspace
from companion.llm.response import Usage
from companion.vault.notes import Scan

__all__ = ["ASK_FROM", "DecisionRun", "LocalRun", "Run", "Tell", "new_run"]

Tell = Callable[[str], object]
"""Called with a sentence for the user."""

_POLL = 0.2  # seconds; Windows delivers Ctrl-C only between two waits
_OFTEN = gc.get_threshold()
# In a run, the garbage collector looks for unused objects from so many new ones on, and after so
# many looks through older ones, too: the packages that the first call loads are among these.
_NEW_OBJECTS, _LOOKS = 10_000, 100


class Run(Protocol):
    """A run over notes. Iterating over it, once, does the work and yields each note's result.

    The iteration raises what ended the run early; what was answered or decided is kept. id: names
    it in an undo. total, warnings, left_alone: as in RunShape. tell: called from any thread with
    the reason why the run waits; empty: it goes on.
    """

    id: str
    total: int
    warnings: Sequence[str] = ()
    left_alone: Mapping[str, int] = MappingProxyType({})
    tell: Tell = bool

    def __iter__(self) -> Iterator[NoteResult]: ...

    @property
    def usage(self) -> Usage:
        """The usage of all calls so far, including those without a usable answer."""
        return Usage()

    @property
    def is_cancelled(self) -> bool:
        """Whether cancel was called."""

    def cancel(self) -> str | None:
        """Start no further note. Return in words what is still finished; None: current writes."""

    def give_up(self) -> int:
        """Break off the calls in progress, and return for how many the endpoint may charge.

        Raises KeyboardInterrupt if another process makes them.
        """


class LocalRun(Run):
    """A run that an engine in this process carries out."""

    def __init__(
        self,
        space: Workspace,
        outbox: Outbox,
        scan: Scan,
        options: RunOptions,
        plan: RunPlan,
    ) -> None:
        ends = options.model_copy(update={"priority": "request", "on_fault": "stop"})
        self._run = EngineRun.of(new_run(), ends, plan)
        self.id, self.total = self._run.id, self._run.total
        self.warnings = [*plan.warnings, *filter(None, [find_unchecked()])]
        self.left_alone = plan.left_alone
        self._space = space
        self._outbox = outbox
        self._scan = scan
        self._jobs = plan.jobs

    def __iter__(self) -> Iterator[NoteResult]:
        skipped = self._run.since(0)
        yield from skipped
        if not self._jobs:
            return
        space = self._space
        with (
            open_spending(space) as spending,
            open_similar(space) as similar,
            _rare_collections(),
        ):

            def context() -> VaultContext:
                is_current = space.is_current(self._scan)
                return VaultContext(self._scan if is_current else space.scan())

            engine = Engine(space, spending, context, similar, outbox=self._outbox)
            if similar:
                similar.tell = partial(setattr, self._run, "waits")
            try:
                engine.start_run(self._run, self._jobs)
                engine.start()
                yield from self._follow(engine, len(skipped))
            finally:
                engine.finish()
                engine.join()
                engine.handler.close()
        if self._run.error:
            raise self._run.error

    @property
    def usage(self) -> Usage:
        """The usage of all calls so far, including those without a usable answer."""
        return self._run.usage

    @property
    def is_cancelled(self) -> bool:
        """Whether it was stopped."""
        return self._run.cancelled.is_set()

    def cancel(self) -> str | None:
        """Begin no further note; see Run. It waits for no lock, since a signal handler calls it."""
        self._run.cancelled.set()
        enricher = self._run.enricher
        calls = enricher.client.under_way if enricher else 0
        number = "1 call" if calls == 1 else f"{calls} calls"
        return f"waiting for {number} under way; what is answered is kept." if calls else None

    def give_up(self) -> int:
        """Break off the calls in progress; see Run."""
        return self._run.break_off()

    def _follow(self, engine: Engine, number: int) -> Iterator[NoteResult]:
        """Yield the results after that number as they come, until no note is in progress."""
        run, last_reason, is_idle = self._run, "", False
        while not is_idle:
            if run.is_over:
                is_idle = run.wait_idle(_POLL)
            elif self.is_cancelled:
                engine.cancel(run)
            else:
                run.wait(number, _POLL)
            if run.waits != last_reason:
                self.tell(last_reason := run.waits)
            results = run.since(number)
            number += len(results)
            yield from results


class DecisionRun(Run):
    """A run that asks no model: it decides on proposals, or takes changes back; see Run.

    total: how many results there are. results: carries it out for a run with that id, one result
    after the other.
    """

    def __init__(
        self, kind: RunKind, total: int, results: Callable[[str], Iterator[NoteResult]]
    ) -> None:
        self.id, self.kind, self.total = new_run(), kind, total
        self.cancelled = Event()
        self._results = results

    def __iter__(self) -> Iterator[NoteResult]:
        results = self._results(self.id)
        while not self.is_cancelled and (result := next(results, None)):
            yield result

    @property
    def is_cancelled(self) -> bool:
        """Whether it was stopped."""
        return self.cancelled.is_set()

    def cancel(self) -> None:
        """Begin nothing more; finished decisions stay."""
        self.cancelled.set()

    def give_up(self) -> int:
        """Begin nothing more, either; no calls are in progress."""
        self.cancel()
        return 0


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Collect garbage rarely while the block runs, and leave out the objects that already exist.

    Scanning all modules again and again takes a twentieth of the time of a run.
    """
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS, _LOOKS, *_OFTEN[2:])
    try:
        yield
    finally:
        gc.set_threshold(*_OFTEN)
        gc.freeze()  # counts the looks from 0: else what is new is looked through at once
        gc.unfreeze()
