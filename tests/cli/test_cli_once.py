"""Companion asks once for each need: of a note that was away, in made-up vaults, in a real note."""

import re
import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cli.user import FILLED, REPOSITORY, STUB, User
from tests.examples import many

EDITED = STUB + "On the road.\n"


def come_back(user: User, text: str) -> None:
    """Have the note be missing for a while, as far as the daemon sees."""
    with user.open() as space:
        space.scan()
        (user.vault / "Stub.md").unlink()
        space.scan()
    user.note("Stub.md", text)


@pytest.mark.parametrize("is_seen", [False, True], ids=["written again", "there, then deleted"])
def test_what_was_lost_while_the_note_was_away_opens_again(user: User, is_seen: bool) -> None:
    user.note("Stub.md")
    user.run("enrich", ".")
    come_back(user, FILLED if is_seen else EDITED)
    if is_seen:
        user.run("enrich", ".")
        user.note("Stub.md", EDITED)
    assert "filled once and taken out again" in user.run("scan").out
    assert user.run("enrich", ".").status == 0
    assert (user.read("Stub.md"), user.calls()) == (EDITED, 1)
    assert {(each.state, each.flags) for each in user.kept()} == {("open", ("undone",))}


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


SEED = REPOSITORY.parent / "shared/seed/large-language-models.md"
CALLOUT = re.compile(rb"> \[!ai\] AI\n(?:>[^\n]*\n)+")
EVERYDAY = (REPOSITORY / "docs" / "everyday.md").read_text(encoding="utf-8")
BODY = b"> A stub is a short note.\n>\n> It grows.\n"

needs_seed = pytest.mark.skipif(not SEED.is_file(), reason="the seed note is not here")


@pytest.fixture
def seed() -> bytes:
    return SEED.read_bytes()


@needs_seed
@pytest.mark.parametrize("arguments", [["."], [SEED.name]], ids=["folder", "note"])
def test_only_the_description_is_filled(user: User, seed: bytes, arguments: list[str]) -> None:
    user.note(SEED.name, seed)
    assert user.run("enrich", *arguments).status == 0
    before, after = seed.split(b"description: \n")
    assert user.files()[SEED.name] == before + b"description: What a stub is.\n" + after
    once_more(user)
    assert user.run("undo").status == 0 and user.files()[SEED.name] == seed


@needs_seed
def test_the_callout_goes_where_its_author_had_it(user: User, seed: bytes) -> None:
    filled = CALLOUT.sub(lambda _: b"> [!ai] AI\n" + BODY, seed, count=1)
    without, removed = re.subn(rb"> \[!ai\][^\n]*\n(?:>[^\n]*\n)+\n?", b"", seed)
    assert removed == 2
    user.note(SEED.name, without)
    assert user.run("enrich", ".").status == 0
    top = filled[: filled.index(BODY) + len(BODY)].replace(
        b"description: \n", b"description: What a stub is.\n"
    )
    made = user.files()[SEED.name]
    assert made.startswith(top)
    assert made.count(b"[!ai]") == 1
    taken_out = made.replace(b"> [!ai] AI\n" + BODY + b"\n", b"")
    assert taken_out.replace(b"description: What a stub is.", b"description: ") == without
    once_more(user)


@needs_seed
def test_the_section_that_the_documentation_names(user: User, seed: bytes) -> None:
    assert 'companion enrich Note.md --section "' in EVERYDAY
    heading = b"### Perplexity in LLMs is a predicition performance metric\n"
    without = re.sub(heading + rb"\n> \[!ai\][^\n]*\n(?:>[^\n]*\n)+", heading, seed)
    assert without != seed
    user.note(SEED.name, without)
    section = heading.decode().strip("# \n")
    assert user.run("enrich", SEED.name, "--section", section).status == 0
    callout = b"\n> [!ai]+ AI\n" + BODY
    assert user.files()[SEED.name].replace(callout, b"") == without
    assert heading + callout in user.files()[SEED.name]
    assert user.run("undo").status == 0 and user.files()[SEED.name] == without


def once_more(user: User) -> None:
    """Check that a second run asks nobody and changes nothing."""
    files, calls = user.files(), user.calls()
    assert user.run("enrich", ".").status == 0
    assert (user.files(), user.calls()) == (files, calls)
