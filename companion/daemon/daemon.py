"""The daemon as its HTTP API and `companion serve` see it: all its parts put together."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from threading import Event

from companion import __version__
from companion.daemon.background import BackgroundHandler
from companion.daemon.background_switch import BackgroundSwitch, DailyQuota
from companion.daemon.backlog import Backlog
from companion.daemon.backlog_consent import BacklogConsent
from companion.daemon.circuit_breaker import CircuitBreaker
from companion.daemon.client_edits import ClientEditJournal, ClientEdits
from companion.daemon.client_runs import Run, RunRequest, Runs
from companion.daemon.fingerprints import Fingerprints
from companion.daemon.history import History
from companion.daemon.open_notes import OpenNotes, RequestedEdit
from companion.daemon.presence import Presence, fold_path
from companion.daemon.queries import BackgroundState, DaemonStatus, NoteQueries, Today, resolve_path
from companion.daemon.reconciler import Reconciler
from companion.daemon.run_handler import RunHandler
from companion.daemon.work_queue import Priority, WorkQueue
from companion.daemon.workers import EnricherSource, WorkerPool
from companion.enrich.asker import Asker
from companion.enrich.cost import needs_agreement, tell_cost
from companion.enrich.enricher import Enricher
from companion.enrich.model import model_facts
from companion.enrich.result import Result
from companion.enrich.run import new_run
from companion.enrich.selection import choose_jobs, limit_jobs
from companion.enrich.task import Job
from companion.enrich.workspace import Workspace
from companion.errors import NotAgreed, UsageError
from companion.llm.budget import Spending
from companion.vault.write import SETTLE

_REFRESH = 10.0  # seconds that a run waits at most for the vault to be looked over before it
_STOP = 3.5  # seconds for what is being written to be finished
_OPEN_SETTLE = 5.0  # seconds a note must rest that is open somewhere: Obsidian saves every two
_IMAGES_KEPT = 30 * 86_400.0  # seconds


class Daemon:
    """One vault's daemon. Every method may be called from any thread.

    space: the vault, opened to be written. start() it once, and stop() it at the end.
    runs, notes, history: what clients ask about.
    """

    def __init__(self, space: Workspace, spending: Spending) -> None:
        self.root, self.state = space.root, space.state
        self.started_at = time.time()
        self.runs = Runs(new_run)
        self._space = space
        self._spending = spending
        self._queue: WorkQueue[Job] = WorkQueue()
        self._fingerprints = Fingerprints(space.root)
        self._presence = Presence()
        self._circuit_breaker = CircuitBreaker()
        self._background_switch = BackgroundSwitch(space.config, space.state, self._queue)
        self._client_edits = ClientEditJournal(space.root, space.journal)
        backlog = Backlog(space.root, space.state, space.config.background.backlog)
        self._reconciler = Reconciler(
            space,
            self._queue,
            self._fingerprints,
            backlog,
            self._client_edits.settle,
            self._after_scan,
        )
        known = self._reconciler.vault_context
        self._consent = BacklogConsent(space, backlog, known, lambda: self._reconciler.backlog)
        self.notes = NoteQueries(space, self._reconciler.scan)
        self.history = History(space, self._client_edits, self._fingerprints, self._presence)
        self._source = EnricherSource(space, spending, known)
        notes = DailyQuota(spending, self._background_switch.hold_until_tomorrow)
        self._background = BackgroundHandler(
            self._queue,
            self._fingerprints,
            self._presence,
            notes,
            space.config.background.settle_seconds,
            self._open_background,
            self._background_switch.hold_until_tomorrow,
        )
        self._open_notes = OpenNotes(self._queue, self._fingerprints, self._presence)
        self._run_handler = RunHandler(
            self._queue,
            self._fingerprints,
            self._client_edits,
            self._open_notes,
            self.runs,
            notes,
            self._open_for_run,
        )
        self._workers = WorkerPool(
            self._queue,
            self._background,
            self._run_handler,
            self._circuit_breaker,
            self.runs,
            space.config.concurrency,
        )

    def start(self) -> None:
        """Begin to look at the vault and to work."""
        self._background_switch.update()
        self._reconciler.start()
        self._workers.start()

    def stop(self) -> None:
        """End: what is being written is finished, calls are broken off, the rest is found again."""
        self._queue.close()
        self.history.stop()
        self._background.stop()
        for run in self.runs.active():
            self._run_handler.cancel(run)
        until = time.monotonic() + _STOP
        self._reconciler.stop(_STOP)
        self._workers.join(max(0.0, until - time.monotonic()))
        self._source.close()

    def status(self) -> DaemonStatus:
        """Return how things stand."""
        config, looked = self._space.config, self._reconciler
        fault, today, waiting = (
            self._circuit_breaker.fault,
            self._spending.today(),
            self._queue.counts(),
        )
        dollars = self._spending.dollars_a_day
        where = "" if config.is_embedded else config.remote_endpoint().address
        return DaemonStatus(
            version=__version__,
            pid=os.getpid(),
            started_at=self.started_at,
            vault=self.root.name,
            vault_missing=looked.vault_missing,
            ready=looked.ready.is_set(),
            paused=self._background_switch.is_paused,
            polls=looked.polls,
            endpoint=where,
            model=config.endpoint.model,
            is_embedded=config.is_embedded,
            is_remote=config.is_remote,
            fault=fault,
            retry_in=max(0.0, fault.next_try - time.monotonic()) if fault else 0.0,
            background=BackgroundState(
                self._background_switch.reason_off(),
                waiting[Priority.BACKGROUND],
                today.background_notes,
                config.background.notes_a_day,
                self._consent.state(),
            ),
            today=Today(
                self._space.journal.count_notes(_midnight()),
                today.input_tokens,
                today.output_tokens,
                today.dollars,
                self._spending.tokens_a_day,
                dollars,
            ),
            notes=looked.counts.notes,
            to_do=looked.counts.to_do,
            skipped=looked.counts.skipped,
            open_notes=len(self._presence.open_paths()),
            in_hand=[ticket.path for ticket in self._queue.in_progress()],
            waiting={priority.name.lower(): number for priority, number in waiting.items()},
            runs=[run.id for run in self.runs.active()],
            newest_change=self._space.journal.newest(),
        )

    def start_run(self, request: RunRequest) -> Run:
        """Return the new run, queued.

        Raises UsageError: a path is not there or outside the vault, or the order cannot be
        carried out. NotAgreed: it is large, goes to another machine, and nobody agreed to that.
        """
        if self._reconciler.vault_missing:
            raise UsageError("the vault is not there just now; mount its drive, and try again")
        if request.priority is Priority.BACKGROUND and (
            off := self._background_switch.reason_off()
        ):
            raise UsageError(f"no background work is done: {off}")
        named = dict.fromkeys(request.paths)  # each once: a folder takes a look at all its notes
        paths = [resolve_path(self.root, path) for path in named]
        jobs, skipped = self._choose(request, paths)
        jobs = limit_jobs(self._space, jobs, request.limit)
        if not request.agreed:
            self._require_agreement(jobs)
        answered = self._background.withdraw(paths[0]) if request.text is not None else None
        if request.priority is not Priority.BACKGROUND:
            answered = None  # it may be asked for more
        run = self._run_handler.start(request, jobs, skipped, answered)
        if request.priority is not Priority.BACKGROUND:  # the run's notes are queued: they go first
            self._circuit_breaker.retry_now()
            self._queue.pause_until(None)
        return run

    def cancel_run(self, run: Run) -> None:
        """Cancel the run: what is being written is finished, nothing further is begun."""
        self._run_handler.cancel(run)

    def edits_for_text(
        self, run: Run, path: str, text: str, only: Collection[int] | None = None
    ) -> ClientEdits:
        """Return the run's edits for the text that the editor shows now; no model is asked.

        only: which of the changes in its result, counted from 0; None: all.

        Raises NoteError: they have no place in it any more. UsageError: the run has none.
        """
        return self._run_handler.edits_for_text(run, path, text, only)

    def refuse(self, run: Run, path: str, only: Collection[int]) -> None:
        """Take down that the user does not want these changes of the run's result, ever.

        Raises UsageError: the run has no edits for the note.
        """
        self._run_handler.refuse(run, path, only)

    def confirm(
        self,
        run: str,
        path: str,
        base_sha256: str,
        new_sha256: str,
        moved_to: str | None = None,
    ) -> int:
        """Return the id of the change, journaled, that the client made of the run's offer.

        run: its id; the daemon need not remember it. moved_to: where the note is by now, if it is
        no longer at path.

        Raises UsageError: nothing of that kind was offered, or there is no such note.
        """
        moved_to = moved_to and resolve_path(self.root, moved_to)
        change = self._client_edits.confirm(run, base_sha256, new_sha256, moved_to)
        self._run_handler.confirmed(run, path, change)
        return change

    def pause(self) -> None:
        """Stop background work at once, until resume(), also across restarts."""
        self._background_switch.pause()
        self._background.stop()
        for run in self.runs.active():
            if run.request.priority is Priority.BACKGROUND:
                self._run_handler.cancel(run)
        self._background.wait_idle(_STOP)

    def resume(self) -> None:
        """Let background work go on, and try a failing endpoint again now."""
        self._background.resume()
        self._circuit_breaker.retry_now()
        self._queue.pause_until(None)
        self._background_switch.resume()

    def answer_backlog(self, *, fill: bool, notes: int | None = None) -> None:
        """Take down whether the notes that lay there before are filled; see Consent.answer."""
        self._consent.answer(fill=fill, notes=notes)
        self._reconciler.refresh(_REFRESH)

    def report_presence(self, client: str, paths: Iterable[str]) -> list[str]:
        """Take down which notes the client has open; return those that wait for edits."""
        opened = list(paths)
        self._presence.report(client, opened)
        if self._background_switch.reason_off():
            return []
        deferred = {fold_path(path) for path in self._background.deferred()}
        return [path for path in opened if fold_path(path) in deferred]

    def requested_edits(self, paths: Sequence[str]) -> list[RequestedEdit]:
        """Return what users asked for in these notes, which a client has open, and waits there."""
        return [*self._open_notes.asked(paths), *self.history.asked(paths)]

    def _choose(self, request: RunRequest, paths: Sequence[str]) -> tuple[list[Job], list[Result]]:
        if request.text is not None:
            if len(paths) != 1 or not (self.root / paths[0]).is_file():
                raise UsageError("edits for an editor are made for one note at a time")
            if request.priority is Priority.BACKGROUND:
                return [Job(paths[0])], []
        if any(not (self.root / path).is_file() for path in paths):
            self._reconciler.refresh(_REFRESH)
        return choose_jobs(
            self._space, self._reconciler.scan(), paths, request.choice, request.text
        )

    def _require_agreement(self, jobs: Sequence[Job]) -> None:
        if not needs_agreement(self._space, jobs):
            return
        facts = model_facts(self._space.config)
        cost = tell_cost(
            self._space, Asker(self._space, self._reconciler.vault_context(), facts), jobs
        )
        raise NotAgreed(
            f"{cost} Nothing was sent, for somebody has to agree to it first: with `agreed` in the"
            " API, or by `companion enrich FOLDER --yes`."
        )

    def _open_background(self, cancelled: Event) -> Enricher:
        settle = self._space.config.background.settle_seconds
        return self._source.open(new_run(), cancelled, settle, waits=False)

    def _open_for_run(self, run: str, cancelled: Event) -> Enricher:
        return self._source.open(run, cancelled, self._settle_of)

    def _settle_of(self, path: str) -> float:
        return _OPEN_SETTLE if self._presence.is_open(path) else SETTLE

    def _after_scan(self) -> None:
        """Do what is to be done now and then."""
        self._background_switch.update()
        self._source.renew()
        self._consent.look()
        self._space.journal.prune_images(_IMAGES_KEPT)
        self._space.journal.drop_offers(_IMAGES_KEPT)


def _midnight() -> float:
    """Return the Unix time at which today began, on the local calendar."""
    return datetime.combine(date.today(), datetime.min.time()).timestamp()
