"""Errors of an endpoint or its answer, and the message for each.

Messages name the base URL and the model, never the key, which is also removed from what they
quote of the server's own message.
"""

from __future__ import annotations

import json
import re
import time

from companion.errors import AnswerError, CompanionError, EndpointError
from companion.llm.endpoint import Endpoint
from companion.llm.response import Reply

# In the words of OpenAI, Google, Moonshot, Anthropic, SiliconFlow, OpenRouter, xAI and LiteLLM.
_NO_CREDIT = re.compile(
    r"insufficient.(quota|balance|credit|fund)|exceeded.(your.)?current.quota"
    r"|credit (balance|limit)|billing_not_active|billing details|account balance is"
    r"|(add|have|purchase) (\d+|any|more) credits?\b|out of credits|used all available credits"
    r"|budget.{0,20}exceeded|exceeded.{0,20}budget",
    re.IGNORECASE,
)
_KEY_LIMIT = re.compile(r"\bkey limit (exceeded|reached)", re.IGNORECASE)  # OpenRouter's
_DAY_QUOTA = re.compile(rb"quotaId\W+\w*PerDay")  # Google's, in the details of its error
_INVALID_KEY = re.compile(
    r"api.?key.{0,10}(not (valid|found)|invalid|expired)|(invalid|incorrect) api.?key",
    re.IGNORECASE,
)
_MODEL_MISSING = re.compile(
    r"model_not_(found|supported)|model\b.{0,80}(not found|not exist)|not a valid model"
    r"|invalid.model|unexpected model name|no models? (is )?loaded|failed to load model",
    re.IGNORECASE,
)
_WRONG_ADDRESS = re.compile("unexpected endpoint|invalid host", re.IGNORECASE)  # LM Studio, Jan
_PROMPT_TOO_LONG = re.compile(
    r"context_length_exceeded|exceed_context_size|context (length|size|window)|too many tokens",
    re.IGNORECASE,
)
_FILTERED = re.compile(
    r"content_(filter|policy)|content management policy|ContentPolicyViolation|\bflagged\b",
    re.IGNORECASE,
)
_LOADING = re.compile(r"\bloading\b.{0,20}model|model\b.{0,40}\bloading", re.IGNORECASE)
LIMIT_STATUSES = (429, 498)  # the second is Groq's for a full service tier
CORRECT_ADDRESS = "correct base_url"  # what to do in messages; init has other words for it
_SHORT_WAIT = 60.0  # seconds; for a longer one the message says when it ends
_YEAR = 366 * 86_400.0  # seconds; a server may say anything
_QUOTED_CHARACTERS = 200  # at most, of a server's own message


class EndpointDown(EndpointError):
    """The endpoint does not answer, or only with server errors."""


class Unauthorised(EndpointError):
    """The endpoint does not accept the key."""

    kind = "unauthorised"
    lasts = True


class OutOfQuota(EndpointError):
    """The account at the endpoint is out of quota or credit."""

    kind = "out-of-quota"
    lasts = True


class RateLimited(EndpointError):
    """The endpoint takes no more calls for now. `retry_after`: seconds, None where unknown."""

    kind = "rate-limited"

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ModelMissing(EndpointError):
    """The endpoint has no such model."""

    kind = "model-missing"
    lasts = True


class NotAnEndpoint(EndpointError):
    """Something answers at the base URL, but not an OpenAI-compatible API."""

    kind = "not-an-endpoint"
    lasts = True


class ModelUnfit(EndpointError):
    """The model's answers were unusable for note after note, for the same reason."""

    kind = "model-unfit"
    lasts = True


class PromptTooLong(AnswerError):
    """The prompt and its answer do not fit the model's context."""


class RequestRejected(AnswerError):
    """The endpoint rejects the request, for a reason that is none of the others here."""


class JsonUnsupported(CompanionError):
    """The endpoint takes neither a JSON schema nor JSON objects: ask for plain text."""


