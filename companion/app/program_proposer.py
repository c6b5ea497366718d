"""Values that programs (scripts and agents) give: their places in notes, and their proposals."""

from __future__ import annotations

from typing import NamedTuple

from companion.app.types.programs import ProgramValue, ProposalMade
from companion.app.types.proposals import Proposal
from companion.enrich.asker import Asker
from companion.enrich.configured_model import ModelFacts
from companion.enrich.context import VaultContext
from companion.enrich.new_proposals import make_proposals
from companion.enrich.outcome import Rejected
from companion.enrich.result import new_run
from companion.enrich.task import Job, Task, prepare_task
from companion.enrich.workspace import Workspace
from companion.errors import NoteRefused, UsageError
from companion.llm.response import Usage
from companion.note.needs import CALLOUT, Need
from companion.note.outline import Section
from companion.prompts import Field, find_field
from companion.store.proposal import LatestProposal, ProposedValue
from companion.vault.files import skip_reason
from companion.vault.write import read_note

_LONGEST_VALUE = 20_000  # characters, all items of a list together
_PROSE_TOKENS = 8000  # of a note that a program is shown
_TOLD_TOKENS = 800  # of other notes


class Place(NamedTuple):
    """The place of a value in a note. latest: the latest proposal for that place."""

    job: Job
    task: Task
    need: Need
    latest: LatestProposal | None


class ProgramProposer:
    """Makes proposals of the values that one program gives for the notes of a vault.

    vault_context: what they may link to, and the values in use. program: its name, stored in
    proposals as a model's would be.
    """

    def __init__(self, workspace: Workspace, vault_context: VaultContext, program: str) -> None:
        self._space = workspace
        facts = ModelFacts(program, None, "together", _PROSE_TOKENS, told_tokens=_TOLD_TOKENS)
        self.asker = Asker(workspace, vault_context, model=facts)

    def find_place(self, path: str, entry: ProgramValue) -> Place:
        """Return where the value goes: a need of the note that a field defines.

        Raises UsageError if there is no such field, or the value is too long; NoteError if the note
        is left alone, cannot be read, or needs nothing there.
        """
        length = len(entry.value if isinstance(entry.value, str) else "\n".join(entry.value))
        if length > _LONGEST_VALUE:
            raise UsageError(
                f"a value may have {_LONGEST_VALUE:,} characters, and this has {length:,}"
            )
        self._space.refresh()
        if reason := skip_reason(self._space.root, path, self._space.ignore):
            raise NoteRefused(reason, path)
        field = self._find_field(path, entry.field)
        data = read_note(self._space.root, path).data
        jobs = [Job(path, explicit=True, retry=True, propose=True)]
        if field.property is None and entry.heading is not None and entry.question is None:
            section = Section(entry.heading)  # of a new callout
            jobs.append(jobs[0]._replace(explicit=False, section=section))
        for each in jobs:
            task = prepare_task(self._space, each, data)
            if task.skipped:
                raise NoteRefused(task.skipped, path)
            for need in task.all_needs:
                if _is_meant(need, field, entry):
                    latest = self._space.journal.proposals.latest(path).get(need.key)
                    return Place(each, task, need, latest)
        where = "".join(
            f" “{part}”"
            for part in (entry.question, entry.heading)
            if field.property is None and part
        )
        raise NoteRefused(f"it needs no {field.fills}{where}: it has one", path)

    def propose(self, place: Place, value: ProposedValue) -> ProposalMade:
        """Store the value as an open proposal, unless a check finds it unfit; return the outcome.

        It is sanitized, checked and flagged like a model's answer. It supersedes an open proposal
        for the same need. A rejected value is not stored: it says nothing about the note.

        Raises NoteError, JournalError.
        """
        job, task, need, _ = place
        outcome = self.asker.accept_value(job.path, task.parsed, need, value)
        model, run = self.asker.model, new_run()
        made = make_proposals(self._space, model, job, task, [outcome], Usage(), run)
        waiting = [each for each in made if each.state == "open"]
        if not waiting:
            assert isinstance(outcome, Rejected)
            return ProposalMade(proposal=None, rejected=outcome.reason)
        [new] = waiting
        store = self._space.journal.proposals
        [id_] = store.add([new._replace(flags=(*new.flags, "program"), waits=True)], durable=True)
        stored = store.get(id_)
        assert stored is not None
        return ProposalMade(proposal=Proposal.of(stored), rejected=None)

    def _find_field(self, path: str, name: str) -> Field:
        fields = self._space.prompts.for_note(path).fields
        fillable = set(self._space.rules.fields) | (
            {CALLOUT} if self._space.rules.callout else set()
        )
        usable = [each for each in fields.values() if each.fills in fillable]
        if field := find_field(usable, name):
            return field
        names = ", ".join(sorted(each.name for each in usable))
        raise UsageError(f"there is no field {name[:80]}; there are: {names}")


def _is_meant(need: Need, field: Field, entry: ProgramValue) -> bool:
    if need.kind != field.fills:
        return False
    if field.property is not None:
        return True
    is_there = (
        entry.heading in (None, need.heading) if entry.question else entry.heading == need.heading
    )
    return is_there and entry.question == need.question
