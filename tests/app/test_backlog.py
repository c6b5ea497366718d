"""What lay in the vault before, or comes many at once: not asked about until the user agreed."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from companion.app.backlog import MANY, Backlog
from companion.app.types.status import BacklogAnswer
from companion.errors import UsageError
from tests.daemon.daemon_fixture import STUB, DaemonFixture, eventually
from tests.examples import labelled, rename

OLD = ("A.md", "F/B.md", "F/C.md")


@pytest.fixture
def asking(daemon_fixture: DaemonFixture) -> DaemonFixture:
    """A vault with three stubs, whose daemon has just looked it over for the first time."""
    daemon_fixture.settings["backlog"] = "ask"
    daemon_fixture.note("A.md", STUB.replace("Text", "Old text"))
    daemon_fixture.note("F/B.md", STUB.replace("Text", "Older text"), rests=False)
    daemon_fixture.note("F/C.md")
    daemon_fixture.start()
    daemon_fixture.rescan()
    return daemon_fixture


def is_filled(daemon_fixture: DaemonFixture, path: str) -> bool:
    return "> A stub is a short note." in daemon_fixture.read(path)


def filled(daemon_fixture: DaemonFixture) -> set[str]:
    """Return which of the old notes are filled, once a new one is, which comes after them."""
    daemon_fixture.rescan()
    daemon_fixture.note("New.md")
    eventually(lambda: daemon_fixture.is_filled("New.md") and daemon_fixture.is_idle())
    return {
        path
        for path in OLD
        if (daemon_fixture.vault / path).exists() and is_filled(daemon_fixture, path)
    }


def restart(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.stop()
    daemon_fixture.start()
    daemon_fixture.rescan()


def test_what_lies_on_a_drive_that_was_away_at_first_lay_there_before(tmp_path: Path) -> None:
    root, state = tmp_path / "vault", tmp_path / "state"
    root.mkdir()
    Backlog(root, state, "ask").update([], whole=True)
    (root / "Old.md").write_text(STUB)
    assert Backlog(root, state, "ask").update(["Old.md"], whole=True) == {"Old.md"}


def test_what_lay_there_before_waits_for_a_word(asking: DaemonFixture) -> None:
    assert filled(asking) == set() and asking.model.calls() == 1
    told = asking.status().background.backlog
    assert told.notes == 3
    assert told.cost.startswith("3 notes would be sent to m at http://127.0.0.1")
    assert "were here before, or arrived together, wait: 3;" in asking.log.getvalue()
    assert asking.status().background.off == ""


@pytest.mark.parametrize("restarts", [False, True], ids=["at once", "after a restart"])
@pytest.mark.parametrize(("fill", "expected"), [(True, set(OLD)), (False, set())])
def test_it_is_asked_once(
    asking: DaemonFixture, restarts: bool, fill: bool, expected: set[str]
) -> None:
    asking.settings["notes_a_day"] = 100 * (not restarts)
    restart(asking)
    assert asking.status().background.backlog.notes == 3
    asking.daemon.vault.answer_backlog(BacklogAnswer(fill=fill, notes=3))
    asking.settings["notes_a_day"] = 100
    if restarts:
        restart(asking)
    assert filled(asking) == expected
    assert asking.status().background.backlog.notes == 0
    with pytest.raises(UsageError, match="no notes wait for an answer"):
        asking.daemon.vault.answer_backlog(BacklogAnswer(fill=True))


SETTINGS = [
    pytest.param("ask", set(), 3, id="ask"),
    pytest.param("new", set(), 0, id="new"),
    pytest.param("all", set(OLD), 0, id="all"),
]


@pytest.mark.parametrize("late", [False, True], ids=["from the start", "set later"])
@pytest.mark.parametrize(("setting", "expected", "asked"), SETTINGS)
def test_setting(
    daemon_fixture: DaemonFixture, late: bool, setting: str, expected: set[str], asked: int
) -> None:
    for path in OLD:
        daemon_fixture.note(path)
    if late:
        daemon_fixture.settings["backlog"] = "ask"
        daemon_fixture.start()
        daemon_fixture.rescan()
        daemon_fixture.stop()
    daemon_fixture.settings["backlog"] = setting
    daemon_fixture.start()
    assert filled(daemon_fixture) == expected
    assert daemon_fixture.status().background.backlog.notes == asked


def test_nothing_is_asked_where_nothing_is_filled(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.settings |= {"backlog": "ask", "enabled": False}
    daemon_fixture.note("A.md")
    daemon_fixture.start()
    daemon_fixture.rescan()
    assert daemon_fixture.status().background.backlog.notes == 0
    assert "were here before" not in daemon_fixture.log.getvalue()


def _take_away_and_bring_back(daemon_fixture: DaemonFixture) -> None:
    away = daemon_fixture.vault.with_name("away.md")
    (daemon_fixture.vault / "A.md").rename(away)
    daemon_fixture.rescan()
    away.rename(daemon_fixture.vault / "A.md")


WHAT_HAPPENS = {
    "edited": (lambda daemon: daemon.note("A.md", STUB + "And more.\n"), {"A.md"}),
    "touched": (lambda daemon: os.utime(daemon.vault / "A.md"), set()),
    "renamed": (lambda daemon: rename("A.md", "Z.md")(daemon.vault), set()),
    "folder moved": (lambda daemon: rename("F", "G")(daemon.vault), set()),
    "away and back": (_take_away_and_bring_back, set()),
    "asked for": (lambda daemon: daemon.run("A.md", "F"), set(OLD)),
}
OF_A_DAEMON = ("away and back", "asked for")


@pytest.mark.parametrize("runs", [True, False], ids=["while it runs", "while it does not"])
@labelled(("happens", "expected"), WHAT_HAPPENS)
def test_what_becomes_of_a_note_that_waits(
    asking: DaemonFixture,
    happens: Callable[[DaemonFixture], object],
    expected: set[str],
    runs: bool,
) -> None:
    runs = runs or happens in [WHAT_HAPPENS[name][0] for name in OF_A_DAEMON]
    if not runs:
        asking.stop()
    happens(asking)
    if not runs:
        asking.start()
    assert filled(asking) == expected
    notes = [path for path in asking.vault.rglob("*.md") if path.name != "New.md"]
    assert sum("> A stub" in path.read_text() for path in notes) == len(expected)
    assert asking.status().background.backlog.notes == 3 - len(expected)


@pytest.mark.parametrize(("number", "waits"), [(MANY, 0), (MANY + 1, MANY + 1)])
def test_many_that_arrive_at_once_wait(
    daemon_fixture: DaemonFixture, number: int, waits: int
) -> None:
    daemon_fixture.settings |= {"backlog": "ask", "settle_seconds": 3600.0}
    daemon_fixture.start()
    daemon_fixture.rescan()
    folder = daemon_fixture.vault.with_name("from")
    folder.mkdir()
    for name in range(number):
        (folder / f"{name}.md").write_text(STUB + f"{name}\n")
    folder.rename(daemon_fixture.vault / "pulled")
    eventually(lambda: daemon_fixture.status().to_do == number)
    daemon_fixture.rescan()
    status = daemon_fixture.status()
    assert status.background.backlog.notes == waits
    assert status.background.waiting == number - waits
    daemon_fixture.stop()
    daemon_fixture.start()
    daemon_fixture.rescan()
    assert daemon_fixture.status().background.backlog.notes == waits


@pytest.mark.parametrize("damage", [b"", b"{", b'{"A.md": 1}', b"\xff"])
def test_a_damaged_file_counts_as_a_first_look(asking: DaemonFixture, damage: bytes) -> None:
    asking.daemon.vault.answer_backlog(BacklogAnswer(fill=False))
    asking.stop()
    (asking.space.state / "backlog.json").write_bytes(damage)
    asking.start()
    assert filled(asking) == set()
    assert asking.status().background.backlog.notes == 3
    assert "it is started again" in asking.log.getvalue()


class Vault:
    """A backlog on its own, over files, by a clock that the test turns."""

    def __init__(self, folder: Path) -> None:
        self.root, self.state = folder / "vault", folder / "state"
        (self.root / ".obsidian").mkdir(parents=True)
        self.now = 0.0
        self.open()
        self.backlog.update([], whole=True)

    def open(self) -> None:
        self.backlog = Backlog(self.root, self.state, "ask", lambda: self.now)

    def bring(self, *names: str) -> set[str]:
        """Make notes, each with a text of its own, and have them looked at; return what waits."""
        for name in names:
            (self.root / name).write_text(f"{name} at {self.now}")
        kept = self.backlog.update(names, whole=False)
        return kept | {name for name in names if self.backlog.holds_back(name)}


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(tmp_path)


def many(first: int, number: int) -> list[str]:
    return [f"{name}.md" for name in range(first, first + number)]


def test_many_in_several_batches_wait(vault: Vault) -> None:
    assert vault.bring(*many(0, 40)) == set()
    vault.now += 20
    assert len(vault.bring(*many(40, 40))) == 80
    vault.now += 20
    assert len(vault.bring(*many(80, 5))) == 5
    vault.now += 100
    assert vault.bring("own.md") == set()


def test_as_many_over_the_day_do_not(vault: Vault) -> None:
    for name in many(0, 200):
        vault.now += 2.0
        assert vault.bring(name) == set()


def test_what_was_agreed_to_is_not_asked_again(vault: Vault) -> None:
    vault.bring(*many(0, 60))
    vault.backlog.answer(fill=True)
    assert vault.bring("own.md") == set()
    vault.open()
    assert vault.backlog.update([*many(0, 60), "own.md"], whole=True) == set()


def test_what_has_not_changed_is_not_written_again(vault: Vault) -> None:
    file = vault.state / "backlog.json"
    vault.bring(*many(0, 60))
    for start_anew in (False, True):
        if start_anew:
            vault.open()
        vault.backlog.update(many(0, 60), whole=True)
        before = file.stat()
        vault.backlog.update(many(0, 60), whole=True)
        assert file.stat() == before


def test_a_first_look_that_found_nothing_was_the_first(vault: Vault) -> None:
    vault.open()
    (vault.root / "own.md").write_text("x")
    vault.backlog.update(["own.md"], whole=True)
    assert not vault.backlog.holds_back("own.md")


def test_a_copy_is_a_note_of_its_own(vault: Vault) -> None:
    vault.bring(*many(0, 60))
    vault.now += 100
    shutil.copy(vault.root / "0.md", vault.root / "copy.md")
    assert vault.backlog.update(["copy.md"], whole=False) == set()
    assert not vault.backlog.holds_back("copy.md") and vault.backlog.holds_back("0.md")


def test_an_answer_that_cannot_be_kept_changes_nothing(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault.bring(*many(0, 60))

    def refuse(*_: object) -> None:
        raise UsageError("no room")

    monkeypatch.setattr("companion.app.backlog.write_private", refuse)
    with pytest.raises(UsageError, match="no room"):
        vault.backlog.answer(fill=True)
    assert vault.backlog.waiting(many(0, 60)) == tuple(sorted(many(0, 60)))
