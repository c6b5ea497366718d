"""The daemon of one vault: its parts put together, for the HTTP API and `companion serve`."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Collection, Iterable, Sequence
from contextlib import ExitStack
from datetime import date, datetime
from math import ceil

from companion import __version__
from companion.daemon.api.schemas import iso_time
from companion.daemon.api.status_schemas import (
    BackgroundShape,
    FaultShape,
    StatusShape,
    TodayShape,
)
from companion.daemon.background import BackgroundHandler
from companion.daemon.background_switch import BackgroundSwitch, DailyQuota
from companion.daemon.backlog import Backlog
from companion.daemon.backlog_consent import BacklogConsent
from companion.daemon.circuit_breaker import CircuitBreaker
from companion.daemon.client_edits import ClientEditJournal, ClientEdits
from companion.daemon.client_runs import Run, RunRequest, Runs
from companion.daemon.enricher_source import EnricherSource
from companion.daemon.fingerprints import Fingerprints
from companion.daemon.history import History
from companion.daemon.model_fetch import ModelFetch
from companion.daemon.note_comparer import NoteComparer
from companion.daemon.open_notes import OpenNotes, RequestedEdit
from companion.daemon.presence import Presence, fold_path
from companion.daemon.queries import NoteQueries, resolve_path
from companion.daemon.reconciler import Reconciler
from companion.daemon.run_handler import RunHandler
from companion.daemon.waiting_acceptances import WaitingAcceptances
from companion.daemon.work_queue import Priority, WorkQueue
from companion.daemon.workers import WorkerPool
from companion.enrich.agent import Agent
from companion.enrich.asker import Asker
from companion.enrich.cost import describe_cost, needs_agreement
from companion.enrich.decision import Acceptance
from companion.enrich.decisions import Decisions
from companion.enrich.given_value import GivenValue, RejectedValue
from companion.enrich.model import model_facts
from companion.enrich.note_writer import NoteWriter
from companion.enrich.program_proposals import propose_for_script
from companion.enrich.result import Answered, Result
from companion.enrich.run import new_run
from companion.enrich.selection import JobOptions, choose_jobs, limit_jobs
from companion.enrich.similar import open_similar
from companion.enrich.task import Job
from companion.enrich.workspace import Workspace
from companion.errors import ConsentMissing, UsageError
from companion.llm.budget import Budget
from companion.llm.budget_store import Amount
from companion.llm.catalog import model_path
from companion.vault.proposal import Proposal

_REPORTED = 20.0  # seconds from the start until editors have reported which notes they show
_REFRESH = 10.0  # seconds that a run waits at most for a scan of the vault before it starts
_STOP = 3.5  # seconds that writes in progress have to finish
_KEEP_TEXTS = 30 * 86_400.0  # seconds that the journal keeps texts and unconfirmed client edits


class Daemon:
    """One vault's daemon. Call start() once, and stop() at the end. Safe to use from any thread.

    space: the vault, opened for writing. runs, notes, history: what clients may query.
    model_fetch: fetches the model that runs on this machine.
    """

    def __init__(self, space: Workspace, spending: Budget) -> None:
        self.root, self.state = space.root, space.state
        self.started_at = time.time()
        self.runs = Runs(new_run)
        self._space = space
        self._spending = spending
        queue = self._queue = WorkQueue[Job]()
        fingerprints = self._fingerprints = Fingerprints(space.root)
        self._presence = Presence()
        self._circuit_breaker = CircuitBreaker()
        self._background_switch = BackgroundSwitch(space.config, space.state, queue)
        self.model_fetch = ModelFetch(self._background_switch.update)
        self._client_edits = ClientEditJournal(space.root, space.journal)
        backlog = Backlog(space.root, space.state, space.config.background.backlog)
        self._reconciler = Reconciler(
            space, queue, fingerprints, backlog, self._client_edits.settle, self._after_scan
        )
        context = self._reconciler.vault_context
        self._consent = BacklogConsent(space, backlog, context, lambda: self._reconciler.backlog)
        self.notes = NoteQueries(space, self._reconciler.scan)
        self.history = History(space, self._client_edits, fingerprints, self._presence)
        self._opened = ExitStack()
        similar = self._opened.enter_context(open_similar(space, background=True))
        self._comparer = NoteComparer(similar, self._reconciler.scan) if similar else None
        self._source = EnricherSource(space, spending, context, self._presence, similar)
        quota = DailyQuota(spending, self._background_switch.hold_until_tomorrow)
        self._background = BackgroundHandler(
            queue,
            fingerprints,
            self._presence,
            quota,
            space.config.background.settle_seconds,
            self._source.open_for_background,
        )
        self._open_notes = OpenNotes(queue, fingerprints, self._presence)
        self._run_handler = RunHandler(
            queue,
            fingerprints,
            self._client_edits,
            self._open_notes,
            self.runs,
            quota,
            self._source.open_for_run,
        )
        handlers = self._background, self._run_handler
        self.proposals = space.journal.proposals
        self._acceptances = WaitingAcceptances(self.proposals, self._run_handler, self._open_notes)
        self.decisions = Decisions(
            space,
            context,
            write=self._write_accepted,
            take_back=self.history.undo,
            withdraw=self._acceptances.withdraw,
        )
        self._resume = threading.Timer(_REPORTED, self._acceptances.resume, [self.decisions])
        self._resume.daemon = True
        self._workers = WorkerPool(
            queue, *handlers, self._circuit_breaker, self.runs, space.config.concurrency
        )

    def start(self) -> None:
        """Start to watch the vault and to work on its notes."""
        self._background_switch.update()
        self._reconciler.start()
        self._workers.start()
        self._resume.start()
        if self._comparer:
            self._comparer.start()

    def stop(self) -> None:
        """Stop: finish writes in progress, and cancel calls. The next start does the rest."""
        self._resume.cancel()
        self._queue.close()
        self.model_fetch.stop()
        self.history.stop()
        self._background.stop()
        for run in self.runs.active():
            self._run_handler.cancel(run)
        until = time.monotonic() + _STOP
        self._reconciler.stop(_STOP)
        self._workers.join(max(0.0, until - time.monotonic()))
        self._source.close()
        if self._comparer:
            self._comparer.stop()
        self._opened.close()

    def status(self) -> StatusShape:
        """Return the current state of the daemon."""
        config, reconciler = self._space.config, self._reconciler
        fault, waiting = self._circuit_breaker.fault, self._queue.counts()
        address = "" if config.is_embedded else config.remote_endpoint().address
        return StatusShape(
            version=__version__,
            pid=os.getpid(),
            started_at=iso_time(self.started_at),
            vault=self.root.name,
            vault_missing=reconciler.vault_missing,
            ready=reconciler.ready.is_set(),
            paused=self._background_switch.is_paused,
            polls=reconciler.polls,
            endpoint=address,
            model=config.endpoint.model,
            is_embedded=config.is_embedded,
            is_remote=config.is_remote,
            fault=FaultShape.of(fault) if fault else None,
            retry_in=max(0, ceil(fault.next_try - time.monotonic())) if fault else 0,
            background=BackgroundShape(
                off=self._background_switch.reason_off(),
                waiting=waiting[Priority.BACKGROUND],
                notes_today=self._spending.spent_today().background_notes,
                notes_a_day=config.background.notes_a_day,
                backlog=self._consent.state(),
            ),
            today=self._count_today(),
            notes=reconciler.counts.notes,
            to_do=reconciler.counts.to_do,
            skipped=reconciler.counts.skipped,
            open_notes=len(self._presence.open_paths()),
            in_hand=[ticket.path for ticket in self._queue.in_progress()],
            waiting={priority.name.lower(): number for priority, number in waiting.items()},
            runs=[run.id for run in self.runs.active()],
            newest_change=self._space.journal.newest(),
        )

    @property
    def model(self) -> str:
        """The name of the configured model."""
        return self._space.config.endpoint.model

    def is_model_missing(self) -> bool:
        """Return whether the model runs on this machine, and its file is not there."""
        return self._space.config.is_embedded and model_path(self.model) is None

    def spending_by_day(self, days: int) -> dict[str, Amount]:
        """Return what was spent for all vaults on the last days with calls, newest first."""
        return self._spending.spent_by_day(days)

    def describe_rest(self) -> str:
        """Return in words what it would take to fill all that needs something now."""
        jobs, _ = choose_jobs(self._space, self._reconciler.scan(), [""], JobOptions(), None)
        if not jobs:
            return "Nothing needs anything, so it would cost nothing."
        facts = model_facts(self._space.config)
        asker = Asker(self._space, self._reconciler.vault_context(), facts)
        return describe_cost(self._space, asker, jobs)

    def start_run(self, request: RunRequest) -> Run:
        """Queue a new run, and return it.

        Raises UsageError if a path is missing or outside the vault, or the request is not
        possible now; ConsentMissing if many notes would go to another machine without consent.
        """
        if self._reconciler.vault_missing:
            raise UsageError("the vault is not there just now; mount its drive, and try again")
        if request.priority is Priority.BACKGROUND and (
            off := self._background_switch.reason_off()
        ):
            raise UsageError(f"no background work is done: {off}")
        # each path once: for a folder, all its notes are checked
        paths = [resolve_path(self.root, path) for path in dict.fromkeys(request.paths)]
        jobs, skipped = self._choose(request, paths)
        jobs = limit_jobs(self._space, jobs, request.limit)
        if not request.agreed:
            self._require_agreement(jobs)
        if request.text is not None:
            self._background.withdraw(paths[0])
        run = self._run_handler.start(request, jobs, skipped)
        if request.priority is not Priority.BACKGROUND:  # now that its notes are queued
            self._circuit_breaker.retry_now()
            self._queue.pause_until(None)
        return run

    def cancel_run(self, run: Run) -> None:
        """Cancel the run. A write in progress is finished; no further note is begun."""
        self._run_handler.cancel(run)

    def edits_for_text(
        self, run: Run, path: str, text: str, only: Collection[int] | None = None
    ) -> ClientEdits:
        """Return the run's edits for the text that the editor shows now; no model is asked.

        only: the numbers of the wanted changes in the run's result, counted from 0; None: all.

        Raises NoteError if they no longer fit the text, and UsageError if the run has no edits.
        """
        return self._run_handler.edits_for_text(run, path, text, only)

    def refuse(self, run: Run, path: str, only: Collection[int]) -> None:
        """Record that the user never wants these changes of the run's result.

        Raises UsageError if the run has no edits for the note.
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
        """Record in the journal that the client made the run's edits; return the change's id.

        run: its id, also of a run that the daemon has forgotten. moved_to: the note's present
        path, if it is no longer at path.

        Raises UsageError if there were no such edits, or there is no such note.
        """
        moved_to = moved_to and resolve_path(self.root, moved_to)
        change = self._client_edits.confirm(run, base_sha256, new_sha256, moved_to)
        self._run_handler.confirm(run, path, change)
        return change

    def forget(self, paths: Sequence[str]) -> int:
        """Delete what is kept of the text of notes and folders; see Journal.forget."""
        return self._space.journal.forget(paths)

    def edits_of_proposal(self, wish: Acceptance, text: str) -> tuple[str, ClientEdits]:
        """Return the edits that accept a proposal in the text that an editor shows, and their run.

        It is accepted once the client confirms the edits, as those of that run.

        Raises NoteError.
        """
        run = new_run()
        planned, change = self.decisions.plan_edits_for(wish, text, run)
        result = planned.result
        return run, self._client_edits.prepare(run, change, result.old, result.new)

    def propose(self, path: str, given: GivenValue, script: str) -> Proposal | RejectedValue:
        """Propose a value of a script's for the note at path.

        Raises UsageError, NoteError.
        """
        path = resolve_path(self.root, path)
        return propose_for_script(
            self._space, self._reconciler.vault_context(), path, given, script
        )

    def agent(self, name: str) -> Agent:
        """Return what the agent of that name may do."""
        return Agent(self._space, self._reconciler.vault_context(), name, self.decisions)

    def pause(self) -> None:
        """Stop background work now, until resume(), also across restarts."""
        self._background_switch.pause()
        self._background.stop()
        for run in self.runs.active():
            if run.request.priority is Priority.BACKGROUND:
                self._run_handler.cancel(run)
        self._background.wait_idle(_STOP)

    def resume(self) -> None:
        """Resume background work, and try a failing endpoint again now."""
        self._background.resume()
        self._circuit_breaker.retry_now()
        self._queue.pause_until(None)
        self._background_switch.resume()

    def answer_backlog(self, *, fill: bool, notes: int | None = None) -> None:
        """Save whether the notes of the backlog are filled; see BacklogConsent.answer."""
        self._consent.answer(fill=fill, notes=notes)
        self._reconciler.refresh(_REFRESH)

    def report_presence(self, client: str, paths: Iterable[str]) -> list[str]:
        """Record which notes the client has open; return those that wait for edits there."""
        opened = list(paths)
        self._presence.report(client, opened)
        if self._background_switch.reason_off():
            return []
        deferred = {fold_path(path) for path in self._background.deferred()}
        return [path for path in opened if fold_path(path) in deferred]

    def requested_edits(self, paths: Sequence[str]) -> list[RequestedEdit]:
        """Return the edits that are to be made by the client that has these notes open."""
        return [*self._open_notes.asked(paths), *self.history.asked(paths)]

    def _write_accepted(self, writer: NoteWriter, answered: Answered) -> Result:
        """Write what was accepted; into an open note by way of its editor, which takes its time."""
        path = answered.job.path
        if self._presence.is_open(path):
            return self._acceptances.add(writer, answered)
        result = writer.write(answered)
        if result.change is not None:
            self._fingerprints.record_write(path, result.new)
        return result

    def _count_today(self) -> TodayShape:
        midnight = datetime.combine(date.today(), datetime.min.time()).timestamp()  # local time
        spent = self._spending.spent_today()
        return TodayShape(
            notes=self._space.journal.count_notes(midnight),
            input_tokens=spent.input_tokens,
            output_tokens=spent.output_tokens,
            dollars=spent.dollars,
            tokens_a_day=self._spending.tokens_a_day,
            dollars_a_day=self._spending.dollars_a_day,
        )

    def _choose(self, request: RunRequest, paths: Sequence[str]) -> tuple[list[Job], list[Result]]:
        if request.text is not None:
            if len(paths) != 1 or not (self.root / paths[0]).is_file():
                raise UsageError("edits for an editor are made for one note at a time")
            if request.priority is Priority.BACKGROUND:
                return [Job(paths[0], background=True)], []
        if any(not (self.root / path).is_file() for path in paths):
            self._reconciler.refresh(_REFRESH)
        return choose_jobs(
            self._space, self._reconciler.scan(), paths, request.choice, request.text
        )

    def _require_agreement(self, jobs: Sequence[Job]) -> None:
        if not needs_agreement(self._space, jobs):
            return
        facts = model_facts(self._space.config)
        cost = describe_cost(
            self._space, Asker(self._space, self._reconciler.vault_context(), facts), jobs
        )
        raise ConsentMissing(
            f"{cost} Nothing was sent, for somebody has to agree to it first: with `agreed` in the"
            " API, or by `companion enrich FOLDER --yes`."
        )

    def _after_scan(self) -> None:
        """Do the periodic work that follows each scan of the whole vault."""
        self._background_switch.update()
        self._source.update_context()
        if self._comparer:
            self._comparer.wake()
        self._consent.update_cost()
        self._space.journal.prune_images(_KEEP_TEXTS)
        self.proposals.purge(_KEEP_TEXTS)
        self._space.journal.drop_offers(_KEEP_TEXTS)
