"""One note from its needs to its new text: `Enricher.ask`, then `NoteWriter.write`.

    read      the note, once nobody writes it any more                vault.write
    needs     what to ask for, what is left alone and why             task
    context   what the prompts show of the note and its vault         context, excerpt
    ask       the model, and once more about what a check rejected    asker, model_calls
    accept    each answer or reject it; sanitize it                   accept, parse_answer, checks
    store     all of it as proposals; some wait for a decision        new_proposals, store.proposals
    read      the note again, which may have changed
    plan      the edits that put the values in their places           plan
    write     them, in the journal first                              note_writer, store.journal

Asker.ask does context, ask and accept. `Enricher.ask` ends before the second reading; write()
begins with it, and is NoteWriter's. The engine, in app/engine, calls both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from threading import Event
from typing import NamedTuple

from companion.enrich.asker import Asker
from companion.enrich.new_proposals import ProposalMaker
from companion.enrich.note_guard import NoteExcluded, NoteGuard, SettingsChanged
from companion.enrich.note_writer import Answered, NoteWriter, keys_of
from companion.enrich.outcome import Accepted, NoteAnswers, Rejected, RepeatedFaults
from companion.enrich.plan import Filling
from companion.enrich.run import (
    NoteStatus,
    Result,
    Waiting,
    describe_waiting,
    failed_result,
    proposed_result,
)
from companion.enrich.task import LOST, REWRITTEN, Job, Task, is_rewritten, is_written, prepare_task
from companion.enrich.vault_settings import SettingsUnusable
from companion.errors import NoteError
from companion.llm.client import Client
from companion.llm.response import Usage
from companion.note.needs import Need
from companion.store.moves import follow_note
from companion.store.proposal import Flag
from companion.vault.files import NoteFile, skip_reason
from companion.vault.write import SETTLE, require_writable


class _OpenProposal(NamedTuple):
    """An open proposal for the current note: it is written now, or waits for a decision.

    waits: it was asked for to be looked at first, as with --propose.
    """

    id: int
    filling: Filling
    flags: tuple[Flag, ...]
    waits: bool
    model: str

    @property
    def need(self) -> Need:
        return self.filling.need

    @property
    def waiting(self) -> Waiting:
        return Waiting(self.id, self.need.kind, self.flags)


_IN_PART = "only the beginning is there of the text that a model was asked about; is it syncing?"


class Enricher(NoteWriter):
    """Works on the notes of one run; every method may be called from any thread.

    asker: asks the model about notes of its vault, by the calls of client. The other parameters
    are NoteWriter's.
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
        # the styles change with the vault
        super().__init__(asker.workspace, lambda: asker.callout_styles, *own)
        self._asker = asker
        self._client = client
        self._repeated_faults = RepeatedFaults()

    def enrich(self, job: Job) -> Result:
        """Enrich a single note; return the result, also of a failure of this note alone."""
        try:
            answer = self.ask(job)
            return answer if isinstance(answer, Result) else self.write(answer)
        except NoteError as error:
            return failed_result(job.path, error)

    def ask(self, job: Job) -> Answered | Result:
        """Return the values to write into the note; a result where there is nothing to write.

        What has an open proposal is not asked for. What the model gives is stored as proposals
        before this returns, so that nothing is asked for twice, whatever becomes of it. Where
        settings are changed meanwhile, the rest is asked for by the new ones.

        Raises NoteError, EndpointError, Cancelled, JournalError.
        """
        while True:
            self.workspace.wait_for_settings(self.cancelled)
            try:
                return self._ask(job)
            except (SettingsChanged, SettingsUnusable):
                continue
            except NoteExcluded as error:
                return Result(error.path, "skipped", error.reason, usage=error.usage)

    def _ask(self, job: Job) -> Answered | Result:
        if reason := skip_reason(self.workspace.root, job.path, self.workspace.ignore):
            return Result(job.path, "skipped", reason)
        task = prepare_task(self.workspace, job, self.read(job.path).data)
        if task.skipped:
            return Result(job.path, "skipped", task.skipped)
        task, proposed = self._reuse_open(job, task)
        if not task.needs and not proposed:
            return Result(job.path, "unchanged", "nothing to fill", left=task.unfilled)
        if not (job.dry_run or job.propose):
            require_writable(self.workspace.root, job.path)
        answers = NoteAnswers((), Usage())  # where all of it was proposed before
        if task.needs:
            self.require_places(job.path, task)
            job_now, answers, more = self._ask_model(job, task)
            proposed += more
            if job_now != job:
                job, moved_to = job_now, job_now.path
                if reason := skip_reason(self.workspace.root, moved_to, self.workspace.ignore):
                    return Result(moved_to, "skipped", reason, usage=answers.usage)
        return self._choose_written(job, task, proposed, answers)

    @property
    def usage(self) -> Usage:
        """The tokens of all calls, also of those without a usable answer."""
        return self._client.usage

    @property
    def under_way(self) -> int:
        """How many calls were sent, and have no reply yet."""
        return self._client.under_way

    def stop(self) -> None:
        """Make no further calls; those under way are finished."""
        self._client.stop()

    def close(self) -> None:
        """Abort the calls under way, and make no more."""
        self._client.close()

    def keep(self, answered: Answered) -> Result:
        """Return the result of a note whose values stay proposals, as the user stopped the run."""
        ids = (*answered.ids_of(answered.fillings), *answered.waiting)
        kinds = ", ".join(each.need.kind for each in answered.fillings)
        reason = f"{kinds}: kept, as the run was stopped; the next one writes it without a call"
        unfilled, usage = answered.unfilled, answered.usage
        return Result(
            answered.job.path, "proposed", reason, left=unfilled, usage=usage, proposals=ids
        )

    def _reuse_open(self, job: Job, task: Task) -> tuple[Task, list[_OpenProposal]]:
        """Return the task, and the open proposals for its note that still apply.

        What a sync conflict took out of the note is opened again first.

        What was made from a text of which little is left is closed, and asked for again. But in the
        background nothing is asked or written while the note is only the beginning of that text:
        so is one that a sync client writes in parts.
        """
        store = self.workspace.journal.proposals
        open_needs = {each[1].id: each for each in task.proposed if each[1].state != "asked"}
        proposed, stale = [], []
        for kept in store.get_all(open_needs) if open_needs else ():
            (need, latest), source = open_needs[kept.id], store.source(kept)
            if is_rewritten(source, task.data):
                if job.background and source is not None and source.startswith(task.data):
                    return replace(task, needs=(), unfilled=(*task.unfilled, _IN_PART)), []
                store.decide([kept.id], "closed", "need", REWRITTEN)
                stale.append(need)
                continue
            if latest.state == "accepted":
                store.reopen_accepted(kept.id, latest.flags, LOST)
            assert kept.value is not None, "an open proposal has a value"
            filling = Filling(need, kept.value, kept.remark)
            proposed.append(_OpenProposal(kept.id, filling, latest.flags, kept.waits, kept.model))
        return replace(task, needs=(*task.needs, *stale)), proposed

    def _ask_model(self, job: Job, task: Task) -> tuple[Job, NoteAnswers, list[_OpenProposal]]:
        """Ask the model; return its answers and the open proposals made of them, all stored.

        The job has the path that the note has by then. What is accepted is stored after each call,
        since the next one may fail; what is rejected at the end, since the next call may ask for it
        once more.
        """
        kept: list[tuple[Accepted | Rejected, _OpenProposal]] = []
        moved, spent, total = job, Usage(), Usage()
        space, note = self.workspace, (job.path, task.data, task.read_at)
        current_path = follow_note(space.root, space.journal, *note)
        guard = NoteGuard(space, job, task, current_path, self.cancelled)

        def keep(outcomes: Sequence[Accepted | Rejected], usage: Usage) -> None:
            nonlocal moved, spent, total
            total += usage
            moved = job._replace(path=guard.check_keeping())
            accepted = [each for each in outcomes if isinstance(each, Accepted)]
            if accepted:
                kept.extend(self._store(moved, task, accepted, usage, guard.shown))
                spent += usage

        try:
            asked = job.path, task.parsed, task.needs
            answers = self._asker.ask(*asked, self._client, keep, guard, job.again)
        except NoteExcluded as error:
            error.usage = total
            raise
        stored = [outcome for outcome, _ in kept]
        rest = [each for each in answers.outcomes if each not in stored]
        if rest:
            moved = job._replace(path=guard.check_keeping())
            kept += self._store(moved, task, rest, answers.usage - spent, guard.shown)
        if task.settings_version != space.settings.version:
            raise SettingsChanged("the settings were changed meanwhile", job.path)
        self._repeated_faults.count(answers)  # which ends the run if they are too many
        # without those that a sentence of the note has taken the place of
        proposed = [new for each in answers.outcomes for outcome, new in kept if outcome == each]
        return moved, answers, proposed

    def _store(
        self,
        job: Job,
        task: Task,
        outcomes: Sequence[Accepted | Rejected],
        usage: Usage,
        shown: Sequence[NoteFile],
    ) -> list[tuple[Accepted | Rejected, _OpenProposal]]:
        """Store the outcomes as proposals; return each outcome with its open proposal.

        shown: the other files that the prompts quote.

        It is on the disk at once unless a change of the note or a batch's file follows. What
        would not be asked for any more, by settings that were changed meanwhile, is not stored.
        """
        space = self.workspace
        if task.settings_version != space.settings.version:
            now = prepare_task(space, job.to_place(), task.data)
            keys = set() if now.skipped else {need.key for need in now.all_needs}
            outcomes = [each for each in outcomes if each.need.key in keys]
        tokens = (usage.input_tokens, usage.output_tokens)
        maker, paths = ProposalMaker(space, self._asker.model), [each.path for each in shown]
        made = maker.make(job, task, outcomes, tokens, self.run, paths)
        follows = all(new.state == "asked" for new in made) or any(
            is_written(space.config, job, new.need.kind, new) for new in made
        )
        ids = space.journal.proposals.add(made, durable=job.dry_run or not follows)
        by_need = {each.need: each for each in outcomes}
        stored = []
        for id_, new in zip(ids, made, strict=True):
            if new.state == "open" and new.value is not None:
                filling = Filling(new.need, new.value, new.remark)
                kept = _OpenProposal(id_, filling, new.flags, new.waits, new.model)
                stored.append((by_need[new.need], kept))
        return stored

    def _choose_written(
        self, job: Job, task: Task, proposed: Sequence[_OpenProposal], answers: NoteAnswers
    ) -> Answered | Result:
        """Return the values to write, or the result if all of them wait or there are none.

        What Companion wrote before is replaced as a whole: nothing is written while one of its
        values waits or is missing.
        """
        config = self.workspace.config
        written = [each for each in proposed if is_written(config, job, each.need.kind, each)]
        waiting = [each for each in proposed if each not in written]
        open_keys = {each.need.key for each in proposed}
        rejected = [
            each
            for each in answers.rejected
            if each.need.key not in open_keys and each.kind != "asked"
        ]
        unfilled = (*task.unfilled, *dict.fromkeys(each.reason for each in rejected))
        fillings = tuple(each.filling for each in written)
        if not fillings or not task.reopened <= keys_of(fillings):
            if proposed:
                waits = [each.waiting for each in proposed]
                return proposed_result(job.path, waits, unfilled, answers.usage)
            # nothing was proposed, so all that was asked for was rejected, or is in a batch
            says_nothing = all(
                each.kind in ("nothing", "no choices", "too little") for each in rejected
            )
            status: NoteStatus = "unchanged" if says_nothing else "failed"
            reason = unfilled[-1] if unfilled else ""
            return Result(job.path, status, reason, left=unfilled[:-1], usage=answers.usage)
        return Answered(
            job,
            task,
            fillings,
            proposals={each.need.key: each.id for each in written},
            unfilled=(*unfilled, *describe_waiting(each.waiting for each in waiting)),
            waiting=tuple(each.id for each in waiting),
            usage=answers.usage,
            fallbacks=frozenset(each.need.key for each in answers.accepted if each.fallback_for),
            new_values=tuple(each.proposal for each in rejected if each.proposed),
            model=", ".join(dict.fromkeys(each.model for each in written if each.model)),
        )
