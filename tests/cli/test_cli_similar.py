"""What a vault teaches: tags of similar notes, how descriptions are written, what is refused."""

import json
import re

import pytest

from companion.enrich.context import lessons
from companion.enrich.context.lessons import learn_style
from companion.llm.endpoint import Endpoint
from tests.cli.user import User
from tests.enrich.similar_vault import STUB as UNTAGGED
from tests.enrich.similar_vault import write_tagged
from tests.llm.fake_endpoint import Scene, Seen

BREAD = UNTAGGED.format(title="Cheese bread", text="Knead cheese into the dough and bake it.")


@pytest.fixture
def tagged(user: User) -> User:
    """A user whose notes are tagged, but for one."""
    write_tagged(user.vault)
    user.note("Bread.md", BREAD)
    return user


def test_what_similar_notes_have_is_told_in_numbers(tagged: User) -> None:
    ran = tagged.run("doctor", "similar", "Bread.md")
    assert re.match(r" 0\.\d\d  ", ran.out) and "Rye bread.md" in ran.out
    shown = tagged.run("doctor", "similar", "Bread.md", "--json").objects[0]
    assert shown["suggested"]["tags"]["chosen"] == ["cooking"]
    assert len(shown["similar"]) == 10
    ran = tagged.run("doctor", "similar")
    assert re.search(r"tags: .* with a value: 30; .* Of 30 notes left out in turn, \d+%", ran.out)


def test_many_notes_go_elsewhere_only_once_somebody_agreed(
    tagged: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reply(seen: Seen, _n: int) -> Scene:
        items = [{"index": n, "embedding": [1, 2]} for n, _ in enumerate(seen.body["input"])]
        return Scene(body=json.dumps({"data": items}).encode())

    for number in range(30):
        tagged.note(f"More {number}.md", f"Number {number}.\n")
    tagged.configure('[similar]\nmodel = "embedder"\n')
    tagged.fake.script = reply
    monkeypatch.setattr(Endpoint, "is_local", property(lambda _: False))
    ran = tagged.run("doctor", "similar")
    assert (ran.status, tagged.calls()) == (2, 0)
    assert "61 notes would be sent to embedder at http://127.0.0.1" in ran.err
    assert "price not known" in ran.err and "add --yes" in ran.err
    assert tagged.run("prompt", "Bread.md").status == 0 and tagged.calls() == 0
    assert tagged.run("doctor", "similar", "--yes").status == 0
    assert sum(len(seen.body["input"]) for seen in tagged.fake.seen) == 61


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


def test_a_field_that_is_refused_again_and_again_is_asked_about(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lessons, "IN_A_ROW", 2)
    user.configure('[endpoint]\n[review]\nmode = "propose"\n')
    refused = list[tuple[str, str, int]]()
    for name, decision in (("A", "refuse"), ("B", "apply"), ("C", "refuse"), ("D", "refuse")):
        assert refused == []
        user.note(f"F/{name}.md")
        user.run("enrich", f"F/{name}.md")
        assert user.run(decision, "--all", "--field", "description").status == 0
        with user.open() as space:
            refused = [each[:3] for each in lessons.find_refused(space)]
    assert refused == [("F", "description", 2)]
    user.configure('[endpoint]\n[notes]\nunfilled = { F = ["description"] }\n')
    with user.open() as space:
        assert lessons.find_refused(space) == []
