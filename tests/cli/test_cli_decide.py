"""companion proposals, apply and refuse: what was asked for is decided on without a model."""

from __future__ import annotations

import re

import pytest

from tests.cli.serving import QUIET
from tests.cli.user import FILLED, STUB, User

KEYS = [
    *("id", "path", "kind", "heading", "text", "state", "flags", "why", "reason", "model"),
    *("made_at", "run", "change"),
]


@pytest.fixture
def asked(user: User) -> User:
    """A user with proposals for three notes: a description and a callout each, 1 to 6."""
    user.configure(QUIET)
    for path in ("A.md", "Sub/B.md", "Sub/C.md"):
        user.note(path)
        user.run("enrich", path, "--propose")
    return user


def states(user: User) -> dict[int, str]:
    """Return the state of each proposal, by id."""
    found = {}
    for state in ("open", "accepted", "refused", "rejected", "superseded", "closed"):
        for each in user.run("proposals", "--state", state, "--json").objects:
            found[each["id"]] = each["state"]
    return dict(sorted(found.items()))


def test_propose_asks_and_writes_nothing(user: User) -> None:
    user.note("A.md")
    told = user.run("enrich", "A.md", "--propose", "--json")
    [told_of] = told.objects
    assert (told_of["status"], told_of["proposals"]) == ("proposed", [1, 2])
    assert (told_of["changes"], told_of["change"], told_of["diff"]) == ([], None, None)
    assert user.read("A.md") == STUB and user.calls() == 1
    assert user.run("enrich", "A.md", "--propose").status == 0 and user.calls() == 1


def test_the_items_of_a_list_are_told_apart(user: User) -> None:
    user.says(aliases=["short note", "draft"])
    user.note("A.md", STUB.replace("created:", "aliases:\ncreated:"))
    user.run("enrich", "A.md", "--propose", "--field", "aliases")
    assert "  aliases      short note, draft" in user.run("proposals").out


def test_proposals_lists_them(asked: User) -> None:
    listed = asked.run("proposals", "--json").objects
    assert [list(each) for each in listed] == [KEYS] * 6
    first, second = listed[:2]
    assert first | {"made_at": "", "run": ""} == {
        "id": 1,
        "path": "A.md",
        "kind": "description",
        "heading": None,
        "text": "What a stub is.",
        "state": "open",
        "flags": [],
        "why": "empty description",
        "reason": None,
        "model": "m",
        "made_at": "",
        "run": "",
        "change": None,
    }
    assert second["text"] == ["A stub is a short note.", "", "It grows."]
    assert asked.run("proposals").out == (
        "A.md\n"
        "      1  description  What a stub is.\n"
        "      2  callout      A stub is a short note. It grows.\n"
        "Sub/B.md\n"
        "      3  description  What a stub is.\n"
        "      4  callout      A stub is a short note. It grows.\n"
        "Sub/C.md\n"
        "      5  description  What a stub is.\n"
        "      6  callout      A stub is a short note. It grows.\n"
        "\n"
        "6 proposals, for 3 notes\n"
        "Go through them: companion review. Write what is not flagged: companion apply --all\n"
    )


LISTS = [
    pytest.param(["Sub"], [3, 4, 5, 6], id="a folder"),
    pytest.param(["A.md", "Sub/C.md"], [1, 2, 5, 6], id="notes"),
    pytest.param(["--field", "callout"], [2, 4, 6], id="a field"),
    pytest.param(["Sub", "--field", "description"], [3, 5], id="a field in a folder"),
    pytest.param(["--flagged"], [], id="flagged"),
    pytest.param(["--state", "accepted"], [], id="a state"),
    pytest.param(["."], [1, 2, 3, 4, 5, 6], id="the vault"),
]


@pytest.mark.parametrize(("options", "ids"), LISTS)
def test_proposals_are_chosen(asked: User, options: list[str], ids: list[int]) -> None:
    assert [each["id"] for each in asked.run("proposals", *options, "--json").objects] == ids


def test_without_any_it_says_so(user: User) -> None:
    assert user.run("proposals").out == "No proposals wait.\n"
    assert user.run("proposals", "--json").out == ""
    assert user.run("apply", "--all").out == "Nothing waits here.\n"


CHOICES = [
    pytest.param(["1"], [1], id="a number"),
    pytest.param(["1", "6"], [1, 6], id="numbers"),
    pytest.param(["A.md"], [1, 2], id="a note"),
    pytest.param(["Sub"], [3, 4, 5, 6], id="a folder"),
    pytest.param(["1", "Sub/C.md"], [1, 5, 6], id="a number and a note"),
    pytest.param(["--all"], [1, 2, 3, 4, 5, 6], id="all"),
    pytest.param(["--all", "--field", "callout"], [2, 4, 6], id="all of a field"),
]


