"""companion config: settings read and changed by name, in an editor, for all vaults or one."""

from __future__ import annotations

import io
import json
import os
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from companion.config.load import load_config, vault_file
from tests.cli.user import KEY, STUB, User

OTHER = "sk-typed-Kw7OtherKey"


@pytest.fixture(autouse=True)
def environment_empty(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    user.forget_endpoint()


SET = [
    pytest.param("endpoint.timeout", ["30"], "timeout = 30\n", id="a number"),
    pytest.param("background.enabled", ["false"], "enabled = false\n", id="true or false"),
    pytest.param("background.enabled", ["no"], "enabled = false\n", id="in another word"),
    pytest.param("callout.title", ["2024"], 'title = "2024"\n', id="a text of digits"),
    pytest.param("callout.title", ["Says: x"], 'title = "Says: x"\n', id="a text"),
    pytest.param("callout.title", ['"a b"'], 'title = "a b"\n', id="as TOML has it"),
    pytest.param("callout.fold", ["+"], 'fold = "+"\n', id="a sign"),
    pytest.param("ignore.folders", ["Journal"], 'folders = ["Journal"]\n', id="a list of one"),
    pytest.param("ignore.folders", ["A", "B c"], 'folders = ["A", "B c"]\n', id="a list"),
    pytest.param("ignore.folders", ['["A"]'], 'folders = ["A"]\n', id="a list in TOML"),
    pytest.param("notes.fields", ["description"], 'fields = ["description"]\n', id="may be unset"),
    pytest.param(
        "private.properties", ['{ kind = "x" }'], 'properties = {kind = "x"}\n', id="a table"
    ),
]


@pytest.mark.parametrize(("name", "values", "line"), SET)
def test_set(user: User, name: str, values: list[str], line: str) -> None:
    file = user.configure(f"# mine\n[{name.split('.')[0]}] # why\n")
    ran = user.run("config", "set", name, *values)
    assert (ran.status, ran.err) == (0, "")
    assert tomllib.loads(file.read_text()) == tomllib.loads(
        f"[{name.split('.')[0]}]\n{line}"
    ) and file.read_text().startswith(f"# mine\n[{name.split('.')[0]}] # why\n")
    before = file.read_bytes()
    assert "Nothing to change" in user.run("config", "set", name, *values).out
    assert file.read_bytes() == before
    assert user.run("config", "set", name, "--default").out == f"{name}: taken out\n"


REFUSED = [
    pytest.param(
        ["endpoint.modle", "x"], "no setting endpoint.modle; there is endpoint.model", id="slip"
    ),
    pytest.param(
        ["model", "x"], "no setting model; there is endpoint.model", id="without its table"
    ),
    pytest.param(["server", "x"], "no setting server; there is server.port", id="a table"),
    pytest.param(["zzz", "x"], "no setting zzz; companion config get lists", id="nothing like it"),
    pytest.param(
        ["review.outdated_share", "0.5"], "review.outdated_share is gone: a text is", id="gone"
    ),
    pytest.param(
        ["endpoint.timeout", "soon"],
        "endpoint.timeout: this takes a number; nothing was written. endpoint.timeout: seconds for",
        id="no number",
    ),
    pytest.param(
        ["callout.fold", "x"],
        "has to be '', '+' or '-'; nothing was written. callout.fold: at the",
        id="no such choice",
    ),
    pytest.param(["ignore.folders", "/abs"], "'/abs' is an absolute path", id="a folder elsewhere"),
    pytest.param(["endpoint.timeout", "1", "2"], "takes one value: seconds", id="two values"),
    pytest.param(["endpoint.timeout"], "give endpoint.timeout a value, or --default", id="none"),
    pytest.param(["endpoint.timeout", "1", "--default"], "or --default", id="both"),
    pytest.param(["endpoint.base_url", "http://x/v1"], "needs a model, too", id="half an endpoint"),
    pytest.param(["endpoint.api_key", KEY], "would stay in the shell's history", id="the key"),
    pytest.param(["similar.api_key", KEY], "would stay in the shell's history", id="another key"),
]


@pytest.mark.parametrize(("arguments", "words"), REFUSED)
def test_refused(user: User, arguments: list[str], words: str) -> None:
    file = user.configure("# mine\n")
    ran = user.run("config", "set", *arguments)
    assert (ran.status, ran.out) == (2, "") and words in ran.err and KEY not in ran.err
    assert file.read_text() == "# mine\n"


def test_the_key_comes_by_standard_input_and_is_never_shown(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = user.configure('[endpoint]\nbase_url = "http://me:pw@x/v1?k=pw"\nmodel = "m"\n')
    assert user.run("config", "get", "endpoint.api_key").status == 1
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{OTHER}\n"))
    ran = user.run("config", "set", "endpoint.api_key")
    assert (ran.status, ran.out) == (0, "endpoint.api_key: set\n")
    assert tomllib.loads(file.read_text())["endpoint"]["api_key"] == OTHER
    assert os.name == "nt" or stat.S_IMODE(file.stat().st_mode) == 0o600
    for asked in (["endpoint.api_key"], [], ["--json"], ["endpoint.base_url"]):
        ran = user.run("config", "get", *asked)
        assert ran.status == 0 and OTHER not in ran.all and "pw" not in ran.all
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n"))
    assert "no key came" in user.run("config", "set", "endpoint.api_key").err


WAYS = ["environment", "config.toml", "the vault's own", "[similar]", "config set", "init"]


def read_key_by(user: User, way: str, key: str) -> tuple[int, str]:
    """Return exit status and output of a command, in its own process, that reads the key so."""
    of_fake = f'base_url = "{user.fake.url}"\nmodel = "m"\n'
    with_key = f"{of_fake}api_key = {json.dumps(key)}\n"
    files = {
        "config.toml": f"[endpoint]\n{with_key}",
        "[similar]": f"[endpoint]\n{of_fake}[similar]\n{with_key}",
    }
    user.configure(files.get(way, f"[endpoint]\n{of_fake}"))
    if way == "the vault's own":
        vault_file(user.vault).parent.mkdir()
        vault_file(user.vault).write_text(files["config.toml"])
    commands = {
        "config set": ["config", "set", "endpoint.api_key"],
        "init": f"init . --endpoint {user.fake.url} --model m --api-key-env KEY --no-test".split(),
    }
    environment = {"COMPANION_API_KEY": key if way == "environment" else "", "KEY": key}
    command = commands.get(way, ["enrich", str(user.note("A.md"))])
    process = user.start(*command, env=environment, stdin=subprocess.PIPE)
    printed = process.communicate(f"{key}\n", 60)
    return process.returncode, "".join(printed)


@pytest.mark.parametrize("way", WAYS)
def test_blanks_and_line_ends_around_a_key_are_dropped(user: User, way: str) -> None:
    status, printed = read_key_by(user, way, f" \ufeff{OTHER}\r\n")
    assert status == 0 and OTHER not in printed
    if way == "environment":
        assert user.fake.seen[0].headers["authorization"] == f"Bearer {OTHER}"
    else:
        config = load_config(user.vault)
        table = config.similar if way == "[similar]" else config.endpoint
        assert table.api_key.get_secret_value() == OTHER


@pytest.mark.parametrize("mark", ["\n", "\x07", "\u202e"], ids=["line break", "bell", "bidi"])
@pytest.mark.parametrize("way", WAYS)
def test_a_key_with_an_invisible_character_is_refused(user: User, way: str, mark: str) -> None:
    if way == "config set" and mark == "\n":
        pytest.skip("it takes one line")
    status, printed = read_key_by(user, way, f"{OTHER}{mark}Tr9x")
    assert status == 2 and "api_key: within the key there is a line break or another" in printed
    assert not [part for part in (OTHER[:4], OTHER[-4:], "Tr9x") if part in printed]
    assert user.calls() == 0


@pytest.mark.parametrize("text", ["", "[notes.postponed_properties]\nstatus = 'x'\n"])
def test_a_table_is_set_and_taken_out_in_any_file(user: User, text: str) -> None:
    file, name = user.configure(text), "notes.postponed_properties"
    assert user.run("config", "set", name, '{ status = "later" }').status == 0
    assert tomllib.loads(file.read_text())["notes"] == {"postponed_properties": {"status": "later"}}
    assert user.run("config", "set", name, "--default").out == f"{name}: taken out\n"
    assert not tomllib.loads(file.read_text()).get("notes")


def test_a_table_is_told_as_toml_has_it(user: User) -> None:
    ran = user.run("config", "set", "private.properties", '{ private = "true", "a b" = "x" }')
    assert ran.out == 'private.properties = {private = "true", "a b" = "x"}\n'
    told = user.run("config", "get", "private.properties").out
    assert told == '{ private = "true", "a b" = "x" }\n'
    assert user.run("config", "get", "ignore.properties").out == "{}\n"


@pytest.mark.parametrize("name", ["Work", pytest.param("Job", id="and renamed")])
def test_a_vault_that_was_moved_does_not_get_other_settings_unasked(user: User, name: str) -> None:
    old, new = user.vault.with_name("old") / "Work", user.vault.with_name(name)
    (old / ".obsidian").mkdir(parents=True)
    (old / "Diary.md").write_text(STUB)
    user.run("config", "set", "--vault", str(old), "private.folders", "Diary")
    assert user.run("scan", "--vault", str(old)).status == 0
    old.rename(new)
    for command in (["enrich", "."], ["scan"], ["prompt", "Diary.md"]):
        ran = user.run(*command, "--vault", str(new))
        assert (ran.status, user.calls()) == (2, 0)
        assert f"{old}, which is not there any more, has some in {vault_file(old)}" in ran.err
    assert user.run("scan").status == 0  # another vault
    user.run("config", "set", "vault", str(new))
    assert user.run("scan").status == 0  # it is the one of the common settings
    user.run("config", "set", "vault", "--default")
    user.run("config", "set", "--vault", str(new), "private.folders", "Diary")
    assert user.run("scan", "--vault", str(new)).status == 0


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ('model = "qwen2.5-1.5b"', "qwen2.5-coder-1.5b"),
        ('model = "qwen3-4b"', "qwen3-4b"),
        ('base_url = "http://localhost:1/v1"\nmodel = "qwen2.5-1.5b"', "qwen2.5-1.5b"),
    ],
)
def test_the_former_name_of_the_embedded_model_is_known(
    user: User, settings: str, name: str
) -> None:
    user.configure(f"[endpoint]\n{settings}\n")
    told = user.run("config", "get", "endpoint.model")
    assert (told.out, told.err, told.status) == (f"{name}\n", "", 0)
    for each in ("qwen2.5-1.5b", "qwen2.5-coder-1.5b"):
        assert user.run("config", "set", "endpoint.model", each).status == 0


