"""Paths that cannot be read, and names that would steer the terminal."""

import os
from pathlib import Path

import pytest

from tests.cli.user import FILLED, User


def test_a_folder_that_cannot_be_read_is_said(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    user.note("Garden/A.md")
    real = os.scandir

    def refuse(path: object) -> object:
        if str(path).rstrip("/").endswith("Garden"):
            raise PermissionError(13, "Permission denied")
        return real(str(path))

    monkeypatch.setattr("companion.vault.walk.os.scandir", refuse)
    ran = user.run("enrich", "Garden")
    assert ran.status == 0 and "1  it cannot be read (Permission denied)" in ran.out


def test_a_vault_that_cannot_be_read(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    ran = user.run("scan", "--vault", str(user.vault))
    assert ran.status == 2 and "cannot be read (Permission denied); check" in ran.err


def test_read_only_note_is_not_asked_for(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    note = user.note("Stub.md")
    access = os.access
    with monkeypatch.context() as patch:  # root may write anything
        patch.setattr(os, "access", lambda path, mode: path != note and access(path, mode))
        for arguments in (["."], ["Stub.md"]):
            [ran] = user.run("enrich", *arguments, "--json").objects
            assert ran["status"] == "failed"
            assert ran["reason"].endswith("read-only; allow writing to it and try again")
        assert user.calls() == 0 and user.run("history", "--json").objects == []
        assert user.run("enrich", ".", "--dry-run").status == 0 and user.calls() == 1
    assert user.run("enrich", ".").status == 0 and user.read("Stub.md") == FILLED
