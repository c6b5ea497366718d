"""Errors of an endpoint or its answer, and the message for each.

A fault lasts until the user mends it (`lasts`), or passes by itself, then with `retry_after` where
the endpoint says so. Messages name the base URL and the model, never the key, which is also removed
from what they quote of the server's own message.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from companion.errors import AnswerError, CompanionError, EndpointError
from companion.llm.endpoint import Endpoint

_QUOTED_CHARACTERS = 200  # at most, of a server's own message


class EndpointDown(EndpointError):
    """The endpoint does not answer, or only with server errors. is_slow: it did not in time."""

    is_slow = False


class RateLimited(EndpointError):
    """The endpoint takes no more calls for now."""

    kind = "rate-limited"


class LastingFault(EndpointError):
    """What no later call mends, only the user. kind: as in _TEXTS, or `model-unfit`."""

    lasts = True

    def __init__(self, message: str, kind: str) -> None:
        super().__init__(message)
        self.kind = kind


class RequestRejected(AnswerError):
    """The endpoint rejects the request. said: the server's message, with codes and names."""

    def __init__(self, message: str, said: str) -> None:
        super().__init__(message)
        self.said = said


class Cancelled(CompanionError):
    """The work was stopped; the call was abandoned, or not made."""


def _pattern(text: str) -> Callable[[str], Any]:
    return re.compile(text, re.IGNORECASE).search


# In the words of OpenAI, Google, Moonshot, Anthropic, SiliconFlow, OpenRouter, xAI and LiteLLM.
_says_no_credit = _pattern(
    r"insufficient.(quota|balance|credit|fund)|exceeded.(your.)?current.quota"
    r"|credit (balance|limit)|billing_not_active|billing details|account balance is"
    r"|(add|have|purchase) (\d+|any|more) credits?\b|out of credits|used all available credits"
    r"|budget.{0,20}exceeded|exceeded.{0,20}budget|key limit (exceeded|reached)"
)
_says_invalid_key = _pattern(
    r"api.?key.{0,10}(not (valid|found)|invalid|expired)|(invalid|incorrect) api.?key"
)
_says_model_missing = _pattern(
    r"model_not_(found|supported)|model\b.{0,80}(not found|not exist)|not a valid model"
    r"|invalid.model|unexpected model name|no models? (is )?loaded|failed to load model"
)
_says_too_long = _pattern(
    r"context_length_exceeded|exceed_context_size|context (length|size|window)|too many tokens"
)
_says_filtered = _pattern(
    r"content_(filter|policy)|content management policy|ContentPolicyViolation|\bflagged\b"
)
_TEXTS = {
    "web-page": "The address {where} answers with a web page, not as an OpenAI-compatible API for"
    " {model}; correct base_url (it usually ends in /v1), or see whether a proxy is in the way",
    "not-an-endpoint": "Nothing at {where} answers chat completions for {model} (error {status});"
    " correct base_url (it usually ends in /v1)",
    "out-of-quota": "The account at {where} has no quota left for {model}; add credit there, or"
    " choose another endpoint",
    "rate-limited": "The endpoint {where} takes no more calls to {model} for now (error {status});"
    " wait, or set requests_a_minute or a lower concurrency under [endpoint]",
    "model-missing": "The endpoint {where} has no model {model}; see that its server has it, or"
    " correct model in the configuration",
    "unauthorised": "The endpoint {where} {wants} key for {model} (error {status}); set"
    " COMPANION_API_KEY or api_key in the configuration to a valid one",
    "down": "The endpoint {where} keeps answering with error {status} for {model}; try again"
    " later, or look at the server's log",
    "too-long": "The note, with what is asked about it, is too long for {model} at {where}; set"
    " context_tokens to what the model takes, shorten the note, or choose a model with a larger"
    " context",
    "rejected": "The endpoint {where} rejects the request to {model} (error {status}); check"
    " the endpoint's settings",
}


