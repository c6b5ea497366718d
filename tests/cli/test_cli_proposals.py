"""What is asked for is kept: written by the settings, or waiting until somebody decides."""

from __future__ import annotations

import pytest

from tests.cli.user import STUB, User, answer_by_schema
from tests.llm.fake_endpoint import answer, error


def test_a_fault_after_an_answer_loses_nothing(user: User) -> None:
    """One call a field: the first is answered, and the second one fails."""
    user.configure('[endpoint]\njson_mode = "text"\n')
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


def test_a_callout_waits_where_its_evidence_cannot_be_told(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COMPANION_CHECKS")
    user.configure('[endpoint]\nsmall = true\n[similar]\nmodel = "embedder"\n')
    said = {"callout": "The starter gets flour and water twice a day."}
    user.fake.script = lambda seen, number: answer_by_schema(seen, said)
    text = "Sourdough is bread that is raised by wild yeast. Feed the starter twice a day. " * 3
    note = user.note("Sourdough.md", f"{text}\n\n> [!ai] How is it fed?\n")
    user.run("enrich", ".")
    assert [(each.kind, each.flags) for each in user.kept()] == [("callout", ("small-model",))]
    assert said["callout"] not in note.read_text()
