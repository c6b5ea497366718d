"""One note from its needs to its new text: `Enricher.fill`, from top to bottom.

    examine   what it needs, what of it is left alone, and why       job, note.facts
    choose    what to ask for: not what is proposed, or was asked    due_needs
    ask       the model, with what the prompts show of note, vault   asker, context
    check     each answer: make it harmless, accept it, or not       accept, checks
    propose   all of it, stored; some waits for a decision           store.proposals
    write     the rest on the note as it is by then                  apply, store.journal

From when a check accepts a value to the last line of the history it is a Proposal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

from companion.enrich.accept import complete_proposals
from companion.enrich.apply import File, apply, describe_waiting
from companion.enrich.asker import Asker
from companion.enrich.due_needs import leave_claimed, take_open
from companion.enrich.guard import NoteExcluded, NoteGuard, SettingsChanged
from companion.enrich.job import (
    Job,
    NoteStatus,
    Result,
    Task,
    examine_note,
    is_written,
    prepare_task,
)
from companion.enrich.plan import require_places
from companion.enrich.repeats import RepeatedAnswers, RepeatedFaults
from companion.enrich.settings import SettingsUnusable
from companion.enrich.workspace import Workspace
from companion.llm.answers import Usage
from companion.llm.client import Client
from companion.store.moves import follow_note
from companion.store.proposals import Proposal
from companion.vault.write import require_writable

Write = Callable[[Workspace, str, Sequence[Proposal], str, File], Result]
"""Writes proposals into a note, as apply does, or leaves that to the editor that shows it."""

_NO_REPLY = ("no completion", "only thoughts")  # which says nothing about the note


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
        self._repeated_answers = RepeatedAnswers(self.space)

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
        space, path, usage = self.space, job.path, Usage()
        since = space.journal.claims.newest_proposal()
        task = examine_note(space, job, partial(into.read, space))
        if task.skipped:
            return Result(path, "skipped", task.skipped)
        task, proposals = take_open(space, job, task)
        if not task.needs and not proposals:
            return Result(path, "unchanged", "nothing to fill", unfilled=task.unfilled)
        if not (job.dry_run or job.propose):
            require_writable(space.root, path)
        if task.needs:
            require_places(space, path, task)
            keys = [need.key for need in task.needs]
            with space.journal.claims.asking(path, keys, since) as claimed:
                task = leave_claimed(job, task, claimed)
                job, answers, unaskable, usage = self._ask(job, task, into)
            proposals += answers
            task = replace(task, unfilled=(*task.unfilled, *unaskable))
        return self._finish(job, task, into, proposals, usage, write)

    def _ask(
        self, job: Job, task: Task, into: File
    ) -> tuple[Job, list[Proposal], Iterable[str], Usage]:
        """Ask for the needs of the task, and store what comes of each call.

        Returns the job with the note's current path, the proposals, why needs could not be asked
        for, and the tokens used. Raises SettingsChanged if settings changed in between.
        """
        space, all_proposals = self.space, list[Proposal]()
        if not task.needs:
            return job, [], (), Usage()
        path = follow_note(space.root, space.journal, job.path, task.data)
        question = self._asker.question(job.path, task.parsed, task.needs, job.again, job.wish)
        guard = NoteGuard(space, job, task, path, into.cancelled, question.sources)
        for proposals in question.ask(self.client, guard.check_call):
            job = job._replace(path=guard.check_keeping())
            shown = tuple(each.path for each in question.sources)
            all_proposals += self._store(job, task, proposals, into.run, shown)
        if task.settings_version != space.settings.version:
            raise SettingsChanged("the settings were changed meanwhile", job.path)
        self._repeated_faults.count(all_proposals)  # which ends the run if they are too many
        return job, all_proposals, question.unaskable.values(), question.usage

    def _store(
        self, job: Job, task: Task, proposals: list[Proposal], run: str, shown: tuple[str, ...]
    ) -> list[Proposal]:
        """Store proposals, except those that the current settings do not ask for; return all.

        A reply without an answer says nothing about the note, so nothing is remembered.
        """
        space = self.space
        if task.settings_version != space.settings.version:
            now = prepare_task(space, job._replace(retry=True), task.data)
            keys = set() if now.skipped else {need.key for need in now.all_needs}
            proposals = [each for each in proposals if each.need.key in keys]
        proposals = [self._repeated_answers.flag(job.path, each) for each in proposals]
        to_store = [each for each in proposals if each.fault not in _NO_REPLY]
        model = self._asker.model
        new = complete_proposals(space, job, task, to_store, model, run, shown)
        is_written_next = any(each.state == "open" and is_written(space, job, each) for each in new)
        stored = space.journal.proposals.add(new, task.data, flush=not is_written_next)
        faults = {each.need.key: each.fault for each in to_store}
        stored = [replace(each, fault=faults[each.need.key]) for each in stored]
        return [*stored, *(each for each in proposals if each not in to_store)]

    def _finish(
        self,
        job: Job,
        task: Task,
        into: File,
        proposals: Sequence[Proposal],
        usage: Usage,
        write: Write,
    ) -> Result:
        """Write what may be written, and return the result; the rest waits for a decision."""
        rejected = [each for each in proposals if each.state == "rejected"]
        unfilled = (*task.unfilled, *dict.fromkeys(each.reason for each in rejected))
        open_proposals = [each for each in proposals if each.state == "open"]
        to_write = [each for each in open_proposals if is_written(self.space, job, each)]
        waiting = tuple(each for each in open_proposals if each not in to_write)
        result = Result(job.path, "proposed", usage=usage, waiting=waiting, unfilled=unfilled)
        if not open_proposals:  # all that was asked for was rejected, or is in a batch
            is_failed = any(each.fault for each in rejected)
            *rest, reason = unfilled or ("",)
            status: NoteStatus = "failed" if is_failed else "unchanged"
            return replace(result, status=status, reason=reason, unfilled=tuple(rest))
        if not to_write:
            return replace(result, reason="; ".join(describe_waiting(waiting)))
        if into.cancelled.is_set() and not job.background:
            kinds = ", ".join(each.kind for each in to_write)
            why = f"{kinds}: kept, since the run was stopped; the next one writes it without a call"
            return replace(result, reason=why, waiting=tuple(open_proposals))
        written = write(self.space, job.path, to_write, "setting", into)
        self._repeated_answers.take_back(job.path)  # if another note got it meanwhile
        return replace(
            written,
            waiting=(*written.waiting, *waiting),
            unfilled=(*unfilled, *describe_waiting(waiting), *written.unfilled),
            usage=usage,
        )
