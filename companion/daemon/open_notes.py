"""Answers of runs for notes that are open in an editor, whose plugin makes the edits there.

Only the plugin sees what was typed and is not saved yet. If no plugin makes the edits in time, the
answer is written once the note is closed.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Literal, NamedTuple

from companion.daemon.fingerprints import Fingerprints, put_latest
from companion.daemon.log import log_result
from companion.daemon.work_queue import Priority, Ticket, WorkQueue
from companion.enrich.note_writer import Answered, NoteWriter
from companion.enrich.run import Result
from companion.errors import NoteBusy, NoteChanged, NoteError, NoteUnwritable
from companion.llm.endpoint_errors import Cancelled
from companion.vault.paths import fold_path

LATER = "later"  # the owner of tickets for notes whose run went on without them; no run's id
PATIENCE = 30.0  # seconds that an editor has to make the edits
OPEN_LOOK = 1.0  # seconds between two checks whether a note is still open
REPORT_LASTS = 30  # seconds that a client's report of its open notes is valid
NOT_TAKEN = (
    f"open in Obsidian, where nobody took the edits within {PATIENCE:.0f} s; they are made there "
    "when you pause, or here once it is closed"
)
IN_EDITOR = "open in Obsidian; it is accepted there when you pause, or here once the note is closed"

_MAX_LATER = 1_000  # answers that are written once their note is closed
_MAX_CLIENTS = 32  # of more, the one that has not reported for longest is forgotten
_MAX_PATHS = 1000  # of one client; the rest of its report is ignored
_log = logging.getLogger(__name__)


class Presence:
    """The notes that clients have open, as each reports them regularly."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._reports: dict[str, _OpenPaths] = {}  # by client, the latest last

    def report(self, client: str, paths: Iterable[str]) -> None:
        """Replace the client's report: these vault-relative paths are all that it has open now."""
        opened = {fold_path(path): path for path in islice(paths, _MAX_PATHS)}
        with self._lock:
            self._reports.pop(client, None)
            if opened:
                report = _OpenPaths(opened, self._clock() + REPORT_LASTS)
                put_latest(self._reports, client, report, _MAX_CLIENTS)

    def is_open(self, path: str) -> bool:
        """Return whether a client has the note open; case and Unicode form of its path are ignored.

        macOS and Windows find a note under several spellings. Two notes whose paths differ only
        in these both count as open, and their background work waits.
        """
        folded = fold_path(path)
        return any(folded in report.paths for report in self._valid_reports())

    def open_paths(self) -> frozenset[str]:
        """Return the paths of the open notes, spelled as they were reported."""
        reports = self._valid_reports()
        return frozenset(path for report in reports for path in report.paths.values())

    def _valid_reports(self) -> list[_OpenPaths]:
        with self._lock:
            now = self._clock()
            self._reports = {
                client: report for client, report in self._reports.items() if now < report.until
            }
            return list(self._reports.values())


class _OpenPaths(NamedTuple):
    paths: dict[str, str]  # as reported, by their folded form
    until: float


Step = Literal["write", "wait", "leave", "taken"]


class PendingAnswer(NamedTuple):
    """A model's answer for a note that is not written yet, and the enricher that writes it."""

    enricher: NoteWriter
    answered: Answered


class RequestedEdit(NamedTuple):
    """A request to edit an open note: for a run, or to undo a change. One of the two is None.

    id: of the outbox's row, for an undo.
    """

    path: str
    run: str | None = None
    change: int | None = None
    id: int | None = None


@dataclass
class _WaitingAnswer:
    """An answer of a run. until: when, on the monotonic clock, the run goes on without it.

    planned: the result as of the edits that an editor got last.
    """

    run: str
    pending: PendingAnswer
    until: float
    planned: Result | None = None


