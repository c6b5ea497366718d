"""The client of an endpoint: a question in, an answer out, as JSON that fits a schema."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Self

from companion.llm.answers import (
    Answer,
    Completion,
    JsonSchema,
    NoAnswer,
    Usage,
    make_answer,
    read_completion,
)
from companion.llm.calls import Caller, Check
from companion.llm.endpoint import Endpoint, estimate_tokens
from companion.llm.errors import RequestRejected

Message = Mapping[str, str]

TEMPERATURE = 0.2
"""How freely a model writes: a little, since its answers have to match the request."""

_MODES = ("schema", "object", "prompt")
_FRAME_TOKENS = 8  # that a chat template puts around a message
_COPY_PENALTY = 16.0  # off a token's logit at the longest copy; about what a sure token has
_ALL_TOKENS = 1 << 20  # the prompt's, too; xllamacpp refuses -1, which once meant this
_THINKING_TOKENS = 8192  # for what a model thinks before it answers
_OPTIONAL = {  # what may be left out, and how errors name it
    "max_tokens": r"\bmax_tokens\b.{0,80}(not (supported|allowed|permitted)"
    r"|\buse\W{1,3}max_completion_tokens)"
    r"|(unsupported|unrecogni|unknown|unexpected).{0,60}\bmax_tokens\b",  # not: too large
    "temperature": r"\btemperature\b",
    "system": r"\bsystem\b.{0,12}\brole|\brole\b.{0,30}\bsystem\b|developer instruction"
    r"|\broles must alternate|only user and assistant roles",
}


class Question(NamedTuple):
    """The messages to a model, and the limits of its answer.

    max_tokens: of the answer. schema: of the JSON answer; None: it is a text. mode: how an answer
    that fits the schema is requested: by the `schema`, as an `object`, or in the `prompt` alone.
    schema_in_prompt: the schema is also written in the last message. longest_copy: how many tokens
    in a row the answer may take from the messages, or repeat; None: any number. Only the embedded
    model can be held to it.
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
    model thinks before it answers.
    """

    def __init__(self, json_mode: str) -> None:
        self.modes = _MODES if json_mode == "auto" else (json_mode,)
        self.dropped: frozenset[str] = frozenset()
        self.thinks = False

    def drop_parameter(self, said: str, sent: frozenset[str]) -> bool:
        """Return whether the message rejects one of these parameters, left out from now on.

        OpenAI's reasoning models accept no temperature, and max_completion_tokens instead of
        max_tokens: those tokens include their thoughts. `system` is no parameter, but the role:
        Gemma and others have only the user's.
        """
        for name in sent:
            if re.search(_OPTIONAL[name], said, re.IGNORECASE):
                self.dropped |= {name}
                self.thinks |= name == "max_tokens"
                return True
        return False

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
        """Return the body of the request that asks the question, except llama.cpp's parameters."""
        messages = question.messages_to_send()
        if "system" in self.dropped and len(messages) > 1:
            texts = [message["content"] for message in messages[:2]]
            messages = [{"role": "user", "content": "\n\n".join(texts)}, *messages[2:]]
        limit = "max_completion_tokens" if "max_tokens" in self.dropped else "max_tokens"
        body: dict[str, Any] = {"model": endpoint.model, "messages": messages, "stream": False}
        body[limit] = self.output_limit(question, endpoint)
        if question.schema and question.mode == "object":
            body["response_format"] = {"type": "json_object"}
        elif question.schema and question.mode == "schema":
            schema = {"name": "answer", "strict": True, "schema": question.schema}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        if "temperature" not in self.dropped:
            body["temperature"] = TEMPERATURE
        return body


_learnt: dict[tuple[object, ...], Capabilities] = {}  # by endpoint, for all clients


class Client(Caller):
    """Asks one endpoint, from any number of threads; close() it at the end.

    What it learns about the endpoint (see Capabilities) is remembered until the process ends. For
    the parameters see Caller. `endpoint` may be a source that starts the endpoint on the first
    call, such as EmbeddedServer, and that close() leaves alone.

    All questions raise EndpointError when the endpoint is not available, or a cap is reached
    (LimitReached, before anything is sent), AnswerError when there is no usable answer to this one,
    Cancelled when the work is stopped.
    """

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def capabilities(self) -> Capabilities:
        """What is known about the endpoint."""
        settings = self.settings
        key = settings.base_url, settings.model, settings.json_mode
        return _learnt.setdefault(key, Capabilities(settings.json_mode))

    @property
    def thinks(self) -> bool:
        """Whether the model has thought before an answer so far."""
        return self.capabilities.thinks

    def ask(self, question: Question, check: Check | None = None) -> Answer:
        """Return the model's answer, whose data fits the question's schema, if it has one.

        Its mode is the endpoint's: the best that it does not reject. check: called right before
        each call goes out.
        """
        if question.schema is None:
            return self._ask(question, check)
        modes = self.capabilities.modes
        for mode in modes:
            in_prompt = mode != "schema"
            try:
                answer = self._ask(question._replace(mode=mode, schema_in_prompt=in_prompt), check)
            except RequestRejected:
                if mode == modes[-1]:
                    raise
                continue
            self.capabilities.modes = (mode,)
            return answer
        raise AssertionError("there is always a mode")

    def _ask(self, question: Question, check: Check | None) -> Answer:
        """Return the answer; if it is unusable, the answer of one more call.

        If an answer was cut off, the second call has twice the tokens, where that is allowed; if it
        was not JSON, the schema in its prompt. What is complete in the last answer is used: in the
        first one if the embedded model, which just goes on and on, was cut off.
        """
        usage = Usage()
        for is_last in (False, True):
            limit = self.capabilities.output_limit(question, self.settings)
            completion, endpoint = self._complete(question, check)
            usage += completion.usage
            self.capabilities.thinks |= completion.thinks
            completion, again = completion._replace(usage=usage), question
            if completion.finish == "length":
                again = question._replace(max_tokens=question.max_tokens * 2)
                # else the same call would end in the same way
                is_last |= self.capabilities.output_limit(again, self.settings) <= limit
                is_last |= endpoint.embedded
            try:
                return make_answer(completion, question.schema, endpoint, is_final=is_last)
            except NoAnswer as error:
                if is_last or not error.fault:
                    raise
            question = again._replace(schema_in_prompt=True)
        raise AssertionError("unreachable")

    def _complete(self, question: Question, check: Check | None) -> tuple[Completion, Endpoint]:
        """Return the completion, asked for without parameters that the endpoint rejects."""
        capabilities = self.capabilities

        def make_body(endpoint: Endpoint) -> dict[str, Any]:
            own = question.own_parameters() if endpoint.embedded else {}
            return capabilities.body_for(question, endpoint) | own

        tokens = question.estimate_tokens(), capabilities.output_limit(question, self.settings)
        while True:
            sent = frozenset(_OPTIONAL) - capabilities.dropped
            try:
                data, endpoint = self.call(make_body, *tokens, check)
                return read_completion(data), endpoint
            except RequestRejected as error:
                if not capabilities.drop_parameter(error.said, sent):
                    raise
