"""companion doctor where the machine fails it: disks, drives, daemons and damaged files."""

import os
from pathlib import Path
from typing import Any

import pytest

from companion.app.open_vault import RuntimeFile, write_runtime_file
from companion.config import state_folder
from companion.config.load import vault_file
from tests.cli.serving import serving
from tests.cli.user import User
from tests.examples import labelled
from tests.llm.fake_endpoint import answer


@pytest.fixture(autouse=True)
def all_is_well(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COMPANION_CHECKS")
    user.fake.play(answer("ready"))
    user.configure("[endpoint]\n[server]\nport = 0\n")


def state(user: User) -> Path:
    folder = state_folder(user.vault)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def examine(user: User, *options: str) -> dict[str, dict[str, Any]]:
    """Return the findings by the names of the checks."""
    ran = user.run("doctor", "--json", "--no-call", *options)
    findings = {told["name"]: told for told in ran.objects}
    states = [each["state"] for each in findings.values()]
    assert (ran.status, ran.err) == ("problem" in states, "")
    return findings


def test_a_journal_that_is_torn(user: User) -> None:
    user.says()
    user.note("Stub.md")
    assert user.run("enrich", "Stub.md").status == 0
    journal = state(user) / "journal.sqlite3"
    data = bytearray(journal.read_bytes())
    data[4096 * 2 : 4096 * 3] = b"\xff" * 4096
    journal.write_bytes(data)
    told = examine(user)["journal"]
    assert told["state"] == "problem" and "damaged" in told["said"]


def test_a_vault_that_is_read_only(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    told = examine(user)["vault"]
    assert told["state"] == "problem" and "read-only" in told["said"]


def test_what_a_vault_around_keeps_private(user: User) -> None:
    file = vault_file(user.vault.resolve().parent)
    file.parent.mkdir()
    file.write_text('[private]\nfolders = ["vault/Gone"]\ntags = ["diary"]\n')
    assert "no folder Gone, which is private" in examine(user)["private"]["said"]
    (user.vault / "Gone").mkdir()
    assert examine(user)["private"]["said"] == "Gone, #diary"
    file.write_text('[private]\nfolders = ["vault"]\n')
    assert examine(user)["private"]["said"] == "this whole vault"


DISKS = {
    "nearly full": (50_000_000, "problem", "has only 50 MB free"),
    "room": (5_000_000_000, "ok", "vaults"),
}


@labelled(("free", "expected", "words"), DISKS)
def test_a_disk(
    user: User, monkeypatch: pytest.MonkeyPatch, free: int, expected: str, words: str
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": free}))
    told = examine(user)["state"]
    assert told["state"] == expected and words in told["said"]


def test_it_waits_twenty_seconds_for_an_answer_once(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("companion.doctor._PATIENCE", 0.2)
    user.fake.play(answer("ready")._replace(delay=5.0))
    told = {each["name"]: each for each in user.run("doctor", "--json").objects}["answer"]
    assert told["state"] == "problem" and "within 0.2 seconds" in told["said"]
    assert user.calls() == 1


def test_a_daemon_of_another_version(user: User) -> None:
    with serving(user) as served:
        assert examine(user)["daemon"]["state"] == "ok"
        write_runtime_file(served.state, RuntimeFile(served.port, served.process.pid, "0.0.1", 1.0))
        told = examine(user)["daemon"]
        assert told["state"] == "problem" and "version 0.0.1" in told["said"]
