"""One note from its needs to its new text: `Enricher.enrich` is the pipeline.

    read      the note, once nobody writes it any more                vault.write
    needs     what to ask for, and what is left alone                 task
    context   what the prompts show of the note and its vault         context, excerpt
    ask       the model, and once more about what a check rejected    asker, model_calls, retry
    accept    each answer or reject it; sanitize it                   accept, parse_answer, checks
    read      the note again, as it is by now
    plan      the edits that put the values in their places           plan, plan_worker
    write     them, in the journal first                              vault.write

Asker.ask does context, ask and accept. Two steps stand apart for editors and the daemon: ask()
ends before the second reading, and write() begins with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from threading import Event

from companion.enrich.asker import Asker
from companion.enrich.model_calls import field_of
from companion.enrich.outcome import Rejected, RepeatedFaults
from companion.enrich.plan import Filling, Plan, sample_filling
from companion.enrich.plan_worker import CHILD_FROM, Planner
from companion.enrich.result import Answered, NoteStatus, PlannedChange, Result, failed_result
from companion.enrich.task import Job, Task, prepare_task, require_same_note
from companion.enrich.workspace import Workspace
from companion.errors import (
    DiskFull,
    EndpointError,
    NoteChanged,
    NoteError,
    NoteRefused,
    StorageError,
)
from companion.llm.client import Client
from companion.llm.endpoint_errors import Cancelled
from companion.llm.response import Usage
from companion.note.edit import Edit, diff_edits
from companion.note.frontmatter import may_be_unfillable
from companion.vault.files import skip_reason
from companion.vault.journal import NeedOutcome, NewChange
from companion.vault.write import (
    SETTLE,
    ConcurrentWrite,
    NotePartlyWritten,
    Snapshot,
    read_note,
    require_writable,
    write_note,
)

_ATTEMPTS = 3  # to write a note that somebody else writes meanwhile


class Enricher:
    """Works on the notes of one run; every method may be called from any thread.

    run: the name of the run in the journal. settle: seconds that a note must be unchanged
    before it is read, or what gives them for a path; waits: whether to wait for that, rather
    than raise NoteNotSettled. cancelled: set to write nothing more.
    """

    def __init__(
        self,
        workspace: Workspace,
        asker: Asker,
        client: Client,
        run: str,
        planner: Planner | None = None,
        settle: float | Callable[[str], float] = SETTLE,
        waits: bool = True,
        cancelled: Event | None = None,
    ) -> None:
        self.workspace = workspace
        self.run = run
        self._asker = asker
        self._client = client
        self._settle = settle
        self._waits = waits
        self._cancelled = cancelled or Event()
        self._repeated_faults = RepeatedFaults()
        client.limit_calls(workspace.config.concurrency)
        self._planner = planner or open_planner(workspace)

    def enrich(self, job: Job) -> Result:
        """Return what became of the note. What concerns this note alone is a result, no error.

        Raises EndpointError, Cancelled, StorageError: no other note can be worked on then either,
        and no further call is made.
        """
        try:
            answered = self.ask(job)
            return answered if isinstance(answered, Result) else self.write(answered)
        except NoteError as error:
            return failed_result(job.path, error)
        except (EndpointError, StorageError):
            self._client.stop()
            raise

    def ask(self, job: Job, text: str | None = None) -> Answered | Result:
        """Return what the model gives for the note; a result where there is nothing to write.

        text: of the note, as an editor holds it, in place of what the file holds.

        Raises NoteError, EndpointError, Cancelled, JournalError.
        """
        if reason := skip_reason(self.workspace.root, job.path, self.workspace.ignore):
            return Result(job.path, "skipped", reason)
        data = self._read(job).data if text is None else text.encode("utf-8")
        task = prepare_task(self.workspace, job, data)
        if task.skipped:
            return Result(job.path, "skipped", task.skipped)
        if not task.needs:
            return Result(job.path, "unchanged", "nothing to fill", left=task.left)
        if text is None and not job.dry_run:
            require_writable(self.workspace.root, job.path)
        self._require_places(task)
        try:
            answers = self._asker.ask(job.path, task.parsed, task.needs, self._client)
        except RuntimeError:  # httpx2's, for a client that was closed just before it sent
            self._require_not_cancelled()
            raise
        self._repeated_faults.count(answers)
        rejected = answers.rejected
        if not job.dry_run:
            self._remember(job.path, rejected, data)
        left = (*task.left, *dict.fromkeys(each.reason for each in rejected))
        answered = Answered(job, task, answers, left)
        if answered.fillings and task.reopened <= _keys(answered.fillings):
            return answered
        is_nothing = all(each.kind in ("nothing", "no choices", "too little") for each in rejected)
        status: NoteStatus = "unchanged" if is_nothing else "failed"
        return Result(job.path, status, left[-1], left=left[:-1], usage=answers.usage)

    def write(self, answered: Answered) -> Result:
        """Return what became of the note: planned on it as it is now, and written.

        It is planned and written again on what somebody wrote meanwhile.

        Raises NoteError, Cancelled, StorageError. After NoteChanged and NoteBusy, it can be
        tried again later.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            snapshot = self._read(answered.job)
            planned = self.plan_on(answered, snapshot.data)
            result = planned.result
            if result.status != "enriched" or answered.job.dry_run:
                return result
            self._require_not_cancelled()
            try:
                return replace(result, change=self._commit(snapshot, planned))
            except ConcurrentWrite:
                raise
            except (DiskFull, NotePartlyWritten) as error:
                raise StorageError(str(error)) from error
            except NoteChanged:
                if attempt == _ATTEMPTS:
                    raise
        raise AssertionError("unreachable")

    def plan_on(self, answered: Answered, data: bytes) -> PlannedChange:
        """Return what becomes of a note that holds data by now; nothing is written.

        Raises NoteRewritten: little of what the model was asked about is left. NoteRefused: a
        value has no place; that is remembered, so that it is not asked for again, unless the note
        has no place for any value: its user may change that.
        """
        job, task, usage = answered.job, answered.task, answered.usage
        if data != task.data:
            require_same_note(task.data, data, job.path)
            task = prepare_task(self.workspace, job, data)
        fillings = answered.still_needed(task)
        if task.skipped or not fillings or not task.reopened <= _keys(fillings):
            reason = task.skipped or "it was edited meanwhile and needs nothing now"
            return PlannedChange(Result(job.path, "unchanged", reason, usage=usage), [])
        try:
            plan, edits = self._plan(task, fillings)
        except NoteRefused as error:
            self._require_places(task)
            if not job.dry_run:
                refused = [Rejected(each.need, error.reason, "refused") for each in fillings]
                self._remember(job.path, refused, data)
            raise
        old, new = task.data.decode("utf-8"), plan.text
        if new == old:
            return PlannedChange(Result(job.path, "unchanged", "it is as it was", usage=usage), [])
        left = (*answered.left, *plan.left)
        made = Result(job.path, "enriched", "", tuple(fillings), left, usage, old, new)
        answers = answered.answers
        proposed = tuple(each.proposal for each in answers.rejected if each.proposed)
        fallbacks = {each.need.key for each in answers.accepted if each.fallback_for}
        fallback = tuple(each.need.kind for each in fillings if each.need.key in fallbacks)
        return PlannedChange(replace(made, proposed=proposed, fallback=fallback), edits)

    def change_of(self, planned: PlannedChange) -> NewChange:
        """Return what the journal is to hold of the change."""
        result = planned.result
        remarks = (*(each.remark for each in result.filled), *result.proposed)
        return NewChange(
            run=self.run,
            path=result.path,
            kind="enrich",
            edits=planned.edits,
            needs=tuple(filling.need.key for filling in result.filled),
            model=self._client.settings.model,
            note="; ".join(filter(None, remarks)),
        )

    def refuse(self, answered: Answered, reason: str) -> None:
        """Remember that the user does not want what the model gave, so it is not asked again."""
        refused = [Rejected(filling.need, reason, "refused") for filling in answered.fillings]
        self._remember(answered.job.path, refused, answered.task.data)

    @property
    def usage(self) -> Usage:
        """What all calls took, also those without a usable answer."""
        return self._client.usage

    def close(self) -> None:
        """Break off the calls under way, and ask nothing more."""
        self._client.close()

    def _read(self, job: Job) -> Snapshot:
        """Return the note as it is once it has been unchanged for the settle time."""
        space = self.workspace
        limit = space.ignore.max_bytes
        settle = self._settle(job.path) if callable(self._settle) else self._settle
        return read_note(space.root, job.path, settle=settle, waits=self._waits, max_bytes=limit)

    def _require_places(self, task: Task) -> None:
        """Check that the note takes any values where it needs some. Raises NoteRefused."""
        if not may_be_unfillable(task.parsed.note):
            return  # another plan would cost a third of the throughput
        kinds = [(need, field_of(need, self.workspace.prompts).kind) for need in task.needs]
        self._plan(task, [sample_filling(need, kind == "list") for need, kind in kinds])

    def _plan(self, task: Task, fillings: Sequence[Filling]) -> tuple[Plan, list[Edit]]:
        """Return what becomes of the task's note, and the edits of its text as it was read.

        Raises NoteRefused.
        """
        afterwards = self.workspace.config.notes.postponed_afterwards
        styles = self._asker.callout_styles
        plan = self._planner.plan(task.parsed, fillings, styles, afterwards)
        old = task.data.decode("utf-8")
        return plan, plan.edits if old == task.parsed.note.text else diff_edits(old, plan.text)

    def _commit(self, snapshot: Snapshot, planned: PlannedChange) -> int:
        """Write the note, and return the change's id in the journal."""
        new, journal = planned.result.new.encode("utf-8"), self.workspace.journal
        return write_note(snapshot, new, journal, self.change_of(planned))

    def _require_not_cancelled(self) -> None:
        if self._cancelled.is_set():
            raise Cancelled("The work was stopped; what was not written yet was left as it was")

    def _remember(self, path: str, rejected: Iterable[Rejected], data: bytes) -> None:
        """Record in the journal what was rejected, so that it is not asked for again."""
        for each in rejected:
            if each.kind in ("no completion", "no choices", "too little"):  # nothing was asked
                continue
            outcome: NeedOutcome = "nothing" if each.kind == "nothing" else "rejected"
            if each.proposed:
                outcome = "proposed"
            reason = each.proposal or each.reason
            self.workspace.journal.remember(path, each.need.key, outcome, reason, data)


def open_planner(workspace: Workspace) -> Planner:
    """Return a planner for the vault's rules; it has a child process where many notes run at once.

    Several runs may share it.
    """
    return Planner(workspace.rules, has_child=workspace.config.concurrency >= CHILD_FROM)


def _keys(fillings: Sequence[Filling]) -> set[str]:
    return {filling.need.key for filling in fillings}
