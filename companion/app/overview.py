"""The status of a vault: what is set up, what was spent today, and what goes on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

from companion import __version__
from companion.app.types.runs import FolderWork, RunKind, ScanReport
from companion.app.types.status import BackgroundWork, BacklogState, SpentToday, Status
from companion.config import Config
from companion.enrich.configured_model import open_spending
from companion.enrich.workspace import Workspace
from companion.llm.budget import Budget
from companion.store.proposals import Selection

if TYPE_CHECKING:
    from companion.app.run import Run

NOT_RUNNING = "no daemon runs; companion serve starts one"


def find_status(space: Workspace) -> Status:
    """Return the status of a vault, and whether a daemon runs; nothing is scanned.

    Raises UsageError when there is a cap on money, and the price of the model is not known.
    """
    from companion.app.open_vault import find_daemon

    table = space.config.background
    is_asked = table.backlog == "ask" and table.enabled is not False
    waiting = space.journal.backlog.waiting() if is_asked else ()
    with open_spending(space, space.root) as spending:
        status = describe_vault(space, spending, BacklogState(notes=len(waiting)))
    values = vars(status)
    if place := find_daemon(space.state):
        off = reason_off(space.config, paused=status.paused)
        values |= {"background": status.background.model_copy(update={"off": off})}
        values |= {"running": True, "pid": place.pid, "started_at": place.started_at}
    return finish_status(values, ())


def finish_status(values: Mapping[str, object], runs: Sequence[Run]) -> Status:
    """Return the status with these values, and what it says in words. runs: that are not over."""
    status = Status.model_validate(values)
    status = status.model_copy(update={"missing": _find_missing(status)})
    return status.model_copy(update={"line": _describe_work(status, runs)})


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


def _describe_work(status: Status, runs: Sequence[Run]) -> str:
    """Return what is going on, or waits for the user, in a few words."""
    if status.missing:
        return "Not ready"
    if not status.running:
        return "Not running"
    for run in runs:
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


def describe_vault(space: Workspace, spending: Budget, backlog: BacklogState) -> Status:
    """Return what is set up, what was spent today, and what waits in the vault."""
    config, paused = space.config, pause_file(space.state).exists()
    return Status(
        version=__version__,
        vault=space.root.name,
        paused=paused,
        endpoint="" if config.is_embedded else config.endpoint.address,
        model=config.endpoint.model,
        is_embedded=config.is_embedded,
        is_remote=config.is_remote,
        is_model_missing=config.is_model_missing,
        modes={
            each.fills: config.review_mode("", each.fills) for each in space.prompts.fields.values()
        },
        folder_modes=config.review.folders,
        background=BackgroundWork(
            enabled=config.background.enabled is not False,
            off=reason_off(config, paused=paused) or NOT_RUNNING,
            notes_today=spending.notes_today(),
            notes_a_day=config.background.notes_a_day,
            backlog=backlog,
        ),
        today=_find_spent_today(space, spending),
        proposals=space.journal.proposals.count(Selection(states=("open",))),
        newest_change=space.journal.newest(),
    )


def pause_file(state: Path) -> Path:
    """Return the file that exists while background work is paused. state: the vault's."""
    return state / "paused"


def reason_off(config: Config, *, paused: bool) -> str:
    """Return why the user's settings hold background work, in words; empty if they do not."""
    if paused:
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
