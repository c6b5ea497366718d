"""From a note and its needs to the messages that ask for them, and to the model's answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

from companion.enrich.parse_answer import NothingToOffer
from companion.errors import AnswerError
from companion.llm.client import Client
from companion.llm.endpoint_errors import JsonUnsupported
from companion.llm.request import Question
from companion.llm.response import NoAnswer, Usage
from companion.note.needs import CALLOUT, Need
from companion.prompts import Ask, Field, NothingToChoose, Prompts
from companion.prompts import PromptContext as Shown

Way = Literal["together", "apart", "plain"]
"""How needs are asked for: in one JSON answer; one a call, lists and choices as JSON; one a call
in plain text, for endpoints that take no JSON format."""


_QUESTION = 1000  # letters of a question; a longer one is a text that should stand in the note
_SECTION = 400  # letters of a heading that an instruction names
_TOLD = 40  # letters of a question that a reason repeats
_TOGETHER = 4096  # tokens of an answer to several needs: many models write no longer ones
_COPIED_ENGLISH, _COPIED = 8, 14  # tokens: under ten words, which elsewhere take more tokens each


class Room(NamedTuple):
    """What a call may take, in tokens.

    context: what the model reads and writes in one call; None: not known. prose: kept free for
    the note's text, where that is not yet shown. spare: kept free for each need.
    """

    context: int | None
    prose: int = 0
    spare: int = 0

    def has_room_for(self, call: Call) -> bool:
        """Whether the call fits, with what is kept free."""
        return self.context is None or self.prose + self.used_by(call) <= self.context

    def used_by(self, call: Call) -> int:
        """Return about how many tokens the call takes, with what is kept free for its needs."""
        return call.estimate_tokens() + self.spare * len(call.asked)


class Asked(NamedTuple):
    """A need and how it is asked for."""

    need: Need
    ask: Ask


@dataclass(frozen=True)
class Call:
    """One call to the model.

    schema: of a JSON answer; None for plain text. longest_copy: see companion.llm.request.
    """

    asked: tuple[Asked, ...]
    messages: list[dict[str, str]]
    schema: dict[str, Any] | None
    max_tokens: int
    longest_copy: int | None = None

    def estimate_tokens(self) -> int:
        """Return about how many tokens it takes of the model's context, the answer included."""
        mode = "schema" if self.schema else "text"
        question = Question(self.messages, self.max_tokens, self.schema, mode)
        return question.estimate_tokens() + self.max_tokens


class Answers(NamedTuple):
    """What the model gave for each need, or why it gave nothing, and the tokens it took."""

    given: dict[Need, object]
    usage: Usage


def plan_calls(
    needs: Sequence[Need], prompts: Prompts, shown: Shown, way: Way, room: Room
) -> tuple[list[Call], dict[Need, AnswerError]]:
    """Return the calls that ask for the needs; and the needs that cannot be asked for, with why.

    Together, as many needs stand in a call as there is room for.
    """
    asked, hopeless = [], {}
    for number, need in enumerate(needs, 1):
        field = field_of(need, prompts)
        try:
            _require_askable(need, field, shown)
        except AnswerError as error:
            hopeless[need] = error
            continue
        asked.append(Asked(need, _make_ask(need, field, number)))

    def make(some: Sequence[Asked], shown: Shown = shown) -> Call:
        return _make_call(some, prompts, shown, way)

    calls = []
    for call in _group(asked, make, room, way):
        bare = call if room.has_room_for(call) else make(call.asked, replace(shown, prose=""))
        if Room(room.context).has_room_for(bare):
            calls.append(call)
        else:
            [(need, ask)] = call.asked
            hopeless[need] = _no_room(ask, bare.estimate_tokens(), room)
    return calls, hopeless


def ask_for(
    needs: Sequence[Need],
    prompts: Prompts,
    shown: Shown,
    client: Client,
    way: Way,
    room: Room,
) -> Answers:
    """Return the model's answers to the needs, unchecked; an AnswerError where there is none.

    Raises EndpointError when the endpoint serves nobody now, Cancelled when the user stops the
    work.
    """
    calls, hopeless = plan_calls(needs, prompts, shown, way, room)
    given: dict[Need, object] = dict(hopeless)
    usage = Usage()
    for call in calls:
        try:
            for need, value, cost in _answers_to(call, client):
                given[need] = value
                usage += cost
        except JsonUnsupported:
            rest = [need for need in needs if need not in given]
            plain = ask_for(rest, prompts, shown, client, "plain", room)
            return Answers(given | plain.given, usage + plain.usage)
    return Answers(given, usage)


