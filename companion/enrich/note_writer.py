"""Writes values into a note: planned on the note as it is now, and in the journal first."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from threading import Event, Lock
from typing import NamedTuple

from companion.enrich.note_guard import (
    NoteExcluded,
    SettingsChanged,
    forget_note,
    look_at_note,
)
from companion.enrich.plan import Filling, Plan, plan_edits
from companion.enrich.run import Result, Waiting, describe_waiting, proposed_result
from companion.enrich.task import REWRITTEN, Job, NoteRewritten, Task, is_rewritten, prepare_task
from companion.enrich.vault_settings import SettingsUnusable, VaultSettings
from companion.enrich.workspace import LEFT_ALONE, Workspace
from companion.errors import DiskFull, NoteChanged, NoteRefused, StorageError
from companion.llm.endpoint_errors import Cancelled
from companion.llm.response import Usage
from companion.note.callouts import Styles
from companion.note.edit import Edit, diff_edits
from companion.note.facts import read_facts
from companion.note.frontmatter import may_be_unfillable
from companion.store.journal import Change, NewChange, write_note
from companion.store.proposal import ProposalState
from companion.vault.write import SETTLE, ConcurrentWrite, NotePartlyWritten, Snapshot, read_note

_ATTEMPTS = 3  # to write a note that somebody else writes meanwhile
# Threads that only compute switch every 5 ms, which costs a fifth of their time.
_ONE_PLAN = Lock()


@dataclass(frozen=True)
class Answered:
    """Values for a note that are stored as proposals, and not written yet.

    job: by which their needs are found in the note. task: of the note as it was when they were
    made. proposals: their ids, by the keys of their needs; they are accepted when they are written,
    by decided_by, if they are in one of the states. unfilled: what is not asked for, has no value,
    or waits. waiting: the ids of proposals for the note that wait. fallbacks: the keys of needs
    whose value is a sentence of the note. new_values: in words, values that the vault does not use
    yet. model: the models that made the values.
    """

    job: Job
    task: Task
    fillings: tuple[Filling, ...]
    proposals: Mapping[str, int]
    unfilled: tuple[str, ...] = ()
    waiting: tuple[int, ...] = ()
    usage: Usage = field(default_factory=Usage)
    fallbacks: frozenset[str] = frozenset()
    new_values: tuple[str, ...] = ()
    model: str = ""
    decided_by: str = "setting"
    states: tuple[ProposalState, ...] = ("open",)

    def ids_of(self, fillings: Collection[Filling]) -> tuple[int, ...]:
        """Return the ids of the proposals of these fillings, in their order."""
        return tuple(self.proposals[each.need.key] for each in fillings)

    def still_needed(self, task: Task) -> list[Filling]:
        """Return the fillings whose need the task's note still has, with the need as it is now."""
        needs = {need.key: need for need in task.all_needs}
        return [
            filling._replace(need=needs[filling.need.key])
            for filling in self.fillings
            if filling.need.key in needs
        ]

    def made_by(self, change: Change) -> Result:
        """Return the result for the note, by the change that an editor made of these values."""
        filled = tuple(f for f in self.fillings if self.proposals[f.need.key] in change.proposals)
        result = Result(change.path, "enriched", "", filled, self.unfilled, self.usage)
        return replace(
            result,
            change=change.id,
            proposed=self.new_values,
            fallback=tuple(f.need.kind for f in filled if f.need.key in self.fallbacks),
            proposals=(*self.ids_of(filled), *self.waiting),
        )


class PlannedChange(NamedTuple):
    """The plan for a note: the result, and the edits of its text."""

    result: Result
    edits: list[Edit]


