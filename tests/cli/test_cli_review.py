"""companion review: what it shows of a doubtful sentence, and a real terminal."""

import os
import re

import pytest

from companion.note.needs import Need
from companion.store.proposal import NewProposal
from tests.cli.terminal import in_a_terminal
from tests.cli.user import FILLED, User


def test_a_sentence_that_nothing_supports_is_shown_with_what_comes_closest(user: User) -> None:
    user.note("A.md")
    evidence = [
        {"sentence": "It grows.", "shown": "It may grow.", "similarity": 0.9, "supported": True},
        {"sentence": "It is old.", "shown": "A stub.", "similarity": 0.2, "supported": False},
        {"sentence": "It sings.", "shown": "", "similarity": -1.0, "supported": False},
    ]
    with user.open() as space:
        need = Need("description", None, None, "property", "empty description")
        new = NewProposal("A.md", need, "It grows.", flags=("unsupported",), evidence=evidence)
        space.journal.proposals.add([new])
    user.types("q")
    shown = re.sub(r"\x1b\[[0-9;]*m", "", user.run("review", "--flagged").out)
    assert "! look at: It is old.\n    closest to it: A stub.\n! look at: It sings.\n" in shown
    assert "    nothing says anything like it\n" in shown and "It may grow" not in shown


@pytest.mark.skipif(os.name == "nt", reason="a POSIX terminal")
@pytest.mark.parametrize("colour", [True, False])
def test_on_a_real_terminal(user: User, colour: bool) -> None:
    user.note("A.md")
    user.run("enrich", "A.md", "--propose")
    extra = {"TERM": "xterm-256color" if colour else "dumb"}
    shown = in_a_terminal(user, ["review"], extra, "y\ny\n")
    assert user.read("A.md") == FILLED
    assert ("\x1b[32mWhat a stub is.\x1b[0m" if colour else "{+What a stub is.+}") in shown
