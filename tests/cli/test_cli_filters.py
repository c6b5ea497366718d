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


@pytest.fixture
def notes(user: User) -> User:
    user.configure(QUIET)
    old = time.time() - 3 * 86400
    os.utime(user.note("Plain.md"), (old, old))
    user.note("Status.md", POSTPONED)
    user.note("Tagged.md", TAGGED)
    user.note("Asked.md", ASKED)
    return user


def test_a_daemon_chooses_likewise(notes: User) -> None:
    with serving(notes):
        for options in (["--field", "description", "--tag", "topic"], ["--modified-since", "1d"]):
            assert notes.run("enrich", ".", *options).status == 0
    assert "What a stub is." in notes.read("Tagged.md") and "What a" in notes.read("Status.md")
    assert notes.read("Plain.md") == STUB


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


@pytest.mark.parametrize("served", [False, True], ids=["alone", "by a daemon"])
def test_what_was_written_is_asked_for_anew(user: User, served: bool) -> None:
    user.configure(QUIET)
    user.note("Stub.md")
    user.note("Other.md")
    user.run("enrich", "Stub.md")
    before = user.read("Stub.md")
    user.says(description="Better.", callout="Better prose.")
    with serving(user) if served else nullcontext():
        told = user.run("enrich", ".", "--made-by", "x").out
        assert told.startswith("Nothing to do: no note here needs anything.\n")
        assert user.run("enrich", ".", "--prompt-changed").status == 0 and user.calls() == 1
        [result] = user.run(
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
        assert (result["path"], result["status"]) == ("Stub.md", "proposed")
        assert user.read("Stub.md") == before and user.calls() == 2
        [listed] = user.run("proposals", "--json").objects
        assert (listed["flags"], listed["text"]) == (["replaces"], "Better.")
        assert user.run("apply", "--all").status == 0 and user.read("Stub.md") == before
        assert user.run("apply", str(listed["id"])).status == 0
    assert user.read("Stub.md") == before.replace("What a stub is.", "Better.")
