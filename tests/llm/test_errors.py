"""What endpoints do wrong: one clear sentence each, the right kind, no call too many, no key."""

import logging
import socket
import traceback
from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from companion.errors import AnswerError, CompanionError, UsageError
from companion.llm.answers import NoAnswer
from companion.llm.client import Client
from companion.llm.endpoint import Endpoint
from companion.llm.errors import EndpointDown, LastingFault, RateLimited, RequestRejected
from companion.llm.request import Question
from tests.examples import labelled
from tests.llm.fake_endpoint import KEY, FakeEndpoint, Scene, answer, error, reply

ASK = [{"role": "user", "content": "Describe perplexity."}]
HTML = Scene(200, b"<!doctype html><title>Hello</title>", {"content-type": "text/html"})
GOOD = answer("A measure of surprise.")
GOOGLE_QUOTA = "You exceeded your current quota, please check your plan and billing details."
GROQ_UPGRADE = "Upgrade to Dev Tier today at https://console.groq.com/settings/billing"


def google(quota: str) -> Scene:
    """Google's error for a quota that is used up; it says to retry soon, whichever it is."""
    message = f"{GOOGLE_QUOTA}\nPlease retry in 0.1s."
    details = [{"violations": [{"quotaId": quota}]}, {"retryDelay": "0.1s"}]
    return reply(429, [{"error": {"code": 429, "message": message, "details": details}}])


FAULTS = {
    "401": (error(401, f"Incorrect API key: {KEY}"), "unauthorised", "key", 1),
    "403": (error(403, "no"), "unauthorised", "COMPANION_API_KEY", 1),
    "402": (error(402, "pay"), "out-of-quota", "credit", 1),
    "404": (error(404, "no such model"), "model-missing", "has no model", 1),
    "405": (error(405), "not-an-endpoint", "base_url", 1),
    "429": (error(429, "slow down"), RateLimited, "wait", 4),
    "429 no quota": (error(429, "You exceeded", "insufficient_quota"), "out-of-quota", "credit", 1),
    "500": (error(500, f"oops {KEY}"), EndpointDown, "error 500", 4),
    "503 as a web page": (
        Scene(503, b"<html>busy", {"content-type": "text/html"}),
        EndpointDown,
        "error 503",
        4,
    ),
    "400": (error(400, "bad request"), RequestRejected, "settings", 1),
    "more tokens than it writes": (
        error(400, "max_tokens is too large: 9. This model supports at most 4"),
        RequestRejected,
        "too large",
        1,
    ),
    "Google, no such key": (
        reply(400, [{"error": {"code": 400, "message": "API key not valid. Please pass a ..."}}]),
        "unauthorised",
        r"COMPANION_API_KEY.*\(it says: API key not valid",
        1,
    ),
    "Google, for a minute": (
        google("GenerateRequestsPerMinutePerProjectPerModel-FreeTier"),
        RateLimited,
        "wait",
        4,
    ),
    "Groq, for a minute": (
        error(429, f"Rate limit reached. Please try again in 80ms. {GROQ_UPGRADE}"),
        RateLimited,
        "wait",
        4,
    ),
    "OpenRouter, upstream": (
        reply(429, {"error": {"message": "Provider returned error", "metadata": {"raw": "busy"}}}),
        RateLimited,
        "busy",
        4,
    ),
    "OpenRouter, moderated": (error(403, "Your input was flagged for"), AnswerError, "refuses", 1),
    "Azure, filtered": (error(400, "filtered", "content_filter"), AnswerError, "refuses", 1),
    "DeepSeek, no model": (error(400, "Model Not Exist"), "model-missing", "has no model", 1),
    "LM Studio without /v1": (
        reply(200, {"error": "Unexpected endpoint or method. (POST /chat/completions)"}),
        "not-an-endpoint",
        "/v1",
        1,
    ),
    "broken off by the provider": (
        reply(200, {"choices": [{"message": {"content": "Half"}, "error": {"code": 502}}]}),
        NoAnswer,
        "breaks off",
        2,
    ),
    "an error of no status inside a 200": (
        reply(200, {"error": {"message": "no such adapter", "type": "server"}}),
        RequestRejected,
        "no such adapter",
        1,
    ),
    "HTML": (HTML, "not-an-endpoint", "base_url", 1),
    "half a JSON": (Scene(200, GOOD.body[:50]), NoAnswer, "breaks off", 2),
    "no choices": (Scene(200, b"{}"), NoAnswer, "no message", 2),
    "filtered": (answer("", "content_filter"), NoAnswer, "refuses", 1),
    "closes mid-body": (GOOD._replace(cut=20), EndpointDown, "cannot be reached", 4),
    "slow": (GOOD._replace(delay=5.0), EndpointDown, "within 1.5 seconds", 2),
    "redirect is not followed with the key": (
        Scene(302, b"", {"location": "http://elsewhere.example/v1"}),
        "not-an-endpoint",
        "base_url",
        1,
    ),
    "429 for an hour": (error(429, "slow down", retry_after="3600"), RateLimited, "wait", 1),
}


