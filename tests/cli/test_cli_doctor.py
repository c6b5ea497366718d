"""companion doctor where the machine fails it: disks, drives, ports, daemons and damaged files."""

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from companion.app.open_vault import RuntimeFile, write_runtime_file
from companion.app.tokens import ensure_token
from companion.config import state_folder
from companion.config.load import vault_file
from companion.doctor import setup as checks
from companion.errors import UsageError
from companion.vault import watch
from companion.vault.watch import WatchUnavailable
from tests.cli.serving import serving
from tests.cli.user import User
from tests.examples import labelled
from tests.llm.fake_endpoint import answer

CHECKS = 16  # that need no call


@pytest.fixture(autouse=True)
def all_is_well(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COMPANION_CHECKS")
    user.fake.play(answer("ready"))
    user.configure("[endpoint]\n[server]\nport = 0\n")
    ensure_token()


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


def test_a_drive_that_tells_nothing(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def start(_: object) -> None:
        raise WatchUnavailable("/mnt is a network or shared drive (nfs4)")

    monkeypatch.setattr("companion.vault.watch.Watch.start", start)
    told = examine(user)["events"]
    assert told["state"] == "hint" and "every 10 s to 5 min" in told["mend"]


def test_what_a_vault_around_keeps_private(user: User) -> None:
    file = vault_file(user.vault.resolve().parent)
    file.parent.mkdir()
    file.write_text('[private]\nfolders = ["vault/Gone"]\ntags = ["diary"]\n')
    user.note("Stub.md")
    user.says()
    for ran in (user.run("scan"), user.run("enrich", ".", "--dry-run")):
        assert ran.status == 0 and "keeps no note back" not in ran.all, "names of another vault"
    assert "private by your settings: Gone, #diary." in user.run("doctor", "--no-call").out
    file.write_text('[private]\nfolders = ["vault"]\n')
    assert "private by your settings: this whole vault." in user.run("doctor", "--no-call").out


ELSEWHERE = {
    "a vault's file that needs the model of the environment": (
        "",
        '[endpoint]\nbase_url = "{url}"',
    ),
    "a home that is not there": ('vault = "~no-such-user/Notes"\n', ""),
}


@labelled(("common", "own"), ELSEWHERE)
def test_a_folder_of_another_vault_is_no_typo(user: User, common: str, own: str) -> None:
    other = user.vault.parent / "Other"
    (other / "Clients").mkdir(parents=True)
    user.configure(f'{common}[private]\nfolders = ["Clients"]\n')
    vault_file(user.vault.resolve()).parent.mkdir()
    vault_file(user.vault.resolve()).write_text(own.format(url=user.fake.url))
    vault_file(other.resolve()).write_text(f'vault = "{other.resolve().as_posix()}"\n')
    user.note("Stub.md")
    ran = user.run("scan")
    assert ran.status == 0 and "keeps no note back" not in ran.all, ran.all


DISKS = {
    "full": (5_000_000, "problem", "has only 5 MB free"),
    "nearly full": (50_000_000, "hint", "has only 50 MB free"),
    "room": (5_000_000_000, "ok", "5.0 GB free"),
}


@labelled(("free", "expected", "words"), DISKS)
def test_a_disk(
    user: User, monkeypatch: pytest.MonkeyPatch, free: int, expected: str, words: str
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": free}))
    told = examine(user)["state"]
    assert told["state"] == expected and words in told["said"]


def test_an_embedded_model_that_is_damaged(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    user.forget_endpoint()
    monkeypatch.setenv("COMPANION_CACHE", str(user.home / "cache"))
    user.configure('[endpoint]\nmodel = "smollm2-135m"\n[server]\nport = 0\n')

    def interrupt(*_: object) -> Path:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("companion.llm.download._fetch", interrupt)
        ran = user.run("model", "pull")
    assert ran.status == 130 and "is kept; the next try continues from there" in ran.err
    file = user.home / "cache" / "models" / "SmolLM2-135M-Instruct.Q4_1.gguf"
    assert not file.exists()
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as opened:
        opened.truncate(98_362_432)
    assert "checksum not verified" in examine(user)["model"]["said"]
    assert "is damaged" in examine(user, "--thorough")["model"]["said"]


def test_a_daemon_of_another_version(user: User) -> None:
    with serving(user) as served:
        write_runtime_file(served.state, RuntimeFile(served.port, served.process.pid, "0.0.1", 1.0))
        told = examine(user)["daemon"]
        assert told["state"] == "problem" and "version 0.0.1" in told["said"]
        assert "companion serve" in told["mend"]


def test_a_port_that_is_taken(user: User) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        user.configure(f"[server]\nport = {port}\n")
        told = examine(user)["daemon"]
        assert f"another program answers on port {port}" in told["said"]
        assert "[server]" in told["mend"]
    told = examine(user)["daemon"]
    assert told["state"] == "ok" and f"on port {port}" in told["said"]


UNEXPECTED = {
    "in words": (UsageError("words"), "words", ""),
    "bug": (ZeroDivisionError("oops"), "unexpected ZeroDivisionError: oops", "report"),
    "deep": (RecursionError(), "unexpected RecursionError", "report"),
    "disk": (OSError(5, "I/O error"), "I/O error", "report"),
}
BREAKABLE = ["load_config", "load_prompts", "read_obsidian_settings", "open_spending", "Watch"]


@pytest.mark.parametrize("what", BREAKABLE)
@labelled(("fault", "words", "mend"), UNEXPECTED)
def test_it_never_crashes(
    user: User,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
    fault: Exception,
    words: str,
    mend: str,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise fault

    monkeypatch.setattr(watch if what == "Watch" else checks, what, fail)
    findings = examine(user)
    broken, *same = [check for check in findings.values() if check["state"] != "ok"]
    assert {check["said"] for check in same} <= {broken["said"]}
    assert broken["state"] == "problem" and words in broken["said"] and mend in broken["mend"]
    assert len(findings) == CHECKS
