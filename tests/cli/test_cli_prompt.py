"""companion prompt --try: what comes of some notes, beside other prompts or another model."""

from __future__ import annotations

import pytest

from tests.cli.user import FILLED, STUB, User, answer_by_schema, files_in
from tests.llm.fake_endpoint import Scene, Seen

PRIVATE = '[endpoint]\nretries = 0\n[private]\nfolders = ["Diary"]\n'


def with_stubs(user: User, number: int = 3) -> User:
    for name in range(number):
        user.note(f"N{name}.md")
    return user


def test_it_asks_for_the_first_notes_and_keeps_nothing(user: User) -> None:
    user.note("A.md", FILLED)
    with_stubs(user)
    user.run("scan")
    before, kept = user.files(), {p: d for p, d in files_in(user.home).items() if "journal" in p}
    ran = user.run("prompt", ".", "--try", "2")
    assert ran.status == 0, ran.all
    assert "\nN0.md\n  description\n    as configured: What a stub is.\n" in ran.out
    assert "\nN1.md\n" in ran.out and "N2.md" not in ran.out and "A.md" not in ran.out
    assert "as configured: 4 of 4 values, " in ran.out
    assert (user.calls(), user.files()) == (2, before)
    assert kept == {p: d for p, d in files_in(user.home).items() if "journal" in p}
    assert user.run("enrich", ".").status == 0  # what was tried is asked anew, and written
    assert user.calls() == 5 and "What a stub is." in user.read("N0.md")


def test_other_prompts_and_another_model_are_asked_beside(user: User) -> None:
    with_stubs(user)
    fields = user.home / "draft/fields"
    fields.mkdir(parents=True)
    (fields / "description.md").write_text("---\nkind: text\n---\nSay it in rhymes.\n")

    def reply(seen: Seen, _n: int) -> Scene:
        is_draft = "Say it in rhymes." in seen.body["messages"][1]["content"]
        said = f"{seen.body['model']} in {'rhymes' if is_draft else 'prose'}."
        return answer_by_schema(seen, {"description": said, "callout": "It grows."})

    user.fake.script = reply
    draft = str(user.home / "draft")
    ran = user.run("prompt", "N0.md", "--try", "1", "--prompts", draft, "--model", "other")
    other = f"model other and prompts in {draft}"
    assert f"    as configured: m in prose.\n    {other}: other in rhymes.\n" in ran.out
    assert f"{other}: other at " in ran.out and f"\n{other}: 2 of 2 values, " in ran.out
    both = user.run("prompt", ".", "--try", "2", "--model", "other", "--json").objects
    assert [(each["path"], each["side"]) for each in both] == [
        (path, side) for path in ("N0.md", "N1.md") for side in ("as configured", "model other")
    ]
    first = both[0]["answers"][0]
    assert (first["kind"], first["value"], first["reason"]) == ("description", "m in prose.", None)
    assert both[0]["input_tokens"] > 0 and both[0]["seconds"] >= 0


@pytest.mark.parametrize("named", [".", "Diary", "Diary/Me.md"])
def test_private_notes_are_never_sent_elsewhere(
    user: User, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    user.configure(PRIVATE)
    monkeypatch.setattr("companion.config.Config.is_remote", True)
    user.note("Diary/Me.md", STUB.replace("Text of mine", "Zebra"))
    with_stubs(user, 1)
    ran = user.run("prompt", named, "--try", "5")
    assert ran.status == 0
    assert not any("Zebra" in str(seen.body) for seen in user.fake.seen)
    assert user.calls() == (named == ".")
    assert ("left alone" in ran.err) == named.endswith(".md")
