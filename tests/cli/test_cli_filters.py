"""Choosing notes by field, tag, property and time; and what scan shows on a terminal."""

from collections.abc import Callable

import pytest

from tests.cli.user import STUB, User

ASKED = "# Q\n\n> [!ai] Why?\n"


SUMMARY = """41 notes to work on
      29  Many/
      11  Some/
       1  /
Because of
      40  callout: empty description; no AI callout at the top
      40  description: empty description
       1  callout: you ask

Left alone: 2 notes
       2  it says ai: false

43 notes read, 41 notes to work on
With --list each is named.
"""


@pytest.fixture
def shown(user: User, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Return what a command shows on a terminal of 30 lines."""

    def run(*command: str) -> str:
        with monkeypatch.context() as patch:
            patch.setenv("TERM", "dumb")
            patch.setenv("FORCE_COLOR", "1")
            patch.setenv("LINES", "30")
            patch.setenv("COLUMNS", "100")
            return user.run(*command).out

    return run


def test_a_long_scan_is_summed_up(user: User, shown: Callable[..., str]) -> None:
    for number in range(41):
        folder = "Many" if number < 30 else "Some"
        user.note(f"{folder}/{number}.md", STUB if number else STUB.replace("cr", "ai: false\ncr"))
    user.note("Skipped.md", STUB.replace("created", "ai: false\ncreated"))
    user.note("Asked.md", ASKED)
    assert shown("scan") == SUMMARY
    everything = shown("scan", "--list")
    assert everything.startswith("41 notes to work on\n") and "Some/40.md\n" in everything
    assert user.run("scan").out.startswith("Asked.md\n"), "in a pipe it lists as ever"
    assert "Many/1.md" in shown("scan", "Many/1.md") and "--list" not in shown("scan", "Many/1.md")
