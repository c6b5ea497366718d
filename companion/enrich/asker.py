"""Asks a model for what a note needs: context, call, check, and once more what a check rejected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from companion.enrich.accept import Acceptor
from companion.enrich.checks import checks_are_on
from companion.enrich.context import (
    LITTLE_TEXT,
    NoteLanguages,
    VaultContext,
    make_prompt_context,
    subject_properties,
)
from companion.enrich.excerpt import excerpt
from companion.enrich.language import name_language
from companion.enrich.model import ModelFacts
from companion.enrich.model_calls import (
    CallPlan,
    CallPlanner,
    TokenBudget,
    field_of,
    question_of,
)
from companion.enrich.outcome import NoteAnswers, Rejected
from companion.enrich.retry import RETRY_TOKENS, merge_outcomes, send_calls
from companion.enrich.words import width
from companion.enrich.workspace import Workspace
from companion.llm.client import Client
from companion.note.callouts import Styles
from companion.note.needs import Need, find_callout
from companion.note.parsed_note import ParsedNote
from companion.note.sections import Section, find_heading
from companion.prompts import PromptContext

_NOTE_SHARE = 1 / 8  # of the context, at least, that the needs in one call leave to the note


class Asker:
    """Asks one model for what the notes of one vault need; from any thread.

    vault_context: may be replaced when the vault has changed.
    """

    def __init__(
        self, workspace: Workspace, vault_context: VaultContext, model: ModelFacts
    ) -> None:
        self._workspace = workspace
        self.vault_context = vault_context
        self._model = model
        self._languages: NoteLanguages | None = None

    def ask(
        self, path: str, parsed: ParsedNote, needs: Sequence[Need], client: Client
    ) -> NoteAnswers:
        """Return what the model gives for the needs of the note.

        What a check finds unfit is asked for once more; then a sentence of the note may take the
        place of a description.

        Raises EndpointError, Cancelled.
        """
        note = self._read_note(path, parsed, needs)
        unaskable, (answers, usage) = send_calls(self._planner(note), needs, client)
        acceptor = Acceptor(
            self._workspace,
            self.vault_context,
            self._model,
            path,
            parsed,
            note.context,
            note.language,
        )
        outcomes = [*unaskable, *acceptor.accept(answers)]
        unfit = {
            each.need: each
            for each in outcomes
            if isinstance(each, Rejected) and each.kind == "unfit"
        }
        if unfit:
            planner = self._planner(note, RETRY_TOKENS)
            _, (answers, more) = send_calls(planner, list(unfit), client, unfit)
            outcomes, usage = merge_outcomes(outcomes, acceptor.accept(answers)), usage + more
        if checks_are_on() and self._workspace.config.notes.own_sentence:
            outcomes = acceptor.use_fallback(outcomes)
        return NoteAnswers(tuple(outcomes), usage)

    def plan_calls(self, path: str, parsed: ParsedNote, needs: Sequence[Need]) -> CallPlan:
        """Return the calls that ask() makes first, and the needs that cannot be asked for."""
        return self._planner(self._read_note(path, parsed, needs)).plan(needs)

    @property
    def callout_styles(self) -> Styles:
        """How the vault's AI callouts begin."""
        return self._workspace.config.styles(self.vault_context.styles)

    def _read_note(self, path: str, parsed: ParsedNote, needs: Sequence[Need]) -> _AskedNote:
        """Return what both questions about the note have in common."""
        prompts, styles = self._workspace.prompts, self.callout_styles
        titles = frozenset(style.title.casefold() for style in styles)
        vocabulary = self.vault_context.vocabulary(
            [field_of(need, prompts) for need in needs], parsed.note.text
        )
        language = self._language_of(path, parsed)
        # English is what models write without being asked to.
        is_default = language == "English" and not self._workspace.config.notes.language
        context = make_prompt_context(
            parsed, path, vocabulary, language=None if is_default else language
        )
        lines = _find_places(parsed, needs, titles)
        return _AskedNote(parsed, needs, context, language, titles, lines)

    def _planner(self, note: _AskedNote, each_need: int = 0) -> CallPlanner:
        """Return the planner of calls that show as much of the note as there is room for.

        each_need: tokens kept free for each need.
        """
        model = self._model
        budget = TokenBudget(model.context_tokens, 0, each_need)
        planner = CallPlanner(
            self._workspace.prompts, note.context, model.mode, budget, note.callout_titles
        )
        note_tokens = model.prose_tokens
        if budget.context is not None:
            reserved = budget._replace(note=round(budget.context * _NOTE_SHARE))
            calls, _ = replace(planner, budget=reserved).plan(note.needs)
            left = max(0, budget.context - max(map(budget.used_by, calls), default=0))
            note_tokens = min(left, note_tokens or left)
        prose = excerpt(note.parsed.lines, note_tokens, note.lines)
        properties = subject_properties(note.parsed) if width(prose) < LITTLE_TEXT else ()
        return replace(planner, context=replace(note.context, prose=prose, properties=properties))

    def _language_of(self, path: str, parsed: ParsedNote) -> str | None:
        """Return the language to write in; None where nothing tells it."""
        if configured := self._workspace.config.notes.language:
            return name_language(configured)
        paths = self.vault_context.paths
        if self._languages is None or self._languages.paths is not paths:
            self._languages = NoteLanguages(self._workspace.root, paths)
        return self._languages.of(path, parsed)


class _AskedNote(NamedTuple):
    """A note that is asked about.

    context: what prompts show of it, but for its text. language: what to write in; None: nothing
    tells it. callout_titles: casefolded, of callouts that ask nothing. lines: of the outline,
    where questions and callouts of sections stand.
    """

    parsed: ParsedNote
    needs: Sequence[Need]
    context: PromptContext
    language: str | None
    callout_titles: frozenset[str]
    lines: list[int]


def _find_places(
    parsed: ParsedNote, needs: Sequence[Need], callout_titles: frozenset[str]
) -> list[int]:
    """Return the lines of the outline that questions and callouts of sections stand in."""
    lines = []
    for need in needs:
        asks = need.where == "request" and (question_of(need, callout_titles) or need.heading)
        if asks and (callout := find_callout(parsed, need)):
            lines.append(callout.first)
        elif need.where == "section" and need.heading:
            section = Section(need.heading, need.at, need.of)
            lines.append(find_heading(parsed.lines, section))
    return lines
