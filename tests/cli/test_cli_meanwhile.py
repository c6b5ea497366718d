"""What else happens while the model thinks: to embedded files, and to a note that has a copy.

Edits and moves of the note itself are in transcripts/meanwhile.md.
"""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.user import FILLED, STUB, User, answer_by_schema
from tests.llm.fake_endpoint import Scene, Seen
from tests.vault.test_pdf_text import make_pdf

Act = Callable[[Path], object]


def write(text: str) -> Act:
    return lambda note: note.write_bytes(text.encode())


_LONGER_THAN_A_CLOCK_STEP = 2.5  # seconds, of a file system: those of FAT are of two

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
