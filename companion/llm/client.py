"""One question in, an answer out: text, or JSON that fits a schema."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from typing import Any

from companion.errors import AnswerError, CompanionError
from companion.llm.attempts import Attempts, EndpointSource, FixedSource
from companion.llm.budget import Budget, Reservation
from companion.llm.endpoint import Endpoint
from companion.llm.endpoint_errors import (
    JsonUnsupported,
    Reply,
    RequestRejected,
    error_for_reply,
    only_thoughts_error,
    refusal_error,
    server_message,
    unusable_answer_error,
    web_page_error,
)
from companion.llm.request import REJECTED, Capabilities, Message, Question
from companion.llm.response import (
    CUT,
    Answer,
    Completion,
    JsonSchema,
    NoAnswer,
    NoCompletion,
    ThoughtsOnly,
    Usage,
    read_completion,
    read_json,
)

_ABOUT_JSON = re.compile(
    r"response_format|json_schema|json_object|json.?mode|schema|grammar|structured", re.IGNORECASE
)


_UNCLEAR = (AnswerError, RequestRejected)  # of a request; it may be its JSON format


class _FormatRejected(Exception):
    """The endpoint rejects a request with a JSON format. `named` when it says that it is that."""

    def __init__(self, fault: CompanionError, named: bool) -> None:
        super().__init__(fault)
        self.named = named


class Client:
    """Asks one endpoint, from any number of threads; close() it at the end.

    What it finds out about the endpoint (see Capabilities) it remembers as long as it lives, and
    shares with a client made with `capabilities_from`. `endpoint` may be a source that starts the
    endpoint on the first call, such as EmbeddedServer, and that close() leaves alone. For
    `cancelled` and `first_delay` see Attempts. `budget` counts and caps what the calls take; it
    too may be shared, and is left open.

    All questions raise EndpointError when the endpoint can serve nobody now, or a cap is reached
    (LimitReached, before anything is sent), AnswerError when there is no usable answer to this
    one, Cancelled when the user stops the work.
    """

    def __init__(
        self,
        endpoint: Endpoint | EndpointSource,
        cancelled: threading.Event | None = None,
        first_delay: float = 0.5,
        budget: Budget | None = None,
        capabilities_from: Client | None = None,
    ) -> None:
        source = FixedSource(endpoint) if isinstance(endpoint, Endpoint) else endpoint
        self.settings = source.settings
        self._calls = Attempts(source, cancelled or threading.Event(), first_delay)
        self._capabilities = Capabilities(self.settings.json)
        self._budget = budget
        if capabilities_from and capabilities_from.settings == self.settings:
            self._capabilities = capabilities_from._capabilities
        self._lock = threading.Lock()
        self._usage = Usage()

    @property
    def usage(self) -> Usage:
        """What all calls so far took, also those without a usable answer."""
        return self._usage

    @property
    def thinks(self) -> bool:
        """Whether the model was seen to think before it answers."""
        return self._capabilities.thinks

    def ask_text(
        self, messages: Sequence[Message], max_tokens: int, longest_copy: int | None = None
    ) -> Answer:
        """Return the model's answer as text, without a reasoning model's thoughts.

        longest_copy: see Question.
        """
        return self._ask(Question(messages, max_tokens, longest_copy=longest_copy))

    def ask_json(self, messages: Sequence[Message], schema: JsonSchema, max_tokens: int) -> Answer:
        """Return an answer whose data fits the JSON schema.

        Raises JsonUnsupported when the endpoint takes no JSON format: ask for text then.
        """
        named = not self._capabilities.modes
        for mode in self._capabilities.modes:
            question = Question(messages, max_tokens, schema, mode, told=mode == "object")
            try:
                answer = self._ask(question)
            except _FormatRejected as rejected:
                named = rejected.named
                continue
            self._capabilities.modes = (mode,)
            return answer
        if named:
            self._capabilities.modes = ()
        raise JsonUnsupported(
            f"The endpoint {self.settings.address} takes no JSON format for"
            f" {self.settings.model}; set json to text in the configuration"
        )

    def limit_calls(self, at_once: int) -> None:
        """Have at most so many calls under way at once; more threads may ask, and wait then."""
        self._calls.limit(at_once)

    def stop(self) -> None:
        """Make no further call: what would raises Stopped. Those under way are finished."""
        self._calls.stop()

    def close(self) -> None:
        """Break off the calls under way and close the connections."""
        self._calls.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, question: Question) -> Answer:
        """Return the answer; where it cannot be used, that of one more call.

        An answer cut off gets twice the tokens then, where it may have them, and room for thoughts;
        the embedded model only runs on, so that its text is the answer, with CUT at its end. One
        that is not JSON gets the schema in words.
        """
        usage = Usage()
        for _ in range(2):
            asked = question._replace(
                tokens=self._capabilities.output_limit(question, self.settings)
            )
            completion, endpoint = self._complete(asked)
            usage += completion.usage
            self._capabilities.thinks |= completion.thinks
            if completion.refusal or completion.finish == "content_filter":
                raise NoAnswer(refusal_error(endpoint, completion.refusal), usage)
            problem = _problem_of(completion, asked)
            if not problem:
                data = read_json(completion.text, asked.schema) if asked.schema else None
                return Answer(completion.text, data or {}, usage)
            if completion.finish == "length" and not endpoint.embedded:
                question = question._replace(tokens=question.tokens * 2)
                if self._capabilities.output_limit(question, self.settings) <= asked.tokens:
                    break  # the same call would end in the same way
            question = question._replace(told=True)
        raise _no_answer(completion, endpoint, problem, asked.tokens, usage)

    def _complete(self, question: Question) -> tuple[Completion, Endpoint]:
        """Return what the model answered, after learning what the endpoint does not take."""
        while True:
            dropped = self._capabilities.dropped
            reply, endpoint = self._calls.send(
                self._body_for(question), self._reserve_for(question)
            )
            if reply.status == 200:
                completion = self._read(reply, endpoint)
                runs_on = endpoint.embedded and completion.finish == "length" and completion.text
                if runs_on and not question.schema:
                    completion = completion._replace(text=completion.text + CUT, finish="stop")
                return completion, endpoint
            if self._capabilities.learn(reply, dropped):
                continue
            fault = error_for_reply(reply, endpoint)
            if question.schema and reply.status in REJECTED and type(fault) in _UNCLEAR:
                named = bool(_ABOUT_JSON.search(server_message(reply)))
                raise _FormatRejected(fault, named)
            raise fault

    def _read(self, reply: Reply, endpoint: Endpoint) -> Completion:
        if reply.is_web_page:
            raise web_page_error(endpoint)
        completion = read_completion(reply)
        with self._lock:
            self._usage += completion.usage
        return completion

    def _reserve_for(self, question: Question) -> Callable[[], Reservation]:
        """Return what reserves the tokens that one call may take."""
        budget = self._budget
        if budget is None:
            return Reservation
        read = question.estimate_tokens()
        return lambda: budget.reserve(read, question.tokens, patient=True)

    def _body_for(self, question: Question) -> Callable[[Endpoint], dict[str, Any]]:
        return lambda endpoint: self._capabilities.body_for(question, endpoint)


def _no_answer(
    completion: Completion, endpoint: Endpoint, problem: str, tokens: int, usage: Usage
) -> NoAnswer:
    """Return the error for a completion that cannot be used; tokens: that it could have."""
    if completion.problem:
        return NoCompletion(unusable_answer_error(endpoint, problem), usage, "no completion")
    if completion.finish == "length" and completion.thinks and not completion.text:
        return ThoughtsOnly(only_thoughts_error(endpoint, tokens), usage, "only thoughts")
    fault = "cut off" if completion.finish == "length" else problem
    return NoAnswer(unusable_answer_error(endpoint, problem), usage, fault)


def _problem_of(completion: Completion, question: Question) -> str:
    """Return what makes the completion unusable; empty when nothing does."""
    if completion.problem:
        return completion.problem
    if question.schema and read_json(completion.text, question.schema) is not None:
        return ""
    if completion.finish == "length":
        return f"was cut off after {question.tokens} tokens"
    if not completion.text:
        return "is empty"
    return "is not the JSON that was asked for" if question.schema else ""
