"""The Python API: docs/programs.md is its manual and its test."""

from __future__ import annotations

import doctest
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

import companion
from companion.errors import NoteRefused, NotThere, UsageError
from companion.python_api import Vault
from companion.vault.proposal import Proposal, RejectedValue
from tests.cli.conftest import fake, user
from tests.cli.serving import QUIET, serving
from tests.cli.user import REPOSITORY, STUB, User

__all__ = ["fake", "user"]

NOTE = "---\ndescription:\n---\n\n# Sourdough\n\nWild yeast raises this bread.\n"


@pytest.fixture(params=["alone", "with a daemon"])
def vault(
    request: pytest.FixtureRequest, user: User, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Vault]:
    monkeypatch.delenv("COMPANION_CHECKS")
    user.configure(QUIET)
    user.note("Sourdough.md", NOTE)
    with ExitStack() as opened:
        if request.param != "alone":
            opened.enter_context(serving(user))
        yield companion.open_vault(user.vault)


def test_the_manual_is_true(vault: Vault, user: User) -> None:
    file = REPOSITORY / "docs" / "programs.md"
    given = {"folder": str(vault.root)}
    failed, tried = doctest.testfile(str(file), module_relative=False, globs=given)
    assert (failed, tried >= 10) == (0, True)
    assert user.read("Sourdough.md") == NOTE


def test_a_script_proposes_again_what_was_refused(vault: Vault) -> None:
    first = propose(vault, "How wild yeast raises bread.")
    second = propose(vault, "How bread is raised by wild yeast.")
    assert [each.id for each in vault.proposals()] == [second.id]
    [note] = vault.refuse(second.id)
    assert note.result.status == "refused"
    states = vault.proposals(states=("open", "refused", "superseded"))
    assert [each.state for each in states] == ["refused", "superseded"]
    assert propose(vault, first.text).state == "open"


def propose(vault: Vault, text: str) -> Proposal:
    made = vault.propose("Sourdough.md", "description", text, script="importer")
    assert not isinstance(made, RejectedValue) and made.model == "script:importer"
    return made


def test_what_cannot_be_is_an_error_that_says_why(vault: Vault, user: User) -> None:
    user.note("Left.md", STUB.replace("created", "ai: false\ncreated"))
    with pytest.raises(UsageError, match=r"there is no Nowhere\.md"):
        vault.scan("Nowhere.md")
    with pytest.raises(NoteRefused, match="ai: false"):
        vault.propose("Left.md", "description", "What it is about.")
    with pytest.raises(NotThere, match="no change 99"):
        vault.undo(99)
    with pytest.raises(UsageError, match="no folder"):
        companion.open_vault(user.vault / "No")
