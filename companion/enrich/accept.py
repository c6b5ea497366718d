"""Accepts a model's answers as values that may go into a note, or rejects them with a reason."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from functools import cached_property

from companion.enrich.checks import (
    CheckedAnswer,
    Fault,
    checks_are_on,
    find_fault,
    find_good_items,
    join_instructions,
    trim_callout,
    whole_sentences,
    without_citations,
)
from companion.enrich.context import VaultContext
from companion.enrich.excerpt import read_told
from companion.enrich.extractive import extract_sentence, restates_note
from companion.enrich.language import language_named
from companion.enrich.model import ModelFacts
from companion.enrich.model_calls import AskedFor, RawAnswer
from companion.enrich.nearest_neighbours import NEIGHBOURS
from companion.enrich.outcome import SUPPORTED, Accepted, Rejected
from companion.enrich.parse_answer import Limits, NothingToSay, find_new_values, read_answer
from companion.enrich.plan import Filling
from companion.enrich.similar import SimilarNotes
from companion.enrich.words import read_paragraphs
from companion.enrich.workspace import Workspace
from companion.errors import AnswerError, EndpointError
from companion.note.link_names import only_one, without_extension
from companion.note.links import link_mentions, link_targets, unlink_repeats
from companion.note.needs import CALLOUT, DESCRIPTION
from companion.note.parsed_note import ParsedNote
from companion.note.sanitize_inline import without_links
from companion.prompts import Ask, Field, PromptContext
from companion.vault.proposal import Flag


class Acceptor:
    """Accepts or rejects what a model answers to the needs of one note.

    path: the note's, with `/`. language: what answers should be in; None: nothing tells it.
    context: what the prompts show of the note. similar: tells which notes are like it.
    """

    def __init__(
        self,
        workspace: Workspace,
        vault_context: VaultContext,
        model: ModelFacts,
        path: str,
        parsed: ParsedNote,
        context: PromptContext,
        language: str | None,
        similar: SimilarNotes | None = None,
    ) -> None:
        self._similar = similar
        self._workspace = workspace
        self._vault_context = vault_context
        self._model = model
        self._path = path
        self._parsed = parsed
        self._context = context
        self._language = language
        self._linked = link_targets(parsed.note.text)
        told = (*context.backlinks, *context.linked)
        self._known = "\n\n".join((parsed.note.text, *told))
        self._text = self._known  # with the callouts that were accepted already below it
        self._names = vault_context.names(path)
        self._prompts = workspace.prompts.for_note(path)

    def accept(self, answers: Iterable[RawAnswer | Rejected]) -> list[Accepted | Rejected]:
        """Return what comes of the answers, in their order."""
        return [
            answer if isinstance(answer, Rejected) else self._accept_one(answer)
            for answer in answers
        ]

    def use_fallback(self, outcomes: Sequence[Accepted | Rejected]) -> list[Accepted | Rejected]:
        """Return the outcomes with a sentence of the note where it is the better description.

        That is where the model's was rejected, or where a small model restates what a sentence of
        the note says; never where that is switched off.
        """
        if not (checks_are_on() and self._workspace.config.notes.own_sentence):
            return list(outcomes)
        first = next((each for each in outcomes if each.need.kind == DESCRIPTION), None)
        if first is None or not (answer := _replaceable_answer(first)):
            return list(outcomes)
        need, title = first.need, self._context.title
        field = self._prompts.field_of(need.kind)
        sentence = extract_sentence(self._parsed, title, field.max_characters)
        if sentence is None or sentence == answer:
            return list(outcomes)
        if isinstance(first, Accepted):
            if not (self._model.is_small and restates_note(answer, sentence, self._parsed, title)):
                return list(outcomes)
            answer = f"“{answer}” says it over again"
        asked = AskedFor(need, Ask(field.name, field))
        if find_fault(self._checked_answer(asked, sentence, self._parsed.note.text)):
            return list(outcomes)
        filling = Filling(need, sentence, f"the note's own sentence; the model's answer: {answer}")
        fallback = Accepted(filling, first if isinstance(first, Rejected) else None)
        return [*(each for each in outcomes if each.need != need), fallback]

    def _accept_one(self, answer: RawAnswer) -> Accepted | Rejected:
        need, ask = answer.asked
        taken = self._vault_context.taken if ask.field.name == "aliases" else frozenset[str]()
        limits = Limits(ask.field.choices(self._context), taken, self._resolve)
        new = tuple(
            value
            for value in find_new_values(ask.field, answer.value, limits)
            if not self._vault_context.is_used(ask.field, value)
        )
        try:
            value = self._read_value(answer, limits)
        except NothingToSay as error:
            return Rejected(need, str(error), "nothing", new, answer.value)
        except AnswerError as error:
            return Rejected(need, str(error), "no answer", new, answer.value)
        if isinstance(value, Fault):
            reason = f"the {ask.field.name} {value.reason}"
            return Rejected(need, reason, "unfit", new, answer.value, value)
        if need.kind == CALLOUT:
            value = self._add_links("\n".join([value] if isinstance(value, str) else value))
        named = f"not used in the vault yet, so only proposed: {', '.join(new)}" if new else ""
        return self._add_evidence(Accepted(Filling(need, value, named)), ask.field)

    def _add_evidence(self, accepted: Accepted, field: Field) -> Accepted:
        """Return a small model's text with its evidence, flagged unless all of it has some.

        So is a callout where the evidence cannot be told. A larger model may know what the vault
        does not.
        """
        if not (self._similar and self._model.is_small) or field.kind not in ("text", "prose"):
            return accepted
        value = accepted.filling.value
        evidence = self._similar.find_evidence(
            [without_links(line) for line in ([value] if isinstance(value, str) else value)],
            read_told(self._parsed, self._context),
            self._language,
        )
        is_supported = all(each.similarity >= SUPPORTED[field.kind] for each in evidence)
        flags: list[Flag] = [] if is_supported else ["unsupported"]
        if not evidence and accepted.need.kind == CALLOUT:
            flags.append("small-model")
        added = tuple(flags) if checks_are_on() else ()
        return accepted._replace(evidence=tuple(evidence), flags=added)

    def _read_value(self, answer: RawAnswer, limits: Limits) -> str | list[str] | Fault:
        """Return the value in the answer, or what a check found in it, where checks are on.

        Raises NothingToSay, AnswerError.
        """
        ask, raw = answer.asked.ask, answer.value
        field = ask.field
        if field.kind == "prose" and isinstance(raw, str):
            raw = unlink_repeats(raw, self._names, self._path, self._linked, self._choose)
        if not checks_are_on():
            return read_answer(field, raw, limits)
        note = self._text if field.kind == "prose" else self._known
        try:
            value = read_answer(field, self._tidy(raw, ask, note), limits)
        except NothingToSay:
            raise
        except AnswerError as error:
            return Fault("value", f"cannot be used: {error}", "Keep to what was asked for.")
        if field.kind == "text" and isinstance(value, str):
            value = whole_sentences(value)
        if field.kind == "choice" or (field.kind == "list" and field.vocabulary is not None):
            return value  # one of the vault's own
        checked = self._checked_answer(answer.asked, value, note)
        if isinstance(raw, str):
            checked = replace(checked, raw=raw)
        if field.kind != "list":
            return find_fault(checked) or value
        if not (fit := find_good_items(checked)):
            raise NothingToSay(f"the model named nothing fit for {field.name}")
        return fit

    def _tidy(self, raw: object, ask: Ask, note: str) -> object:
        if not isinstance(raw, str):
            return raw
        if ask.field.kind == "prose":
            title = self._context.title
            return trim_callout(raw, ask.field, title, note, may_quote=bool(ask.question))
        return without_citations(raw, note) if ask.field.kind == "text" else raw

    def _add_links(self, text: str) -> list[str]:
        """Return the lines of a callout, in which the first mention of another note is a link."""
        self._text += f"\n\n{text}"
        if self._workspace.config.callout.links:
            text = link_mentions(text, self._names, self._path, self._linked, self._choose)
            self._linked |= link_targets(text)
        return text.split("\n")

    def _checked_answer(self, asked: AskedFor, value: str | list[str], note: str) -> CheckedAnswer:
        need, ask = asked
        text = value if isinstance(value, str) else "\n".join(value)
        explains = need.kind == CALLOUT and not ask.question
        return CheckedAnswer(
            ask.field,
            text,
            text,
            self._context.title,
            note,
            "\n".join(read_paragraphs(self._parsed)),
            join_instructions(self._prompts, ask.field),
            self._language and (language_named(self._language) or self._language),
            ask.question or "",
            explains and self._model.is_small,
            of_section=need.kind == CALLOUT and need.heading is not None,
        )

    def _resolve(self, target: str) -> str | None:
        """Return the note that a link means; None where callouts are to have no links."""
        is_linking = self._workspace.config.callout.links
        return self._names.resolve(target, self._choose) if is_linking else None

    def _choose(self, paths: Collection[str]) -> str | None:
        """Return which of the notes of one name is meant: the one linked with this, or like it."""
        if linked := [path for path in paths if path in self._neighbours]:
            return only_one(linked)
        return next((path for path in self._alike if path in paths), None)

    @cached_property
    def _neighbours(self) -> frozenset[str]:
        return self._vault_context.neighbours(self._path, self._parsed.note.text)

    @cached_property
    def _alike(self) -> Sequence[str]:
        """The notes most similar to this one, without `.md`, the most similar first."""
        if self._similar is None:
            return ()
        try:
            nearest = self._similar.find_nearest(
                self._vault_context, self._path, self._parsed, NEIGHBOURS
            )
        except (EndpointError, AnswerError):
            return ()
        return [without_extension(path) for path, _ in nearest]


def _replaceable_answer(outcome: Accepted | Rejected) -> str | None:
    """Return a description, or why it was rejected; None where no fallback may take its place."""
    if isinstance(outcome, Accepted):
        return outcome.filling.value if isinstance(outcome.filling.value, str) else None
    is_none = outcome.kind in ("nothing", "no choices", "too little", "no completion")
    return None if is_none else outcome.reason
