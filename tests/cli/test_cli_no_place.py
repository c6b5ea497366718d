"""Notes that take no edit, or may not be written: no model is asked, until they are mended."""

from __future__ import annotations

import os

import pytest

from tests.cli.user import FILLED, STUB, User
from tests.llm.fake_endpoint import Scene, Seen

SKIPPED = [
    pytest.param(STUB.replace("11\n", "11\t\n"), "cannot read; remove it", id="tab"),
    pytest.param(STUB.replace("description: ", "description: &a"), "fill it by hand", id="anchor"),
    pytest.param(STUB.replace("description: ", "description: !!str"), "by hand", id="tag"),
    pytest.param(STUB.replace("description: ", "? description"), "by hand", id="question mark"),
]
FOR_A_TEXT_ONLY = STUB.replace("description: ", "description: [ # c\n  ]")


@pytest.mark.parametrize(("text", "reason"), SKIPPED)
def test_note_that_takes_no_edit_is_not_asked_for(user: User, text: str, reason: str) -> None:
    user.note("Stub.md", text)
    [scanned] = user.run("scan", "--json").objects
    assert scanned["needs"] == [] and reason in scanned["skipped"]
    assert ", 0 notes to work on" in user.run("scan").out
    for arguments in (["."], ["Stub.md"], [".", "--all"], [".", "--retry"]):
        ran = user.run("enrich", *arguments)
        assert ran.status == 0 and (reason in ran.out or arguments[0] == ".")
    assert user.read("Stub.md") == text and user.calls() == 0
    user.note("Stub.md")
    assert user.run("enrich", ".").status == 0 and user.read("Stub.md") == FILLED


def test_what_a_scan_does_not_see_is_not_asked_for_either(user: User) -> None:
    user.note("Stub.md", FOR_A_TEXT_ONLY)
    for _ in range(2):
        [ran] = user.run("enrich", ".", "--json").objects
        assert (ran["status"], "fill it by hand (line 2)" in ran["reason"]) == ("skipped", True)
    assert user.calls() == 0 and "left" not in user.run("scan").out
    user.note("Stub.md")
    user.run("enrich", ".")
    assert user.read("Stub.md") == FILLED


def test_section_of_a_note_whose_properties_take_no_edit(user: User) -> None:
    user.note("Stub.md", STUB.replace("11\n", "11\t\n") + "\n## Why\n\nBecause.\n")
    assert user.run("enrich", "Stub.md", "--section", "Why").status == 0
    assert "## Why\n\n> [!ai]+ AI\n> A stub" in user.read("Stub.md")


def test_note_that_comes_to_take_no_edit_meanwhile_is_asked_for_again(user: User) -> None:
    answer = user.fake.script

    def break_it(seen: Seen, number: int) -> Scene:
        user.note("Stub.md", STUB.replace("11\n", "11\t\n"))
        return answer(seen, number)

    user.note("Stub.md")
    user.fake.script = break_it
    [ran] = user.run("enrich", ".", "--json").objects
    assert (ran["status"], "a tab that" in ran["reason"]) == ("skipped", True)
    user.fake.script = answer
    user.note("Stub.md")
    assert user.run("enrich", ".").status == 0 and user.read("Stub.md") == FILLED


def test_read_only_note_is_not_asked_for(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    note = user.note("Stub.md")
    access = os.access
    with monkeypatch.context() as patch:  # root may write anything
        patch.setattr(os, "access", lambda path, mode: path != note and access(path, mode))
        for arguments in (["."], ["Stub.md"]):
            [ran] = user.run("enrich", *arguments, "--json").objects
            assert ran["status"] == "failed"
            assert ran["reason"].endswith("read-only; allow writing to it and try again")
        assert user.calls() == 0 and user.run("history", "--json").objects == []
        assert user.run("enrich", ".", "--dry-run").status == 0 and user.calls() == 1
    assert user.run("enrich", ".").status == 0 and user.read("Stub.md") == FILLED
