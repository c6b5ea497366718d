"""The command line as its manual shows it: each section of tests/cli/transcripts is a test.

`TRANSCRIPTS=write pytest tests/cli/test_transcripts.py` puts what is printed today into the pages.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.cli.shell import Shell
from tests.cli.transcript import Section, is_as_shown, read_sections, write_shown
from tests.cli.user import User

PAGES = sorted((Path(__file__).parent / "transcripts").glob("*.md"))
SECTIONS = [
    pytest.param(page, section, id=f"{page.stem}: {section.title}")
    for page in PAGES
    for section in read_sections(page)
]


@pytest.fixture
def shell(user: User, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    with ExitStack() as jobs:
        yield Shell(user, monkeypatch, jobs)


@pytest.mark.parametrize(("page", "section"), SECTIONS)
def test_session(shell: Shell, page: Path, section: Section) -> None:
    if "(POSIX)" in section.title and os.name == "nt":
        pytest.skip("links, modes and names that only POSIX systems have")
    shown = []
    for number, step in enumerate(section.steps):
        if number == section.before:
            shell.keep()
        shown.append([line.rstrip() for line in shell.run(step)])
    if os.environ.get("TRANSCRIPTS") == "write":
        write_shown(page, section.title, shown)
    else:
        for step, lines in zip(section.steps, shown, strict=True):
            where = f"{page.name}, line {step.start + 1}; TRANSCRIPTS=write?"
            assert is_as_shown(step.shown, lines) or lines == step.shown, where
