"""What can be wrong with an endpoint or its answer: an error a fact, and the sentence for it.

The sentences name the base URL and the model, never the key, which is also taken out of
whatever the server says.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from companion.errors import AnswerError, CompanionError, EndpointError
from companion.llm.endpoint import Endpoint

_QUOTA = re.compile(r"insufficient_quota|quota|billing|credit|balance", re.IGNORECASE)
_NO_MODEL = re.compile(r"model_not_found|model\b.{0,80}(not found|does not exist)", re.IGNORECASE)
_TOO_LONG = re.compile(
    r"context_length_exceeded|exceed_context_size|context (length|size|window)|too many tokens",
    re.IGNORECASE,
)
_FILTERED = re.compile(r"content_filter|content_policy", re.IGNORECASE)
_SAID_LIMIT = 200  # characters of a server's own words that are shown


class EndpointDown(EndpointError):
    """The endpoint does not answer, or only with errors of its own."""


class Unauthorised(EndpointError):
    """The endpoint does not accept the key."""


class OutOfQuota(EndpointError):
    """The account at the endpoint is out of quota or credit."""


class RateLimited(EndpointError):
    """The endpoint takes no more calls for now. `retry_after` is in seconds, None if not said."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ModelMissing(EndpointError):
    """The endpoint has no such model."""


class NotAnEndpoint(EndpointError):
    """Something answers at the base URL, but not an OpenAI-compatible API."""


class ModelUnfit(EndpointError):
    """The model gave note after note nothing that can be used, for the same reason."""


class PromptTooLong(AnswerError):
    """The prompt and its answer are longer than the model's context."""


class RequestRejected(AnswerError):
    """The endpoint does not take the request, for a reason that it does not tell apart."""


class JsonUnsupported(CompanionError):
    """The endpoint takes neither a JSON schema nor JSON objects: ask for plain text."""


