"""The second question: the first with one message more, which says what was wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from companion.enrich.checks import Fault
from companion.enrich.model_calls import Call
from companion.enrich.outcome import Rejected
from companion.note.needs import Need

RETRY_TOKENS = 300  # what the second question has beyond the first, for each need
_LONGEST_REPEATED = 400  # characters of the bad answer that the model sees again


def add_faults(call: Call, rejected: Mapping[Need, Rejected]) -> Call:
    """Return the call with what was wrong with the first answers to its needs, rejected as unfit.

    The model does not see its first answer again where it must not copy.
    """
    faults = [(asked.ask.key, _fault_of(rejected[asked.need])) for asked in call.asked]
    _, fault = faults[0]
    if call.longest_copy:
        *before, last = call.messages
        told = f"A first answer could not be used: it {fault.reason}. {fault.retry}"
        last = {**last, "content": f"{last['content']}\n\n{told}"}
        return replace(call, messages=[*before, last])
    answers = {ask.key: _shorten(rejected[need].answer) for need, ask in call.asked}
    if call.schema is None:
        [answer] = answers.values()
    else:
        answer = json.dumps(answers, ensure_ascii=False)
    told = f"That cannot be used: it {fault.reason}. {fault.retry} Write it again."
    if len(faults) > 1:
        lines = [f'"{key}" {fault.reason}. {fault.retry}' for key, fault in faults]
        told = "\n".join(["That cannot be used:", *lines, "Write all of it again."])
    second = [{"role": "assistant", "content": answer}, {"role": "user", "content": told}]
    return replace(call, messages=[*call.messages, *second])


def _fault_of(rejected: Rejected) -> Fault:
    assert rejected.fault
    return rejected.fault


def _shorten(answer: object) -> str:
    text = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
    return text if len(text) <= _LONGEST_REPEATED else f"{text[:_LONGEST_REPEATED]} ..."
