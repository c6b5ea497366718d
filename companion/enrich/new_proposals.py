"""Make proposals of the answers of a model, a script or an agent, with their flags."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

from companion.enrich.asker import Asker
from companion.enrich.checks import checks_are_on
from companion.enrich.context import VaultContext
from companion.enrich.model import ModelFacts
from companion.enrich.outcome import Accepted, Rejected, RejectionKind
from companion.enrich.result import new_run
from companion.enrich.task import Job, Task, prepare_task
from companion.enrich.words import find_sentences, find_tokens, read_paragraphs
from companion.enrich.workspace import Workspace
from companion.errors import NoteRefused, UsageError
from companion.llm.response import Usage
from companion.note.needs import CALLOUT, Need
from companion.note.outline import Section, name_section
from companion.note.parsed_note import ParsedNote
from companion.prompts import Field, Prompts, find_field
from companion.store.proposal import (
    PROGRAM_NAME,
    Flag,
    LatestProposal,
    NewProposal,
    ProgramValue,
    Proposal,
    ProposedValue,
    RejectedValue,
)
from companion.vault.files import skip_reason
from companion.vault.write import read_note

_MOST_SENTENCES = 500  # of a note, by which it is told whether it has changed since
_NOT_ASKED: tuple[RejectionKind, ...] = ("no completion", "no choices", "too little")
_SHORT_HASH = 12  # hexadecimal digits


@dataclass
class ProposalMaker:
    """Makes proposals of the answers of one model."""

    workspace: Workspace
    model: ModelFacts

    def make(
        self,
        job: Job,
        task: Task,
        outcomes: Sequence[Accepted | Rejected],
        usage: Usage,
        run: str,
        shown: Sequence[str] = (),
    ) -> list[NewProposal]:
        """Return the proposals to store for the outcomes of calls, in their order.

        usage: of the calls. shown: the paths of the other notes, and PDFs, that they quote: when a
        batch is answered, these may have become private.

        Outcomes without an answer are left out: the model was not asked, or gave no completion.
        """
        prompts, sentences = self.workspace.prompts.for_note(job.path), hash_sentences(task.parsed)
        options: dict[str, object] = {}
        if job.section:
            options["section"] = list(name_section(task.parsed.lines, job.section)[:3])
        options |= {"force": True} if job.force else {}
        options |= {"rewrite": True} if job.rewrite else {}
        made = [
            self._make_one(job, outcome)._replace(
                prompt=prompt_fingerprint(prompts, outcome.need),
                source=task.data,
                read_at=task.read_at,
                sentences=sentences,
                run=run,
                options=options | ({"shown": list(shown)} if _is_asked(outcome) else {}),
            )
            for outcome in outcomes
            if isinstance(outcome, Accepted) or outcome.kind not in _NOT_ASKED
        ]
        if made:
            made[0] = made[0]._replace(tokens=(usage.input_tokens, usage.output_tokens))
        return made

    def _make_one(self, job: Job, outcome: Accepted | Rejected) -> NewProposal:
        """Return the proposal for an outcome; a value new to the vault makes an open one."""
        need, model = outcome.need, self.model.name
        mode = self.workspace.config.review_mode(job.path, need.kind)
        waits = job.propose or job.dry_run or mode == "propose"
        if isinstance(outcome, Accepted):
            return NewProposal(
                job.path,
                need,
                outcome.filling.value,
                flags=self._flags(job, outcome),
                evidence=[each._asdict() for each in outcome.evidence] or None,
                answer=outcome.fallback_for and outcome.fallback_for.answer,
                remark=outcome.filling.remark,
                model=model if outcome.by_model else "",
                waits=waits,
            )
        if outcome.kind == "asked":
            made = NewProposal(job.path, need, None, "asked", reason=outcome.reason, waits=True)
            return made._replace(answer=outcome.answer, model=model)
        new = outcome.proposed
        flags: tuple[Flag, ...] = ("new-value",) if new else ()
        if new and checks_are_on():
            is_list = self.workspace.prompts.for_note(job.path).field_of(need.kind).is_list
            value, remark = list(new) if is_list else new[0], outcome.proposal
            made = NewProposal(job.path, need, value, flags=flags, remark=remark)
            return made._replace(model=model, waits=waits)
        reason = outcome.proposal or outcome.reason
        made = NewProposal(job.path, need, None, "rejected", flags, reason, outcome.kind)
        return made._replace(answer=outcome.answer, model=model)

    def _flags(self, job: Job, accepted: Accepted) -> tuple[Flag, ...]:
        """Return the flags of the value; those for its faults only if answers are checked."""
        replaces: list[Flag] = ["replaces"] if job.rewrite else []
        if not checks_are_on():
            return tuple(replaces)
        flags = [*replaces, *accepted.flags]
        need = accepted.need  # the user asks for what an empty callout is there for
        if self.model.is_small and accepted.by_model and need.kind == CALLOUT:
            flags += [] if need.where == "request" else ["small-model"]
        return tuple(dict.fromkeys(flags))


def _is_asked(outcome: Accepted | Rejected) -> bool:
    return isinstance(outcome, Rejected) and outcome.kind == "asked"


def prompt_fingerprint(prompts: Prompts, need: Need) -> str:
    """Return a hash of the instructions by which the need is asked for."""
    return _hash(prompts.instructions(prompts.field_of(need.kind)))


def hash_sentences(parsed: ParsedNote) -> tuple[str, ...]:
    """Return a hash of the words of each sentence of the note's text."""
    sentences = find_sentences(read_paragraphs(parsed))
    words = (" ".join(find_tokens(sentence)) for sentence in sentences)
    return tuple(dict.fromkeys(map(_hash, words)))[:_MOST_SENTENCES]


