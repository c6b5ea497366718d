"""The proposals that answers become, with their flags; a note's are stored call by call."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from companion.enrich.answers.outcome import NOT_ASKED, Accepted, NoteAnswers, Rejected
from companion.enrich.checks import checks_are_on
from companion.enrich.configured_model import ModelFacts
from companion.enrich.note_guard import NoteGuard
from companion.enrich.result import OpenProposal
from companion.enrich.task import Job, Task, prepare_task
from companion.enrich.workspace import Workspace
from companion.language.words import find_sentences, find_tokens, read_paragraphs
from companion.llm.response import Usage
from companion.note.needs import Need
from companion.note.parsed_note import ParsedNote
from companion.note.sections import name_section
from companion.prompts import Prompts
from companion.store.proposal import Flag, NewProposal

_MOST_SENTENCES = 500  # of a note, to detect whether it has changed since
_SHORT_HASH = 12  # hexadecimal digits


class AnswerStore:
    """Stores a model's answers for one note as proposals, call by call.

    job: with the note's current path. proposals: those that are open, by their needs.
    """

    def __init__(
        self, space: Workspace, model: ModelFacts, run: str, job: Job, guard: NoteGuard
    ) -> None:
        self.job = job
        self.proposals: dict[Need, OpenProposal] = {}
        self._space = space
        self._model = model
        self._run = run
        self._guard = guard
        self._stored: list[Accepted | Rejected] = []
        self._tokens = Usage()  # of what is stored

    def keep(self, outcomes: Sequence[Accepted | Rejected], usage: Usage) -> None:
        """Store the result of a call, since the next one may fail.

        Rejected answers are stored at the end: the next call may ask for them once more.
        """
        self._guard.usage += usage
        if accepted := [each for each in outcomes if isinstance(each, Accepted)]:
            self._store(accepted, usage)
        else:
            self._guard.check_keeping()

    def keep_rest(self, answers: NoteAnswers) -> None:
        """Store which answers were rejected."""
        if rest := [each for each in answers.outcomes if each not in self._stored]:
            self._store(rest, answers.usage - self._tokens)

    def _store(self, outcomes: Sequence[Accepted | Rejected], usage: Usage) -> None:
        """Store outcomes as proposals, except those that the current settings do not ask for."""
        self._stored += outcomes
        self._tokens += usage
        self.job = job = self.job._replace(path=self._guard.check_keeping())
        space, task = self._space, self._guard.task
        if task.settings_version != space.settings.version:
            now = prepare_task(space, job.to_place(), task.data)
            keys = set() if now.skipped else {need.key for need in now.all_needs}
            outcomes = [each for each in outcomes if each.need.key in keys]
        sources = [each.path for each in self._guard.sources]
        new_proposals = make_proposals(
            space, self._model, job, task, outcomes, usage, self._run, sources
        )
        ids = space.journal.proposals.add(new_proposals)
        for id_, new in zip(ids, new_proposals, strict=True):
            if new.state == "open" and new.value is not None:
                self.proposals[new.need] = OpenProposal.of(id_, new.need, new)


def make_proposals(
    space: Workspace,
    model: ModelFacts,
    job: Job,
    task: Task,
    outcomes: Sequence[Accepted | Rejected],
    usage: Usage,
    run: str,
    sources: Sequence[str] = (),
) -> list[NewProposal]:
    """Return the proposals to store for the outcomes of calls to a model, in their order.

    usage: of the calls. sources: the paths of the other notes, and PDFs, that they quote: by the
    time a batch is answered, these may have become private.

    Outcomes without an answer are left out: the model was not asked, or gave no completion.
    """
    prompts, sentences = space.prompts, hash_sentences(task.parsed)
    options: dict[str, object] = {}
    if job.section:
        options["section"] = list(name_section(task.parsed.lines, job.section)[:3])
    options |= {"force": True} if job.force else {}
    options |= {"rewrite": True} if job.rewrite else {}
    proposals = []
    for outcome in outcomes:
        if isinstance(outcome, Rejected) and outcome.kind in ("no completion", *NOT_ASKED):
            continue
        new = _make_proposal(space, model, job, outcome)
        new = new._replace(
            prompt=prompt_fingerprint(prompts, outcome.need),
            source=task.data,
            read_at=task.read_at,
            sentences=sentences,
            run=run,
            options=options | ({"shown": list(sources)} if new.state == "asked" else {}),
        )
        proposals.append(new)
    if proposals:
        proposals[0] = proposals[0]._replace(tokens=(usage.input_tokens, usage.output_tokens))
    return proposals


def _make_proposal(
    space: Workspace, model: ModelFacts, job: Job, outcome: Accepted | Rejected
) -> NewProposal:
    """Return the proposal for an outcome; a value new to the vault makes an open one."""
    need, config = outcome.need, space.config
    waits = job.propose or job.dry_run or config.review_mode(job.path, need.kind) == "propose"
    if isinstance(outcome, Accepted):
        is_unasked = job.background and outcome.by_model and checks_are_on()
        waits |= model.is_small and is_unasked  # only what somebody asked for is written at once
        return NewProposal(
            job.path,
            need,
            outcome.filling.value,
            flags=_find_flags(job, outcome),
            remark=outcome.filling.remark,
            model=model.name if outcome.by_model else "",
            waits=waits,
        )
    if outcome.kind == "asked":
        proposal = NewProposal(job.path, need, None, "asked", reason=outcome.reason, waits=True)
        return proposal._replace(answer=outcome.answer, model=model.name)
    new = outcome.new_values
    flags: tuple[Flag, ...] = ("new-value",) if new else ()
    if new and checks_are_on():
        is_list = space.prompts.field_of(need.kind).is_list
        value, remark = list(new) if is_list else new[0], outcome.proposal
        proposal = NewProposal(job.path, need, value, flags=flags, remark=remark)
        return proposal._replace(model=model.name, waits=waits)
    reason = outcome.proposal or outcome.reason
    proposal = NewProposal(job.path, need, None, "rejected", flags, reason, outcome.kind)
    return proposal._replace(answer=outcome.answer, model=model.name)


def _find_flags(job: Job, accepted: Accepted) -> tuple[Flag, ...]:
    """Return the flags of the value; those for its faults only if answers are checked."""
    replaces: tuple[Flag, ...] = ("replaces",) if job.rewrite else ()
    return (*replaces, *accepted.flags) if checks_are_on() else replaces


def prompt_fingerprint(prompts: Prompts, need: Need) -> str:
    """Return a hash of the instructions for the need."""
    return _hash(prompts.instructions(prompts.field_of(need.kind)))


def hash_sentences(parsed: ParsedNote) -> tuple[str, ...]:
    """Return a hash of the words of each sentence of the note's text."""
    sentences = find_sentences(read_paragraphs(parsed))
    words = (" ".join(find_tokens(sentence)) for sentence in sentences)
    return tuple(dict.fromkeys(map(_hash, words)))[:_MOST_SENTENCES]


def _hash(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_SHORT_HASH]
