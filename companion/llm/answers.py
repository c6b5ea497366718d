"""The answers of a model: their text, its JSON, the tokens used."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from operator import add
from typing import Any, NamedTuple

from companion.errors import AnswerError
from companion.llm.endpoint import Endpoint
from companion.llm.errors import refusal_error

JsonSchema = Mapping[str, Any]

_MAX_TOKENS = 10**9  # of one call, whatever an endpoint claims
_KEY = re.compile(r'\s*,?\s*"(\w+)"\s*:\s*')
_NUMBERS = int, (int, float)
_TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
}


@dataclass(frozen=True)
class Usage:
    """Tokens read and written, as the endpoint counts them, and calls made."""

    input_tokens: int = 0
    output_tokens: int = 0
    calls: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(*map(add, vars(self).values(), vars(other).values()))


@dataclass(frozen=True)
class Answer:
    """A usable answer. `data` is its JSON object if JSON was requested, else empty.

    `usage` is the sum over all calls made, including those without a usable answer. data lacks
    required keys if the answer was cut off before them.
    """

    text: str
    data: dict[str, Any]
    usage: Usage


class NoAnswer(AnswerError):
    """There is no usable answer. `usage`: what the calls used all the same.

    fault: what was wrong with it, such as `cut off`. `no completion` and `only thoughts` say
    nothing about the note. Empty if the model refused, which it does for one note's text and not
    for the next.
    """

    def __init__(self, message: str, usage: Usage, fault: str = "") -> None:
        super().__init__(message)
        self.usage = usage
        self.fault = fault


class Completion(NamedTuple):
    """A chat completion. `problem`: what is wrong with it, a verb phrase; empty if nothing is.

    finish: its `finish_reason`.
    """

    text: str = ""
    usage: Usage = Usage(calls=1)
    refusal: str = ""
    finish: str = ""
    problem: str = ""

    @property
    def is_thoughts(self) -> bool:
        """Whether the model was still thinking when its tokens were used up."""
        return self.finish == "length" and not self.text


def read_usage(data: Any) -> Usage:
    """Return the tokens of one call by the JSON of its reply; zeros if it does not say."""
    counts = _object(_object(data).get("usage"))
    read, written = _count(counts.get("prompt_tokens")), _count(counts.get("completion_tokens"))
    if read:  # at Google and xAI, thoughts are in the total alone
        written = max(written, _count(counts.get("total_tokens")) - read)
    return Usage(read, written, 1)


def read_completion(data: Any) -> Completion:
    """Return the completion in the JSON of a reply. Never raises, whatever the server sent."""
    if not isinstance(data, dict):
        return Completion(problem="breaks off or is not JSON")
    usage, choices = read_usage(data), data.get("choices")
    choice = _object(choices[0] if isinstance(choices, list) and choices else None)
    message = choice.get("message")
    if not isinstance(message, dict):
        return Completion(usage=usage, problem="holds no message")
    finish, text = _text_of(choice.get("finish_reason")), _text_of(message.get("content"))
    is_broken = finish == "error" or bool(choice.get("error"))  # OpenRouter, midway
    return Completion(
        text=_without_thoughts(text).strip(),
        usage=usage,
        refusal=_text_of(message.get("refusal")),
        finish=finish,
        problem="breaks off (error)" if is_broken else "",
    )


def make_answer(completion: Completion, schema: JsonSchema | None, endpoint: Endpoint) -> Answer:
    """Return the answer in the completion: of JSON that was cut off, what is complete.

    Raises NoAnswer.
    """
    text, usage = completion.text, completion.usage
    if completion.refusal or completion.finish == "content_filter":
        raise NoAnswer(str(refusal_error(endpoint, completion.refusal)), usage)
    is_cut = completion.finish == "length"
    data: dict[str, Any] | None = {} if text and not is_cut else None
    if schema:
        data = read_json(text, schema)
        if data is None and is_cut:
            data = read_cut_json(text, schema) or None
    if data is not None and not completion.problem:
        return Answer(text, data, usage)
    fault = problem = "is not the JSON that was asked for" if text else "is empty"
    if completion.problem:
        problem, fault = completion.problem, "no completion"
    elif completion.is_thoughts:
        problem, fault = "was all thoughts when its tokens were used up", "only thoughts"
    elif is_cut:
        problem, fault = "was cut off", "cut off"
    where = f"{endpoint.model} at {endpoint.address}"
    message = f"The answer of {where} {problem}; try again, or choose another model"
    raise NoAnswer(message, usage, fault)


def read_json(text: str, schema: JsonSchema) -> dict[str, Any] | None:
    """Return the JSON object in text, None if there is none or it does not fit the schema.

    A code fence or prose around it, which models often add, is left out.
    """
    data = parse_json(text[text.find("{") : text.rfind("}") + 1])
    return data if isinstance(data, dict) and fits_schema(data, schema) else None


def parse_json(text: str | bytes) -> Any:
    """Return the JSON value, without lone surrogates, which UTF-8 cannot encode; None if none."""
    try:
        written = json.dumps(json.loads(text, strict=False), ensure_ascii=False)
        return json.loads(written.encode(errors="ignore"))
    except (ValueError, RecursionError):
        return None


def read_cut_json(text: str, schema: JsonSchema) -> dict[str, Any]:
    """Return the values of a JSON object that are complete, and fit, before it was cut off."""
    properties: Mapping[str, JsonSchema] = schema.get("properties", {})
    decoder, data, at = json.JSONDecoder(strict=False), dict[str, Any](), text.find("{") + 1
    with suppress(ValueError, RecursionError):
        while at and (key := _KEY.match(text, at)):
            value, end = decoder.raw_decode(text, key.end())
            is_whole = bool(text[end:].strip()) or isinstance(value, (str, list, dict))
            if key[1] in properties and is_whole and fits_schema(value, properties[key[1]]):
                data[key[1]] = parse_json(text[key.end() : end])
            at = end
    return data


def fits_schema(value: Any, schema: JsonSchema) -> bool:
    """Return whether value has the types and the required keys of the schema.

    Excess length, unknown keys and values outside an `enum` are left to the caller: they are no
    reason to reject the other values.
    """
    expected = _TYPES.get(schema.get("type", "")) or object
    if not isinstance(value, expected) or (isinstance(value, bool) and expected in _NUMBERS):
        return False
    if isinstance(value, dict):
        properties: Mapping[str, JsonSchema] = schema.get("properties", {})
        return value.keys() >= set(schema.get("required", ())) and all(
            fits_schema(value[key], properties[key]) for key in properties if key in value
        )
    if isinstance(value, list):
        return all(fits_schema(item, schema.get("items", {})) for item in value)
    return True


def _without_thoughts(text: str) -> str:
    """Return the answer after a model's thoughts; some templates open these in the prompt."""
    before, end, after = text.partition("</think>")
    if end:
        return after
    return "" if before.lstrip().startswith("<think>") else before


def _text_of(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _count(value: Any) -> int:
    return min(value, _MAX_TOKENS) if isinstance(value, int) and value > 0 else 0
