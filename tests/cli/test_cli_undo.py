"""companion undo and history: everything can be taken back, and what the user wrote since stays."""

from __future__ import annotations

import re
import sqlite3
import time
from contextlib import closing
from datetime import datetime

import pytest

from companion.cli.filters import parse_time
from companion.config import state_folder
from companion.errors import NoteBusy
from tests.cli.user import FILLED, STUB, User

DAY = 86_400.0  # seconds


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


@pytest.fixture
def days(user: User) -> User:
    """Changes 1 to 3 in A.md, F/B.md and F/G/C.md, each a run: two weeks, one, no days ago."""
    for path in ("A.md", "F/B.md", "F/G/C.md"):
        user.note(path)
        user.run("enrich", path)
    user.note("F.md")
    user.note("Other/O.md")
    state = state_folder(user.vault)
    with closing(sqlite3.connect(state / "journal.sqlite3")) as db, db:
        for change, age in ((1, 14), (2, 7)):
            db.execute("UPDATE changes SET made_at = made_at - ? WHERE id = ?", (age * DAY, change))
    return user


SEVERAL = [
    pytest.param(["3", "1"], [3, 1], id="several changes"),
    pytest.param(["3", "03", "F/G/C"], [3], id="one of them twice"),
    pytest.param(["1", "F/B.md"], [2, 1], id="a change and a note"),
    pytest.param(["F"], [3, 2], id="a folder"),
    pytest.param(["F/G"], [3], id="a folder in it"),
    pytest.param(["F", "A.md"], [3, 2, 1], id="a folder and a note"),
    pytest.param(["."], [3, 2, 1], id="the vault"),
    pytest.param(["--today"], [3], id="today"),
    pytest.param(["--since", "8d"], [3, 2], id="since some days"),
    pytest.param(["--since", "3 weeks ago"], [3, 2, 1], id="since some weeks"),
    pytest.param(["--since", "2001-01-01"], [3, 2, 1], id="since a day"),
    pytest.param(["F", "--since", "yesterday"], [3], id="since then in a folder"),
    pytest.param(["A.md", "F/B.md", "--since", "8d"], [2], id="since then in notes"),
    pytest.param([".", "--today"], [3], id="today in the vault"),
]


@pytest.mark.parametrize(("arguments", "changes"), SEVERAL)
def test_undo_of_several(days: User, arguments: list[str], changes: list[int]) -> None:
    ran = days.run("undo", *arguments, "--json")
    assert (ran.status, ran.err) == (0, "")
    assert [told["change"] for told in ran.objects] == changes
    for number, path in enumerate(("A.md", "F/B.md", "F/G/C.md"), 1):
        assert days.read(path) == (STUB if number in changes else FILLED)


@pytest.mark.parametrize("arguments", [["1", "2", "3"], ["."], ["--since", "2001-01-01"]])
def test_undo_of_several_goes_on_past_what_cannot_be(days: User, arguments: list[str]) -> None:
    days.note("F/B.md", FILLED.replace("What a stub", "What my stub").replace("It grows", "No"))
    ran = days.run("undo", *arguments)
    assert ran.status == 1 and "edited since" in ran.err
    assert "2 changes taken back" in ran.out
    assert days.read("A.md") == days.read("F/G/C.md") == STUB


NOTHING = [
    pytest.param(
        ["1", "Other"], 1, "changed nothing in Other that is still there", id="one is untouched"
    ),
    pytest.param(["1", "9"], 1, "there is no change 9", id="one of them is none"),
    pytest.param(["--since", "soon"], 2, "soon is not a time; write it as 20", id="not a time"),
    pytest.param(["--since", "2999-01-01"], 2, "lies in the future", id="not yet"),
    pytest.param(["--since", "9999999999d"], 2, "is not a time", id="a number too large"),
    pytest.param(["--since", ""], 2, "is not a time", id="nothing"),
    pytest.param(["--since", "8d", "--today"], 2, "--since or --today, not both", id="two times"),
    pytest.param(["1", "--today"], 2, "1 is a change", id="a number and a time"),
    pytest.param(["--run", "x", "--today"], 2, "not both", id="a run and a time"),
]


@pytest.mark.parametrize(("arguments", "status", "reason"), NOTHING)
def test_undo_of_several_that_are_not_there(
    days: User, arguments: list[str], status: int, reason: str
) -> None:
    before = days.files()
    ran = days.run("undo", *arguments)
    assert ran.status == status and reason in ran.err and ran.out == ""
    assert days.files() == before


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        pytest.param(["Other"], "changed nothing in Other that is still there", id="untouched"),
        pytest.param(["A.md", "--today"], "nothing to take back since 20", id="not so late"),
    ],
)
def test_undo_where_nothing_was_changed(days: User, arguments: list[str], reason: str) -> None:
    before = days.files()
    ran = days.run("undo", *arguments)
    assert ran.status == 0 and reason in ran.err and days.files() == before


