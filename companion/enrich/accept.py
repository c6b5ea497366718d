"""Makes proposals of a model's answers: open ones, or rejected ones with a reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from companion.enrich.checks import (
    checks_are_on,
    find_fault,
    find_good_items,
    tidy_answer,
)
from companion.enrich.checks.doubts import find_doubt, find_new_facts, find_new_names
from companion.enrich.checks.shape import CheckedAnswer, Fault
from companion.enrich.checks.typed_values import is_told
from companion.enrich.configured_model import ModelFacts
from companion.enrich.context.vault_context import PromptNote, VaultContext
from companion.enrich.job import Job, Task
from companion.enrich.parse_answer import NothingToSay, find_new_values, read_value
from companion.enrich.small_model import (
    find_unsupported,
    leave_unsupported_out,
)
from companion.enrich.workspace import Workspace
from companion.errors import AnswerError
from companion.language.detection import language_named
from companion.language.words import read_paragraphs
from companion.llm.answers import NoAnswer
from companion.llm.batch import QuestionInBatch
from companion.llm.errors import RequestRejected
from companion.note.frontmatter import SCALARS
from companion.note.link_names import without_extension
from companion.note.links import link_mentions, link_targets, unlink_repeats
from companion.note.needs import CALLOUT, DESCRIPTION, Need
from companion.prompts import Ask
from companion.store.proposals import Origin, Proposal

_NOT_SAID = "says what the note does not"
_RETRY = "Say only what stands between the tags, with its names and numbers."
_SHORTER = "what the note does not say was left out"
_QUOTED = 8  # words, at most


class UnfitAnswer(AnswerError):
    """A check found a fault in an answer, which is worth asking for once more."""

    def __init__(self, ask: Ask, fault: Fault) -> None:
        super().__init__(f"the {ask.field.name} {fault.reason}")
        self.fault = fault


@dataclass
class Acceptor:
    """Makes proposals of what a model answers to the needs of one note.

    An accepted callout counts as part of the note for the callouts after it.

    by_program: the values are a program's, not the model's. ask_again: the faults of
    answers that are worth asking for once more, by their needs.
    """

    vault_context: VaultContext
    model: ModelFacts
    note: PromptNote
    by_program: bool = False
    ask_again: dict[Need, Fault] = field(default_factory=dict)

    def __post_init__(self) -> None:
        context = self.note.context
        self._names = self.vault_context.names(self.note.path)
        self._linked = set[str]()  # by callouts
        shown = (self.note.path, self.note.text, *context.backlinks, *context.linked)
        self._sources = "\n\n".join(shown)
        self._callouts = ""  # those accepted so far

    def accept(self, ask: Ask, answer: object) -> Proposal:
        """Return the proposal that an answer becomes: open, or rejected with a reason.

        answer: its value in the JSON answer, or the AnswerError of the call.
        """
        made = Proposal(self.note.path, ask.need, None, "rejected", origin=Origin(self.model.name))
        if isinstance(answer, QuestionInBatch):
            return replace(made, state="asked", reason=str(answer), answer=[answer.id, ask.key])
        if isinstance(answer, AnswerError):
            return replace(made, reason=str(answer), fault=_name_fault(answer))
        choices, vault = ask.field.choices(self.note.context), self.vault_context
        new_values = find_new_values(ask.field, answer, choices)
        new = [value for value in new_values if not vault.is_used(ask.field, value)]
        try:
            value = self._read_value(ask, answer, choices)
        except AnswerError as error:
            if isinstance(error, UnfitAnswer):
                self.ask_again[ask.need] = error.fault
            if new and checks_are_on():
                remark = f"proposed {made.kind}: {', '.join(new)} (not used in this vault yet)"
                only = new if ask.field.is_list else new[0]
                return replace(made, value=only, state="open", flags=("new-value",), remark=remark)
            return replace(made, reason=str(error), fault=_name_fault(error))
        remark = f"not used in the vault yet, so only proposed: {', '.join(new)}" if new else ""
        return self._propose(replace(made, remark=remark), ask, value)

    def _propose(self, made: Proposal, ask: Ask, value: str | list[str]) -> Proposal:
        """Return the proposal with the value, open, and flagged if the user should see it first."""
        doubt = new_facts = shorter = ""
        if checks_are_on():
            if self.model.is_small and ask.field.kind == "prose":
                lines, title = list(value), self.note.context.title
                value = leave_unsupported_out(lines, title, self._sources)
                shorter = "" if value == lines else _SHORTER
            doubt, new_facts = self._find_doubt(ask, value)
        if doubt and ask.field.kind in ("text", "number", "date", "datetime"):
            self.ask_again[ask.need] = Fault("unsupported", doubt, _RETRY)
        if ask.need.kind == CALLOUT:  # the first mention of another note becomes a link
            text = "\n".join(value)
            self._callouts += f"\n\n{text}"
            text = link_mentions(text, self._names, self.note.path, self._linked)
            self._linked |= link_targets(text)
            value = text.split("\n")
        return replace(
            made,
            value=value,
            state="open",
            flags=("unsupported",) if doubt else (),
            remark="; ".join(filter(None, (made.remark, shorter, doubt, new_facts))),
        )

    def _find_doubt(self, ask: Ask, value: str | list[str]) -> tuple[str, str]:
        """Return why the user should see the value first, and which of its facts are new, in words.

        Both may be empty.
        """
        field, is_small = ask.field, self.model.is_small
        if field.kind == "checkbox":
            return "no check can tell whether this is right", ""
        if field.kind == "choice" and field.vocabulary != "vault":
            return "", ""  # one of a few
        if field.is_link:
            is_sure = not is_small or self._mentions_all(value)
            return "" if is_sure else "the note does not name it", ""
        if field.vocabulary:  # few of the tags that a small model chooses are the author's
            is_chosen = is_small and field.vocabulary == "vault"
            return "a small model chose it" if is_chosen else "", ""
        checked = self._checked_answer(ask, value, self._sources + self._callouts)
        if field.kind in SCALARS:
            is_new = not is_told(field.kind, checked.text, checked.source)
            return _quote(_NOT_SAID, [checked.text] if is_new else []), ""
        if field.kind == "list":
            names = self.vault_context.taken
            new = [
                each
                for each in find_new_names(value, checked)
                if not any(each.casefold() in name for name in names)
            ]
        else:
            new = [each for each in find_new_facts(checked) if not self._names.only_note(each)]
            if doubt := find_doubt(checked):
                return doubt, _quote("new", new)
            if is_small and not new:
                new = find_unsupported(value, checked.title, checked.note)
        is_doubtful = is_small or field.kind == "list" or field.name == DESCRIPTION
        return (_quote(_NOT_SAID, new), "") if is_doubtful else ("", _quote("new", new))

    def _mentions_all(self, links: str | Sequence[str]) -> bool:
        """Return whether the note links to, or names, each note that the links lead to."""
        context, path, text = self.vault_context, self.note.path, self.note.text
        mentions = (each.paths for each in self._names.find_mentions(text))
        linked = map(without_extension, context.links.linked_in(text, path))
        mentioned_notes = {*linked, *chain.from_iterable(mentions)}
        links = [links] if isinstance(links, str) else links
        return all(context.linked_note(link, path) in mentioned_notes for link in links)

    def _read_value(
        self, ask: Ask, answer: object, choices: Sequence[str] | None
    ) -> str | list[str]:
        """Return the value in the answer as it may go into the note.

        Raises UnfitAnswer if checks are on and find a fault; NothingToSay, AnswerError.
        """
        field, vault, title = ask.field, self.vault_context, self.note.context.title
        taken = vault.taken if field.name == "aliases" else frozenset[str]()
        offered = None if self.by_program else self.note.context.links
        resolve = vault.resolver(field, self.note.path, offered)
        if field.kind == "prose" and isinstance(answer, str):
            answer = unlink_repeats(answer, self._names, self.note.path, self._linked)
        if not checks_are_on():
            return read_value(field, answer, choices, taken, resolve)
        note = self._sources + (self._callouts if field.kind == "prose" else "")
        tidy = tidy_answer(answer, field, title, note) if isinstance(answer, str) else answer
        try:
            value = read_value(field, tidy, choices, taken, resolve)
        except NothingToSay:
            raise
        except AnswerError as error:
            unusable = Fault("value", f"cannot be used: {error}", "Keep to what was asked for.")
            raise UnfitAnswer(ask, unusable) from error
        if field.kind in (*SCALARS, "choice") or field.is_link or field.vocabulary is not None:
            return value  # of its form already, or one of the vault's own
        checked = self._checked_answer(ask, value, note, answer)
        if field.kind == "list":
            if not (value := find_good_items(checked)):
                raise NothingToSay(f"the model named nothing usable for {field.name}")
        elif fault := find_fault(checked):
            raise UnfitAnswer(ask, fault)
        return value

    def _checked_answer(
        self, ask: Ask, value: str | list[str], note: str, raw: object = None
    ) -> CheckedAnswer:
        text = value if isinstance(value, str) else "\n".join(value)
        language = self.note.language
        return CheckedAnswer(
            ask.field,
            text=text,
            raw=raw if isinstance(raw, str) else text,
            title=self.note.context.title,
            note=note,
            words="\n".join(read_paragraphs(self.note.whole)),
            prompt=self.note.prompts.instructions(ask.field),
            language=language and (language_named(language) or language),
            question=ask.question or "",
            own=self.note.text + self._callouts,
        )


def _name_fault(error: AnswerError) -> str:
    """Return what was wrong with an answer or its call, as Proposal.fault has it."""
    if isinstance(error, NothingToSay):
        return ""
    if isinstance(error, UnfitAnswer):
        return "unfit"
    if isinstance(error, RequestRejected):
        return "request rejected"
    return (isinstance(error, NoAnswer) and error.fault) or "no answer"


def _quote(why: str, words: Sequence[str]) -> str:
    quoted = ", ".join(f"“{word}”" for word in words[:_QUOTED])
    return f"{why}: {quoted}" if words else ""


def complete_proposals(
    space: Workspace,
    job: Job,
    task: Task,
    proposals: Sequence[Proposal],
    model: ModelFacts,
    run: str,
    shown: tuple[str, ...] = (),
) -> list[Proposal]:
    """Return proposals with the note's path, the run, and whether they wait, to be stored.

    shown: the other notes that the question quotes, for one that is answered later.
    """
    complete = []
    for each in proposals:
        # of a small model, only what somebody asked for is written at once
        is_guess = job.background and model.is_small and each.origin.model and checks_are_on()
        mode = space.config.review_mode(job.path, each.kind)
        flags = each.flags if checks_are_on() else ()
        complete.append(
            replace(
                each,
                path=job.path,
                flags=("replaces", *flags) if each.need.key in task.replaces else flags,
                origin=each.origin._replace(run=run),
                waits=job.propose or job.dry_run or mode == "propose" or bool(is_guess),
                shown=shown if each.state == "asked" else (),
            )
        )
    return complete
