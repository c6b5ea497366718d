"""One question to a model, and the body of the request that asks it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from companion.llm.endpoint import Endpoint, estimate_tokens
from companion.llm.endpoint_errors import server_message
from companion.llm.response import JsonSchema, Reply

Message = Mapping[str, str]

REJECTED = (400, 415, 422, 501)
"""The statuses with which an endpoint rejects a request."""

TEMPERATURE = 0.2
"""How freely a model writes: a little, since its answers have to match the request."""

_FRAME_TOKENS = 8  # that a chat template puts around a message
_COPY_PENALTY = 16.0  # off a token's logit at the longest copy; about what a sure token has
_ALL_TOKENS = 1 << 20  # the prompt's, too; xllamacpp refuses -1, which once meant this
_THINKING_TOKENS = 8192  # for what a model thinks before it answers
_NO_THOUGHTS = "\n\n/no_think"  # the switch that Qwen3 was trained on: qwenlm.github.io/blog/qwen3
_OPTIONAL = {  # what may be left out, and how errors name it
    "max_tokens": r"\bmax_tokens\b.{0,80}(not (supported|allowed|permitted)"
    r"|\buse\W{1,3}max_completion_tokens)"
    r"|(unsupported|unrecogni|unknown|unexpected).{0,60}\bmax_tokens\b",  # not: too large
    "temperature": r"\btemperature\b",
    "chat_template_kwargs": r"\bchat_template_kwargs\b",
    "reasoning_effort": r"\breasoning_effort\b|\bthink(ing)?\b|\breasoning value\b",
    "service_tier": r"service.tier|\bflex\b",
    "system": r"\bsystem\b.{0,12}\brole|\brole\b.{0,30}\bsystem\b|developer instruction"
    r"|\broles must alternate|only user and assistant roles",
}
_NOT_SUPPORTED = re.compile(
    r"support|instead|unexpected|unrecogni|unknown|not (allowed|permitted|enabled)"
    r"|only the default|service.tier|\bflex\b"  # in whatever words: a model has it or not
    r"|deprecated|only .{0,20}1\b|only .{0,10}allowed|only works|should be|must alternate",
    re.IGNORECASE,
)


class Question(NamedTuple):
    """The messages to a model, and the limits of its answer.

    max_tokens: of the answer. mode: how an answer that fits the schema is requested: schema, object
    or text. schema_in_prompt: the schema is also written in the last message. longest_copy: how
    many tokens in a row the answer may take from the messages, or repeat; None: any number. Only
    the embedded model can be held to it.
    """

    messages: Sequence[Message]
    max_tokens: int
    schema: JsonSchema | None = None
    mode: str = "text"
    schema_in_prompt: bool = False
    longest_copy: int | None = None

    def body(self) -> dict[str, Any]:
        """Return the parts of a request's body that ask this, without limits and sampling."""
        body: dict[str, Any] = {"messages": self._messages_to_send()}
        if self.schema and self.mode == "object":
            body["response_format"] = {"type": "json_object"}
        elif self.schema:
            body["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "answer", "strict": True, "schema": self.schema},
            }
        return body

    def sampling(self) -> dict[str, Any]:
        """Return llama.cpp's own parameters that keep the answer from copying: its DRY sampler.

        From half of `longest_copy` on, a token that makes a copy longer becomes less likely, so the
        model changes course where the words allow it; beyond, it is practically excluded.
        """
        if self.longest_copy is None:
            return {}
        return {
            "dry_multiplier": 1.0,
            "dry_base": _COPY_PENALTY ** (2 / self.longest_copy),
            "dry_allowed_length": self.longest_copy // 2,
            "dry_penalty_last_n": _ALL_TOKENS,
            "dry_sequence_breakers": ["\n"],
        }

    def estimate_tokens(self) -> int:
        """Return about how many tokens the model reads: the messages, and the answer's schema."""
        texts = [message["content"] for message in self._messages_to_send()]
        if self.schema and self.mode == "schema":
            texts.append(json.dumps(self.schema))
        return sum(estimate_tokens(text) + _FRAME_TOKENS for text in texts)

    def _messages_to_send(self) -> list[dict[str, str]]:
        """Return the messages, with the schema at the end of the last one if it belongs there."""
        messages = [dict(message) for message in self.messages]
        if self.schema and self.schema_in_prompt and messages:
            schema = json.dumps(self.schema, ensure_ascii=False)
            order = f"Answer with one JSON object only, which fits this JSON schema:\n{schema}"
            messages[-1]["content"] += f"\n\n{order}"
        return messages


