"""Errors of an endpoint or its answer, and the message for each.

A fault lasts until the user mends it (`lasts`), or passes by itself, then with `retry_after` where
the endpoint says so. Messages name the base URL and the model, never the key, which is also removed
from what they quote of the server's own message.
"""

from __future__ import annotations

import re
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


_TEXTS = {
    "not-an-endpoint": "Nothing at {where} answers chat completions for {model}; correct base_url"
    " (it usually ends in /v1), or see whether a proxy is in the way",
    "out-of-quota": "The account at {where} has no quota left for {model}; add credit there, or"
    " choose another endpoint",
    "rate-limited": "The endpoint {where} takes no more calls to {model} for now (error {status});"
    " wait, or set a lower concurrency under [endpoint]",
    "model-missing": "The endpoint {where} has no model {model}; see that its server has it, or"
    " correct model in the configuration",
    "unauthorised": "The endpoint {where} {wants} key for {model} (error {status}); set"
    " COMPANION_API_KEY or api_key in the configuration to a valid one",
    "down": "The endpoint {where} keeps answering with error {status} for {model}; try again"
    " later, or look at the server's log",
    "rejected": "The endpoint {where} rejects the request to {model} (error {status}); check"
    " the endpoint's settings, such as context_tokens",
}
# How OpenAI, Google, Anthropic, OpenRouter, DeepSeek and LM Studio say it.
_NO_CREDIT = (
    r"insufficient.(quota|balance|credit|fund)|exceeded.your.current.quota|credit (balance|limit)"
    r"|(add|have|purchase) (\d+|any|more) credits?\b|budget.{0,20}exceeded"
)
_INVALID_KEY = r"api.?key.{0,10}(not (valid|found)|invalid|expired)|(invalid|incorrect) api.?key"
_NO_MODEL = (
    r"model_not_(found|supported)|model\b.{0,80}(not found|not exist)|not a valid model"
    r"|no such model|no models? (is )?loaded|failed to load model"
)
_FILTERED = r"content_(filter|policy)|content management policy|\bflagged\b"


def error_for_status(
    status: int, body: Any, endpoint: Endpoint, retry_after: float | None = None
) -> CompanionError:
    """Return the error for a reply with that status. body: its JSON, or its text."""
    message = server_message(body)
    if status in (400, 403) and re.search(_FILTERED, message, re.IGNORECASE):
        return refusal_error(endpoint, message)
    is_page = isinstance(body, str) and body.lstrip().startswith("<")
    if is_page and status in (200, 403):
        status = 404
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
    if kind in ("down", "rate-limited"):
        error = EndpointDown(text) if kind == "down" else RateLimited(text)
        error.retry_after = retry_after
        return error
    return LastingFault(text, kind)


def _find_kind(status: int, message: str, *, is_short: bool) -> str:
    """Return the key of the text for the error.

    is_short: a wait is asked for, and then Google says "quota", too.
    """

    def says(pattern: str) -> bool:
        return re.search(pattern, message, re.IGNORECASE) is not None

    kinds = (
        (status == 402 or (status < 500 and not is_short and says(_NO_CREDIT)), "out-of-quota"),
        (status == 429, "rate-limited"),
        (status >= 500 or status in (408, 409), "down"),
        (says(_NO_MODEL), "model-missing"),
        (status in (401, 403) or says(_INVALID_KEY), "unauthorised"),
        (300 <= status < 400 or status in (404, 405), "not-an-endpoint"),
        (says("unexpected endpoint"), "not-an-endpoint"),  # LM Studio's, with status 200
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
    return EndpointDown(
        f"The endpoint {endpoint.address} ({endpoint.model}) cannot be reached ({reason});"
        " start its server, check the network, or correct base_url"
    )


def refusal_error(endpoint: Endpoint, message: str) -> AnswerError:
    """Return the error for a model that refuses to answer, with its message."""
    return AnswerError(
        f"The model {endpoint.model} refuses to answer for this note; write the text yourself,"
        f" or choose another model{_quote(message, endpoint)}"
    )


def server_message(body: Any) -> str:
    """Return all texts in an error reply, on one line; empty for a web page."""
    if isinstance(body, str):
        return "" if body.lstrip().startswith("<") else _one_line(body[:2000])
    values = list(body.values()) if isinstance(body, dict) else body
    return " ".join(filter(None, map(server_message, values))) if isinstance(values, list) else ""


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
