"""One note from its needs to its new text: `Enricher.ask`, then `NoteWriter.write`.

    read      the note, once nobody writes it any more               vault.write
    examine   what it needs, what of it is left alone, and why       task, note.facts
    choose    what to ask for: not what is proposed, or was asked    needs_to_ask
    context   what the prompts show of the note and its vault        context
    ask       the model, and again about what a check rejected       asker, model_calls
    accept    each answer or reject it; make it harmless             answers, checks
    propose   all of it, stored; some waits for a decision           new_proposals, proposal_store
    plan      the edits, on the note as it is by then                note_guard, places
    write     them, in the journal first                             note_writer, store.journal

`ask` ends with what is proposed, and calls Asker.ask for context, ask and accept. The engine, in
app/engine, calls both, or leaves the writing to an editor that shows the note.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from threading import Event

from companion.enrich.answers.outcome import NOT_ASKED, NoteAnswers, RepeatedFaults
from companion.enrich.asker import Asker
from companion.enrich.needs_to_ask import LOST
from companion.enrich.new_proposals import AnswerStore
from companion.enrich.note_guard import NoteExcluded, NoteGuard, SettingsChanged, is_rewritten
from companion.enrich.note_writer import NoteValues, NoteWriter
from companion.enrich.result import (
    NoteStatus,
    OpenProposal,
    Result,
    describe_waiting,
    failed_result,
    proposed_result,
    unfilled_result,
)
from companion.enrich.task import REWRITTEN, Job, Task, examine_note, is_written
from companion.enrich.vault_settings import SettingsUnusable
from companion.errors import NoteBusy, NoteError
from companion.llm.client import Client
from companion.llm.response import Usage
from companion.note.needs import Need
from companion.store.moves import follow_note
from companion.vault.files import skip_reason
from companion.vault.write import SETTLE, require_writable

_ANSWERED = ("nothing", *NOT_ASKED)  # no failure: there is no such value
_IN_PART = "only the beginning of the text that a model was asked about is there; is it syncing?"


class Enricher(NoteWriter):
    """Works on the notes of one run; every method may be called from any thread.

    asker: asks the model about notes of its vault, through client, which counts the calls and ends
    them. The other parameters are NoteWriter's.
    """

    def __init__(
        self,
        asker: Asker,
        client: Client,
        run: str,
        settle: float | Callable[[str], float] = SETTLE,
        waits: bool = True,
        cancelled: Event | None = None,
    ) -> None:
        own = run, settle, waits, cancelled
        super().__init__(asker.workspace, lambda: asker.vault_context, *own)
        self._asker = asker
        self.client = client
        self._repeated_faults = RepeatedFaults()

    def enrich(self, job: Job) -> Result:
        """Enrich a single note; return the result, including a failure of this note alone."""
        try:
            values = self.ask(job)
            return values if isinstance(values, Result) else self.write(values)
        except NoteError as error:
            return failed_result(job.path, error)

    def ask(self, job: Job) -> NoteValues | Result:
        """Return the values to write into the note, or the result if there is nothing to write.

        Needs with an open proposal are not asked for. The model's answers are stored as proposals
        before this returns, so nothing is asked for twice, whatever happens to them. If settings
        change in between, the rest is asked for with the new ones.

        Raises NoteError, EndpointError, Cancelled, JournalError.
        """
        while True:
            self.workspace.wait_for_settings(self.cancelled)
            with suppress(SettingsChanged, SettingsUnusable):
                try:
                    return self._ask(job)
                except NoteExcluded as error:
                    return Result(error.path, "skipped", error.reason, usage=error.usage)

    def _ask(self, job: Job) -> NoteValues | Result:
        """Return what ask() does. Raises SettingsChanged if settings changed in between."""
        space, path = self.workspace, job.path
        basis, since = space.attempt_basis(path), space.journal.claims.newest_proposal()
        task = examine_note(space, job, self.read)
        if task.skipped:
            return Result(path, "skipped", task.skipped)
        task, proposals = self._reuse_open(job, task)
        if not task.needs and not proposals:
            return Result(path, "unchanged", "nothing to fill", unfilled=task.unfilled)
        if not (job.dry_run or job.propose):
            require_writable(space.root, path)
        answers = NoteAnswers((), Usage())  # where all of it was proposed before
        if task.needs:
            self.require_places(path, task)
            keys = [need.key for need in task.needs]
            with space.journal.claims.asking(path, keys, since) as claimed:
                task = _leave_claimed(job, task, claimed)
                if task.needs:
                    job, answers, new = self._ask_model(job, task)
                    proposals += new
            unaskable = (each for each in answers.rejected if each.kind in NOT_ASKED)
            reasons = {each.need.key: each.reason for each in unaskable}
            asked = {each.need.key for each in answers.outcomes}
            space.record_unfillable(job.path, basis, asked, reasons)
        is_moved = job.path != path
        if is_moved and (reason := skip_reason(space.root, job.path, space.ignore)):
            return Result(job.path, "skipped", reason, usage=answers.usage)
        return self._choose_written(job, task, proposals, answers)

    def keep(self, values: NoteValues) -> Result:
        """Return the result of a note whose values stay proposals: the user stopped the run."""
        kinds = ", ".join(each.need.kind for each in values.proposals)
        reason = f"{kinds}: kept, since the run was stopped; the next one writes it without a call"
        result = Result(values.job.path, "proposed", reason, unfilled=values.unfilled)
        return replace(result, usage=values.usage, proposals=(*values.ids, *values.waiting))

    def _reuse_open(self, job: Job, task: Task) -> tuple[Task, list[OpenProposal]]:
        """Return the task, and the open proposals for its note that still apply.

        Proposals whose text a sync conflict removed from the note are reopened first.

        If little is left of the text that a proposal was made from, it is closed, and asked for
        again. But background work asks and writes nothing while the note is only the beginning of
        that text, as when a sync client writes it in parts.
        """
        store = self.workspace.journal.proposals
        by_id = {latest.id: (need, latest) for need, latest in task.pending}
        open_ids = [id_ for id_, (_, latest) in by_id.items() if latest.state != "asked"]
        proposals, stale = list[OpenProposal](), list[Need]()
        for stored in store.get_all(open_ids) if open_ids else ():
            (need, latest), source = by_id[stored.id], store.source(stored)
            if stored.value is None:  # the user has just had it deleted
                continue
            if is_rewritten(source, task.data):
                if job.background and source is not None and source.startswith(task.data):
                    return replace(task, needs=(), unfilled=(*task.unfilled, _IN_PART)), []
                store.decide([stored.id], "closed", "need", REWRITTEN)
                stale.append(need)
                continue
            if latest.state == "accepted":
                store.reopen_accepted(stored.id, latest.flags, LOST)
            proposals.append(replace(OpenProposal.of(stored.id, need, stored), flags=latest.flags))
        return replace(task, needs=(*task.needs, *stale)), proposals

    def _ask_model(self, job: Job, task: Task) -> tuple[Job, NoteAnswers, list[OpenProposal]]:
        """Ask the model; return its answers and the open proposals made of them, all stored.

        The job has the note's current path.
        """
        space, asker = self.workspace, self._asker
        path = follow_note(space.root, space.journal, job.path, task.data, task.read_at)
        guard = NoteGuard(space, job, task, path, self.cancelled)
        store = AnswerStore(space, asker.model, self.run, job, guard)
        needs, keep = task.needs, store.keep
        answers = asker.ask(job.path, task.parsed, needs, self.client, keep, guard, job.again)
        store.keep_rest(answers)
        if task.settings_version != space.settings.version:
            raise SettingsChanged("the settings were changed meanwhile", store.job.path)
        self._repeated_faults.count(answers)  # which ends the run if they are too many
        by_need = store.proposals
        return store.job, answers, [by_need[n.need] for n in answers.outcomes if n.need in by_need]

    def _choose_written(
        self, job: Job, task: Task, proposals: Sequence[OpenProposal], answers: NoteAnswers
    ) -> NoteValues | Result:
        """Return the values to write, or the result if all of them wait or there are none.

        What Companion wrote before is replaced as a whole: nothing is written while one of its
        values waits or is missing.
        """
        config = self.workspace.config
        to_write = [each for each in proposals if is_written(config, job, each.need.kind, each)]
        waiting = [each for each in proposals if each not in to_write]
        open_keys = {each.need.key for each in proposals}
        rejected = [
            each
            for each in answers.rejected
            if each.need.key not in open_keys and each.kind != "asked"
        ]
        unfilled = (*task.unfilled, *dict.fromkeys(each.reason for each in rejected))
        if not to_write or not task.reopened <= {each.need.key for each in to_write}:
            if proposals:
                return proposed_result(job.path, proposals, unfilled, answers.usage)
            # nothing was proposed, so all that was asked for was rejected, or is in a batch
            status: NoteStatus = (
                "failed" if any(each.kind not in _ANSWERED for each in rejected) else "unchanged"
            )
            return unfilled_result(job.path, status, unfilled, answers.usage)
        return NoteValues(
            job,
            task,
            tuple(to_write),
            unfilled=(*unfilled, *describe_waiting(waiting)),
            waiting=tuple(each.id for each in waiting),
            usage=answers.usage,
            new_values=tuple(each.proposal for each in rejected if each.new_values),
        )


def _leave_claimed(job: Job, task: Task, claimed: set[str]) -> Task:
    """Return the task without the needs that another run is asking for.

    Raises NoteBusy if background work had nothing else to do.
    """
    others = ", ".join(need.kind for need in task.needs if need.key not in claimed)
    if not others:
        return task
    needs = tuple(need for need in task.needs if need.key in claimed)
    why = f"{others}: another run is asking for it"
    if job.background and not needs:
        raise NoteBusy(why, job.path)
    return replace(task, needs=needs, unfilled=(*task.unfilled, why))
