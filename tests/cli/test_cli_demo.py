"""companion demo: an example vault of its own, which is made anew, and never anybody else's."""

import os
from pathlib import Path

import pytest

from companion.app.open_vault import RuntimeFile, write_runtime_file
from companion.vault.lock import daemon_lock
from tests.cli.user import REPOSITORY, User, files_in

EXAMPLES = files_in(REPOSITORY / "examples/vault")
SCREEN = (
    "+description: What a stub is.",
    "No proposals wait.",
    "Nothing to do: no note here needs anything, except what is left alone:",
    "1  it says ai: false",
    "On a page in the browser: companion demo serve, and beside it companion demo open",
)
"""What the screen at the end says."""


@pytest.fixture(autouse=True)
def _asks_the_fake(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the endpoint of the test in the environment; the real demo asks the embedded model."""
    monkeypatch.setattr("companion.cli.demo.ENDPOINT_VARIABLES", ())


def notes_in(folder: Path) -> dict[str, bytes]:
    files = files_in(folder)
    return {name: data for name, data in files.items() if not name.startswith(".companion-demo")}


def test_it_fills_the_example_vault_and_takes_it_back(user: User) -> None:
    before = dict(os.environ), Path.cwd()
    ran = user.run("demo")
    folder = user.home / "demo"
    assert ran.status == 0, ran.all
    assert f"A copy of the example vault is in {folder}; your notes are not touched." in ran.out
    for words in SCREEN:
        assert words in ran.out.partition("$ companion history")[2], words
    assert b"description: What a stub is." in (folder / "Cooking/Sourdough.md").read_bytes()
    assert (dict(os.environ), Path.cwd()) == before
    assert user.run("demo", "undo").status == 0
    assert notes_in(folder) == EXAMPLES
    assert not list((user.home).glob("vaults/*"))  # nothing of it is in the user's own state


def test_again_it_begins_anew_and_keeps_what_was_added(user: User, tmp_path: Path) -> None:
    folder = tmp_path / "with blanks 'and quotes'"
    first = user.run("demo", "--vault", str(folder))
    (folder / "Mine.md").write_text("Mine.\n")
    (folder / "Diary.md").unlink()
    again = user.run("demo", "--vault", str(folder))
    assert (first.status, again.status) == (0, 0)
    assert (folder / "Mine.md").read_text() == "Mine.\n"
    assert "✓ Cooking/Sourdough.md" in first.out and "✓ Cooking/Sourdough.md" in again.out
    listed = user.run("demo", "--vault", str(folder), "history", "--limit", "1")
    assert listed.status == 0 and len(listed.out.splitlines()) > 0


def test_a_model_is_set_for_the_example_vault_only(user: User) -> None:
    user.run("demo", "--model", "smollm2-135m")
    assert "smollm2" in (user.home / "demo/.companion-demo/home/config.toml").read_text()
    assert "smollm2" not in (user.home / "config.toml").read_text()


def test_a_daemon_at_work_on_it_is_not_disturbed(user: User) -> None:
    user.run("demo")
    [state] = (user.home / "demo/.companion-demo/home/vaults").glob("*")
    before = files_in(user.home / "demo")
    with daemon_lock(state):
        write_runtime_file(state, RuntimeFile(1, os.getpid(), "0.3.0", 0.0))
        ran = user.run("demo")
    assert ran.status == 1 and f"pid {os.getpid()}" in ran.err
    assert before.items() <= files_in(user.home / "demo").items()
