"""Ask the model for what a note needs, and make of its answers values that may go into the note."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from companion.enrich.answer import Limits, read_answer
from companion.enrich.ask import Call, ask_for, field_of, plan_calls, show_note
from companion.enrich.known import Known
from companion.enrich.model import ModelFacts
from companion.enrich.plan import Filling
from companion.enrich.workspace import Workspace
from companion.errors import AnswerError
from companion.llm.answer import Usage
from companion.llm.client import Client
from companion.note.needs import CALLOUT, Need
from companion.note.view import NoteView
from companion.note.wikilink import link_mentions, link_targets
from companion.prompts import NoteView as Shown

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

    def ask(self, path: str, view: NoteView, needs: Sequence[Need], client: Client) -> Outcome:
        """Return what the model gives for the needs of the note.

        Raises EndpointError, Cancelled.
        """
        shown = self._show(path, view, needs)
        prompts = self._workspace.prompts
        answers = ask_for(needs, prompts, shown, client, self._model.way)
        fillings: list[Filling] = []
        refused: dict[Need, AnswerError] = {}
        for need, given in answers.given.items():
            try:
                fillings.append(Filling(need, self._read_value(path, view, shown, need, given)))
            except AnswerError as error:
                refused[need] = error
        return Outcome(fillings, refused, answers.usage)

    def calls(
        self, path: str, view: NoteView, needs: Sequence[Need]
    ) -> tuple[list[Call], dict[Need, AnswerError]]:
        """Return the calls that ask() would make, and the needs that cannot be asked for."""
        shown = self._show(path, view, needs)
        return plan_calls(needs, self._workspace.prompts, shown, self._model.way)

    def _show(self, path: str, view: NoteView, needs: Sequence[Need]) -> Shown:
        fields = [field_of(need, self._workspace.prompts) for need in needs]
        vocabulary = self.known.vocabulary(fields, view.note.text)
        budget = None
        if self._model.context_tokens:
            each = [field.max_tokens + _FIELD_TOKENS for field in fields]
            used = sum(each) if self._model.way == "together" else max(each)
            budget = self._model.context_tokens - _FRAME_TOKENS - used
        return show_note(view, path, vocabulary, budget)

    def _read_value(
        self, path: str, view: NoteView, shown: Shown, need: Need, given: object
    ) -> str | list[str]:
        if isinstance(given, AnswerError):
            raise given
        field = field_of(need, self._workspace.prompts)
        taken = self.known.taken if field.name == "aliases" else frozenset[str]()
        limits = Limits(field.choices(shown), taken, self.known.names.resolve)
        value = read_answer(field, given, limits)
        if need.kind != CALLOUT or not self._workspace.config.callout.links:
            return value
        text = "\n".join([value] if isinstance(value, str) else value)
        linked = link_mentions(text, self.known.names, path, link_targets(view.note.text))
        return linked.split("\n")
