"""Accepts a model's answers as values that may go into a note, or rejects them with a reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from companion.config import Config
from companion.enrich.answers.outcome import Outcome
from companion.enrich.answers.parse_answer import Limits, NothingToSay, find_new_values, read_value
from companion.enrich.answers.typed_values import find_untold
from companion.enrich.checks import (
    checks_are_on,
    find_fault,
    find_good_items,
    tidy_answer,
)
from companion.enrich.checks.content import find_unsupported_fact
from companion.enrich.checks.shape import CheckedAnswer, Fault
from companion.enrich.configured_model import ModelFacts
from companion.enrich.context.vault_context import PromptNote, VaultContext
from companion.enrich.model_calls import RawAnswer
from companion.enrich.small_model import (
    find_own_sentence,
    find_strange_names,
    find_unsupported,
)
from companion.errors import AnswerError
from companion.language.detection import language_named
from companion.language.words import read_paragraphs
from companion.note.frontmatter import SCALARS
from companion.note.link_names import without_extension
from companion.note.links import link_mentions, link_targets, unlink_repeats
from companion.note.needs import CALLOUT, DESCRIPTION
from companion.prompts import Ask
from companion.store.proposals import Flag


@dataclass
class Acceptor:
    """Accepts or rejects what a model answers to the needs of one note.

    An accepted callout counts as part of the note for the callouts after it.

    by_program: the values are a program's, not the model's.
    """

    config: Config
    vault_context: VaultContext
    model: ModelFacts
    note: PromptNote
    by_program: bool = False

    def __post_init__(self) -> None:
        context = self.note.context
        self._names = self.vault_context.names(self.note.path)
        self._linked = link_targets(self.note.parsed.note.text)
        self._sources = "\n\n".join((self.note.text, *context.backlinks, *context.linked))
        self._callouts = ""  # those accepted so far

    def accept(self, answer: RawAnswer | Outcome) -> Outcome:
        """Return the value in the answer, or why none may go into the note."""
        if isinstance(answer, Outcome):
            return answer
        need, field, vault = answer.ask.need, answer.ask.field, self.vault_context
        taken_names = vault.taken if field.name == "aliases" else frozenset[str]()
        path = self.note.path
        resolve = vault.resolver(field, path)
        limits = Limits(field.choices(self.note.context), taken_names, resolve)
        new_values = find_new_values(field, answer.value, limits)
        new = tuple(value for value in new_values if not vault.is_used(field, value))
        try:
            value = self._read_value(answer, limits)
        except NothingToSay as error:
            return Outcome(need, str(error), "nothing", new, answer.value)
        except AnswerError as error:
            return Outcome(need, str(error), "no answer", new, answer.value)
        if isinstance(value, Fault):
            reason = f"the {field.name} {value.reason}"
            return Outcome(need, reason, "unfit", new, answer.value, value)
        doubt = self._find_doubt(answer.ask, value) if checks_are_on() else ""
        if need.kind == CALLOUT:  # the first mention of another note becomes a link
            text = "\n".join([value] if isinstance(value, str) else value)
            self._callouts += f"\n\n{text}"
            text = link_mentions(text, self._names, path, self._linked)
            self._linked |= link_targets(text)
            value = text.split("\n")
        remark = f"not used in the vault yet, so only proposed: {', '.join(new)}" if new else ""
        remark = "; ".join(filter(None, (remark, doubt)))
        flags: tuple[Flag, ...] = ("unsupported",) if doubt else ()
        return Outcome(need, remark, "value", value=value, flags=flags)

    def use_own_sentence(self) -> list[Outcome]:
        """Return the note's own sentence as its description, if a small model would write that."""
        need = next((need for need in self.note.needs if need.kind == DESCRIPTION), None)
        if need is None or not (self.model.is_small and checks_are_on()):
            return []
        field, title = self.note.prompts.field_of(DESCRIPTION), self.note.context.title
        own = find_own_sentence(self.note.whole, title, field.max_characters)
        if own is None:
            return []
        why = "a sentence copied from the note"
        return [Outcome(need, why, "value", by_model=False, value=own)]

    def _find_doubt(self, ask: Ask, value: str | list[str]) -> str:
        """Return in words what neither the note nor the vault supports; empty if all is."""
        field, is_small = ask.field, self.model.is_small
        if field.kind == "checkbox":
            return "no check can tell whether this is right"
        if field.kind in SCALARS or (field.kind == "choice" and field.vocabulary != "vault"):
            return ""  # checked already, or one of a few
        title, sources = self.note.context.title, self._sources + self._callouts
        if field.is_link:
            is_sure = not is_small or self._mentions_all(value)
            return "" if is_sure else "the note does not name it"
        if field.vocabulary:  # few of the tags that a small model chooses are the author's
            is_chosen = is_small and field.vocabulary == "vault"
            return "a small model chose it" if is_chosen else ""
        if field.kind == "list":
            strange = find_strange_names(value, title, sources) if is_small else ()
        else:
            fact = find_unsupported_fact(self._checked_answer(ask, value, sources))
            strange = find_unsupported(value, title, sources) if is_small and not fact else ()
            if fact:
                return fact
        return f"the note does not say: {', '.join(strange)}" if strange else ""

    def _mentions_all(self, links: str | Sequence[str]) -> bool:
        """Return whether the note links to, or names, each note that the links lead to."""
        context, path, text = self.vault_context, self.note.path, self.note.text
        mentions = (each.paths for each in self._names.find_mentions(text))
        linked = map(without_extension, context.links.linked_in(text, path))
        mentioned_notes = {*linked, *chain.from_iterable(mentions)}
        links = [links] if isinstance(links, str) else links
        return all(context.linked_note(link, path) in mentioned_notes for link in links)

    def _read_value(self, answer: RawAnswer, limits: Limits) -> str | list[str] | Fault:
        """Return the value in the answer, or the fault that a check found in it, if checks are on.

        Raises NothingToSay, AnswerError.
        """
        ask, raw = answer.ask, answer.value
        field = ask.field
        if field.kind == "prose" and isinstance(raw, str):
            raw = unlink_repeats(raw, self._names, self.note.path, self._linked)
        if not checks_are_on():
            return read_value(field, raw, limits)
        note = self._sources + (self._callouts if field.kind == "prose" else "")
        try:
            tidy = raw
            if isinstance(raw, str):
                tidy = tidy_answer(raw, field, self.note.context.title, note)
            value = read_value(field, tidy, limits)
        except NothingToSay:
            raise
        except AnswerError as error:
            return Fault("value", f"cannot be used: {error}", "Keep to what was asked for.")
        return self._check_value(ask, value, note, raw)

    def _check_value(
        self, ask: Ask, value: str | list[str], note: str, raw: object
    ) -> str | list[str] | Fault:
        """Return the value as it may go into the note, or the fault that a check found in it.

        note, raw: as in CheckedAnswer. Raises NothingToSay.
        """
        field = ask.field
        if field.kind in SCALARS and isinstance(value, str):
            untold = None if self.by_program else find_untold(self.note, field, value)
            return untold or value
        if field.is_link or field.kind == "choice" or field.vocabulary is not None:
            return value  # one of the vault's own
        checked = self._checked_answer(ask, value, note, raw)
        if field.kind != "list":
            return find_fault(checked) or value
        if not (fit := find_good_items(checked)):
            raise NothingToSay(f"the model named nothing usable for {field.name}")
        return fit

    def _checked_answer(
        self, ask: Ask, value: str | list[str], note: str, raw: object = None
    ) -> CheckedAnswer:
        text = value if isinstance(value, str) else "\n".join(value)
        explains = ask.need.kind == CALLOUT and not ask.question
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
            by_small_model=explains and self.model.is_small,
            own=self.note.text + self._callouts,
        )
