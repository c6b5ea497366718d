"""companion prompt --try: what comes of some notes, beside other prompts or another model."""

from __future__ import annotations

import pytest

from tests.cli.user import STUB, User

PRIVATE = '[endpoint]\n[private]\nfolders = ["Diary"]\n'


def with_stubs(user: User, number: int = 3) -> User:
    for name in range(number):
        user.note(f"N{name}.md")
    return user


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
