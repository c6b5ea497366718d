"""companion review: a proposal at a time, with the keys of git add -p."""

import os
import re

import pytest

from companion.note.needs import Need
from companion.store.proposal import NewProposal, ProposalState
from tests.cli.terminal import in_a_terminal
from tests.cli.user import FILLED, Ran, User


class Reviewer:
    """A user at a terminal, with proposals for two notes: each a description and a callout."""

    def __init__(self, user: User, monkeypatch: pytest.MonkeyPatch) -> None:
        self.user = user
        self.monkeypatch = monkeypatch
        for name in "AB":
            user.note(f"{name}.md")
            user.run("enrich", f"{name}.md", "--propose")

    def review(self, keys: str, *arguments: str) -> Ran:
        """Review, with these keys typed ahead, each with Enter."""
        with self.monkeypatch.context() as patch:
            self.user.types(*keys)
            patch.setenv("NO_COLOR", "1")
            return self.user.run("review", *arguments)

    def states(self) -> list[ProposalState]:
        """Return the state of each proposal, by id."""
        found: dict[int, ProposalState] = {}
        for state in ("open", "accepted", "refused", "closed"):
            for each in self.user.run("proposals", "--state", state, "--json").objects:
                found[each["id"]] = each["state"]
        return [found[number] for number in sorted(found)]


@pytest.fixture
def reviewer(user: User, monkeypatch: pytest.MonkeyPatch) -> Reviewer:
    return Reviewer(user, monkeypatch)


W, A, R = "open", "accepted", "refused"  # W: it waits
ANSWERS = [
    pytest.param("yyyy", [A, A, A, A], id="write"),
    pytest.param("nnnn", [R, R, R, R], id="refuse"),
    pytest.param("ssss", [W, W, W, W], id="later"),
    pytest.param("ynsq", [A, R, W, W], id="each in its way"),
    pytest.param("aq", [A, W, A, W], id="all of a field"),
    pytest.param("aa", [A, A, A, A], id="all of two fields"),
    pytest.param("dq", [R, R, W, W], id="none of a note"),
    pytest.param("yuq", [W, W, W, W], id="undo what was written"),
    pytest.param("nuyq", [A, W, W, W], id="take back, and say another"),
    pytest.param("auq", [W, W, W, W], id="take back all of a field"),
    pytest.param("duq", [W, W, W, W], id="take back none of a note"),
    pytest.param("syuuyq", [A, W, W, W], id="take back two"),
]


@pytest.mark.parametrize(("keys", "states"), ANSWERS)
def test_what_is_answered_is_done(
    reviewer: Reviewer, keys: str, states: list[ProposalState]
) -> None:
    ran = reviewer.review(keys)
    assert (ran.status, ran.err, reviewer.states()) == (0, "", states)
    assert reviewer.user.calls() == 2, "no model is asked"
    for name, ours in (("A.md", states[:2]), ("B.md", states[2:])):
        text = reviewer.user.read(name)
        assert ("What a stub is." in text) == (ours[0] == A)
        assert ("> It grows." in text) == (ours[1] == A)


def test_a_sentence_that_nothing_supports_is_shown_with_what_comes_closest(
    reviewer: Reviewer,
) -> None:
    evidence = [
        {"sentence": "It grows.", "shown": "It may grow.", "similarity": 0.9, "supported": True},
        {"sentence": "It is old.", "shown": "A stub.", "similarity": 0.2, "supported": False},
        {"sentence": "It sings.", "shown": "", "similarity": -1.0, "supported": False},
    ]
    with reviewer.user.open() as space:
        need = Need("description", None, None, "property", "empty description")
        new = NewProposal("A.md", need, "It grows.", flags=("unsupported",), evidence=evidence)
        space.journal.proposals.add([new])
    shown = re.sub(r"\x1b\[[0-9;]*m", "", reviewer.review("q", "--flagged").out)
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