class OpenNotes:
    """The answers that wait for an editor, or for their note to be closed.

    Safe to use from any thread.
    """

    def __init__(self, queue: WorkQueue, fingerprints: Fingerprints, presence: Presence) -> None:
        self._queue = queue
        self._fingerprints = fingerprints
        self._presence = presence
        self._lock = threading.Lock()
        self._waiting: dict[tuple[str, str], _WaitingAnswer] = {}  # by run and folded path
        # by folded path, and by run: what was accepted one by one waits together
        self._later: dict[str, dict[str, _WaitingAnswer]] = {}
        self._taken: dict[tuple[str, str], None] = {}  # by run and folded path, the latest last

    def next_step(self, run: str, pending: PendingAnswer) -> Step:
        """Return what to do now with the run's answer for a note.

        "write": the note is closed. "wait": an editor has it open and still has time. "leave": no
        editor made the edits in time; they are written later. "taken": an editor made them.
        """
        path = pending.answered.job.path
        key = (run, fold_path(path))
        is_open = self._presence.is_open(path)
        with self._lock:
            if key in self._taken:
                return "taken"
            if not is_open:
                self._waiting.pop(key, None)
                return "write"
            entry = self._waiting.setdefault(
                key, _WaitingAnswer(run, pending, time.monotonic() + PATIENCE)
            )
            entry.pending = pending
            if time.monotonic() < entry.until:
                return "wait"
            del self._waiting[key]
            later = self._later.get(key[1], {}) | {run: entry}
            put_latest(self._later, key[1], later, _MAX_LATER)
        self._queue.put(pending.answered.job, Priority.REQUEST, LATER)
        return "leave"

    def asked(self, paths: Iterable[str]) -> list[RequestedEdit]:
        """Return the edits that wait for these notes, with paths spelled as the client does."""
        with self._lock:
            now = time.monotonic()
            runs = {
                path: entry.run for (_, path), entry in self._waiting.items() if entry.until > now
            }
            runs = {path: next(iter(later)) for path, later in self._later.items()} | runs
        return [RequestedEdit(path, run) for path in paths if (run := runs.get(fold_path(path)))]

    def find(self, run: str, path: str) -> PendingAnswer | None:
        """Return the answer that waits for this run and note."""
        with self._lock:
            entry = self._find(run, path)
            return entry.pending if entry else None

    def record_edits(self, run: str, path: str, planned: Result) -> None:
        """Record that an editor got the edits; the first time, its time starts again."""
        with self._lock:
            if entry := self._find(run, path):
                if entry.planned is None:  # only once: it may be unable to make them
                    entry.until = time.monotonic() + PATIENCE
                entry.planned = planned

    def take(self, run: str, path: str) -> Result | None:
        """Remove the answer, whose edits an editor has made; return the result for the note.

        Returns None if no run waits for it.
        """
        key = (run, fold_path(path))
        with self._lock:
            entry = self._waiting.pop(key, None)
            self._remove_later(key[1], run)
            if entry is None or entry.planned is None:
                return None
            put_latest(self._taken, key, None, _MAX_LATER)
        self._queue.discard(entry.pending.answered.job.path, run)
        return entry.planned

    def forget(self, run: str) -> None:
        """Remove the answers that wait for a run that is over, except those to be written later."""
        with self._lock:
            stale = time.monotonic() - PATIENCE  # answers added after their run was over
            self._waiting = {
                key: entry
                for key, entry in self._waiting.items()
                if key[0] != run and entry.until >= stale
            }

    def drop(self, run: str) -> None:
        """Remove the answers of this run that are to be written later."""
        with self._lock:
            for key in list(self._later):
                self._remove_later(key, run)

    def work(self, ticket: Ticket) -> None:
        """Write the answers that were left for later, if their note is closed now.

        Raises JournalError; the ticket is not given back then.
        """
        key = fold_path(ticket.path)
        with self._lock:
            later = self._later.get(key, {})
        if later and self._presence.is_open(ticket.path):
            self._queue.requeue(ticket, time.monotonic() + OPEN_LOOK)
            return
        written = [run for run, entry in later.items() if self._write(entry)]
        with self._lock:
            for run in written:
                self._remove_later(key, run)
            is_over = key not in self._later
        if is_over:
            self._queue.done(ticket)
        else:
            self._queue.requeue(ticket)

    def _write(self, entry: _WaitingAnswer) -> bool:
        """Write the answer; return whether it needs no further try."""
        path = entry.pending.answered.job.path
        try:
            result = entry.pending.enricher.write(entry.pending.answered)
        except (NoteBusy, NoteChanged, NoteUnwritable) as error:
            _log.info("%s: put off: %s", path, error.reason)
            return not (self._fingerprints.root / path).is_file()
        except (NoteError, Cancelled):
            _log.info("%s: left alone; companion scan says why", path)
            return True
        self._fingerprints.record_result(result)
        log_result(result)
        return True

    def _find(self, run: str, path: str) -> _WaitingAnswer | None:
        key = fold_path(path)
        return self._waiting.get((run, key)) or self._later.get(key, {}).get(run)

    def _remove_later(self, key: str, run: str) -> None:
        """Remove the answer of this run for a note, and with the last one the note's ticket."""
        later = self._later.get(key, {})
        if (entry := later.get(run)) is None:
            return
        self._later[key] = {name: kept for name, kept in later.items() if name != run}
        if not self._later[key]:
            del self._later[key]
            self._queue.discard(entry.pending.answered.job.path, LATER)
