"""The service tier: asked for where it is there, at its price, and done without where it is not."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from threading import Event

import pytest

from companion.enrich.model import make_client
from companion.errors import CompanionError
from companion.llm.budget import Budget, Caps
from companion.llm.client import Client
from companion.llm.endpoint import Endpoint
from companion.llm.pricing import find_price
from tests.llm.fake_endpoint import FakeEndpoint, Scene, Script, Seen, answer, error

ASK = [{"role": "user", "content": "Describe."}]
OPENAI = "https://api.openai.com/v1"
NO_ROOM = error(429, "Resource unavailable", "resource_unavailable")


@pytest.fixture
def budget(tmp_path: Path) -> Iterator[Budget]:
    """A budget in which a token costs a dollar, and half of that in the tier."""
    with Budget(
        tmp_path / "spending.sqlite3",
        lambda: Caps(lambda read, written, tier: (read + written) / (2 if tier else 1)),
    ) as budget:
        yield budget


def flex(fake: FakeEndpoint, budget: Budget | None = None) -> Client:
    return Client(
        Endpoint(base_url=fake.url, model="m", service_tier="flex"), first_delay=0.01, budget=budget
    )


def tiers(fake: FakeEndpoint) -> list[str | None]:
    return [seen.body.get("service_tier") for seen in fake.seen]


def only_without(refusal: Scene) -> Script:
    """Return what an endpoint plays that refuses the tier."""
    return lambda seen, n: refusal if "service_tier" in seen.body else answer("fine")


REFUSALS = [
    pytest.param(error(400, "Invalid service_tier argument"), id="OpenAI, by project"),
    pytest.param(error(400, "Flex is not available for this model."), id="by its name alone"),
    pytest.param(error(400, "Unsupported service_tier: flex"), id="OpenAI, by model"),
    pytest.param(error(422, "Unrecognized field service_tier"), id="another server"),
    pytest.param(NO_ROOM, id="OpenAI, no room"),
    pytest.param(error(429, "Resource Unavailable"), id="no room, in words alone"),
    pytest.param(error(498, "over", "capacity_exceeded"), id="Groq, no room"),
]


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_tier_that_is_refused_is_done_without(
    fake: FakeEndpoint, budget: Budget, caplog: pytest.LogCaptureFixture, refusal: Scene
) -> None:
    """It is said once, and the call is paid at the usual price."""
    fake.script = only_without(refusal)
    with caplog.at_level(logging.WARNING), flex(fake, budget) as client:
        for _ in range(3):
            assert client.ask_text(ASK, 100).text == "fine"
    assert tiers(fake) == ["flex", None, None, None]
    assert len(caplog.messages) == 1 and "service tier flex for m" in caplog.text
    assert budget.spent_today().dollars == 3 * 15


def test_a_call_in_the_tier_has_its_price(fake: FakeEndpoint, budget: Budget) -> None:
    with flex(fake, budget) as client:
        client.ask_text(ASK, 100)
    assert (tiers(fake), budget.spent_today().dollars) == (["flex"], 7.5)


@pytest.mark.parametrize(("told", "dollars"), [("flex", 7.5), ("default", 15), (7, 7.5)])
def test_an_answer_from_another_tier_has_the_usual_price(
    fake: FakeEndpoint, budget: Budget, told: object, dollars: float
) -> None:
    body = json.loads(answer("fine").body) | {"service_tier": told}
    fake.play(answer("fine")._replace(body=json.dumps(body).encode()))
    with flex(fake, budget) as client:
        client.ask_text(ASK, 100)
    assert budget.spent_today().dollars == dollars


def test_another_429_is_tried_again_in_the_tier(fake: FakeEndpoint) -> None:
    fake.play(error(429, "Rate limit reached"), answer("fine"))
    with flex(fake) as client:
        client.ask_text(ASK, 100)
    assert tiers(fake) == ["flex", "flex"]


def test_without_the_tier_no_room_is_an_error_as_any(fake: FakeEndpoint) -> None:
    fake.play(NO_ROOM)
    endpoint = Endpoint(base_url=fake.url, model="m", retries=1, service_tier="flex")
    with Client(endpoint, first_delay=0.01) as client, pytest.raises(CompanionError, match="429"):
        client.ask_text(ASK, 100)
    assert tiers(fake) == ["flex", None, None]


def test_there_is_room_again_later(fake: FakeEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("companion.llm.request._TIER_PAUSE", 0.0)
    fake.play(NO_ROOM, answer("fine"))
    with flex(fake) as client:
        client.ask_text(ASK, 100)
        client.ask_text(ASK, 100)
    assert tiers(fake)[-1] == "flex"


def test_only_those_who_can_wait_use_it(fake: FakeEndpoint) -> None:
    """And they wait longer; what they learn, the others know."""
    source = Endpoint(base_url=fake.url, model="m", service_tier="flex")
    fake.script = without_temperature
    with make_client(source, Event(), None, can_wait=True) as patient:
        patient.ask_text(ASK, 100)
        assert patient.settings.timeout == 600
        with make_client(source, Event(), None, patient) as other:
            other.ask_text(ASK, 100)
            assert other.settings.timeout == 120
    assert tiers(fake) == ["flex", "flex", None]


def without_temperature(seen: Seen, n: int) -> Scene:
    refused = "temperature" in seen.body
    return error(400, "temperature is not supported") if refused else answer("fine")


TIER_PRICES = [
    pytest.param("gpt-5", Decimal("0.5"), id="it has the tier"),
    pytest.param("gpt-4.1", Decimal(1), id="it has no price of its own there"),
]


@pytest.mark.parametrize(("model", "share"), TIER_PRICES)
def test_price_in_the_tier(model: str, share: Decimal) -> None:
    usual = find_price(model, OPENAI, 100_000, 20_000)
    reduced = find_price(model, OPENAI, 100_000, 20_000, "flex")
    assert usual and reduced and reduced.dollars == usual.dollars * share