def test_get(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    user.configure('[ignore]\nfolders = ["A"]\n')
    assert user.run("config", "get", "ignore.folders").out == '["A"]\n'
    assert user.run("config", "get", "endpoint.model").out == "qwen2.5-coder-1.5b\n"
    assert user.run("config", "get", "links").status == 2
    ran = user.run("config", "get", "notes.language")
    assert (ran.status, ran.out) == (
        1,
        "",
    ) and "notes.language is not set: what to write" in ran.err
    [values] = user.run("config", "get", "--json").objects
    assert values["server.port"] == 27182 and values["notes.language"] is None
    assert values["ignore.folders"] == ["A"] and values["endpoint.api_key"] is False
    lines = user.run("config", "get").out.splitlines()
    assert "# notes.language =" in lines and 'ignore.folders = ["A"]' in lines
    monkeypatch.setenv("COMPANION_MODEL", "other")
    assert user.run("config", "get", "endpoint.model").out == "other\n"


def test_a_path_counts_from_here(user: User) -> None:
    user.run("config", "set", "vault", ".")
    assert user.run("config", "get", "vault").out == f"{user.vault}\n"


def test_one_vault_has_its_own(user: User) -> None:
    user.configure("[server]\nport = 4000\n")
    ran = user.run("config", "set", "server.port", "4001", "--vault", str(user.vault))
    assert ran.status == 0 and "server.port = 4001" in ran.out
    assert tomllib.loads(vault_file(user.vault).read_text()) == {
        "vault": str(user.vault),
        "server": {"port": 4001},
    }
    assert user.run("config", "get", "server.port").out == "4000\n"
    assert user.run("config", "get", "server.port", "--vault", ".").out == "4001\n"
    ran = user.run("config", "set", "vault", "/x", "--vault", str(user.vault))
    assert ran.status == 2 and "they name no other vault" in ran.err


@pytest.fixture
def editor(user: User, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program for an editor: it appends what stands in this file, and saves what it was given."""
    typed, script = user.home.parent / "typed", user.home.parent / "editor.py"
    script.write_text(
        "import os, sys; from pathlib import Path\n"
        "file, typed = Path(sys.argv[1]), Path(__file__).with_name('typed')\n"
        "Path(__file__).with_name('given').write_bytes(file.read_bytes())\n"
        "text = typed.read_bytes() if typed.exists() else b''\n"
        "if text: file.write_bytes(file.read_bytes() + text); os.utime(file, (1, 1))\n"
    )
    monkeypatch.setenv("VISUAL", f"{sys.executable} {script}")
    return typed


def test_edit(user: User, editor: Path) -> None:
    file = user.configure("# mine\r\nvault = '/v'\r\n")
    assert user.run("config", "edit").out == "Nothing was changed.\n"
    editor.write_text("[review]\noutdated_share = 1\n[server]\nport = 5 # why\n")
    ran = user.run("config", "edit")
    assert (ran.status, ran.out) == (0, f"Written to {file}.\n")
    assert (
        file.read_bytes() == b"# mine\r\nvault = '/v'\r\n[review]\r\n[server]\r\nport = 5 # why\r\n"
    )


def test_edit_refuses_and_keeps_what_was_typed(user: User, editor: Path) -> None:
    file = user.configure("# mine\n")
    editor.write_text(f'[endpoint]\napi_key = "{OTHER}"\ntimeout = "x"\n')
    ran = user.run("config", "edit")
    kept = file.with_name("config.toml.rejected")
    assert ran.status == 2 and "endpoint.timeout: this takes a number" in ran.err
    assert str(kept) in ran.err and OTHER not in ran.all and file.read_text() == "# mine\n"
    assert OTHER in kept.read_text()
    assert os.name == "nt" or stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_an_editor_that_does_not_start_changes_nothing(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = user.configure("# mine\n")
    monkeypatch.setenv("VISUAL", "no-such-editor")
    ran = user.run("config", "edit")
    assert ran.status == 2 and ran.err.startswith("companion: no-such-editor: Editing failed")
    assert "nothing was changed. EDITOR names" in ran.err and file.read_text() == "# mine\n"


def test_edit_begins_with_every_setting(user: User, editor: Path) -> None:
    (user.home / "config.toml").unlink()
    editor.write_text("# done\n")
    assert user.run("config", "edit").status == 0
    given = (user.home.parent / "given").read_text()
    assert "# port = 27182  # 0: any free one" in given
    assert not any(tomllib.loads(given).values())
    assert user.run("config", "get", "--json").objects == [
        json.loads(user.run("config", "get", "--json").out)
    ]
    ran = user.run("config", "edit", "--vault", str(user.vault))
    assert ran.status == 0 and vault_file(user.vault).read_text().startswith("vault = ")
