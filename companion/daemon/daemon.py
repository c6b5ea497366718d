"""The daemon of one vault: its parts put together, for the HTTP API and `companion serve`."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from math import ceil

from companion.app.filler import Filler, make_run
from companion.app.jobs import RunPlan, plan_again, plan_run
from companion.app.overview import Backlog, describe_vault
from companion.app.run import Run, log_fault
from companion.app.types.changes import RowApplied
from companion.app.types.proposals import Wish
from companion.app.types.runs import NoteResult, RunPriority, RunRequest
from companion.app.types.status import SettingsChange, SettingsShape, Status
from companion.app.vault import Vault
from companion.config.load import find_restart_settings
from companion.daemon.background import Background
from companion.daemon.feed import ALL, TABLES, Feed
from companion.daemon.notices import describe_edits, describe_result, describe_run, offer_to_stop
from companion.daemon.scans import Scans
from companion.enrich.job import Result
from companion.enrich.settings import SettingsUnusable
from companion.enrich.workspace import Workspace
from companion.errors import UsageError
from companion.llm.budget import Budget
from companion.vault.paths import spelled_path

_REPORTED = 20.0  # seconds from the start until editors have reported which notes they show
_LOOK = 1.0  # seconds between two looks at what other processes changed
_REFRESH = 10.0  # seconds that a run waits at most for a scan of the vault before it starts
_STOP = 3.5  # seconds that calls and writes in progress have to finish
_BREAK_OFF = 0.5  # seconds that calls have to end after that, once they are broken off
_KEPT = 50  # finished runs that clients can still ask about
_PRUNE = 3600.0  # seconds between two deletions of old texts
_KEEP_TEXTS = 30 * 86_400.0  # seconds that the journal keeps texts and unconfirmed client edits
_log = logging.getLogger(__name__)


class Daemon:
    """One vault's daemon. Call start() once, and stop() at the end. Safe to use from any thread.

    space: the vault, opened for writing. Its parts are for the API: vault, outbox and presence are
    what clients ask about; runs: those that were started, by id, oldest first.
    """

    def __init__(self, space: Workspace, spending: Budget) -> None:
        self.root, self.state, self.space, self.spending = space.root, space.state, space, spending
        self.started_at = time.time()
        self.runs: dict[str, Run] = {}
        self.presence = space.journal.presence
        self._starting = threading.Lock()
        self._first_config = space.config
        self._threads: list[threading.Thread] = []
        self._stopped = threading.Event()
        self._version = space.journal.version()
        self.scans = Scans(space, self._take, self._find_busy)
        scan, context = self.scans.scan, self.scans.context
        self.backlog = Backlog(space, scan, lambda: self.scans.to_do)
        self.vault = Vault(
            space, look=lambda progress: scan(_REFRESH), context=context, is_watched=True
        )
        self.outbox = self.vault.outbox
        self._filler = Filler(space, self.outbox, spending, context, self._record)
        self.background = Background(
            space, self._filler, spending, self.backlog.held, self._record_background
        )
        self.feed = Feed(self)
        space.journal.watch(self.feed.touch)

    def start(self) -> None:
        """Start to watch the vault and to work on its notes."""
        self.scans.start()
        self.background.start()
        self._start_thread(self._look_around, "look")

    def stop(self) -> None:
        """Stop: finish calls and writes in progress, if they take no longer than 3.5 seconds.

        Answers received are kept, and the next start does the rest.
        """
        self.feed.close()
        self._stopped.set()
        self.background.finish()
        for run in list(self.runs.values()):
            run.cancel()
        until = time.monotonic() + _STOP
        self.scans.stop(_STOP)
        self._join(until)
        self.background.break_off()
        for run in list(self.runs.values()):
            run.break_off()
        self._join(time.monotonic() + _BREAK_OFF)
        self._filler.close()

    def status(self) -> Status:
        """Return the current state of the daemon."""
        with suppress(SettingsUnusable):  # which the status says
            self.space.refresh()
        scans, background = self.scans, self.background
        return describe_vault(
            self.space,
            self.spending,
            self.backlog.state(),
            {"off": background.off(), "waiting": background.waiting()},
            self.active_runs(),
            running=True,
            pid=os.getpid(),
            started_at=self.started_at,
            vault_missing=scans.vault_missing,
            ready=scans.ready.is_set(),
            polls=scans.watcher.polls,
            fault=background.fault,
            retry_in=ceil(background.retry_in),
            notes=scans.number,
            to_do=len(scans.to_do),
            open_notes=len(self.presence.open_paths()),
            in_hand=list(self._filler.in_hand),
            settings_to_restart_for=find_restart_settings(self._first_config, self.space.config),
            settings_fault=self.space.source.fault,
        )

    def active_runs(self) -> list[Run]:
        """Return the runs that are not over."""
        return [run for run in list(self.runs.values()) if not run.is_over]

    def start_run(self, request: RunRequest) -> Run:
        """Start a run that fills notes, and return it; the one with the request's id, if it began.

        Raises UsageError if a path is missing or outside the vault, or it is not possible now;
        ConsentMissing if many notes would go to another machine without consent.
        """
        with self._starting:  # so the same request, sent twice, begins one run
            if run := self.runs.get(request.id or ""):
                return run
            self._require_usable()
            # each path once: for a folder, all its notes are checked
            paths = [spelled_path(self.root, path) for path in dict.fromkeys(request.paths)]
            are_notes = all((self.root / path).is_file() for path in paths)
            plan = plan_run(self.space, self.scans.scan(0 if are_notes else _REFRESH), request)
            return self._fill(plan, request.client, request.priority, request.id, request.diff)

    def ask_again(self, proposal: int, wish: Wish) -> Run:
        """Start a run that asks for a proposal once more, and return it.

        Raises as start_run does; NotThere.
        """
        self._require_usable()
        plan = plan_again(self.space, self.scans.scan(), proposal, wish)
        return self._fill(plan, wish.client, "interactive")

    def _require_usable(self) -> None:
        if self.scans.vault_missing:
            raise UsageError("the vault is not available right now; mount its drive, and try again")
        self.space.refresh()
        self.scans.follow_moves()  # else what was proposed under an old name is asked again

    def _fill(
        self,
        plan: RunPlan,
        client: str,
        priority: RunPriority,
        id_: str | None = None,
        has_diff: bool = False,
    ) -> Run:
        paths = [job.path for job in plan.jobs]
        self.background.discard(paths)
        fill = self._filler.fill
        run = make_run(plan, lambda run: fill(run, plan, priority, has_diff=has_diff), id_)
        return self.start_work(run, client, paths)

    def start_work(self, run: Run, client: str = "", paths: Collection[str] = ()) -> Run:
        """Start a run in a thread of its own, and return it.

        client: who is told of the result. paths: to look at once it is over.
        """
        over = [each.id for each in self.runs.values() if each.is_over]
        for old in over[: max(0, len(over) - _KEPT)]:
            del self.runs[old]
        self.runs[run.id] = run
        run.asked_by, run.changed = client, self.feed.wake

        def work() -> None:
            run.finish()
            self._tell(run)
            for path in paths:
                self.scans.hint(path)

        self._start_thread(work, f"run-{run.id}")
        return run

    def carry_out(self, run: Run, client: str = "") -> list[NoteResult]:
        """Carry out a run, and return its results. client: who is told of them."""
        run.asked_by = client
        results = list(run)
        self._tell(run)
        return results

    def confirm_edits(self, row: int, made: RowApplied) -> int:
        """Record that an editor made the edits of a row of the outbox; return their change.

        Raises as Outbox.confirm does.
        """
        change = self.outbox.confirm(row, made.base_sha256, made.new_sha256, made.moved_to)
        self._tell_edits(row, change, made.client)
        return change

    def _tell(self, run: Run) -> None:
        """Tell who asked for a run what it came to."""
        if notice := describe_run(run):
            self.feed.notify(notice, run.asked_by)
        if run.kind == "refuse" and run.asked_by:
            decided = (each for result in run.results for each in result.decided)
            ids = [each.id for each in decided if each.state == "refused" and not each.reason]
            for notice in offer_to_stop(self.space, self.space.journal.proposals.get_all(ids)):
                self.feed.notify(notice, run.asked_by)

    def _tell_edits(self, row_id: int, change: int, client: str | None) -> None:
        """Tell of edits that were made in an open note, unless the end of their run tells."""
        row, made = self.outbox.row(row_id), self.space.journal.change(change)
        run = self.runs.get(row.run)
        is_told = run is not None and not run.is_over and run.asked_by
        if made and not is_told:
            self.feed.notify(describe_edits(made, row.reason), client)

    def change_settings(self, change: SettingsChange) -> SettingsShape:
        """Change settings, and return them. Raises as Vault.change_settings does."""
        settings = self.vault.change_settings(change)
        self.scans.hint(None)
        self.feed.wake()
        return settings

    def pause(self) -> None:
        """Stop background work now, until resume(), even across restarts."""
        self.vault.pause()
        self.background.break_off()
        self.feed.wake()

    def resume(self) -> None:
        """Resume background work, and try a failing endpoint again now."""
        self.vault.resume()
        self.background.try_now()
        self.feed.wake()

    def _look_around(self) -> None:
        """Notice what other processes wrote, and make the edits of notes that are now closed."""
        prune_at = time.monotonic()
        can_write_at = prune_at + _REPORTED
        while not self._stopped.wait(_LOOK):
            try:
                now = time.monotonic()
                if now >= prune_at:
                    prune_at = now + _PRUNE
                    self._prune()
                if now >= can_write_at:
                    for row in self.outbox.make_closed():
                        self.scans.hint(row.path)
                        if row.change is not None:
                            self._tell_edits(row.id, row.change, None)
                version = self.space.journal.version()
                if version != self._version:
                    self._version = version
                    for table in TABLES:
                        self.feed.touch(table, ALL)
                    self.background.take(self.scans.to_do)
            except Exception as error:
                log_fault("what other processes did", error)

    def _prune(self) -> None:
        """Delete the texts of what was decided, written or withdrawn long ago."""
        journal = self.space.journal
        journal.prune_images(_KEEP_TEXTS)
        journal.proposals.purge(_KEEP_TEXTS)
        journal.outbox.drop(_KEEP_TEXTS)

    def _take(self, to_do: Collection[str], changed: Collection[str]) -> None:
        """Take what a scan found."""
        self.backlog.update(to_do)
        self.background.take(to_do, changed)
        self._filler.update_context(self.scans.scanned_context)
        self.feed.wake()

    def _find_busy(self) -> list[str]:
        return [*self._filler.in_hand, *self.presence.open_paths()]

    def _record(self, result: Result) -> None:
        """Log the result for a note, without the text of the note or of the model."""
        if result.change is not None:
            kinds = ", ".join(dict.fromkeys(filling.need.kind for filling in result.filled))
            _log.info("%s: filled %s (change %d)", result.path, kinds, result.change)
        else:
            _log.info("%s: %s; companion scan says why", result.path, result.status)
        self.scans.hint(result.path)  # no file event may say that it is not to do now

    def _record_background(self, result: Result) -> None:
        self._record(result)
        if result.change and (notice := describe_result(NoteResult.of(result))):
            self.feed.notify(notice)

    def _start_thread(self, work: Callable[[], None], name: str) -> None:
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        thread = threading.Thread(target=work, name=name, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _join(self, until: float) -> None:
        self.background.join(max(0.0, until - time.monotonic()))
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
