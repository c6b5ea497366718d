"""What happens to a note while the model thinks, where transcripts/meanwhile.md cannot show it."""

import time

import pytest

from companion.store.proposals import Proposal, ProposalStore
from tests.cli.user import FILLED, STUB, User
from tests.llm.fake_endpoint import Scene, Seen
from tests.vault.test_pdf_text import make_pdf

_LONGER_THAN_A_CLOCK_STEP = 2.5  # seconds, of a file system: those of FAT are of two


def test_a_pdf_that_changes_all_the_time_is_asked_about_once(user: User) -> None:
    user.note("Stub.md", STUB.replace("mine.", "![[Bird.pdf]]"))
    bird = user.note("Bird.pdf", make_pdf(["Of the quail."]))
    usual = user.fake.script
    user.fake.script = lambda seen, n: (bird.write_bytes(make_pdf([str(n)])), usual(seen, n))[1]
    assert user.run("enrich", "Stub.md").status == 0
    assert user.calls() == 1 and "What a stub is." in user.read("Stub.md")


def test_what_was_given_for_a_note_that_may_be_one_of_two_is_kept_until_it_is_found(
    user: User,
) -> None:
    note, new, copy = user.note("Stub.md"), user.vault / "New.md", user.vault / "Copy.md"
    usual = user.fake.script

    def replace_first(seen: Seen, number: int) -> Scene:
        new.write_bytes(note.read_bytes())
        copy.write_bytes(note.read_bytes())
        note.unlink()
        time.sleep(_LONGER_THAN_A_CLOCK_STEP)
        return usual(seen, number)

    user.fake.script = replace_first
    assert "it is no longer there" in user.run("enrich", "Stub.md").out
    copy.unlink()
    ran = user.run("enrich", "New.md")
    assert (ran.status, user.calls(), user.read("New.md")) == (0, 1, FILLED)


def test_a_proposal_whose_text_is_deleted_meanwhile_is_not_written(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    user.note("Stub.md")
    user.run("enrich", "Stub.md", "--propose")
    get_all = ProposalStore.get_all

    def forget_and_get(store: ProposalStore, ids: list[int]) -> list[Proposal]:
        store.forget(["Stub.md"], "its text was deleted")
        return get_all(store, ids)

    monkeypatch.setattr(ProposalStore, "get_all", forget_and_get)
    [done] = user.run("enrich", "Stub.md", "--json").objects
    assert (done["status"], user.read("Stub.md"), user.calls()) == ("unchanged", STUB, 1)


def test_what_was_proposed_before_goes_once_the_note_is_left_alone(user: User) -> None:
    note = user.note("Stub.md")
    assert user.run("enrich", "Stub.md", "--propose").status == 0
    assert [each for each in user.kept() if each.text]
    user.note("Stub.md", f"{STUB}\n> [!ai] Why?\n")
    usual = user.fake.script
    ignore = "---\nai: false\n---\n"
    user.fake.script = lambda seen, n: (note.write_text(ignore), usual(seen, n))[1]
    user.run("enrich", "Stub.md")
    assert user.calls() == 2 and not [each for each in user.kept() if each.text]
