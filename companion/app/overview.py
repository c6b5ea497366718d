"""The status of a vault, and the question to the user about its backlog."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from companion import __version__
from companion.app.jobs import plan_run
from companion.app.types.notes import FolderWork, ScanReport
from companion.app.types.runs import RunKind, RunOptions
from companion.app.types.status import (
    BacklogAnswer,
    BacklogState,
    SpentToday,
    Status,
)
from companion.config import Config
from companion.enrich.configured_model import open_spending
from companion.enrich.cost import describe_cost
from companion.enrich.job import Job
from companion.enrich.workspace import Workspace
from companion.errors import ConsentMissing, UsageError
from companion.llm.budget import Budget
from companion.store.backlog import Version
from companion.store.proposals import Selection
from companion.vault.files import is_vault_there
from companion.vault.notes import Scan

if TYPE_CHECKING:
    from companion.app.run import Run

NOT_RUNNING = "no daemon runs; companion serve starts one"


def find_status(space: Workspace) -> Status:
    """Return the status of a vault, and whether a daemon runs; nothing is scanned.

    Raises UsageError when there is a cap on money, and the price of the model is not known.
    """
    from companion.app.open_vault import find_daemon

    waiting = space.journal.backlog.waiting() if asks_about_backlog(space.config) else ()
    backlog, live = BacklogState(notes=len(waiting)), dict[str, Any]()
    if place := find_daemon(space.state):
        live = {"running": True, "pid": place.pid, "started_at": place.started_at}
    off = reason_off(space) or ("" if place else NOT_RUNNING)
    with open_spending(space, space.root) as spending:
        return describe_vault(space, spending, backlog, {"off": off}, **live)


_VERBS: Mapping[RunKind, str] = {
    "fill": "Enriching",
    "accept": "Writing",
    "refuse": "Refusing",
    "undo": "Undoing",
}


def _find_missing(status: Status) -> str | None:
    """Return in a sentence what is to be done before anything works; None: nothing."""
    if status.settings_fault:
        return f"A settings file cannot be used: {status.settings_fault}"
    if status.vault_missing:
        return "The vault's folder is missing or empty; mount its drive."
    if status.is_model_missing:
        return (
            f"The model {status.model} is not on this machine; companion model pull fetches it,"
            " companion init names another one."
        )
    return None


def _describe_work(status: Status, active: Sequence[Run]) -> str:
    """Return what is going on, or waits for the user, in a few words."""
    if status.missing:
        return "Not ready"
    if not status.running:
        return "Not running"
    for run in active:
        verb = _VERBS[run.kind]
        done = run.counts.total()
        return verb if run.total <= 1 else f"{verb} {done:,} of {run.total:,}"
    if status.fault:
        where = status.endpoint or status.model
        minutes = ceil(status.retry_in / 60)
        again = f", next try in {minutes} min" if minutes > 1 else ""
        return f"Model not answering: {where}{again}"
    if status.in_hand:
        return "Enriching" if len(status.in_hand) == 1 else f"Enriching {len(status.in_hand)} notes"
    if status.paused:
        return "Paused"
    return f"{status.proposals:,} to review" if status.proposals else "Ready"


def describe_vault(
    space: Workspace,
    spending: Budget,
    backlog: BacklogState,
    work: Mapping[str, object],
    active: Sequence[Run] = (),
    **live: object,
) -> Status:
    """Return what is set up, what was spent today, what waits in the vault, and all that in words.

    work: members of BackgroundWork. active: runs that are not over. live: what a daemon knows.
    """
    config, fields = space.config, space.prompts.fields.values()
    stored = {
        "version": __version__,
        "vault": space.root.name,
        "paused": pause_file(space.state).exists(),
        "endpoint": "" if config.is_embedded else config.endpoint.address,
        "model": config.endpoint.model,
        "is_embedded": config.is_embedded,
        "is_remote": config.is_remote,
        "is_model_missing": config.is_model_missing,
        "modes": {each.fills: config.review_mode("", each.fills) for each in fields},
        "folder_modes": config.review.folders,
        "background": {
            "enabled": config.background.enabled is not False,
            "notes_today": spending.notes_today(),
            "notes_a_day": config.background.notes_a_day,
            "backlog": backlog,
            **work,
        },
        "today": _find_spent_today(space, spending),
        "proposals": space.journal.proposals.count(Selection(states=("open",))),
        "runs": [run.id for run in active],
        "newest_change": space.journal.newest(),
    }
    return put_in_words(Status.model_validate(stored | live), active)


def put_in_words(status: Status, active: Sequence[Run] = ()) -> Status:
    """Return the status with what it says in words. active: the runs that are not over."""
    status = status.model_copy(update={"missing": _find_missing(status)})
    return status.model_copy(update={"line": _describe_work(status, active)})


def pause_file(state: Path) -> Path:
    """Return the file that exists while background work is paused. state: the vault's."""
    return state / "paused"


