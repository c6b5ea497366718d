"""Asks a model for what a note needs: context, call, check, and once more what a check rejected."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from companion.enrich.accept import Acceptor
from companion.enrich.backlinks import Backlinks
from companion.enrich.checks import checks_are_on
from companion.enrich.context import (
    ENOUGH,
    LITTLE_TEXT,
    VaultContext,
    count_known,
    make_prompt_context,
    subject_properties,
)
from companion.enrich.excerpt import excerpt
from companion.enrich.extractive import plain_text
from companion.enrich.language import NoteLanguages, name_language
from companion.enrich.model import ModelFacts
from companion.enrich.model_calls import (
    AskedFor,
    Call,
    CallAnswers,
    CallPlan,
    CallPlanner,
    RawAnswer,
    TokenBudget,
    field_of,
    make_ask,
    question_of,
)
from companion.enrich.outcome import Accepted, NoteAnswers, Rejected
from companion.enrich.retry import RETRY_TOKENS, merge_outcomes, send_calls
from companion.enrich.similar import ChosenValues, SimilarNotes
from companion.enrich.statements import read_passages
from companion.enrich.words import width
from companion.enrich.workspace import Workspace
from companion.llm.client import Client
from companion.llm.pricing import estimate_tokens
from companion.llm.response import Usage
from companion.note.callouts import Styles
from companion.note.needs import CALLOUT, Need, find_callout
from companion.note.outline import Section, find_heading
from companion.note.parsed_note import ParsedNote
from companion.note.sanitize_inline import without_links
from companion.prompts import Ask, PromptContext, Prompts
from companion.vault.proposal import Flag

Keep = Callable[[Sequence[Accepted | Rejected], Usage], None]
"""Keeps what came of a call."""

ReadAnswers = Callable[[Prompts, PromptContext, Sequence[Ask]], CallAnswers]
"""Reads an answer, from the prompts, what they show of the note, and how needs were asked for."""

_SIMILAR = 12  # notes in which examples of descriptions are looked for
_EXAMPLES = 3  # at most
_NOTE_SHARE = 1 / 8  # of the context, at least, that the needs in one call leave to the note


class Asker:
    """Asks one model for what the notes of one vault need; from any thread.

    vault_context: may be replaced when the vault has changed.
    similar: chooses tags and the like where it can, before the model is asked; None: the model
    chooses.
    """

    def __init__(
        self,
        workspace: Workspace,
        vault_context: VaultContext,
        model: ModelFacts,
        similar: SimilarNotes | None = None,
    ) -> None:
        self._workspace = workspace
        self._similar = similar
        self.vault_context = vault_context
        self._model = model
        self._languages: NoteLanguages | None = None
        self._backlinks = Backlinks(workspace)

    def ask(
        self,
        path: str,
        parsed: ParsedNote,
        needs: Sequence[Need],
        client: Client,
        keep: Keep = lambda outcomes, usage: None,
    ) -> NoteAnswers:
        """Return what the model gives for the needs of the note.

        What a check finds unfit is asked for once more; then a sentence of the note may take the
        place of a description.

        keep: called after each call with what came of it, and its tokens; the next one may fail.

        Raises EndpointError, Cancelled.
        """
        chosen = self.choose_values(path, parsed, needs)
        if not (needs := chosen.needs):
            return NoteAnswers(chosen.outcomes, Usage())
        note = self._read_note(path, parsed, chosen)
        acceptor = self._make_acceptor(path, note)
        outcomes: list[Accepted | Rejected] = []

        def take(given: CallAnswers) -> None:
            outcomes.extend(found := self._accept(acceptor, note, given.answers))
            keep(found, given.usage)

        unaskable, usage = send_calls(self._planner(note), needs, client, take)
        outcomes = [*unaskable, *outcomes]
        unfit = {
            each.need: each
            for each in outcomes
            if isinstance(each, Rejected) and each.kind == "unfit"
        }
        if unfit:
            planner, first, outcomes = self._planner(note, RETRY_TOKENS), outcomes, []
            _, more = send_calls(planner, list(unfit), client, take, unfit)
            outcomes, usage = merge_outcomes(first, outcomes), usage + more
        outcomes = self._use_fallback(acceptor, outcomes)
        return NoteAnswers((*chosen.outcomes, *outcomes), usage)

    def _make_acceptor(self, path: str, note: _AskedNote) -> Acceptor:
        return Acceptor(
            self._workspace,
            self.vault_context,
            self._model,
            path,
            note.parsed,
            note.context,
            note.language,
            self._similar,
        )

    def plan_calls(self, path: str, parsed: ParsedNote, needs: Sequence[Need]) -> CallPlan:
        """Return the calls that ask() makes first, and the needs that cannot be asked for."""
        return self._plan(path, parsed, self.choose_values(path, parsed, needs))

    def plan_note(self, path: str, parsed: ParsedNote, needs: Sequence[Need]) -> NotePlan:
        """Return the calls that ask() makes first, and what comes of needs without a call."""
        chosen = self.choose_values(path, parsed, needs)
        if not chosen.needs:
            return NotePlan([], chosen.outcomes)
        calls, unaskable = self._plan(path, parsed, chosen)
        return NotePlan(calls, (*chosen.outcomes, *unaskable))

    def accept_later(
        self, path: str, parsed: ParsedNote, needs: Sequence[Need], read: ReadAnswers
    ) -> NoteAnswers:
        """Return what comes of the answer to one of plan_note's calls, which asked for the needs.

        Nothing is asked once more. parsed: the note as it was then. read: returns the answer, from
        how each need was asked for.

        Raises EndpointError.
        """
        likely = self.choose_values(path, parsed, needs).likely
        note = self._read_note(path, parsed, ChosenValues((), needs, likely))
        acceptor = self._make_acceptor(path, note)
        asks = [
            make_ask(need, field_of(need, note.prompts), 1, note.callout_titles) for need in needs
        ]
        given = read(note.prompts, note.context, asks)
        outcomes = self._accept(acceptor, note, given.answers)
        return NoteAnswers(tuple(self._use_fallback(acceptor, outcomes)), given.usage)

    def accept_given(
        self, path: str, parsed: ParsedNote, need: Need, value: object
    ) -> Accepted | Rejected:
        """Return what comes of a value given for a need, as if the model had answered it."""
        note = self._read_note(path, parsed, ChosenValues((), [need], {}))
        ask = make_ask(need, field_of(need, note.prompts), 1, note.callout_titles)
        answer = RawAnswer(AskedFor(need, ask), value)
        return self._make_acceptor(path, note).accept([answer])[0]

    def describe(self, path: str, parsed: ParsedNote, needs: Sequence[Need]) -> PromptContext:
        """Return what the prompts for the needs show of the note."""
        return self._planner(self._read_note(path, parsed, ChosenValues((), needs, {}))).context

    def choose_values(self, path: str, parsed: ParsedNote, needs: Sequence[Need]) -> ChosenValues:
        """Return what similar notes decide, without a model."""
        prompts = self._workspace.prompts.for_note(path)
        fields = {need: field_of(need, prompts) for need in needs}
        if self._similar is None or all(f.vocabulary != "vault" for f in fields.values()):
            return ChosenValues((), needs, {})
        language = self._language_of(path, parsed)
        return self._similar.choose(self.vault_context, path, parsed, fields, language)

    @property
    def model(self) -> ModelFacts:
        """What is known of the model."""
        return self._model

    @property
    def callout_styles(self) -> Styles:
        """How the vault's AI callouts begin."""
        return self._workspace.config.styles(self.vault_context.styles)

    def _plan(self, path: str, parsed: ParsedNote, chosen: ChosenValues) -> CallPlan:
        return self._planner(self._read_note(path, parsed, chosen)).plan(chosen.needs)

    def _accept(
        self, acceptor: Acceptor, note: _AskedNote, answers: Sequence[RawAnswer | Rejected]
    ) -> list[Accepted | Rejected]:
        return [self._add_evidence(each, note) for each in acceptor.accept(answers)]

    def _use_fallback(
        self, acceptor: Acceptor, outcomes: list[Accepted | Rejected]
    ) -> list[Accepted | Rejected]:
        """Return the outcomes, a sentence of the note in place of an unfit description."""
        if checks_are_on() and self._workspace.config.notes.own_sentence:
            return acceptor.use_fallback(outcomes)
        return outcomes

    def _read_note(self, path: str, parsed: ParsedNote, chosen: ChosenValues) -> _AskedNote:
        """Return what both questions about the note have in common."""
        needs = chosen.needs
        prompts, styles = self._workspace.prompts.for_note(path), self.callout_styles
        titles = frozenset(style.title.casefold() for style in styles)
        vocabulary = self.vault_context.vocabulary(
            [field_of(need, prompts) for need in needs], path, parsed.note.text, chosen.likely
        )
        language = self._language_of(path, parsed)
        # English is what models write without being asked to.
        is_default = language == "English" and not self._workspace.config.notes.language
        context = make_prompt_context(
            parsed, path, vocabulary, language=None if is_default else language
        )
        context = self._add_told(context, path, parsed)
        lines = _find_places(parsed, needs, titles)
        return _AskedNote(prompts, parsed, needs, context, language, titles, lines)

    def _add_told(self, context: PromptContext, path: str, parsed: ParsedNote) -> PromptContext:
        """Return the context with what other notes tell of the note.

        A small model is shown as much as the note itself lacks.
        """
        budget = self._model.told_tokens
        if self._model.is_small:
            budget -= estimate_tokens(excerpt(parsed.lines, None))
        told = self._backlinks.tell(self.vault_context, path, parsed, budget)
        examples = self._find_examples(path, parsed)
        return replace(context, backlinks=told.backlinks, linked=told.linked, examples=examples)

    def _find_examples(self, path: str, parsed: ParsedNote) -> tuple[str, ...]:
        """Return descriptions that the author gave to similar notes, for a model not small."""
        if self._model.is_small or not (self._similar and self._workspace.config.notes.examples):
            return ()
        known = self.vault_context
        similar = self._similar.find_likely(known, path, parsed, _SIMILAR)
        return self._backlinks.describe(known, similar, _EXAMPLES)

    def _planner(self, note: _AskedNote, each_need: int = 0) -> CallPlanner:
        """Return the planner of calls that show as much of the note as there is room for.

        each_need: tokens kept free for each need.
        """
        model = self._model
        budget = TokenBudget(model.context_tokens, 0, each_need)
        planner = CallPlanner(note.prompts, note.context, model.mode, budget, note.callout_titles)
        note_tokens = model.prose_tokens
        if budget.context is not None:
            reserved = budget._replace(note=round(budget.context * _NOTE_SHARE))
            calls, _ = replace(planner, budget=reserved).plan(note.needs)
            left = max(0, budget.context - max(map(budget.used_by, calls), default=0))
            note_tokens = min(left, note_tokens or left)
        prose = excerpt(note.parsed.lines, note_tokens, note.lines)
        properties = subject_properties(note.parsed) if width(prose) < LITTLE_TEXT else ()
        context = replace(note.context, prose=prose, properties=properties)
        return replace(planner, context=context, too_little=self._find_too_little(note, context))

    def _find_too_little(self, note: _AskedNote, context: PromptContext) -> str:
        """Return why no callout is asked for: too little is known of the subject; empty: enough."""
        model, title = self._model, f"“{context.title}”" if context.title else "its subject"
        known = count_known(note.parsed, context)
        if model.is_small and known < ENOUGH:
            return (
                f"the callout is not asked for: the note and those that link to it tell too little"
                f" of {title} for a small model as {model.name}; add a line of text, or choose a"
                " larger model"
            )
        if not known and not self._workspace.config.callout.from_title:
            return (
                f"the callout is not asked for: nothing but the title tells of {title}; add a line"
                " of text, or set from_title = true under [callout]"
            )
        return ""

    def _add_evidence(self, outcome: Accepted | Rejected, note: _AskedNote) -> Accepted | Rejected:
        """Return a small model's text with its evidence, flagged unless all of it has some.

        So is a callout where the evidence cannot be told. A larger model may know what the vault
        does not.
        """
        if isinstance(outcome, Rejected) or not (self._similar and self._model.is_small):
            return outcome
        if field_of(outcome.need, note.prompts).kind not in ("text", "prose"):
            return outcome
        value = outcome.filling.value
        lines = [value] if isinstance(value, str) else value
        evidence = self._similar.find_evidence(
            [without_links(line) for line in lines],
            read_told(note.parsed, note.context),
            note.language,
        )
        flags: list[Flag] = ["unsupported"] if any(e.is_unsupported for e in evidence) else []
        if not evidence and outcome.need.kind == CALLOUT:
            flags.append("small-model")
        added = flags if checks_are_on() else ()
        return outcome._replace(evidence=tuple(evidence), flags=(*outcome.flags, *added))

    def _language_of(self, path: str, parsed: ParsedNote) -> str | None:
        """Return the language to write in; None where nothing tells it."""
        if configured := self._workspace.config.notes.language:
            return name_language(configured)
        paths = self.vault_context.paths
        if self._languages is None or self._languages.paths is not paths:
            self._languages = NoteLanguages(self._workspace.root, paths)
        return self._languages.of(path, parsed)


def read_told(parsed: ParsedNote, context: PromptContext) -> list[str]:
    """Return what a note and others tell of its subject, without headings, which tell nothing."""
    passages = (each for each in read_passages(parsed) if each.kind != "heading")
    told = (*subject_properties(parsed), *context.backlinks, *context.linked)
    return [*filter(None, (plain_text(each.text) for each in passages)), *told]


class NotePlan(NamedTuple):
    """The calls about a note. outcomes: of the needs that no call asks for."""

    calls: list[Call]
    outcomes: tuple[Accepted | Rejected, ...]


class _AskedNote(NamedTuple):
    """A note that is asked about.

    prompts: those for the note. context: what they show of it, but for its text. language: what to
    write in; None: nothing tells it. callout_titles: casefolded, of callouts that ask nothing.
    lines: of the outline, where questions and callouts of sections stand.
    """

    prompts: Prompts
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
