"""Choosing notes by field, tag, property and time; and what scan shows on a terminal."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import nullcontext

import pytest

from tests.cli.serving import QUIET, serving
from tests.cli.user import STUB, User

POSTPONED = STUB.replace("created", "status: postponed\ncreated")
TAGGED = STUB.replace("Text of mine.", "#Topic/bread Text of mine.")
ASKED = "# Q\n\n> [!ai] Why?\n"
ROWS = [
    pytest.param([], ["Asked.md", "Plain.md", "Status.md", "Tagged.md"], id="all"),
    pytest.param(["--tag", "topic"], ["Tagged.md"], id="a tag that another is nested in"),
    pytest.param(["--tag", "#topic/bread"], ["Tagged.md"], id="a tag with its sign"),
    pytest.param(["--tag", "top"], [], id="no such tag"),
    pytest.param(["--property", "Status"], ["Status.md"], id="a property"),
    pytest.param(["--property", "status=Postponed"], ["Status.md"], id="its value"),
    pytest.param(["--property", "status=done"], [], id="another value"),
    pytest.param(["--modified-since", "1d"], ["Asked.md", "Status.md", "Tagged.md"], id="a time"),
    pytest.param(["--field", "description"], ["Plain.md", "Status.md", "Tagged.md"], id="a field"),
    pytest.param(["--field", "description", "--tag", "topic"], ["Tagged.md"], id="both"),
]
WRONG = [
    pytest.param(["--tag", "a b"], "a b is no tag", id="tag"),
    pytest.param(["--tag", ""], "an empty text is no tag", id="empty tag"),
    pytest.param(["--property", "=x"], "--property takes a name", id="property"),
    pytest.param(["--modified-since", "soon"], "soon is not a time", id="time"),
    pytest.param(["--field", "x"], "there is no field x; the fields are aliases", id="field"),
]


@pytest.fixture
def notes(user: User) -> User:
    user.configure(QUIET)
    old = time.time() - 3 * 86400
    os.utime(user.note("Plain.md"), (old, old))
    user.note("Status.md", POSTPONED)
    user.note("Tagged.md", TAGGED)
    user.note("Asked.md", ASKED)
    return user


@pytest.mark.parametrize(("options", "paths"), ROWS)
def test_notes_are_chosen(notes: User, options: list[str], paths: list[str]) -> None:
    scanned = notes.run("scan", *options, "--json").objects
    assert [each["path"] for each in scanned if each["needs"]] == paths
    done = notes.run("enrich", ".", *options, "--propose", "--json")
    assert sorted(each["path"] for each in done.objects) == paths and done.status == 0
    listed = notes.run("proposals", *options, "--json").objects
    assert sorted({each["path"] for each in listed}) == paths
    if "--field" in options:
        kinds = {need["kind"] for each in scanned for need in each["needs"]}
        assert kinds == {each["kind"] for each in listed} == {"description"}


@pytest.mark.parametrize("command", [["scan"], ["enrich", "."], ["proposals"]])
@pytest.mark.parametrize(("options", "words"), WRONG)
def test_what_names_nothing_is_said(
    notes: User, command: list[str], options: list[str], words: str
) -> None:
    ran = notes.run(*command, *options)
    assert (ran.status, words in ran.err, notes.calls()) == (2, True, 0), ran


def test_a_daemon_chooses_likewise(notes: User) -> None:
    with serving(notes):
        for options in (["--field", "description", "--tag", "topic"], ["--modified-since", "1d"]):
            assert notes.run("enrich", ".", *options).status == 0
    assert "What a stub is." in notes.read("Tagged.md") and "What a" in notes.read("Status.md")
    assert notes.read("Plain.md") == STUB


def test_a_named_note_gets_only_the_field(notes: User) -> None:
    [told] = notes.run("enrich", "Plain.md", "--field", "callout", "--json").objects
    assert [each["kind"] for each in told["changes"]] == ["callout"]
    assert "description: \n" in notes.read("Plain.md")


SUMMARY = """41 notes to work on
      29  Many/
      11  Some/
       1  /
Because of
      40  callout: empty description; no AI callout at the top
      40  description: empty description
       1  callout: you ask

Left alone: 2 notes
       2  it says ai: false

43 notes read, 41 notes to work on
With --list each is named.
"""


@pytest.fixture
def shown(user: User, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Return what a command shows on a terminal of 30 lines."""

    def run(*command: str) -> str:
        with monkeypatch.context() as patch:
            patch.setenv("TERM", "dumb")
            patch.setenv("FORCE_COLOR", "1")
            patch.setenv("LINES", "30")
            patch.setenv("COLUMNS", "100")
            return user.run(*command).out

    return run


def test_a_long_scan_is_summed_up(user: User, shown: Callable[..., str]) -> None:
    for number in range(41):
        folder = "Many" if number < 30 else "Some"
        user.note(f"{folder}/{number}.md", STUB if number else STUB.replace("cr", "ai: false\ncr"))
    user.note("Skipped.md", STUB.replace("created", "ai: false\ncreated"))
    user.note("Asked.md", ASKED)
    assert shown("scan") == SUMMARY
    everything = shown("scan", "--list")
    assert everything.startswith("41 notes to work on\n") and "Some/40.md\n" in everything
    assert user.run("scan").out.startswith("Asked.md\n"), "in a pipe it lists as ever"
    assert "Many/1.md" in shown("scan", "Many/1.md") and "--list" not in shown("scan", "Many/1.md")


