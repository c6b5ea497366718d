"""Writes values into a note: planned on the note as it is now, and in the journal first."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from threading import Event, Lock

from companion.enrich.context.vault_context import VaultContext, choose_styles
from companion.enrich.note_guard import SettingsChanged, prepare_again
from companion.enrich.places import Plan, plan_edits
from companion.enrich.result import Filling, OpenProposal, Result, describe_waiting, proposed_result
from companion.enrich.task import Job, Task
from companion.enrich.vault_settings import SettingsUnusable, VaultSettings
from companion.enrich.workspace import Workspace
from companion.errors import DiskFull, NoteChanged, NoteRefused, StorageError
from companion.llm.endpoint_errors import Cancelled
from companion.llm.response import Usage
from companion.note.edit import Edit, diff_edits
from companion.note.frontmatter import may_be_unfillable
from companion.store.journal import Change, NewChange, write_note
from companion.store.proposal import ProposalState
from companion.vault.write import SETTLE, ConcurrentWrite, NotePartlyWritten, Snapshot, read_note

_ATTEMPTS = 3  # to write a note that somebody else is writing
# Threads that only compute switch every 5 ms, which costs a fifth of their time.
_ONE_PLAN = Lock()


@dataclass(frozen=True)
class NoteValues:
    """Values for a note that are stored as open proposals, and not written yet.

    job: finds their needs in the note. task: of the note as it was when they were made. proposals:
    theirs, which decided_by accepts when they are written, if they are in one of the states.
    unfilled: what is not asked for, has no value, or waits. waiting: ids of further proposals.
    new_values: values that the vault
    does not use yet, in words.
    """

    job: Job
    task: Task
    proposals: tuple[OpenProposal, ...]
    unfilled: tuple[str, ...] = ()
    waiting: tuple[int, ...] = ()
    usage: Usage = field(default_factory=Usage)
    new_values: tuple[str, ...] = ()
    decided_by: str = "setting"
    states: tuple[ProposalState, ...] = ("open",)

    @property
    def ids(self) -> tuple[int, ...]:
        """The ids of the proposals."""
        return tuple(each.id for each in self.proposals)

    def find_fitting(self, task: Task) -> list[OpenProposal]:
        """Return the proposals whose need the task's note still has, with the current need.

        Its reason is the one for which it was asked.
        """
        needs = {need.key: need for need in task.all_needs}
        return [
            replace(each, need=need._replace(reason=each.need.reason))
            for each in self.proposals
            if (need := needs.get(each.need.key))
        ]

    def filled_by(self, proposals: Collection[OpenProposal]) -> Result:
        """Return the result for the note once these are written into it."""
        return Result(
            self.job.path,
            "enriched",
            filled=tuple(proposals),
            unfilled=self.unfilled,
            usage=self.usage,
            proposals=(*(each.id for each in proposals), *self.waiting),
        )

    def made_by(self, change: Change) -> Result:
        """Return the result for the note, from the change that an editor made of these values."""
        result = self.filled_by([each for each in self.proposals if each.id in change.proposals])
        return replace(result, path=change.path, change=change.id)


class NoteWriter:
    """Writes the values of one run; every method may be called from any thread.

    context: returns the names and styles of the vault as they are now. run: the name of the run in
    the journal. settle: seconds that a note must be unchanged before it is read, or a function that
    returns them for a path; waits: whether to wait for that, rather than raise NoteNotSettled.
    cancelled: set to write nothing more.
    """

    def __init__(
        self,
        workspace: Workspace,
        context: Callable[[], VaultContext],
        run: str,
        settle: float | Callable[[str], float] = SETTLE,
        waits: bool = True,
        cancelled: Event | None = None,
    ) -> None:
        self.workspace = workspace
        self.run = run
        self._context = context
        self._settle = settle
        self._waits = waits
        self.cancelled = cancelled or Event()

    def read(self, path: str) -> Snapshot:
        """Return the note as it is once it has been unchanged for the settle time."""
        space = self.workspace
        settle = self._settle(path) if callable(self._settle) else self._settle
        limit = space.ignore.max_bytes
        return read_note(space.root, path, settle=settle, waits=self._waits, max_bytes=limit)

    def write(self, values: NoteValues) -> Result:
        """Plan the values on the note as it is now, and write them; return the result.

        If somebody else writes the note at the same time, they are planned and written again.

        Raises NoteError, Cancelled, StorageError. After NoteChanged and NoteBusy, it can be tried
        again later.
        """
        attempts = count(1)
        while True:
            settings, snapshot = self.workspace.settings, self.read(values.job.path)
            result, change = self.plan_on(values, snapshot.data)
            if change is None or values.job.dry_run:
                return result
            if self.cancelled.is_set():
                raise Cancelled("The work was stopped; nothing else was written")
            check, new = partial(self._require_settings, settings), result.new.encode("utf-8")
            try:
                written = write_note(snapshot, new, self.workspace.journal, change, check)
                return replace(result, change=written)
            except ConcurrentWrite:
                raise
            except SettingsChanged:
                self.workspace.wait_for_settings(self.cancelled)
            except (DiskFull, NotePartlyWritten) as error:
                raise StorageError(str(error)) from error
            except NoteChanged:
                if next(attempts) == _ATTEMPTS:
                    raise

    def plan_on(self, values: NoteValues, data: bytes) -> tuple[Result, NewChange | None]:
        """Return the result for a note that now holds data, and the change to record, if any.

        Raises NoteExcluded, after its proposals were forgotten; NoteRewritten; NoteRefused if a
        value has no place: it is not asked for again, unless the note has no place for any value,
        which its user may change.
        """
        path, task = values.job.path, prepare_again(self.workspace, values.job, values.task, data)
        proposals = values.find_fitting(task)
        held_back = [each for each in proposals if self._is_held_back(values, each.need.kind)]
        proposals = [each for each in proposals if each not in held_back]
        waiting = (*values.waiting, *(each.id for each in held_back))
        unfilled = (*values.unfilled, *describe_waiting(held_back))
        values = replace(values, unfilled=unfilled, waiting=waiting)
        if not (proposals and task.reopened <= {each.need.key for each in proposals}):
            if held_back:
                return proposed_result(path, held_back, unfilled, values.usage), None
            reason = task.skipped or "it was edited in the meantime, and needs nothing now"
            return Result(path, "unchanged", reason, usage=values.usage, proposals=waiting), None
        try:
            plan, edits = self._plan(task, proposals)
        except NoteRefused as error:
            self.require_places(path, task)
            if values.decided_by == "setting":  # else the user is told, and decides
                ids = [each.id for each in proposals]
                self.workspace.journal.proposals.decide(ids, "rejected", "need", error.reason)
            raise
        old = task.data.decode("utf-8")
        if plan.text == old:
            return Result(path, "unchanged", "it is as it was", usage=values.usage), None
        values = replace(values, unfilled=(*unfilled, *plan.unfilled))
        result = replace(values.filled_by(proposals), old=old, new=plan.text)
        return result, self._record(values, proposals, edits)

    def _is_held_back(self, values: NoteValues, kind: str) -> bool:
        """Return whether changed settings hold back a value that was to be written at once."""
        config, job = self.workspace.config, values.job
        if values.decided_by != "setting":
            return False
        is_off = job.background and config.background.enabled is False
        return is_off or config.review_mode(job.path, kind) == "propose"

    def _require_settings(self, settings: VaultSettings) -> None:
        """Raise SettingsChanged unless these settings still apply."""
        with suppress(SettingsUnusable):
            if self.workspace.refresh() is settings:
                return
        raise SettingsChanged("the settings were changed in the meantime; nothing was written")

    def _record(
        self, values: NoteValues, proposals: Sequence[OpenProposal], edits: list[Edit]
    ) -> NewChange:
        """Return the change with these edits as the journal will record it."""
        remarks = (*(each.remark for each in proposals), *values.new_values)
        models = (each.model for each in values.proposals)
        return NewChange(
            run=self.run,
            path=values.job.path,
            kind="enrich",
            edits=edits,
            needs=tuple(each.need.key for each in proposals),
            model=", ".join(dict.fromkeys(filter(None, models))),
            note="; ".join(filter(None, remarks)),
            proposals=tuple(each.id for each in proposals),
            decided_by=values.decided_by,
            states=values.states,
        )

    def require_places(self, path: str, task: Task) -> None:
        """Check that the note can take values where it needs some. Raises NoteRefused."""
        if not may_be_unfillable(task.parsed.note):
            return  # another plan would cost a third of the throughput
        field_of = self.workspace.prompts.field_of
        texts = [
            Filling(need, ["text"] if field_of(need.kind).is_list else "text")
            for need in task.all_needs
        ]
        if texts:
            self._plan(task, texts)

    def _plan(self, task: Task, fillings: Sequence[Filling]) -> tuple[Plan, list[Edit]]:
        """Return the plan for the task's note, and the edits to its text as it was read.

        Raises NoteRefused.
        """
        rules, styles = self.workspace.rules, choose_styles(self.workspace, self._context())
        afterwards = self.workspace.config.notes.postponed_afterwards
        with _ONE_PLAN:
            plan = plan_edits(task.parsed, fillings, rules, styles, afterwards)
        old = task.data.decode("utf-8")
        return plan, plan.edits if old == task.parsed.note.text else diff_edits(old, plan.text)
