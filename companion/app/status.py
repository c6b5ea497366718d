"""The status of a vault that this process has open, as far as no daemon is needed to tell it."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

from companion import __version__
from companion.app.types.status import BackgroundWork, BacklogState, SpentToday, Status
from companion.config import Config
from companion.enrich.model import open_spending
from companion.enrich.workspace import Workspace
from companion.llm.budget import Budget
from companion.store.proposals import Selection

NOT_RUNNING = "no daemon runs; companion serve starts one"


def find_status(space: Workspace) -> Status:
    """Return the status of a vault without a daemon. It is not looked over for that.

    Raises UsageError when there is a cap on money, and the price of the model is not known.
    """
    with open_spending(space.config, space.root, space=space) as spending:
        return describe_vault(space, spending, BacklogState())


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
        modes={name: config.review_mode("", name) for name in space.prompts.fields},
        folder_modes=config.review.folders,
        background=BackgroundWork(
            off=reason_off(config, paused=paused) or NOT_RUNNING,
            notes_today=spending.spent_today().background_notes,
            notes_a_day=config.background.notes_a_day,
            backlog=backlog,
        ),
        today=_find_spent_today(space, spending),
        proposals=space.journal.proposals.count(Selection(states=("open",))),
        newest_change=space.journal.newest(),
    )


def pause_file(state: Path) -> Path:
    """Return the file that is there while background work is paused. state: the vault's."""
    return state / "paused"


def reason_off(config: Config, *, paused: bool) -> str:
    """Return why the user's settings hold background work, in words; empty if they do not."""
    if paused:
        return "paused; companion service resume ends that"
    if config.background.enabled is False:
        return "switched off in the configuration (background.enabled)"
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
        tokens_a_day=spending.caps.tokens_a_day,
        dollars_a_day=spending.caps.dollars_a_day,
    )