@pytest.mark.parametrize(("options", "ids"), CHOICES)
@pytest.mark.parametrize("command", ["apply", "refuse"])
def test_what_is_meant_is_decided(
    asked: User, command: str, options: list[str], ids: list[int]
) -> None:
    told = asked.run(command, *options, "--json")
    assert (told.status, told.err, asked.calls()) == (0, "", 3)
    assert sorted(number for each in told.objects for number in each["proposals"]) == ids
    status, state = ("enriched", "accepted") if command == "apply" else ("refused", "refused")
    assert {each["status"] for each in told.objects} == {status}
    assert states(asked) == {each: state if each in ids else "open" for each in range(1, 7)}


def test_apply_prints_what_enrich_prints(asked: User) -> None:
    [told] = asked.run("apply", "A.md", "--json").objects
    asked.note("D.md")
    [enriched] = asked.run("enrich", "D.md", "--json").objects
    assert list(told) == list(enriched)
    free = {"path": "", "change": 0, "proposals": [], "usage": {}}
    assert told | free == enriched | free
    assert asked.read("A.md") == FILLED == asked.read("D.md")


def test_a_run_is_applied_and_taken_back(asked: User) -> None:
    told = asked.run("enrich", "Sub", "--propose", "--retry").out
    assert "companion apply --run" not in told, "nothing was asked"
    run = asked.run("proposals", "Sub/B.md", "--json").objects[0]["run"]
    done = asked.run("apply", "--run", run)
    assert asked.read("Sub/B.md") == FILLED and asked.read("A.md") == STUB
    [back] = re.findall(r"companion (undo --run \S+)", done.out)
    assert asked.run(*back.split()).status == 0
    assert asked.read("Sub/B.md") == STUB
    assert set(states(asked).values()) == {"open"}  # again, flagged undone


def test_what_was_refused_can_be_applied_by_its_number(asked: User) -> None:
    asked.run("refuse", "A.md")
    assert asked.run("apply", "A.md").out == "Nothing waits here.\n"
    assert asked.run("apply", "1", "2").status == 0
    assert asked.read("A.md") == FILLED


def test_a_dry_run_is_written_without_asking_again(user: User) -> None:
    user.note("A.md")
    told = user.run("enrich", "A.md", "--dry-run").out
    [command] = re.findall(r"companion (apply --run \S+)", told)
    assert user.read("A.md") == STUB
    assert user.run(*command.split()).status == 0
    assert user.read("A.md") == FILLED and user.calls() == 1


def test_a_limit_counts_what_is_written_without_asking(user: User) -> None:
    for name in ("A.md", "B.md", "C.md"):
        user.note(name)
    user.run("enrich", ".", "--dry-run", "--limit", "2")
    assert user.calls() == 2
    user.run("enrich", ".", "--limit", "1")
    assert [user.read(f"{name}.md") for name in "ABC"] == [FILLED, STUB, STUB]
    user.run("enrich", ".", "--propose", "--limit", "1")
    assert user.calls() == 3 and user.read("B.md") == STUB


WRONG = [
    pytest.param([], 2, "say which ones: numbers, notes or folders", id="nothing"),
    pytest.param(["1", "--all"], 2, "say which ones", id="two things"),
    pytest.param(["--all", "--run", "x"], 2, "say which ones", id="two options"),
    pytest.param(["--run", "x"], 1, "no run x proposed anything", id="no such run"),
    pytest.param(["99"], 1, "there is no proposal 99", id="no such number"),
    pytest.param(["9" * 30], 1, "there is no proposal 999", id="a number beyond all"),
    pytest.param(["No.md"], 2, "there is no No.md in the vault", id="no such note"),
    pytest.param(["--all", "--field", "x"], 2, "there is no field x; the fields are", id="field"),
]


@pytest.mark.parametrize("command", ["apply", "refuse"])
@pytest.mark.parametrize(("arguments", "status", "words"), WRONG)
def test_what_is_wrong_is_said(
    asked: User, command: str, arguments: list[str], status: int, words: str
) -> None:
    ran = asked.run(command, *arguments)
    assert (ran.status, words in ran.all) == (status, True), ran
    assert set(states(asked).values()) == {"open"}


def test_one_that_is_unknown_does_not_keep_the_others(asked: User) -> None:
    ran = asked.run("apply", "99", "A.md", "--json")
    assert ran.status == 1
    assert [(each["path"], each["status"]) for each in ran.objects] == [
        ("", "failed"),
        ("A.md", "enriched"),
    ]


AFTERWARDS = [
    pytest.param(["apply", "1"], "it was accepted already (change 1)", id="accepted"),
    pytest.param(["refuse", "1"], "it was accepted already (change 1)", id="not taken back so"),
    pytest.param(["refuse", "3"], "it was refused already, by you", id="refused"),
]


