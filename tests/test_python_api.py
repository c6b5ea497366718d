"""The Python API: docs/programs.md is its manual and its test."""

import doctest
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

import companion
from companion.app.types.proposals import Proposal
from companion.errors import ConsentMissing, NoteRefused, NotThere, UsageError
from companion.python_api import RejectedValue, Vault
from tests.cli.conftest import user
from tests.cli.serving import QUIET, serving
from tests.cli.user import REPOSITORY, STUB, User

__all__ = ["user"]

CALLOUT = "Sourdough is a bread that wild yeast raises."  # too short for the check
NOTE = "---\ndescription:\n---\n\n# Sourdough\n\nWild yeast raises this bread.\n"


@pytest.fixture(params=["alone", "with a daemon"])
def vault(
    request: pytest.FixtureRequest, user: User, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Vault]:
    monkeypatch.delenv("COMPANION_CHECKS")
    user.configure(QUIET)
    user.says(description="A bread that wild yeast raises.", callout=CALLOUT)
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
    assert note.status == "refused"
    states = vault.proposals(states=("open", "refused", "superseded"))
    assert [each.state for each in states] == ["refused", "superseded"]
    assert propose(vault, first.lines).state == "open"


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
    with pytest.raises(TypeError, match="heading"):
        vault.propose("Left.md", "callout", heading="Uses")  # type: ignore[call-overload] # untyped
    with pytest.raises(NotThere, match="no change 99"):
        vault.undo(99)
    with pytest.raises(UsageError, match="no folder"):
        companion.open_vault(user.vault / "No")


def test_the_model_is_asked_for_the_notes_of_a_folder(vault: Vault, user: User) -> None:
    user.note("Breads/Rye.md", NOTE.replace("Sourdough", "Rye"))
    user.note("Breads/Left.md", NOTE.replace("description", "ai: false\ndescription"))
    seen: list[tuple[int, int]] = []
    [rye] = vault.propose("Breads", progress=lambda *counts: seen.append(counts))
    assert (rye.path, rye.status, seen) == ("Breads/Rye.md", "proposed", [(1, 1)])
    kinds = {each.kind: each.id for each in vault.proposals("Breads")}
    assert kinds == {"description": rye.proposals[0]}
    assert rye.left == ["the callout is too short (44 characters)"]
    [left] = vault.propose("Breads/Left")
    assert left.status == "skipped" and left.reason and "ai: false" in left.reason
    asked = user.calls()
    [again] = vault.propose("Breads/Rye", "description")
    assert (again.proposals, user.calls()) == (rye.proposals, asked)


def test_a_daemon_that_asks_another_model_is_not_asked(user: User) -> None:
    user.note("Sourdough.md", NOTE)
    message = r"would ask m at .* asks other at"
    with (
        serving(user, env=user.environment | {"COMPANION_MODEL": "other"}),
        pytest.raises(UsageError, match=message),
    ):
        companion.open_vault(user.vault).propose("Sourdough")
    assert not user.calls()


def test_many_notes_leave_the_machine_only_if_that_is_agreed(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("companion.config.Config.is_remote", True)
    monkeypatch.setattr("companion.enrich.cost.ASK_FROM", 2)
    for number in range(3):
        user.note(f"{number}.md", NOTE)
    vault = companion.open_vault(user.vault)
    with pytest.raises(ConsentMissing, match=r"^3 notes would be sent "):
        vault.propose("", "description")
    assert not user.calls()
    assert len(vault.propose("", "description", agreed=True)) == 3


def test_what_progress_raises_ends_the_run_and_frees_the_vault(vault: Vault, user: User) -> None:
    def stop(done: int, total: int) -> None:
        raise ZeroDivisionError

    user.note("Rye.md", NOTE.replace("Sourdough", "Rye"))
    with pytest.raises(ZeroDivisionError):
        vault.propose("", "description", progress=stop)
    [asked] = vault.propose("Sourdough", "description")
    assert asked.status == "proposed"
