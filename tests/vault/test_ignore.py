import json
import unicodedata
from pathlib import Path

import pytest

from companion.errors import UsageError
from companion.vault.ignore import IgnoreRules
from companion.vault.obsidian import ObsidianSettings, read_obsidian_settings


def reason(rules: IgnoreRules, path: str) -> str | None:
    """Return why the rules leave the note at path alone, as a walk would find out."""
    folders = [path[:end] for end, sign in enumerate(path) if sign == "/"]
    found = [rules.folder_reason(folder) for folder in folders] + [rules.note_reason(path)]
    return next((why for why in found if why), None)


GLOBS = [
    pytest.param("*.draft.md", "A/x.draft.md", True, id="name at any depth"),
    pytest.param("*.draft.md", "x.md", False, id="another name"),
    pytest.param("Archive", "Archive/2020/x.md", True, id="a folder takes all in it"),
    pytest.param("Archive", "Work/Archive/x.md", True, id="a folder at any depth"),
    pytest.param("Archive", "Archived/x.md", False, id="whole names only"),
    pytest.param("/Archive", "Work/Archive/x.md", False, id="anchored by a slash before"),
    pytest.param("/Archive", "Archive/x.md", True, id="anchored, there"),
    pytest.param("Work/*.md", "Work/x.md", True, id="star"),
    pytest.param("Work/*.md", "Work/A/x.md", False, id="star stays in its folder"),
    pytest.param("Work/**", "Work/A/x.md", True, id="two stars cross folders"),
    pytest.param("Work/**/x.md", "Work/x.md", True, id="two stars match no folder too"),
    pytest.param("**/x.md", "x.md", True, id="two stars first"),
    pytest.param("Log?.md", "Log1.md", True, id="question mark"),
    pytest.param("Log?.md", "Log12.md", False, id="question mark is one"),
    pytest.param("20[12][!0]*.md", "2021-05.md", True, id="classes"),
    pytest.param("20[12][!0]*.md", "2020-05.md", False, id="negated class"),
    pytest.param("20[0-9]5.md", "2015.md", True, id="range"),
    pytest.param("a[b.md", "a[b.md", True, id="an open bracket is itself"),
    pytest.param("a[].md", "a[].md", True, id="so are brackets around nothing"),
    pytest.param("A+(b).md", "A+(b).md", True, id="no regular expression"),
    pytest.param("archive/", "Archive/x.md", True, id="folders only, case aside"),
    pytest.param("x.md/", "x.md", False, id="folders only, a note"),
    pytest.param("Café*", unicodedata.normalize("NFD", "Café au lait.md"), True, id="accents"),
]


@pytest.mark.parametrize(("glob", "path", "left"), GLOBS)
def test_globs_of_the_configuration(glob: str, path: str, left: bool) -> None:
    expected = f"matches {glob}, left alone by the configuration" if left else None
    assert reason(IgnoreRules(patterns=(glob,)), path) == expected


EXCLUDED = [
    pytest.param("Private/", "Private/A/x.md", True, id="folder"),
    pytest.param("Private/", "Work/Private/x.md", False, id="from the vault's root only"),
    pytest.param("Private/", "private/x.md", True, id="case"),
    pytest.param("Priv", "Private/x.md", True, id="the beginning of a path"),
    pytest.param("Work/x.md", "Work/x.md", True, id="one note"),
    pytest.param("#Def", "Work/#Def.md", False, id="not anywhere"),
    pytest.param("/Log/", "Work/Logs/x.md", True, id="regex anywhere"),
    pytest.param("/^Log/", "Work/Logs/x.md", False, id="regex, anchored"),
    pytest.param("/^Log/", "Logs/x.md", True, id="regex, anchored, there"),
    pytest.param("/log/", "Logs/x.md", False, id="regex as written"),
    pytest.param(r"/\/(?<y>\d{4})\.md$/", "Log/2020.md", True, id="JavaScript's named group"),
    pytest.param("/", "x.md", False, id="a slash alone is no regex"),
    pytest.param("*.md", "x.md", False, id="no globs in Obsidian"),
]