@pytest.mark.parametrize(("command", "words"), AFTERWARDS)
def test_what_is_decided_already_is_said(asked: User, command: list[str], words: str) -> None:
    asked.run("apply", "1")
    asked.run("refuse", "3")
    ran = asked.run(*command)
    assert ran.status == 1 and words in ran.out


def test_a_deleted_note_closes_its_proposals(asked: User) -> None:
    (asked.vault / "A.md").unlink()
    ran = asked.run("apply", "A.md")
    assert (ran.status, ran.out.splitlines()[0]) == (1, "✗ A.md: the note was deleted")
    assert states(asked)[1] == "closed"
    listed = asked.run("proposals", "A.md", "--state", "closed", "--json").objects
    assert {each["reason"] for each in listed} == {"the note was deleted"}


def test_a_moved_note_keeps_its_proposals(asked: User) -> None:
    (asked.vault / "A.md").rename(asked.vault / "Sub" / "Moved.md")
    ran = asked.run("apply", "--all")
    assert ran.status == 0 and "3 notes: 3 enriched." in ran.out and "not done" not in ran.out
    assert asked.read("Sub/Moved.md") == FILLED


def test_what_was_filled_by_hand_is_closed(asked: User) -> None:
    asked.note("A.md", STUB.replace("description: ", "description: Mine."))
    ran = asked.run("apply", "A.md", "--json")
    [told] = ran.objects
    assert ran.status == 1, "one of both was not written"
    assert (told["status"], [each["kind"] for each in told["changes"]]) == ("enriched", ["callout"])
    assert told["left"] == [
        "proposal 1: the note needs it no more: it was filled, or its place is gone"
    ]
    assert "description: Mine." in asked.read("A.md")


NEW_TAG = "---\ntags:\nstatus: postponed\n---\n\n> [!ai] AI\n> Done.\n"


@pytest.fixture
def flagged(user: User, monkeypatch: pytest.MonkeyPatch) -> User:
    """A user with a proposal that is flagged, 1, and one that is not, 2."""
    monkeypatch.delenv("COMPANION_CHECKS")
    user.configure('[endpoint]\nretries = 0\njson_mode = "text"\n[notes]\nfields = ["tags"]\n')
    user.note("Other.md", "---\ntags: bread\n---\n")
    user.note("A/New.md", NEW_TAG)
    user.note("A/Known.md", NEW_TAG)
    user.says(description="gardening")
    user.run("enrich", "A/New.md", "--propose")
    user.says(description="bread")
    user.run("enrich", "A/Known.md", "--propose")
    return user


FLAGGED = [
    pytest.param(["--all"], {2}, id="all"),
    pytest.param(["--all", "--flagged"], {1, 2}, id="all, with flagged ones"),
    pytest.param(["A"], {2}, id="a folder"),
    pytest.param(["A", "--flagged"], {1, 2}, id="a folder, with flagged ones"),
    pytest.param(["A/New.md"], {1}, id="the note"),
    pytest.param(["1"], {1}, id="the number"),
]


@pytest.mark.parametrize(("options", "ids"), FLAGGED)
def test_what_is_flagged_waits_for_a_look(flagged: User, options: list[str], ids: set[int]) -> None:
    assert "(new-value)" in flagged.run("proposals", "--flagged").out
    ran = flagged.run("apply", *options)
    assert ran.status == 0
    assert {number for number, state in states(flagged).items() if state == "accepted"} == ids
    waits = "1 flagged proposal waits for a look: companion review --flagged"
    assert (waits in ran.out) == (1 not in ids and "1" not in options)


@pytest.mark.parametrize(
    ("typed", "accepted"),
    [("./3", {1, 2}), ("3/", {1, 2}), ("3", {3}), ("./3/A.md", {1, 2}), ("003", {3})],
)
def test_digits_alone_are_an_id(user: User, typed: str, accepted: set[int]) -> None:
    user.configure(QUIET)
    for path in ("3/A.md", "B.md"):
        user.note(path)
        user.run("enrich", f"./{path}", "--propose")
    assert user.run("apply", typed).status == 0
    assert {id_ for id_, state in states(user).items() if state == "accepted"} == accepted


@pytest.mark.parametrize(
    ("typed", "status", "said"),
    [
        ("2024", 1, "there is no proposal 2024; ./2024 names the file or folder\n"),
        ("2025", 1, "there is no proposal 2025\n"),
        ("9" * 5000, 1, "there is no proposal 99999999999999999999…\n"),
    ],
)
@pytest.mark.parametrize("command", ["apply", "refuse"])
def test_a_number_without_a_proposal(
    user: User, command: str, typed: str, status: int, said: str
) -> None:
    user.note("2024/A.md")
    told = user.run(command, typed)
    assert (told.status, said in told.all) == (status, True), told
