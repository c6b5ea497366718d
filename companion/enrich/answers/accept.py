"""Accepts a model's answers as values that may go into a note, or rejects them with a reason."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

from companion.config import Config
from companion.enrich.answers.evidence import Evidence, support_value
from companion.enrich.answers.outcome import NOT_ASKED, Accepted, Rejected
from companion.enrich.answers.parse_answer import Limits, NothingToSay, find_new_values, read_value
from companion.enrich.answers.typed_values import find_untold
from companion.enrich.checks import checks_are_on, find_fault, find_good_items, tidy_answer
from companion.enrich.checks.checked_answer import CheckedAnswer, Fault
from companion.enrich.checks.meta_talk import is_in_first_person
from companion.enrich.checks.shape import whole_sentences
from companion.enrich.configured_model import ModelFacts
from companion.enrich.context.extractive import OwnSentence, extract_sentence
from companion.enrich.context.similar import ComparedNote, SimilarNotes
from companion.enrich.context.vault_context import PromptNote, VaultContext
from companion.enrich.model_calls import RawAnswer
from companion.enrich.result import Filling
from companion.errors import AnswerError
from companion.language.detection import language_named
from companion.language.words import read_paragraphs, width
from companion.note.link_names import only_one, without_extension
from companion.note.links import link_mentions, link_targets, unlink_repeats
from companion.note.needs import CALLOUT, DESCRIPTION, Need
from companion.note.property_form import SCALARS
from companion.note.sanitize import inert_prose
from companion.prompts import Ask, Field
from companion.store.proposal import Flag

_QUOTED = 3  # sentences at most
_NO_CALLOUT = (
    "no callout: too few sentences of the note, or of those that link to it, sum it up (only"
    " English ones are looked for), and a small model such as {model} is too often wrong; ask a"
    " question, such as > [!ai] What is it?, or choose a larger model"
)

# Faults of a description for which a sentence of the note is not an answer either.
_NO_FALLBACK = ("nothing", *NOT_ASKED, "no completion", "asked")


@dataclass
class Acceptor:
    """Accepts or rejects what a model answers to the needs of one note.

    An accepted callout counts as part of the note for the callouts after it.

    similar: finds notes similar to it. by_program: the values are a program's, not the model's.
    """

    config: Config
    vault_context: VaultContext
    model: ModelFacts
    note: PromptNote
    similar: SimilarNotes | None = None
    by_program: bool = False

    def __post_init__(self) -> None:
        context = self.note.context
        self._names = self.vault_context.names(self.note.path)
        self._linked = link_targets(self.note.parsed.note.text)
        self._sources = "\n\n".join((self.note.text, *context.backlinks, *context.linked))
        self._callouts = ""  # those accepted so far

    def accept(self, answer: RawAnswer | Rejected) -> Accepted | Rejected:
        """Return the value in the answer, or why none may go into the note."""
        if isinstance(answer, Rejected):
            return answer
        ask, vault_context = answer.ask, self.vault_context
        need, field = ask.need, ask.field
        taken_names = vault_context.taken if field.name == "aliases" else frozenset[str]()
        is_linking, path = self.config.callout.links, self.note.path
        resolve = vault_context.resolver(field, path, is_linking=is_linking, choose=self._choose)
        limits = Limits(field.choices(self.note.context), taken_names, resolve)
        new_values = find_new_values(field, answer.value, limits)
        new = tuple(value for value in new_values if not vault_context.is_used(field, value))
        try:
            value = self._read_value(answer, limits)
        except NothingToSay as error:
            return Rejected(need, str(error), "nothing", new, answer.value)
        except AnswerError as error:
            return Rejected(need, str(error), "no answer", new, answer.value)
        if isinstance(value, Fault):
            reason = f"the {field.name} {value.reason}"
            return Rejected(need, reason, "unfit", new, answer.value, value)
        if need.kind == CALLOUT:  # the first mention of another note becomes a link
            text = "\n".join([value] if isinstance(value, str) else value)
            self._callouts += f"\n\n{text}"
            if self.config.callout.links:
                text = link_mentions(text, self._names, self.note.path, self._linked, self._choose)
                self._linked |= link_targets(text)
            value = text.split("\n")
        if field.kind in SCALARS and isinstance(value, str):
            value = vault_context.form_of(field).text(value)
        remark = f"not used in the vault yet, so only proposed: {', '.join(new)}" if new else ""
        return self._add_evidence(Accepted(Filling(need, value, remark)), field)

    def fill_unasked(self) -> list[Accepted | Rejected]:
        """Return the values taken from the author's own words, without asking a small model.

        A small model makes too much up, and its rewording is no better than the original sentence.
        Where the author's words do not suffice for the callout at the top, there is none.
        """
        if not (self.model.is_small and self.config.notes.own_sentence and checks_are_on()):
            return []
        note, outcomes = self.note, list[Accepted | Rejected]()
        need = next((need for need in note.needs if need.kind == DESCRIPTION), None)
        own = self._own_sentence if need else None
        if need and own and own.is_about:
            filling = Filling(need, own.text, "a sentence copied from the note")
            evidence = (Evidence(own.text, own.text, 1.0),)
            outcomes.append(Accepted(filling, by_model=False, evidence=evidence))
        at_top = (need for need in note.needs if need.kind == CALLOUT and need.heading is None)
        top = next((need for need in at_top if not note.ask_for(need).question), None)
        description = own.text if own and own.is_about else ""
        outcome = top and (self._quote_others(top) or self._extract_note(top, description))
        return [*outcomes, outcome] if outcome else outcomes

    def _extract_note(self, need: Need, description: str) -> Accepted | Rejected | None:
        """Return a callout of the sentences that sum the note up, or that there are none.

        None: without an encoder nobody knows which these are, so the model is asked. description:
        the value for the note's description; a callout that only repeats it is not used.
        """
        note = self.note
        names = [note.context.title, *note.context.aliases]
        sentences = self.similar and self.similar.find_extract(note.whole, names, note.language)
        if sentences is None:
            return None
        if not sentences or sentences == [description]:
            unread = note.embedded.unread
            more = f" ({'; '.join(unread)})" if unread else ""
            return Rejected(need, _NO_CALLOUT.format(model=self.model.name) + more, "too little")
        value = inert_prose(" ".join(sentences), self._names.resolve)
        evidence = tuple(Evidence(each, each, 1.0) for each in sentences)
        filling = Filling(need, value, "sentences copied from the note")
        return Accepted(filling, by_model=False, evidence=evidence, flags=("extractive",))

    def _quote_others(self, need: Need) -> Accepted | None:
        """Return a callout that quotes other notes on the subject, with links to them.

        Only if the note has a subject, and they say more on it than the note itself.
        """
        quotable = self.note.quotable if self.note.context.title else ()
        quotations = [each for each in quotable if not is_in_first_person(each.text)][:_QUOTED]
        own = "\n".join(read_paragraphs(self.note.whole))
        if not quotations or sum(width(each.text) for each in quotations) <= width(own):
            return None
        texts = []
        for each in quotations:
            target = self._names.target_of(without_extension(each.path))
            is_linked = self.config.callout.links and target
            texts.append(f"{each.text} ({f'[[{target}]]' if is_linked else each.title})")
        value = inert_prose("\n\n".join(texts), self._names.resolve)
        self._callouts += "\n\n" + "\n\n".join(each.text for each in quotations)
        evidence = tuple(Evidence(each.text, each.text, 1.0, path=each.path) for each in quotations)
        filling = Filling(need, value, "the words of other notes")
        return Accepted(filling, by_model=False, evidence=evidence)

    def use_fallback(self, outcome: Accepted | Rejected) -> Accepted | Rejected:
        """Return the outcome, with a sentence of the note in place of a rejected description.

        A sentence that may not be about the subject is flagged. If that is switched off, nothing
        changes.
        """
        if isinstance(outcome, Accepted) or outcome.need.kind != DESCRIPTION:
            return outcome
        own = None if outcome.kind in _NO_FALLBACK else self._own_sentence
        if own is None:
            return outcome
        remark = f"a sentence copied from the note; the model's answer: {outcome.reason}"
        flags: tuple[Flag, ...] = () if own.is_about else ("extractive",)
        return Accepted(Filling(outcome.need, own.text, remark), outcome, flags=flags)

    @cached_property
    def _own_sentence(self) -> OwnSentence | None:
        """The note's own sentence that may be its description; None: it has none, or it is off."""
        if not (checks_are_on() and self.config.notes.own_sentence):
            return None
        need = next(need for need in self.note.needs if need.kind == DESCRIPTION)
        field = self.note.prompts.field_of(DESCRIPTION)
        own = extract_sentence(self.note.whole, self.note.context.title, field.max_characters)
        if own is None:
            return None
        ask = Ask(need, field, field.name)
        return None if find_fault(self._checked_answer(ask, own.text, self.note.text)) else own

    def _add_evidence(self, accepted: Accepted, field: Field) -> Accepted:
        """Return a small model's value with its evidence, flagged unless every sentence has some.

        Its own words are flagged in any case, and so is a choice from the vault's values that
        similar notes could not make. Values of larger models are left as they are: these may know
        what the vault does not.
        """
        if field.kind == "checkbox":
            return accepted._replace(flags=("unverified",))
        if not self.model.is_small or field.kind in SCALARS:
            return accepted
        if field.is_link:
            is_named = self._mentions_all(accepted.filling.value)
            return accepted if is_named else accepted._replace(flags=("unverified",))
        if field.vocabulary == "vault":  # no more than one in five of its tags is the author's
            return accepted._replace(flags=("small-model",))
        if field.kind == "choice" or field.vocabulary:
            return accepted
        evidence = support_value(accepted.filling.value, field, self.note, self.similar)
        is_kept = field.is_list or (field.kind == "prose" and bool(evidence))
        flags: list[Flag] = [] if is_kept else ["small-model"]
        if not all(each.supported for each in evidence):
            flags = ["unsupported"]
        added = tuple(flags) if checks_are_on() else ()
        return accepted._replace(evidence=tuple(evidence), flags=added)

    def _mentions_all(self, links: str | Sequence[str]) -> bool:
        """Return whether the note links to, or names, each note that the links lead to."""
        context, path, text = self.vault_context, self.note.path, self.note.text
        mentions = (each.paths for each in self._names.find_mentions(text))
        linked = map(without_extension, context.links.linked_in(text, path))
        mentioned_notes = {*linked, *chain.from_iterable(mentions)}
        links = [links] if isinstance(links, str) else links
        return all(context.linked_note(link, path) in mentioned_notes for link in links)

    def _read_value(self, answer: RawAnswer, limits: Limits) -> str | list[str] | Fault:
        """Return the value in the answer, or the fault that a check found in it, if checks are on.

        Raises NothingToSay, AnswerError.
        """
        ask, raw = answer.ask, answer.value
        field = ask.field
        if field.kind == "prose" and isinstance(raw, str):
            raw = unlink_repeats(raw, self._names, self.note.path, self._linked, self._choose)
        if not checks_are_on():
            return read_value(field, raw, limits)
        note = self._sources + (self._callouts if field.kind == "prose" else "")
        try:
            tidy, title = raw, self.note.context.title
            if isinstance(raw, str):
                own = "" if ask.question else self.note.text + self._callouts
                tidy = tidy_answer(raw, field, title, note, own)
            value = read_value(field, tidy, limits)
        except NothingToSay:
            raise
        except AnswerError as error:
            return Fault("value", f"cannot be used: {error}", "Keep to what was asked for.")
        return self._check_value(answer, value, note, raw)

    def _check_value(
        self, answer: RawAnswer, value: str | list[str], note: str, raw: object
    ) -> str | list[str] | Fault:
        """Return the value as it may go into the note, or the fault that a check found in it.

        note, raw: as in CheckedAnswer. Raises NothingToSay.
        """
        field = answer.ask.field
        if field.kind in SCALARS and isinstance(value, str):
            untold = None if self.by_program else find_untold(self.note, field, value)
            return untold or value
        if field.is_link or field.kind == "choice" or field.vocabulary is not None:
            return value  # one of the vault's own
        if field.kind == "text" and isinstance(value, str):
            value = whole_sentences(value, field)
        checked = self._checked_answer(answer.ask, value, note, raw)
        if field.kind != "list":
            return find_fault(checked) or value
        if not (fit := find_good_items(checked)):
            raise NothingToSay(f"the model named nothing usable for {field.name}")
        return fit

    def _checked_answer(
        self, ask: Ask, value: str | list[str], note: str, raw: object = None
    ) -> CheckedAnswer:
        need = ask.need
        text = value if isinstance(value, str) else "\n".join(value)
        explains = need.kind == CALLOUT and not ask.question
        language = self.note.language
        return CheckedAnswer(
            ask.field,
            text=text,
            raw=raw if isinstance(raw, str) else text,
            title=self.note.context.title,
            note=note,
            words="\n".join(read_paragraphs(self.note.whole)),
            prompt=self.note.prompts.instructions(ask.field),
            language=language and (language_named(language) or language),
            question=ask.question or "",
            by_small_model=explains and self.model.is_small,
            own=self.note.text + self._callouts,
            of_section=need.kind == CALLOUT and need.heading is not None,
        )

    def _choose(self, paths: Collection[str]) -> str | None:
        """Return which of several notes of one name is meant: a linked one, or a similar one."""
        note = self.note
        neighbours = self.vault_context.neighbours(note.path, note.parsed.note.text)
        if linked := [path for path in paths if path in neighbours]:
            return only_one(linked)
        return next((path for path in self._alike if path in paths), None)

    @cached_property
    def _alike(self) -> Sequence[str]:
        """The notes most similar to this one, without `.md`, the most similar first."""
        if self.similar is None:
            return ()
        note = ComparedNote(self.vault_context, self.note.path, self.note.parsed)
        return list(map(without_extension, self.similar.find_likely(note)))