class NoteWriter:
    """Writes the values of one run; every method may be called from any thread.

    styles: returns how new callouts begin. run: the name of the run in the journal. settle:
    seconds that a note must be unchanged before it is read, or what gives them for a path; waits:
    whether to wait for that, rather than raise NoteNotSettled. cancelled: set to write nothing
    more.
    """

    def __init__(
        self,
        workspace: Workspace,
        styles: Callable[[], Styles],
        run: str,
        settle: float | Callable[[str], float] = SETTLE,
        waits: bool = True,
        cancelled: Event | None = None,
    ) -> None:
        self.workspace = workspace
        self.run = run
        self._styles = styles
        self._settle = settle
        self._waits = waits
        self.cancelled = cancelled or Event()

    def read(self, path: str) -> Snapshot:
        """Return the note as it is once it has been unchanged for the settle time."""
        space = self.workspace
        settle = self._settle(path) if callable(self._settle) else self._settle
        limit = space.ignore.max_bytes
        return read_note(space.root, path, settle=settle, waits=self._waits, max_bytes=limit)

    def write(self, answered: Answered) -> Result:
        """Plan the values on the note as it is now, and write them; return the result.

        If somebody else writes the note meanwhile, they are planned and written again.

        Raises NoteError, Cancelled, StorageError. After NoteChanged and NoteBusy, it can be
        tried again later.
        """
        tries = 0
        while True:
            settings, snapshot = self.workspace.settings, self.read(answered.job.path)
            try:
                planned = self.plan_on(answered, snapshot.data)
            except SettingsUnusable:
                self.workspace.wait_for_settings(self.cancelled)
                continue
            result = planned.result
            if result.status != "enriched" or answered.job.dry_run:
                return result
            self.require_not_cancelled()
            check = partial(self._require_settings, settings)
            try:
                new, change = result.new.encode("utf-8"), self.change_of(answered, planned)
                made = write_note(snapshot, new, self.workspace.journal, change, check)
                return replace(result, change=made)
            except ConcurrentWrite:
                raise
            except SettingsChanged:
                continue
            except (DiskFull, NotePartlyWritten) as error:
                raise StorageError(str(error)) from error
            except NoteChanged:
                tries += 1
                if tries == _ATTEMPTS:
                    raise

    def plan_on(self, answered: Answered, data: bytes) -> PlannedChange:
        """Return the change to a note that now holds data; nothing is written.

        If the note has become private or ignored, its proposals are forgotten.

        Raises SettingsUnusable while a settings file is broken. NoteExcluded. NoteRewritten: most
        of the text that the values were made from is gone. NoteRefused: a value has no place. That
        is remembered, and the value is not asked for again, unless the note has no place for any
        value: its user may change that.
        """
        job, usage, waiting = answered.job, answered.usage, answered.waiting
        task, settings = answered.task, self.workspace.refresh()
        if data != task.data and is_rewritten(task.data, data):
            raise NoteRewritten(REWRITTEN, job.path)
        if data != task.data or task.settings_version != settings.version:
            self._require_open(job.path, data)
            task = prepare_task(self.workspace, job.to_place(), data)
        fillings = answered.still_needed(task)
        if held := [each for each in fillings if self._is_held_back(answered, each)]:
            fillings = [each for each in fillings if each not in held]
            waits = [Waiting(answered.proposals[e.need.key], e.need.kind, ()) for e in held]
            unfilled = (*answered.unfilled, *describe_waiting(waits))
            waiting = (*waiting, *(each.id for each in waits))
            answered = replace(answered, unfilled=unfilled, waiting=waiting)
            if not fillings or not task.reopened <= keys_of(fillings):
                return PlannedChange(proposed_result(job.path, waits, answered.unfilled, usage), [])
        if task.skipped or not fillings or not task.reopened <= keys_of(fillings):
            reason = task.skipped or "it was edited meanwhile and needs nothing now"
            result = Result(job.path, "unchanged", reason, usage=usage, proposals=waiting)
            return PlannedChange(result, [])
        try:
            plan, edits = self._plan(task, fillings)
        except NoteRefused as error:
            self.require_places(job.path, task)
            if answered.decided_by == "setting":  # else the user is told, and decides
                ids = answered.ids_of(fillings)
                self.workspace.journal.proposals.decide(ids, "rejected", "need", error.reason)
            raise
        old, new = task.data.decode("utf-8"), plan.text
        ids = (*answered.ids_of(fillings), *waiting)
        if new == old:
            return PlannedChange(Result(job.path, "unchanged", "it is as it was", usage=usage), [])
        unfilled = (*answered.unfilled, *plan.unfilled)
        made = Result(job.path, "enriched", "", tuple(fillings), unfilled, usage, old, new)
        fallback = tuple(n.need.kind for n in fillings if n.need.key in answered.fallbacks)
        made = replace(made, proposed=answered.new_values, fallback=fallback, proposals=ids)
        return PlannedChange(made, edits)

    def _require_open(self, path: str, data: bytes) -> None:
        """Raise NoteExcluded if the note is private or ignored now; nothing of it is kept then."""
        rules = self.workspace.rules.for_note(path)
        facts = look_at_note(self.workspace, path, data) or read_facts(data, rules)
        if facts.is_excluded:
            forget_note(self.workspace, path)
            raise NoteExcluded(facts.skipped or LEFT_ALONE, path)

    def _is_held_back(self, answered: Answered, filling: Filling) -> bool:
        """Return whether changed settings make a value wait that was to be written at once."""
        config, job = self.workspace.config, answered.job
        if answered.decided_by != "setting":
            return False
        is_off = job.background and config.background.enabled is False
        return is_off or config.review_mode(job.path, filling.need.kind) == "propose"

    def _require_settings(self, settings: VaultSettings) -> None:
        """Raise SettingsChanged unless the settings still are these."""
        with suppress(SettingsUnusable):
            if self.workspace.refresh() is settings:
                return
        raise SettingsChanged("the settings were changed meanwhile; nothing was written")

    def change_of(self, answered: Answered, planned: PlannedChange) -> NewChange:
        """Return the change as the journal is to record it."""
        result = planned.result
        remarks = (*(each.remark for each in result.filled), *result.proposed)
        return NewChange(
            run=self.run,
            path=result.path,
            kind="enrich",
            edits=planned.edits,
            needs=tuple(filling.need.key for filling in result.filled),
            model=answered.model,
            note="; ".join(filter(None, remarks)),
            proposals=answered.ids_of(result.filled),
            decided_by=answered.decided_by,
            states=answered.states,
        )

    def require_places(self, path: str, task: Task) -> None:
        """Check that the note takes any values where it needs some. Raises NoteRefused."""
        if not may_be_unfillable(task.parsed.note):
            return  # another plan would cost a third of the throughput
        prompts = self.workspace.prompts.for_note(path)
        fields = {need: prompts.field_of(need.kind) for need in task.all_needs}
        if fields:
            texts = [Filling(n, ["text"] if f.is_list else "text") for n, f in fields.items()]
            self._plan(task, texts)

    @property
    def is_cancelled(self) -> bool:
        """Whether the user has stopped the work."""
        return self.cancelled.is_set()

    def require_not_cancelled(self) -> None:
        """Raise Cancelled once the user has stopped the work."""
        if self.is_cancelled:
            raise Cancelled("The work was stopped; nothing else was written")

    def _plan(self, task: Task, fillings: Sequence[Filling]) -> tuple[Plan, list[Edit]]:
        """Return the plan for the task's note, and the edits of its text as it was read.

        Raises NoteRefused.
        """
        rules, styles = self.workspace.rules, self._styles()
        afterwards = self.workspace.config.notes.postponed_afterwards
        with _ONE_PLAN:
            plan = plan_edits(task.parsed, fillings, rules, styles, afterwards)
        old = task.data.decode("utf-8")
        return plan, plan.edits if old == task.parsed.note.text else diff_edits(old, plan.text)


def keys_of(fillings: Sequence[Filling]) -> set[str]:
    """Return the keys of the needs that are filled."""
    return {filling.need.key for filling in fillings}