def field_of(need: Need, prompts: Prompts) -> Field:
    """Return the field that fills the need."""
    if need.kind == CALLOUT:
        return prompts.fields[CALLOUT]
    return next(field for field in prompts.fields.values() if field.property == need.kind)


def _answers_to(call: Call, client: Client) -> Iterator[tuple[Need, object, Usage]]:
    try:
        if call.schema is None:
            answer = client.ask_text(call.messages, call.max_tokens, call.longest_copy)
        else:
            answer = client.ask_json(call.messages, call.schema, call.max_tokens)
    except AnswerError as error:
        usage = error.usage if isinstance(error, NoAnswer) else Usage()
        for number, (need, _) in enumerate(call.asked):
            yield need, error, usage if number == 0 else Usage()
        return
    for number, (need, ask) in enumerate(call.asked):
        value = answer.text if call.schema is None else answer.data[ask.key]
        yield need, value, answer.usage if number == 0 else Usage()


def _require_askable(need: Need, field: Field, shown: Shown) -> None:
    """Raise AnswerError, with the reason, where the need cannot be asked for."""
    try:
        field.choices(shown)
    except NothingToChoose as error:
        raise NothingToOffer(str(error)) from None
    if need.question and len(need.question) > _QUESTION:
        raise AnswerError(
            f"the question “{need.question[:_TOLD]}…” has {len(need.question):,} letters, and"
            f" {_QUESTION:,} are the most; shorten it, and put the rest into the note"
        )


def _no_room(ask: Ask, tokens: int, room: Room) -> AnswerError:
    what = f"the question “{ask.question[:_TOLD]}”" if ask.question else f"the {ask.field.name}"
    return AnswerError(
        f"asking for {what} takes about {tokens:,} tokens, without any text of the note, and"
        f" context_tokens is {room.context:,}; raise it if the model reads more, or choose another"
    )


def _group(
    asked: Sequence[Asked], make: Callable[[Sequence[Asked]], Call], room: Room, way: Way
) -> Iterator[Call]:
    """Yield the calls that ask for all of asked, in their order; one alone may have no room."""

    def fits(call: Call) -> bool:
        return call.max_tokens <= _TOGETHER and room.has_room_for(call)

    if way != "together":
        yield from (make([one]) for one in asked)
        return
    rest = list(asked)
    while rest:
        call, taken = make(rest), len(rest)  # mostly all of them fit
        if taken > 1 and not fits(call):
            call, taken = make(rest[:1]), 1
            while taken < len(rest) and fits(longer := make(rest[: taken + 1])):
                call, taken = longer, taken + 1
        yield call
        del rest[:taken]


def _make_call(asked: Sequence[Asked], prompts: Prompts, shown: Shown, way: Way) -> Call:
    asks = [ask for _, ask in asked]
    choosing = asks[0].field.kind in ("list", "choice")
    json = way == "together" or (way == "apart" and choosing)
    explains = asks[0].field.kind == "prose" and not asks[0].question
    return Call(
        asked=tuple(asked),
        messages=prompts.messages(asks, shown, json=json),
        schema=prompts.schema(asks, shown) if json else None,
        max_tokens=prompts.max_tokens(asks),
        longest_copy=_longest_copy(shown) if explains and not json else None,
    )


def _longest_copy(shown: Shown) -> int:
    """Return how many tokens in a row of a callout may stand in the note; see checks.copied."""
    return _COPIED_ENGLISH if shown.language in (None, "English") else _COPIED


def _make_ask(need: Need, field: Field, number: int) -> Ask:
    is_only = need.kind != CALLOUT or (need.where == "top" and need.nth == 1)
    key = field.name if is_only else f"{field.name}_{number}"
    section = need.heading[:_SECTION] if need.heading and not need.question else None
    if section and need.of > 1:
        section += f" (number {need.at} of the {need.of} headings that read so)"
    return Ask(key, field, need.question, section)