class Capabilities:
    """What an endpoint was found to support; shared by its clients. Safe to use from any thread.

    modes: JSON formats to try, best first. dropped: parameters that it rejects. thinks: whether the
    model thinks before it answers.
    """

    def __init__(self, json_mode: str) -> None:
        modes: dict[str, tuple[str, ...]] = {"auto": ("schema", "object"), "text": ()}
        self.modes = modes.get(json_mode, (json_mode,))
        self.dropped: frozenset[str] = frozenset()
        self.thinks = False

    def drop_parameter(self, reply: Reply, dropped: frozenset[str], endpoint: Endpoint) -> str:
        """Return the parameter that the reply rejects, left out from now on; empty if none.

        dropped: the parameters that were left out of the rejected request. endpoint: it was sent
        to; by its settings, others were not in the request either. OpenAI's reasoning models accept
        no temperature, and max_completion_tokens instead of max_tokens: those tokens include their
        thoughts. Only vLLM, SGLang and llama.cpp know chat_template_kwargs, and few models
        service_tier. `system` is no parameter, but the role: Gemma and others have only the user's.
        """
        message = server_message(reply)
        if reply.status not in REJECTED or not _NOT_SUPPORTED.search(message):
            return ""
        unset = {name for name, value in _parameters_of(endpoint).items() if value is None}
        for name, spelled in _OPTIONAL.items():
            if name not in dropped | unset and re.search(spelled, message, re.IGNORECASE):
                self.dropped |= {name}
                self.thinks |= name == "max_tokens"
                return name
        return ""

    def output_limit(self, question: Question, settings: Endpoint) -> int:
        """Return how many tokens the model may write to answer the question, thoughts included."""
        tokens = question.max_tokens
        if not self.thinks or settings.embedded:
            return tokens
        limit = tokens + _THINKING_TOKENS
        if settings.context_tokens is None:
            return limit
        return min(limit, max(tokens, settings.context_tokens - question.estimate_tokens()))

    def body_for(self, question: Question, endpoint: Endpoint) -> dict[str, Any]:
        """Return the body of the request that asks the question.

        The embedded model has no tokens to spare for thoughts: it is told not to think. A Qwen3
        that thinks anyway, because its chat template or its server does not know the parameter, is
        also told so in the message.
        """
        limit = "max_completion_tokens" if "max_tokens" in self.dropped else "max_tokens"
        body = {"model": endpoint.model, **question.body(), limit: question.max_tokens}
        body["stream"] = False  # some servers stream unless told not to
        if "system" in self.dropped and len(messages := body["messages"]) > 1:
            texts = [message["content"] for message in messages[:2]]
            body["messages"] = [{"role": "user", "content": "\n\n".join(texts)}, *messages[2:]]
        if _is_told_not_to_think(endpoint) and self.thinks and "qwen3" in endpoint.model.lower():
            body["messages"][-1]["content"] += _NO_THOUGHTS
        for name, value in _parameters_of(endpoint).items():
            if value is not None and name not in self.dropped:
                body[name] = value
        return body | question.sampling() if endpoint.embedded else body


def _parameters_of(endpoint: Endpoint) -> dict[str, Any]:
    """Return the optional parameters of a request, None where the settings ask for none."""
    is_off = _is_told_not_to_think(endpoint)
    return {
        "temperature": TEMPERATURE,
        "reasoning_effort": endpoint.reasoning_effort,
        "chat_template_kwargs": {"enable_thinking": False} if is_off else None,
        "service_tier": endpoint.service_tier,
    }


def _is_told_not_to_think(endpoint: Endpoint) -> bool:
    return endpoint.reasoning_effort == "none" or endpoint.embedded
