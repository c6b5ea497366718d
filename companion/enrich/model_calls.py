"""The calls to the model that ask for what a note needs, as few as possible.

What a check finds unfit is asked for once more, with what was wrong with the first answer.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

from companion.enrich.checks.shape import Fault
from companion.enrich.configured_model import AskMode
from companion.errors import AnswerError
from companion.llm.answers import Answer, NoAnswer, Usage
from companion.llm.batch import QuestionInBatch
from companion.llm.calls import Check
from companion.llm.client import Client, Question
from companion.llm.errors import JsonUnsupported
from companion.note.needs import CALLOUT, Need
from companion.prompts import Ask, NothingToChoose, PromptContext, Prompts, make_ask

RETRY_TOKENS = 300
"""The additional tokens of the second question, for each need."""

_LONGEST_REPEATED = 400  # characters of a bad answer that the model sees again
_LONGEST_QUESTION = 1000  # letters; a longer one is a text that should stand in the note
_QUOTED = 40  # letters of a question that a reason repeats
_MOST_NEEDS = 50  # in a call; a note may have thousands of questions
_LONGEST_ANSWER = 4096  # tokens of an answer to several needs: many models write no longer ones
_COPIED_ENGLISH, _COPIED = 8, 14  # tokens: under ten words, which elsewhere take more tokens each
_COPIED_FROM_OTHERS = 32  # about a sentence: other notes' words may be repeated


class TokenBudget(NamedTuple):
    """What a call may take, in tokens.

    context: what the model reads and writes in one call; None: unknown. note: reserved for the
    note's text, if a prompt does not show it yet. each_need: reserved for each need.
    """

    context: int | None
    note: int = 0
    each_need: int = 0

    def fits(self, call: ModelCall) -> bool:
        """Return whether there is room for the call and the reserved tokens."""
        return self.context is None or self.note + self.used_by(call) <= self.context

    def used_by(self, call: ModelCall) -> int:
        """Return about how many tokens the call takes, with those reserved for its needs."""
        return call.estimate_tokens() + self.each_need * len(call.asks)


@dataclass(frozen=True)
class ModelCall:
    """One call to the model."""

    asks: tuple[Ask, ...]
    question: Question

    @property
    def is_json(self) -> bool:
        """Whether the answer is a JSON object, with a value for each ask."""
        return self.question.schema is not None

    def estimate_tokens(self) -> int:
        """Return about how many tokens it takes of the model's context, the answer included."""
        return self.question.estimate_tokens() + self.question.max_tokens


@dataclass(frozen=True)
class CallPlanner:
    """Plans the calls about one note.

    context: what the prompts show of the note. too_little: why no callout is asked for; empty:
    they are.
    """

    prompts: Prompts
    context: PromptContext
    mode: AskMode
    budget: TokenBudget
    too_little: str = ""

    def plan(self, needs: Sequence[Need]) -> tuple[list[ModelCall], dict[Need, str]]:
        """Return the calls that ask for the needs, and why others cannot be asked for.

        Mode together: as many in one call as fit.
        """
        asks: list[Ask] = []
        unaskable: dict[Need, str] = {}
        for number, need in enumerate(needs, 1):
            ask = make_ask(need, self.prompts.field_of(need.kind), number)
            if why := self._find_unaskable(ask):
                unaskable[need] = why
            else:
                asks.append(ask)
        calls = []
        for call in self._group(asks):
            bare = call
            if not self.budget.fits(call):
                bare = replace(self, context=replace(self.context, prose=""))._make_call(call.asks)
            if TokenBudget(self.budget.context).fits(bare):
                calls.append(call)
            else:  # the call asks for one need alone
                [ask] = call.asks
                what = f"the {ask.field.name}"
                if ask.question:
                    what = f"the question “{ask.question[:_QUOTED]}”"
                unaskable[ask.need] = (
                    f"asking for {what} takes about {bare.estimate_tokens():,} tokens, without any"
                    f" text of the note, and context_tokens is {self.budget.context:,}; raise it"
                    " if the model reads more, or choose another"
                )
        return calls, unaskable

    def _group(self, asks: Sequence[Ask]) -> Iterator[ModelCall]:
        """Yield calls with all of the asks, in their order; a single one may not fit."""
        if self.mode != "together":
            yield from (self._make_call([one]) for one in asks)
            return

        def fits(call: ModelCall) -> bool:
            return call.question.max_tokens <= _LONGEST_ANSWER and self.budget.fits(call)

        rest = list(asks)
        while rest:
            count = min(len(rest), _MOST_NEEDS)
            call = self._make_call(rest[:count])  # mostly all of them fit
            if count > 1 and not fits(call):
                call, count = self._make_call(rest[:1]), 1
                while count < len(rest) and fits(longer := self._make_call(rest[: count + 1])):
                    call, count = longer, count + 1
            yield call
            del rest[:count]

    def _make_call(self, asks: Sequence[Ask]) -> ModelCall:
        first = asks[0]
        is_text = first.field.kind in ("text", "prose")
        is_json = self.mode == "together" or (self.mode == "apart" and not is_text)
        context, longest_copy = self.context, None
        if first.field.kind == "prose" and not first.question and not is_json:
            is_english = self.context.language in (None, "English")
            longest_copy = _COPIED_ENGLISH if is_english else _COPIED
            if self.context.small and self.context.told_by_others:
                longest_copy = _COPIED_FROM_OTHERS
        question = Question(
            messages=self.prompts.messages(asks, context, json=is_json),
            max_tokens=self.prompts.max_tokens(asks),
            schema=self.prompts.schema(asks, context) if is_json else None,
            mode="schema" if is_json else "text",
            longest_copy=longest_copy,
        )
        return ModelCall(tuple(asks), question)

    def _find_unaskable(self, ask: Ask) -> str:
        """Return why the need cannot be asked for; empty: it can."""
        try:
            ask.field.choices(self.context)
        except NothingToChoose as error:
            return str(error)
        if ask.need.kind == CALLOUT and self.too_little:
            return self.too_little
        if ask.question and len(ask.question) > _LONGEST_QUESTION:
            return (
                f"the question “{ask.question[:_QUOTED]}…” has {len(ask.question):,} letters, and"
                f" {_LONGEST_QUESTION:,} are the most; shorten it, and put the rest into the note"
            )
        return ""


