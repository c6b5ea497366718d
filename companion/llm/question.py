"""One question to a model, and how it is put in a request."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from companion.llm import forecast
from companion.llm.answer import Schema

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
    schema: Schema | None = None
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
        return sum(forecast.estimate_tokens(text) + _FRAME_TOKENS for text in sent)

    def _format(self, schema: Schema) -> dict[str, Any]:
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
