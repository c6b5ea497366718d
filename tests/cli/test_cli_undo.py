"""companion undo and history: everything can be taken back, and what the user wrote since stays."""

from __future__ import annotations

import re
import time
from datetime import datetime

import pytest

from companion.errors import NoteBusy
from tests.cli.user import FILLED, STUB, User


@pytest.fixture
def enriched(user: User) -> User:
    """Two runs: change 1 in Stub.md, change 2 in Folder/B.md."""
    user.note("Stub.md")
    user.run("enrich", ".")
    user.note("Folder/B.md")
    user.run("enrich", ".")
    return user


UNDOS = [
    pytest.param(["1"], {"Stub.md"}, id="by change"),
    pytest.param(["Stub.md"], {"Stub.md"}, id="by note"),
    pytest.param(["Folder/B"], {"Folder/B.md"}, id="by note without .md"),
    pytest.param([], {"Folder/B.md"}, id="the newest run"),
]


@pytest.mark.parametrize(("arguments", "expected"), UNDOS)
def test_undo(enriched: User, arguments: list[str], expected: set[str]) -> None:
    ran = enriched.run("undo", *arguments)
    assert (ran.status, ran.err) == (0, "")
    assert "1 change taken back" in ran.out
    for path in ("Stub.md", "Folder/B.md"):
        assert enriched.read(path) == (STUB if path in expected else FILLED)


def test_undo_a_whole_run(user: User) -> None:
    for name in "ABC":
        user.note(f"{name}.md")
    told = user.run("enrich", ".").out
    [run] = re.findall(r"undo --run (\S+)", told)
    ran = user.run("undo", "--run", run)
    assert ran.status == 0 and "3 changes taken back" in ran.out
    assert all(user.read(f"{name}.md") == STUB for name in "ABC")
    again = user.run("undo", "--run", run)
    assert again.status == 0 and "made no change that is still there" in again.err


def test_bare_undo_goes_back_run_by_run(enriched: User) -> None:
    assert enriched.run("undo").status == 0
    assert enriched.run("undo").status == 0
    assert enriched.read("Stub.md") == enriched.read("Folder/B.md") == STUB
    third = enriched.run("undo")
    assert third.status == 0 and "there is nothing to take back; see companion history" in third.err


GONE = [
    pytest.param(None, "no longer there", id="deleted"),
    pytest.param(FILLED.replace("It grows", "It shrinks"), "edited since", id="edited"),
]


@pytest.mark.parametrize(("text", "reason"), GONE)
def test_bare_undo_takes_no_older_run_back(enriched: User, text: str | None, reason: str) -> None:
    if text is None:
        (enriched.vault / "Folder/B.md").unlink()
    else:
        enriched.note("Folder/B.md", text)
    for _ in range(2):
        ran = enriched.run("undo")
        assert (ran.status, ran.err.count("\n")) == (1, 2) and reason in ran.err
        assert enriched.read("Stub.md") == FILLED and "0 changes taken back" in ran.out
    [older] = re.findall(r"can be taken back; companion undo (--run \S+) takes back", ran.err)
    assert enriched.run("undo", *older.split()).status == 0
    assert enriched.read("Stub.md") == STUB
    nothing = enriched.run("undo")
    assert nothing.status == 1 and nothing.err.endswith("can be taken back; no other is left\n")


def test_bare_undo_goes_on_within_the_last_run(user: User) -> None:
    for name in "ABC":
        user.note(f"{name}.md")
    user.run("enrich", ".")
    (user.vault / "B.md").unlink()
    ran = user.run("undo")
    assert (ran.status, ran.err.count("\n")) == (1, 1) and "2 changes taken back" in ran.out
    assert user.read("A.md") == user.read("C.md") == STUB


def test_a_note_that_was_moved_is_undone_once_it_is_back(enriched: User) -> None:
    moved = (enriched.vault / "Stub.md").rename(enriched.vault / "Moved.md")
    refused = enriched.run("undo", "1")
    assert refused.status == 1 and "move it back under this name to undo" in refused.err
    moved.rename(enriched.vault / "Stub.md")
    assert enriched.run("undo", "1").status == 0 and enriched.read("Stub.md") == STUB