class CallFailed(Exception):
    """No answer came: `reason` says why, `slow` that time ran out. For the retries only.

    sent: the call may have reached the endpoint, which may bill it then.
    """

    def __init__(self, reason: str, *, slow: bool = False, sent: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason
        self.slow = slow
        self.sent = sent


class Cancelled(CompanionError):
    """The user stopped the work; the call was given up."""


class Stopped(Cancelled):
    """The call was not made, for another one met a fault that all share."""


class Reply(NamedTuple):
    """What the server sent: the HTTP status, its headers in lower case, the body's bytes."""

    status: int
    headers: dict[str, str]
    body: bytes

    def parse(self) -> Any:
        """Return the JSON value of the body, None where it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    @property
    def is_web_page(self) -> bool:
        """Whether the body is HTML."""
        kind = self.headers.get("content-type", "")
        return "html" in kind.lower() or self.body[:200].lstrip()[:1] == b"<"


def server_message(reply: Reply) -> str:
    """Return the server's own words about an error, with its codes, on one line."""
    data = reply.parse()
    if data is None:
        return "" if reply.is_web_page else _one_line(reply.body[:2000].decode("utf-8", "replace"))
    error = data.get("error", data) if isinstance(data, dict) else data
    if isinstance(error, dict):
        words = [error.get(key) for key in ("message", "detail", "code", "type", "param")]
        return _one_line(" ".join(word for word in words if isinstance(word, str)))
    return _one_line(error if isinstance(error, str) else json.dumps(error)[:2000])


def scrub(text: str, endpoint: Endpoint) -> str:
    """Return text with the endpoint's secrets, and what looks like part of a key, left out."""
    for secret in endpoint.secrets:
        text = text.replace(secret, "[hidden]")
    return re.sub(r"\b(sk|key|gsk|xai|pk)-[\w*-]{4,}[\w*.-]*", "[hidden]", text)


def error_for_reply(reply: Reply, endpoint: Endpoint) -> CompanionError:
    """Return the error for a reply whose status is not 200."""
    said = server_message(reply)
    where, model = endpoint.address, endpoint.model
    tail = _quoted(said, endpoint)
    status = reply.status
    if status in (401, 403):
        return Unauthorised(
            f"The endpoint {where} does not accept the key for {model} (error {status});"
            f" set COMPANION_API_KEY or api_key in the configuration to a valid one{tail}"
        )
    if status == 402 or (status == 429 and _QUOTA.search(said)):
        return OutOfQuota(
            f"The account at {where} has no quota left for {model}; add credit there,"
            f" or choose another endpoint{tail}"
        )
    if status == 429:
        return RateLimited(
            f"The endpoint {where} takes no more calls to {model} for now (error 429);"
            f" wait, or lower the number of notes side by side{tail}"
        )
    if status == 404 or (status == 400 and _NO_MODEL.search(said)):
        return ModelMissing(
            f"The endpoint {where} has no model {model}, or the address is wrong (error {status});"
            f" correct model or base_url (it usually ends in /v1){tail}"
        )
    return _other_fault(reply, endpoint, said)


def _other_fault(reply: Reply, endpoint: Endpoint, said: str) -> CompanionError:
    where, model, status = endpoint.address, endpoint.model, reply.status
    tail = _quoted(said, endpoint)
    if 300 <= status < 400 or status == 405:
        return NotAnEndpoint(
            f"The address {where} is not an OpenAI-compatible API (answer {status});"
            " correct base_url (it usually ends in /v1)"
        )
    if status >= 500 or status in (408, 409):
        return EndpointDown(
            f"The endpoint {where} keeps answering with error {status} for {model};"
            f" try again later, or look at the server's log{tail}"
        )
    if _TOO_LONG.search(said) or status == 413:
        return PromptTooLong(
            f"The note, with what is asked about it, is too long for {model} at {where}; set"
            " context_tokens to what the model takes, shorten the note, or choose a model with a"
            f" larger context{tail}"
        )
    if _FILTERED.search(said):
        return refusal_error(endpoint, said)
    return RequestRejected(
        f"The endpoint {where} rejects the request to {model} (error {status});"
        f" check the endpoint's settings{tail}"
    )


def unreachable_error(endpoint: Endpoint, reason: str) -> EndpointDown:
    """Return the error for an endpoint to which no call gets through."""
    if endpoint.embedded:
        return EndpointDown(
            f"The embedded model {endpoint.model} stopped in the middle of a call, again and again;"
            " see that there is enough free memory, or choose a smaller model"
        )
    return EndpointDown(
        f"The endpoint {endpoint.address} ({endpoint.model}) cannot be reached"
        f" ({_one_line(scrub(reason, endpoint))}); start its server, check the network, or"
        " correct base_url"
    )


def timeout_error(endpoint: Endpoint) -> EndpointDown:
    """Return the error for an endpoint that did not answer in time."""
    return EndpointDown(
        f"The endpoint {endpoint.address} ({endpoint.model}) did not finish its answer within"
        f" {endpoint.timeout:g} seconds; raise timeout in the configuration, or try again later"
    )


def web_page_error(endpoint: Endpoint) -> NotAnEndpoint:
    """Return the error for a web page in place of an answer."""
    return NotAnEndpoint(
        f"The address {endpoint.address} answers with a web page, not as an OpenAI-compatible"
        f" API for {endpoint.model}; correct base_url (it usually ends in /v1)"
    )


def refusal_error(endpoint: Endpoint, said: str) -> AnswerError:
    """Return the error for a model that will not answer."""
    return AnswerError(
        f"The model {endpoint.model} refuses to answer for this note; write the text yourself,"
        f" or choose another model{_quoted(said, endpoint)}"
    )


def unusable_answer_error(endpoint: Endpoint, what: str) -> AnswerError:
    """Return the error for an answer that cannot be used; `what` says what it is."""
    return AnswerError(
        f"The answer of {endpoint.model} at {endpoint.address} {what}; try again,"
        " or choose another model"
    )


def only_thoughts_error(endpoint: Endpoint, tokens: int) -> AnswerError:
    """Return the error for a model that thought for all the tokens that it may write."""
    return AnswerError(
        f"The model {endpoint.model} at {endpoint.address} was still thinking when its {tokens:,}"
        ' tokens were used up; set reasoning_effort = "none" or max_output_tokens to a larger'
        " number under [endpoint] in the configuration, or choose a model that does not think"
    )


def _quoted(said: str, endpoint: Endpoint) -> str:
    said = scrub(said, endpoint)
    if not said:
        return ""
    return f" (it says: {said[:_SAID_LIMIT]}{'…' if len(said) > _SAID_LIMIT else ''})"


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
