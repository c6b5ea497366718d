"""Ask the model for what a note needs, and make of its answers values that may go into the note."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from companion.enrich.again import AGAIN_TOKENS, AnswerUnfit, Unfit, ask_again
from companion.enrich.answer import Limits, NothingToSay, find_new_values, read_answer
from companion.enrich.ask import Call, ask_for, field_of, plan_calls, show_note
from companion.enrich.gate import (
    Fault,
    Said,
    checks_are_on,
    find_fault,
    tidy,
    what_was_told,
    whole_sentences,
)
from companion.enrich.gate.tokens import width
from companion.enrich.known import Known
from companion.enrich.languages import Languages
from companion.enrich.model import ModelFacts
from companion.enrich.own_sentence import own_sentence, running_text
from companion.enrich.plan import Filling
from companion.enrich.workspace import Workspace
from companion.errors import AnswerError
from companion.llm.answer import Usage
from companion.llm.client import Client
from companion.note.needs import CALLOUT, DESCRIPTION, Need
from companion.note.view import NoteView
from companion.note.wikilink import link_mentions, link_targets
from companion.prompts import NoteView as Shown

_LITTLE = 100  # letters of a note that are hardly more than its title
_FRAME_TOKENS = 500  # the system message and the frame of the note
_FIELD_TOKENS = 400  # one instruction with the values it offers


class Outcome(NamedTuple):
    """What came of asking: values that may go into the note, and why there is none for a need."""

    fillings: list[Filling]
    refused: Mapping[Need, AnswerError]
    usage: Usage


class Asker:
    """Asks one model for what the notes of one vault need; from any thread.

    `known` may be replaced when the vault has changed.
    """

    def __init__(self, workspace: Workspace, known: Known, model: ModelFacts) -> None:
        self._workspace = workspace
        self.known = known
        self._model = model
        self._languages: Languages | None = None

    def ask(self, path: str, view: NoteView, needs: Sequence[Need], client: Client) -> Outcome:
        """Return what the model gives for the needs of the note.

        What a check finds unfit is asked for once more; then the note's own sentence may stand
        in for a description.

        Raises EndpointError, Cancelled.
        """
        prompts, way = self._workspace.prompts, self._model.way
        shown = self._show(path, view, needs)
        answers = ask_for(needs, prompts, shown, client, way)
        read = self._read(path, view, shown, answers.given)
        unfit = {
            need: Unfit(answers.given[need], error)
            for need, error in read.refused.items()
            if isinstance(error, AnswerUnfit)
        }
        if unfit:
            shown = self._show(path, view, needs, AGAIN_TOKENS)
            again = ask_again(unfit, prompts, shown, client, way)
            second = self._read(path, view, shown, again.given)
            read = _merge(read, second)._replace(usage=again.usage)
        read = read._replace(usage=answers.usage + read.usage)
        return self._stand_in(view, shown, read) if checks_are_on() else read

    def calls(
        self, path: str, view: NoteView, needs: Sequence[Need]
    ) -> tuple[list[Call], dict[Need, AnswerError]]:
        """Return the calls that ask() would make, and the needs that cannot be asked for."""
        shown = self._show(path, view, needs)
        return plan_calls(needs, self._workspace.prompts, shown, self._model.way)

    def _show(self, path: str, view: NoteView, needs: Sequence[Need], spare: int = 0) -> Shown:
        fields = [field_of(need, self._workspace.prompts) for need in needs]
        vocabulary = self.known.vocabulary(fields, view.note.text)
        budget = None
        if self._model.context_tokens:
            each = [field.max_tokens + _FIELD_TOKENS for field in fields]
            used = sum(each) if self._model.way == "together" else max(each)
            budget = self._model.context_tokens - _FRAME_TOKENS - used - spare
            budget = min(budget, self._model.prose_tokens or budget)
        return show_note(view, path, vocabulary, budget, self._language_for(path, view))

    def _language_for(self, path: str, view: NoteView) -> str | None:
        """Return the language to name to the model: none for English, which models fall back to."""
        if self._workspace.config.notes.language:
            return self._workspace.config.notes.language
        if self._languages is None or self._languages.paths is not self.known.paths:
            self._languages = Languages(self._workspace.root, self.known.paths)
        found = self._languages.of(path, view)
        return None if found == "English" else found

    def _read(
        self, path: str, view: NoteView, shown: Shown, answers: Mapping[Need, object]
    ) -> Outcome:
        fillings: list[Filling] = []
        refused: dict[Need, AnswerError] = {}
        for need, given in answers.items():
            try:
                value = self._read_value(path, view, shown, need, given)
                fillings.append(Filling(need, value, self._propose(shown, need, given)))
            except AnswerError as error:
                refused[need] = error
        return Outcome(fillings, refused, Usage())

    def _read_value(
        self, path: str, view: NoteView, shown: Shown, need: Need, given: object
    ) -> str | list[str]:
        if isinstance(given, AnswerError):
            raise given
        field = field_of(need, self._workspace.prompts)
        taken = self.known.taken if field.name == "aliases" else frozenset[str]()
        limits = Limits(field.choices(shown), taken, self.known.names.resolve)
        value = self._check(view, shown, need, given, limits)
        if need.kind != CALLOUT or not self._workspace.config.callout.links:
            return value
        text = "\n".join([value] if isinstance(value, str) else value)
        linked = link_mentions(text, self.known.names, path, link_targets(view.note.text))
        return linked.split("\n")

    def _check(
        self, view: NoteView, shown: Shown, need: Need, given: object, limits: Limits
    ) -> str | list[str]:
        """Return the value in the answer. Raises NothingToSay, AnswerUnfit where checks are on."""
        field = field_of(need, self._workspace.prompts)
        if not checks_are_on():
            return read_answer(field, given, limits)
        note, said = view.note.text, given
        if field.kind == "prose" and isinstance(given, str):
            said = tidy(given, field, shown.title, note, may_quote=bool(need.question))
        try:
            value = read_answer(field, said, limits)
            if field.kind == "text" and isinstance(value, str):
                value = whole_sentences(value)
        except NothingToSay:
            raise
        except AnswerError as error:
            raise AnswerUnfit(field.name, _unread(error)) from error
        answer = Said(
            field,
            value if isinstance(value, str) else "\n".join(value),
            given if isinstance(given, str) else "",
            shown.title,
            note,
            "\n".join(running_text(view)),
            what_was_told(self._workspace.prompts, field),
            shown.language,
            need.question or "",
            self._is_from_title(shown, need),
        )
        if fault := find_fault(answer):
            raise AnswerUnfit(field.name, fault)
        return value

    def _is_from_title(self, shown: Shown, need: Need) -> bool:
        """Return whether a small model has to make up a callout from the title, or little more."""
        explains = need.kind == CALLOUT and not need.question
        return explains and self._model.is_small and width(shown.prose) < _LITTLE

    def _propose(self, shown: Shown, need: Need, given: object) -> str:
        """Return what to say of values that the model named and the vault does not use yet."""
        field = field_of(need, self._workspace.prompts)
        limits = Limits(field.choices(shown), frozenset(), self.known.names.resolve)
        named = find_new_values(field, given, limits)
        new = [value for value in named if not self.known.is_used(field, value)]
        return f"not used in the vault yet, so only proposed: {', '.join(new)}" if new else ""

    def _stand_in(self, view: NoteView, shown: Shown, read: Outcome) -> Outcome:
        """Return the outcome with the note's own sentence for a description that was refused."""
        need = next((need for need in read.refused if need.kind == DESCRIPTION), None)
        if need is None or not self._workspace.config.notes.own_sentence:
            return read
        error = read.refused[need]
        most = field_of(need, self._workspace.prompts).max_characters
        sentence = own_sentence(view, shown.title, most)
        if sentence is None or isinstance(error, NothingToSay):
            return read
        remark = f"the note's own sentence; the model's answer: {error}"
        rest = {other: why for other, why in read.refused.items() if other != need}
        return Outcome([*read.fillings, Filling(need, sentence, remark)], rest, read.usage)


def _unread(error: AnswerError) -> Fault:
    return Fault("value", f"cannot be used: {error}", "Keep to what was asked for.")


def _merge(first: Outcome, second: Outcome) -> Outcome:
    """Return what both gave; the reasons are the last ones, but for a second try with nothing."""
    given = {filling.need for filling in second.fillings}
    refused = {need: error for need, error in first.refused.items() if need not in given}
    refused |= {need: e for need, e in second.refused.items() if not isinstance(e, NothingToSay)}
    return Outcome([*first.fillings, *second.fillings], refused, second.usage)
