"""The command line as its manual shows it: each section of tests/cli/transcripts is a test.

`TRANSCRIPTS=write pytest tests/cli/test_transcripts.py` puts what is printed today into the pages.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.shell import Shell
from tests.cli.transcript import Section, read_sections, write_shown
from tests.cli.user import User

PAGES = sorted((Path(__file__).parent / "transcripts").glob("*.md"))
SECTIONS = [
    pytest.param(page, section, id=f"{page.stem}: {section.title}")
    for page in PAGES
    for section in read_sections(page)
]


@pytest.mark.parametrize(("page", "section"), SECTIONS)
def test_session(user: User, monkeypatch: pytest.MonkeyPatch, page: Path, section: Section) -> None:
    shell = Shell(user, monkeypatch)
    if "POSIX" in section.title and os.name == "nt":
        pytest.skip("links and names that only POSIX systems have")
    shown = []
    for number, step in enumerate(section.steps):
        if number == section.before:
            shell.keep()
        shown.append([line.rstrip() for line in shell.run(step)])
    if os.environ.get("TRANSCRIPTS") == "write":
        write_shown(page, section.title, shown)
    else:
        for step, lines in zip(section.steps, shown, strict=True):
            assert lines == step.shown, f"{page.name}, line {step.start + 1}; TRANSCRIPTS=write?"
