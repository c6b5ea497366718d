"""Who asks a model about the notes of a vault, with what the vault knows of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from threading import Lock

from companion.enrich.accept import Acceptor
from companion.enrich.configured_model import ModelFacts, model_facts
from companion.enrich.context.backlinks import Backlinks
from companion.enrich.context.embeds import Embeds
from companion.enrich.context.excerpt import excerpt, make_prompt_context
from companion.enrich.context.similar import SimilarNotes
from companion.enrich.context.vault_context import PromptNote, VaultContext
from companion.enrich.question import NoteQuestion
from companion.enrich.workspace import Workspace
from companion.errors import NoteBusy, UsageError
from companion.language.detection import name_language
from companion.llm.endpoint import estimate_tokens
from companion.note.needs import DESCRIPTION, Need
from companion.note.note import ParsedNote
from companion.store.proposals import Proposal
from companion.vault.files import NoteFile, stat_note

_EMBEDDED = 8  # letters of what a note embeds, for each token of it that a prompt has room for
_EMBEDDED_TOKENS = 16_000  # for which it is read at most


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
        return self._model or model_facts(self.workspace.config)

    def question(
        self,
        path: str,
        parsed: ParsedNote,
        needs: Sequence[Need],
        again: Proposal | None = None,
        wish: str = "",
    ) -> NoteQuestion:
        """Return what to ask about a note, with the context of the vault as it is now.

        again: the proposal in which the user wants something changed, which only the model can do:
        the wish.
        """
        self._update_context(path)
        if again:
            note = self._read_note(path, parsed, needs, {})
            context = replace(note.context, wish=wish, earlier=again.text)
            return self._make_question(note._replace(context=context), needs)
        chosen, likely = self._choose(path, parsed, needs)
        decided = {each.need for each in chosen}
        rest = [need for need in needs if need not in decided]
        note = self._read_note(path, parsed, rest, likely)
        question = self._make_question(note, rest, chosen)
        question.use_own_sentence()
        return question

    def whole_question(self, path: str, parsed: ParsedNote, needs: Sequence[Need]) -> NoteQuestion:
        """Return the question for all of the needs, for an answer that comes from elsewhere.

        The context of the vault stays as it is.
        """
        _, likely = self._choose(path, parsed, needs)
        return self._make_question(self._read_note(path, parsed, needs, likely), needs)

    def _make_question(
        self, note: PromptNote, needs: Sequence[Need], chosen: Iterable[Proposal] = ()
    ) -> NoteQuestion:
        model = self.model
        acceptor = Acceptor(self.vault_context, model, note)
        return NoteQuestion(note, needs, model, acceptor, chosen)

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
        budget = model.related_tokens - own
        related = self._backlinks.find_related(vault, path, parsed, budget, is_small=model.is_small)
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
        context, is_small = self.vault_context, self.model.is_small
        return self.similar.choose(context, path, parsed, fields, is_small=is_small)

    def _language_of(self, path: str, parsed: ParsedNote) -> str | None:
        """Return the language to write in; None if nothing shows it."""
        if configured := self.workspace.config.notes.language:
            return name_language(configured)
        return self.vault_context.languages.of(path, parsed)
