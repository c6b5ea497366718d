"""What endpoints do wrong: one clear sentence each, the right kind, no call too many, no key."""

import logging
import re
import socket
import time
import traceback
from collections.abc import Iterator
from datetime import datetime
from email.utils import formatdate
from pathlib import Path

import pytest
from pydantic import SecretStr

from companion.errors import AnswerError, CompanionError, UsageError
from companion.llm.client import Client
from companion.llm.endpoint import Endpoint
from companion.llm.endpoint_errors import (
    EndpointDown,
    ModelMissing,
    NotAnEndpoint,
    OutOfQuota,
    PromptTooLong,
    RateLimited,
    RequestRejected,
    Unauthorised,
)
from companion.llm.request import Question
from companion.llm.response import NoAnswer, NoCompletion, Reply
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
    "401": (error(401, f"Incorrect API key: {KEY}"), Unauthorised, "key", 1),
    "403": (error(403, "no"), Unauthorised, "COMPANION_API_KEY", 1),
    "402": (error(402, "pay"), OutOfQuota, "credit", 1),
    "404": (error(404, "no such model"), ModelMissing, "has no model", 1),
    "400 no model": (error(400, "The model `m` does not exist"), ModelMissing, "has no model", 1),
    "405": (error(405), NotAnEndpoint, "base_url", 1),
    "204": (Scene(204, b""), NotAnEndpoint, "base_url", 1),
    "503 for a day": (error(503, retry_after="86400"), EndpointDown, "try again after 20", 1),
    "redirect is not followed with the key": (
        Scene(302, b"", {"location": "http://elsewhere.example/v1"}),
        NotAnEndpoint,
        "base_url.*elsewhere",
        1,
    ),
    "429": (error(429, "slow down"), RateLimited, "wait", 4),
    "429 for an hour": (error(429, "slow down", retry_after="3600"), RateLimited, "wait", 1),
    "429 no quota": (error(429, "You exceeded", "insufficient_quota"), OutOfQuota, "credit", 1),
    "500": (error(500, f"oops {KEY}"), EndpointDown, "error 500", 4),
    "503 as a web page": (
        Scene(503, b"<html>busy", {"content-type": "text/html"}),
        EndpointDown,
        "error 503",
        4,
    ),
    "408": (error(408), EndpointDown, "error 408", 4),
    "note too long": (
        error(400, "maximum context length is 4096 tokens", "context_length_exceeded"),
        PromptTooLong,
        "shorten",
        1,
    ),
    "400": (error(400, "bad request"), RequestRejected, "settings", 1),
    "more tokens than it writes": (
        error(400, "max_tokens is too large: 9. This model supports at most 4"),
        RequestRejected,
        "too large",
        1,
    ),
    "more tokens than allowed": (
        error(400, "max_tokens (9000) exceeds the maximum; use at most 4096 instead"),
        RequestRejected,
        "exceeds",
        1,
    ),
    "more tokens than vLLM has": (
        error(
            400,
            "'max_tokens' or 'max_completion_tokens' is too large: 9. This model supports at most"
            " 4 tokens",
        ),
        RequestRejected,
        "too large",
        1,
    ),
    "a parameter that was not sent": (
        error(400, "unexpected field: thinking"),
        RequestRejected,
        "settings",
        1,
    ),
    "Google, no such key": (
        reply(400, [{"error": {"code": 400, "message": "API key not valid. Please pass a ..."}}]),
        Unauthorised,
        r"COMPANION_API_KEY.*\(it says: API key not valid",
        1,
    ),
    "Google, for a minute": (
        google("GenerateRequestsPerMinutePerProjectPerModel-FreeTier"),
        RateLimited,
        "wait",
        4,
    ),
    "Google, for the day": (
        google("GenerateRequestsPerDayPerProjectPerModel-FreeTier"),
        OutOfQuota,
        "credit",
        1,
    ),
    "Google, busy": (
        error(429, "Resource has been exhausted (e.g. check quota)."),
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
    "Groq, for the day": (
        error(429, f"Rate limit reached. Please try again in 9m38.016s. {GROQ_UPGRADE}"),
        RateLimited,
        r"no more calls to m until 20.* wait",
        1,
    ),
    "OpenAI, for a minute": (
        error(
            429,
            "Rate limit reached on requests per min. Please try again in 80ms. Visit"
            " https://platform.openai.com/account/billing to add a payment method.",
        ),
        RateLimited,
        "wait",
        4,
    ),
    "OpenAI, unpaid": (
        error(429, "Your account is not active, please check your billing details on our website."),
        OutOfQuota,
        "credit",
        1,
    ),
    "OpenAI, unpaid, by its code": (error(429, "", "billing_not_active"), OutOfQuota, "credit", 1),
    "Moonshot, for a second": (
        error(429, "Your account reached max request: 3, please try again after 0 seconds"),
        RateLimited,
        "wait",
        4,
    ),
    "Moonshot, no credit": (
        error(403, "Your account is not active, organization o exceeded current quota"),
        OutOfQuota,
        "credit",
        1,
    ),
    "Moonshot, by its code": (
        error(429, "Your account o is suspended", "exceeded_current_quota_error"),
        OutOfQuota,
        "credit",
        1,
    ),
    "Azure, for a minute": (
        error(429, "Please retry after 0 seconds. Go to https://aka.ms/oai/quotaincrease"),
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
    "OpenRouter, the limit of a key": (
        error(403, "Key limit exceeded (total limit). Manage it using https://openrouter.ai/"),
        OutOfQuota,
        "key for http.* raise that limit",
        1,
    ),
    "OpenRouter, for the day": (error(429, "Add 10 credits to unlock 1000"), OutOfQuota, "10", 1),
    "Anthropic, no credit": (error(400, "Your credit balance is too low"), OutOfQuota, "credit", 1),
    "LiteLLM, no budget": (
        error(400, "Budget has been exceeded! Current"),
        OutOfQuota,
        "credit",
        1,
    ),
    "xAI, no credit": (error(403, "doesn't have any credits or"), OutOfQuota, "credit", 1),
    "xAI, no permission": (
        reply(403, {"code": "permission-denied", "error": "Access to the chat endpoint is denied"}),
        Unauthorised,
        "does not let the key use m .* give the key permission.*Access to the chat",
        1,
    ),
    "xAI, blocked for now": (
        reply(403, {"code": "blocked", "error": "You have run out of credits or need a Grok"}),
        OutOfQuota,
        "credit",
        1,
    ),
    "xAI, for the month": (
        error(
            429,
            "Your team t has either used all available credits or reached its monthly spending"
            " limit. To continue making API requests, please purchase more credits or raise your",
        ),
        OutOfQuota,
        "credit",
        1,
    ),
    "a gateway, for the month": (error(429, "Monthly credit limit reached"), OutOfQuota, "it", 1),
    "SiliconFlow, no credit": (
        error(403, "Sorry, your account balance is insufficient"),
        OutOfQuota,
        "credit",
        1,
    ),
    "a load balancer": (error(429, "load balancer: balance is off"), RateLimited, "wait", 4),
    "other credits": (error(400, "Only 10 credits of context"), RequestRejected, "settings", 1),
    "OpenRouter, moderated": (error(403, "Your input was flagged for"), AnswerError, "refuses", 1),
    "Azure, filtered": (error(400, "filtered", "content_filter"), AnswerError, "refuses", 1),
    "DeepSeek, no model": (error(400, "Model Not Exist"), ModelMissing, "has no model", 1),
    "OpenRouter, no model": (error(400, "m is not a valid model ID"), ModelMissing, "no model", 1),
    "LiteLLM, no model": (error(400, "Invalid model name passed in"), ModelMissing, "no model", 1),
    "Mistral, no model": (error(400, "Invalid model: m"), ModelMissing, "has no model", 1),
    "OpenAI, a model of others": (
        error(403, "Project `p` does not have access to model `m`", "model_not_found"),
        ModelMissing,
        "has no model",
        1,
    ),
    "LM Studio, no memory": (error(400, "Failed to load model"), ModelMissing, "Failed to load", 1),
    "Jan, from elsewhere": (Scene(403, b"Invalid host header"), NotAnEndpoint, "Invalid host", 1),
    "LM Studio without /v1": (
        reply(200, {"error": "Unexpected endpoint or method. (POST /chat/completions)"}),
        NotAnEndpoint,
        "/v1",
        1,
    ),
    "a firewall": (HTML._replace(status=403), NotAnEndpoint, "error 403.*firewall", 1),
    "502 of the provider inside a 200": (
        reply(200, {"choices": [{"message": {"content": ""}, "error": {"code": 502}}]}),
        EndpointDown,
        "error 502",
        4,
    ),
    "padded 429 inside a 200": (
        Scene(200, b"\n" * 5000 + b'{"error": {"message": "slow down", "code": "429"}}'),
        RateLimited,
        "wait",
        4,
    ),
    "429 inside a 200": (
        Scene(200, b'{"error": {"message": "slow down", "code": 429}}'),
        RateLimited,
        "wait",
        4,
    ),
    "HTML": (HTML, NotAnEndpoint, "web page", 1),
    "half a JSON": (Scene(200, GOOD.body[:50]), NoCompletion, "breaks off", 2),
    "a list": (Scene(200, b"[]"), NoCompletion, "breaks off", 2),
    "no choices": (Scene(200, b"{}"), NoCompletion, "no message", 2),
    "nested too deep": (Scene(200, b"[" * 100_000), NoCompletion, "breaks off", 2),
    "empty": (answer(""), NoAnswer, "empty", 2),
    "null": (answer(None), NoAnswer, "empty", 2),
    "thoughts only": (answer("<think>hm"), NoAnswer, "empty", 2),
    "truncated": (answer("Half a sen", "length"), NoAnswer, "cut off", 2),
    "refusal": (answer(None, refusal="I can't."), NoAnswer, "refuses", 1),
    "refusal, cut in a character": (answer(None, refusal="No \ud83d"), NoAnswer, "refuses", 1),
    "filtered": (answer("", "content_filter"), NoAnswer, "refuses", 1),
    "filtered, by Z.ai": (answer("", "sensitive"), NoAnswer, "refuses", 1),
    "context full, at Mistral": (answer("Half a sen", "model_length"), NoAnswer, "cut off", 2),
    "broken off": (answer("Half a sen", "error"), NoCompletion, "breaks off", 2),
    "a megabyte": (answer("x" * 1_100_000), AnswerError, "1 MiB", 1),
    "an error of a megabyte": (Scene(500, b"x" * 1_100_000), AnswerError, "1 MiB", 1),
    "gzip": (Scene(200, GOOD.body, {"content-encoding": "gzip"}), AnswerError, "compressed", 1),
    "closes mid-body": (GOOD._replace(cut=20), EndpointDown, "cannot be reached", 4),
    "slow": (GOOD._replace(delay=5.0), EndpointDown, "within 1.5 seconds", 2),
    "drips": (GOOD._replace(drip=0.05), EndpointDown, "within 1.5 seconds", 2),
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
    kind: type[CompanionError],
    words: str,
    calls: int,
    request: pytest.FixtureRequest,
) -> None:
    slow = request.node.callspec.id in ("slow", "drips")
    fake.play(scene)
    endpoint = Endpoint(
        base_url=fake.url,
        model="m",
        api_key=SecretStr(KEY),
        timeout=1.5 if slow else 10.0,
    )
    with Client(endpoint) as client, pytest.raises(kind, match=words) as caught:
        client.ask(Question(ASK, 100))
    assert type(caught.value) is kind
    assert len(fake.seen) == calls
    assert str(caught.value).encode(), "it can be stored"
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + repr(endpoint)
    assert KEY not in shown
    assert "m" in str(caught.value) and "\n" not in str(caught.value)


@labelled(
    ("scene", "kind"),
    {
        name: (scene, kind)
        for name, (scene, kind, _, calls) in FAULTS.items()
        if calls == 1 and kind is not RequestRejected
    },
)
def test_fault_is_not_taken_for_one_of_the_json_format(
    fake: FakeEndpoint, scene: Scene, kind: type[CompanionError]
) -> None:
    fake.play(scene)
    with Client(Endpoint(base_url=fake.url, model="m")) as client, pytest.raises(kind):
        client.ask(Question(ASK, 100, {"type": "object"}))
    assert len(fake.seen) == 1


def test_no_key_is_set(fake: FakeEndpoint) -> None:
    fake.play(error(401))
    with (
        Client(Endpoint(base_url=fake.url, model="m")) as client,
        pytest.raises(Unauthorised, match="wants a key for m"),
    ):
        client.ask(Question(ASK, 100))


def test_a_server_that_loads_its_model_is_waited_for(
    fake: FakeEndpoint, endpoint: Endpoint
) -> None:
    fake.play(*[error(503, "Loading model")] * 5, GOOD)
    with Client(endpoint) as client:
        assert client.ask(Question(ASK, 100)).text == "A measure of surprise."


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
    pytest.param("http://127.0.0.1:9", EndpointDown, "through the proxy 127.0.0.1:9: .*refused"),
    pytest.param("socks5://127.0.0.1:9", UsageError, "not an http or https address.* ALL_PROXY"),
]


