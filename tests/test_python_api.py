"""The Python API: docs/programs.md is its manual and its test."""

import doctest

import pytest

import companion
from companion.errors import UsageError
from tests.cli.conftest import user
from tests.cli.serving import QUIET
from tests.cli.user import REPOSITORY, User

__all__ = ["user"]

NOTE = "---\ndescription:\n---\n\n# Sourdough\n\nWild yeast raises this bread.\n"


def test_the_manual_is_true(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COMPANION_CHECKS")
    user.configure(QUIET)
    user.says(description="A bread that wild yeast raises.")
    user.note("Sourdough.md", NOTE)
    file = REPOSITORY / "docs" / "programs.md"
    given = {"folder": str(user.vault)}
    failed, tried = doctest.testfile(str(file), module_relative=False, globs=given)
    assert (failed, tried >= 10) == (0, True)
    assert user.read("Sourdough.md") == NOTE


def test_a_folder_that_is_missing(user: User) -> None:
    with pytest.raises(UsageError, match="no folder"):
        companion.open_vault(user.vault / "No")
