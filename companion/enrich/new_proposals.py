"""The proposals that a model's answers become: what is stored of them, and what flags them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256

from companion.config import Config
from companion.enrich.checks import checks_are_on, join_instructions
from companion.enrich.model import ModelFacts
from companion.enrich.outcome import Accepted, Rejected, RejectionKind
from companion.enrich.task import Job, Task
from companion.enrich.words import find_sentences, find_tokens, read_paragraphs
from companion.note.needs import CALLOUT, Need
from companion.note.parsed_note import ParsedNote
from companion.prompts import Prompts
from companion.vault.proposal import Flag, NewProposal

_MOST_SENTENCES = 500  # of a note, by which it is told whether it has changed since
_NOT_ASKED: tuple[RejectionKind, ...] = ("no completion", "no choices", "too little")
_SHORT_HASH = 12  # hexadecimal digits


class ProposalMaker:
    """Makes proposals of the answers of one model."""

    def __init__(self, prompts: Prompts, config: Config, model: ModelFacts) -> None:
        self._prompts = prompts
        self._config = config
        self._model = model

    def make(
        self,
        job: Job,
        task: Task,
        outcomes: Sequence[Accepted | Rejected],
        tokens: Sequence[int],
        run: str,
    ) -> list[NewProposal]:
        """Return what is to be stored of what came of calls, in its order.

        tokens: in and out, of the calls.

        Left out is what says nothing of the note: the model was not asked, or gave no completion.
        """
        about = (
            self._make_one(job, outcome)
            for outcome in outcomes
            if isinstance(outcome, Accepted) or outcome.kind not in _NOT_ASKED
        )
        made = self._add_origin(job, task, about, run)
        if made:
            made[0] = made[0]._replace(tokens=(tokens[0], tokens[1]))
        return made

    def make_asked(
        self, job: Job, task: Task, needs: Sequence[Need], run: str, where: str
    ) -> list[NewProposal]:
        """Return what stands for the needs while they are asked in a batch. where: the batch."""
        asked = (
            NewProposal(
                job.path, need, None, "asked", reason=where, model=self._model.name, waits=True
            )
            for need in needs
        )
        return self._add_origin(job, task, asked, run)

    def _add_origin(
        self, job: Job, task: Task, made: Iterable[NewProposal], run: str
    ) -> list[NewProposal]:
        """Return the proposals with what they were made from, and how their needs are found."""
        prompts, sentences = self._prompts.for_note(job.path), hash_sentences(task.parsed)
        options: dict[str, object] = {"section": list(job.section)} if job.section else {}
        options |= {"force": True} if job.force else {}
        options |= {"rewrite": True} if job.rewrite else {}
        return [
            each._replace(
                prompt=prompt_fingerprint(prompts, each.need),
                source=task.data,
                sentences=sentences,
                run=run,
                options=options,
            )
            for each in made
        ]

    def _make_one(self, job: Job, outcome: Accepted | Rejected) -> NewProposal:
        """Return the proposal of what came of a need; of a new value, an open one."""
        need, model = outcome.need, self._model.name
        mode = self._config.review_mode(job.path, need.kind)
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
                model=model if outcome.asked else "",
                waits=waits,
            )
        new = outcome.proposed
        flags: tuple[Flag, ...] = ("new-value",) if new else ()
        if new and checks_are_on():
            is_list = self._prompts.for_note(job.path).field_of(need.kind).kind == "list"
            value, remark = list(new) if is_list else new[0], outcome.proposal
            made = NewProposal(job.path, need, value, flags=flags, remark=remark)
            return made._replace(model=model, waits=waits)
        reason = outcome.proposal or outcome.reason
        made = NewProposal(job.path, need, None, "rejected", flags, reason, outcome.kind)
        return made._replace(answer=outcome.answer, model=model)

    def _flags(self, job: Job, accepted: Accepted) -> tuple[Flag, ...]:
        """Return what flags the value; what is wrong with it, only where answers are checked."""
        replaces: list[Flag] = ["replaces"] if job.rewrite else []
        if not checks_are_on():
            return tuple(replaces)
        flags = [*replaces, *accepted.flags]
        if accepted.fallback_for:
            flags.append("extractive")
        need = accepted.need  # the user asks for what an empty callout is there for
        if job.background and self._model.is_small and need.kind == CALLOUT:
            flags += [] if need.where == "request" else ["small-model"]
        return tuple(dict.fromkeys(flags))


def prompt_fingerprint(prompts: Prompts, need: Need) -> str:
    """Return a hash of the instructions by which the need is asked for."""
    return _hash(join_instructions(prompts, prompts.field_of(need.kind)))


def hash_sentences(parsed: ParsedNote) -> tuple[str, ...]:
    """Return a hash of the words of each sentence of the note's text."""
    sentences = find_sentences(read_paragraphs(parsed))
    words = (" ".join(find_tokens(sentence)) for sentence in sentences)
    return tuple(dict.fromkeys(map(_hash, words)))[:_MOST_SENTENCES]


def _hash(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_SHORT_HASH]
