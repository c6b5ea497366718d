"""Sends the calls about a note; the second time, with what was wrong with the first answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from companion.enrich.model_calls import Call, CallAnswers, CallPlanner, send_call
from companion.enrich.outcome import Accepted, Rejected
from companion.llm.client import Client
from companion.llm.endpoint_errors import JsonUnsupported
from companion.llm.response import Usage
from companion.note.needs import Need

RETRY_TOKENS = 300  # what the second question has beyond the first, for each need
_LONGEST_REPEATED = 400  # characters of the bad answer that the model sees again


def send_calls(
    planner: CallPlanner,
    needs: Sequence[Need],
    client: Client,
    take: Callable[[CallAnswers], None],
    unfit: Mapping[Need, Rejected] | None = None,
) -> tuple[list[Rejected], Usage]:
    """Return the needs that cannot be asked for, and the tokens that the calls took.

    take: called after each call with the model's answers, unchecked, and its tokens. unfit: the
    first answers, where this is the second question.

    Raises EndpointError when the endpoint serves nobody now, Cancelled when the user stops the
    work.
    """
    calls, unaskable = planner.plan(needs)
    usage = Usage()
    for number, call in enumerate(calls):
        try:
            given = send_call(_add_faults(call, unfit) if unfit else call, client)
        except JsonUnsupported:
            rest = [asked.need for later in calls[number:] for asked in later.asked]
            plain = replace(planner, mode="plain")
            more, further = send_calls(plain, rest, client, take, unfit)
            return unaskable + more, usage + further
        take(given)
        usage += given.usage
    return unaskable, usage


def merge_outcomes(
    first: Sequence[Accepted | Rejected], second: Sequence[Accepted | Rejected]
) -> list[Accepted | Rejected]:
    """Return what the first and the second answers came to together.

    A need keeps its last reason, unless the model had nothing to say to the second question.
    """
    accepted = {each.need: each for each in second if isinstance(each, Accepted)}
    rejected = {
        each.need: each for each in second if isinstance(each, Rejected) and each.kind != "nothing"
    }
    merged: list[Accepted | Rejected] = []
    for each in first:
        if isinstance(each, Rejected) and (last := rejected.get(each.need)):
            each = last._replace(proposed=last.proposed or each.proposed)
        if each.need not in accepted:
            merged.append(each)
    return [*merged, *accepted.values()]


def _add_faults(call: Call, rejected: Mapping[Need, Rejected]) -> Call:
    """Return the call with what was wrong with the first answers to its needs, rejected as unfit.

    The model does not see its first answer again where it must not copy.
    """
    faults = {ask.key: fault for need, ask in call.asked if (fault := rejected[need].fault)}
    fault = next(iter(faults.values()))
    if call.longest_copy:
        *before, last = call.messages
        request = f"A first answer could not be used: it {fault.reason}. {fault.retry}"
        last = {**last, "content": f"{last['content']}\n\n{request}"}
        return replace(call, messages=[*before, last])
    answers = {ask.key: _shorten(rejected[need].answer) for need, ask in call.asked}
    if call.schema is None:
        [answer] = answers.values()
    else:
        answer = json.dumps(answers, ensure_ascii=False)
    request = f"That cannot be used: it {fault.reason}. {fault.retry} Write it again."
    if len(faults) > 1:
        lines = [f'"{key}" {fault.reason}. {fault.retry}' for key, fault in faults.items()]
        request = "\n".join(["That cannot be used:", *lines, "Write all of it again."])
    second = [{"role": "assistant", "content": answer}, {"role": "user", "content": request}]
    return replace(call, messages=[*call.messages, *second])


def _shorten(answer: object) -> str:
    text = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
    return text if len(text) <= _LONGEST_REPEATED else f"{text[:_LONGEST_REPEATED]} ..."