Answers = list[tuple[Ask, object]]
"""The answer to each ask of a call, unchecked: a text, a value of its JSON answer, or the
AnswerError of the call.
"""


def send_calls(
    planner: CallPlanner,
    calls: Sequence[ModelCall],
    client: Client,
    unfit: Mapping[Need, tuple[Fault, object]] | None = None,
    check: Check | None = None,
) -> Iterator[tuple[Answers, Usage]]:
    """Yield the model's answers to each of the planner's calls, and the tokens it took.

    unfit: if this is the second question, the fault of each first answer, and that answer. check:
    called right before each call goes out; what it raises is passed on.

    Raises EndpointError when the endpoint is down, Cancelled when the user stops the work.
    """
    for number, planned in enumerate(calls):
        call = _add_faults(planned, unfit) if unfit else planned
        ask = partial(client.ask, call.question, check)
        try:
            answers = split_answer(call.asks, ask, call.is_json)
        except JsonUnsupported:
            rest = [each.need for later in calls[number:] for each in later.asks]
            plain = replace(planner, mode="plain")
            yield from send_calls(plain, plain.plan(rest)[0], client, unfit, check)
            return
        yield answers


def _add_faults(call: ModelCall, unfit: Mapping[Need, tuple[Fault, object]]) -> ModelCall:
    """Return the call with the faults of the first answers added to its messages.

    A model that must not copy does not see its first answer again.
    """
    faults = {ask.key: unfit[ask.need][0] for ask in call.asks}
    fault = next(iter(faults.values()))
    question = call.question
    if question.longest_copy:
        *before, last = question.messages
        request = f"A first answer could not be used: it {fault.reason}. {fault.retry}"
        last = {**last, "content": f"{last['content']}\n\n{request}"}
        return replace(call, question=question._replace(messages=[*before, last]))
    answers = {}
    for ask in call.asks:
        _, first = unfit[ask.need]
        text = first if isinstance(first, str) else json.dumps(first, ensure_ascii=False)
        cut = " ..." if len(text) > _LONGEST_REPEATED else ""
        answers[ask.key] = text[:_LONGEST_REPEATED] + cut
    [answer, *_] = answers.values()
    if call.is_json:
        answer = json.dumps(answers, ensure_ascii=False)
    request = f"That cannot be used: it {fault.reason}. {fault.retry} Write it again."
    if len(faults) > 1:
        lines = [f'"{key}" {fault.reason}. {fault.retry}' for key, fault in faults.items()]
        request = "\n".join(["That cannot be used:", *lines, "Write all of it again."])
    second = [{"role": "assistant", "content": answer}, {"role": "user", "content": request}]
    return replace(call, question=question._replace(messages=[*question.messages, *second]))


def split_answer(
    asks: Sequence[Ask], ask: Callable[[], Answer], is_json: bool
) -> tuple[Answers, Usage]:
    """Call ask, and return its answer split into one for each need, and the tokens it took.

    Raises what ask raises, except AnswerError, which is the answer to each.
    """
    try:
        answer = ask()
    except AnswerError as error:
        usage = Usage(calls=1)  # of a call that the endpoint refused
        if isinstance(error, QuestionInBatch):
            usage = Usage()
            asks = [each if is_json else each._replace(key="") for each in asks]
        elif isinstance(error, NoAnswer):
            usage = error.usage
        return [(each, error) for each in asks], usage
    cut = NoAnswer(AnswerError("the model's answer was cut off before it"), Usage(), "cut off")
    if is_json:
        return [(each, answer.data.get(each.key, cut)) for each in asks], answer.usage
    return [(each, answer.text) for each in asks], answer.usage
