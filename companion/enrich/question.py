"""The question about one note: what is asked for, what the prompt shows, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property, partial

from companion.enrich.accept import Acceptor
from companion.enrich.checks import checks_are_on
from companion.enrich.configured_model import ModelFacts
from companion.enrich.context.excerpt import add_text, excerpt
from companion.enrich.context.vault_context import PromptNote
from companion.enrich.small_model import find_own_sentence, find_too_little, says_nothing
from companion.errors import AnswerError, EndpointError
from companion.llm.answers import Answer, JsonSchema, NoAnswer, Usage
from companion.llm.batch import QuestionInBatch
from companion.llm.client import Check, Client
from companion.llm.request import Question
from companion.note.needs import CALLOUT, DESCRIPTION, Need
from companion.prompts import Ask, NothingToChoose, PromptContext, make_ask
from companion.store.proposals import Proposal
from companion.vault.files import NoteFile

_NOTE_SHARE = 1 / 8  # of the context, at least, that what is asked for leaves to the note
_FAULT_TOKENS = 60  # that the second question has more, for each need
_LONGEST_ANSWER = 4096  # tokens: many models write no longer ones
_COPIED_ENGLISH, _COPIED = 8, 14  # tokens: under ten words, which elsewhere take more tokens each
_COPIED_FROM_OTHERS = 32  # about a sentence: other notes' words may be repeated


class NoteQuestion:
    """What a model is asked about one note in one call, and the proposals that come of it.

    chosen: those that take no call. usage: the tokens of the calls so far. sources: the files that
    the prompt quotes.
    """

    def __init__(
        self,
        note: PromptNote,
        needs: Sequence[Need],
        model: ModelFacts,
        acceptor: Acceptor,
        chosen: Iterable[Proposal] = (),
    ) -> None:
        self.needs = list(needs)
        self.chosen = list(chosen)
        self.usage = Usage()
        self.sources: Sequence[NoteFile] = note.sources
        self.unread = note.embedded.unread
        self._note, self._model, self._acceptor = note, model, acceptor

    def use_own_sentence(self) -> None:
        """Take the note's own sentence as its description, if a small model would write that."""
        need = next((need for need in self.needs if need.kind == DESCRIPTION), None)
        if need is None or not (self._model.is_small and checks_are_on()):
            return
        note = self._note
        limit = note.prompts.field_of(DESCRIPTION).max_characters
        if own := find_own_sentence(note.whole, note.context.title, limit):
            remark = "a sentence copied from the note"
            self.chosen.append(Proposal(note.path, need, own, remark=remark))
            self.needs.remove(need)

    @property
    def unaskable(self) -> dict[Need, str]:
        """Why the model is not asked for some of the needs."""
        return self._choice[1]

    @cached_property
    def question(self) -> Question | None:
        """The question for all other needs; None: there is nothing to ask."""
        asks, _ = self._choice
        return self._make_question(asks, self.context) if asks else None

    @cached_property
    def context(self) -> PromptContext:
        """What the prompt shows of the note: as much as there is room for."""
        note, tokens = self._note, self._model.prose_tokens
        if (limit := self._model.context_tokens) is not None:
            asks, _ = self._choice
            free = max(0, limit - self._count_tokens(asks)) if asks else limit
            tokens = min(free, tokens or free)
        prose = excerpt(note.whole.lines, tokens, note.find_question_lines())
        return add_text(note.context, note.parsed, prose)

    def ask(self, client: Client, check: Check | None = None) -> Iterator[list[Proposal]]:
        """Yield the proposals, open or rejected, of each call before the next one goes out.

        What is worth it is asked for once more, and the better of the two answers counts. check:
        called right before each call; what it raises is passed on.

        Raises EndpointError, Cancelled.
        """
        if self.question is not None:
            asks, _ = self._choice
            made = self._answer(asks, partial(client.ask, self.question, check))
            faults = dict(self._acceptor.ask_again)
            if sure := [each for each in made if each.need not in faults]:
                yield sure
            unsure = [each for each in made if each.need in faults]
            if unsure:
                asks = [ask for ask in asks if ask.need in faults]
                lines = [f'"{a.key}" {faults[a.need].reason}. {faults[a.need].retry}' for a in asks]
                said = "\n".join(["A first answer could not be used:", *lines])
                second = self._make_question(asks, self.context, said)
                try:
                    made = self._answer(asks, partial(client.ask, second, check))
                except EndpointError:
                    yield [each for each in unsure if each.value is not None]
                    raise
                yield list(map(choose_better, unsure, made))
        if self.chosen:
            yield self.chosen

    def accept_later(
        self, keys: Sequence[str], read: Callable[[JsonSchema], Answer]
    ) -> list[Proposal]:
        """Return the proposals of the answer to a question in a batch, which asked for the needs.

        Nothing is asked again. keys: of the needs in the answer. read: returns the answer, which
        fits the JSON schema.

        Raises EndpointError.
        """
        asks = [
            self._note.ask_for(need)._replace(key=key)
            for need, key in zip(self.needs, keys, strict=True)
        ]
        schema = self._note.prompts.schema(asks, self._note.context)
        return self._answer(asks, partial(read, schema))

    def accept_value(self, value: object) -> Proposal:
        """Return the proposal of a program's value for the only need, checked as an answer."""
        [need] = self.needs
        return replace(self._acceptor, by_program=True).accept(self._note.ask_for(need), value)

    def _answer(self, asks: Sequence[Ask], call: Callable[[], Answer]) -> list[Proposal]:
        """Return the proposals of the answer that call returns, in the order of the asks.

        Raises what call raises, except AnswerError, which is the answer to each.
        """
        try:
            answer = call()
        except AnswerError as error:
            if isinstance(error, NoAnswer):
                self.usage += error.usage
            elif not isinstance(error, QuestionInBatch):
                self.usage += Usage(calls=1)  # which the endpoint refused
            return [self._acceptor.accept(ask, error) for ask in asks]
        self.usage += answer.usage
        cut = NoAnswer("the model's answer was cut off before it", Usage(), "cut off")
        return [self._acceptor.accept(ask, answer.data.get(ask.key, cut)) for ask in asks]

    @cached_property
    def _choice(self) -> tuple[list[Ask], dict[Need, str]]:
        """The asks that one call has room for, and why it does not ask for other needs."""
        asks, unaskable = list[Ask](), dict[Need, str]()
        too_little = self._find_too_little()
        is_alone = bool(too_little) and says_nothing(self._note.whole, self._others)
        for number, need in enumerate(self.needs, 1):
            ask = make_ask(need, self._note.prompts.field_of(need.kind), number)
            try:
                ask.field.choices(self._note.context)
            except NothingToChoose as error:
                unaskable[need] = str(error)
                continue
            if is_alone:
                why = "too little to go on; the note is a title alone"
                unaskable[need] = f"{ask.field.name}: {self._with_unread(why)}"
            elif need.kind == CALLOUT and too_little:
                unaskable[need] = too_little
            else:
                asks.append(ask)
        left: list[Need] = []
        while asks and not self._has_room(asks):
            left.insert(0, asks.pop().need)
        reason = f"one call has room for {len(asks)} of the values; the next run asks for more"
        if left and not asks:
            reason = (
                f"what is asked takes more than the {self._model.context_tokens:,} tokens of"
                " context_tokens, without any text of the note; raise it if the model reads more,"
                " or choose another"
            )
        return asks, unaskable | dict.fromkeys(left, reason)

    def _has_room(self, asks: Sequence[Ask]) -> bool:
        limit = self._model.context_tokens
        if self._note.prompts.max_tokens(asks) > _LONGEST_ANSWER and len(asks) > 1:
            return False
        return limit is None or self._count_tokens(asks) <= limit * (1 - _NOTE_SHARE)

    def _count_tokens(self, asks: Sequence[Ask]) -> int:
        """Return about how many tokens the two questions and an answer take without the text."""
        question = self._make_question(asks, self._note.context)
        return question.estimate_tokens() + question.max_tokens + _FAULT_TOKENS * len(asks)

    def _make_question(
        self, asks: Sequence[Ask], context: PromptContext, said: str = ""
    ) -> Question:
        """Return the question for the asks. said: what was wrong with a first answer."""
        prompts, longest_copy = self._note.prompts, None
        messages = prompts.messages(asks, context)
        if said:
            messages[-1]["content"] += f"\n\n{said}"
        if any(ask.field.kind == "prose" and not ask.question for ask in asks):
            is_english = context.language in (None, "English")
            longest_copy = _COPIED_ENGLISH if is_english else _COPIED
            if context.small and context.told_by_others:
                longest_copy = _COPIED_FROM_OTHERS
        schema = prompts.schema(asks, context)
        return Question(messages, prompts.max_tokens(asks), schema, longest_copy=longest_copy)

    def _find_too_little(self) -> str:
        """Return why the model is too small to write a callout from so little; empty: it is not."""
        note = self._note
        if not self._model.is_small:
            return ""
        why = find_too_little(note.whole, note.context.title, self._others, self._model.name)
        return why and self._with_unread(why)

    def _with_unread(self, why: str) -> str:
        """Return a reason with what the note embeds that could not be read."""
        return f"{why} ({'; '.join(self.unread)})" if self.unread else why

    @cached_property
    def _others(self) -> tuple[str, ...]:
        """What is said about the note beside its text: in properties, and by other notes."""
        note = self._note
        context = add_text(note.context, note.parsed, excerpt(note.whole.lines, None))
        return (*context.properties, *context.backlinks)


def choose_better(first: Proposal, second: Proposal) -> Proposal:
    """Return which of two answers counts: the second, unless it is no better than a first value."""
    if first.value is not None:
        return first if second.value is None or second.flags else second
    return first if second.value is None and not second.fault else second
