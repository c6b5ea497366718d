"""companion init: the vault it finds, the note it shows, and a second vault beside the first."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path

import pytest

from companion.config import load_config
from companion.config.load import vault_file
from tests.cli.empty_machine import empty_machine
from tests.cli.user import FILLED, KEY, STUB, User
from tests.llm.fake_endpoint import error


@pytest.fixture(autouse=True)
def obsidian(user: User, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing is set up yet but the endpoint of the tests; return the file of Obsidian's list."""
    user.configure(f'[endpoint]\nbase_url = "{user.fake.url}"\nmodel = "m"\n')
    listed = user.home.parent / "obsidian" / "obsidian.json"
    listed.parent.mkdir()
    empty_machine(user, monkeypatch, [listed])
    return listed


def make_vault(user: User, name: str) -> Path:
    root = user.home.parent / name
    (root / ".obsidian").mkdir(parents=True)
    return root


def lists(obsidian: Path, *roots: Path) -> None:
    """Have Obsidian list these vaults, the last one as the one opened last."""
    vaults = {str(n): {"path": str(root), "ts": n} for n, root in enumerate(roots)}
    obsidian.write_text(json.dumps({"vaults": vaults}))


def is_sent(user: User) -> bool:
    """Whether the text of a note reached the model."""
    return any("Text of mine" in json.dumps(seen.body) for seen in user.fake.seen)


def test_enter_alone_sets_everything_up(user: User, obsidian: Path) -> None:
    other = make_vault(user, "Other")
    lists(obsidian, user.vault, other)  # the one around the current folder comes first
    user.note("Stub.md")
    user.types("", "", "", "", "", "")  # vault, model, background, review, trial, backlog
    ran = user.run("init")
    assert ran.status == 0, ran.all
    assert f"  1  {user.vault}, where you are" in ran.out and f"  2  {other}" in ran.out
    assert "This machine has 8.0 GB of memory, 4.0 GB of it free" in ran.out
    assert "What it would write in Stub.md, which stays as it is" in ran.out
    assert "description: What a stub is." in ran.out and user.read("Stub.md") == STUB
    config = load_config()
    assert config.vault == user.vault and config.background.enabled is True
    assert (user.vault / ".obsidian/plugins/callout-companion/main.js").is_file()
    files = {path: path.read_bytes() for path in user.home.parent.rglob("*") if path.is_file()}
    calls = user.calls()
    assert "left alone until you answer; companion service backlog asks again" in ran.out
    user.types("", "", "", "", "n")
    again = user.run("init")
    assert again.status == 0 and "Nothing to change" in again.out, again.all
    assert "is in the vault already" in again.out and user.calls() == calls
    state = user.home / "vaults"
    changed = [path for path, data in files.items() if path.read_bytes() != data]
    assert not [path for path in changed if not path.is_relative_to(state)]


def test_no_to_the_proposal_writes_nothing(user: User) -> None:
    user.note("Stub.md")
    before = (user.home / "config.toml").read_bytes()
    user.types("", "", "", "n")
    ran = user.run("init", str(user.vault))
    assert ran.status == 1 and "Nothing was written" in ran.err
    assert (user.home / "config.toml").read_bytes() == before
    assert not (user.home / "token").exists() and user.read("Stub.md") == STUB


LISTED = [
    pytest.param((), "Obsidian lists no vault", id="none"),
    pytest.param(("A", "B"), "Obsidian lists 2 vaults; name one", id="two, and nobody to ask"),
]


