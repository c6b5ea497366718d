"""A real note, alone in a vault: its description is filled, and its callout goes where it was."""

from __future__ import annotations

import re
import shlex

import pytest

from tests.cli.user import REPOSITORY, User

SEED = REPOSITORY.parent / "shared/seed/large-language-models.md"
CALLOUT = re.compile(rb"> \[!ai\] AI\n(?:>[^\n]*\n)+")
EVERYDAY = (REPOSITORY / "docs" / "everyday.md").read_text(encoding="utf-8")
BODY = b"> A stub is a short note.\n>\n> It grows.\n"

pytestmark = pytest.mark.skipif(not SEED.is_file(), reason="the seed note is not here")


@pytest.fixture
def seed() -> bytes:
    return SEED.read_bytes()


@pytest.mark.parametrize("arguments", [["."], [SEED.name]], ids=["folder", "note"])
def test_only_the_description_is_filled(user: User, seed: bytes, arguments: list[str]) -> None:
    user.note(SEED.name, seed)
    assert user.run("enrich", *arguments).status == 0
    before, after = seed.split(b"description: \n")
    assert user.files()[SEED.name] == before + b"description: What a stub is.\n" + after
    once_more(user)
    assert user.run("undo").status == 0 and user.files()[SEED.name] == seed


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


def test_the_section_that_the_documentation_names(user: User, seed: bytes) -> None:
    [command] = re.findall(r"companion enrich Note.md (--section \S+)", EVERYDAY)
    heading = b"### Perplexity in LLMs is a predicition performance metric\n"
    without = re.sub(heading + rb"\n> \[!ai\][^\n]*\n(?:>[^\n]*\n)+", heading, seed)
    assert without != seed
    user.note(SEED.name, without)
    assert user.run("enrich", SEED.name, *shlex.split(command)).status == 0
    callout = b"\n> [!ai]+ AI\n" + BODY
    assert user.files()[SEED.name].replace(callout, b"") == without
    assert heading + callout in user.files()[SEED.name]
    assert user.run("undo").status == 0 and user.files()[SEED.name] == without


def once_more(user: User) -> None:
    """Check that a second run asks nobody and changes nothing."""
    files, calls = user.files(), user.calls()
    assert user.run("enrich", ".").status == 0
    assert (user.files(), user.calls()) == (files, calls)
