"""From a model's answers to values that may go into a note, or the reasons why not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from companion.enrich.checks import (
    CheckedAnswer,
    Fault,
    checks_are_on,
    find_fault,
    fit_items,
    tidy,
    what_was_told,
    whole_sentences,
    without_citations,
)
from companion.enrich.checks.answer_language import language_named
from companion.enrich.context import VaultContext
from companion.enrich.extractive import is_self_description, own_sentence, running_text
from companion.enrich.model import ModelFacts
from companion.enrich.model_calls import field_of
from companion.enrich.parse_answer import Limits, NothingToSay, find_new_values, read_answer
from companion.enrich.plan import Filling
from companion.enrich.retry import AnswerUnfit
from companion.enrich.sentences import find_sentences, leans_back
from companion.enrich.words import find_tokens, telling_parts
from companion.enrich.workspace import Workspace
from companion.errors import AnswerError
from companion.llm.response import NoCompletion, Usage
from companion.note.links import link_mentions, link_targets, unlink_repeats
from companion.note.needs import CALLOUT, DESCRIPTION, Need
from companion.note.parsed_note import ParsedNote
from companion.prompts import Field, Prompts
from companion.prompts import PromptContext as Shown


class Outcome(NamedTuple):
    """What came of asking: values that may go into the note, and why there is none for a need.

    fallbacks: the needs that the note's own sentence fills, and why the model's answer does not.
    """

    fillings: list[Filling]
    refused: Mapping[Need, AnswerError]
    usage: Usage
    fallbacks: Mapping[Need, AnswerError] = {}


class Reader:
    """Reads the answers of a model to what one note needs.

    path: the note's, with `/`. language: what they should be in; None: nothing tells it.
    """

    def __init__(
        self,
        workspace: Workspace,
        known: VaultContext,
        model: ModelFacts,
        path: str,
        view: ParsedNote,
        language: str | None,
    ) -> None:
        self._workspace = workspace
        self._known = known
        self._model = model
        self._path = path
        self._view = view
        self._linked = link_targets(view.note.text)
        self._said = view.note.text  # and what its callouts will say
        self._language = language and (language_named(language) or language)

    def read(self, shown: Shown, answers: Mapping[Need, object]) -> Outcome:
        """Return what the answers come to. shown: what the model saw of the note."""
        fillings: list[Filling] = []
        refused: dict[Need, AnswerError] = {}
        for need, given in answers.items():
            field = field_of(need, self._workspace.prompts)
            try:
                value = self._read_value(shown, need, field, given)
                fillings.append(Filling(need, value, self._propose(shown, field, given)))
            except AnswerError as error:
                refused[need] = error
                if new := self._find_new(shown, field, given):
                    named = ", ".join(new)
                    error.proposed = f"proposed {need.kind}: {named} (not used in this vault yet)"
        return Outcome(fillings, refused, Usage())

    def _read_value(self, shown: Shown, need: Need, field: Field, given: object) -> str | list[str]:
        if isinstance(given, AnswerError):
            raise given
        value = self._check(shown, need, field, given)
        if need.kind != CALLOUT:
            return value
        text = "\n".join([value] if isinstance(value, str) else value)
        self._said += f"\n\n{text}"
        if self._workspace.config.callout.links:
            text = link_mentions(text, self._known.names, self._path, self._linked)
            self._linked |= link_targets(text)
        return text.split("\n")

    def _check(self, shown: Shown, need: Need, field: Field, given: object) -> str | list[str]:
        """Return the value in the answer. Raises NothingToSay, AnswerUnfit where checks are on."""
        limits = self._limits(shown, field)
        if field.kind == "prose" and isinstance(given, str):
            given = unlink_repeats(given, self._known.names, self._path, self._linked)
        if not checks_are_on():
            return read_answer(field, given, limits)
        note = self._said if field.kind == "prose" else self._view.note.text
        try:
            value = read_answer(field, _tidied(given, field, need, shown.title, note), limits)
        except NothingToSay:
            raise
        except AnswerError as error:
            fault = Fault("value", f"cannot be used: {error}", "Keep to what was asked for.")
            raise AnswerUnfit(field.name, fault) from error
        if field.kind == "text" and isinstance(value, str):
            value = whole_sentences(value)
        answer = self._said_for(shown, need, field, value, note)
        if isinstance(given, str):
            answer = replace(answer, raw=given)
        if isinstance(value, list) and field.kind == "list":
            return self._fit_items(answer, value)
        if field.kind != "choice" and (found := find_fault(answer)):
            raise AnswerUnfit(field.name, found)
        return value

    def may_stand_in(self, shown: Shown, need: Need, sentence: str) -> bool:
        """Return whether a sentence of the note may be its description."""
        field = field_of(need, self._workspace.prompts)
        return not find_fault(self._said_for(shown, need, field, sentence, self._view.note.text))

    def _said_for(
        self, shown: Shown, need: Need, field: Field, value: str | list[str], note: str
    ) -> CheckedAnswer:
        text = value if isinstance(value, str) else "\n".join(value)
        explains = need.kind == CALLOUT and not need.question
        return CheckedAnswer(
            field,
            text,
            text,
            shown.title,
            note,
            "\n".join(running_text(self._view)),
            what_was_told(self._workspace.prompts, field),
            self._language,
            need.question or "",
            explains and self._model.is_small,
            of_section=need.kind == CALLOUT and need.heading is not None,
        )

    def _fit_items(self, answer: CheckedAnswer, items: list[str]) -> list[str]:
        if answer.field.vocabulary is not None:  # the vault's own values
            return items
        if fit := fit_items(answer):
            return fit
        raise NothingToSay(f"the model named nothing fit for {answer.field.name}")

    def _limits(self, shown: Shown, field: Field) -> Limits:
        taken = self._known.taken if field.name == "aliases" else frozenset[str]()
        is_linking = self._workspace.config.callout.links
        resolve = self._known.names.resolve if is_linking else _no_note
        return Limits(field.choices(shown), taken, resolve)

    def _propose(self, shown: Shown, field: Field, given: object) -> str:
        """Return what to say of values that the model named and the vault does not use yet."""
        new = self._find_new(shown, field, given)
        return f"not used in the vault yet, so only proposed: {', '.join(new)}" if new else ""

    def _find_new(self, shown: Shown, field: Field, given: object) -> list[str]:
        if isinstance(given, AnswerError):
            return []
        named = find_new_values(field, given, self._limits(shown, field))
        return [value for value in named if not self._known.is_used(field, value)]


def _no_note(_target: str) -> None:
    """Resolve no link: all become their words."""


def _tidied(given: object, field: Field, need: Need, title: str, note: str) -> object:
    if not isinstance(given, str):
        return given
    if field.kind == "prose":
        return tidy(given, field, title, note, may_quote=bool(need.question))
    return without_citations(given, note) if field.kind == "text" else given


# Of the parts of an answer that tell something, and of all its words, what stands in one sentence
# of the note or in the title; and the fewest such parts that are judged. Small models that shorten
# such a sentence lose what matters, or make it wrong. Measured: on the notes prompts are tuned on,
# it is better to leave the sentence as it was from 0.75 of the telling parts on. The share of all
# words keeps answers out that only have its subject.
_TOLD, _SPOKEN, _FEWEST = 0.85, 0.6, 3


def stand_in(
    read: Outcome, view: ParsedNote, shown: Shown, reader: Reader, prompts: Prompts, is_small: bool
) -> Outcome:
    """Return the outcome with the note's own sentence where it is the better description.

    That is where the model's was refused, or a small model's says one of the note's sentences over
    again.
    """
    model = _read_description(read)
    if model is None or isinstance(model.answer, NothingToSay | NoCompletion):
        return read
    need, answer = model
    sentence = own_sentence(view, shown.title, field_of(need, prompts).max_characters)
    if sentence in (None, answer):
        return read
    if isinstance(answer, str) and not (
        is_small and gives_way(answer, sentence, view, shown.title)
    ):
        return read
    if not reader.may_stand_in(shown, need, sentence):
        return read
    said = answer if isinstance(answer, AnswerError) else f"“{answer}” says it over again"
    remark = f"the note's own sentence; the model's answer: {said}"
    fillings = [filling for filling in read.fillings if filling.need != need]
    refused = {other: why for other, why in read.refused.items() if other != need}
    fallbacks = {need: answer} if isinstance(answer, AnswerError) else {}
    return Outcome([*fillings, Filling(need, sentence, remark)], refused, read.usage, fallbacks)


def gives_way(answer: str, sentence: str, view: ParsedNote, title: str) -> bool:
    """Return whether a description says what one sentence of the note does, and no more.

    sentence: the one that would take its place. It has to make sense away from the note; and
    where the answer says another one over again, it has to name as much of the title.
    """
    if leans_back(sentence) and not is_self_description(sentence):
        return False
    if _rewords(answer, sentence, title):
        return True
    named = set(telling_parts(title)).intersection(telling_parts(answer))
    if not named or not named.issubset(telling_parts(sentence)):
        return False
    return any(_rewords(answer, one, title) for one in find_sentences(running_text(view)))


def _rewords(answer: str, sentence: str, title: str) -> bool:
    """Return whether what the answer says stands in the sentence or the title, mostly in its words.

    What tells something counts, and all words do, if less.
    """
    told, words = set(telling_parts(answer)), set(find_tokens(answer))
    known = {*telling_parts(sentence), *telling_parts(title)}
    spoken = {*find_tokens(sentence), *find_tokens(title)}
    return (
        len(told) >= _FEWEST
        and len(told & known) >= _TOLD * len(told)
        and len(words & spoken) >= _SPOKEN * len(words)
    )


class _Asked(NamedTuple):
    """A description that was asked for, and what the model gave, or why that was refused."""

    need: Need
    answer: str | AnswerError


def _read_description(read: Outcome) -> _Asked | None:
    filled = ((filling.need, filling.value) for filling in read.fillings)
    for need, answer in (*filled, *read.refused.items()):
        if need.kind == DESCRIPTION and isinstance(answer, str | AnswerError):
            return _Asked(need, answer)
    return None
