"""companion init: which vault it is, the note that it tries, and the daemon of a second vault."""

import json
import os
from pathlib import Path

import pytest

from companion.config import load_config
from companion.config.load import vault_file
from tests.cli.empty_machine import empty_machine
from tests.cli.user import FILLED, KEY, STUB, User
from tests.examples import labelled


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


# the vaults that Obsidian lists, the current folder, and what is said of the choice
VAULTS = {
    "the only one": (["vault"], "home", 0, "The vault that Obsidian lists: "),
    "around the current folder": ([], "vault/Sub", 0, "The vault where you are: "),
    "around it, not listed": (["A", "B"], "vault", 0, "The vault where you are: "),
    "two, and nobody to ask": (["A", "B"], "home", 2, "Obsidian lists 2 vaults; name one"),
}


@labelled(("names", "where", "status", "words"), VAULTS)
def test_which_vault_it_is(
    user: User,
    obsidian: Path,
    names: list[str],
    where: str,
    status: int,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (user.vault / "Sub").mkdir()
    lists(obsidian, *(user.vault if name == "vault" else make_vault(user, name) for name in names))
    monkeypatch.chdir(user.home.parent / where)
    ran = user.run("init", "--yes")
    assert ran.status == status and words in ran.all
    assert status or f"{words}{user.vault}\n" in ran.out
    assert load_config().vault == (None if status else user.vault)


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
