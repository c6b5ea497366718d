"""Configuration: typed, unknown keys refused, the environment wins, errors in a writer's words."""

import os
from pathlib import Path

import pytest

from companion.config import Config, load_config, state_folder
from companion.config.edit import plan_edit
from companion.config.settings import all_settings
from companion.enrich.settings import make_rules
from companion.errors import UsageError
from companion.prompts import load_prompts
from tests.cases import Case, cases, is_told

VARIABLES = ("COMPANION_BASE_URL", "COMPANION_API_KEY", "COMPANION_MODEL")
KEY = "sk-config-Vw81SecretKey"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COMPANION_HOME", str(tmp_path))
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def load(home: Path, text: str) -> Config:
    (home / "config.toml").write_text(text, encoding="utf-8")
    return load_config()


def test_nothing_is_needed(home: Path) -> None:
    config = load_config()
    assert config.is_embedded and config.vault is None
    assert config == load(home, "") == load(home, "\ufeff# nothing\n")


@pytest.mark.skipif(os.name == "nt", reason="symbolic links need a right there")
def test_a_link_to_nothing_is_no_missing_file(home: Path) -> None:
    (home / "config.toml").symlink_to("../dotfiles/config.toml")
    with pytest.raises(UsageError, match=r"config\.toml is a link to .*, which is not there"):
        load_config()
    with pytest.raises(UsageError, match="is not there"):
        plan_edit(None, {"vault": "/notes"})


WRONG = "config/cases/wrong-settings.md"


def require_refusal(home: Path, text: str, told: list[str]) -> None:
    """Check that settings are refused with these words,."""
    with pytest.raises(UsageError) as caught:
        load(home, text)
    message = str(caught.value).replace(str(home / "config.toml"), "config.toml")
    assert is_told(message, "\n".join(told)), message


@cases(WRONG, "A setting", ways=["as written"])
def test_wrong_setting(home: Path, case: Case) -> None:
    require_refusal(home, case.before, case.told)


@pytest.mark.parametrize("table", ["ignore", "private"])
@cases(
    "config/cases/wrong-settings.md",
    "A list of what is left alone, or private",
    "{}",
    ["as written"],
)
def test_wrong_list(home: Path, table: str, case: Case) -> None:
    text = case.before.replace("[ignore]", f"[{table}]")
    require_refusal(home, text, [line.replace("ignore.", f"{table}.") for line in case.told])


FOLDERS = [
    pytest.param("My Garden\\Beds", "My Garden/Beds", id="backslashes"),
    pytest.param(" Garden ", "Garden", id="blanks around it"),
    pytest.param("./A//B/./C/", "A/B/C", id="a detour"),
    pytest.param("[Garden]", "[Garden]", id="brackets"),
]


@pytest.mark.parametrize("table", ["ignore", "private"])
@pytest.mark.parametrize(("written", "folder"), FOLDERS)
def test_folder(home: Path, table: str, written: str, folder: str) -> None:
    config = load(home, f"[{table}]\nfolders = [{written!r}]\n".replace("\\\\", "\\"))
    assert getattr(config, table).folders == (folder,)


@pytest.mark.parametrize("glob", ["/Private/**", "*.[dp]*.md", "[[]x]", "[]]", "[!a]"])
def test_pattern(home: Path, glob: str) -> None:
    assert load(home, f"[ignore]\npatterns = ['{glob}']\n").ignore.patterns == (glob,)


MARKS = [
    pytest.param("tags = ['#geheim', ' a/b/ ', 'geheim/']", ("geheim", "a/b", "geheim"), id="tags"),
    pytest.param("tags = ['日本', '🔒', 'C-3_x']", ("日本", "🔒", "C-3_x"), id="odd ones"),
]


@pytest.mark.parametrize("table", ["ignore", "private"])
@pytest.mark.parametrize(("text", "expected"), MARKS)
def test_marks(home: Path, table: str, text: str, expected: object) -> None:
    config = load(home, f"[{table}]\n{text}\n")
    assert getattr(getattr(config, table), text.split()[0]) == expected


