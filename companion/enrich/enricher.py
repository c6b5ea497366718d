"""One note from its needs to its new text: read, ask, plan, read again, write."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from threading import Event

from companion.enrich.accept import Outcome
from companion.enrich.asker import Asker, ask_as_meant
from companion.enrich.model_calls import field_of
from companion.enrich.parse_answer import NothingToOffer, NothingToSay
from companion.enrich.plan import Filling, Plan, any_filling
from companion.enrich.plan_worker import MANY, Planner
from companion.enrich.repeated_faults import RepeatedFaults
from companion.enrich.result import Answered, NoteStatus, PlannedChange, Result, failed_result
from companion.enrich.task import Draft, Job, draft_note, require_same_note
from companion.enrich.workspace import Workspace
from companion.errors import (
    AnswerError,
    DiskFull,
    EndpointError,
    NoteChanged,
    NoteError,
    NoteRefused,
    StorageError,
)
from companion.llm.client import Client
from companion.llm.errors import Cancelled
from companion.llm.response import NoCompletion, Usage
from companion.note.callouts import Styles
from companion.note.edit import Edit, diff_edits
from companion.note.frontmatter import may_be_unfillable
from companion.note.needs import Need
from companion.vault.files import skip_reason
from companion.vault.journal import NeedOutcome as Journaled
from companion.vault.journal import NewChange
from companion.vault.write import (
    SETTLE,
    NoteMixed,
    NoteTorn,
    Snapshot,
    read_note,
    require_writable,
    write_note,
)

_TRIES = 3


class Enricher:
    """Works on the notes of one run; every method may be called from any thread.

    run: the name of the run in the journal. settle: seconds that a note must be unchanged
    before it is read, or what gives them for a path; waits: whether to wait for that, rather
    than raise NoteYoung.
    cancelled: set to write nothing more.
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
        self._breaker = RepeatedFaults()
        client.limit_calls(workspace.config.concurrency)
        self._planner = planner or open_planner(workspace)

    @property
    def usage(self) -> Usage:
        """What all its calls took, also those without a usable answer."""
        return self._client.usage

    def close(self) -> None:
        """Break off the calls under way, and ask nothing more."""
        self._client.close()

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

        text: the note as an editor holds it, in place of what the file does.

        Raises NoteError, EndpointError, Cancelled, JournalError.
        """
        if reason := skip_reason(self.workspace.root, job.path, self.workspace.ignore):
            return Result(job.path, "skipped", reason)
        data = self._snapshot(job).data if text is None else text.encode("utf-8")
        draft = draft_note(self.workspace, job, data)
        if draft.skipped:
            return Result(job.path, "skipped", draft.skipped)
        if not draft.needs:
            return Result(job.path, "unchanged", "nothing to fill", left=draft.left)
        if text is None and not job.dry_run:
            require_writable(self.workspace.root, job.path)
        self._require_places(draft)
        try:
            outcome = ask_as_meant(
                self._asker, job.path, draft.view, draft.needs, self._styles, self._client
            )
        except RuntimeError:  # httpx2's, for a client that was closed just before it sent
            self._check()
            raise
        self._breaker.count(outcome)
        if not job.dry_run:
            self._remember(job.path, outcome.refused, data)
        left = (*draft.left, *dict.fromkeys(str(error) for error in outcome.refused.values()))
        if not outcome.fillings or draft.own - _keys(outcome.fillings):
            nothing = all(isinstance(error, NothingToSay) for error in outcome.refused.values())
            status: NoteStatus = "unchanged" if nothing else "failed"
            return Result(job.path, status, left[-1], left=left[:-1], usage=outcome.usage)
        return Answered(job, draft, outcome, left)

    def write(self, answered: Answered) -> Result:
        """Return what became of the note: planned on it as it is now, and written.

        Planned and written again on what somebody wrote meanwhile.

        Raises NoteError, Cancelled, StorageError. After NoteChanged and NoteBusy, it can be
        tried again later.
        """
        for attempt in range(1, _TRIES + 1):
            snapshot = self._snapshot(answered.job)
            result, edits = self.plan_on(answered, snapshot.data)
            if result.status != "enriched" or answered.job.dry_run:
                return result
            self._check()
            try:
                return replace(result, change=self._commit(snapshot, result, edits))
            except NoteMixed:
                raise
            except (DiskFull, NoteTorn) as error:
                raise StorageError(str(error)) from error
            except NoteChanged:
                if attempt == _TRIES:
                    raise
        raise AssertionError("unreachable")

    def plan_on(self, answered: Answered, data: bytes) -> PlannedChange:
        """Return what becomes of a note that holds data by now; nothing is written.

        Raises NoteRewritten: little of what the model was asked about is left. NoteRefused: what
        it gave has no place; that is remembered, so that it is not asked for again, unless the
        note has a place for nothing: it may be mended.
        """
        job, draft, outcome = answered.job, answered.draft, answered.outcome
        if data != draft.data:
            require_same_note(draft.data, data, job.path)
            draft = draft_note(self.workspace, job, data)
        fillings = answered.still_needed(draft)
        if draft.skipped or not fillings or draft.own - _keys(fillings):
            reason = draft.skipped or "it was edited meanwhile and needs nothing now"
            return PlannedChange(_unchanged(answered, reason), [])
        try:
            plan, edits = self.plan(draft, fillings)
        except NoteRefused as error:
            self._require_places(draft)
            self._remember_refused(job, fillings, error, data)
            raise
        old, new = draft.data.decode("utf-8"), plan.text
        if new == old:
            return PlannedChange(
                Result(job.path, "unchanged", "it is as it was", usage=outcome.usage), []
            )
        left = (*answered.left, *plan.left)
        made = Result(job.path, "enriched", "", tuple(fillings), left, outcome.usage, old, new)
        own = {need.key for need in outcome.fallbacks}
        fallback = tuple(each.need.kind for each in fillings if each.need.key in own)
        return PlannedChange(replace(made, proposed=_proposals(outcome), fallback=fallback), edits)

    def refuse(self, answered: Answered, reason: str) -> None:
        """Remember that the user does not want what the model gave, so that nobody asks again."""
        error = AnswerError(reason)
        fillings = answered.outcome.fillings
        refused = {filling.need: error for filling in fillings}
        self._remember(answered.job.path, refused, answered.draft.data)

    def plan(self, draft: Draft, fillings: Sequence[Filling]) -> tuple[Plan, list[Edit]]:
        """Return what becomes of the draft's note, and the edits of its text as it was read.

        Raises NoteRefused.
        """
        space = self.workspace
        afterwards = space.config.notes.postponed_afterwards
        plan = self._planner.plan(draft.view, fillings, self._styles, afterwards)
        old = draft.data.decode("utf-8")
        return plan, plan.edits if old == draft.view.note.text else diff_edits(old, plan.text)

    def change_of(self, planned: PlannedChange) -> NewChange:
        """Return what the journal is to hold of it."""
        made = planned.result
        return NewChange(
            run=self.run,
            path=made.path,
            kind="enrich",
            edits=planned.edits,
            needs=tuple(filling.need.key for filling in made.filled),
            model=self._client.settings.model,
            note="; ".join(filter(None, (*(each.remark for each in made.filled), *made.proposed))),
        )

    def _require_places(self, draft: Draft) -> None:
        """Check that the note takes any values where it needs some. Raises NoteRefused."""
        if not may_be_unfillable(
            draft.view.note
        ):  # another plan would cost a third of the throughput
            return
        kinds = [(need, field_of(need, self.workspace.prompts).kind) for need in draft.needs]
        self.plan(draft, [any_filling(need, kind == "list") for need, kind in kinds])

    @property
    def _styles(self) -> Styles:
        return self.workspace.config.styles(self._asker.known.styles)

    def _check(self) -> None:
        if self._cancelled.is_set():
            raise Cancelled("The work was stopped; what was not written yet was left as it was")

    def _commit(self, snapshot: Snapshot, made: Result, edits: list[Edit]) -> int:
        change = self.change_of(PlannedChange(made, edits))
        return write_note(snapshot, made.new.encode("utf-8"), self.workspace.journal, change)

    def _snapshot(self, job: Job) -> Snapshot:
        space = self.workspace
        limit = space.ignore.max_bytes
        settle = self._settle(job.path) if callable(self._settle) else self._settle
        return read_note(space.root, job.path, settle=settle, waits=self._waits, max_bytes=limit)

    def _remember(self, path: str, refused: Mapping[Need, AnswerError], data: bytes) -> None:
        for need, error in refused.items():
            if isinstance(error, NoCompletion | NothingToOffer):
                continue
            reason = error.proposed or str(error)
            outcome = _what_came_of(error)
            self.workspace.journal.remember(path, need.key, outcome, reason, data)

    def _remember_refused(
        self, job: Job, fillings: Sequence[Filling], why: NoteRefused, data: bytes
    ) -> None:
        if not job.dry_run:
            error = AnswerError(why.reason)
            self._remember(job.path, {filling.need: error for filling in fillings}, data)


def open_planner(workspace: Workspace) -> Planner:
    """Return a planner for the vault's rules; it has a child process where many notes run at once.

    Several runs may share it.
    """
    return Planner(workspace.rules, has_child=workspace.config.concurrency >= MANY)


def _unchanged(answered: Answered, reason: str) -> Result:
    return Result(answered.job.path, "unchanged", reason, usage=answered.outcome.usage)


def _what_came_of(error: AnswerError) -> Journaled:
    if error.proposed:
        return "proposed"
    return "nothing" if isinstance(error, NothingToSay) else "rejected"


def _proposals(outcome: Outcome) -> tuple[str, ...]:
    return tuple(error.proposed for error in outcome.refused.values() if error.proposed)


def _keys(fillings: Sequence[Filling]) -> set[str]:
    return {filling.need.key for filling in fillings}
