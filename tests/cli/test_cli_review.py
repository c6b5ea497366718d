"""companion review: what it shows of a doubtful sentence, and a real terminal."""

import os

import pytest

from tests.cli.terminal import in_a_terminal
from tests.cli.user import FILLED, User


@pytest.mark.skipif(os.name == "nt", reason="a POSIX terminal")
@pytest.mark.parametrize("colour", [True, False])
def test_on_a_real_terminal(user: User, colour: bool) -> None:
    user.note("A.md")
    user.run("enrich", "A.md", "--propose")
    extra = {"TERM": "xterm-256color" if colour else "dumb"}
    shown = in_a_terminal(user, ["review"], extra, "a\na\n")
    assert user.read("A.md") == FILLED
    assert ("\x1b[32mWhat a stub is.\x1b[0m" if colour else "{+What a stub is.+}") in shown
