"""companion doctor: each thing that can be wrong is found, said, and mended as it says."""

from __future__ import annotations

import os
import re
import socket
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from companion import __version__
from companion.app.connection import RuntimeFile, write_runtime_file
from companion.app.remote_vault import RemoteVault
from companion.app.tokens import ensure_token
from companion.config import state_folder
from companion.doctor import setup as checks
from companion.errors import UsageError
from companion.store.journal import Journal
from companion.vault import watch
from companion.vault.lock import vault_lock
from companion.vault.watch import WatchUnavailable
from tests.cli.serving import serving
from tests.cli.user import KEY, Ran, User
from tests.llm.fake_endpoint import answer, error

posix = pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
EVERYTHING = [
    *("program", "configuration", "token", "checks", "model", "answer", "vault", "folders"),
    *("marks", "plugin", "prompts", "copies", "events", "state", "journal", "spending", "daemon"),
]


@pytest.fixture(autouse=True)
def all_is_well(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COMPANION_CHECKS")
    user.fake.play(answer("ready"))
    user.configure("[endpoint]\nretries = 0\n[server]\nport = 0\n")
    ensure_token()


def state(user: User) -> Path:
    folder = state_folder(user.vault)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def examine(user: User, *options: str) -> tuple[Ran, dict[str, dict[str, Any]]]:
    ran = user.run("doctor", "--json", *options)
    return ran, {told["name"]: told for told in ran.objects}


def test_all_is_well(user: User) -> None:
    user.note("Stub.md")
    before = user.files()
    ran, told = examine(user)
    assert (ran.status, ran.err, list(told)) == (0, "", EVERYTHING)
    assert [check for check in told.values() if check["state"] != "ok"] == []
    assert all(sorted(check) == ["mend", "name", "said", "state"] for check in told.values())
    assert user.calls() == 1 and user.files() == before and KEY not in ran.all
    assert f"Companion {__version__}" in told["program"]["said"]
    shown = user.run("doctor")
    assert shown.out.startswith("All is well.\n") and shown.err == ""
    questions = re.findall(r"(?m)^\w.*\? +companion \w.*\n  \w.*\.$", shown.out)
    assert len(questions) == 10 and "Not checked" not in "".join(questions)


def test_nothing_is_asked_unless_wanted(user: User) -> None:
    ran, told = examine(user, "--no-call")
    assert ran.status == 0 and user.calls() == 0 and "answer" not in told


def open_token(user: User) -> None:
    (user.home / "token").chmod(0o644)


def open_key(user: User) -> None:
    user.configure(f'[endpoint]\napi_key = "{KEY}"\n').chmod(0o644)


def damaged_journal(user: User) -> None:
    (state(user) / "journal.sqlite3").write_bytes(b"no database at all" * 100)


def torn_journal(user: User) -> None:
    """Spoil a page of a sound journal."""
    file = state(user) / "journal.sqlite3"
    Journal(file).close()
    data = bytearray(file.read_bytes())
    data[4096 * 2 : 4096 * 3] = b"\xff" * 4096
    file.write_bytes(data)


def sync_conflict(user: User) -> None:
    user.note("Stub (conflicted copy 2024-01-01).md")
    user.note(".trash/Old (conflicted copy 2024-01-01).md")


def foreign_prompt(user: User) -> None:
    user.note("_companion/prompts/fields/mood.md", "---\nkind: nonsense\n---\nSay it.\n")


def unknown_field(user: User) -> None:
    user.configure('[notes]\nfields = ["mood"]\n')


def missing_folder(user: User) -> None:
    user.configure('[private]\nfolders = ["Gardn"]\n[server]\nport = 0\n')


def missing_marks(user: User) -> None:
    user.configure('[private]\ntags = ["mee"]\nproperties = { a = "b" }\n[server]\nport = 0\n')


def idle_pattern(user: User) -> None:
    user.configure('[ignore]\npatterns = ["Privat/**"]\n[server]\nport = 0\n')


def odd_settings(user: User) -> None:
    (user.vault / ".obsidian" / "app.json").write_text("{")


def no_token(user: User) -> None:
    (user.home / "token").unlink()


def bad_token(user: User) -> None:
    (user.home / "token").write_text("password")


def no_file(user: User) -> None:
    (user.home / "config.toml").unlink()


def replaced_code(user: User) -> None:
    """Install the plugin, whose code another one replaces before it pairs."""
    assert user.run("plugin", "install").status == 0
    user.run("plugin", "pair")


FAULTS = [
    pytest.param(
        replaced_code, "plugin", "hint", "not paired", "companion plugin install", id="old code"
    ),
    pytest.param(
        open_token, "token", "problem", "others may read", "rotate", id="open token", marks=posix
    ),
    pytest.param(
        bad_token,
        "token",
        "problem",
        "holds no token; companion plugin token rotate",
        "",
        id="bad token",
    ),
    pytest.param(no_token, "token", "hint", "there is none yet", "companion init", id="no token"),
    pytest.param(
        open_key,
        "configuration",
        "problem",
        "others may read",
        "chmod 600",
        id="open key",
        marks=posix,
    ),
    pytest.param(
        damaged_journal,
        "journal",
        "problem",
        "is damaged; move the file aside",
        "",
        id="damaged journal",
    ),
    pytest.param(torn_journal, "journal", "problem", "damaged", "", id="torn journal"),
    pytest.param(
        sync_conflict, "copies", "hint", "1 sync-conflict cop", "merge", id="sync conflict"
    ),
    pytest.param(foreign_prompt, "prompts", "problem", "mood.md", "", id="wrong prompt"),
    pytest.param(unknown_field, "prompts", "problem", "names mood", "", id="unknown field"),
    pytest.param(
        missing_folder, "folders", "problem", "names Gardn", "config.toml", id="missing folder"
    ),
    pytest.param(
        missing_marks, "marks", "hint", "#mee, and no note that", "spelling", id="missing tag"
    ),
    pytest.param(missing_marks, "marks", "hint", "names a: b, and", "", id="missing value"),
    pytest.param(
        idle_pattern, "marks", "hint", "has Privat/**, and no", "spelling", id="idle pattern"
    ),
    pytest.param(odd_settings, "vault", "problem", "it is not valid JSON", "", id="odd settings"),
]


@pytest.mark.parametrize(("spoil", "name", "expected", "said", "mend"), FAULTS)
def test_what_is_wrong(
    user: User, spoil: Callable[[User], None], name: str, expected: str, said: str, mend: str
) -> None:
    spoil(user)
    ran, told = examine(user, "--no-call")
    assert told[name]["state"] == expected and said in told[name]["said"]
    assert mend in told[name]["mend"] and KEY not in ran.all
    assert ran.status == (expected == "problem")
    others = [c for c in told.values() if c["state"] != "ok" and c["name"] != name]
    assert [c["name"] for c in others if c["name"] != "daemon"] == []


def test_checks_that_are_off(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPANION_CHECKS", "OFF")
    ran, told = examine(user, "--no-call")
    assert ran.status == 0 and told["checks"]["state"] == "hint"
    assert "COMPANION_CHECKS=off is set" in told["checks"]["said"]
    assert "unset it" in told["checks"]["mend"]


def test_a_broken_configuration_is_named_and_the_rest_left_out(user: User) -> None:
    user.configure("[endpoint]\nmodle = 1\nretries = -1\n[foo]\n")
    ran, told = examine(user)
    assert ran.status == 1 and list(told) == ["program", "configuration", "token"]
    for name in ("endpoint.modle", "endpoint.retries", "foo"):
        assert name in told["configuration"]["said"]


def test_a_setting_that_is_gone_is_named_once(user: User) -> None:
    file = user.configure("[review]\noutdated_share = 0.5\n")
    told = f"{file}: the setting review.outdated_share is gone: a text is outdated once"
    assert user.run("scan").err.count(told) == 1
    found = examine(user, "--no-call")[1]["configuration"]
    assert found["state"] == "hint" and found["said"].startswith(told)


def test_no_file_is_no_fault_with_an_environment(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_file(user)
    told = examine(user, "--no-call")[1]["configuration"]
    assert told["state"] == "ok" and "COMPANION_BASE_URL, COMPANION_MODEL" in told["said"]
    user.forget_endpoint()
    told = examine(user, "--no-call")[1]["configuration"]
    assert told["state"] == "hint" and "companion init VAULT" in told["mend"]


def test_no_vault(user: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ran, told = examine(user, "--no-call")
    assert ran.status == 1 and "no vault here" in told["vault"]["said"]
    ran, told = examine(user, "--no-call", "--vault", str(tmp_path / "gone"))
    assert ran.status == 1 and "there is no folder" in told["vault"]["said"]
    ran, told = examine(user, "--no-call", "--vault", str(tmp_path))
    assert told["vault"]["state"] == "hint" and ".obsidian" in told["vault"]["said"]


def test_a_vault_that_is_read_only(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    told = examine(user, "--no-call")[1]["vault"]
    assert told["state"] == "problem" and "read-only" in told["said"]


ENDPOINTS = [
    pytest.param(error(401, f"bad key {KEY}"), "does not accept the key", id="401"),
    pytest.param(error(404, "no"), "has no model m", id="404"),
    pytest.param(error(500, "oops"), "error 500", id="500"),
    pytest.param(answer(""), "is empty", id="nothing said"),
]


@pytest.mark.parametrize(("scene", "words"), ENDPOINTS)
def test_an_endpoint_that_does_not_answer(user: User, scene: Any, words: str) -> None:
    user.fake.play(scene)
    ran, told = examine(user)
    assert ran.status == 1 and told["answer"]["state"] == "problem"
    assert words in told["answer"]["said"] and KEY not in ran.all
    shown = user.run("doctor").out
    assert "✗ answer" in shown and "\n1 problem, 16 checks passed.\n" in shown


@pytest.fixture
def embedded(user: User, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The embedded model is configured; return the file that is not here yet."""
    user.forget_endpoint()
    monkeypatch.setenv("COMPANION_CACHE", str(user.home / "cache"))
    user.configure('[endpoint]\nmodel = "smollm2-135m"\n[server]\nport = 0\n')
    return user.home / "cache" / "models" / "SmolLM2-135M-Instruct.Q4_1.gguf"


def test_an_embedded_model_that_is_not_here(user: User, embedded: Path) -> None:
    ran, told = examine(user)
    assert ran.status == 0 and "answer" not in told
    assert told["model"]["state"] == "hint" and "companion model pull" in told["model"]["mend"]
    assert not embedded.parent.exists()


def test_a_download_that_is_interrupted_says_that_it_goes_on(
    user: User, embedded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> Path:
        raise KeyboardInterrupt

    monkeypatch.setattr("companion.llm.download._fetch", interrupt)
    ran = user.run("model", "pull")
    assert ran.status == 130 and "is kept; the next try continues from there" in ran.err
    assert not embedded.exists()


def test_an_embedded_model_of_another_size(user: User, embedded: Path) -> None:
    embedded.parent.mkdir(parents=True)
    embedded.write_bytes(b"GGUF half")
    ran, told = examine(user)
    assert ran.status == 1 and "has 9 bytes, not 98,362,432" in told["model"]["said"]
    assert f"delete {embedded}" in told["model"]["mend"] and "answer" not in told


def test_an_embedded_model_that_is_damaged(user: User, embedded: Path) -> None:
    embedded.parent.mkdir(parents=True)
    with embedded.open("wb") as file:
        file.truncate(98_362_432)
    ran, told = examine(user, "--no-call")
    assert ran.status == 0 and "not read through" in told["model"]["said"]
    ran, told = examine(user, "--no-call", "--thorough")
    assert ran.status == 1 and "is damaged" in told["model"]["said"]


def test_no_such_embedded_model(user: User, embedded: Path) -> None:
    user.configure('[endpoint]\nmodel = "nope"\n')
    ran, told = examine(user)
    assert ran.status == 1 and "There is no model nope" in told["model"]["said"]


def test_a_running_daemon(user: User) -> None:
    with serving(user) as served:
        ran, told = examine(user, "--no-call")
        assert ran.status == 0
        assert f"it runs: http://127.0.0.1:{served.port}" in told["daemon"]["said"]
        write_runtime_file(served.state, RuntimeFile(served.port, served.process.pid, "0.0.1", 1.0))
        ran, told = examine(user, "--no-call")
        assert ran.status == 1 and "version 0.0.1" in told["daemon"]["said"]
        assert "companion serve" in told["daemon"]["mend"]
    told = examine(user, "--no-call")[1]
    assert told["daemon"]["state"] == "ok" and "does not run" in told["daemon"]["said"]


def test_a_daemon_that_hangs(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("companion.cli.doctor._STATUS_TIMEOUT", 0.2)
    monkeypatch.setattr(RemoteVault.status, "__defaults__", (0.3,))
    monkeypatch.setattr("companion.app.connection.SHORT_TIMEOUT", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent, vault_lock(state(user)):
        port = silent.getsockname()[1]
        write_runtime_file(state(user), RuntimeFile(port, os.getpid(), __version__, 1.0))
        ran, told = examine(user, "--no-call")
        assert ran.status == 1 and told["daemon"]["state"] == "problem"
        assert f"port {port} runs, but gave no answer within 0.2 s" in told["daemon"]["said"]
        for command in (["status"], ["enrich", "."], ["undo"]):
            ran = user.run(*command)
            assert ran.status == 1 and "gave no answer within 0.3 s" in ran.err


def test_a_port_that_is_taken(user: User) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        user.configure(f"[server]\nport = {port}\n")
        ran, told = examine(user, "--no-call")
    assert ran.status == 1 and f"another program answers on port {port}" in told["daemon"]["said"]
    assert "[server]" in told["daemon"]["mend"]
    told = examine(user, "--no-call")[1]
    assert told["daemon"]["state"] == "ok" and f"on port {port}" in told["daemon"]["said"]


def test_changes_that_were_interrupted(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPANION_CHECKS", "off")
    user.says()
    user.note("Stub.md")
    assert user.run("enrich", "Stub.md").status == 0
    assert "the newest change is 1" in examine(user, "--no-call")[1]["journal"]["said"]
    with sqlite3.connect(state(user) / "journal.sqlite3") as db:
        db.execute("UPDATE changes SET state = 'pending'")
    told = examine(user, "--no-call")[1]["journal"]
    assert told["state"] == "hint" and "1 change was interrupted" in told["said"]
    spent = examine(user, "--no-call")[1]["spending"]["said"]
    assert "0 of 100 notes in the background" in spent and not spent.startswith("today 0 tokens")


def test_a_cap_that_is_reached(user: User) -> None:
    user.run("doctor")
    user.configure("[limits]\ntokens_a_day = 1\n[server]\nport = 0\n")
    told = examine(user, "--no-call")[1]["spending"]
    assert told["state"] == "hint" and "a limit is reached" in told["said"]
    told = examine(user)[1]["answer"]
    assert told["state"] == "problem" and "The limit of 1 tokens a day is reached" in told["said"]


def test_a_drive_that_tells_nothing(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def start(_: object) -> None:
        raise WatchUnavailable("/mnt is a network or shared drive (nfs4)")

    monkeypatch.setattr("companion.vault.watch.Watch.start", start)
    ran, told = examine(user, "--no-call")
    assert ran.status == 0 and told["events"]["state"] == "hint"
    assert "network" in told["events"]["said"] and "every 10 s to 5 min" in told["events"]["mend"]


DISKS = [
    pytest.param(5_000_000, "problem", "has only 5 MB free", id="full"),
    pytest.param(50_000_000, "hint", "has only 50 MB free", id="nearly full"),
    pytest.param(5_000_000_000, "ok", "5.0 GB free", id="room"),
]


@pytest.mark.parametrize(("free", "expected", "words"), DISKS)
def test_a_disk(
    user: User, monkeypatch: pytest.MonkeyPatch, free: int, expected: str, words: str
) -> None:
    usage = type("Usage", (), {"free": free})
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    told = examine(user, "--no-call")[1]["state"]
    assert told["state"] == expected and words in told["said"]


@posix
def test_a_state_folder_that_is_none(user: User) -> None:
    (user.home / "vaults").write_text("")
    told = examine(user, "--no-call")[1]
    assert told["state"]["state"] == "problem" and "cannot be written" in told["state"]["said"]


UNEXPECTED = [
    pytest.param(UsageError("words"), "words", "", id="in words"),
    pytest.param(
        ZeroDivisionError("oops"), "unexpected ZeroDivisionError: oops", "report", id="bug"
    ),
    pytest.param(RecursionError(), "unexpected RecursionError", "report", id="deep"),
    pytest.param(OSError(5, "I/O error"), "I/O error", "report", id="disk"),
]
BREAKABLE = ["load_config", "load_prompts", "read_obsidian_settings", "open_spending", "Watch"]


@pytest.mark.parametrize("what", BREAKABLE)
@pytest.mark.parametrize(("fault", "words", "mend"), UNEXPECTED)
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
    ran, told = examine(user, "--no-call")
    broken, *same = [check for check in told.values() if check["state"] != "ok"]
    assert {check["said"] for check in same} <= {broken["said"]}
    assert ran.status == 1 and words in broken["said"] and mend in broken["mend"]
    assert len(told) == len(EVERYTHING) - 1
