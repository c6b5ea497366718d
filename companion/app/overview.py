"""The state of a vault: what is filled, waits or is left alone, what was spent, and its status."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TypeVar

from companion import __version__
from companion.app.types.coverage import (
    Coverage,
    FolderCoverage,
    LeftAlone,
    LeftAloneKind,
    OftenRefused,
    Spending,
    Spent,
    SpentOnDay,
    SpentOnModel,
    Taught,
    TaughtCorrection,
    UnfilledField,
)
from companion.app.types.status import BackgroundWork, BacklogState, SpentToday, Status
from companion.config import Config
from companion.enrich.configured_model import open_spending
from companion.enrich.context.backlinks import Backlinks
from companion.enrich.context.lessons import Lessons, find_refused
from companion.enrich.context.vault_context import VaultContext
from companion.enrich.needs_to_ask import find_to_do
from companion.enrich.workspace import Workspace
from companion.errors import UsageError
from companion.llm.budget import Budget
from companion.llm.budget_store import Amount
from companion.note.exclusions import property_mark, tag_mark
from companion.note.facts import UNKNOWN, Facts
from companion.note.needs import CALLOUT
from companion.store.proposal import LatestProposal
from companion.store.proposal_store import Selection
from companion.vault.files import is_in
from companion.vault.notes import Scan
from companion.vault.paths import spelled_path

S = TypeVar("S", bound=Spent)

_CORRECTIONS = 5  # that are shown
_MICRO = 1_000_000


@dataclass
class _Counts:
    """The notes of a folder, by state; and how many lack a value, by kind."""

    states: Counter[str] = field(default_factory=Counter)
    lacking: Counter[str] = field(default_factory=Counter)

    def show(self, folder: str) -> FolderCoverage:
        return FolderCoverage(
            folder=folder, notes=self.states.total(), lacking=self.lacking, **self.states
        )


def measure_coverage(space: Workspace, scan: Scan, folder: str) -> Coverage:
    """Return how much of the folder is filled, and of those below it. Raises JournalError."""
    folders, total = dict[str, _Counts](), _Counts()
    reasons = Counter[tuple[LeftAloneKind, str]]()
    latest = space.journal.proposals.latest_of_all()
    for path, facts in _facts_in(scan, folder):
        counts = folders.setdefault(path.rpartition("/")[0], _Counts())
        if facts.skipped is not None:
            reasons[_kind_of(space, scan, path, facts), facts.skipped] += 1
            state, lacking = "left_alone", set[str]()
        else:
            state, lacking, why = _state_of(space, path, facts, latest.get(path, {}))
            reasons.update(why)
        for each in (counts, total):
            each.states[state] += 1
            each.lacking.update(lacking)
    unfilled = [LeftAlone(kind=k, reason=why, notes=n) for (k, why), n in reasons.most_common()]
    shown = [counts.show(name) for name, counts in sorted(folders.items())]
    return Coverage(total=total.show(folder), folders=shown, left_alone=unfilled)


def find_taught(space: Workspace, scan: Scan) -> Taught:
    """Return what the user has taught by descriptions, corrections and refusals."""
    vault, lessons = VaultContext(scan), Lessons(space, Backlinks(space))
    style = lessons.style(vault)
    last = islice(lessons.corrections(vault), _CORRECTIONS)
    return Taught(
        descriptions=str(style or ""),
        corrections=[TaughtCorrection.model_validate(each) for each, _ in last],
        refused=[OftenRefused.model_validate(each) for each in find_refused(space)],
    )


def leave_unfilled(space: Workspace, field: UnfilledField) -> None:
    """Set in the settings that the field is not filled in the folder.

    Raises UsageError if the folder does not exist, no field has that name, or the file cannot be
    edited.
    """
    from companion.config.edit_settings import (
        PlannedSettings,
        change_settings,
        find_place,
        plan_settings,
    )

    folder = spelled_path(space.root, field.folder)
    kinds = {each.fills for each in space.prompts.fields.values()}
    if field.kind not in kinds:
        raise UsageError(f"there is no field {field.kind}; there are: {', '.join(sorted(kinds))}")

    def plan() -> PlannedSettings:
        place = find_place(space.root)
        unfilled = {name: list(kinds) for name, kinds in place.config.notes.unfilled.items()}
        unfilled[folder] = list(dict.fromkeys([*unfilled.get(folder, ()), field.kind]))
        return plan_settings(place.file, {"notes.unfilled": unfilled}, place.common)

    change_settings(plan)
    space.refresh()


def _facts_in(scan: Scan, folder: str) -> Iterator[tuple[str, Facts]]:
    for path, facts in scan.notes.with_reports():
        if is_in(path, folder):
            yield path, facts or Facts()
    for path, reason in scan.skipped.items():
        if is_in(path, folder):
            yield path, Facts(skipped=reason)


def _state_of(
    space: Workspace, path: str, facts: Facts, latest: Mapping[str, LatestProposal]
) -> tuple[str, set[str], list[tuple[LeftAloneKind, str]]]:
    """Return the state of a note, the kinds that it lacks, and why some are not asked for."""
    waiting = {
        CALLOUT if key.startswith(f"{CALLOUT}:") else key: proposal.flags
        for key, proposal in latest.items()
        if proposal.state == "open"
    }
    lacking = {need.kind for need in facts.needs}
    lacking |= {kind for kind, flags in waiting.items() if "replaces" not in flags}
    to_do = find_to_do(space, path, facts.needs, latest)
    unfilled: list[tuple[LeftAloneKind, str]] = [("asked", why) for why in to_do.asked_before]
    unfilled += [("unfillable", why) for why in (*facts.unfilled, *to_do.impossible)]
    if to_do.needs:
        return "to_do", lacking, unfilled
    if waiting:
        return "waiting", lacking, unfilled
    return "left_alone" if unfilled else "filled", lacking, unfilled


def _kind_of(space: Workspace, scan: Scan, path: str, facts: Facts) -> LeftAloneKind:
    if path in scan.skipped:
        return "excluded"
    rules = space.rules
    private = {*map(tag_mark, rules.private_tags)}
    private |= {property_mark(*each) for each in rules.private_properties}
    if rules.is_remote and private.intersection(facts.marks):
        return "private"
    return "marked" if facts.is_excluded and UNKNOWN not in facts.marks else "unsuited"


def measure_spending(budget: Budget, config: Config, days: int) -> Spending:
    """Return what was spent on the last days, including today, and in this month."""
    today = date.today()
    names = [(today - timedelta(days=ago)).isoformat() for ago in reversed(range(days))]
    spent = budget.spent_by_model(max(days, today.day))
    this_month = (models for day, models in spent.items() if day[:7] == today.isoformat()[:7])
    month = [amount for models in this_month for amount in models.values()]
    caps = budget.caps
    return Spending(
        days=[_show_day(name, spent.get(name, {})) for name in names],
        month=_show(Spent, _sum(month)),
        is_free=config.endpoint.is_free,
        tokens_a_day=caps.tokens_a_day,
        dollars_a_day=caps.dollars_a_day,
    )


def _show_day(day: str, models: Mapping[str, Amount]) -> SpentOnDay:
    dearest = sorted(models.items(), key=lambda each: (-each[1].microdollars, -each[1].tokens))
    shown = [_show(SpentOnModel, spent, model=model) for model, spent in dearest if model]
    return _show(SpentOnDay, _sum(models.values()), day=day, models=shown)


def _show(shape: type[S], amount: Amount, **more: object) -> S:
    dollars = None if amount.unpriced else amount.microdollars / _MICRO
    return shape.model_validate({**amount._asdict(), "dollars": dollars, **more})


def _sum(amounts: Iterable[Amount]) -> Amount:
    total = Amount()
    for each in amounts:
        total = total.plus(each)
    return total


NOT_RUNNING = "no daemon runs; companion serve starts one"


def find_status(space: Workspace) -> Status:
    """Return the status of a vault without a daemon; nothing is scanned.

    Raises UsageError when there is a cap on money, and the price of the model is not known.
    """
    with open_spending(space, space.root) as spending:
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
        tokens_a_day=spending.caps.tokens_a_day,
        dollars_a_day=spending.caps.dollars_a_day,
    )
