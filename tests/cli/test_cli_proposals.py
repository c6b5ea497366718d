"""What is asked for is kept: written by the settings, or waiting until somebody decides."""

from __future__ import annotations

import pytest

from tests.cli.user import STUB, User, answer_by_schema
from tests.llm.fake_endpoint import answer, error


def test_a_fault_after_an_answer_loses_nothing(user: User) -> None:
    """One call a field: the first is answered, and the second one fails."""
    user.configure('[endpoint]\nretries = 0\njson_mode = "text"\n')
    user.note("Stub.md")
    user.fake.script = lambda seen, n: answer("A text.") if n == 0 else error(500, "x")
    assert user.run("enrich", ".").status == 1
    assert [(each.kind, each.value, each.state) for each in user.kept()] == [
        ("description", "A text.", "open")
    ]
    assert user.read("Stub.md") == STUB and user.calls() == 2
    user.fake.script = lambda seen, n: answer("Prose.")
    assert user.run("enrich", ".").status == 0 and user.calls() == 3
    assert "description: A text." in user.read("Stub.md") and "> Prose." in user.read("Stub.md")


def test_every_proposal_tells_how_it_was_made(user: User) -> None:
    user.note("Stub.md")
    user.run("enrich", "Stub.md")
    first, second = user.kept()
    assert first.prompt != second.prompt and len(first.prompt) == 12
    assert first.model == "m" and first.run == second.run != ""
    assert (first.tokens, second.tokens) != ((0, 0), (0, 0)) and second.tokens == (0, 0)
    assert len(first.sentences) == 1  # "Text of mine."
    assert first.change == second.change == 1


BREAD = "How sourdough is raised by the yeast of a starter."
ADDED = "How sourdough is raised by a starter that costs five dollars in every shop."
VOLCANO = "How a mountain of fire covers whole valleys with lava."
SOURDOUGH = (
    "---\ndescription:\n---\n\n# Baking\n\nSourdough is bread that is raised by wild yeast."
    " Feed the starter twice a day.\n"
)
EVIDENCE = [
    pytest.param("small = true", SOURDOUGH, BREAD, ("small-model",), id="the note says so"),
    pytest.param("small = true", SOURDOUGH, ADDED, ("unsupported",), id="the note says less"),
    pytest.param("small = true", SOURDOUGH, VOLCANO, ("unsupported",), id="nothing says so"),
    pytest.param("small = false", SOURDOUGH, VOLCANO, (), id="a larger model may know it"),
]


@pytest.mark.parametrize(("setting", "note", "said", "flags"), EVIDENCE)
def test_what_a_small_model_says_waits_flagged(
    user: User,
    monkeypatch: pytest.MonkeyPatch,
    setting: str,
    note: str,
    said: str,
    flags: tuple[str, ...],
) -> None:
    monkeypatch.delenv("COMPANION_CHECKS")
    user.configure(f'[endpoint]\nretries = 0\n{setting}\n[notes]\nfields = ["description"]\n')
    user.fake.script = lambda seen, number: answer_by_schema(seen, {"description": said})
    user.note("Sourdough.md", note)
    user.run("enrich", "Sourdough.md")
    found = [each for each in user.kept() if each.kind == "description"]
    assert [each.flags for each in found] == [flags]
    assert (VOLCANO in user.read("Sourdough.md")) == (said == VOLCANO and not flags)
    assert "Write what is not flagged" not in user.run("proposals").out
    if setting == "small = true":
        assert [one["sentence"] for one in found[0].evidence] == [said]


def test_a_callout_waits_where_its_evidence_cannot_be_told(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COMPANION_CHECKS")
    elsewhere = f'[similar]\nbase_url = "{user.fake.url}"\nmodel = "embedder"\n'
    user.configure(f"[endpoint]\nretries = 0\nsmall = true\n{elsewhere}")
    said = {"callout": "The starter gets flour and water twice a day."}
    user.fake.script = lambda seen, number: answer_by_schema(seen, said)
    text = "Sourdough is bread that is raised by wild yeast. Feed the starter twice a day. " * 3
    note = user.note("Sourdough.md", f"{text}\n\n> [!ai] How is it fed?\n")
    user.run("enrich", ".")
    assert [(each.kind, each.flags) for each in user.kept()] == [("callout", ("small-model",))]
    assert said["callout"] not in note.read_text()
