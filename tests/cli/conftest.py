from pathlib import Path

import pytest

from tests.cli.user import User
from tests.llm.fake_endpoint import FakeEndpoint


@pytest.fixture
def user(
    tmp_path: Path,
    fake: FakeEndpoint,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> User:
    return User(tmp_path, fake, capsys, monkeypatch)
