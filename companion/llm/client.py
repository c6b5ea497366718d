"""The client of an endpoint: a question in, an answer out, as text or JSON that fits a schema."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable
from functools import partial

from companion.errors import CompanionError
from companion.llm.attempts import EndpointSource, Sender
from companion.llm.budget import Budget
from companion.llm.endpoint import Endpoint
from companion.llm.endpoint_errors import (
    JsonUnsupported,
    RequestRejected,
    error_for_reply,
    hide_secrets,
    only_thoughts_error,
    refusal_error,
    server_message,
    unusable_answer_error,
    web_page_error,
)
from companion.llm.request import REJECTED, Capabilities, Question
from companion.llm.response import (
    CUT,
    Answer,
    Completion,
    JsonSchema,
    NoAnswer,
    NoCompletion,
    Reply,
    ThoughtsOnly,
    Usage,
    read_json,
)

_JSON_FORMAT = re.compile(
    r"response_format|json_schema|json_object|json.?mode|schema|grammar|structured", re.IGNORECASE
)
_USUAL = {  # parameters that the user sets, and what happens without them
    "service_tier": "at the usual price",
    "reasoning_effort": "and thinks as much as it usually does",
}
Check = Callable[[], None]
"""Called right before a call goes out; raises the reason not to make it."""

_log = logging.getLogger(__name__)


class _FormatRejected(Exception):
    """The endpoint rejects a request with a JSON format. named: its message names the format."""

    def __init__(self, error: CompanionError, named: bool) -> None:
        super().__init__(error)
        self.named = named


class Client(Sender):
    """Asks one endpoint, from any number of threads; close() it at the end.

    It remembers what it learns about the endpoint (see Capabilities) as long as it lives, and
    shares it with a client made with `capabilities_from`. `endpoint` may be a source that starts
    the endpoint on the first call, such as EmbeddedServer, and that close() leaves alone. For
    `cancelled`, `can_wait` and `retries` see Sender. `budget` counts and caps what the calls
    use; it may be shared, too, and is left open.

    All questions raise EndpointError when the endpoint is not available, or a cap is reached
    (LimitReached, before anything is sent), AnswerError when there is no usable answer to this one,
    Cancelled when the user stops the work.
    """

    def __init__(
        self,
        endpoint: EndpointSource,
        cancelled: threading.Event | None = None,
        budget: Budget | None = None,
        capabilities_from: Client | None = None,
        *,
        can_wait: bool = False,
    ) -> None:
        stopped = cancelled or threading.Event()
        super().__init__(endpoint, stopped, budget=budget, can_wait=can_wait)
        self._capabilities: tuple[object, Capabilities] | None = None
        if capabilities_from:
            self._capabilities = capabilities_from.identify(), capabilities_from.capabilities
        self.usage = Usage()  # of all calls so far, also of those without a usable answer

    @property
    def capabilities(self) -> Capabilities:
        """What is known about the endpoint; nothing yet if the endpoint has changed."""
        endpoint = self.identify()
        with self._lock:  # calls at once share what they learn
            latest = self._capabilities
            if latest is None or latest[0] != endpoint:
                self._capabilities = latest = endpoint, Capabilities(self.settings.json_mode)
        return latest[1]

    def identify(self) -> object:
        """Return a key for the endpoint, by which its capabilities are remembered."""
        settings = self.settings
        return settings.base_url, settings.model, settings.json_mode

    @property
    def thinks(self) -> bool:
        """Whether the model has thought before an answer so far."""
        return self.capabilities.thinks

    def ask(self, question: Question, check: Check | None = None) -> Answer:
        """Return the model's answer, whose data fits the question's schema, if it has one.

        Its mode is the endpoint's. check: see Sender.send.

        Raises JsonUnsupported when the endpoint supports no JSON format: ask for text then.
        """
        if question.schema is None:
            return self._ask(question, check)
        named = not self.capabilities.modes
        for mode in self.capabilities.modes:
            try:
                question = question._replace(mode=mode, schema_in_prompt=mode == "object")
                answer = self._ask(question, check)
            except _FormatRejected as rejected:
                named = rejected.named
                continue
            self.capabilities.modes = (mode,)
            return answer
        if named:
            self.capabilities.modes = ()
        raise JsonUnsupported(
            f"The endpoint {self.settings.address} takes no JSON format for"
            f' {self.settings.model}; set json_mode = "text" under [endpoint]'
        )

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, question: Question, check: Check | None) -> Answer:
        """Return the answer; if it is unusable, the answer of one more call.

        If an answer was cut off, the second call has twice the tokens, where that is allowed; if it
        was not JSON, the schema in its prompt. The embedded model just goes on and on, so its text
        is the answer, with CUT at its end.
        """
        usage = Usage()
        for is_last in (False, True):
            completion, endpoint, limit = self._complete(question, check)
            usage += completion.usage
            self.capabilities.thinks |= completion.thinks
            try:
                completion = completion._replace(usage=usage)
                return make_answer(completion, question.schema, endpoint, limit)
            except NoAnswer as error:
                if is_last or not error.fault:
                    raise
                if completion.finish == "length" and not endpoint.embedded:
                    question = question._replace(max_tokens=question.max_tokens * 2)
                    if self.capabilities.output_limit(question, self.settings) <= limit:
                        raise  # the same call would end in the same way
            question = question._replace(schema_in_prompt=True)
        raise AssertionError("unreachable")

    def _complete(
        self, question: Question, check: Check | None
    ) -> tuple[Completion, Endpoint, int]:
        """Return the completion, its usage counted, without parameters that the endpoint rejects.

        The number is how many tokens it could have.

        Raises _FormatRejected if what it rejects may be the JSON format.
        """
        while True:
            capabilities, dropped = self.capabilities, self.capabilities.dropped
            limit = capabilities.output_limit(question, self.settings)
            reply, completion, endpoint = self.send(
                partial(capabilities.body_for, question._replace(max_tokens=limit)),
                question.estimate_tokens(),
                limit,
                check,
            )
            if reply.status == 200:
                if reply.is_web_page:
                    raise web_page_error(endpoint)
                with self._lock:
                    self.usage += completion.usage
                runs_on = endpoint.embedded and completion.finish == "length" and completion.text
                if runs_on and not question.schema:
                    text = completion.text + CUT
                    completion = completion._replace(text=text, finish="stop")
                return completion, endpoint, limit
            with self._lock:
                before = capabilities.dropped  # by concurrent calls, too
                name = capabilities.drop_parameter(reply, dropped, endpoint)
            if name:
                if name in _USUAL and name not in before:
                    _warn_of_missing(name, reply, endpoint)
                continue
            error = error_for_reply(reply, endpoint)
            if question.schema and reply.status in REJECTED and type(error) is RequestRejected:
                named = bool(_JSON_FORMAT.search(server_message(reply)))
                raise _FormatRejected(error, named)
            raise error


def _warn_of_missing(name: str, reply: Reply, endpoint: Endpoint) -> None:
    """Log that the endpoint does not take a parameter that the user set. reply: that says so."""
    _log.warning(
        "The endpoint %s does not take the %s %s for %s (it says: %s); it is asked without it, %s",
        endpoint.address,
        name.replace("_", " "),
        getattr(endpoint, name),
        endpoint.model,
        hide_secrets(server_message(reply), endpoint)[:200],
        _USUAL[name],
    )


def make_answer(
    completion: Completion, schema: JsonSchema | None, endpoint: Endpoint, limit: int
) -> Answer:
    """Return the answer in the completion. limit: the most tokens it could have.

    Raises NoAnswer.
    """
    text, usage = completion.text, completion.usage
    if schema and not text and completion.finish == "stop" and completion.thoughts[:1] == "{":
        text = completion.thoughts  # as vLLM has it: github.com/vllm-project/vllm/issues/30139
    if completion.refusal or completion.finish == "content_filter":
        raise NoAnswer(refusal_error(endpoint, completion.refusal), usage)
    if completion.problem:
        error = unusable_answer_error(endpoint, completion.problem)
        raise NoCompletion(error, usage, "no completion")
    if schema and (data := read_json(text, schema)) is not None:
        return Answer(text, data, usage)
    if completion.finish == "length":
        if completion.thinks and not text:
            raise ThoughtsOnly(only_thoughts_error(endpoint, limit), usage, "only thoughts")
        error = unusable_answer_error(endpoint, f"was cut off after {limit} tokens")
        raise NoAnswer(error, usage, "cut off")
    if schema or not text:
        problem = "is not the JSON that was asked for" if text else "is empty"
        raise NoAnswer(unusable_answer_error(endpoint, problem), usage, problem)
    return Answer(text, {}, usage)
