"""Replies of an endpoint, and their content: the text, its JSON, the tokens used."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from operator import add, sub
from typing import Any, NamedTuple

from companion.errors import AnswerError

JsonSchema = Mapping[str, Any]

# A reasoning model's thoughts before its answer, closed or not: in a tag, as of most models and of
# Magistral, or in a channel of gpt-oss (cookbook.openai.com/articles/openai-harmony).
_THOUGHT = re.compile(
    r"\A\s*(?:<(?:think|thinking|thought)>.*?(?:</(?:think|thinking|thought)>|\Z)"
    r"|\[THINK\].*?(?:\[/THINK\]|\Z)"
    r"|<\|channel\|>analysis.*?(?:<\|end\|>(?:<\|start\|>assistant<\|channel\|>final.*?<\|message\|>)?|\Z))",
    re.DOTALL | re.IGNORECASE,
)
# The same where the chat template opens them in the prompt, so that only their end is there.
_THOUGHT_END = re.compile(
    r"\A(?:(?!<think).)*?</think(?:ing)?>[ \t]*(?:\n|\Z)", re.DOTALL | re.IGNORECASE
)
# What ends an answer, where the server does not know that of the model.
_STOP_TOKENS = re.compile(r"(?:\s*(?:<\|\w+\|>|</s>|<end_of_turn>|<｜end▁of▁sentence｜>))+\Z")
_LONGEST_END = 100  # characters in which they are looked for
_EVENT = re.compile(rb"^data:(.*)$", re.MULTILINE)
# How long to wait, as Groq, OpenAI, Azure and Google write it in the message of an error.
_WAIT = re.compile(
    r"(?:try again|retry) (?:in|after) ((?:\d[\d.]*(?:ms|[hms]))+|\d+(?= second))"
    r'|"retryDelay": ?"([\d.]+s)"'
)
_PART = r"(\d{1,12}(?:\.\d{1,9})?)(h|ms|m|s|us|µs|ns)"  # as Go writes a duration
_DURATION = re.compile(rf"(?:{_PART})+")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_FINISHES = {
    "max_tokens": "length",
    "model_length": "length",  # Mistral
    "model_context_window_exceeded": "length",  # Z.ai
    "sensitive": "content_filter",  # Z.ai
}
_BROKEN_OFF = ("error", "network_error", "insufficient_system_resource")  # gateways, Z.ai, DeepSeek
_MAX_TOKENS = 10**9  # of one call, whatever an endpoint claims
_SURROGATE = re.compile("[\ud800-\udfff]")
_TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
}


class Reply(NamedTuple):
    """A server's reply: HTTP status, headers with lower-case names, body.

    sent_at: when its request had been sent, by time.monotonic; None if unknown.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    sent_at: float | None = None

    def parse(self) -> Any:
        """Return the JSON value of the body without lone surrogates, None if it is not JSON.

        A stream, which some gateways send unasked, is one completion:
        github.com/BerriAI/litellm/issues/25766.
        """
        try:
            if not _EVENT.search(self.body):
                return remove_surrogates(json.loads(self.body))
            events = (event[1].strip() for event in _EVENT.finditer(self.body))
            chunks = [json.loads(event) for event in events if event != b"[DONE]"]
            return remove_surrogates(_join_chunks(chunks))
        except (ValueError, RecursionError):
            return None

    @property
    def retry_after(self) -> float:
        """The seconds to wait, by Retry-After (RFC 9110, 10.2.3: seconds or a date), or 0.

        Without that header, by the message, in which Google and Groq say it.
        """
        from email.utils import parsedate_to_datetime  # slow to load, and hardly ever needed

        value = self.headers.get("retry-after", "").strip()
        if not value:
            stated = _WAIT.search(self.body.decode("utf-8", "replace"))
            return read_duration(stated[1] or stated[2]) or 0.0 if stated else 0.0
        try:
            return max(0.0, float(value))
        except ValueError:
            pass
        try:
            return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
        except (ValueError, TypeError, OverflowError):
            return 0.0

    @property
    def is_web_page(self) -> bool:
        """Whether the body is HTML."""
        kind = self.headers.get("content-type", "")
        return "html" in kind.lower() or self.body[:200].lstrip()[:1] == b"<"


