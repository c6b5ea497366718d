"""Ask a model for what a note needs: context, call and checks, with one retry after a fault."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from threading import Lock

from companion.enrich.accept import Acceptor
from companion.enrich.configured_model import ModelFacts, model_facts
from companion.enrich.context.backlinks import Backlinks
from companion.enrich.context.embeds import Embeds
from companion.enrich.context.excerpt import add_text, excerpt, make_prompt_context
from companion.enrich.context.similar import SimilarNotes
from companion.enrich.context.vault_context import PromptNote, VaultContext
from companion.enrich.job import Again
from companion.enrich.model_calls import (
    RETRY_TOKENS,
    Answers,
    CallPlanner,
    ModelCall,
    TokenBudget,
    send_calls,
    split_answer,
)
from companion.enrich.small_model import find_too_little
from companion.enrich.workspace import Workspace
from companion.errors import EndpointError, NoteBusy, UsageError
from companion.language.detection import name_language
from companion.llm.answers import Answer, JsonSchema, Usage
from companion.llm.calls import Check
from companion.llm.client import Client
from companion.llm.endpoint import estimate_tokens
from companion.llm.errors import ModelUnfit
from companion.llm.local_server import find_context
from companion.note.needs import DESCRIPTION, Need
from companion.note.note import ParsedNote
from companion.store.proposals import Proposal
from companion.vault.files import NoteFile, stat_note

_EMBEDDED = 8  # letters of what a note embeds, for each token of it that a prompt has room for
_EMBEDDED_TOKENS = 16_000  # for which it is read at most
_NOTE_SHARE = 1 / 8  # of the context, at least, that the needs in one call leave to the note


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
        self._backlinks, self._embeds = Backlinks(workspace), Embeds(workspace)

    @property
    def model(self) -> ModelFacts:
        """The model that is asked."""
        config = self.workspace.config
        is_set = config.is_embedded or config.endpoint.context_tokens
        return self._model or model_facts(config, None if is_set else find_context(config.endpoint))

    def question(
        self, path: str, parsed: ParsedNote, needs: Sequence[Need], again: Again | None = None
    ) -> NoteQuestion:
        """Return what to ask about a note, with the context of the vault as it is now.

        again: what the user wants changed; only the model can do that.
        """
        self._update_context(path)
        if again:
            note = self._read_note(path, parsed, needs, {})
            earlier = again.texts[0][1] if len(again.texts) == 1 else ""
            context = replace(note.context, wish=again.wish, earlier=earlier)
            return NoteQuestion(self, note._replace(context=context), needs)
        chosen, likely = self._choose(path, parsed, needs)
        decided = {each.need for each in chosen}
        rest = [need for need in needs if need not in decided]
        note = self._read_note(path, parsed, rest, likely)
        question = NoteQuestion(self, note, rest, chosen)
        question.use_own_sentence()
        return question

    def whole_question(self, path: str, parsed: ParsedNote, needs: Sequence[Need]) -> NoteQuestion:
        """Return the question for all of the needs, for an answer that comes from elsewhere.

        The context of the vault stays as it is.
        """
        _, likely = self._choose(path, parsed, needs)
        return NoteQuestion(self, self._read_note(path, parsed, needs, likely), needs)

    def _read_note(
        self,
        path: str,
        parsed: ParsedNote,
        needs: Sequence[Need],
        likely: Mapping[str, Sequence[str]],
    ) -> PromptNote:
        """Return the note with the context that all questions about it share.

        Other notes tell a small model as much as the note itself lacks. likely: the values that
        similar notes have, by the name of the field.
        """
        vault, model = self.vault_context, self.model
        prompts = self.workspace.prompts
        fields = [prompts.field_of(need.kind) for need in needs]
        tokens = model.prose_tokens or model.context_tokens or _EMBEDDED_TOKENS
        embedded = self._embeds.read(vault, path, parsed, _EMBEDDED * min(tokens, _EMBEDDED_TOKENS))
        language = self._language_of(path, parsed)
        vocabulary = vault.vocabulary(fields, path, parsed.note.text, likely)
        context = make_prompt_context(parsed, path, vocabulary, language)
        own = estimate_tokens(excerpt(embedded.note.lines, None))
        related = self._backlinks.find_related(vault, path, parsed, model.related_tokens - own)
        links, examples = dict[str, NoteFile](), dict[str, NoteFile]()
        if not model.is_small:
            if any(field.kind == "prose" for field in fields):
                offered = vault.offer_links(path, parsed.note.body)
                links = {
                    target: now for target, file in offered.items() if (now := self._now(file))
                }
            if any(field.fills == DESCRIPTION for field in fields):
                examples = self._backlinks.find_examples(vault, path, language)
        context = replace(
            context,
            backlinks=related.backlinks,
            linked=related.linked,
            links=tuple(links),
            examples=tuple(examples),
            small=model.is_small,
        )
        files = (*embedded.files, *related.files, *links.values(), *examples.values())
        return PromptNote(path, prompts, parsed, needs, context, language, embedded, files)

    def _now(self, file: NoteFile) -> NoteFile | None:
        """Return the file as it is now; None if it is gone, or may not be told of any more."""
        now = stat_note(self.workspace.root, file.path)
        is_told = now is not None and (now == file or self.workspace.read_source(now) is not None)
        return now if is_told else None

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
                self._backlinks, self._embeds = Backlinks(self.workspace), Embeds(self.workspace)

    def _is_current(self, path: str) -> bool:
        scan = self.vault_context.scan
        return path in scan.notes and self.workspace.is_current(scan)

    def _choose(
        self, path: str, parsed: ParsedNote, needs: Sequence[Need]
    ) -> tuple[list[Proposal], Mapping[str, Sequence[str]]]:
        """Return what similar notes decide without a model, and the values that they have."""
        prompts = self.workspace.prompts
        fields = {need: prompts.field_of(need.kind) for need in needs}
        is_any_chosen = any(each.vocabulary == "vault" or each.is_link for each in fields.values())
        if self.similar is None or not is_any_chosen:
            return [], {}
        language = self._language_of(path, parsed)
        context, is_small = self.vault_context, self.model.is_small
        return self.similar.choose(
            context, path, parsed, fields, language=language, is_small=is_small
        )

    def _language_of(self, path: str, parsed: ParsedNote) -> str | None:
        """Return the language to write in; None if nothing shows it."""
        if configured := self.workspace.config.notes.language:
            return name_language(configured)
        return self.vault_context.languages.of(path, parsed)


class NoteQuestion:
    """What a model is asked about one note, and the proposals that its answers become.

    chosen: those that take no call. usage: the tokens of the calls so far. sources: the files that
    the prompts quote.
    """

    def __init__(
        self,
        asker: Asker,
        note: PromptNote,
        needs: Sequence[Need],
        chosen: Iterable[Proposal] = (),
    ) -> None:
        self.needs = list(needs)
        self.chosen = list(chosen)
        self.usage = Usage()
        self.sources: Sequence[NoteFile] = note.sources
        self.unread = note.embedded.unread
        self._note, self._model = note, asker.model
        self._acceptor = Acceptor(asker.workspace.config, asker.vault_context, self._model, note)

    @cached_property
    def planner(self) -> CallPlanner:
        """The planner of the first calls."""
        return self._make_planner()

    @cached_property
    def plan(self) -> tuple[list[ModelCall], dict[Need, str]]:
        """The first calls, and why the model cannot be asked for some of the needs."""
        return self.planner.plan(self.needs) if self.needs else ([], {})

    def use_own_sentence(self) -> None:
        """Take the note's own sentence in place of a call where that is as good."""
        self.chosen += (own := self._acceptor.use_own_sentence())
        decided = {each.need for each in own}
        self.needs = [need for need in self.needs if need not in decided]

    def ask(self, client: Client, check: Check | None = None) -> Iterator[list[Proposal]]:
        """Yield the proposals, open or rejected, of each call before the next one goes out.

        What is worth it is asked for once more, and the better of the two answers counts. check:
        called right before each call; what it raises is passed on.

        Raises EndpointError, Cancelled.
        """
        calls, _ = self.plan
        acceptor, first = self._acceptor, dict[Need, Proposal]()
        for answers, usage in send_calls(self.planner, calls, client, None, check):
            made = self._accept(answers, usage)
            first |= {each.need: each for each in made if each.need in acceptor.ask_again}
            if rest := [each for each in made if each.need not in first]:
                yield rest
        if first:
            unfit = dict(acceptor.ask_again)
            planner = self._make_planner(RETRY_TOKENS)
            calls, unaskable = planner.plan(list(first))
            if unaskable:
                yield [first[need] for need in unaskable]
            try:
                for answers, usage in send_calls(planner, calls, client, unfit, check):
                    made = self._accept(answers, usage)
                    yield [choose_better(first.pop(each.need), each) for each in made]
            except EndpointError:
                yield [each for each in first.values() if each.value is not None]
                raise
        if self.chosen:
            yield self.chosen

    def accept_later(
        self, keys: Sequence[str], read: Callable[[JsonSchema | None], Answer]
    ) -> list[Proposal]:
        """Return the proposals of the answer to one of the calls, which asked for the needs.

        Nothing is asked again. keys: of the needs in a JSON answer; none: it is a text. read:
        returns the answer, which fits the JSON schema.

        Raises EndpointError.
        """
        asks = [self._note.ask_for(need) for need in self.needs]
        if keys:
            asks = [ask._replace(key=key) for ask, key in zip(asks, keys, strict=True)]
        schema = self._note.prompts.schema(asks, self._note.context) if keys else None
        return self._accept(*split_answer(asks, lambda: read(schema), bool(keys)))

    def accept_value(self, value: object) -> Proposal:
        """Return the proposal of a program's value for the only need, checked as an answer."""
        [need] = self.needs
        return replace(self._acceptor, by_program=True).accept(self._note.ask_for(need), value)

    def _accept(self, answers: Answers, usage: Usage) -> list[Proposal]:
        self.usage += usage
        return [self._acceptor.accept(ask, answer) for ask, answer in answers]

    def _make_planner(self, each_need: int = 0) -> CallPlanner:
        """Return the planner of calls that show as much of the note as there is room for.

        each_need: tokens reserved for each need.
        """
        note, model = self._note, self._model
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


