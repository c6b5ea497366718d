"""What a Vault tells of itself: status, backlog, costs, and what is sent."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from companion.app.open_vault import RuntimeFile, open_vault, write_runtime_file
from companion.app.types.status import BacklogAnswer
from companion.app.vault import Vault
from companion.config import state_folder
from companion.errors import ConsentMissing, UsageError
from companion.vault.lock import daemon_lock
from tests.app.test_vault import proposed, write_settings
from tests.daemon.daemon_fixture import STUB, open_daemon_fixture
from tests.llm.fake_endpoint import FakeEndpoint

__all__ = ["proposed"]


@contextmanager
def with_backlog(
    folder: Path, fake: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Vault]:
    """Open a vault with three stubs that wait for the user's answer."""
    write_settings(folder, fake, '[background]\nbacklog = "ask"\nsettle_seconds = 3600\n')
    with open_daemon_fixture(folder, fake, monkeypatch) as fixture:
        fixture.settings |= {"backlog": "ask", "settle_seconds": 3600.0}
        for path in ("A.md", "F/B.md", "F/C.md"):
            fixture.note(path)
        with open_vault(fixture.vault) as vault:
            yield vault


@pytest.fixture
def vault(tmp_path: Path, fake: FakeEndpoint, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vault]:
    with with_backlog(tmp_path, fake, monkeypatch) as vault:
        yield vault


def test_status(vault: Vault, fake: FakeEndpoint) -> None:
    status = vault.status()
    assert (status.vault, status.model, status.endpoint) == ("vault", "m", fake.url)
    assert (status.is_embedded, status.is_remote, status.modes["callout"]) == (
        False,
        False,
        "write",
    )
    assert (status.background.notes_today, status.background.notes_a_day) == (0, 100)
    assert (status.today.notes, status.today.input_tokens, status.today.is_free) == (0, 0, True)
    assert (status.proposals, status.newest_change, status.settings_fault) == (0, 0, "")
    assert (status.pid, status.started_at, status.ready, status.notes) == (None, None, False, 0)
    assert status.background.off == "no daemon runs; companion serve starts one"
    with daemon_lock(state := state_folder(vault.root)):
        write_runtime_file(state, RuntimeFile(1, os.getpid(), "", 0.0))
        status = vault.status()
        assert (status.running, status.pid, status.background.off) == (True, os.getpid(), "")


def test_status_counts_what_waits_for_a_decision(proposed: Vault) -> None:
    assert proposed.status().proposals == 4


@pytest.mark.parametrize("fill", [True, False])
def test_backlog(vault: Vault, fill: bool) -> None:
    backlog = vault.backlog()
    assert backlog.notes == 3
    assert backlog.cost.startswith("3 notes would be sent to m at http://127.0.0.1")
    with pytest.raises(ConsentMissing, match="from 2 notes to 3 in the meantime; look again"):
        vault.answer_backlog(BacklogAnswer(fill=fill, notes=2))
    vault.answer_backlog(BacklogAnswer(fill=fill, notes=3))
    assert vault.backlog().notes == 0
    with pytest.raises(UsageError, match="no notes wait for an answer"):
        vault.answer_backlog(BacklogAnswer(fill=fill))
    assert (vault.root / "A.md").read_text() == STUB


def test_prompt(vault: Vault, fake: FakeEndpoint) -> None:
    told = vault.prompt("A.md")
    assert told.endpoint.startswith(f"m at {fake.url}") and not told.remarks
    shown = "".join(message["content"] for call in told.calls for message in call.messages)
    assert "Text of mine." in shown and told.calls[0].schema
    assert vault.prompt("A.md", section="Stub").calls != told.calls
    (vault.root / "Private.md").write_text("---\nai: false\ndescription:\n---\nNot this.\n")
    left_alone = vault.prompt("Private.md")
    assert left_alone.calls == []
    assert left_alone.remarks == ["Private.md: nothing would be sent: it says ai: false"]
    with pytest.raises(UsageError, match=r"there is no Nowhere\.md"):
        vault.prompt("Nowhere.md")
    assert not fake.seen
