"""The OpenAPI document is true: what it says is what the server does."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.config import SchemathesisConfig

from companion.daemon.app import NOUNS
from companion.daemon.guard import OPEN
from companion.daemon.openapi import describe_api
from tests.daemon.conftest import Served
from tests.daemon.fake_daemon import FakeDaemon

EXAMPLES = int(os.environ.get("COMPANION_API_EXAMPLES", "5"))  # of every address


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server for all the examples."""
    daemon = FakeDaemon(tmp_path_factory.mktemp("vault"))
    daemon.works_at_once = True
    served = Served(daemon)
    yield served
    served.stop()


# Notes and runs of a right form need not be there: 422 is the answer then, too.
CHECKS = {
    "negative_data_rejection": {
        "expected-statuses": ["400", "401", "403", "404", "405", "413", "415", "422", "431"]
    },
    "positive_data_acceptance": {"expected-statuses": ["2xx", "304", "403", "404", "409", "422"]},
}
CONFIG = SchemathesisConfig.from_dict({"checks": CHECKS})
schema = schemathesis.openapi.from_dict(json.loads(describe_api(NOUNS)), config=CONFIG)


@schema.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_server_error_and_no_undocumented_answer(
    case: schemathesis.Case[Any], lasting: Served
) -> None:
    case.call_and_validate(
        base_url=f"http://127.0.0.1:{lasting.port}",
        headers={"Authorization": f"Bearer {lasting.token}"},
        timeout=30,
    )


def test_the_document_says_it_all(server: Served) -> None:
    answer = server.get("/openapi.json")
    document = answer.json
    assert document["openapi"].startswith("3.1") and "servers" not in document
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    assert all(path.startswith("/api/v1/") for path in set(document["paths"]) - {"/healthz"})
    routes = {
        (method.upper(), path): told
        for path, operations in document["paths"].items()
        for method, told in operations.items()
    }
    assert {place for place, told in routes.items() if told.get("security") == []} == OPEN
    assert len({told["operationId"] for told in routes.values()}) == len(routes) == 19
    assert all(told["summary"] for told in routes.values())
    references = set(re.findall(r'"#/components/schemas/(\w+)"', answer.body.decode()))
    assert references == set(document["components"]["schemas"])