def choose_better(first: Proposal, second: Proposal) -> Proposal:
    """Return which of two answers counts: the second, unless it is no better than a first value."""
    if first.value is not None:
        return first if second.value is None or second.flags else second
    return first if second.value is None and not second.fault else second


_LIMIT_AT_FIRST = 3  # notes in a row, while the model has answered for none yet
_LIMIT_LATER = 10  # the same, once it has answered for some: then it may be the notes
_ANSWERED = ("", "unfit")


class RepeatedFaults:
    """Ends a run when the same fault leaves note after note unanswered. From any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._fault = ""
        self._notes = 0
        self._limit = _LIMIT_AT_FIRST

    def count(self, proposals: Iterable[Proposal]) -> None:
        """Count what came of a note. Raises ModelUnfit if the same fault occurs too often.

        A refusal by the model is about the note, and does not count either way.
        """
        by_model = [each for each in proposals if each.origin.model and each.state != "asked"]
        with self._lock:
            if any(each.fault in _ANSWERED for each in by_model):
                self._notes, self._limit = 0, _LIMIT_LATER  # the model answered, be it badly
                return
            first = next((each for each in by_model if each.fault != "no answer"), None)
            if first is None:
                return
            self._notes = self._notes + 1 if first.fault == self._fault else 1
            self._fault = first.fault
            if self._notes >= self._limit:
                raise ModelUnfit(
                    f"{self._limit} notes in a row got no answer, for the same reason:"
                    f" {first.reason}"
                )