def _hash(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_SHORT_HASH]


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

    known: what they may link to, and the values in use. program: its name, which proposals have
    as that of a model.
    """

    def __init__(self, workspace: Workspace, vault_context: VaultContext, program: str) -> None:
        self._space = workspace
        facts = ModelFacts(program, None, "together", _PROSE_TOKENS, told_tokens=_TOLD_TOKENS)
        self.asker = Asker(workspace, vault_context, model=facts)
        self._maker = ProposalMaker(workspace, facts)

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

    def propose(self, place: Place, value: ProposedValue) -> Proposal | RejectedValue:
        """Store the value as an open proposal, and return that, unless a check finds it unfit.

        It is sanitized, checked and flagged as an answer of a model. An open proposal for the same
        makes way. What is rejected is not stored: it says nothing of the note.

        Raises NoteError, JournalError.
        """
        job, task, need, _ = place
        outcome = self.asker.accept_value(job.path, task.parsed, need, value)
        made = self._maker.make(job, task, [outcome], Usage(), new_run())
        waiting = [each for each in made if each.state == "open"]
        if not waiting:
            assert isinstance(outcome, Rejected)
            return RejectedValue(outcome.reason)
        [new] = waiting
        store = self._space.journal.proposals
        [id_] = store.add([new._replace(flags=(*new.flags, "program"), waits=True)], durable=True)
        proposal = store.get(id_)
        assert proposal is not None
        return proposal

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


def propose_for_script(
    workspace: Workspace, vault_context: VaultContext, path: str, entry: ProgramValue, script: str
) -> Proposal | RejectedValue:
    """Propose a script's value for the note at path, ignoring past proposals.

    Raises the same as find_place, and JournalError.
    """
    if not re.fullmatch(PROGRAM_NAME, script):
        raise UsageError(f"{script[:80]!r} is no name for a script; use letters, digits and - only")
    proposer = ProgramProposer(workspace, vault_context, f"script:{script}")
    return proposer.propose(proposer.find_place(path, entry), entry.value)


def _is_meant(need: Need, field: Field, entry: ProgramValue) -> bool:
    if need.kind != field.fills:
        return False
    if field.property is not None:
        return True
    is_there = (
        entry.heading in (None, need.heading) if entry.question else entry.heading == need.heading
    )
    return is_there and entry.question == need.question
