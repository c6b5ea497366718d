"""Over generated vaults: a second run asks and writes nothing; undo gives every byte back."""

from __future__ import annotations

import shutil

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cli.user import User
from tests.examples import many

PROPERTIES = st.lists(
    st.sampled_from(
        [
            "description:",
            "description: ''",
            "description: mine",
            "description: ~ # later",
            "aliases: []",
            "aliases:\n  - a",
            "tags:",
            "tags: [one, two]",
            "note-type: ''",
            "note-type: recipe",
            "status: postponed",
            "ai: false",
            "other: 1",
            "broken: a: b",
        ]
    ),
    max_size=5,
)
BLOCKS = st.lists(
    st.sampled_from(
        [
            "# Title",
            "#status/postponed #x",
            "---",
            "Some text.",
            "> [!ai] AI",
            "> [!ai] Why?",
            "> [!AI]+ AI\n> Said.",
            "> [!note]\n> > [!ai] How?",
            "- item\n\n  > [!ai] When?",
            "## Part",
            "```\n> [!ai] AI\n```",
            "%%\n#status/postponed\n%%",
            "",
        ]
    ),
    max_size=6,
)


@st.composite
def notes(draw: st.DrawFn) -> bytes:
    lines = "".join(f"{line}\n" for line in draw(PROPERTIES))
    head = f"---\n{lines}---\n" if lines else draw(st.sampled_from(["", "---\n---\n"]))
    text = head + "\n\n".join(draw(BLOCKS)) + draw(st.sampled_from(["", "\n", "\n\n"]))
    return text.replace("\n", draw(st.sampled_from(["\n", "\r\n"]))).encode()


@settings(
    max_examples=many(40),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(texts=st.lists(notes(), min_size=1, max_size=6), every=st.booleans())
def test_second_run_does_nothing_and_undo_gives_all_back(
    user: User, texts: list[bytes], every: bool
) -> None:
    start_anew(user, texts)
    arguments = ["enrich", ".", *(["--all"] if every else [])]
    before = user.files()
    first = user.run(*arguments)
    after, calls = user.files(), user.calls()
    assert first.status == 0, first.all
    second = user.run(*arguments)
    assert (second.status, user.files(), user.calls()) == (0, after, calls), second.all
    undone = user.run("undo")
    assert undone.status == 0
    assert user.files() == before


def start_anew(user: User, texts: list[bytes]) -> None:
    """Put the notes into an empty vault of a user without a past."""
    shutil.rmtree(user.home / "vaults", ignore_errors=True)
    for old in user.vault.glob("*.md"):
        old.unlink()
    for number, text in enumerate(texts):
        user.note(f"N{number}.md", text)