@pytest.fixture
def changed(user: User, monkeypatch: pytest.MonkeyPatch) -> User:
    """A user with three changes: 1 of all in A/One.md, 2 of a callout, 3 by another model."""
    user.note("A/One.md")
    user.run("enrich", "A/One.md")
    user.note("A/Two.md")
    user.run("enrich", "A/Two.md", "--field", "callout")
    monkeypatch.setenv("COMPANION_MODEL", "qwen2.5-1.5b")
    user.note("B.md")
    user.run("enrich", "B.md", "--field", "description")
    return user


CHANGES = [
    pytest.param([], [3, 2, 1], id="all"),
    pytest.param(["A"], [2, 1], id="a folder"),
    pytest.param(["B.md"], [3], id="a note"),
    pytest.param(["--field", "description"], [3, 1], id="a field"),
    pytest.param(["--field", "callout", "A"], [2, 1], id="a field in a folder"),
    pytest.param(["--model", "qwen2.5-1.5b"], [3], id="a model"),
    pytest.param(["--model", "qwen2.5-coder-1.5b"], [3], id="a model by its present name"),
    pytest.param(["--model", "m", "--field", "description"], [1], id="a model and a field"),
    pytest.param(["--since", "1h"], [3, 2, 1], id="a time"),
    pytest.param(["--until", "1h"], [], id="an end"),
]


@pytest.mark.parametrize(("options", "ids"), CHANGES)
def test_changes_are_chosen(changed: User, options: list[str], ids: list[int]) -> None:
    listed = changed.run("history", *options, "--json").objects
    assert [each["id"] for each in listed] == ids
    if options in ([], ["B.md"]):
        return  # then undo is about the last change alone
    taken = changed.run("undo", *options, "--json").objects
    assert [each["change"] for each in taken] == ids
    assert (changed.read("B.md") == STUB) == (3 in ids)
    assert (changed.read("A/Two.md") == STUB) == (2 in ids)


NO_CHANGES = [
    pytest.param(["--since", "1h", "--until", "2h"], 2, "lies before --since 1h", id="order"),
    pytest.param(["--field", "x"], 2, "there is no field x", id="field"),
    pytest.param(["--model", "x"], 0, "there is nothing of that kind to take back", id="model"),
    pytest.param(["1", "--field", "callout"], 2, "1 is a change", id="a number"),
    pytest.param(["--run", "x", "--model", "m"], 2, "not both", id="a run"),
    pytest.param(["--today", "--since", "1h"], 2, "not both", id="two times"),
]


@pytest.mark.parametrize(("options", "status", "words"), NO_CHANGES)
def test_undo_says_what_is_wrong(
    changed: User, options: list[str], status: int, words: str
) -> None:
    ran = changed.run("undo", *options)
    assert (ran.status, words in ran.err) == (status, True), ran


@pytest.mark.parametrize("served", [False, True], ids=["alone", "by a daemon"])
def test_what_was_written_is_asked_for_anew(user: User, served: bool) -> None:
    user.configure(QUIET)
    user.note("Stub.md")
    user.note("Other.md")
    user.run("enrich", "Stub.md")
    before = user.read("Stub.md")
    user.says(description="Better.", callout="Better prose.")
    with serving(user) if served else nullcontext():
        assert user.run("enrich", ".", "--made-by", "x").out == (
            "Nothing to do: no note here needs anything.\n"
        )
        assert user.run("enrich", ".", "--prompt-changed").status == 0 and user.calls() == 1
        [told] = user.run(
            "enrich",
            ".",
            "--made-since",
            "1h",
            "--made-by",
            "m",
            "--field",
            "description",
            "--json",
        ).objects
        assert (told["path"], told["status"]) == ("Stub.md", "proposed")
        assert user.read("Stub.md") == before and user.calls() == 2
        [listed] = user.run("proposals", "--json").objects
        assert (listed["flags"], listed["text"]) == (["replaces"], "Better.")
        assert user.run("apply", "--all").status == 0 and user.read("Stub.md") == before
        assert user.run("apply", str(listed["id"])).status == 0
    assert user.read("Stub.md") == before.replace("What a stub is.", "Better.")


BREAD = "Bread is made of flour. Water is added to it. Salt gives it taste. Yeast makes it rise."


def test_what_is_outdated_is_listed(user: User) -> None:
    note = user.note("Stub.md", STUB.replace("Text of mine.", BREAD))
    user.run("enrich", "Stub.md")
    assert user.run("scan", "--outdated").out == "\n0 texts outdated\n"
    note.write_text(user.read("Stub.md").replace(" Water is added to it. Salt gives it taste.", ""))
    told = user.run("scan", "--outdated").out
    assert told.startswith(
        "Stub.md\n"
        "  callout      50% of the sentences it was made from are gone\n"
        "  description  50% of the sentences it was made from are gone\n"
        "\n2 texts outdated\n"
    )
    listed = user.run("scan", "--outdated", "--json", "--field", "callout").objects
    assert [(each["kind"], each["changed_share"]) for each in listed] == [("callout", 0.5)]
    user.says(description="Better.")
    assert user.run("enrich", "Stub.md", "--force", "--propose").status == 0
    assert "Better." not in user.read("Stub.md")
    assert user.run("apply", "Stub.md").status == 0 and "Better." in user.read("Stub.md")
