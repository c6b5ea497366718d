"""One question in, an answer out: text, or JSON that fits a schema."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from typing import Any

from companion.errors import AnswerError, CompanionError
from companion.llm.answer import (
    CUT,
    Answer,
    Completion,
    NoAnswer,
    NoCompletion,
    Schema,
    Usage,
    read_completion,
    read_json,
)
from companion.llm.calls import Calls, EndpointSource, FixedSource
from companion.llm.endpoint import Endpoint
from companion.llm.faults import (
    JsonUnsupported,
    Reply,
    fault_of,
    refused,
    unusable,
    web_page,
    what_was_said,
)
from companion.llm.question import Message, Question
from companion.llm.reservation import Reservation
from companion.llm.spending import Spending

_ABOUT_JSON = re.compile(
    r"response_format|json_schema|json_object|json.?mode|schema|grammar|structured", re.IGNORECASE
)
_NOT_TAKEN = re.compile(
    r"support|instead|unexpected|unrecogni|unknown|not (allowed|permitted)|only the default",
    re.IGNORECASE,
)
_REJECTED = (400, 415, 422, 501)


class _FormatRejected(Exception):
    """The endpoint rejects a request with a JSON format. `named` when it says that it is that."""

    def __init__(self, fault: CompanionError, named: bool) -> None:
        super().__init__(fault)
        self.named = named


class Client:
    """Asks one endpoint, from any number of threads; close() it at the end.

    What it learns about the endpoint (no JSON schema, no temperature, another name for
    max_tokens) it remembers as long as it lives, and a client made with `learned_from` starts
    with it. `endpoint` may be a source that starts the endpoint on the first call, such as
    EmbeddedServer, and that close() leaves alone. For `cancelled` and `first_delay` see Calls.
    `spending` counts and caps what the calls take; it too may be shared, and is left open.

    All questions raise EndpointError when the endpoint can serve nobody now, or a cap is reached
    (LimitReached, before anything is sent), AnswerError when there is no usable answer to this
    one, Cancelled when the user stops the work.
    """

    def __init__(
        self,
        endpoint: Endpoint | EndpointSource,
        cancelled: threading.Event | None = None,
        first_delay: float = 0.5,
        spending: Spending | None = None,
        learned_from: Client | None = None,
    ) -> None:
        source = FixedSource(endpoint) if isinstance(endpoint, Endpoint) else endpoint
        self.settings = source.settings
        self._calls = Calls(source, cancelled or threading.Event(), first_delay)
        self._modes = _modes(self.settings.json)
        self._dropped: set[str] = set()
        self._spending = spending
        if learned_from and learned_from.settings == self.settings:
            self._modes, self._dropped = learned_from._modes, learned_from._dropped
        self._lock = threading.Lock()
        self._usage = Usage()

    @property
    def usage(self) -> Usage:
        """What all calls so far took, also those without a usable answer."""
        return self._usage

    def ask_text(
        self, messages: Sequence[Message], max_tokens: int, longest_copy: int | None = None
    ) -> Answer:
        """Return the model's answer as text, without a reasoning model's thoughts.

        longest_copy: see Question.
        """
        return self._ask(Question(messages, max_tokens, longest_copy=longest_copy))

    def ask_json(self, messages: Sequence[Message], schema: Schema, max_tokens: int) -> Answer:
        """Return an answer whose data fits the JSON schema.

        Raises JsonUnsupported when the endpoint takes no JSON format: ask for text then.
        """
        named = not self._modes
        for mode in self._modes:
            question = Question(messages, max_tokens, schema, mode, told=mode == "object")
            try:
                answer = self._ask(question)
            except _FormatRejected as rejected:
                named = rejected.named
                continue
            self._modes = (mode,)
            return answer
        if named:
            self._modes = ()
        raise JsonUnsupported(
            f"The endpoint {self.settings.address} takes no JSON format for"
            f" {self.settings.model}; set json to text in the configuration"
        )

    def limit_calls(self, at_once: int) -> None:
        """Have at most so many calls under way at once; more threads may ask, and wait then."""
        self._calls.limit(at_once)

    def close(self) -> None:
        """Break off the calls under way and close the connections."""
        self._calls.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, question: Question) -> Answer:
        """Return the answer; where it cannot be used, that of one more call.

        An answer cut off gets twice the tokens then; the embedded model does not think first and
        only runs on, so that its text is the answer, with CUT at its end. One that is not JSON
        gets the schema in words.
        """
        usage = Usage()
        for _ in range(2):
            completion, endpoint = self._complete(question)
            usage += completion.usage
            if completion.refusal or completion.finish == "content_filter":
                raise NoAnswer(refused(endpoint, completion.refusal), usage)
            problem = _problem_of(completion, question)
            if not problem:
                data = read_json(completion.text, question.schema) if question.schema else None
                return Answer(completion.text, data or {}, usage)
            thinks = completion.finish == "length" and not endpoint.embedded
            more = 2 if thinks else 1
            question = question._replace(tokens=question.tokens * more, told=True)
        kind = NoCompletion if completion.problem else NoAnswer
        raise kind(unusable(endpoint, problem), usage)

    def _complete(self, question: Question) -> tuple[Completion, Endpoint]:
        """Return what the model answered, after learning what the endpoint does not take."""
        while True:
            reply, endpoint = self._calls.send(
                self._body_for(question), self._reserve_for(question)
            )
            if reply.status == 200:
                completion = self._read(reply, endpoint)
                runs_on = endpoint.embedded and completion.finish == "length" and completion.text
                if runs_on and not question.schema:
                    completion = completion._replace(text=completion.text + CUT, finish="stop")
                return completion, endpoint
            if self._learn(reply):
                continue
            fault = fault_of(reply, endpoint)
            if question.schema and reply.status in _REJECTED and type(fault) is AnswerError:
                named = bool(_ABOUT_JSON.search(what_was_said(reply)))
                raise _FormatRejected(fault, named)
            raise fault

    def _read(self, reply: Reply, endpoint: Endpoint) -> Completion:
        if reply.is_web_page:
            raise web_page(endpoint)
        completion = read_completion(reply)
        with self._lock:
            self._usage += completion.usage
        return completion

    def _learn(self, reply: Reply) -> bool:
        """Return whether the reply names a parameter to leave out, which it is from now on.

        OpenAI's reasoning models take no temperature, and max_completion_tokens for max_tokens.
        """
        said = what_was_said(reply).lower()
        if reply.status not in _REJECTED or not _NOT_TAKEN.search(said):
            return False
        for name in ("max_tokens", "temperature"):
            if re.search(rf"\b{name}\b", said) and name not in self._dropped:
                self._dropped = self._dropped | {name}
                return True
        return False

    def _reserve_for(self, question: Question) -> Callable[[], Reservation]:
        """Return what reserves the tokens that one call may take."""
        spending = self._spending
        if spending is None:
            return Reservation
        read = question.estimate_tokens()
        return lambda: spending.reserve(read, question.tokens, patient=True)

    def _body_for(self, question: Question) -> Callable[[Endpoint], dict[str, Any]]:
        def body(endpoint: Endpoint) -> dict[str, Any]:
            dropped = self._dropped
            name = "max_completion_tokens" if "max_tokens" in dropped else "max_tokens"
            made = {"model": endpoint.model, **question.parts(), name: question.tokens}
            if endpoint.temperature is not None and "temperature" not in dropped:
                made["temperature"] = endpoint.temperature
            if endpoint.embedded:
                made |= question.sampling()
            return made

        return body


def _modes(json_mode: str) -> tuple[str, ...]:
    """Return the JSON formats to try, best first; none for plain text."""
    tried = {"auto": ("schema", "object"), "text": ()}
    return tried.get(json_mode, (json_mode,))


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
