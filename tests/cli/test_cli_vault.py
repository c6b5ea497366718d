"""Which vault and which path is meant, and what is said when there is none; broken settings."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.user import FILLED, STUB, User


def test_the_nearest_vault_above(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    user.note("Folder/Deep/Stub.md")
    user.note("Stub.md")
    monkeypatch.chdir(user.vault / "Folder")
    assert user.run("enrich", "Deep").status == 0
    assert user.read("Folder/Deep/Stub.md") == FILLED and user.read("Stub.md") == STUB
    assert "Stub.md\n" in user.run("scan").out


def test_the_path_names_the_vault(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    note = user.note("Stub.md")
    monkeypatch.chdir(user.home)
    assert user.run("enrich", str(note)).status == 0 and user.read("Stub.md") == FILLED


def test_the_option_wins_over_the_configuration(user: User, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "Other.md").write_text(STUB)
    user.note("Stub.md")
    user.configure(f"vault = {str(other)!r}\n")
    assert [o["path"] for o in user.run("scan", "--json").objects] == ["Other.md"]
    named = user.run("scan", "--json", "--vault", str(user.vault))
    assert [o["path"] for o in named.objects] == ["Stub.md"]


@pytest.fixture
def copy(user: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the vault, in which the user stands; the configured one is the vault."""
    user.note("Stub.md")
    user.note("Folder/Only.md")
    copied = tmp_path / "copy"
    (copied / ".obsidian").mkdir(parents=True)
    (copied / "Stub.md").write_text(STUB)
    user.configure(f"vault = {str(user.vault)!r}\n[endpoint]\nretries = 0\n")
    monkeypatch.chdir(copied)
    return copied


@pytest.mark.parametrize("path", [".", "Stub.md", "Stub"])
@pytest.mark.parametrize("command", ["scan", "enrich", "prompt", "history", "undo"])
def test_what_is_here_is_no_part_of_a_vault_elsewhere(
    user: User, copy: Path, command: str, path: str
) -> None:
    user.run("enrich", str(user.vault / "Stub.md"))  # so that it has a history
    before = user.files()
    ran = user.run(command, path)
    assert (ran.status, ran.out) == (2, "") and user.files() == before
    assert f"lies outside the vault {user.vault}; say --vault . " in ran.err
    assert str(copy) in ran.err


def test_a_vault_elsewhere_is_named(user: User, copy: Path) -> None:
    for command in (["scan"], ["enrich", "Folder/Only.md"]):
        ran = user.run(*command)
        assert ran.status == 0 and ran.out.startswith(f"In the vault {user.vault}\n")
        assert f"the current folder is in the vault {copy}, but this is about" in ran.err
    assert user.read("Folder/Only.md") == FILLED
    here = user.run("enrich", ".", "--vault", ".")
    assert (here.status, here.err) == (0, "") and "In the vault" not in here.out
    assert (copy / "Stub.md").read_text() == FILLED and user.read("Stub.md") == STUB


VAULTS = [
    pytest.param("nowhere", "there is no folder", id="missing"),
    pytest.param("vault/Stub.md", "is not a folder", id="a file"),
]


@pytest.mark.parametrize(("path", "words"), VAULTS)
@pytest.mark.parametrize("by", ["option", "configuration"])
def test_no_such_vault(user: User, tmp_path: Path, path: str, words: str, by: str) -> None:
    user.note("Stub.md")
    named = str(tmp_path / path)
    if by == "configuration":
        user.configure(f"vault = {named!r}\n")
    for command in (["scan"], ["enrich", "."], ["undo"], ["history"]):
        ran = user.run(*command, *(["--vault", named] if by == "option" else []))
        assert (ran.status, ran.out) == (2, "") and words in ran.err and named in ran.err
        assert "name the folder of your vault" in ran.err


@pytest.mark.parametrize("named", ["", "  "])
def test_an_empty_vault_is_not_the_current_folder(user: User, named: str) -> None:
    user.note("Stub.md")
    for command in (["scan"], ["enrich", "."], ["doctor"], ["status"]):
        ran = user.run(*command, "--vault", named)
        assert (ran.status, ran.out) == (2, "") and "the vault named is empty" in ran.err
    for command in (["init", named], ["plugin", "install", named]):
        ran = user.run(*command)
        assert (ran.status, ran.out) == (2, "") and "the vault named is empty" in ran.err
    user.configure(f"vault = {named!r}\n")
    ran = user.run("enrich", ".")
    assert (ran.status, ran.out) == (2, "") and "name the" in ran.err
    assert user.read("Stub.md") == STUB