def reason_off(space: Workspace) -> str:
    """Return why the user's settings hold background work, in words; empty if they do not."""
    config = space.config
    if pause_file(space.state).exists():
        return "paused; companion service resume starts it again"
    if config.background.enabled is False:
        return "switched off; companion config set background.enabled true turns it on"
    if config.is_model_missing:
        return (
            f"the model {config.endpoint.model} is not on this machine: companion model"
            " pull fetches it, companion init names another one"
        )
    return ""


def _find_spent_today(space: Workspace, spending: Budget) -> SpentToday:
    midnight = datetime.combine(date.today(), datetime.min.time()).timestamp()
    spent, config = spending.spent_today(), space.config
    return SpentToday(
        notes=space.journal.count_notes(midnight),
        input_tokens=spent.input_tokens,
        output_tokens=spent.output_tokens,
        dollars=spent.dollars,
        is_free=config.endpoint.is_free,
        tokens_a_day=spending.find_caps().tokens_a_day,
        dollars_a_day=spending.find_caps().dollars_a_day,
    )


def count_days(space: Workspace, number: int) -> list[int]:
    """Return how many notes were filled on each of the last days, the oldest first."""
    days = [date.today() - timedelta(days=ago) for ago in reversed(range(number))]
    since = datetime.combine(days[0], datetime.min.time()).timestamp()
    filled = space.journal.filled_by_day(since)
    return [filled.get(day.isoformat(), 0) for day in days]


def count_by_folder(space: Workspace, report: ScanReport) -> dict[str, FolderWork]:
    """Return the state of the folders at the top of the vault. report: of all notes."""
    selection = Selection(states=("open",))
    paths = {
        "filled": space.journal.filled_paths(),
        "waiting": {each.path for each in space.journal.proposals.select(selection)},
        "to_do": [path for path, note in report.notes.items() if note.needs],
    }
    counts = {
        name: Counter(path.rpartition("/")[0].partition("/")[0] for path in each)
        for name, each in paths.items()
    }
    folders = set().union(*counts.values())
    return {
        folder: FolderWork(**{name: each[folder] for name, each in counts.items()})
        for folder in folders
    }


class Backlog:
    """The backlog of one vault. Safe to use from any thread.

    It holds the notes that were there at the first scan, and those that arrive many at once by a
    sync, a git pull or an import. A note that is edited later leaves it.

    scan: returns the last scan. to_do: returns the notes that need something, as of that.
    """

    def __init__(
        self, space: Workspace, scan: Callable[[], Scan], to_do: Callable[[], Collection[str]]
    ) -> None:
        self._space, self._store = space, space.journal.backlog
        self._scan, self._to_do = scan, to_do
        self._estimating = threading.Lock()
        self._estimated: tuple[Sequence[str], str] = ((), "")

    def update(self, paths: Collection[str]) -> None:
        """Take up which notes need something: all of them."""
        root, setting = self._space.root, self._space.config.background.backlog
        if not is_vault_there(root):
            return
        notes = dict[str, Version]()
        for path in paths:
            try:
                stat = (root / path).stat()
            except OSError:
                continue
            notes[path] = (stat.st_size, stat.st_mtime_ns)
        self._store.update(notes, whole=True, asks=setting != "all")

    def held(self) -> Collection[str]:
        """Return the notes that may be filled only with the user's consent."""
        return () if self._space.config.background.backlog == "all" else self._store.held()

    def waiting(self) -> Sequence[str]:
        """Return the notes that wait for the user's answer; none if nobody is to be asked."""
        asks = asks_about_backlog(self._space.config)
        return self._store.waiting(self._to_do()) if asks else ()

    def state(self) -> BacklogState:
        """Return how many notes wait for an answer, and what they would cost."""
        waiting = self.waiting()
        if not waiting:
            return BacklogState()
        with self._estimating:
            if self._estimated[0] != waiting:
                cost = describe_cost(self._space, self._scan(), [Job(path) for path in waiting])
                self._estimated = waiting, cost
            return BacklogState(notes=len(waiting), cost=self._estimated[1])

    def answer(self, answer: BacklogAnswer) -> None:
        """Save the user's answer: fill the notes of the backlog, or leave them alone.

        Raises ConsentMissing if there are more now; UsageError if none wait.
        """
        waiting, notes = len(self.waiting()), answer.notes
        if notes is not None and waiting > notes:
            raise ConsentMissing(
                f"the backlog has grown from {notes:,} notes to {waiting:,} in the meantime; "
                "look again"
            )
        if not waiting:
            raise UsageError("no notes wait for an answer; see companion status")
        self._store.answer(fill=answer.fill)


def find_backlog(space: Workspace) -> Backlog:
    """Scan the vault, and return its backlog. Raises JournalError."""
    scan = space.scan()
    plan = plan_run(space, scan, RunOptions(paths=[""], agreed=True))
    paths = [job.path for job in plan.jobs]
    backlog = Backlog(space, lambda: scan, lambda: paths)
    backlog.update(paths)
    return backlog


def asks_about_backlog(config: Config) -> bool:
    """Return whether the settings say that the user is asked about a backlog."""
    return config.background.backlog == "ask" and config.background.enabled is not False
