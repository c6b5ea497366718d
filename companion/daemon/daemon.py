"""The daemon of one vault: its parts put together, for the HTTP API and `companion serve`."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from functools import partial

from companion.app.backlog import Backlog, BacklogConsent
from companion.app.editor_edits import ClientEdits
from companion.app.jobs import RunPlan, plan_run
from companion.app.local_notes import LocalNotes, Progress
from companion.app.local_vault import LocalVault
from companion.app.outbox import Outbox
from companion.app.types.runs import RunOptions, RunShape
from companion.app.types.status import Status
from companion.config.load import find_restart_settings
from companion.daemon.background import BackgroundHandler, BackgroundSwitch, DailyQuota
from companion.daemon.circuit_breaker import CircuitBreaker
from companion.daemon.client_runs import Run, Runs
from companion.daemon.enricher_source import EnricherSource
from companion.daemon.events import Events
from companion.daemon.fingerprints import Fingerprints
from companion.daemon.model_fetch import ModelFetch
from companion.daemon.note_comparer import NoteComparer
from companion.daemon.presence import Presence
from companion.daemon.reconciler import Reconciler
from companion.daemon.run_handler import RunHandler
from companion.daemon.status import find_daemon_status
from companion.daemon.work_queue import WorkQueue
from companion.daemon.workers import WorkerPool
from companion.enrich.model import find_limiter
from companion.enrich.run import new_run
from companion.enrich.similar import open_similar
from companion.enrich.task import Job
from companion.enrich.vault_settings import SettingsUnusable
from companion.enrich.workspace import Workspace
from companion.errors import UsageError, VaultLocked
from companion.llm.budget import Budget
from companion.store.proposal import Acceptance
from companion.store.proposals import Selection
from companion.vault.index import Scan
from companion.vault.paths import fold_path, spelled_path

_REFRESH = 10.0  # seconds that a run waits at most for a scan of the vault before it starts
_STOP = 3.5  # seconds that calls and writes in progress have to finish
_BREAK_OFF = 0.5  # seconds that calls have to end after that, once they are broken off
_log = logging.getLogger(__name__)
_KEEP_TEXTS = 30 * 86_400.0  # seconds that the journal keeps texts and unconfirmed client edits


class Daemon:
    """One vault's daemon. Call start() once, and stop() at the end. Safe to use from any thread.

    space: the vault, opened for writing. Its parts are for the API: vault, runs, notes, outbox,
    proposals and decisions are what clients ask about; vault_of_editor writes
    notes that are open, too, for an editor that has saved them; run_handler makes a run's edits;
    model_fetch fetches the model that runs on this machine. The other public ones only the status
    reads.
    """

    def __init__(self, space: Workspace, spending: Budget) -> None:
        self.root, self.state = space.root, space.state
        self._following = threading.Lock()
        self.space, self.spending = space, spending
        self.started_at = time.time()
        self.released = threading.Event()  # another process is to have the vault
        self.runs = Runs(new_run)
        self.proposals = space.journal.proposals
        self.queue = WorkQueue()
        self.presence = Presence()
        self.circuit_breaker = CircuitBreaker()
        self._first_settings = self._settings = space.settings
        self.settings_fault = ""
        self._set_limiter()
        self.background_switch = BackgroundSwitch(lambda: space.config, space.state, self.queue)
        self.model_fetch = ModelFetch(self.background_switch.update)
        self._fingerprints = Fingerprints(space.root)
        self.outbox = Outbox(
            space,
            lambda: self.reconciler.vault_context(),
            self.presence.is_open,
            self._fingerprints.record_write,
        )
        self._opened = ExitStack()
        self._backlog = Backlog(space.root, space.state, space.config.background.backlog)
        hooks = self.follow_settings, self.outbox.edits.settle, self._after_scan
        self.reconciler = Reconciler(space, self.queue, self._fingerprints, self._backlog, *hooks)
        context = self.reconciler.vault_context
        scan = self.reconciler.scan
        self.consent = BacklogConsent(
            space,
            self._backlog,
            scan,
            waiting=lambda: self.reconciler.backlog,
            answered=lambda: self.reconciler.refresh(_REFRESH),
        )
        self.notes = LocalNotes(space, self._look_again, self.reconciler.scan)
        similar = self._opened.enter_context(open_similar(space, background=True))
        self._comparer = NoteComparer(similar, self.reconciler.scan) if similar else None
        self._source = EnricherSource(space, self.spending, context, self.presence, similar)
        self._set_up_work()

    def _set_up_work(self) -> None:
        """Make what works on notes: in the background, for runs, and for decisions."""
        space, queue, fingerprints = self.space, self.queue, self._fingerprints
        quota = DailyQuota(self.spending, self.background_switch.hold_until_tomorrow)
        source = self._source

        def settle() -> float:
            return space.config.background.settle_seconds

        self._background = BackgroundHandler(
            queue, fingerprints, self.presence, quota, settle, source.open_for_background
        )
        kept = self.outbox, self.proposals
        self.run_handler = RunHandler(
            queue, fingerprints, *kept, self.runs, quota, source.open_for_run
        )
        context, undo = self.reconciler.vault_context, self.outbox.undo
        self.decisions = self.outbox.decisions
        opened = partial(
            LocalVault,
            space,
            notes=self.notes,
            decisions=self.decisions,
            context=context,
            status=self.status,
            backlog=lambda: self.consent,
            is_watched=True,
        )
        self.vault = opened(take_back=undo)
        self.vault_of_editor = opened(take_back=partial(undo, even_open=True))
        self.events = Events(
            self.status,
            lambda: list(map(RunShape.model_validate, self.runs.all())),
            lambda: self.proposals.count(Selection(states=("open",))),
        )
        space.journal.watch(self.events.touch)
        self._workers = WorkerPool(
            queue,
            self._background,
            self.run_handler,
            self.circuit_breaker,
            self.runs,
            space.config.concurrency,
            has_spare=not space.config.is_embedded,  # which has no room for one more call
        )

    def follow_settings(self) -> bool:
        """Have the parts that keep something of the settings follow them; whether these are whole.

        All others look at them by themselves.
        """
        with self._following:
            try:
                settings = self.space.refresh()
            except SettingsUnusable as error:
                if self.settings_fault != str(error):
                    _log.warning("nothing is asked or written: %s", error)
                    self.runs.set_waits(str(error))
                self.settings_fault = str(error)
                return False
            if self.settings_fault:
                self.settings_fault = ""
                if not self.circuit_breaker.fault:
                    self.runs.set_waits("")
            if settings is not (before := self._settings):
                self._settings = settings
                _log.info("the settings were changed")
                self._set_limiter()
                self._backlog.apply(settings.config.background.backlog)
                self.background_switch.update()
                if settings.config.limits != before.config.limits or (
                    settings.config.background != before.config.background
                ):
                    self.background_switch.forget_limits()
            return True

    def find_settings_to_restart_for(self) -> list[str]:
        """Return the settings that were changed and are only followed by the next start."""
        return find_restart_settings(self._first_settings.config, self.space.config)

    def _set_limiter(self) -> None:
        """Take the limits a minute of the endpoint that is configured now, if it has any."""
        self.limiter = find_limiter(self.space.config, self.spending)
        if self.limiter:
            self.limiter.tell = self._set_waits

    def start(self) -> None:
        """Start to watch the vault and to work on its notes."""
        self.background_switch.update()
        self.reconciler.start()
        self._workers.start()
        self.outbox.start()
        self.events.start()
        if self._comparer:
            self._comparer.start()

    def stop(self) -> None:
        """Stop: finish calls and writes in progress, if they take no longer than 3.5 seconds.

        What is answered is kept, and the next start does the rest.
        """
        self.events.stop()
        self.queue.close()
        self.model_fetch.stop()
        self.outbox.stop()
        self._background.finish()
        self.run_handler.finish()
        until = time.monotonic() + _STOP
        self.reconciler.stop(_STOP)
        self._workers.join(max(0.0, until - time.monotonic()))
        self._background.stop()
        self.run_handler.stop()
        self._workers.join(_BREAK_OFF)
        self._source.close()
        if self._comparer:
            self._comparer.stop()
        self._opened.close()

    def status(self) -> Status:
        """Return the current state of the daemon."""
        self.follow_settings()
        return find_daemon_status(self)

    def start_run(self, options: RunOptions) -> Run:
        """Queue a new run, and return it.

        Raises UsageError if a path is missing or outside the vault, or it is not
        possible now; ConsentMissing if many notes would go to another machine without consent.
        """
        if self.reconciler.vault_missing:
            raise UsageError("the vault is not there just now; mount its drive, and try again")
        self.space.refresh()
        self.follow_settings()
        if options.priority == "background" and (off := self.background_switch.reason_off()):
            raise UsageError(f"no background work is done: {off}")
        # each path once: for a folder, all its notes are checked
        paths = [spelled_path(self.root, path) for path in dict.fromkeys(options.paths)]
        plan = self._plan(options, paths)
        if options.text is not None:
            self._background.withdraw(paths[0])
        run = self.run_handler.start(options, plan)
        if options.priority != "background":  # now that its notes are queued
            self.circuit_breaker.retry_now()
            self.queue.pause_until(None)
        return run

    def _look_again(self, progress: Progress | None) -> Scan:
        """Return a scan of the vault as it is now; the last one where that takes too long."""
        self.reconciler.refresh(_REFRESH)
        return self.reconciler.scan()

    def _plan(self, options: RunOptions, paths: Sequence[str]) -> RunPlan:
        if options.text is not None:
            if len(paths) != 1 or not (self.root / paths[0]).is_file():
                raise UsageError("edits for an editor are made for one note at a time")
            if options.priority == "background":
                return RunPlan([Job(paths[0], background=True)], [], [], Counter())
        if options.mode != "again" and not all((self.root / path).is_file() for path in paths):
            self.reconciler.refresh(_REFRESH)
        return plan_run(self.space, self.reconciler.scan(), options, paths)

    def confirm(
        self, run: str, path: str, base_sha256: str, new_sha256: str, moved_to: str | None = None
    ) -> int:
        """Record in the journal that the client made the run's edits; return the change's id.

        run: its id, also of a run that the daemon has forgotten. moved_to: the note's present
        path, if it is no longer at path.

        Raises UsageError if there were no such edits, or there is no such note.
        """
        moved_to = moved_to and spelled_path(self.root, moved_to)
        return self.outbox.edits.confirm(run, base_sha256, new_sha256, moved_to)

    def edits_of_proposal(self, wish: Acceptance, text: str) -> tuple[str, ClientEdits]:
        """Return the edits that accept a proposal in the text that an editor shows, and their run.

        It is accepted once the client confirms the edits, as those of that run.

        Raises NoteError.
        """
        run = new_run()
        planned, change = self.decisions.plan_edits_for([wish], text, run)
        result = planned.result
        return run, self.outbox.edits.offer(run, change, result.old, result.new)

    def pause(self) -> None:
        """Stop background work now, until resume(), also across restarts."""
        self.background_switch.pause()
        self._background.stop()
        for run in self.runs.active():
            if run.options.priority == "background":
                self.run_handler.cancel(run, break_off=True)
        self._background.wait_idle(_STOP)

    def resume(self) -> None:
        """Resume background work, and try a failing endpoint again now."""
        self._background.resume()
        self.circuit_breaker.retry_now()
        self.queue.pause_until(None)
        self.background_switch.resume()

    def release(self) -> None:
        """Let another process have the vault: the daemon stops, and starts again after it.

        Raises VaultLocked while a run is at work.
        """
        if runs := self.runs.active():
            raise VaultLocked(
                f"the daemon works on run {runs[0].id}; wait until it is done, or cancel it"
            )
        self.released.set()

    def report_presence(self, client: str, paths: Iterable[str]) -> list[str]:
        """Record which notes the client has open; return those that wait for edits there."""
        opened = list(paths)
        self.presence.report(client, opened)
        self.outbox.wake()
        if self.background_switch.reason_off():
            return []
        deferred = {fold_path(path) for path in self._background.deferred()}
        return [path for path in opened if fold_path(path) in deferred]

    def _set_waits(self, why: str) -> None:
        """Set why runs wait for a limit a minute, unless they wait for the endpoint itself."""
        if not self.circuit_breaker.fault:
            self.runs.set_waits(why)

    def _after_scan(self) -> None:
        """Do the periodic work that follows each scan of the whole vault."""
        self.background_switch.update()
        self._source.update_context()
        if self._comparer:
            self._comparer.wake()
        self.consent.update_cost()
        self.space.journal.prune_images(_KEEP_TEXTS)
        self.proposals.purge(_KEEP_TEXTS)
        self.space.journal.outbox.drop(_KEEP_TEXTS)