def test_bare_undo_stops_at_what_is_only_busy(
    enriched: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise NoteBusy("another program has it open", "Folder/B.md")

    monkeypatch.setattr("companion.cli.undo.undo_change", refuse)
    ran = enriched.run("undo")
    assert (ran.status, ran.err.count("\n")) == (1, 1) and "0 changes taken back" in ran.out
    assert enriched.read("Stub.md") == FILLED


def test_undoing_an_undo_makes_the_change_again(enriched: User) -> None:
    enriched.run("undo", "1")
    ran = enriched.run("undo", "3")
    assert ran.status == 0 and enriched.read("Stub.md") == FILLED
    states = [(o["id"], o["state"]) for o in enriched.run("history", "--json").objects]
    assert states == [(4, "done"), (3, "undone"), (2, "done"), (1, "done")]


def test_later_edits_stay(enriched: User) -> None:
    mine = ("Text of mine.\n", "New text of mine.\n\nMore.\n")
    enriched.note("Stub.md", FILLED.replace(*mine))
    assert enriched.run("undo", "Stub.md").status == 0
    assert enriched.read("Stub.md") == STUB.replace(*mine)


REFUSED = [
    pytest.param(FILLED.replace("What a stub", "What my stub"), "edited since", id="description"),
    pytest.param(FILLED.replace("It grows", "It shrinks"), "edited since", id="callout"),
    pytest.param(None, "no longer there", id="deleted"),
]


@pytest.mark.parametrize(("text", "reason"), REFUSED)
def test_undo_refuses(enriched: User, text: str | None, reason: str) -> None:
    if text is None:
        (enriched.vault / "Stub.md").unlink()
    else:
        enriched.note("Stub.md", text)
    ran = enriched.run("undo", "1")
    assert ran.status == 1 and reason in ran.err and "0 changes taken back" in ran.out
    assert text is None or enriched.read("Stub.md") == text


WRONG = [
    pytest.param(["99"], "there is no change 99; see companion history", id="no such change"),
    pytest.param(["9" * 5000], "there is no change 999", id="a number beyond all changes"),
    pytest.param(["Other.md"], "changed nothing in Other.md that is still there", id="untouched"),
    pytest.param(["Nowhere.md"], "there is no Nowhere.md in the vault", id="no such note"),
    pytest.param(["--run", "x"], "there is no run x", id="no such run"),
    pytest.param(["1", "--run", "x"], "not both", id="two ways"),
]


@pytest.mark.parametrize(("arguments", "reason"), WRONG)
def test_undo_of_what_is_not_there(enriched: User, arguments: list[str], reason: str) -> None:
    enriched.note("Other.md", "# Other\n")
    ran = enriched.run("undo", *arguments)
    assert ran.status == (0 if arguments == ["Other.md"] else 2)
    assert reason in ran.err and ran.out == ""


def test_undo_twice_is_refused_with_who_did_it(enriched: User) -> None:
    enriched.run("undo", "1")
    ran = enriched.run("undo", "1")
    assert ran.status == 1 and "taken back already by change 3" in ran.err


def test_undo_json(enriched: User) -> None:
    assert enriched.run("undo", "1", "--json").objects == [
        {"change": 1, "path": "Stub.md", "undone_by": 3}
    ]
    assert enriched.run("undo", "1", "--json").objects == [
        {"change": 1, "path": "Stub.md", "undone_by": None}
    ]


def test_history(enriched: User) -> None:
    newest, oldest = enriched.run("history", "--json").objects
    assert (newest["path"], oldest["path"]) == ("Folder/B.md", "Stub.md")
    assert oldest["made_at"].endswith("Z") and datetime.fromisoformat(oldest["made_at"]).tzinfo
    assert oldest | {"made_at": "", "run": ""} == {
        "id": 1,
        "run": "",
        "path": "Stub.md",
        "kind": "enrich",
        "state": "done",
        "made_at": "",
        "needs": ["description", "callout:top"],
        "model": "m",
        "note": "",
        "undoes": None,
        "undone_by": None,
    }
    told = enriched.run("history", "Stub.md", "--diff").out
    assert "filled description, callout by m" in told and "Folder/B.md" not in told
    assert "+description: What a stub is.\n" in told and "+> [!ai] AI\n" in told
    assert len(enriched.run("history", "--limit", "1").out.splitlines()) == 2
    assert len(enriched.run("history", "--limit", "9" * 20).out.splitlines()) == 4


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the zone cannot be set")
def test_history_tells_local_time_with_its_offset(
    enriched: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Test-05:30")
    time.tzset()
    try:
        told = enriched.run("history").out
    finally:
        monkeypatch.undo()
        time.tzset()
    assert re.match(r" +2  \d{4}-\d\d-\d\d \d\d:\d\d \+0530  Folder/B.md\n", told)


def test_history_of_a_note_that_is_gone(enriched: User) -> None:
    (enriched.vault / "Stub.md").rename(enriched.vault / "Renamed.md")
    ran = enriched.run("history", "Stub.md")
    assert ran.status == 0 and "Stub.md" in ran.out
    assert enriched.run("history", "Renamed.md").out == "no changes yet\n"
    refused = enriched.run("undo", "Stub.md")
    assert refused.status == 1 and "no longer there" in refused.err
    assert enriched.read("Renamed.md") == FILLED


def test_history_names_what_was_filled(user: User) -> None:
    user.note("N.md", "# N\n\n> [!ai] Why?\n\n## Part\n\n> [!ai]\n\n> [!ai]\n")
    user.run("enrich", "N.md")
    told = user.run("history").out
    assert (
        "filled description, callout “Why?”, callout under “Part”, callout under “Part#2”" in told
    )


def test_history_of_nothing(user: User) -> None:
    assert user.run("history") == (0, "no changes yet\n", "")
    assert user.run("history", "--json").out == ""