MOMENTS = [
    pytest.param("2026-11-20", "2026-11-20 00:00:00", id="a day"),
    pytest.param("2026-11-20 14:30", "2026-11-20 14:30:00", id="a time of it"),
    pytest.param("2026-11-20T14:30:05", "2026-11-20 14:30:05", id="as ISO 8601 has it"),
    pytest.param("9:05", "2026-11-26 09:05:00", id="a time of today"),
    pytest.param("Today", "2026-11-26 00:00:00", id="today"),
    pytest.param("yesterday", "2026-11-25 00:00:00", id="yesterday"),
    pytest.param("90m", "2026-11-26 16:30:00", id="minutes"),
    pytest.param("36 hours ago", "2026-11-25 06:00:00", id="hours"),
    pytest.param("1 day", "2026-11-25 18:00:00", id="a day's length"),
    pytest.param("2w", "2026-11-12 18:00:00", id="weeks"),
]


@pytest.mark.parametrize(("typed", "expected"), MOMENTS)
def test_moment(typed: str, expected: str) -> None:
    moment = parse_time(typed, datetime(2026, 11, 26, 18, 0))
    assert moment is not None
    assert str(datetime.fromtimestamp(moment)) == expected


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


EDITED = FILLED.replace("It grows", "It shrinks").replace("What a stub", "What my stub")
GONE = [
    pytest.param(None, "no longer there", id="deleted"),
    pytest.param(EDITED, "edited since", id="edited"),
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


MOVES = [
    pytest.param("Renamed.md", id="renamed"),
    pytest.param("Folder/Deep/Stub.md", id="moved"),
    pytest.param("Archive/Other.md", id="both, to where notes are left alone"),
]


@pytest.mark.parametrize("new", MOVES)
@pytest.mark.parametrize("arguments", [["1"], ["NEW"], ["Stub.md"], ["--run", "RUN"]])
def test_a_note_that_was_moved_is_undone_where_it_is(
    user: User, new: str, arguments: list[str]
) -> None:
    user.configure('[endpoint]\nretries = 0\n[ignore]\nfolders = ["Archive"]\n')
    user.note("Stub.md")
    user.run("enrich", ".")
    run = user.run("history", "--json").objects[0]["run"]
    _move(user, "Stub.md", new)
    told = user.run("history", new).out
    assert "filled description, callout" in told and f"  {new}\n" in told
    named = [{"NEW": new, "RUN": run}.get(argument, argument) for argument in arguments]
    ran = user.run("undo", *named)
    assert (ran.status, ran.err, user.read(new)) == (0, "", STUB)
    assert f"{new} (moved from Stub.md): " in ran.out
    assert not (user.vault / "Stub.md").exists()
    _move(user, new, "Back.md")
    assert user.run("undo", "2").status == 0 and user.read("Back.md") == FILLED


def _move(user: User, old: str, new: str) -> None:
    target = user.vault / new
    target.parent.mkdir(parents=True, exist_ok=True)
    (user.vault / old).rename(target)


def test_a_note_that_was_moved_and_edited_is_found_by_what_was_put_in(user: User) -> None:
    user.note("Stub.md")
    user.run("enrich", ".")
    _move(user, "Stub.md", "New.md")
    user.note("New.md", FILLED + "More.\n")
    assert user.run("undo", "1").status == 0 and user.read("New.md") == STUB + "More.\n"


UNSURE = [
    pytest.param([FILLED, FILLED], id="copies"),
    pytest.param([FILLED + "More.\n", FILLED + "Other.\n"], id="edited copies"),
    pytest.param([FILLED.replace("It grows", "It shrinks")], id="edited within"),
]


@pytest.mark.parametrize("texts", UNSURE)
def test_a_note_that_may_be_another_is_not_taken_for_the_moved_one(
    user: User, texts: list[str]
) -> None:
    user.note("Stub.md")
    user.run("enrich", ".")
    (user.vault / "Stub.md").unlink()
    for number, text in enumerate(texts):
        user.note(f"{number}.md", text)
    refused = user.run("undo", "1")
    assert refused.status == 1 and "move it back under this name to undo" in refused.err
    assert [user.read(f"{number}.md") for number in range(len(texts))] == texts
    user.note("Stub.md", FILLED)
    assert user.run("undo", "1").status == 0 and user.read("Stub.md") == STUB


def test_bare_undo_stops_at_what_is_only_busy(
    enriched: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise NoteBusy("another program has it open", "Folder/B.md")

    monkeypatch.setattr("companion.store.undo.undo_change", refuse)
    ran = enriched.run("undo")
    assert (ran.status, ran.err.count("\n")) == (1, 1) and "0 changes taken back" in ran.out
    assert enriched.read("Stub.md") == FILLED


def test_undoing_an_undo_makes_the_change_again(enriched: User) -> None:
    enriched.run("undo", "1")
    ran = enriched.run("undo", "3")
    assert ran.status == 0 and enriched.read("Stub.md") == FILLED
    states = [(o["id"], o["state"]) for o in enriched.run("history", "--json").objects]
    assert states == [(4, "done"), (3, "undone"), (2, "done"), (1, "done")]


PARTS = [
    pytest.param("What a stub", "What my stub", "description", id="description edited"),
    pytest.param("It grows", "It shrinks", "callout", id="callout edited"),
    pytest.param(FILLED[FILLED.index("> [!ai]") : FILLED.index("Text")], "", "callout", id="gone"),
]


@pytest.mark.parametrize(("old", "new", "left"), PARTS)
def test_undo_of_what_can_go_names_the_rest(enriched: User, old: str, new: str, left: str) -> None:
    enriched.note("Stub.md", FILLED.replace(old, new))
    ran = enriched.run("undo", "1")
    assert ran.status == 1 and f"taken out since: {left}; remove by hand" in ran.err
    assert "(change 1), taken back in part" in ran.out
    assert "0 changes taken back, 1 in part" in ran.out
    assert f"[undone, except {left}]" in enriched.run("history", "Stub.md").out
    again = enriched.run("undo", "1", "--json")
    [told] = again.objects
    assert (told["undone_by"], told["left"], told["code"]) == (None, [left], "note-changed")
    assert again.status == 1 and "edited since" in told["reason"]
    assert enriched.run("undo", "3").status == 0
    assert enriched.read("Stub.md") == FILLED.replace(old, new)


def test_bare_undo_goes_on_after_a_part(user: User) -> None:
    user.note("A.md")
    user.run("enrich", ".")
    user.note("B.md")
    user.run("enrich", ".")
    user.note("B.md", FILLED.replace("It grows", "It shrinks"))
    assert user.run("undo").status == 1
    assert user.run("undo").status == 0 and user.read("A.md") == STUB


WRONG = [
    pytest.param(["99"], 1, "there is no change 99; see companion history", id="no such change"),
    pytest.param(["9" * 5000], 1, "there is no change 999", id="a number beyond all changes"),
    pytest.param(
        ["Other.md"], 0, "changed nothing in Other.md that is still there", id="untouched"
    ),
    pytest.param(["Nowhere.md"], 2, "there is no Nowhere.md in the vault", id="no such note"),
    pytest.param(["--run", "x"], 1, "there is no run x", id="no such run"),
    pytest.param(["1", "--run", "x"], 2, "not both", id="two ways"),
]


@pytest.mark.parametrize(("arguments", "status", "reason"), WRONG)
def test_undo_of_what_is_not_there(
    enriched: User, arguments: list[str], status: int, reason: str
) -> None:
    enriched.note("Other.md", "# Other\n")
    ran = enriched.run("undo", *arguments)
    assert ran.status == status
    assert reason in ran.err and ran.out == ""


def test_undo_json(enriched: User) -> None:
    assert enriched.run("undo", "1", "--json").objects == [
        {
            "change": 1,
            "path": "Stub.md",
            "undone_by": 3,
            "left": [],
            "reason": None,
            "code": None,
            "moved_from": None,
            "waits": None,
        }
    ]
    enriched.note("Folder/B.md", FILLED.replace("What a stub", "What my stub"))
    [told] = enriched.run("undo", "2", "--json").objects
    assert (told["undone_by"], told["left"]) == (4, ["description"]) and told["reason"]
    [told] = enriched.run("undo", "1", "--json").objects
    assert (told["undone_by"], told["left"]) == (None, [])
    assert told["reason"] == "change 1 was taken back already by change 3"


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
        "left": [],
        "diff": None,
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
    (enriched.vault / "Stub.md").unlink()
    ran = enriched.run("history", "Stub.md")
    assert ran.status == 0 and "Stub.md" in ran.out
    refused = enriched.run("undo", "Stub.md")
    assert refused.status == 1 and "no longer there" in refused.err


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
