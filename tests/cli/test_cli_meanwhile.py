"""What somebody else does to a note while the model thinks: their edit survives, always."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.user import FILLED, STUB, User, answer_by_schema
from tests.examples import labelled
from tests.llm.fake_endpoint import Scene, Seen
from tests.vault.test_pdf_text import make_pdf

Act = Callable[[Path], object]


def meanwhile(user: User, note: Path, act: Act) -> None:
    """Have act happen to the note when the model is asked, the first time."""
    usual = user.fake.script
    user.fake.script = lambda seen, n: (act(note) if n == 0 else None, usual(seen, n))[1]


def write(text: str) -> Act:
    return lambda note: note.write_bytes(text.encode())


MORE = ("mine.\n", "mine.\n\nMore.\n")
TYPED = ("description: ", "description: In my own words.")
GONE = "it is no longer there; it was moved or deleted"
_LONGER_THAN_A_CLOCK_STEP = 2.5  # seconds, of a file system: those of FAT are of two
REWRITTEN = "# Stub\n\nAll is new here.\n"
OTHER = STUB.partition("\n# ")[0] + "\n# Quantum field theory\n\n#status/postponed\n"


def make_pipe(note: Path) -> None:
    note.unlink()
    os.mkfifo(note)


EVENTS = {
    "edited elsewhere": (write(STUB.replace(*MORE)), FILLED.replace(*MORE), 0, "1 enriched"),
    "description typed": (
        write(STUB.replace(*TYPED)),
        FILLED.replace("description: What a stub is.", "description: In my own words."),
        0,
        "1 enriched",
    ),
    "all filled by hand": (write(FILLED), FILLED, 0, "in the meantime, and needs nothing now"),
    "rewritten": (write(REWRITTEN), REWRITTEN, 1, "was rewritten since"),
    "another of one template": (write(OTHER), OTHER, 1, "was rewritten since"),
    "emptied": (write(""), "", 0, "it is empty; it may still be syncing"),
    "told to leave it alone": (
        write(STUB.replace("created", "ai: false\ncreated")),
        STUB.replace("created", "ai: false\ncreated"),
        0,
        "it says ai: false",
    ),
    "properties broken": (
        write(STUB.replace("created:", "description: x\ncreated:")),
        STUB.replace("created:", "description: x\ncreated:"),
        0,
        "keep one of them",
    ),
    "deleted": (lambda note: note.unlink(), None, 1, GONE),
    "a folder now": (lambda note: (note.unlink(), note.mkdir()), None, 0, "not a regular file"),
    "a pipe now": (make_pipe, None, 0, "not a regular file"),
    "a link now": (
        lambda note: (note.rename(note.parent / "New.md"), note.symlink_to(note.parent / "New.md")),
        STUB,
        0,
        "symbolic link",
    ),
}


@labelled(("act", "expected", "status", "told"), EVENTS)
def test_while_the_model_thinks(
    user: User, act: Act, expected: str | None, status: int, told: str
) -> None:
    note = user.note("Stub.md")
    meanwhile(user, note, act)
    ran = user.run("enrich", "Stub.md")
    assert (ran.status, user.calls()) == (status, 1)
    assert told in ran.out and ran.err == ""
    assert (user.read("Stub.md") if note.is_file() else None) == expected
    if (user.vault / "New.md").exists():
        assert user.read("New.md") == STUB


def test_a_private_note_that_is_edited_gets_the_answer_of_a_local_model(user: User) -> None:
    user.configure('[private]\ntags = ["private"]\n')
    note = user.note("Stub.md", STUB.replace("mine.", "mine. #private"))
    meanwhile(user, note, write(note.read_text().replace("mine.", "mine, and more.")))
    assert user.run("enrich", "Stub.md").status == 0
    assert "What a stub is." in user.read("Stub.md") and "mine, and more." in user.read("Stub.md")


LEAVING = [
    pytest.param("Bird.md", write("#private Of the quail."), id="a note that is private now"),
    pytest.param("Bird.pdf", lambda file: file.unlink(), id="a PDF that is gone"),
    pytest.param(
        "Bird.pdf",
        lambda file: (file.parent / "Diary").mkdir() or file.rename(file.parent / "Diary/Bird.pdf"),
        id="a PDF in a private folder now",
    ),
]


@pytest.mark.parametrize(("path", "act"), LEAVING)
def test_what_is_embedded_may_not_be_told_any_more(user: User, path: str, act: Act) -> None:
    user.configure('[private]\nfolders = ["Diary"]\ntags = ["private"]\n')
    user.note("Stub.md", STUB.replace("mine.", f"![[{path}]]"))
    bird = user.note(path, make_pdf(["Of the quail."]) if path == "Bird.pdf" else "Of the quail.")
    usual = user.fake.script

    def reply(seen: Seen, number: int) -> Scene:
        if number:
            return usual(seen, number)
        act(bird)
        return answer_by_schema(seen, {"description": "Of the quail.", "callout": "A quail."})

    user.fake.script = reply
    assert user.run("enrich", "Stub.md").status == 0
    first, second = (str(each.body["messages"]) for each in user.fake.seen)
    assert "quail" in first and "quail" not in second and "quail" not in user.read("Stub.md")
    assert not [each for each in user.kept() if "quail" in each.text]


def test_a_pdf_that_changes_all_the_time_is_asked_about_once(user: User) -> None:
    user.note("Stub.md", STUB.replace("mine.", "![[Bird.pdf]]"))
    bird = user.note("Bird.pdf", make_pdf(["Of the quail."]))
    usual = user.fake.script
    user.fake.script = lambda seen, n: (bird.write_bytes(make_pdf([str(n)])), usual(seen, n))[1]
    assert user.run("enrich", "Stub.md").status == 0
    assert user.calls() == 1 and "What a stub is." in user.read("Stub.md")


@pytest.mark.parametrize("new", ["New.md", "F/Stub.md", "F/New.md"])
def test_a_note_that_is_renamed_is_written_under_its_new_name(user: User, new: str) -> None:
    note, folder = user.note("Stub.md"), user.vault / "F"
    folder.mkdir()
    meanwhile(user, note, lambda old: old.rename(user.vault / new))
    ran = user.run("enrich", "Stub.md")
    assert (ran.status, user.calls(), user.read(new)) == (0, 1, FILLED)
    assert f"✓ {new}" in ran.out and ran.err == "" and not note.exists()


@pytest.mark.parametrize("text", [OTHER, STUB], ids=["another", "one of the same text"])
def test_a_note_whose_name_another_has_taken_is_written_under_its_new_name(
    user: User, text: str
) -> None:
    note, old = user.note("Stub.md"), user.vault / "Old.md"
    meanwhile(user, note, lambda n: (n.rename(old), n.write_text(text)))
    ran = user.run("enrich", "Stub.md")
    assert (ran.status, user.calls()) == (0, 1) and "✓ Old.md" in ran.out
    assert (user.read("Old.md"), user.read("Stub.md")) == (FILLED, text)
    assert user.run("enrich", ".").status == 0 and user.calls() == 2


@pytest.mark.parametrize("how", ["--propose", "--dry-run"])
def test_what_waits_for_a_note_that_is_renamed_is_found_under_its_new_name(
    user: User, how: str
) -> None:
    note, new = user.note("Stub.md"), user.vault / "New.md"
    meanwhile(user, note, lambda old: old.rename(new))
    assert " New.md" in user.run("enrich", "Stub.md", how).out
    assert {each.path for each in user.kept()} == {"New.md"}
    assert user.run("apply", "--all").status == 0
    assert (user.calls(), user.read("New.md")) == (1, FILLED)


def test_a_note_that_is_moved_to_where_notes_are_left_alone_is_not_written(user: User) -> None:
    user.configure('[endpoint]\n[ignore]\nfolders = ["Old"]\n')
    note, new = user.note("Stub.md"), user.vault / "Old" / "Stub.md"
    new.parent.mkdir()
    meanwhile(user, note, lambda old: old.rename(new))
    ran = user.run("enrich", "Stub.md")
    assert "- Old/Stub.md: " in ran.out and user.read("Old/Stub.md") == STUB


def test_what_was_given_for_a_note_that_may_be_one_of_two_is_kept_until_it_is_found(
    user: User,
) -> None:
    note, new, copy = user.note("Stub.md"), user.vault / "New.md", user.vault / "Copy.md"

    def rename(old: Path) -> None:
        old.rename(new)
        copy.write_bytes(new.read_bytes())
        time.sleep(_LONGER_THAN_A_CLOCK_STEP)

    meanwhile(user, note, rename)
    assert GONE in user.run("enrich", "Stub.md").out
    copy.unlink()
    ran = user.run("enrich", "New.md")
    assert (ran.status, user.calls(), user.read("New.md")) == (0, 1, FILLED)


def test_the_question_changed(user: User) -> None:
    old, new = "# Q\n\n> [!ai] Why?\n", "# Q\n\n> [!ai] Why not?\n"
    note = user.note("Q.md", old)
    meanwhile(user, note, write(new))
    ran = user.run("enrich", ".")
    assert ran.status == 0 and user.read("Q.md") == new
    assert user.run("enrich", ".").status == 0
    assert user.read("Q.md").startswith(new + "> A stub is a short note.\n") and user.calls() == 2
