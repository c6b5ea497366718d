"""companion enrich --force: only what Companion wrote and nobody edited is written anew."""

from __future__ import annotations

import pytest

from tests.cli.user import FILLED, STUB, User

DONE = "---\ndescription: All is said.\n---\n\n# Done\n\n> [!ai] AI\n> Said.\n\nText.\n"


def test_force_rewrites_own_text_only(user: User) -> None:
    user.note("Mine.md", DONE)
    user.note("Stub.md")
    user.run("enrich", ".")
    user.says(description="Another one.", callout="Other words.")
    ran = user.run("enrich", ".", "--force")
    assert ran.status == 0 and user.read("Mine.md") == DONE
    assert user.read("Stub.md") == FILLED.replace("What a stub is.", "Another one.").replace(
        "A stub is a short note.\n>\n> It grows.", "Other words."
    )


@pytest.mark.parametrize(("named", "described"), [("Stub.md", True), (".", False)])
def test_force_asks_for_what_was_missing_in_a_note_named(
    user: User, named: str, described: bool
) -> None:
    user.note("Stub.md", "# Stub\n\n#status/postponed\n\nText.\n")
    user.run("enrich", ".")
    user.says(callout="Other words.")
    assert user.run("enrich", named, "--force").status == 0
    text = user.read("Stub.md")
    assert "> [!ai] AI\n> Other words.\n\nText.\n" in text
    assert text.startswith("---\ndescription: What a stub is.\n---\n") is described


def test_force_says_what_it_left(user: User) -> None:
    note = user.note("Stub.md")
    user.run("enrich", "Stub.md")
    note.write_text(FILLED.replace("What a stub is.", "In my words."), encoding="utf-8")
    edited = user.read("Stub.md")
    ran = user.run("enrich", "Stub.md", "--force")
    assert ran.status == 0 and user.read("Stub.md") == edited and user.calls() == 1
    assert "what change 1 wrote was edited since, so it stays" in ran.out


@pytest.mark.parametrize("line", ["> My own remark.\n", "My own remark.\n"])
@pytest.mark.parametrize("stub", ["# Stub\n\n#status/postponed\n", STUB])
def test_force_leaves_a_callout_with_lines_added_below(user: User, stub: str, line: str) -> None:
    note = user.note("Stub.md", stub)
    user.run("enrich", "Stub.md")
    added = user.read("Stub.md").replace("> It grows.\n", f"> It grows.\n{line}")
    note.write_text(added, encoding="utf-8")
    user.says(description="Another one.", callout="Other words.")
    ran = user.run("enrich", "Stub.md", "--force")
    assert (ran.status, user.read("Stub.md")) == (0, added)
    assert "what change 1 wrote was edited since, so it stays" in ran.out


def test_force_leaves_what_stayed_of_a_change_that_was_taken_back(user: User) -> None:
    user.note("Stub.md")
    user.run("enrich", ".")
    user.note("Stub.md", FILLED.replace("It grows", "It shrinks"))
    user.run("undo")
    user.note("Stub.md", user.read("Stub.md").replace("It shrinks", "It grows"))
    text = user.read("Stub.md")
    user.says(description="Another one.", callout="Other words.")
    ran = user.run("enrich", ".", "--force")
    assert (ran.status, user.read("Stub.md"), user.calls()) == (0, text, 1)
    assert "change 1 was taken back in part, so the rest stays" in ran.out


def test_force_takes_nothing_out_that_it_cannot_replace(user: User) -> None:
    user.note("Stub.md")
    user.run("enrich", "Stub.md")
    user.says(description="Another one.", callout=" ")
    ran = user.run("enrich", "Stub.md", "--force")
    assert (ran.status, user.read("Stub.md")) == (0, FILLED)
    assert "nothing to say for callout" in ran.out


def test_force_and_section_leave_each_other_alone(user: User) -> None:
    user.note("Stub.md", STUB + "\n## Part\n\nText.\n")
    user.run("enrich", "Stub.md")
    user.run("enrich", "Stub.md", "--section", "Part")
    both = user.read("Stub.md")
    user.says(callout="Other words.")
    ran = user.run("enrich", "Stub.md", "--section", "Part", "--force")
    head, _, tail = both.rpartition("> A stub is a short note.\n>\n> It grows.\n")
    section = user.read("Stub.md")
    assert section == f"{head}> Other words.\n{tail}"
    assert "what change 1 wrote is not asked for here, so it stays" in ran.out
    user.run("enrich", "Stub.md", "--force")
    assert user.read("Stub.md") == section.replace(
        "> A stub is a short note.\n>\n> It grows.\n", "> Other words.\n"
    )