@dataclass(frozen=True)
class Usage:
    """Tokens read and written, as the endpoint counts them, and calls made.

    cached_tokens: those of input_tokens that came from its prompt cache; 0 also if it does not say.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    calls: int = 0
    cached_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(*map(add, vars(self).values(), vars(other).values()))

    def __sub__(self, other: Usage) -> Usage:
        return Usage(*map(sub, vars(self).values(), vars(other).values()))


@dataclass(frozen=True)
class Answer:
    """A usable answer. `data` is its JSON object if JSON was requested, else empty.

    `usage` is the sum over all calls made, including those without a usable answer.
    """

    text: str
    data: dict[str, Any]
    usage: Usage


class NoAnswer(AnswerError):
    """There is no usable answer. `usage`: what the calls used all the same.

    fault: what was wrong with it, such as `cut off`; empty if the model refused, which it does for
    one note's text and not for the next.
    """

    def __init__(self, cause: AnswerError, usage: Usage, fault: str = "") -> None:
        super().__init__(str(cause))
        self.usage = usage
        self.fault = fault


class NoCompletion(NoAnswer):
    """The reply is not a chat completion: a fault of the endpoint or settings, not of the note."""


class ThoughtsOnly(NoCompletion):
    """The model was still thinking when its output tokens were used up."""


CUT = " …"
"""The mark at the end of a text that the embedded model was cut off in."""


class Completion(NamedTuple):
    """A chat completion. `problem`: what is wrong with it, a verb phrase; empty if nothing is.

    finish: its `finish_reason`. thinks: the model thought first, which takes output tokens.
    thoughts: those that are apart from the text. tier: the service tier it came from; empty if
    unknown.
    """

    text: str = ""
    usage: Usage = Usage(calls=1)
    refusal: str = ""
    finish: str = ""
    problem: str = ""
    thinks: bool = False
    thoughts: str = ""
    tier: str = ""


def read_completion(reply: Reply) -> Completion:
    """Return the completion in a reply of any status. Never raises, whatever the server sent."""
    data = reply.parse()
    if not isinstance(data, dict):
        return Completion(problem="breaks off or is not JSON")
    counts, timings = _object(data.get("usage")), _object(data.get("timings"))
    cached = (
        _object(counts.get("prompt_tokens_details")).get("cached_tokens"),  # OpenAI, llama.cpp
        counts.get("prompt_cache_hit_tokens"),  # DeepSeek
        timings.get("cache_n"),  # llama.cpp before it filled prompt_tokens_details
    )
    read, written = _count(counts.get("prompt_tokens")), _count(counts.get("completion_tokens"))
    if read:  # at Google and xAI, thoughts are in the total alone
        written = max(written, _count(counts.get("total_tokens")) - read)
    usage = Usage(read, written, 1, min(read, max(map(_count, cached))))
    choice = _first(data.get("choices"))
    message = choice.get("message")
    if not isinstance(message, dict):
        return Completion(usage=usage, problem="holds no message")
    tier = data.get("service_tier")
    finish = _read_finish(choice.get("finish_reason"))
    refusal = message.get("refusal")
    content = _text_of(message.get("content"))
    answer = (_THOUGHT if _THOUGHT.match(content) else _THOUGHT_END).sub("", content)
    text = answer.strip()
    text = text[:-_LONGEST_END] + _STOP_TOKENS.sub("", text[-_LONGEST_END:])
    # DeepSeek and OpenRouter report thoughts in the message, OpenAI in the usage
    details = _object(counts.get("completion_tokens_details"))
    thoughts = _text_of(message.get("reasoning_content")) or _text_of(message.get("reasoning"))
    is_cut = finish == "length" and not text  # before the first word
    return Completion(
        text=text,
        usage=usage,
        refusal=refusal if isinstance(refusal, str) else "",
        finish=finish,
        problem=f"breaks off ({finish})" if finish in _BROKEN_OFF else "",
        thinks=answer != content
        or is_cut
        or bool(thoughts)
        or _count(details.get("reasoning_tokens")) > 0,
        thoughts=thoughts.strip(),
        tier=tier if isinstance(tier, str) else "",
    )


def _read_finish(value: Any) -> str:
    """Return a finish_reason in OpenAI's words, if it says the same in others'."""
    name = value.lower().partition(":")[0] if isinstance(value, str) else ""
    return _FINISHES.get(name, name)


def _join_chunks(chunks: list[Any]) -> dict[str, Any]:
    """Return the completion that was sent in these chunks."""
    choices = [_first(_object(chunk).get("choices")) for chunk in chunks]
    deltas = [_object(choice.get("delta")) for choice in choices]
    message = {
        key: "".join(_text_of(delta.get(key)) for delta in deltas)
        for key in ("content", "reasoning_content", "reasoning", "refusal")
    }
    ends = [choice["finish_reason"] for choice in choices if choice.get("finish_reason")]
    usages = [usage for chunk in chunks if (usage := _object(chunk).get("usage"))]
    errors = [error for chunk in (*chunks, *choices) if (error := _object(chunk).get("error"))]
    choice = {"message": message, "finish_reason": ends[-1] if ends else "error"}
    return {
        "choices": [choice] if any(choices) else [],
        "usage": usages[-1] if usages else None,
        "error": errors[-1] if errors else None,
    }


def read_json(text: str, schema: JsonSchema) -> dict[str, Any] | None:
    """Return the JSON object in text, None if there is none or it does not fit the schema.

    A code fence or prose around it, which models often add, is left out.
    """
    start, end = text.find("{"), text.rfind("}")
    if start < 0 or end < start:
        return None
    try:
        data = json.loads(text[start : end + 1], strict=False)
    except (ValueError, RecursionError):
        return None
    return remove_surrogates(data) if isinstance(data, dict) and fits_schema(data, schema) else None


def fits_schema(value: Any, schema: JsonSchema) -> bool:
    """Return whether value has the types and the required keys of the schema.

    Checks `type`, `required`, `properties` and `items` of JSON Schema. Excess length, unknown keys
    and values outside an `enum` are left to the caller: they are no reason to reject the other
    values.
    """
    kind = schema.get("type")
    expected = _TYPES.get(kind) if isinstance(kind, str) else None
    if expected and (not isinstance(value, expected) or (kind != "boolean" and value is True)):
        return False
    if isinstance(value, dict):
        properties: Mapping[str, JsonSchema] = schema.get("properties", {})
        if any(key not in value for key in schema.get("required", ())):
            return False
        return all(fits_schema(value[key], properties[key]) for key in properties if key in value)
    if isinstance(value, list):
        return all(fits_schema(item, schema.get("items", {})) for item in value)
    return True


def with_body_status(reply: Reply) -> Reply:
    """Return reply with the status that its body reports.

    Some gateways send errors with status 200, and the real status in the body: OpenRouter in its
    only choice if the model's provider fails midway.
    """
    if reply.status != 200 or b'"error"' not in reply.body:
        return reply
    data = _object(reply.parse())
    choice = _first(data.get("choices"))
    error = choice.get("error") or data.get("error")
    if not error or choice.get("finish_reason") == "stop":
        return reply
    code = re.fullmatch(r"[45]\d\d", str(_object(error).get("code")), re.ASCII)
    default = 502 if choice else 400  # once the model has begun, the request was valid
    body = {"error": error, "usage": data.get("usage")}  # of what was written before it, if any
    return reply._replace(status=int(code[0]) if code else default, body=json.dumps(body).encode())


def read_duration(text: str) -> float | None:
    """Return the seconds of a duration such as `6m0s`, `120ms` or `1.5`; None if it is not one."""
    if re.fullmatch(r"\d{1,12}(\.\d{1,9})?", text):
        return float(text)
    if not _DURATION.fullmatch(text):
        return None
    return sum(float(number) * _SECONDS[unit] for number, unit in re.findall(_PART, text))


def remove_surrogates(value: Any) -> Any:
    """Return value without lone surrogates, which models can write and UTF-8 cannot encode."""
    if isinstance(value, str):
        return _SURROGATE.sub("", value)
    if isinstance(value, list):
        return [remove_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {remove_surrogates(key): remove_surrogates(item) for key, item in value.items()}
    return value


def _text_of(content: Any) -> str:
    if isinstance(content, list):
        parts = (part.get("text") for part in content if isinstance(part, dict))
        return "".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else ""


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _first(value: Any) -> dict[str, Any]:
    return _object(value[0]) if isinstance(value, list) and value else {}


def _count(value: Any) -> int:
    return min(value, _MAX_TOKENS) if isinstance(value, int) and value > 0 else 0