@pytest.mark.parametrize(("entry", "path", "left"), EXCLUDED)
def test_excluded_files_of_obsidian(entry: str, path: str, left: bool) -> None:
    rules = IgnoreRules(obsidian=ObsidianSettings(excluded=(entry,)))
    assert reason(rules, path) == (f"in Obsidian's excluded files ({entry})" if left else None)


FOLDERS = [
    pytest.param("Archive", "Archive/x.md", True, id="in it"),
    pytest.param("Archive", "Archive/A/x.md", True, id="below it"),
    pytest.param("/archive/", "Archive/x.md", True, id="slashes and case aside"),
    pytest.param("Archive", "Work/Archive/x.md", False, id="elsewhere"),
    pytest.param("", "x.md", False, id="nothing named"),
]


@pytest.mark.parametrize(("folder", "path", "left"), FOLDERS)
def test_folders(folder: str, path: str, left: bool) -> None:
    mine = IgnoreRules(folders=(folder,))
    theirs = IgnoreRules(obsidian=ObsidianSettings(templates=((folder, "Obsidian's settings"),)))
    assert (reason(mine, path) is not None) == left
    assert reason(theirs, path) == (
        "in the templates folder (Obsidian's settings)" if left else None
    )


def write_settings(root: Path, name: str, content: str) -> Path:
    file = root / ".obsidian" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content, encoding="utf-8")
    return file


APP, CORE = "app.json", "templates.json"
TEMPLATER = "plugins/templater-obsidian/data.json"
SETTINGS = [
    pytest.param({}, ObsidianSettings(), id="no settings"),
    pytest.param(
        {APP: {"userIgnoreFilters": ["A/", "/b/", ""]}, CORE: {"folder": "T/"}},
        ObsidianSettings(("A/", "/b/"), (("T", "Obsidian's settings"),)),
        id="both",
    ),
    pytest.param({APP: {"userIgnoreFilters": None}, CORE: {}}, ObsidianSettings(), id="unset"),
    pytest.param({CORE: {"folder": "/"}}, ObsidianSettings(), id="the whole vault is no folder"),
    pytest.param(
        {TEMPLATER: {"templates_folder": "T"}},
        ObsidianSettings(templates=(("T", "Templater's settings"),)),
        id="Templater",
    ),
    pytest.param(
        {TEMPLATER: {"template_folder": "T"}},
        ObsidianSettings(templates=(("T", "Templater's settings"),)),
        id="Templater, older",
    ),
]


@pytest.mark.parametrize(("files", "expected"), SETTINGS)
def test_reads_obsidians_settings(
    vault: Path, files: dict[str, object], expected: ObsidianSettings
) -> None:
    for name, settings in files.items():
        write_settings(vault, name, json.dumps(settings))
    assert read_obsidian_settings(vault) == expected


BROKEN = [
    pytest.param(APP, "", "not valid JSON", id="empty"),
    pytest.param(APP, '{"userIgnoreFilters": ["A/"', "not valid JSON", id="cut off"),
    pytest.param(APP, "[]", "holds no settings", id="a list"),
    pytest.param(APP, '{"userIgnoreFilters": "A/"}', "not a list of texts", id="a text"),
    pytest.param(APP, '{"userIgnoreFilters": [1]}', "not a list of texts", id="numbers"),
    pytest.param(APP, '{"userIgnoreFilters": ["/(/"]}', "pattern /(/", id="broken regex"),
    pytest.param(APP, "[" * 100_000, "not valid JSON", id="too deep"),
    pytest.param(CORE, '{"folder": 3}', "folder is not a text", id="templates"),
    pytest.param(TEMPLATER, "{", "not valid JSON", id="Templater"),
]


@pytest.mark.parametrize(("name", "content", "why"), BROKEN)
def test_refuses_settings_it_cannot_read(vault: Path, name: str, content: str, why: str) -> None:
    file = write_settings(vault, name, content)
    with pytest.raises(UsageError) as refused:
        read_obsidian_settings(vault)
    assert str(refused.value).startswith(f"{file}: ")
    assert why in str(refused.value)


def test_refuses_settings_that_are_a_folder(vault: Path) -> None:
    (vault / ".obsidian" / APP).mkdir(parents=True)
    with pytest.raises(UsageError, match=r"app\.json"):
        read_obsidian_settings(vault)
