"""Ask the model once more for what it answered badly, and tell it what was wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple

from companion.enrich.checks import Fault
from companion.enrich.model_calls import Answers, Call, Room, Way, plan_calls
from companion.errors import AnswerError
from companion.llm.client import Client
from companion.llm.endpoint_errors import JsonUnsupported
from companion.llm.response import NoAnswer, Usage
from companion.note.needs import Need
from companion.prompts import PromptContext as Shown
from companion.prompts import Prompts

_SHOWN = 400  # characters of the bad answer that the model sees again
AGAIN_TOKENS = 300  # what the second question has beyond the first, for each need


class AnswerUnfit(AnswerError):
    """An answer may not go into the note; the model can be told why."""

    def __init__(self, name: str, fault: Fault) -> None:
        super().__init__(f"the {name} {fault.reason}")
        self.fault = fault


class Unfit(NamedTuple):
    """What the model gave for a need, and what is wrong with it."""

    given: object
    why: AnswerUnfit


def ask_again(
    unfit: Mapping[Need, Unfit],
    prompts: Prompts,
    shown: Shown,
    client: Client,
    way: Way,
    room: Room,
) -> Answers:
    """Return the model's second answers, unchecked; an AnswerError where there is none.

    Raises EndpointError, Cancelled.
    """
    calls, _ = plan_calls(list(unfit), prompts, shown, way, room)
    given: dict[Need, object] = {}
    usage = Usage()
    for call in calls:
        try:
            values, cost = _answer(call, unfit, client)
        except JsonUnsupported:
            rest = {need: unfit[need] for need in unfit if need not in given}
            plain = ask_again(rest, prompts, shown, client, "plain", room)
            return Answers(given | plain.given, usage + plain.usage)
        except AnswerError as error:
            values = {need: _anew(error) for need, _ in call.asked}
            cost = error.usage if isinstance(error, NoAnswer) else Usage()
        given |= values
        usage += cost
    return Answers(given, usage)


def _answer(
    call: Call, unfit: Mapping[Need, Unfit], client: Client
) -> tuple[dict[Need, object], Usage]:
    messages = _messages(call, unfit)
    if call.schema is None:
        answer = client.ask_text(messages, call.max_tokens, call.longest_copy)
        return {call.asked[0].need: answer.text}, answer.usage
    answer = client.ask_json(messages, call.schema, call.max_tokens)
    return {need: answer.data[ask.key] for need, ask in call.asked}, answer.usage


def _anew(error: AnswerError) -> AnswerError:
    """Return the same error once more: one need's may come to tell what is proposed for that."""
    if isinstance(error, NoAnswer):
        return type(error)(error, error.usage, error.fault)
    return type(error)(str(error))


def _messages(call: Call, unfit: Mapping[Need, Unfit]) -> list[dict[str, str]]:
    """Return the second question; without the first answer where the model must not copy."""
    if call.longest_copy:
        *before, last = call.messages
        fault = unfit[call.asked[0].need].why.fault
        told = f"A first answer could not be used: it {fault.reason}. {fault.retry}"
        return [*before, {**last, "content": f"{last['content']}\n\n{told}"}]
    return [
        *call.messages,
        {"role": "assistant", "content": _first_answer(call, unfit)},
        {"role": "user", "content": _what_was_wrong(call, unfit)},
    ]


def _first_answer(call: Call, unfit: Mapping[Need, Unfit]) -> str:
    if call.schema is None:
        return _short(unfit[call.asked[0].need].given)
    data = {ask.key: _short(unfit[need].given) for need, ask in call.asked}
    return json.dumps(data, ensure_ascii=False)


def _short(given: object) -> str:
    text = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]} ..."


def _what_was_wrong(call: Call, unfit: Mapping[Need, Unfit]) -> str:
    faults = [(ask.key, unfit[need].why.fault) for need, ask in call.asked]
    if len(faults) == 1:
        fault = faults[0][1]
        return f"That cannot be used: it {fault.reason}. {fault.retry} Write it again."
    lines = [f'"{key}" {fault.reason}. {fault.retry}' for key, fault in faults]
    return "\n".join(["That cannot be used:", *lines, "Write all of it again."])
