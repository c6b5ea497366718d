"""What the author teaches: how descriptions are, what was corrected, and what is refused."""

from __future__ import annotations

import pytest

from companion.app.decider import Decider
from companion.app.overview import find_taught
from companion.app.types.decisions import Acceptance
from companion.enrich import lessons
from companion.enrich.context import VaultContext
from companion.enrich.lessons import learn_style
from tests.cli.user import STUB, User

HOW = [f"How {name} is poured." for name in ("tea", "milk", "rice", "oil", "lead", "wax", "gold")]
STYLES = [
    pytest.param(HOW, "", id="too few"),
    pytest.param([*HOW, "Of tea in cups."], "about 4 words, and most begin with “How”", id="alike"),
    pytest.param([*HOW[:3], "Of tea", "A b", "On c", "In d", "At e"], "about 2 words", id="apart"),
    pytest.param(["茶的历史和做法"] * 8, "about 7 characters", id="Chinese"),
]


@pytest.mark.parametrize(("descriptions", "expected"), STYLES)
def test_styles(descriptions: list[str], expected: str) -> None:
    assert str(learn_style(descriptions) or "") == expected


SETTINGS = """[endpoint]
small = false
[review]
mode = "propose"
[private]
tags = ["private"]
"""


def decide(user: User, text: str | None) -> None:
    """Accept the last description, with another text; None: refuse it."""
    last = [each for each in user.kept() if each.kind == "description"][-1]
    with user.open() as space:
        decisions = Decider(space, lambda: VaultContext(space.scan()))
        [*(decisions.refuse([last.id]) if text is None else ())]
        [*(decisions.accept([Acceptance(id=last.id, text=text)]) if text else ())]


def test_a_correction_is_an_example_for_a_larger_model(user: User) -> None:
    user.configure(SETTINGS)
    note = user.note("A.md")
    user.note("B.md")
    user.run("enrich", "A.md")
    before = user.run("prompt", "B.md").out
    decide(user, "Of stubs.")
    said = "what the author made of them:\n- “What a stub is.” became “Of stubs.”\n"
    assert said in user.run("prompt", "B.md").out
    user.configure(SETTINGS.replace("false", "true"))
    assert "Of stubs" not in user.run("prompt", "B.md").out
    user.configure(SETTINGS)
    text = user.read("A.md")
    note.write_text(f"{text}\n#private\n")
    assert user.run("prompt", "B.md").out == before, "nothing of a private note"
    note.write_text(text)
    assert said in user.run("prompt", "B.md").out
    assert user.run("doctor", "forget", "--yes", "A.md").status == 0
    assert user.run("prompt", "B.md").out == before


def test_descriptions_of_the_author_tell_how_to_write_them(user: User) -> None:
    user.configure(SETTINGS)
    user.note("B.md")
    before = user.run("prompt", "B.md").out
    for number, text in enumerate([*HOW, "Of tea in cups."]):
        user.note(f"Own {number}.md", f"---\ndescription: {text}\n---\ntext\n")
    said = "descriptions have about 4 words, and most begin with “How”: write it like them."
    assert said in user.run("prompt", "B.md").out and said not in before
    with user.open() as space:
        assert "How" in find_taught(space, space.scan()).descriptions


def test_a_field_that_is_refused_again_and_again_is_asked_about(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lessons, "IN_A_ROW", 2)
    user.configure(SETTINGS)

    def refused() -> list[tuple[str, str, int]]:
        with user.open() as space:
            return [each[:3] for each in lessons.find_refused(space)]

    for name, text in (("A", None), ("B", "Of stubs."), ("C", None)):
        user.note(f"F/{name}.md")
        user.run("enrich", f"F/{name}.md")
        decide(user, text)
        assert refused() == []
    user.note("F/D.md", STUB)
    user.run("enrich", "F/D.md")
    decide(user, None)
    assert refused() == [("F", "description", 2)]
    user.configure(f'{SETTINGS}[notes]\nunfilled = {{ F = ["description"] }}\n')
    assert refused() == []
    user.note("F/E.md")
    ran = user.run("enrich", "F/E.md")
    assert "description: not filled in this folder, by the settings (notes.unfilled)" in ran.all
    assert [each.kind for each in user.kept() if each.path == "F/E.md"] == ["callout"]
