"""Ask a model for what a note needs: context, call and checks, with one retry after a fault."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from threading import Lock
from typing import NamedTuple

from companion.enrich.answers.accept import Acceptor
from companion.enrich.answers.outcome import NoteAnswers, Outcome
from companion.enrich.configured_model import ModelFacts, model_facts
from companion.enrich.context.backlinks import Backlinks
from companion.enrich.context.embeds import Embeds
from companion.enrich.context.excerpt import add_text, excerpt, make_prompt_context
from companion.enrich.context.similar import ChosenValues, ComparedNote, SimilarNotes
from companion.enrich.context.vault_context import PromptNote, VaultContext
from companion.enrich.guard import NoteGuard
from companion.enrich.job import Again
from companion.enrich.model_calls import (
    RETRY_TOKENS,
    CallAnswers,
    CallPlanner,
    ModelCall,
    RawAnswer,
    TokenBudget,
    send_calls,
    split_answer,
)
from companion.enrich.small_model import find_too_little
from companion.enrich.workspace import Workspace
from companion.errors import NoteBusy, UsageError
from companion.language.detection import name_language
from companion.llm.answers import Answer, JsonSchema, Usage
from companion.llm.client import Client
from companion.llm.endpoint import estimate_tokens
from companion.llm.local_server import find_context
from companion.note.needs import Need
from companion.note.note import ParsedNote
from companion.prompts import PromptContext

Keep = Callable[[Sequence[Outcome], Usage], None]
"""Stores the outcomes of a call."""

_EMBEDDED = 8  # letters of what a note embeds, for each token of it that a prompt has room for
_EMBEDDED_TOKENS = 16_000  # for which it is read at most
_NOTE_SHARE = 1 / 8  # of the context, at least, that the needs in one call leave to the note


class FirstCalls(NamedTuple):
    """The calls that ask for what a note needs, and the outcomes that need no call.

    unread: what the note embeds that is left out, and why, in words.
    """

    calls: list[ModelCall]
    outcomes: list[Outcome]
    unread: tuple[str, ...] = ()


class Asker:
    """Asks one model for what the notes of one vault need. Safe to use from any thread.

    vault_context: may be replaced when the vault has changed. similar: chooses tags and the like if
    it can, before the model is asked; None: the model chooses. model: None: the configured one.
    renew: returns a new context when the settings it depends on have changed; None: it is made from
    a new scan.
    """

    def __init__(
        self,
        workspace: Workspace,
        vault_context: VaultContext,
        similar: SimilarNotes | None = None,
        model: ModelFacts | None = None,
        renew: Callable[[], VaultContext] | None = None,
    ) -> None:
        self.workspace = workspace
        self.vault_context = vault_context
        self.similar = similar
        self._model = model
        self._renew_context = renew or (lambda: VaultContext(workspace.scan()))
        self._renewing = Lock()
        self._read_from(workspace)

    def _read_from(self, workspace: Workspace) -> None:
        self._backlinks, self._embeds = Backlinks(workspace), Embeds(workspace)

    @property
    def model(self) -> ModelFacts:
        """The model that is asked."""
        config = self.workspace.config
        is_set = config.is_embedded or config.endpoint.context_tokens
        return self._model or model_facts(config, None if is_set else find_context(config.endpoint))

    def ask(
        self,
        path: str,
        parsed: ParsedNote,
        needs: Sequence[Need],
        client: Client,
        keep: Keep = lambda outcomes, usage: None,
        guard: NoteGuard | None = None,
        again: Again | None = None,
    ) -> NoteAnswers:
        """Return the model's answers to the needs of the note.

        A rejected answer is asked for once more.

        keep: called after each call with its outcomes and tokens, since the next call may fail.
        guard: called right before each call to check that it may still go out; None: it may. again:
        what the user wants changed; only the model can do that.

        Raises EndpointError, Cancelled, and what the guard raises.
        """
        self._update_context(path)
        first, unfilled, acceptor = self._begin(path, parsed, needs, again)
        if acceptor is None:
            return NoteAnswers(tuple(first), Usage())
        note = acceptor.note
        if guard:
            guard.sources = note.sources
        check = guard.check_call if guard else None
        calls = send_calls(self._planner(note), unfilled, client, {}, check)
        answers = _accept_calls(acceptor, calls, keep)
        if unfit := {each.need: each for each in answers.rejected if each.kind == "unfit"}:
            planner = self._planner(note, RETRY_TOKENS)
            calls = send_calls(planner, list(unfit), client, unfit, check)
            answers = answers.merge(_accept_calls(acceptor, calls, keep))
        return NoteAnswers((*first, *answers.outcomes), answers.usage)

    def plan(self, path: str, parsed: ParsedNote, needs: Sequence[Need]) -> FirstCalls:
        """Return the calls that ask() makes first, and the outcomes that need no call."""
        first, unfilled, acceptor = self._begin(path, parsed, needs)
        if acceptor is None:
            return FirstCalls([], first)
        calls, unaskable = self._planner(acceptor.note).plan(unfilled)
        return FirstCalls(calls, [*first, *unaskable], acceptor.note.embedded.unread)

    def _begin(
        self, path: str, parsed: ParsedNote, needs: Sequence[Need], again: Again | None = None
    ) -> tuple[list[Outcome], Sequence[Need], Acceptor | None]:
        """Return the outcomes that need no call, the other needs, and what accepts their answers.

        None: no need is left for a model. again: as in ask.
        """
        chosen = ChosenValues((), needs, {}) if again else self._choose(path, parsed, needs)
        if not chosen.needs:
            return [*chosen.outcomes], (), None
        note = self._read_note(path, parsed, chosen.needs, chosen.likely)
        if again:
            earlier = again.texts[0][1] if len(again.texts) == 1 else ""
            context = replace(note.context, wish=again.wish, earlier=earlier)
            note = note._replace(context=context)
        acceptor = self._acceptor(note)
        own = [] if again else acceptor.use_own_sentence()
        rest = [need for need in chosen.needs if all(need != each.need for each in own)]
        return [*chosen.outcomes, *own], rest, acceptor

    def accept_later(
        self,
        path: str,
        parsed: ParsedNote,
        needs: Sequence[Need],
        keys: Sequence[str],
        read: Callable[[JsonSchema | None], Answer],
    ) -> NoteAnswers:
        """Return the outcomes of the answer to one of plan's calls, which asked for the needs.

        Nothing is asked again. parsed: the note as it was then. keys: of the needs in a JSON
        answer; none: it is a text. read: returns the answer, which fits the JSON schema.

        Raises EndpointError.
        """
        likely = self._choose(path, parsed, needs).likely
        note = self._read_note(path, parsed, needs, likely)
        asks = [note.ask_for(need) for need in needs]
        if keys:
            asks = [ask._replace(key=key) for ask, key in zip(asks, keys, strict=True)]
        schema = note.prompts.schema(asks, note.context) if keys else None
        answers, usage = split_answer(asks, lambda: read(schema), bool(keys))
        acceptor = self._acceptor(note)
        return NoteAnswers(tuple(map(acceptor.accept, answers)), usage)

    def accept_value(self, path: str, parsed: ParsedNote, need: Need, value: object) -> Outcome:
        """Return the outcome of a value for a need, treated as the model's answer."""
        note = self._read_note(path, parsed, [need])
        acceptor = replace(self._acceptor(note), by_program=True)
        return acceptor.accept(RawAnswer(note.ask_for(need), value))

    def describe(self, path: str, parsed: ParsedNote, needs: Sequence[Need]) -> PromptContext:
        """Return what the prompts for the needs show of the note."""
        return self._planner(self._read_note(path, parsed, needs)).context

    def _update_context(self, path: str) -> None:
        """Renew the vault's context if settings changed, or the note is newer than it.

        What others said of a new note before it came is in the new context. Raises NoteBusy if that
        fails now.
        """
        if self._is_current(path):
            return
        with self._renewing:
            if self._is_current(path):
                return
            try:
                context = self._renew_context()
            except UsageError as error:
                raise NoteBusy(str(error), path) from None
            if context is not self.vault_context:  # as where no scan has seen the note yet
                self.vault_context = context
                self._read_from(self.workspace)

    def _is_current(self, path: str) -> bool:
        scan = self.vault_context.scan
        return path in scan.notes and self.workspace.is_current(scan)

    def _choose(self, path: str, parsed: ParsedNote, needs: Sequence[Need]) -> ChosenValues:
        """Return the values that similar notes decide, without a model."""
        prompts = self.workspace.prompts
        fields = {need: prompts.field_of(need.kind) for need in needs}
        is_any_chosen = any(each.vocabulary == "vault" or each.is_link for each in fields.values())
        if self.similar is None or not is_any_chosen:
            return ChosenValues((), needs, {})
        language = self._language_of(path, parsed)
        note = ComparedNote(self.vault_context, path, parsed, language)
        return self.similar.choose(note, fields, is_small=self.model.is_small)

    def _read_note(
        self,
        path: str,
        parsed: ParsedNote,
        needs: Sequence[Need],
        likely: Mapping[str, Sequence[str]] | None = None,
    ) -> PromptNote:
        """Return the note with the context that both questions about it share.

        Other notes tell a small model as much as the note itself lacks. likely: as in ChosenValues.
        """
        vault, model = self.vault_context, self.model
        prompts = self.workspace.prompts
        fields = [prompts.field_of(need.kind) for need in needs]
        tokens = model.prose_tokens or model.context_tokens or _EMBEDDED_TOKENS
        embedded = self._embeds.read(vault, path, parsed, _EMBEDDED * min(tokens, _EMBEDDED_TOKENS))
        language = self._language_of(path, parsed)
        # English is what models write without being asked to.
        is_default = language == "English" and not self.workspace.config.notes.language
        vocabulary = vault.vocabulary(fields, path, parsed.note.text, likely)
        written_in = None if is_default else language
        context = make_prompt_context(parsed, path, vocabulary, written_in)
        own = estimate_tokens(excerpt(embedded.note.lines, None)) if model.is_small else 0
        related = self._backlinks.find_related(vault, path, parsed, model.related_tokens - own)
        context = replace(
            context, backlinks=related.backlinks, linked=related.linked, small=model.is_small
        )
        files = (*embedded.files, *related.files)
        return PromptNote(path, prompts, parsed, needs, context, language, embedded, files)

    def _acceptor(self, note: PromptNote) -> Acceptor:
        return Acceptor(self.workspace.config, self.vault_context, self.model, note)

    def _planner(self, note: PromptNote, each_need: int = 0) -> CallPlanner:
        """Return the planner of calls that show as much of the note as there is room for.

        each_need: tokens reserved for each need.
        """
        model = self.model
        budget = TokenBudget(model.context_tokens, 0, each_need)
        note_tokens = model.prose_tokens
        if budget.context is not None:
            reserved = budget._replace(note=round(budget.context * _NOTE_SHARE))
            bare = CallPlanner(note.prompts, note.context, model.mode, reserved)
            calls, _ = bare.plan(note.needs)
            tokens_free = max(0, budget.context - max(map(budget.used_by, calls), default=0))
            note_tokens = min(tokens_free, note_tokens or tokens_free)
        prose = excerpt(note.whole.lines, note_tokens, note.find_question_lines())
        context = add_text(note.context, note.parsed, prose)
        small_model = model.name if model.is_small else ""
        others = (*context.properties, *context.backlinks)
        too_little = ""
        if small_model:
            too_little = find_too_little(note.whole, context.title, others, small_model)
        if too_little and note.embedded.unread:
            too_little += f" ({'; '.join(note.embedded.unread)})"
        return CallPlanner(note.prompts, context, model.mode, budget, too_little)

    def _language_of(self, path: str, parsed: ParsedNote) -> str | None:
        """Return the language to write in; None if nothing shows it."""
        if configured := self.workspace.config.notes.language:
            return name_language(configured)
        return self.vault_context.languages.of(path, parsed)


def _accept_calls(acceptor: Acceptor, calls: Iterable[CallAnswers], keep: Keep) -> NoteAnswers:
    """Return the outcomes of the calls, those of each kept before the next one goes out."""
    all_outcomes, total = list[Outcome](), Usage()
    for answers, usage in calls:
        outcomes = list(map(acceptor.accept, answers))
        keep(outcomes, usage)
        all_outcomes += outcomes
        total += usage
    return NoteAnswers(tuple(all_outcomes), total)
