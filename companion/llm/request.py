"""One question to a model, and how it is put in a request."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from companion.llm import pricing
from companion.llm.endpoint import Endpoint
from companion.llm.endpoint_errors import Reply, server_message
from companion.llm.response import JsonSchema

Message = Mapping[str, str]

_FRAME_TOKENS = 8  # that a chat template puts around a message
_BAN = 16.0  # off a token's logit at the longest copy; a model is about as sure of one
_ALL_TOKENS = 1 << 20  # of the prompt, too; -1, which once meant this, is refused


class Question(NamedTuple):
    """What is asked, and the most tokens that the answer may take.

    mode: how an answer by the schema is asked for: schema, object or text.
    told: whether the schema is also written in the prompt.
    longest_copy: tokens in a row that the answer may take from the messages, or say twice; None:
    any number. Only the embedded model can be held to it.
    """

    messages: Sequence[Message]
    tokens: int
    schema: JsonSchema | None = None
    mode: str = "text"
    told: bool = False
    longest_copy: int | None = None

    def parts(self) -> dict[str, Any]:
        """Return the parts of a request's body that ask this."""
        made: dict[str, Any] = {"messages": self._told_messages()}
        if self.schema:
            made["response_format"] = self._format(self.schema)
        return made

    def sampling(self) -> dict[str, Any]:
        """Return llama.cpp's own parameters that keep the answer from copying: its DRY sampler.

        A token that makes a run longer gets less likely from half of `longest_copy` on, so that
        the model turns off where the words allow it, and is out of the question beyond.
        """
        if self.longest_copy is None:
            return {}
        return {
            "dry_multiplier": 1.0,
            "dry_base": _BAN ** (2 / self.longest_copy),
            "dry_allowed_length": self.longest_copy // 2,
            "dry_penalty_last_n": _ALL_TOKENS,
            "dry_sequence_breakers": ["\n"],
        }

    def estimate_tokens(self) -> int:
        """Return about how many tokens the model reads: the messages, the schema of the answer."""
        sent = [message["content"] for message in self._told_messages()]
        if self.schema and self.mode == "schema":
            sent.append(json.dumps(self.schema))
        return sum(pricing.estimate_tokens(text) + _FRAME_TOKENS for text in sent)

    def _format(self, schema: JsonSchema) -> dict[str, Any]:
        if self.mode == "object":
            return {"type": "json_object"}
        return {
            "type": "json_schema",
            "json_schema": {"name": "answer", "strict": True, "schema": schema},
        }

    def _told_messages(self) -> list[dict[str, str]]:
        """Return the messages, with the schema in words at the end where it must be told."""
        messages = [dict(message) for message in self.messages]
        if self.schema and self.told and messages:
            schema = json.dumps(self.schema, ensure_ascii=False)
            told = f"Answer with one JSON object only, which fits this JSON schema:\n{schema}"
            messages[-1]["content"] += f"\n\n{told}"
        return messages


REJECTED = (400, 415, 422, 501)
"""The statuses of a request that the endpoint does not take."""

_OPTIONAL = ("max_tokens", "temperature", "chat_template_kwargs", "reasoning_effort")
_NOT_TAKEN = re.compile(
    r"support|instead|unexpected|unrecogni|unknown|not (allowed|permitted)|only the default",
    re.IGNORECASE,
)
_THOUGHTS = 4096  # tokens for what a model thinks before it answers


class Capabilities:
    """What was found out about an endpoint, shared by its clients, from any thread.

    modes: JSON formats to try, best first. dropped: parameters that it does not take. thinks:
    whether the model thinks before it answers.
    """

    def __init__(self, json_mode: str) -> None:
        tried: dict[str, tuple[str, ...]] = {"auto": ("schema", "object"), "text": ()}
        self.modes = tried.get(json_mode, (json_mode,))
        self.dropped: frozenset[str] = frozenset()
        self.thinks = False

    def learn(self, reply: Reply, dropped: frozenset[str]) -> bool:
        """Return whether the reply names a parameter to leave out, which it is from now on.

        dropped: what was left out already when the request was sent.
        OpenAI's reasoning models take no temperature, and max_completion_tokens for max_tokens.
        Only vLLM, SGLang and llama.cpp know chat_template_kwargs.
        """
        said = server_message(reply).lower()
        if reply.status not in REJECTED or not _NOT_TAKEN.search(said):
            return False
        for name in _OPTIONAL:
            if re.search(rf"\b{name}\b", said) and name not in dropped:
                self.dropped |= {name}
                return True
        return False

    def output_limit(self, question: Question, settings: Endpoint) -> int:
        """Return how many tokens the model may write to answer the question, thoughts included."""
        tokens = question.tokens
        if settings.max_output_tokens is not None:
            room = settings.max_output_tokens
        elif self.thinks and not settings.embedded:
            room = tokens + _THOUGHTS
        else:
            return tokens
        if settings.context_tokens is None:
            return room
        return min(room, max(tokens, settings.context_tokens - question.estimate_tokens()))

    def body_for(self, question: Question, endpoint: Endpoint) -> dict[str, Any]:
        """Return the body of the request that asks the question."""
        name = "max_completion_tokens" if "max_tokens" in self.dropped else "max_tokens"
        body = {"model": endpoint.model, **question.parts(), name: question.tokens}
        wanted = {"temperature": endpoint.temperature, **self._thinking(endpoint)}
        for key, value in wanted.items():
            if value is not None and key not in self.dropped:
                body[key] = value
        return body | question.sampling() if endpoint.embedded else body

    def _thinking(self, endpoint: Endpoint) -> dict[str, object]:
        """Return the parameters that say how much the model thinks.

        The embedded model has no room for thoughts, so that one which thinks is told not to.
        """
        off = endpoint.reasoning_effort == "none" or (endpoint.embedded and self.thinks)
        return {
            "reasoning_effort": endpoint.reasoning_effort,
            "chat_template_kwargs": {"enable_thinking": False} if off else None,
        }