def test_private_properties_have_one_value_or_several(home: Path) -> None:
    config = load(home, "[private.properties]\n' a b ' = ' yes '\ndone = ['?', 'x']\n")
    assert config.private.marks == (("a b", "yes"), ("done", "?"), ("done", "x"))


def test_there_are_few_settings_and_each_says_what_it_does() -> None:
    assert len(list(all_settings())) <= 34
    assert all(each.description for each in all_settings())


def test_every_wrong_setting_is_named_and_no_value(home: Path) -> None:
    with pytest.raises(UsageError) as caught:
        load(home, f'[endpoint]\napi_key = ["{KEY}"]\ntimeout = "{KEY}"\n"{KEY[:5]}" = 1\n')
    assert str(caught.value).count("\n") == 2 and KEY not in str(caught.value)


def test_file_that_cannot_be_read(home: Path) -> None:
    (home / "config.toml").write_bytes(b"# \xff\n")
    with pytest.raises(UsageError, match=r"is not valid UTF-8 .*; save it as UTF-8"):
        load_config()
    (home / "config.toml").unlink()
    (home / "config.toml").mkdir()
    with pytest.raises(UsageError, match="cannot be read"):
        load_config()


@pytest.mark.parametrize("named", ["decision", "Decided on"])
def test_a_field_is_named_by_its_file_or_its_property(home: Path, named: str) -> None:
    config = load(home, f'[notes]\nfields = ["{named}"]')
    (home / "fields").mkdir()
    text = "---\nkind: text\nproperty: Decided on\n---\nWrite on what day it was decided.\n"
    (home / "fields" / "decision.md").write_text(text)
    assert make_rules(config, load_prompts(home)).fields == ("Decided on",)


FILE = f'[endpoint]\nbase_url = "http://file.example/v1"\nmodel = "file"\napi_key = "{KEY}"\n'
ENDPOINTS = [
    pytest.param({}, ("http://file.example/v1", "file", KEY), id="the file"),
    pytest.param(
        {"MODEL": "env", "API_KEY": "other"},
        ("http://file.example/v1", "env", "other"),
        id="the environment wins",
    ),
    pytest.param(
        {"BASE_URL": "http://env.example/v1"},
        ("http://env.example/v1", "file", ""),
        id="another address gets no key of the file",
    ),
    pytest.param(
        {"BASE_URL": "http://env.example/v1", "API_KEY": "other"},
        ("http://env.example/v1", "file", "other"),
        id="another address with its key",
    ),
    pytest.param(
        {"BASE_URL": "http://file.example/v1"},
        ("http://file.example/v1", "file", KEY),
        id="the same address keeps its key",
    ),
    pytest.param({"MODEL": ""}, ("http://file.example/v1", "file", KEY), id="empty is unset"),
    pytest.param({"API_KEY": " \r"}, ("http://file.example/v1", "file", KEY), id="blank is unset"),
    pytest.param(
        {"BASE_URL": "http://env.example/v1\r", "MODEL": "env\r", "API_KEY": "other \r"},
        ("http://env.example/v1", "env", "other"),
        id="read from a file of Windows",
    ),
]


@pytest.mark.parametrize(("variables", "expected"), ENDPOINTS)
def test_endpoint(
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    expected: tuple[str, str, str],
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"COMPANION_{name}", value)
    monkeypatch.setenv("OPENAI_API_KEY", "not ours")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://not-ours.example/v1")
    config = load(home, FILE)
    endpoint = config.endpoint
    assert (endpoint.base_url, endpoint.model, endpoint.key) == expected
    assert KEY not in repr(config) + repr(endpoint) + str(config)


def test_environment_alone_needs_a_model(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPANION_BASE_URL", "http://localhost:1/v1")
    with pytest.raises(UsageError, match="base_url needs a model; set"):
        load_config()


def test_each_vault_has_a_state_of_its_own(home: Path, tmp_path: Path) -> None:
    one, two = tmp_path / "a/Notes", tmp_path / "b/Notes"
    assert state_folder(one) != state_folder(two)
    assert state_folder(one) == state_folder(one) and home in state_folder(one).parents