@pytest.mark.parametrize(("proxy", "kind", "words"), PROXIES, ids=["down", "of another kind"])
def test_a_fault_of_the_proxy_is_told_as_one(
    monkeypatch: pytest.MonkeyPatch, proxy: str, kind: type[CompanionError], words: str
) -> None:
    monkeypatch.setenv("https_proxy", proxy)
    endpoint = Endpoint(base_url="https://model.example/v1", model="m")
    with Client(endpoint) as client, pytest.raises(kind, match=words):
        client.ask(Question(ASK, 100))


def test_whose_certificate_is_trusted(fake: FakeEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    file = Path(__file__).with_name("localhost.pem")
    fake.encrypt(file)
    endpoint = Endpoint(base_url=fake.url, model="m")

    def ask() -> str:
        with Client(endpoint) as client:
            return client.ask(Question(ASK, 100)).text

    with pytest.raises(EndpointDown, match=r"does not trust .* SSL_CERT_FILE"):
        ask()
    monkeypatch.setenv("SSL_CERT_FILE", str(file.with_name("missing.pem")))
    with pytest.raises(UsageError, match=r"cannot be read .* SSL_CERT_FILE"):
        ask()
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    assert ask() == "fine"


@pytest.mark.parametrize("is_date", [False, True], ids=["seconds", "date"])
def test_retry_after_is_honoured(fake: FakeEndpoint, endpoint: Endpoint, is_date: bool) -> None:
    due = int(time.time()) + 2
    fake.play(error(429, retry_after=formatdate(due, usegmt=True) if is_date else "1"), GOOD)
    with Client(endpoint) as client:
        client.ask(Question(ASK, 100))
    first, second = (seen.at for seen in fake.seen)
    if is_date:
        assert second - time.monotonic() + time.time() >= due - 0.1
    else:
        assert second - first >= 0.9


WAITS = {
    "Groq": (error(429, "Please try again in 9m38.016s. Need more tokens?"), 578.016),
    "OpenAI": (error(429, "Please try again in 80ms. Visit https://..."), 0.08),
    "Azure": (error(429, "Please retry after 26 seconds."), 26),
    "Google": (error(429, "Please retry in 34.07s."), 34.07),
    "Google's details": (reply(429, [{"error": {"details": [{"retryDelay": "34s"}]}}]), 34),
    "the header counts": (error(429, "Please retry in 34s.", retry_after="5"), 5),
    "no time is named": (error(429, "Please try again later."), 0),
}


@labelled(("scene", "seconds"), WAITS)
def test_how_long_to_wait(scene: Scene, seconds: float) -> None:
    told = Reply(scene.status, dict(scene.headers), scene.body)
    assert told.retry_after == pytest.approx(seconds)


def test_hopeless_wait_is_told(fake: FakeEndpoint, endpoint: Endpoint) -> None:
    fake.play(error(429, retry_after="86400"))
    now = time.time()
    with Client(endpoint) as client, pytest.raises(RateLimited) as caught:
        client.ask(Question(ASK, 100))
    assert caught.value.retry_after == 86400
    told = re.search(r"no more calls to \S+ until (\S+ \S+) \(error 429\)", str(caught.value))
    assert told, str(caught.value)
    until = datetime.strptime(told[1], "%Y-%m-%d %H:%M").timestamp()  # as the clock shows it then
    assert now + 86400 - 120 < until < now + 86400 + 300
