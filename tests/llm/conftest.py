import pytest


@pytest.fixture(autouse=True)
def _retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let failed calls be made again as often as users have it, and soon."""
    monkeypatch.setattr("companion.llm.client._FIRST_DELAY", 0.01)
