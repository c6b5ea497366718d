"""A question to a model, and the body of the request that asks it of an endpoint."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from companion.llm.answers import JsonSchema
from companion.llm.endpoint import Endpoint, estimate_tokens

Message = Mapping[str, str]

TEMPERATURE = 0.2
"""How freely a model writes: a little, since its answers have to match the request."""

_MODES = ("schema", "prompt")
_FRAME_TOKENS = 8  # that a chat template puts around a message
_COPY_PENALTY = 16.0  # off a token's logit at the longest copy; about what a sure token has
_ALL_TOKENS = 1 << 20  # the prompt's, too; xllamacpp refuses -1, which once meant this
_THINKING_TOKENS = 8192  # for what a model thinks before it answers
_OPTIONAL = {  # what may be left out, and how errors name it
    "max_tokens": r"\bmax_completion_tokens\b",  # to be used in its place
    "temperature": r"\btemperature\b",
}


class Question(NamedTuple):
    """The messages to a model, and the limits of its answer.

    max_tokens: of the answer. schema: of the JSON answer; None: it is a text. mode: how an answer
    that fits the schema is requested: by the `schema`, or in the `prompt` alone. schema_in_prompt:
    the schema is also written in the last message. longest_copy: how many tokens in a row the
    answer may take from the messages, or repeat; None: any number. Only the embedded model can be
    held to it.
    """

    messages: Sequence[Message]
    max_tokens: int
    schema: JsonSchema | None = None
    mode: str = "schema"
    schema_in_prompt: bool = False
    longest_copy: int | None = None

    def estimate_tokens(self) -> int:
        """Return about how many tokens the model reads: the messages, and the answer's schema."""
        texts = [message["content"] for message in self.messages_to_send()]
        if self.schema and self.mode == "schema":
            texts.append(json.dumps(self.schema))
        return sum(estimate_tokens(text) + _FRAME_TOKENS for text in texts)

    def in_mode(self, mode: str) -> Question:
        """Return the question, asked in that mode if its answer is JSON."""
        if self.schema is None:
            return self
        in_prompt = self.schema_in_prompt or mode != "schema"
        return self._replace(mode=mode, schema_in_prompt=in_prompt)

    def messages_to_send(self) -> list[dict[str, str]]:
        """Return the messages, with the schema at the end of the last one if it belongs there."""
        messages = [dict(message) for message in self.messages]
        if self.schema and self.schema_in_prompt and messages:
            schema = json.dumps(self.schema, ensure_ascii=False)
            order = f"Answer with one JSON object only, which fits this JSON schema:\n{schema}"
            messages[-1]["content"] += f"\n\n{order}"
        return messages

    def own_parameters(self) -> dict[str, Any]:
        """Return llama.cpp's own parameters: the model does not think, and does not copy.

        From half of `longest_copy` on, its DRY sampler makes a token that makes a copy longer less
        likely, so the model changes course where the words allow it; beyond, it is practically
        excluded.
        """
        parameters: dict[str, Any] = {"chat_template_kwargs": {"enable_thinking": False}}
        if self.longest_copy is None:
            return parameters
        return parameters | {
            "dry_multiplier": 1.0,
            "dry_base": _COPY_PENALTY ** (2 / self.longest_copy),
            "dry_allowed_length": self.longest_copy // 2,
            "dry_penalty_last_n": _ALL_TOKENS,
            "dry_sequence_breakers": ["\n"],
        }


class Capabilities:
    """What an endpoint was found to support.

    modes: of Question, to try, best first. dropped: parameters that it rejects. thinks: whether the
    model thinks before it answers. held_until: when it takes calls again, by time.monotonic.
    """

    def __init__(self, json_mode: str) -> None:
        self.modes = _MODES if json_mode == "auto" else (json_mode,)
        self.dropped: frozenset[str] = frozenset()
        self.thinks = False
        self.held_until = 0.0

    def drop_parameter(self, said: str, dropped: frozenset[str]) -> bool:
        """Return whether the message rejects a parameter, which is left out from now on.

        dropped: what was left out already. OpenAI's reasoning models accept no temperature, and
        max_completion_tokens instead of max_tokens: those tokens include their thoughts.
        """
        for name in _OPTIONAL.keys() - dropped:
            if re.search(_OPTIONAL[name], said, re.IGNORECASE):
                self.dropped |= {name}
                self.thinks |= name == "max_tokens"
                return True
        return False

    def output_limit(self, question: Question, settings: Endpoint) -> int:
        """Return how many tokens the model may write to answer the question, thoughts included."""
        thinks = self.thinks and not settings.embedded
        return question.max_tokens + (_THINKING_TOKENS if thinks else 0)

    def body_for(self, question: Question, endpoint: Endpoint) -> dict[str, Any]:
        """Return the body of the request that asks the question."""
        limit = "max_completion_tokens" if "max_tokens" in self.dropped else "max_tokens"
        body: dict[str, Any] = {
            "model": endpoint.model,
            "messages": question.messages_to_send(),
            "stream": False,
            limit: self.output_limit(question, endpoint),
        }
        if question.schema and question.mode == "schema":
            schema = {"name": "answer", "strict": True, "schema": question.schema}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        if "temperature" not in self.dropped:
            body["temperature"] = TEMPERATURE
        return body | (question.own_parameters() if endpoint.embedded else {})


_learnt: dict[tuple[object, ...], Capabilities] = {}  # by endpoint, for all clients


def capabilities_of(endpoint: Endpoint) -> Capabilities:
    """Return what is known of the endpoint in this process."""
    key = endpoint.base_url, endpoint.model, endpoint.json_mode
    return _learnt.setdefault(key, Capabilities(endpoint.json_mode))
