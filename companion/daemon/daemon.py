"""The daemon of one vault: its parts put together, for the HTTP API and `companion serve`."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack
from math import ceil

from companion.app.backlog import Backlog, BacklogConsent
from companion.app.engine.engine import Engine, log_fault
from companion.app.engine.run_progress import EngineRun
from companion.app.engine.work_queue import Priority
from companion.app.jobs import RunPlan, plan_run
from companion.app.local_notes import LocalNotes
from companion.app.outbox import Outbox
from companion.app.overview import describe_vault
from companion.app.run import DecisionRun
from companion.app.types.runs import RunOptions, RunShape
from companion.app.types.status import Fault, Status
from companion.app.vault import Vault
from companion.config.load import find_restart_settings
from companion.daemon.background import Background, BackgroundSwitch
from companion.daemon.events import Events
from companion.daemon.fingerprints import Fingerprints
from companion.daemon.log import log_result
from companion.daemon.model_fetch import ModelFetch
from companion.daemon.note_comparer import NoteComparer
from companion.daemon.reconciler import Reconciler
from companion.enrich.context.similar import SimilarNotes, open_similar
from companion.enrich.context.vault_context import VaultContext
from companion.enrich.result import Result, new_run
from companion.enrich.task import Job
from companion.enrich.vault_settings import SettingsUnusable
from companion.enrich.workspace import Workspace
from companion.errors import UsageError
from companion.llm.budget import Budget
from companion.store.proposal_store import Selection
from companion.vault.paths import fold_path, spelled_path

_REPORTED = 20.0  # seconds from the start until editors have reported which notes they show
_LOOK = 1.0  # seconds between two looks at what other processes changed
_REFRESH = 10.0  # seconds that a run waits at most for a scan of the vault before it starts
_STOP = 3.5  # seconds that calls and writes in progress have to finish
_BREAK_OFF = 0.5  # seconds that calls have to end after that, once they are broken off
_log = logging.getLogger(__name__)
_KEEP_TEXTS = 30 * 86_400.0  # seconds that the journal keeps texts and unconfirmed client edits


class Daemon:
    """One vault's daemon. Call start() once, and stop() at the end. Safe to use from any thread.

    space: the vault, opened for writing. Its parts are for the API: vault, notes, outbox,
    proposals and decider are what clients ask about; engine has the runs; model_fetch fetches
    the model that runs on this machine. The other public ones only the status reads.
    """

    def __init__(self, space: Workspace, spending: Budget) -> None:
        self.root, self.state, self.space, self.spending = space.root, space.state, space, spending
        self._following = threading.Lock()
        self.started_at = time.time()
        self.proposals = space.journal.proposals
        self.presence = space.journal.presence
        self._first_settings = self._settings = space.settings
        self.settings_fault = ""
        self._fingerprints = Fingerprints(space.root)
        self.outbox = Outbox(space, self._vault_context)
        self.decider = self.outbox.decider
        self._opened = ExitStack()
        similar = self._opened.enter_context(open_similar(space, background=True))
        self.engine = self._make_engine(similar)
        queue = self.engine.queue
        self._background = Background(queue, self._fingerprints, self.presence, space)
        self.engine.background = self._background
        self.background_switch = BackgroundSwitch(
            lambda: space.config, space.state, queue, spending.today
        )
        self.model_fetch = ModelFetch(self.background_switch.update)
        self._backlog = Backlog(space.root, space.state, space.config.background.backlog)
        hooks = self.follow_settings, self.outbox.settle, self._after_scan
        self.reconciler = Reconciler(
            space, queue, self._fingerprints, self._backlog, *hooks, self.presence.open_paths
        )
        scan = self.reconciler.scan
        self.consent = BacklogConsent(
            space,
            self._backlog,
            scan,
            waiting=lambda: self.reconciler.backlog,
            answered=lambda: self.reconciler.refresh(_REFRESH),
        )
        self._comparer = NoteComparer(similar, scan) if similar else None
        self._stopped = threading.Event()
        self._closing = threading.Thread(target=self._make_closed, name="outbox", daemon=True)
        self.notes = LocalNotes(space, lambda progress: scan(_REFRESH), scan)
        self.vault = self._make_vault()
        self.events = self._make_events()
        space.journal.watch(self.events.touch)
        self.engine.runs.tell = self._background.tell = self.events.wake

    def _make_engine(self, similar: SimilarNotes | None) -> Engine:
        return Engine(
            self.space,
            self.spending,
            self._vault_context,
            similar,
            outbox=self.outbox,
            exhaust=lambda limit: self.background_switch.hold_for_the_day(limit),
            record=self._record,
        )

    def _make_vault(self) -> Vault:
        return Vault(
            self.space,
            notes=self.notes,
            context=self._vault_context,
            status=self.status,
            backlog=lambda: self.consent,
            is_watched=True,
        )

    def _make_events(self) -> Events:
        return Events(
            self.status,
            lambda: list(map(RunShape.model_validate, self.engine.runs.all())),
            lambda: self.proposals.count(Selection(states=("open",))),
        )

    def _vault_context(self) -> VaultContext:
        return self.reconciler.vault_context()

    def follow_settings(self) -> bool:
        """Pass changed settings to the parts that keep some; return whether the files are intact.

        All others check them by themselves.
        """
        with self._following:
            try:
                settings = self.space.refresh()
            except SettingsUnusable as error:
                if self.settings_fault != str(error):
                    _log.warning("nothing is asked or written: %s", error)
                    self.engine.runs.set_waits(str(error))
                self.settings_fault = str(error)
                return False
            if self.settings_fault:
                self.settings_fault = ""
                if not self.engine.circuit_breaker.fault:
                    self.engine.runs.set_waits("")
            if settings is not (before := self._settings):
                self._settings = settings
                _log.info("the settings were changed")
                self.engine.follow_settings()
                self._backlog.apply(settings.config.background.backlog)
                self.background_switch.update()
                if settings.config.limits != before.config.limits or (
                    settings.config.background != before.config.background
                ):
                    self.background_switch.forget_limits()
            return True

    def start(self) -> None:
        """Start to watch the vault and to work on its notes."""
        self.background_switch.update()
        self.reconciler.start()
        self.engine.start()
        self._closing.start()
        self.events.start()
        if self._comparer:
            self._comparer.start()

    def stop(self) -> None:
        """Stop: finish calls and writes in progress, if they take no longer than 3.5 seconds.

        Answers received are kept, and the next start does the rest.
        """
        self.events.stop()
        self.engine.finish()
        self.model_fetch.stop()
        self._stopped.set()
        self._closing.join(_STOP)
        until = time.monotonic() + _STOP
        self.reconciler.stop(_STOP)
        self.engine.join(max(0.0, until - time.monotonic()))
        self.engine.break_off()
        self.engine.join(_BREAK_OFF)
        self.engine.handler.close()
        if self._comparer:
            self._comparer.stop()
        self._opened.close()

    def status(self) -> Status:
        """Return the current state of the daemon."""
        self.follow_settings()
        stored = describe_vault(self.space, self.spending, self.consent.state())
        engine, reconciler, switch = self.engine, self.reconciler, self.background_switch
        waiting, fault = engine.queue.counts(), engine.circuit_breaker.fault
        restart = find_restart_settings(self._first_settings.config, self.space.config)
        background = {"off": switch.reason_off(), "waiting": waiting[Priority.BACKGROUND]}
        live = {
            "running": True,
            "pid": os.getpid(),
            "started_at": self.started_at,
            "vault_missing": reconciler.vault_missing,
            "ready": reconciler.ready.is_set(),
            "paused": switch.is_paused,
            "polls": reconciler.polls,
            "fault": Fault.model_validate(fault) if fault else None,
            "retry_in": max(0, ceil(fault.next_try - time.monotonic())) if fault else 0,
            "rate_limit": engine.limiter.waits if engine.limiter else "",
            "background": stored.background.model_copy(update=background),
            **reconciler.counts._asdict(),
            "open_notes": len(self.presence.open_paths()),
            "in_hand": [ticket.path for ticket in engine.queue.in_progress()],
            "waiting": {priority.name.lower(): number for priority, number in waiting.items()},
            "runs": [run.id for run in engine.runs.active()],
            "settings_changed": bool(restart),
            "settings_to_restart_for": tuple(restart),
            "settings_fault": self.settings_fault,
            "fetch": self.model_fetch.progress,
        }
        return Status.model_validate(vars(stored) | live)

    def start_run(self, options: RunOptions) -> EngineRun:
        """Queue a new run, and return it.

        Raises UsageError if a path is missing or outside the vault, or it is not possible now;
        ConsentMissing if many notes would go to another machine without consent.
        """
        if self.reconciler.vault_missing:
            raise UsageError("the vault is not available right now; mount its drive, and try again")
        if not self.follow_settings():
            raise SettingsUnusable(self.settings_fault)
        self.reconciler.follow_moves()  # else what was proposed under an old name is asked again
        is_background = options.priority == "background"
        if is_background and (off := self.background_switch.reason_off()):
            raise UsageError(f"no background work is done: {off}")
        # each path once: for a folder, all its notes are checked
        paths = [spelled_path(self.root, path) for path in dict.fromkeys(options.paths)]
        are_notes = all((self.root / path).is_file() for path in paths)
        if is_background and are_notes and len(paths) == 1:
            plan = RunPlan([Job(paths[0], background=True)], [], Counter())
        else:
            scan = self.reconciler.scan(0 if are_notes or options.mode == "again" else _REFRESH)
            plan = plan_run(self.space, scan, options.model_copy(update={"paths": paths}))
        if len(plan.jobs) == 1:
            self._background.withdraw(plan.jobs[0].path)
        run = EngineRun.of(new_run(), options, plan)
        self.engine.start_run(run, plan.jobs)
        if not is_background:  # now that its notes are queued
            self.engine.try_again()
        return run

    def start_decisions(self, decisions: DecisionRun) -> EngineRun:
        """Begin a run that asks no model, and return it."""
        run = EngineRun(
            decisions.id,
            RunOptions(paths=[""]),
            decisions.total,
            kind=decisions.kind,
            cancelled=decisions.cancelled,
        )
        self.engine.start_decisions(run, decisions)
        return run

    def pause(self) -> None:
        """Stop background work now, until resume(), even across restarts."""
        self.background_switch.pause()
        self._background.stop()
        active = self.engine.runs.active()
        in_editors = [run for run in active if run.options.priority == "background"]
        for run in in_editors:
            self.engine.cancel(run, break_off=True)
        until = time.monotonic() + _STOP
        for run in (self._background, *in_editors):
            run.wait_idle(max(0.0, until - time.monotonic()))
        self.events.wake()

    def resume(self) -> None:
        """Resume background work, and try a failing endpoint again now."""
        self._background.resume()
        self.engine.try_again()
        self.background_switch.resume()
        self.events.wake()

    def report_presence(self, client: str, paths: Iterable[str]) -> list[str]:
        """Record which notes the client has open; return those that wait for edits there."""
        opened = list(paths)
        self.presence.report(client, opened)
        if self.background_switch.reason_off():
            return []
        deferred = {fold_path(path) for path in self._background.deferred()}
        return [path for path in opened if fold_path(path) in deferred]

    def _make_closed(self) -> None:
        """Make the edits that wait for notes once these are closed, until the daemon stops."""
        self._stopped.wait(_REPORTED)
        while not self._stopped.wait(_LOOK):
            try:
                for path in self.outbox.make_closed():
                    self.reconciler.look_at(path)
                if self.background_switch.update():
                    self.events.wake()
            except Exception as error:
                log_fault("notes that were open", error)

    def _record(self, result: Result) -> None:
        log_result(result)
        self._fingerprints.record_result(result)
        in_editor = result.change is not None and not result.new
        if in_editor or (result.change is None and result.status in ("proposed", "unchanged")):
            self.reconciler.look_at(result.path)  # no file event says that it is not to do now

    def _after_scan(self) -> None:
        """Do the periodic work that follows each scan of the whole vault."""
        self.background_switch.update()
        self.engine.handler.update_context(self.reconciler.scanned_context)
        if self._comparer:
            self._comparer.wake()
        self.consent.update_cost()
        self.space.journal.prune_images(_KEEP_TEXTS)
        self.proposals.purge(_KEEP_TEXTS)
        self.space.journal.outbox.drop(_KEEP_TEXTS)
