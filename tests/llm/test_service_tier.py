"""The service tier: passed on, at its price, and done without where the model does not have it."""

import json
import logging
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from companion.llm.batch_api import BatchClient, QuestionInBatch
from companion.llm.budget import Budget, Caps
from companion.llm.client import Client
from companion.llm.endpoint import Endpoint, find_cost
from companion.llm.endpoint_errors import RateLimited
from companion.llm.request import Question
from tests.llm.fake_endpoint import FakeEndpoint, Scene, Script, Seen, answer, error

ASK = [{"role": "user", "content": "Describe."}]
OPENAI = "https://api.openai.com/v1"


@pytest.fixture
def budget(tmp_path: Path) -> Iterator[Budget]:
    """A budget in which a token costs a dollar, and half of that in the tier."""
    with Budget(
        tmp_path / "spending.sqlite3",
        lambda: Caps(lambda read, written, tier: (read + written) / (2 if tier else 1)),
    ) as budget:
        yield budget


def flex(fake: FakeEndpoint, budget: Budget | None = None) -> Client:
    endpoint = Endpoint(base_url=fake.url, model="m", service_tier="flex")
    return Client(endpoint, budget=budget, can_wait=True)


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
]


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_tier_that_is_refused_is_done_without(
    fake: FakeEndpoint, budget: Budget, caplog: pytest.LogCaptureFixture, refusal: Scene
) -> None:
    """It is said once, and the call is paid at the usual price."""
    fake.script = only_without(refusal)
    with caplog.at_level(logging.WARNING), flex(fake, budget) as client:
        for _ in range(3):
            assert client.ask(Question(ASK, 100)).text == "fine"
    assert tiers(fake) == ["flex", None, None, None]
    assert len(caplog.messages) == 1 and "service tier flex for m" in caplog.text
    assert budget.spent_today().dollars == 3 * 15


def test_a_call_in_the_tier_has_its_price(fake: FakeEndpoint, budget: Budget) -> None:
    with flex(fake, budget) as client:
        client.ask(Question(ASK, 100))
    assert (tiers(fake), budget.spent_today().dollars) == (["flex"], 7.5)


@pytest.mark.parametrize(("told", "dollars"), [("flex", 7.5), ("default", 15), (7, 7.5)])
def test_an_answer_from_another_tier_has_the_usual_price(
    fake: FakeEndpoint, budget: Budget, told: object, dollars: float
) -> None:
    body = json.loads(answer("fine").body) | {"service_tier": told}
    fake.play(answer("fine")._replace(body=json.dumps(body).encode()))
    with flex(fake, budget) as client:
        client.ask(Question(ASK, 100))
    assert budget.spent_today().dollars == dollars


LIMITED = [
    pytest.param(error(429, "Rate limit reached"), id="a limit a minute"),
    pytest.param(error(429, "Resource unavailable", "resource_unavailable"), id="OpenAI, no room"),
    pytest.param(error(498, "over", "capacity_exceeded"), id="Groq, no room"),
]


@pytest.mark.parametrize("limited", LIMITED)
def test_a_tier_without_room_is_tried_again(fake: FakeEndpoint, limited: Scene) -> None:
    fake.play(limited, answer("fine"))
    with flex(fake) as client:
        client.ask(Question(ASK, 100))
    assert tiers(fake) == ["flex", "flex"]
    fake.play(limited)
    endpoint = Endpoint(base_url=fake.url, model="m", service_tier="flex")
    with Client(endpoint, can_wait=True) as client, pytest.raises(RateLimited):
        client.ask(Question(ASK, 100))


def test_only_those_who_can_wait_use_it(fake: FakeEndpoint) -> None:
    """And they wait longer; what they learn, the others know."""
    source = Endpoint(base_url=fake.url, model="m", service_tier="flex")
    fake.script = without_temperature
    with Client(source, can_wait=True) as patient:
        patient.ask(Question(ASK, 100))
        assert patient.settings.timeout == 600
        with Client(source, capabilities_from=patient) as other:
            other.ask(Question(ASK, 100))
            assert other.settings.timeout == 120
    assert tiers(fake) == ["flex", "flex", None]


def test_a_batch_has_no_tier() -> None:
    client = BatchClient(Endpoint(base_url=OPENAI, model="m", service_tier="flex"))
    with pytest.raises(QuestionInBatch):
        client.ask(Question(ASK, 100))
    assert "service_tier" not in json.loads(client.lines[0].data)["body"]


def without_temperature(seen: Seen, n: int) -> Scene:
    refused = "temperature" in seen.body
    return error(400, "temperature is not supported") if refused else answer("fine")


TIER_PRICES = [
    pytest.param("gpt-5", Decimal("0.5"), id="it has the tier"),
    pytest.param("gpt-4.1", Decimal(1), id="it has no price of its own there"),
]


@pytest.mark.parametrize(("model", "share"), TIER_PRICES)
def test_price_in_the_tier(model: str, share: Decimal) -> None:
    endpoint = Endpoint(base_url=OPENAI, model=model)
    usual = find_cost(endpoint, 100_000, 20_000)
    reduced = find_cost(endpoint, 100_000, 20_000, "flex")
    assert usual and reduced and reduced == usual * share
