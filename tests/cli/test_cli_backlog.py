"""companion service backlog, serve and init: what lay there before is filled once one says so."""

from pathlib import Path

import pytest

from tests.cli.serving import QUIET, serving, wait_until
from tests.cli.user import FILLED, STUB, User

SOON = QUIET.replace("enabled = false", "settle_seconds = 1")
COST = " would be sent to m at http://127.0.0.1"


@pytest.fixture
def old(user: User) -> User:
    """A user whose vault has three stubs, and no daemon yet."""
    user.configure(SOON)
    for name in "ABC":
        user.note(f"{name}.md")
    return user


def all_are(user: User, text: str) -> bool:
    return all(user.read(f"{name}.md") == text for name in "ABC")


def waiting(user: User) -> int:
    """Return how many notes wait for an answer."""
    number: int = user.run("status", "--json").objects[0]["background"]["backlog"]["notes"]
    return number


@pytest.mark.parametrize(("answer", "text"), [("--fill", FILLED), ("--leave", STUB)])
def test_a_service_stays_at_asking_and_says_so(old: User, answer: str, text: str) -> None:
    with serving(old) as daemon:
        assert "3 notes" not in daemon.said
        told = daemon.status
        wait_until(lambda: told().background.backlog.cost, "reckoned")
        (old.vault / "New.md").write_text(STUB)
        wait_until(lambda: old.read("New.md") == FILLED, "filled")
        assert old.calls() == 1 and all_are(old, STUB)
        line = next(line for line in old.run("status").out.splitlines() if "backlog" in line)
        assert line.startswith("backlog      3 notes, which were here before or arrived")
        assert line.endswith("Answer with companion service backlog")
        ran = old.run("service", "backlog")
        assert ran.status == 2 and "nobody is here to answer; add --fill or --leave" in ran.err
        assert old.run("service", "backlog", answer).status == 0
        wait_until(lambda: all_are(old, text), "answered")
        assert told().background.backlog.notes == 0
        assert "backlog " not in old.run("status").out
        assert old.run("service", "backlog", "--fill").out == "No notes wait for an answer.\n"


TYPED = [
    pytest.param(["y"], 0, 0, FILLED, id="yes"),
    pytest.param(["what?", "n"], 0, 0, STUB, id="no, after a moment's thought"),
    pytest.param([], 130, 3, STUB, id="Ctrl-D"),
]


@pytest.mark.parametrize(("typed", "status", "left", "text"), TYPED)
def test_serve_asks_once_at_a_terminal(
    old: User, monkeypatch: pytest.MonkeyPatch, typed: list[str], status: int, left: int, text: str
) -> None:
    served: list[Path] = []
    monkeypatch.setattr("companion.daemon.process.serve", lambda _c, root, *_: served.append(root))
    old.types(*typed)
    ran = old.run("serve")
    assert ran.status == status and f"3 notes{COST}" in ran.out
    assert "at most 100 are filled a day" in ran.out and "Fill them, too? [y/n, or Enter" in ran.err
    assert len(served) == (status == 0) and old.calls() == 0
    if status == 0:
        old.types()
        again = old.run("serve")
        assert again.status == 0 and "Fill them" not in again.all
    assert waiting(old) == left
    with serving(old):
        wait_until(lambda: all_are(old, text), "answered")


def test_enter_leaves_it_open(old: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("companion.daemon.process.serve", lambda *_: None)
    for _ in range(2):
        old.types("")
        ran = old.run("serve")
        assert ran.status == 0 and ran.err.count("Fill them, too?") == 1
        assert "left alone until you answer; companion service backlog asks again" in ran.out
    assert waiting(old) == 3
