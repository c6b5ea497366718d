"""One note from its needs to its new text: `Enricher.fill`, from top to bottom.

    examine   what it needs, what of it is left alone, and why       job, note.facts
    choose    what to ask for: not what is proposed, or was asked    asked
    ask       the model, with what the prompts show of note, vault   asker, context, model_calls
    check     each answer: make it harmless, accept it, or not       answers, checks
    propose   all of it, stored; some waits for a decision           store.proposals
    write     the rest on the note as it is by then                  apply, store.journal

From when a check accepts a value to the last line of the history it is a Proposal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

from companion.enrich.answers.outcome import (
    NOT_ASKED,
    NoteAnswers,
    Outcome,
    RepeatedFaults,
)
from companion.enrich.apply import IN_PART, REWRITTEN, File, apply, describe_waiting, require_places
from companion.enrich.asker import Asker
from companion.enrich.checks import checks_are_on
from companion.enrich.configured_model import ModelFacts
from companion.enrich.guard import NoteExcluded, NoteGuard, SettingsChanged, is_rewritten
from companion.enrich.job import (
    Job,
    NoteStatus,
    Result,
    Task,
    examine_note,
    is_written,
    prepare_task,
)
from companion.enrich.settings import SettingsUnusable
from companion.enrich.workspace import Workspace
from companion.errors import NoteBusy
from companion.llm.answers import Usage
from companion.llm.client import Client
from companion.note.needs import Need
from companion.store.moves import follow_note
from companion.store.proposals import Flag, Origin, Proposal
from companion.vault.write import require_writable

Write = Callable[[Workspace, str, Sequence[Proposal], str, File], Result]
"""Writes proposals into a note, as apply does, or leaves that to the editor that shows it."""

_ANSWERED = ("nothing", *NOT_ASKED)  # no failure: there is no such value


class Enricher:
    """Fills the notes of one vault; every method may be called from any thread.

    asker: asks the model about notes of the vault, through client, which counts the calls and ends
    them.
    """

    def __init__(self, asker: Asker, client: Client) -> None:
        self.space = asker.workspace
        self.client = client
        self._asker = asker
        self._repeated_faults = RepeatedFaults()

    def fill(self, job: Job, into: File, write: Write = apply) -> Result:
        """Fill what the note needs; return the result.

        Needs with an open proposal are not asked for. The answers are stored as proposals before
        anything is written, so nothing is asked for twice, whatever happens to them. If settings
        change in between, the rest is asked for, or written, with the new ones.

        Raises NoteError, EndpointError, Cancelled, StorageError.
        """
        while True:
            self.space.wait_for_settings(into.cancelled)
            with suppress(SettingsChanged, SettingsUnusable):
                try:
                    return self._fill(job, into, write)
                except NoteExcluded as error:
                    return Result(error.path, "skipped", error.reason)

    def _fill(self, job: Job, into: File, write: Write) -> Result:
        space, path = self.space, job.path
        basis, since = space.attempt_basis(path), space.journal.claims.newest_proposal()
        task = examine_note(space, job, partial(into.read, space))
        if task.skipped:
            return Result(path, "skipped", task.skipped)
        task, proposals = self._reuse_open(job, task)
        if not task.needs and not proposals:
            return Result(path, "unchanged", "nothing to fill", unfilled=task.unfilled)
        if not (job.dry_run or job.propose):
            require_writable(space.root, path)
        answers = NoteAnswers((), Usage())  # where all of it was proposed before
        if task.needs:
            require_places(space, path, task)
            keys = [need.key for need in task.needs]
            with space.journal.claims.asking(path, keys, since) as claimed:
                task = _leave_claimed(job, task, claimed)
                question = _Question(self._asker, job, task, into)
                answers = question.ask(self.client) if task.needs else answers
            self._repeated_faults.count(answers)  # which ends the run if they are too many
            job, proposals = question.job, [*proposals, *question.proposals.values()]
            unaskable = {r.need.key: r.reason for r in answers.rejected if r.kind in NOT_ASKED}
            space.record_unfillable(path, basis, unaskable)
        return self._finish(job, task, into, proposals, answers, write)

    def _reuse_open(self, job: Job, task: Task) -> tuple[Task, list[Proposal]]:
        """Return the task, and the open proposals for its note that still apply.

        An accepted one whose value is not in the note any more is open again. If little is left of
        the text that a proposal was made from, it is closed, and asked for again. But background
        work asks and writes nothing while the note is only the beginning of that text, as when a
        sync client writes it in parts.
        """
        store = self.space.journal.proposals
        proposals, stale = list[Proposal](), list[Need]()
        for each in task.pending:
            source = store.source(each)
            if is_rewritten(source, task.data) and each.state != "asked":
                if job.background and source is not None and source.startswith(task.data):
                    return replace(task, needs=(), unfilled=(*task.unfilled, IN_PART)), []
                store.decide([each.id], "closed", "need", REWRITTEN, (each.state,))
                stale.append(each.need)
                continue
            if each.state == "accepted":
                store.reopen_lost(each.id)
            now = store.get(each.id)
            if now and now.state == "open" and now.value is not None:
                proposals.append(replace(now, need=each.need))
        return replace(task, needs=(*task.needs, *stale)), proposals

    def _finish(
        self,
        job: Job,
        task: Task,
        into: File,
        proposals: Sequence[Proposal],
        answers: NoteAnswers,
        write: Write,
    ) -> Result:
        """Write what may be written, and return the result; the rest waits for a decision."""
        keys = {each.need.key for each in proposals}
        rejected = [r for r in answers.rejected if r.need.key not in keys and r.kind != "asked"]
        unfilled = (*task.unfilled, *dict.fromkeys(each.reason for each in rejected))
        to_write = [each for each in proposals if is_written(self.space, job, each)]
        waiting = tuple(each for each in proposals if each not in to_write)
        result = Result(
            job.path, "proposed", usage=answers.usage, waiting=waiting, unfilled=unfilled
        )
        if not proposals:  # all that was asked for was rejected, or is in a batch
            is_failed = any(each.kind not in _ANSWERED for each in rejected)
            status: NoteStatus = "failed" if is_failed else "unchanged"
            *rest, reason = unfilled or ("",)
            return replace(result, status=status, reason=reason, unfilled=tuple(rest))
        if not to_write:
            return replace(result, reason="; ".join(describe_waiting(waiting)))
        if into.cancelled.is_set() and not job.background:
            kinds = ", ".join(each.kind for each in to_write)
            why = f"{kinds}: kept, since the run was stopped; the next one writes it without a call"
            return replace(result, reason=why, waiting=tuple(proposals))
        written = write(self.space, job.path, to_write, "setting", into)
        return replace(
            written,
            waiting=(*written.waiting, *waiting),
            unfilled=(*unfilled, *describe_waiting(waiting), *written.unfilled),
            usage=answers.usage,
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


class _Question:
    """What a model is asked about one note, and the proposals that its answers become.

    job: with the note's current path. proposals: those that are open, by the keys of their needs.
    """

    def __init__(self, asker: Asker, job: Job, task: Task, into: File) -> None:
        self.job = job
        self.proposals: dict[str, Proposal] = {}
        self._asker, self._space, self._task, self._run = asker, asker.workspace, task, into.run
        path = follow_note(self._space.root, self._space.journal, job.path, task.data)
        self._guard = NoteGuard(self._space, job, task, path, into.cancelled)

    def ask(self, client: Client) -> NoteAnswers:
        """Ask, and store what comes; return the outcomes.

        Raises SettingsChanged if settings changed in between.
        """
        job, task = self.job, self._task
        answers = self._asker.ask(
            job.path, task.parsed, task.needs, client, self._keep, self._guard, job.again
        )
        self._store([each for each in answers.outcomes if each.need.key not in self.proposals])
        if task.settings_version != self._space.settings.version:
            raise SettingsChanged("the settings were changed meanwhile", self.job.path)
        return answers

    def _keep(self, outcomes: Sequence[Outcome], usage: Usage) -> None:
        """Store what a call gave, since the next one may fail.

        What was rejected is stored at the end: the next call may ask for it once more.
        """
        self._store([each for each in outcomes if each.value is not None])

    def _store(self, outcomes: Sequence[Outcome]) -> None:
        """Store outcomes as proposals, except those that the current settings do not ask for.

        Raises NoteExcluded if nothing of the note may be kept.
        """
        self.job = job = self.job._replace(path=self._guard.check_keeping())
        space, task = self._space, self._task
        if task.settings_version != space.settings.version:
            explicit = job.explicit or job.rejected_only
            anew = job._replace(explicit=explicit, retry=True, rejected_only=False)
            now = prepare_task(space, anew, task.data)
            keys = set() if now.skipped else {need.key for need in now.all_needs}
            outcomes = [each for each in outcomes if each.need.key in keys]
        shown = tuple(each.path for each in self._guard.sources)
        model = self._asker.model
        proposals = to_proposals(space, job, task, outcomes, model, self._run, shown)
        stored = space.journal.proposals.add(proposals, task.data)
        self.proposals |= {each.need.key: each for each in stored if each.state == "open"}


def to_proposals(
    space: Workspace,
    job: Job,
    task: Task,
    outcomes: Sequence[Outcome],
    model: ModelFacts,
    run: str,
    shown: tuple[str, ...] = (),
) -> list[Proposal]:
    """Return the proposals that outcomes of calls become, in their order.

    Those without an answer are left out: the model was not asked, or gave no completion. shown: the
    other notes that the question quotes, for one that is answered later.
    """
    proposals = []
    for outcome in outcomes:
        is_list = space.prompts.field_of(outcome.need.kind).is_list
        proposal = outcome.to_proposal(job.path, is_list=is_list)
        if proposal is None:
            continue
        # of a small model, only what somebody asked for is written at once
        is_guess = job.background and model.is_small and outcome.by_model and checks_are_on()
        mode = space.config.review_mode(job.path, proposal.kind)
        replaces: tuple[Flag, ...] = ("replaces",) if proposal.need.key in task.replaces else ()
        proposals.append(
            replace(
                proposal,
                flags=(*replaces, *proposal.flags),
                origin=Origin(model.name if outcome.by_model else "", run),
                waits=job.propose or job.dry_run or mode == "propose" or is_guess,
                shown=shown if proposal.state == "asked" else (),
            )
        )
    return proposals
