"""What Companion wrote: written anew, beside the old text or by --force, and told if outdated."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from threading import Event

import pytest

from companion.enrich.asker import Asker
from companion.enrich.context import VaultContext
from companion.enrich.decisions import Decisions
from companion.enrich.enricher import Enricher
from companion.enrich.model import open_client
from companion.enrich.note_filter import Criteria
from companion.enrich.run import NoteDecision, Result
from companion.enrich.written import find_outdated, find_rewrites
from companion.store.proposal import Acceptance, Proposal
from tests.cli.user import FILLED, STUB, User


def rewrite(user: User, **criteria: object) -> list[Result]:
    """Ask once more for what fits the criteria."""
    with user.open() as space, open_client(space.config, Event()) as client:
        asker = Asker(space, VaultContext(space.scan()))
        enricher = Enricher(asker, client, "again")
        jobs = find_rewrites(space, [""], Criteria(**criteria))  # type: ignore[arg-type]
        return [enricher.enrich(job) for job in jobs]


def accept(user: User, ids: Sequence[int]) -> NoteDecision:
    with user.open() as space:
        decisions = Decisions(space, lambda: VaultContext(space.scan()))
        [done] = decisions.accept(map(Acceptance, ids))
        return done


def open_ones(user: User) -> list[Proposal]:
    with user.open() as space:
        return [each for each in space.journal.proposals.select() if each.state == "open"][::-1]


def test_is_proposed_beside_the_old_text(user: User) -> None:
    user.note("Stub.md")
    user.run("enrich", ".")
    user.says(description="Better.", callout="Better prose.")
    [told] = rewrite(user)
    assert (told.status, user.read("Stub.md")) == ("proposed", FILLED)
    found = open_ones(user)
    assert [(each.kind, each.flags) for each in found] == [
        ("description", ("replaces",)),
        ("callout", ("replaces",)),
    ]
    assert rewrite(user) == [] and user.calls() == 2
    user.run("enrich", ".")
    assert user.read("Stub.md") == FILLED
    done = accept(user, [each.id for each in found])
    assert done.result.status == "enriched"
    assert user.read("Stub.md") == FILLED.replace("What a stub is.", "Better.").replace(
        "> A stub is a short note.\n>\n> It grows.", "> Better prose."
    )


def test_one_of_a_change_is_replaced_alone(user: User) -> None:
    user.note("Stub.md")
    user.run("enrich", ".")
    user.says(description="Better.")
    [told] = rewrite(user, kind="description")
    accept(user, told.proposals)
    assert user.read("Stub.md") == FILLED.replace("What a stub is.", "Better.")
    assert user.run("undo").status == 0 and user.read("Stub.md") == FILLED


def test_what_the_user_edited_stays(user: User) -> None:
    note = user.note("Stub.md")
    user.run("enrich", ".")
    note.write_text(user.read("Stub.md").replace("What a stub is.", "Mine."))
    user.says(callout="Better prose.")
    [told] = rewrite(user)
    assert len(told.proposals) == 1
    note.write_text(user.read("Stub.md").replace("It grows.", "It grows, I say."))
    done = accept(user, told.proposals)
    assert done.result.status == "failed" and "It grows, I say." in user.read("Stub.md")


CRITERIA = [
    pytest.param({}, 1, id="all"),
    pytest.param({"made_since": time.time() + 3600}, 0, id="later"),
    pytest.param({"made_since": 0.0}, 1, id="earlier"),
    pytest.param({"made_by": "m"}, 1, id="this model"),
    pytest.param({"made_by": "other"}, 0, id="another model"),
    pytest.param({"prompt_changed": True}, 0, id="the same prompt"),
    pytest.param({"kind": "aliases"}, 0, id="another field"),
]


@pytest.mark.parametrize(("criteria", "jobs"), CRITERIA)
def test_chooses(user: User, criteria: dict[str, object], jobs: int) -> None:
    user.note("Stub.md")
    user.run("enrich", ".")
    with user.open() as space:
        found = find_rewrites(space, [""], Criteria(**criteria))  # type: ignore[arg-type]
    assert len(found) == jobs


def test_a_prompt_that_changed(user: User) -> None:
    user.note("Stub.md")
    user.run("enrich", ".")
    user.note("_companion/prompts/fields/description.md", "---\nkind: text\n---\nSay it anew.\n")
    with user.open() as space:
        [job] = find_rewrites(space, [""], Criteria(prompt_changed=True))
    assert job.rewrite == {"description"}


LONG = STUB.replace("Text of mine.", "One thing. Another thing. A third thing. A fourth thing.")


def _edit(*swaps: tuple[str, str]) -> Callable[[str], str]:
    def edit(text: str) -> str:
        for old, new in swaps:
            text = text.replace(old, new)
        return text

    return edit


CHANGES = [
    pytest.param(_edit(), [], id="nothing"),
    pytest.param(_edit(("One thing.", "Quite another.")), [], id="a quarter"),
    pytest.param(
        _edit(("One thing.", "Quite another."), ("A third thing.", "And new.")),
        ["callout", "description"],
        id="a half",
    ),
    pytest.param(_edit(("fourth thing.", "fourth thing. And more. And more yet.")), [], id="added"),
    pytest.param(
        _edit(
            ("One thing.", "Quite another."),
            ("A third thing.", "And new."),
            ("What a stub is.", "Mine."),
        ),
        ["callout"],
        id="one of them edited",
    ),
]


@pytest.mark.parametrize(("edit", "kinds"), CHANGES)
def test_is_outdated(user: User, edit: Callable[[str], str], kinds: list[str]) -> None:
    note = user.note("Stub.md", LONG)
    user.run("enrich", ".")
    note.write_text(edit(user.read("Stub.md")))
    with user.open() as space:
        space.scan()
        found = list(find_outdated(space))
    assert sorted(each.proposal.kind for each in found) == kinds
    assert all(each.share == 0.5 for each in found)


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