def error_for_status(
    status: int, body: Any, endpoint: Endpoint, retry_after: float | None = None
) -> CompanionError:
    """Return the error for a reply with that status. body: its JSON, or its text."""
    message = server_message(body)
    if status in (400, 403) and _says_filtered(message):
        return refusal_error(endpoint, message)
    is_page = isinstance(body, str) and body.lstrip().startswith("<")
    if is_page and status in (200, 403, 404):
        kind = "web-page"
    else:  # where a wait is asked for, Google says "quota", too
        kind = _find_kind(status, message, is_short=status == 429 and bool(retry_after))
    text = _TEXTS[kind].format(
        where=endpoint.address,
        model=endpoint.model,
        status=status,
        wants="does not accept the" if endpoint.key else "wants a",
    )
    text += _quote(message, endpoint)
    if kind == "rejected":
        return RequestRejected(text, message)
    if kind == "too-long":
        return AnswerError(text)
    if kind in ("down", "rate-limited"):
        error = EndpointDown(text) if kind == "down" else RateLimited(text)
        error.retry_after = retry_after
        return error
    return LastingFault(text, "not-an-endpoint" if kind == "web-page" else kind)


def _find_kind(status: int, message: str, *, is_short: bool) -> str:
    """Return the key of the text for the error. is_short: a wait is asked for."""
    is_about_credit = status < 500 and not is_short and _says_no_credit(message)
    words = message.lower()
    kinds = (
        (status == 402 or is_about_credit, "out-of-quota"),
        (status in (429, 498), "rate-limited"),  # the second is Groq's for a full service tier
        (status >= 500 or status in (408, 409), "down"),
        (_says_model_missing(message), "model-missing"),
        (status == 404 and "model" in words, "model-missing"),
        (status in (401, 403) or _says_invalid_key(message), "unauthorised"),
        (status in (404, 405) or "unexpected endpoint" in words, "not-an-endpoint"),
        (300 <= status < 400, "not-an-endpoint"),
        (status == 413 or _says_too_long(message), "too-long"),
    )
    return next((kind for applies, kind in kinds if applies), "rejected")


def timeout_error(endpoint: Endpoint) -> EndpointDown:
    """Return the error for an answer that did not come in time."""
    error = EndpointDown(
        f"The endpoint {endpoint.address} ({endpoint.model}) did not finish its answer within"
        f" {endpoint.timeout:g} seconds; raise timeout in the configuration, or try again later"
    )
    error.is_slow = True
    return error


def connection_error(endpoint: Endpoint, reason: str) -> EndpointDown:
    """Return the error for a connection that cannot be made, or breaks."""
    if endpoint.embedded:
        return EndpointDown(
            f"The embedded model {endpoint.model} stopped in the middle of a call; see that there"
            " is enough free memory, or choose a smaller model"
        )
    reason = _one_line(hide_secrets(reason, endpoint))
    what = "start its server, check the network, or correct base_url"
    if "CERTIFICATE_VERIFY_FAILED" in reason:
        what = "name the file of its certificate in SSL_CERT_FILE, or correct base_url"
    return EndpointDown(
        f"The endpoint {endpoint.address} ({endpoint.model}) cannot be reached ({reason}); {what}"
    )


def refusal_error(endpoint: Endpoint, message: str) -> AnswerError:
    """Return the error for a model that refuses to answer, with its message."""
    return AnswerError(
        f"The model {endpoint.model} refuses to answer for this note; write the text yourself,"
        f" or choose another model{_quote(message, endpoint)}"
    )


def server_message(body: Any) -> str:
    """Return the message and codes of an error reply, on one line; empty for a web page."""
    if isinstance(body, list) and body:  # Google
        body = body[0]
    error = body.get("error", body) if isinstance(body, dict) else body
    if isinstance(error, dict):
        words = [error.get(key) for key in ("message", "detail", "code", "type", "param")]
        if isinstance(upstream := error.get("metadata"), dict):  # OpenRouter
            words.append(upstream.get("raw"))
        texts = (json.dumps(each) if isinstance(each, (dict, list)) else each for each in words)
        return _one_line(" ".join(text for text in texts if isinstance(text, str)))
    is_text = isinstance(error, str) and not error.lstrip().startswith("<")
    return _one_line(error[:2000]) if is_text else ""


def hide_secrets(text: str, endpoint: Endpoint) -> str:
    """Return text with the endpoint's secrets, and all that looks like a key, as `[hidden]`."""
    for secret in endpoint.secrets:
        text = text.replace(secret, "[hidden]")
    return re.sub(r"\b(sk|key|gsk|xai|pk)-[\w*-]{4,}[\w*.-]*", "[hidden]", text)


def _quote(message: str, endpoint: Endpoint) -> str:
    """Return the server's message as the tail of ours, without secrets; empty when it is."""
    text = hide_secrets(message, endpoint)
    cut = "…" if len(text) > _QUOTED_CHARACTERS else ""
    return f" (it says: {text[:_QUOTED_CHARACTERS]}{cut})" if text else ""


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
