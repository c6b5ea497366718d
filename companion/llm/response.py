"""What a model answered: the text, its JSON, the tokens it took."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from companion.errors import AnswerError
from companion.llm.endpoint_errors import Reply

JsonSchema = Mapping[str, Any]

# Some chat templates open the thought in the prompt, so that only its end is in the answer.
_THOUGHT = re.compile(r"\A\s*<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL | re.IGNORECASE)
_THOUGHT_END = re.compile(
    r"\A(?:(?!<think).)*?</think(?:ing)?>[ \t]*(?:\n|\Z)", re.DOTALL | re.IGNORECASE
)
_HALF = re.compile("[\ud800-\udfff]")
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
    """Tokens read and written, and calls made, as the endpoint counts them; usages add up.

    cached_tokens: those of input_tokens that the endpoint had read before and kept, because
    prompts begin alike; 0 also where it does not tell.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    calls: int = 0
    cached_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.calls + other.calls,
            self.cached_tokens + other.cached_tokens,
        )


@dataclass(frozen=True)
class Answer:
    """A usable answer. `data` is its JSON object when one was asked for, else empty.

    `usage` counts every call it took, also those whose answer could not be used.
    """

    text: str
    data: dict[str, Any]
    usage: Usage


class NoAnswer(AnswerError):
    """There is no answer that can be used. `usage`: what the calls took all the same.

    fault: which one, as `cut off`; empty where the model refused, which says nothing of others.
    """

    def __init__(self, why: AnswerError, usage: Usage, fault: str = "") -> None:
        super().__init__(str(why))
        self.usage = usage
        self.fault = fault


class NoCompletion(NoAnswer):
    """What came is no chat completion: it says something of the endpoint, nothing of the note."""


class ThoughtsOnly(NoCompletion):
    """The model was still thinking when it had written as much as it may."""


CUT = " …"
"""What stands at the end of a text that the embedded model did not come to the end of."""


class Completion(NamedTuple):
    """One reply as read. `problem` says what is wrong with it, empty when nothing is.

    thinks: whether the model thought first, which took part of the tokens that it may write.
    """

    text: str = ""
    usage: Usage = Usage(calls=1)
    refusal: str = ""
    finish: str = ""
    problem: str = ""
    thinks: bool = False


def read_completion(reply: Reply) -> Completion:
    """Return what a reply of status 200 holds; never raises, whatever a server sends."""
    data = reply.parse()
    if not isinstance(data, dict):
        return Completion(problem="breaks off or is not JSON")
    usage = _read_usage(data)
    choices = data.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        return Completion(usage=usage, problem="holds no message")
    finish = choice.get("finish_reason")
    refusal = message.get("refusal")
    content = _content(message.get("content"))
    said = _without_thoughts(content)
    text = _whole(said).strip()
    hides_thoughts = finish == "length" and not text  # cut off before the first word
    return Completion(
        text=text,
        usage=usage,
        refusal=refusal if isinstance(refusal, str) else "",
        finish=finish if isinstance(finish, str) else "",
        thinks=said != content or hides_thoughts or _tells_thoughts(data, message),
    )


def read_json(text: str, schema: JsonSchema) -> dict[str, Any] | None:
    """Return the JSON object in text, None when there is none or it does not fit the schema.

    Takes it out of a code fence or of prose around it, which models add unasked.
    """
    start, end = text.find("{"), text.rfind("}")
    if start < 0 or end < start:
        return None
    try:
        data = json.loads(text[start : end + 1], strict=False)
    except (ValueError, RecursionError):
        return None
    return _whole(data) if isinstance(data, dict) and fits(data, schema) else None


def fits(value: Any, schema: JsonSchema) -> bool:
    """Return whether value has the types and the required keys that the schema names.

    Knows `type`, `required`, `properties` and `items` of JSON Schema. Lengths are the caller's to
    cut, keys that were not asked for to leave out, and values beside the choices of an `enum` to
    refuse: one of them is no reason to throw all else away.
    """
    kind = schema.get("type")
    expected = _TYPES.get(kind) if isinstance(kind, str) else None
    if expected and (not isinstance(value, expected) or (kind != "boolean" and value is True)):
        return False
    if isinstance(value, dict):
        known: Mapping[str, JsonSchema] = schema.get("properties", {})
        if any(key not in value for key in schema.get("required", ())):
            return False
        return all(fits(value[key], known[key]) for key in known if key in value)
    if isinstance(value, list):
        return all(fits(item, schema.get("items", {})) for item in value)
    return True


def with_body_status(reply: Reply) -> Reply:
    """Return reply with the status that its body reports.

    Some gateways send errors with status 200 and the real status in the body.
    """
    if reply.status != 200 or b'"error"' not in reply.body[:4096]:
        return reply
    data = reply.parse()
    error = data.get("error") if isinstance(data, dict) and not data.get("choices") else None
    if not error:
        return reply
    code = error.get("code") if isinstance(error, dict) else None
    status = code if isinstance(code, int) and 400 <= code < 600 else 400
    return reply._replace(status=status)


def _whole(value: Any) -> Any:
    """Return value without halves of surrogate pairs, which models cut and no file can hold."""
    if isinstance(value, str):
        return _HALF.sub("", value)
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, dict):
        return {_whole(key): _whole(item) for key, item in value.items()}
    return value


def _content(content: Any) -> str:
    if isinstance(content, list):
        parts = (part.get("text") for part in content if isinstance(part, dict))
        return "".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else ""


def _without_thoughts(text: str) -> str:
    """Return text without what a reasoning model thought aloud, closed or not."""
    return _THOUGHT_END.sub("", text) if not _THOUGHT.match(text) else _THOUGHT.sub("", text)


def _tells_thoughts(reply: dict[str, Any], message: dict[str, Any]) -> bool:
    """Return whether the server tells of thoughts: as DeepSeek, OpenRouter or OpenAI do."""
    details = _object(_object(reply.get("usage")).get("completion_tokens_details"))
    shown = (message.get("reasoning_content"), message.get("reasoning"))
    return any(map(_content, shown)) or bool(_count(details.get("reasoning_tokens")))


def _read_usage(reply: dict[str, Any]) -> Usage:
    usage = _object(reply.get("usage"))
    read, written = _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))
    return Usage(read, written, 1, min(read, _read_cached(usage, _object(reply.get("timings")))))


def _read_cached(usage: dict[str, Any], timings: dict[str, Any]) -> int:
    """Return the prompt tokens from the cache: as OpenAI and llama.cpp tell them, or DeepSeek.

    llama.cpp before it filled prompt_tokens_details told them in timings.
    """
    details = _object(usage.get("prompt_tokens_details"))
    told = (
        details.get("cached_tokens"),
        usage.get("prompt_cache_hit_tokens"),
        timings.get("cache_n"),
    )
    return max(map(_count, told))


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _count(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0
