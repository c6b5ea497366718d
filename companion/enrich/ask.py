"""From a note and its needs to the messages that ask for them, and to the model's answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Literal, NamedTuple

from companion.enrich.gate.tokens import width
from companion.enrich.own_sentence import own_sentence
from companion.enrich.self_description import is_self_description
from companion.errors import AnswerError
from companion.llm.answer import NoAnswer, Usage
from companion.llm.client import Client
from companion.llm.faults import JsonUnsupported
from companion.llm.question import Question
from companion.note.inert_line import without_links
from companion.note.needs import CALLOUT, Need
from companion.note.view import NoteView
from companion.prompts import Ask, Field, NothingToChoose, Prompts
from companion.prompts import NoteView as Shown

Way = Literal["together", "apart", "plain"]
"""How needs are asked for: in one JSON answer; one a call, lists and choices as JSON; one a call
in plain text, for endpoints that take no JSON format."""


_OPENING = 240  # characters of the sentence that the note says of itself
_WIDEST = 240  # letters of it, a Chinese sign for 2.5: it is shown beside the note, so it costs
_HEADINGS = 400  # letters of the headings told apart, which stand in the prose, too
_COPIED_ENGLISH, _COPIED = 8, 14  # tokens: under ten words, which elsewhere take more tokens each


class Asked(NamedTuple):
    """A need and how it is asked for."""

    need: Need
    ask: Ask


@dataclass(frozen=True)
class Call:
    """One call to the model.

    schema: of a JSON answer; None for plain text. longest_copy: see companion.llm.question.
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


def show_note(
    view: NoteView,
    path: str,
    vocabulary: Mapping[str, Sequence[str]],
    prose: str = "",
    language: str | None = None,
) -> Shown:
    """Return what a prompt shows of the note: title, headings, prose and all that is known of it.

    prose: see companion.enrich.excerpt. language: what to write in; None: the note's own.
    """
    opening = own_sentence(view, PurePosixPath(path).stem, _OPENING)
    if opening and width(opening) > _WIDEST:
        opening = None
    headings = _headings(view)
    return Shown(
        title=PurePosixPath(path).stem,
        prose=prose,
        headings=headings,
        aliases=view.properties.aliases,
        tags=view.properties.tags,
        vocabulary=vocabulary,
        language=language,
        opening=opening,
        self_description=opening if opening and is_self_description(opening) else None,
    )


def plan_calls(
    needs: Sequence[Need], prompts: Prompts, shown: Shown, way: Way
) -> tuple[list[Call], dict[Need, AnswerError]]:
    """Return the calls that ask for the needs; and the needs that cannot be asked for, with why."""
    asked, hopeless = [], {}
    for number, need in enumerate(needs, 1):
        field = field_of(need, prompts)
        try:
            field.choices(shown)
        except NothingToChoose as error:
            hopeless[need] = AnswerError(str(error))
            continue
        asked.append(Asked(need, _ask_for(need, field, number)))
    groups = [asked] if way == "together" and asked else [[one] for one in asked]
    return [_make_call(group, prompts, shown, way) for group in groups], hopeless


def ask_for(
    needs: Sequence[Need], prompts: Prompts, shown: Shown, client: Client, way: Way
) -> Answers:
    """Return the model's answers to the needs, unchecked; an AnswerError where there is none.

    Raises EndpointError when the endpoint serves nobody now, Cancelled when the user stops the
    work.
    """
    calls, hopeless = plan_calls(needs, prompts, shown, way)
    given: dict[Need, object] = dict(hopeless)
    usage = Usage()
    for call in calls:
        try:
            for need, value, cost in _answers_to(call, client):
                given[need] = value
                usage += cost
        except JsonUnsupported:
            rest = [need for need in needs if need not in given]
            plain = ask_for(rest, prompts, shown, client, "plain")
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


def _headings(view: NoteView) -> list[str]:
    """Return the note's headings; of many, those of the upper levels."""
    found = [(line.level, without_links(line.title)) for line in view.lines if line.level]
    for deepest in sorted({level for level, _ in found}, reverse=True):
        kept = [title for level, title in found if level <= deepest]
        if sum(map(width, kept)) <= _HEADINGS:
            return kept
    return []


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
    """Return how many tokens in a row of a callout may stand in the note; see gate.copied."""
    return _COPIED_ENGLISH if shown.language in (None, "English") else _COPIED


def _ask_for(need: Need, field: Field, number: int) -> Ask:
    is_only = need.kind != CALLOUT or (need.where == "top" and need.nth == 1)
    key = field.name if is_only else f"{field.name}_{number}"
    return Ask(key, field, need.question, None if need.question else need.heading)