@pytest.mark.parametrize(("names", "words"), LISTED)
def test_no_vault_is_guessed(
    user: User,
    obsidian: Path,
    names: tuple[str, ...],
    words: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(user.home)
    lists(obsidian, *(make_vault(user, name) for name in names))
    ran = user.run("init", "--yes")
    assert (ran.status, ran.out) == (2, "") and words in ran.err


TAKEN = [
    pytest.param(("Vault",), "home", "The vault that Obsidian lists", id="the only one"),
    pytest.param((), "Vault/Sub", "The vault where you are", id="around the current folder"),
    pytest.param(("A", "B"), "Vault", "The vault where you are", id="around it, not listed"),
]


@pytest.mark.parametrize(("names", "where", "words"), TAKEN)
def test_the_vault_is_taken(
    user: User,
    obsidian: Path,
    names: tuple[str, ...],
    where: str,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    roots = {"Vault": user.vault, "Vault/Sub": user.vault / "Sub", "home": user.home}
    lists(obsidian, *(roots.get(name) or make_vault(user, name) for name in names))
    roots["Vault/Sub"].mkdir()
    monkeypatch.chdir(roots[where])
    ran = user.run("init", "--yes")
    assert ran.status == 0 and f"{words}: {user.vault}" in ran.out, ran.all
    assert load_config().vault == user.vault


CONSENT = [
    pytest.param([], False, id="nothing said"),
    pytest.param(["--note", "Stub.md"], True, id="the note is named"),
]


@pytest.mark.parametrize(("options", "goes"), CONSENT)
def test_a_note_goes_to_another_machine_only_if_the_user_says_so(
    user: User, monkeypatch: pytest.MonkeyPatch, options: list[str], goes: bool
) -> None:
    monkeypatch.setattr("companion.config.Config.is_remote", True)
    user.note("Stub.md")
    ran = user.run("init", str(user.vault), *options, "--no-plugin", "--yes")
    assert ran.status == 0 and is_sent(user) == goes
    assert ("What it would write in Stub.md" in ran.out) == goes


@pytest.mark.parametrize("says", ["", "y"])
def test_asked_on_a_terminal_enter_sends_nothing(
    user: User, monkeypatch: pytest.MonkeyPatch, says: str
) -> None:
    monkeypatch.setattr("companion.config.Config.is_remote", True)
    user.note("Stub.md")
    user.types("", "y", "", says, "", "n")
    ran = user.run("init", str(user.vault))
    assert ran.status == 0, ran.all
    assert f"Send Stub.md to {user.fake.url}" in ran.err and is_sent(user) == (says == "y")


def test_a_private_note_is_never_sent(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("companion.config.Config.is_remote", True)
    user.configure(
        f'[endpoint]\nbase_url = "{user.fake.url}"\nmodel = "m"\n[private]\nfolders = ["Diary"]\n'
    )
    user.note("Diary/Stub.md")
    ran = user.run("init", str(user.vault), "--note", "Diary/Stub.md", "--no-plugin", "--yes")
    assert ran.status == 0 and "Diary/Stub.md is left alone" in ran.err and not is_sent(user)


NOTES = [
    pytest.param({"Stub.md": STUB, "Whole.md": FILLED * 5}, "Stub.md", id="a stub first"),
    pytest.param({"A.md": "# A\n", "B.md": f"# B\n\n{'Words. ' * 250}"}, "B.md", id="of length"),
    pytest.param({"A.md": ""}, "", id="none with text"),
]


@pytest.mark.parametrize(("notes", "chosen"), NOTES)
def test_which_note_is_shown(user: User, notes: dict[str, str], chosen: str) -> None:
    for name, text in notes.items():
        user.note(name, text)
    ran = user.run("init", str(user.vault), "--no-plugin", "--yes")
    assert ran.status == 0
    assert (f"in {chosen}, which stays" in ran.out) if chosen else ("which stays" not in ran.out)


def test_a_model_that_fails_on_the_note_is_told(user: User) -> None:
    user.note("Stub.md")
    first = user.fake.script
    user.fake.script = lambda seen, n: first(seen, n) if n == 0 else error(401, f"bad key {KEY}")
    ran = user.run("init", str(user.vault), "--no-plugin", "--yes")
    assert ran.status == 1 and "does not accept the key" in ran.err and KEY not in ran.all


def test_what_the_model_did_not_write_is_told(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPANION_CHECKS", "on")
    sentence = "Every loaf in this kitchen is raised by wild yeast, all the year."
    user.note("Starter.md", f"---\ndescription:\n---\n\n# Starter\n\n{sentence}\n")
    user.says(description="As an AI language model, I cannot write that.")
    ran = user.run("init", str(user.vault), "--no-plugin", "--yes")
    assert ran.status == 0, ran.all
    assert f"description, to wait for your decision (extractive):\n  {sentence}\n" in ran.out


def test_the_trial_keeps_nothing(user: User) -> None:
    note = user.note("Stub.md")
    assert user.run("enrich", "Stub.md").status == 0
    note.write_bytes(STUB.encode())
    journal = next((user.home / "vaults").glob("*/journal.sqlite3"))
    before = journal.read_bytes(), user.run("history").out
    for model in ("a", "b"):
        command = ("init", str(user.vault), "--endpoint", user.fake.url, "--model", model)
        ran = user.run(*command, "--review", "--note", "Stub.md", "--no-plugin")
        assert ran.status == 0 and "+description: What a stub is." in ran.out, ran.all
    assert (journal.read_bytes(), user.run("history").out) == before


def test_a_second_vault_gets_a_file_and_a_port_of_its_own(user: User) -> None:
    work, third = make_vault(user, "Work"), make_vault(user, "Third")
    user.run("init", str(user.vault), "--yes", "--no-plugin")
    common = (user.home / "config.toml").read_bytes()
    ran = user.run("init", str(work), "--yes", "--no-background")
    assert ran.status == 0, ran.all
    assert (user.home / "config.toml").read_bytes() == common
    assert tomllib.loads(vault_file(work).read_text()) == {
        "vault": str(work),
        "background": {"enabled": False},
        "server": {"port": 27183},
    }
    assert "http://127.0.0.1:27183" in ran.out, "the plugin is told the port"
    user.run("init", str(third), "--embedded", "--no-test", "--no-plugin")
    config = load_config(third)
    assert (config.is_embedded, config.server.port) == (True, 27184)
    before = vault_file(work).read_bytes()
    again = user.run("init", str(work), "--yes", "--no-background")
    assert "Nothing to change" in again.out and vault_file(work).read_bytes() == before
    assert load_config().vault == user.vault and load_config(work).endpoint.model == "m"


def test_the_key_comes_along_with_its_address(user: User) -> None:
    work = make_vault(user, "Work")
    user.configure(
        f'vault = "{user.vault}"\n[endpoint]\nbase_url = "{user.fake.url}"\nmodel = "m"\n'
        f'api_key = "{KEY}"\n'
    )
    ran = user.run("init", str(work), "--endpoint", user.fake.url, "--model", "n", "--no-plugin")
    assert ran.status == 0 and KEY not in ran.all
    assert load_config(work).endpoint.api_key.get_secret_value() == KEY
    assert load_config(work).endpoint.model == "n" and load_config().endpoint.model == "m"


def test_a_vault_that_is_gone_gives_its_place(user: User) -> None:
    user.configure(f'vault = "/gone"\n[endpoint]\nbase_url = "{user.fake.url}"\nmodel = "m"\n')
    assert user.run("init", str(user.vault), "--yes", "--no-plugin").status == 0
    assert load_config().vault == user.vault and not vault_file(user.vault).exists()


def test_a_vault_whose_drive_is_away_keeps_its_settings(user: User) -> None:
    away = user.home / "drive" / "Vault"
    user.configure(f'vault = "{away}"\n[endpoint]\nmodel = "smollm2-135m"\n')
    common = (user.home / "config.toml").read_bytes()
    chosen = ("--endpoint", user.fake.url, "--model", "m")
    assert user.run("init", str(user.vault), *chosen, "--no-plugin").status == 0
    assert (user.home / "config.toml").read_bytes() == common
    assert vault_file(user.vault).exists()


def test_commands_work_on_the_vault_around_that_has_settings(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = make_vault(user, "Work")
    (work / "Mine.md").write_text(STUB)
    user.run("init", str(user.vault), "--yes", "--no-plugin")
    assert user.run("scan", str(work / "Mine.md")).status == 2
    user.run("init", str(work), "--yes", "--no-plugin")
    assert "Mine.md" in user.run("scan", str(work / "Mine.md")).out
    monkeypatch.chdir(work)
    ran = user.run("scan")
    assert "Mine.md" in ran.out and ran.err == ""


def test_its_daemon_gets_its_port_and_its_model(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = make_vault(user, "Work")
    user.run("init", str(user.vault), "--yes", "--no-plugin")
    user.run("init", str(work), "--embedded", "--no-test", "--no-plugin")
    served: list[tuple[bool, Path, int]] = []
    monkeypatch.setattr(
        "companion.daemon.process.serve",
        lambda root, port, ready: served.append((load_config(root).is_embedded, root, port)),
    )
    for root in (user.vault, work):
        assert user.run("serve", "--vault", str(root)).status == 0
    assert served == [(False, user.vault, 27182), (True, work, 27183)]


def test_doctor_names_the_file_of_the_vault(user: User) -> None:
    work = make_vault(user, "Work")
    user.run("init", str(user.vault), "--yes", "--no-plugin")
    user.run("init", str(work), "--yes", "--no-plugin")
    ran = user.run("doctor", "--no-call", "--vault", str(work))
    assert "port 27183" in ran.out
    vault_file(work).write_text("[server]\nprot = 1\n")
    ran = user.run("doctor", "--no-call", "--vault", str(work))
    assert ran.status == 1 and f"{vault_file(work)}: unknown setting server.prot" in ran.out


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_doctor_looks_at_the_keys_of_all_vaults(user: User) -> None:
    work = make_vault(user, "Work")
    user.run("init", str(user.vault), "--yes", "--no-plugin")
    user.run("init", str(work), "--embedded", "--no-test", "--no-plugin")
    vault_file(work).write_text(
        f'[endpoint]\nbase_url = "http://x/v1"\nmodel = "m"\napi_key = "{KEY}"'
    )
    vault_file(work).chmod(0o644)
    ran = user.run("doctor", "--no-call")
    assert ran.status == 1 and f"others may read {vault_file(work)}, which holds a key" in ran.out


def test_what_is_written_unasked_can_wait_for_review(user: User) -> None:
    for typed, mode in (["y", "propose"], ["", "propose"], ["n", "write"]):
        user.types("", "", typed, "n")
        ran = user.run("init", str(user.vault), "--no-plugin")
        assert ran.status == 0 and "Should they wait for your review?" in ran.err, ran.all
        written = tomllib.loads((user.home / "config.toml").read_text())
        assert written["review"] == {"mode": mode}
    user.run("init", str(user.vault), "--review", "--no-plugin")
    assert tomllib.loads((user.home / "config.toml").read_text())["review"]["mode"] == "propose"