class CallFailed(Exception):
    """No reply came. Raised by Transport, whose users turn it into an EndpointError.

    reason: what the connection failed with. slow: it timed out. sent: the request may have
    reached the endpoint, which may then bill it.
    """

    def __init__(self, reason: str, *, slow: bool = False, sent: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason
        self.slow = slow
        self.sent = sent

    def to_error(self, endpoint: Endpoint) -> EndpointDown:
        """Return the error that this means for the endpoint."""
        where = f"The endpoint {endpoint.address} ({endpoint.model})"
        if self.slow:
            return EndpointDown(
                f"{where} did not finish its answer within {endpoint.timeout:g} seconds; raise"
                " timeout in the configuration, or try again later"
            )
        if endpoint.embedded:
            return EndpointDown(
                f"The embedded model {endpoint.model} stopped in the middle of a call, again and"
                " again; see that there is enough free memory, or choose a smaller model"
            )
        reason = _one_line(hide_secrets(self.reason, endpoint))
        if "CERTIFICATE_VERIFY_FAILED" in reason:
            return EndpointDown(
                f"{where} has a certificate that this machine does not trust ({reason}); name the"
                f" file of one to trust in SSL_CERT_FILE, or {CORRECT_ADDRESS}"
            )
        return EndpointDown(
            f"{where} cannot be reached ({reason}); start its server, check the network, or"
            f" {CORRECT_ADDRESS}"
        )


class ErrorReply(Exception):
    """The endpoint answers with an error status. path: that was asked."""

    def __init__(self, reply: Reply, path: str) -> None:
        super().__init__(reply.status)
        self.reply = reply
        self.path = path


class Cancelled(CompanionError):
    """The user stopped the work; the call was abandoned."""


class Stopped(Cancelled):
    """The call was not made: another call met a fault that all calls share."""


def server_message(reply: Reply) -> str:
    """Return the message and codes of an error reply, on one line; empty for a web page."""
    data = reply.parse()
    if data is None:
        return "" if reply.is_web_page else _one_line(reply.body[:2000].decode("utf-8", "replace"))
    if isinstance(data, list) and data:  # Google
        data = data[0]
    error = data.get("error", data) if isinstance(data, dict) else data
    if isinstance(error, dict):
        words = [error.get(key) for key in ("message", "detail", "code", "type", "param")]
        if isinstance(upstream := error.get("metadata"), dict):  # OpenRouter
            words.insert(1, upstream.get("raw"))
        texts = (json.dumps(each) if isinstance(each, (dict, list)) else each for each in words)
        return _one_line(" ".join(text for text in texts if isinstance(text, str)))
    return _one_line(error if isinstance(error, str) else json.dumps(error)[:2000])


def hide_secrets(text: str, endpoint: Endpoint) -> str:
    """Return text with the endpoint's secrets, and all that looks like a key, as `[hidden]`."""
    for secret in endpoint.secrets:
        text = text.replace(secret, "[hidden]")
    return re.sub(r"\b(sk|key|gsk|xai|pk)-[\w*-]{4,}[\w*.-]*", "[hidden]", text)


def error_for_reply(reply: Reply, endpoint: Endpoint) -> CompanionError:
    """Return the error for a reply whose status is not 200."""
    message = server_message(reply)
    quote = _quote(message, endpoint)
    where, model, status = endpoint.address, endpoint.model, reply.status
    if status in (403, 404) and reply.is_web_page:
        return web_page_error(endpoint, f" (error {status})")
    if status in (402, 403) and _KEY_LIMIT.search(message):
        return OutOfQuota(
            f"The key for {where} has used up the limit that was set for it there; raise that"
            f" limit, or use another key for {model}{quote}"
        )
    if _is_about_credit(reply, message):
        return OutOfQuota(
            f"The account at {where} has no quota left for {model}; add credit there,"
            f" or choose another endpoint{quote}"
        )
    if status in (400, 403) and _FILTERED.search(message):
        return refusal_error(endpoint, message)
    if status in LIMIT_STATUSES:
        return RateLimited(
            f"The endpoint {where} takes no more calls to {model} {_describe_wait(reply)}"
            f" (error {status}); wait, or set requests_a_minute or a lower concurrency under"
            f" [endpoint]{quote}"
        )
    if status == 404 or (status in (400, 403) and _MODEL_MISSING.search(message)):
        return ModelMissing(
            f"The endpoint {where} has no model {model}, or the address is wrong (error {status});"
            f" choose another model, or {CORRECT_ADDRESS} (it usually ends in /v1){quote}"
        )
    if _WRONG_ADDRESS.search(message) or status < 400 or status == 405:
        quote = _quote(message or reply.headers.get("location", ""), endpoint)
        return NotAnEndpoint(
            f"The address {where} is not an OpenAI-compatible API (answer {status});"
            f" {CORRECT_ADDRESS} (it usually ends in /v1){quote}"
        )
    if status in (401, 403) or (status == 400 and _INVALID_KEY.search(message)):
        return _unauthorised(endpoint, status, quote)
    return _error_of_request(reply, message, endpoint)


def _unauthorised(endpoint: Endpoint, status: int, quote: str) -> Unauthorised:
    fault = "does not accept the key for" if endpoint.key else "wants a key for"
    what_to_do = "set"
    if endpoint.key and status == 403:  # as xAI says of a key or a team without permission
        fault, what_to_do = "does not let the key use", "give the key permission there, or set"
    return Unauthorised(
        f"The endpoint {endpoint.address} {fault} {endpoint.model} (error {status}); {what_to_do}"
        f" COMPANION_API_KEY or api_key in the configuration to a valid one{quote}"
    )


def _is_about_credit(reply: Reply, message: str) -> bool:
    """Return whether the account has no credit left, as opposed to none for the next minutes.

    Google says "quota" of both, and to wait for some seconds even when the day's is used up.
    """
    if reply.status == 402 or "insufficient_quota" in message or _DAY_QUOTA.search(reply.body):
        return True
    is_short = reply.status == 429 and reply.retry_after > 0
    return reply.status in (400, 403, 429) and not is_short and bool(_NO_CREDIT.search(message))


def is_loading(reply: Reply) -> bool:
    """Return whether a server on start says that it is still loading the model."""
    return reply.status == 503 and bool(_LOADING.search(server_message(reply)))


def _describe_wait(reply: Reply, so_long: str = "until", unknown: str = "for now") -> str:
    """Return in words how long the endpoint takes no calls: until when, if it says so."""
    if (seconds := reply.retry_after) < _SHORT_WAIT:
        return unknown
    until = time.localtime(time.time() + min(seconds, _YEAR))
    return time.strftime(f"{so_long} %Y-%m-%d %H:%M", until)


def _error_of_request(reply: Reply, message: str, endpoint: Endpoint) -> CompanionError:
    """Return the error for a status that is not about the account or the model's name."""
    where, model, status = endpoint.address, endpoint.model, reply.status
    quote = _quote(message, endpoint)
    if status >= 500 or status in (408, 409):
        return EndpointDown(
            f"The endpoint {where} keeps answering with error {status} for {model};"
            f" try again {_describe_wait(reply, 'after', 'later')}, or look at the server's log"
            f"{quote}"
        )
    if _PROMPT_TOO_LONG.search(message) or status == 413:
        return PromptTooLong(
            f"The note, with what is asked about it, is too long for {model} at {where}; set"
            " context_tokens to what the model takes, shorten the note, or choose a model with a"
            f" larger context{quote}"
        )
    return RequestRejected(
        f"The endpoint {where} rejects the request to {model} (error {status});"
        f" check the endpoint's settings{quote}"
    )


def web_page_error(endpoint: Endpoint, status: str = "") -> NotAnEndpoint:
    """Return the error for a web page in place of an answer. status: of an error, in brackets."""
    return NotAnEndpoint(
        f"The address {endpoint.address} answers with a web page{status}, not as an"
        f" OpenAI-compatible API for {endpoint.model}; {CORRECT_ADDRESS} (it usually ends in"
        " /v1), or see whether a proxy or firewall is in the way"
    )


def refusal_error(endpoint: Endpoint, message: str) -> AnswerError:
    """Return the error for a model that refuses to answer, with its message."""
    return AnswerError(
        f"The model {endpoint.model} refuses to answer for this note; write the text yourself,"
        f" or choose another model{_quote(message, endpoint)}"
    )


def unusable_answer_error(endpoint: Endpoint, problem: str) -> AnswerError:
    """Return the error for an unusable answer. problem: a verb phrase, as "is empty"."""
    return AnswerError(
        f"The answer of {endpoint.model} at {endpoint.address} {problem}; try again,"
        " or choose another model"
    )


def only_thoughts_error(endpoint: Endpoint, tokens: int) -> AnswerError:
    """Return the error for a model that spent all its output tokens on thinking."""
    return AnswerError(
        f"The model {endpoint.model} at {endpoint.address} was still thinking when its {tokens:,}"
        ' tokens were used up; set reasoning_effort = "none" under [endpoint] in the'
        " configuration, or choose a model that does not think"
    )


def _quote(message: str, endpoint: Endpoint) -> str:
    """Return the server's message as the tail of ours, without secrets; empty when it is."""
    text = hide_secrets(message, endpoint)
    if not text:
        return ""
    cut = "…" if len(text) > _QUOTED_CHARACTERS else ""
    return f" (it says: {text[:_QUOTED_CHARACTERS]}{cut})"


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