@pytest.fixture
def endpoint(fake: FakeEndpoint) -> Endpoint:
    return Endpoint(base_url=fake.url, model="m", api_key=SecretStr(KEY), timeout=5.0)


@pytest.fixture
def no_key(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """The key is in no line of the log, at the finest level."""
    caplog.set_level(logging.DEBUG)
    yield
    assert KEY not in caplog.text


@pytest.mark.usefixtures("no_key")
@labelled(("scene", "kind", "words", "calls"), FAULTS)
def test_fault(
    fake: FakeEndpoint,
    scene: Scene,
    kind: type[CompanionError] | str,
    words: str,
    calls: int,
    request: pytest.FixtureRequest,
) -> None:
    slow = request.node.callspec.id == "slow"
    fake.play(scene)
    endpoint = Endpoint(
        base_url=fake.url,
        model="m",
        api_key=SecretStr(KEY),
        timeout=1.5 if slow else 10.0,
    )
    with Client(endpoint) as client, pytest.raises(CompanionError, match=words) as caught:
        client.ask(Question(ASK, 100))
    error = caught.value
    assert kind == (error.kind if isinstance(error, LastingFault) else type(error))
    assert len(fake.seen) == calls
    assert str(caught.value).encode(), "it can be stored"
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + repr(endpoint)
    assert KEY not in shown
    assert "m" in str(caught.value) and "\n" not in str(caught.value)


def test_no_key_is_set(fake: FakeEndpoint) -> None:
    fake.play(error(401))
    with (
        Client(Endpoint(base_url=fake.url, model="m")) as client,
        pytest.raises(LastingFault, match="wants a key for m"),
    ):
        client.ask(Question(ASK, 100))


def test_down() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    endpoint = Endpoint(
        base_url=f"http://u:pw@127.0.0.1:{port}/v1?key=q",
        model="m",
        api_key=SecretStr(KEY),
    )
    with Client(endpoint) as client, pytest.raises(EndpointDown) as caught:
        client.ask(Question(ASK, 100))
    text = str(caught.value)
    assert f"http://127.0.0.1:{port}/v1 (m) cannot be reached" in text and "refused" in text
    assert "pw" not in text and "key=q" not in text


PROXIES = [
    pytest.param("http://127.0.0.1:9", EndpointDown, "cannot be reached.*refused"),
    pytest.param("socks5://127.0.0.1:9", UsageError, "ALL_PROXY"),
]


@pytest.mark.parametrize(("proxy", "kind", "words"), PROXIES, ids=["down", "of another kind"])
def test_a_fault_of_the_proxy_is_told_as_one(
    monkeypatch: pytest.MonkeyPatch, proxy: str, kind: type[CompanionError], words: str
) -> None:
    monkeypatch.setenv("https_proxy", proxy)
    endpoint = Endpoint(base_url="https://model.example/v1", model="m")
    with Client(endpoint) as client, pytest.raises(kind, match=words):
        client.ask(Question(ASK, 100))


def test_retry_after_is_honoured(fake: FakeEndpoint, endpoint: Endpoint) -> None:
    fake.play(error(429, retry_after="1"), GOOD)
    with Client(endpoint) as client:
        client.ask(Question(ASK, 100))
    first, second = (seen.at for seen in fake.seen)
    assert second - first >= 0.9


WAITS = {
    "the message": (error(429, "Please try again in 70.5s. Visit https://..."), 70.5),
    "Google's details": (reply(429, [{"error": {"details": [{"retryDelay": "94s"}]}}]), 94),
    "the header counts": (error(429, "Please retry in 34s.", retry_after="86400"), 86400),
}


@labelled(("scene", "seconds"), WAITS)
def test_a_long_wait_is_left_to_the_caller(
    fake: FakeEndpoint, endpoint: Endpoint, scene: Scene, seconds: float
) -> None:
    fake.play(scene)
    with Client(endpoint) as client, pytest.raises(RateLimited) as caught:
        client.ask(Question(ASK, 100))
    assert caught.value.retry_after == pytest.approx(seconds)
    assert len(fake.seen) == 1
