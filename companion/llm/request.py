"""The body of a request to an endpoint, and what was found out of what it takes."""

from __future__ import annotations

import re
from typing import Any

from companion.llm.endpoint import Endpoint
from companion.llm.faults import Reply, what_was_said
from companion.llm.question import Question

REJECTED = (400, 415, 422, 501)
"""The statuses of a request that the endpoint does not take."""

_OPTIONAL = ("max_tokens", "temperature", "chat_template_kwargs", "reasoning_effort")
_NOT_TAKEN = re.compile(
    r"support|instead|unexpected|unrecogni|unknown|not (allowed|permitted)|only the default",
    re.IGNORECASE,
)
_THOUGHTS = 4096  # tokens for what a model thinks before it answers


class Learned:
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
        said = what_was_said(reply).lower()
        if reply.status not in REJECTED or not _NOT_TAKEN.search(said):
            return False
        for name in _OPTIONAL:
            if re.search(rf"\b{name}\b", said) and name not in dropped:
                self.dropped |= {name}
                return True
        return False

    def room_for(self, question: Question, settings: Endpoint) -> int:
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
