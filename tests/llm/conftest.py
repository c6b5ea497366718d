from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.llm.fake_endpoint import FakeEndpoint


@pytest.fixture
def fake() -> Iterator[FakeEndpoint]:
    endpoint = FakeEndpoint()
    yield endpoint
    endpoint.close()
