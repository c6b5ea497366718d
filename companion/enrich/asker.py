"""Ask the model for what a note needs: the view of the note, a second try, a stand-in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from companion.enrich.again import AGAIN_TOKENS, AnswerUnfit, Unfit, ask_again
from companion.enrich.answer import NothingToSay
from companion.enrich.ask import Call, Room, ask_for, field_of, plan_calls
from companion.enrich.excerpt import excerpt
from companion.enrich.gate import checks_are_on
from companion.enrich.gate.language import name_language
from companion.enrich.gate.tokens import width
from companion.enrich.known import Known
from companion.enrich.languages import Languages
from companion.enrich.model import ModelFacts
from companion.enrich.reader import Outcome, Reader
from companion.enrich.shown import LITTLE, show_note, telling_properties
from companion.enrich.stand_in import stand_in
from companion.enrich.workspace import Workspace
from companion.errors import AnswerError
from companion.llm.client import Client
from companion.note.needs import Need, find_callout
from companion.note.section import Section, find_heading
from companion.note.view import NoteView
from companion.prompts import NoteView as Shown

_LEAST_PROSE = 1 / 8  # of the context, that the needs in one call leave to the note


class Asker:
    """Asks one model for what the notes of one vault need; from any thread.

    `known` may be replaced when the vault has changed.
    """

    def __init__(self, workspace: Workspace, known: Known, model: ModelFacts) -> None:
        self._workspace = workspace
        self.known = known
        self._model = model
        self._languages: Languages | None = None

    def ask(
        self,
        path: str,
        view: NoteView,
        needs: Sequence[Need],
        client: Client,
        in_note: Mapping[Need, Need] = {},
    ) -> Outcome:
        """Return what the model gives for the needs of the note.

        in_note: what those needs are to the note that are asked for as others; see as_meant.

        What a check finds unfit is asked for once more; then the note's own sentence may stand
        in for a description.

        Raises EndpointError, Cancelled.
        """
        prompts, way = self._workspace.prompts, self._model.way
        around = _lines_asked_in(view, needs, in_note)
        shown = self._show(path, view, needs, around)
        room = Room(self._model.context_tokens)
        answers = ask_for(needs, prompts, shown, client, way, room)
        language = self._language_for(path, view)
        reader = Reader(self._workspace, self.known, self._model, path, view, language)
        read = reader.read(shown, answers.given)
        unfit = {
            need: Unfit(answers.given[need], error)
            for need, error in read.refused.items()
            if isinstance(error, AnswerUnfit)
        }
        if unfit:
            shown = self._show(path, view, needs, around, AGAIN_TOKENS)
            room = room._replace(spare=AGAIN_TOKENS)
            again = ask_again(unfit, prompts, shown, client, way, room)
            second = reader.read(shown, again.given)
            read = _merge(read, second)._replace(usage=again.usage)
        read = read._replace(usage=answers.usage + read.usage)
        if not (checks_are_on() and self._workspace.config.notes.own_sentence):
            return read
        return stand_in(read, view, shown, reader, prompts, self._model.is_small)

    def calls(
        self, path: str, view: NoteView, needs: Sequence[Need], in_note: Mapping[Need, Need] = {}
    ) -> tuple[list[Call], dict[Need, AnswerError]]:
        """Return the calls that ask() would make, and the needs that cannot be asked for."""
        shown = self._show(path, view, needs, _lines_asked_in(view, needs, in_note))
        room = Room(self._model.context_tokens)
        return plan_calls(needs, self._workspace.prompts, shown, self._model.way, room)

    def _show(
        self,
        path: str,
        view: NoteView,
        needs: Sequence[Need],
        around: Sequence[int],
        spare: int = 0,
    ) -> Shown:
        fields = [field_of(need, self._workspace.prompts) for need in needs]
        vocabulary = self.known.vocabulary(fields, view.note.text)
        language = self._language_for(path, view)
        if language == "English" and not self._workspace.config.notes.language:
            language = None  # models fall back to it untold
        shown = show_note(view, path, vocabulary, language=language)
        budget = self._budget(shown, needs, spare)
        prose = excerpt(view.lines, budget, around)
        telling = telling_properties(view) if width(prose) < LITTLE else ()
        return replace(shown, prose=prose, properties=telling)

    def _budget(self, shown: Shown, needs: Sequence[Need], spare: int) -> int | None:
        """Return how many tokens of the note may be shown beside all else; None: any number."""
        model, context = self._model, self._model.context_tokens
        if context is None:
            return model.prose_tokens
        room = Room(context, round(context * _LEAST_PROSE), spare)
        calls, _ = plan_calls(needs, self._workspace.prompts, shown, model.way, room)
        left = max(0, context - max(map(room.used_by, calls), default=0))
        return min(left, model.prose_tokens or left)

    def _language_for(self, path: str, view: NoteView) -> str | None:
        """Return the language to write in; None where nothing tells it."""
        if told := self._workspace.config.notes.language:
            return name_language(told)
        if self._languages is None or self._languages.paths is not self.known.paths:
            self._languages = Languages(self._workspace.root, self.known.paths)
        return self._languages.of(path, view)


def _merge(first: Outcome, second: Outcome) -> Outcome:
    """Return what both gave; the reasons are the last ones, but for a second try with nothing."""
    given = {filling.need for filling in second.fillings}
    refused = {need: error for need, error in first.refused.items() if need not in given}
    for need, error in second.refused.items():
        if not isinstance(error, NothingToSay):
            error.proposed = error.proposed or first.refused[need].proposed
            refused[need] = error
    return Outcome([*first.fillings, *second.fillings], refused, second.usage)


def _lines_asked_in(
    view: NoteView, needs: Sequence[Need], in_note: Mapping[Need, Need]
) -> list[int]:
    """Return the lines of the outline that questions and callouts of sections stand in."""
    lines = []
    for need in needs:
        is_placed = need.where == "request" and (need.question or need.heading)
        if is_placed and (callout := find_callout(view, in_note.get(need, need))):
            lines.append(callout.first)
        elif need.where == "section" and need.heading:
            section = Section(need.heading, need.at, need.of)
            lines.append(find_heading(view.lines, section))
    return lines