def test_a_vault_that_cannot_be_read(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    ran = user.run("scan", "--vault", str(user.vault))
    assert ran.status == 2 and "cannot be read (Permission denied); allow it" in ran.err


def test_no_vault_here(user: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    ran = user.run("scan")
    assert ran.status == 2 and "no vault here" in ran.err and "--vault" in ran.err


def test_a_configured_vault_that_is_not_there(user: User) -> None:
    file = user.configure('vault = "/nope"\n')
    for command in (["scan"], ["enrich", "."], ["status"]):
        ran = user.run(*command)
        assert ran.status == 2 and f"{file}: vault: there is no folder /nope" in ran.err
    assert "there is no folder /none" in user.run("scan", "--vault", "/none").err


@pytest.mark.parametrize("name", ["-x.md", "--x.md"])
def test_a_note_that_looks_like_an_option(user: User, name: str) -> None:
    user.note(name)
    refused = user.run("enrich", name)
    assert refused.status == 2 and refused.err.endswith(f"\nA note of that name: ./{name}\n")
    assert user.run("enrich", f"./{name}").status == 0 and user.read(name) == FILLED
    assert "A note" not in user.run("enrich", "--nope", name[1:]).err


PATHS = [
    pytest.param("Nope.md", "there is no Nope.md in the vault", id="not there"),
    pytest.param("../home", "lies outside the vault", id="outside"),
    pytest.param("Out/Secret.md", "leads out of the vault", id="out by a link"),
    pytest.param("", "an empty path", id="empty"),
    pytest.param("caf\udce9.md", "the name caf\\xe9.md is not valid UTF-8", id="not UTF-8"),
]


@pytest.mark.parametrize(("path", "words"), PATHS)
@pytest.mark.parametrize("command", ["scan", "enrich", "prompt", "history", "undo"])
def test_no_such_path(user: User, command: str, path: str, words: str) -> None:
    (user.home / "Secret.md").write_text(STUB)
    (user.vault / "Out").symlink_to(user.home)
    ran = user.run(command, path)
    assert (ran.status, ran.out) == (2, "") and words in ran.err
    assert ran.err.count("\n") == 1 and user.calls() == 0


PROMPTS = [
    pytest.param("mood.md", "---\nkind: zzz\n---\nx", "mood.md, line 2: ", id="unknown kind"),
    pytest.param(
        "mood.md", "---\nkind: text\n---\n{{ nope }}", "line 4: there is no nope", id="name"
    ),
    pytest.param("mood.md", "---\nkind: text\n---\n{{ title ", "not valid Jinja2", id="syntax"),
    pytest.param("mood.md", "---\nkind: text\n---\n", "holds no text", id="empty"),
    pytest.param("description.md", "Write it.", "does not say what the field holds", id="override"),
]


@pytest.mark.parametrize(("name", "text", "words"), PROMPTS)
def test_a_broken_prompt_file(user: User, name: str, text: str, words: str) -> None:
    user.note("Stub.md")
    file = user.note(f"_companion/prompts/fields/{name}", text)
    for command in (["scan"], ["enrich", "."], ["prompt", "Stub.md"]):
        ran = user.run(*command)
        assert (ran.status, ran.out) == (2, "") and words in ran.err and str(file) in ran.err
        assert ran.err.count("\n") == 1
    assert user.read("Stub.md") == STUB and user.calls() == 0


def test_broken_settings(user: User) -> None:
    user.note("Stub.md")
    user.configure("[endpoint]\nmodle = 1\n")
    for command in (["scan"], ["enrich", "."], ["history"], ["undo"]):
        ran = user.run(*command)
        assert ran.status == 2 and "unknown setting endpoint.modle" in ran.err and not ran.out


def test_a_field_without_a_prompt(user: User) -> None:
    user.configure('[notes]\nfields = ["mood"]\n')
    ran = user.run("scan")
    assert ran.status == 2 and "notes.fields names mood" in ran.err


def test_an_unexpected_error_is_one_sentence(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("companion.app.local_notes.ScanPart", fail)
    ran = user.run("scan")
    assert ran.status == 1 and ran.err.count("\n") == 1
    assert "unexpected RuntimeError: boom; --debug shows where" in ran.err
    with pytest.raises(RuntimeError):
        user.run("scan", "--debug")


@pytest.mark.skipif(os.name == "nt", reason="a name of bytes, and /dev/full")
def test_what_the_user_can_mend_is_no_fault_of_ours(user: User) -> None:
    named = user.start("scan", "\udcff")
    assert named.communicate()[
        1
    ] == "companion: the name \\xff is not valid UTF-8; rename it to" + (" have it enriched\n")
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        for command in (["scan"], ["scan", "--json"]):
            user.note("Stub.md")
            ran = user.start(*command, stdout=full)
            said = ran.communicate()[1]
            assert ran.returncode == 1 and said.count("\n") == 1
            assert "the output cannot be written (No space left on device)" in said
