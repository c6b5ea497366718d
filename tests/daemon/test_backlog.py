"""What lay in the vault before, or comes many at once: not asked about until the user agreed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from companion.daemon.backlog import MANY, Backlog
from companion.errors import NotAgreed, UsageError
from tests.daemon.daemon_fixture import STUB, Keeper, eventually, fake, keeper

__all__ = ["fake", "keeper"]

OLD = ("A.md", "F/B.md", "F/C.md")


@pytest.fixture
def asking(keeper: Keeper) -> Keeper:
    """A vault with three stubs, whose daemon has just looked it over for the first time."""
    keeper.settings["backlog"] = "ask"
    keeper.note("A.md", STUB.replace("Text", "Old text"))
    keeper.note("F/B.md", STUB.replace("Text", "Older text"), rests=False)
    keeper.note("F/C.md")
    keeper.start()
    keeper.rescan()
    return keeper


def is_filled(keeper: Keeper, path: str) -> bool:
    return "> A stub is a short note." in keeper.read(path)


def filled(keeper: Keeper) -> set[str]:
    """Return which of the old notes are filled, once a new one is, which comes after them."""
    keeper.rescan()
    keeper.note("New.md")
    eventually(lambda: keeper.is_filled("New.md") and keeper.is_idle())
    return {path for path in OLD if (keeper.vault / path).exists() and is_filled(keeper, path)}


def restart(keeper: Keeper) -> None:
    keeper.stop()
    keeper.start()
    keeper.rescan()


def test_what_lay_there_before_waits_for_a_word(asking: Keeper) -> None:
    assert filled(asking) == set() and asking.model.calls() == 1
    told = asking.status().background.backlog
    assert told.notes == 3
    assert told.cost.startswith("3 notes would be sent to m at http://127.0.0.1")
    assert "3 notes lay here before" in asking.log.getvalue()
    assert asking.status().background.off == ""


@pytest.mark.parametrize("restarts", [False, True], ids=["at once", "after a restart"])
@pytest.mark.parametrize(("fill", "expected"), [(True, set(OLD)), (False, set())])
def test_it_is_asked_once(asking: Keeper, restarts: bool, fill: bool, expected: set[str]) -> None:
    asking.settings["notes_a_day"] = 100 * (not restarts)
    restart(asking)
    assert asking.status().background.backlog.notes == 3
    asking.daemon.answer_backlog(fill=fill, notes=3)
    asking.settings["notes_a_day"] = 100
    if restarts:
        restart(asking)
    assert filled(asking) == expected
    assert asking.status().background.backlog.notes == 0
    with pytest.raises(UsageError, match="no notes wait for an answer"):
        asking.daemon.answer_backlog(fill=True)


SETTINGS = [
    pytest.param("ask", set(), 3, id="ask"),
    pytest.param("new", set(), 0, id="new"),
    pytest.param("all", set(OLD), 0, id="all"),
]


@pytest.mark.parametrize("late", [False, True], ids=["from the start", "set later"])
@pytest.mark.parametrize(("setting", "expected", "asked"), SETTINGS)
def test_setting(keeper: Keeper, late: bool, setting: str, expected: set[str], asked: int) -> None:
    for path in OLD:
        keeper.note(path)
    if late:
        keeper.settings["backlog"] = "ask"
        keeper.start()
        keeper.rescan()
        keeper.stop()
    keeper.settings["backlog"] = setting
    keeper.start()
    assert filled(keeper) == expected
    assert keeper.status().background.backlog.notes == asked


def test_nothing_is_asked_where_nothing_is_filled(keeper: Keeper) -> None:
    keeper.settings |= {"backlog": "ask", "enabled": False}
    keeper.note("A.md")
    keeper.start()
    keeper.rescan()
    assert keeper.status().background.backlog.notes == 0
    assert "lay here before" not in keeper.log.getvalue()


def _edit(keeper: Keeper) -> set[str]:
    keeper.note("A.md", STUB + "And more.\n")
    return {"A.md"}


def _touch(keeper: Keeper) -> set[str]:
    os.utime(keeper.vault / "A.md")
    return set()


def _rename(keeper: Keeper) -> set[str]:
    (keeper.vault / "A.md").rename(keeper.vault / "Z.md")
    return set()


def _move_folder(keeper: Keeper) -> set[str]:
    (keeper.vault / "F").rename(keeper.vault / "G")
    return set()


def _take_away_and_bring_back(keeper: Keeper) -> set[str]:
    away = keeper.vault.with_name("away.md")
    (keeper.vault / "A.md").rename(away)
    keeper.rescan()
    away.rename(keeper.vault / "A.md")
    return set()


def _ask_for(keeper: Keeper) -> set[str]:
    keeper.run("A.md", "F")
    return set(OLD)


WHAT_HAPPENS = [
    pytest.param(_edit, id="edited"),
    pytest.param(_touch, id="touched"),
    pytest.param(_rename, id="renamed"),
    pytest.param(_move_folder, id="folder moved"),
    pytest.param(_take_away_and_bring_back, id="away and back"),
    pytest.param(_ask_for, id="asked for"),
]


@pytest.mark.parametrize("runs", [True, False], ids=["while it runs", "while it does not"])
@pytest.mark.parametrize("happens", WHAT_HAPPENS)
def test_what_becomes_of_a_note_that_waits(
    asking: Keeper, happens: Callable[[Keeper], set[str]], runs: bool
) -> None:
    if happens in (_ask_for, _take_away_and_bring_back):
        runs = True
    if not runs:
        asking.stop()
    expected = happens(asking)
    if not runs:
        asking.start()
    assert filled(asking) == expected
    notes = [path for path in asking.vault.rglob("*.md") if path.name != "New.md"]
    assert sum("> A stub" in path.read_text() for path in notes) == len(expected)
    assert asking.status().background.backlog.notes == 3 - len(expected)


@pytest.mark.parametrize(("number", "waits"), [(MANY, 0), (MANY + 1, MANY + 1)])
def test_many_that_arrive_at_once_wait(keeper: Keeper, number: int, waits: int) -> None:
    keeper.settings |= {"backlog": "ask", "settle_seconds": 3600.0}
    keeper.start()
    keeper.rescan()
    for name in range(number):
        keeper.note(f"from/{name}.md", STUB + f"{name}\n", rests=False)
    (keeper.vault / "from").rename(keeper.vault / "pulled")
    eventually(lambda: keeper.status().to_do == number)
    keeper.rescan()
    status = keeper.status()
    assert status.background.backlog.notes == waits
    assert status.background.waiting == number - waits
    keeper.stop()
    keeper.start()
    keeper.rescan()
    assert keeper.status().background.backlog.notes == waits


def test_an_answer_is_for_as_many_as_one_was_told_of(asking: Keeper) -> None:
    with pytest.raises(NotAgreed, match="has grown from 2 notes to 3 meanwhile; look again"):
        asking.daemon.answer_backlog(fill=True, notes=2)
    assert filled(asking) == set()


@pytest.mark.parametrize("damage", [b"", b"{", b'{"A.md": 1}', b"\xff"])
def test_a_damaged_file_counts_as_a_first_look(asking: Keeper, damage: bytes) -> None:
    asking.daemon.answer_backlog(fill=False)
    asking.stop()
    (asking.space.state / "backlog.json").write_bytes(damage)
    asking.start()
    assert filled(asking) == set()
    assert asking.status().background.backlog.notes == 3
    assert "it is begun anew" in asking.log.getvalue()


class Vault:
    """A backlog on its own, over files, by a clock that the test turns."""

    def __init__(self, folder: Path) -> None:
        self.root, self.state = folder / "vault", folder / "state"
        self.root.mkdir()
        self.now = 0.0
        self.open()
        self.backlog.sort([], whole=True)

    def open(self) -> None:
        self.backlog = Backlog(self.root, self.state, "ask", lambda: self.now)

    def bring(self, *names: str) -> set[str]:
        """Make notes, each with a text of its own, and have them looked at; return what waits."""
        for name in names:
            (self.root / name).write_text(f"{name} at {self.now}")
        kept = self.backlog.sort(names, whole=False)
        return kept | {name for name in names if self.backlog.keeps_back(name)}


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
    assert vault.backlog.sort([*many(0, 60), "own.md"], whole=True) == set()


def test_what_has_not_changed_is_not_written_again(vault: Vault) -> None:
    file = vault.state / "backlog.json"
    vault.bring(*many(0, 60))
    for start_anew in (False, True):
        if start_anew:
            vault.open()
        vault.backlog.sort(many(0, 60), whole=True)
        before = file.stat()
        vault.backlog.sort(many(0, 60), whole=True)
        assert file.stat() == before


def test_a_first_look_that_found_nothing_was_the_first(vault: Vault) -> None:
    vault.open()
    (vault.root / "own.md").write_text("x")
    vault.backlog.sort(["own.md"], whole=True)
    assert not vault.backlog.keeps_back("own.md")


def test_a_copy_is_a_note_of_its_own(vault: Vault) -> None:
    vault.bring(*many(0, 60))
    vault.now += 100
    shutil.copy(vault.root / "0.md", vault.root / "copy.md")
    assert vault.backlog.sort(["copy.md"], whole=False) == set()
    assert not vault.backlog.keeps_back("copy.md") and vault.backlog.keeps_back("0.md")


def test_an_answer_that_cannot_be_kept_changes_nothing(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault.bring(*many(0, 60))

    def refuse(*_: object) -> None:
        raise UsageError("no room")

    monkeypatch.setattr("companion.daemon.backlog.write_private", refuse)
    with pytest.raises(UsageError, match="no room"):
        vault.backlog.answer(fill=True)
    assert vault.backlog.asked(many(0, 60)) == tuple(sorted(many(0, 60)))
