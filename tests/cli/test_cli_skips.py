"""Which notes are picked and which left alone, as the user is told."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.cli.user import FILLED, REPOSITORY, STUB, User

TOML = '+++\ntitle = "N"\ndescription = ""\n+++\n\n# N\n\n#status/postponed\n'
SKIPPED: list[object] = [
    pytest.param("Templates/T.md", STUB, "templates folder", id="templates folder"),
    pytest.param("Archive/A.md", STUB, "Obsidian's excluded files (Archive/)", id="excluded"),
    pytest.param("Private/P.md", STUB, "left alone by the configuration", id="folder"),
    pytest.param("x.private.md", STUB, "left alone by the configuration", id="pattern"),
    pytest.param("N.md", STUB + "#secret\n", "tagged #secret", id="tag"),
    pytest.param("N.md", STUB.replace("created", "ai: false\ncreated"), "ai: false", id="ai"),
    pytest.param("N.md", STUB.replace("created", "kind: Diary\ncreated"), "diary", id="property"),
    pytest.param("N.md", "---\nexcalidraw-plugin: parsed\n---\n", "Excalidraw", id="drawing"),
    pytest.param("D.excalidraw.md", STUB, "Excalidraw", id="drawing by name"),
    pytest.param("N.md", "---\nkanban-plugin: basic\n---\n", "Kanban", id="kanban"),
    pytest.param("N.md", "---\ntitle: {{title}}\n---\n", "{{ (line 2)", id="template"),
    pytest.param("N.md", "---\na: <% x %>\n---\n", "<% (line 2)", id="Templater"),
    pytest.param("N.md", "---\na: b: c\n---\n", "not valid YAML", id="broken YAML"),
    pytest.param("N.md", "---\n- a\n---\n", "(line 2)", id="not a mapping"),
    pytest.param("N.md", "---\na: 1\na: 2\n---\n", "twice; keep one of them", id="key twice"),
    pytest.param("N.md", "---\na: 1\n\n# N\n", "never closed", id="never closed"),
    pytest.param("N.md", TOML, "front matter is TOML", id="TOML"),
    pytest.param("N.md", "\ufeff\n" + TOML, "front matter is TOML", id="TOML, lower"),
    pytest.param("N.md", '{\n"a": 1\n}\n\n#status/postponed\n', "front matter is JSON", id="JSON"),
    pytest.param("N.md", b"# N\n\n\xff\n", "not UTF-8 text", id="not UTF-8"),
    pytest.param("N.md", b"", "empty", id="empty file"),
    pytest.param("N.sync-conflict-20240101-120000.md", STUB, "sync client", id="conflict copy"),
    pytest.param("N (conflicted copy 2024-01-01).md", STUB, "sync client", id="Dropbox copy"),
    pytest.param(
        "N.md", STUB + "x" * 3000, "over the limit of 2,048 (ignore.max_kilobytes", id="too large"
    ),
]
SETTINGS = """[ignore]
folders = ["Private"]
patterns = ["*.private.md"]
tags = ["#secret"]
properties = { kind = "diary" }
max_kilobytes = 2
"""


@pytest.fixture
def choosy(user: User) -> User:
    (user.vault / ".obsidian/app.json").write_text('{"userIgnoreFilters": ["Archive/"]}')
    (user.vault / ".obsidian/templates.json").write_text('{"folder": "Templates"}')
    user.configure(SETTINGS)
    return user


@pytest.mark.parametrize(("path", "text", "reason"), SKIPPED)
def test_note_is_left_alone_with_the_reason(
    choosy: User, path: str, text: str | bytes, reason: str
) -> None:
    choosy.note(path, text)
    before = choosy.files()
    [scanned] = choosy.run("scan", "--json").objects
    named = choosy.run("enrich", path)
    [in_folder] = choosy.run("enrich", ".", "--all", "--json").objects
    assert (scanned["path"], scanned["needs"]) == (path, [])
    assert (in_folder["path"], in_folder["status"]) == (path, "skipped")
    for told in (scanned["skipped"], named.out, in_folder["reason"], choosy.run("scan").out):
        assert reason in told
    assert named.status == 0 and choosy.calls() == 0 and choosy.files() == before


def test_links_and_hidden_folders(user: User, tmp_path: Path) -> None:
    outside = tmp_path / "Outside.md"
    outside.write_text(STUB)
    (user.vault / "Link.md").symlink_to(outside)
    for path in (".trash/T.md", "_companion/C.md", ".obsidian/O.md"):
        user.note(path)
    assert [o["path"] for o in user.run("scan", "--json").objects] == ["Link.md"]
    assert "symbolic link" in user.run("scan").out
    assert user.run("enrich", ".").out.startswith("Nothing to do")
    assert "holds no notes of the vault" in user.run("enrich", ".trash/T.md").out
    refused = user.run("enrich", "Link.md")
    assert refused.status == 2 and "leads out of the vault" in refused.err
    assert outside.read_text() == STUB and user.calls() == 0


@pytest.mark.parametrize("named", [["."], ["A.md", "F/B.md"], ["F/B.md", "."]])
def test_two_names_of_one_file_are_asked_about_once(user: User, named: list[str]) -> None:
    note, other = user.note("A.md"), user.vault / "F" / "B.md"
    other.parent.mkdir()
    other.hardlink_to(note)
    backup = user.vault.parent / "C.md"  # outside of the vault, as backups make them
    backup.hardlink_to(note)
    told = {each["path"]: each["skipped"] for each in user.run("scan", "--json").objects}
    assert told == {
        "A.md": None,
        "F/B.md": "another name of A.md (a hard link), which is worked on",
    }
    assert user.run("enrich", *named).status == 0
    assert (user.calls(), user.read("A.md"), user.read("F/B.md")) == (1, FILLED, FILLED)


def test_a_link_out_of_the_vault_does_not_end_the_run(user: User, tmp_path: Path) -> None:
    (tmp_path / "Outside.md").write_text(STUB)
    (user.vault / "Link.md").symlink_to(tmp_path / "Outside.md")
    user.note("Stub.md")
    scanned = user.run("scan", "Link.md", "Stub.md", "--json").objects
    assert [(o["path"], bool(o["skipped"])) for o in scanned] == [
        ("Stub.md", False),
        ("Link.md", True),
    ]
    ran = user.run("enrich", "Link.md", "Stub.md")
    assert (ran.status, ran.err, user.read("Stub.md")) == (0, "", FILLED)
    assert "- Link.md: a symbolic link that leads out of the vault\n" in ran.out
    assert (tmp_path / "Outside.md").read_text() == STUB


LEFT = [
    pytest.param("# N\n\n> [!ai] Why?\nBecause.\n", "text follows it", id="answered below"),
    pytest.param("# N\n\n```\n> [!ai] Why?\n```\n", None, id="in code"),
    pytest.param("# N\n\n%%\n> [!ai] Why?\n%%\n", None, id="in a comment"),
    pytest.param("# N\n\n`#status/postponed`\n", None, id="a tag in code"),
    pytest.param("# N\n\nhttps://x.example/#status/postponed\n", None, id="a tag in a URL"),
]


@pytest.mark.parametrize(("text", "reason"), LEFT)
def test_what_is_no_need(user: User, text: str, reason: str | None) -> None:
    user.note("N.md", text)
    told = user.run("scan").out
    assert "0 notes to work on" in told and (reason is None or reason in told)
    assert user.run("enrich", ".").status == 0
    assert user.read("N.md") == text and user.calls() == 0


EXAMPLES = {
    "Cooking/Aunt Rosa's plum cake.md": "callout description",
    "Cooking/Bread flour.md": "callout description",
    "Cooking/Ratatouille.md": "callout description note-type",
    "Cooking/Sharpening knives.md": "callout description",
    "Cooking/Sourdough.md": "callout description",
    "Garden/Basil.md": "aliases callout",
    "Garden/Comfrey.md": "callout description",
    "Garden/Compost.md": "callout",
    "Garden/Lovage.md": "callout description tags",
    "Garden/Pruning apple trees.md": "callout",
    "Questions.md": "callout",
    "Archive/Allotment.md": "in Obsidian's excluded files (Archive/)",
    "Diary.md": "it says ai: false",
    "Garden/Bees.md": "not valid YAML",
    "Templates/Recipe.md": "in the templates folder",
}


@pytest.fixture
def examples(user: User) -> User:
    shutil.copytree(REPOSITORY / "examples/vault", user.vault, dirs_exist_ok=True)
    return user


def test_example_vault_is_picked_as_intended(examples: User) -> None:
    found = examples.run("scan", "--json").objects
    told = {
        o["path"]: o["skipped"] or " ".join(sorted(need["kind"] for need in o["needs"]))
        for o in found
    }
    assert told.keys() == EXAMPLES.keys()
    assert all(words in told[path] for path, words in EXAMPLES.items()), told


def test_example_vault_is_enriched_once(examples: User) -> None:
    before = examples.files()
    ran = examples.run("enrich", ".")
    after = examples.files()
    assert ran.status == 0, ran.all
    changed = {path for path in after if after[path] != before[path]}
    assert changed == {path for path, told in EXAMPLES.items() if is_picked(told)}
    calls = examples.calls()
    again = examples.run("enrich", ".")
    assert (again.status, examples.calls(), examples.files()) == (0, calls, after)
    assert examples.run("undo").status == 0 and examples.files() == before


def is_picked(told: str) -> bool:
    return "callout" in told.split()


@pytest.mark.skipif(os.name == "nt", reason="names as Linux has them")
def test_a_name_with_control_characters_does_not_steer_the_terminal(user: User) -> None:
    user.note("\x1b[31mred.md")
    user.note("\u202edm.turned.md")
    user.note("two\u2028lines.md")
    for command in (["scan"], ["enrich", "."]):
        shown = user.run(*command).out
        assert "<U+202E>dm.turned.md" in shown and not {"\x1b", "\u202e", "\u2028"} & set(shown)


PRIVATE = """[private]
folders = ["Diary"]
tags = ["#me"]
properties = { private = "true" }
"""
PRIVATE_NOTES = [
    pytest.param("Diary/D.md", STUB, id="folder"),
    pytest.param("N.md", STUB + "#me/too\n", id="tag"),
    pytest.param("N.md", STUB + "x\n\n[Discord #me](https://x.y)\n", id="tag in a link"),
    pytest.param("N.md", STUB + "a|b\n-|-\n|#me|text|\n", id="tag in a table"),
    pytest.param("N.md", STUB.replace("created", "private: true\ncreated"), id="property"),
    pytest.param("N.md", STUB.replace("created", "Private: yes\ncreated"), id="another yes"),
]


@pytest.mark.parametrize(("path", "text"), PRIVATE_NOTES)
@pytest.mark.parametrize("local", [True, False])
def test_private_notes_are_for_models_on_this_machine(
    user: User, monkeypatch: pytest.MonkeyPatch, path: str, text: str, local: bool
) -> None:
    user.configure(PRIVATE)
    user.note(path, text)
    if not local:
        monkeypatch.setenv("COMPANION_BASE_URL", "https://models.example.com/v1")
    [found] = user.run("scan", "--json").objects
    if local:
        assert found["skipped"] is None and found["needs"]
        return
    assert "models on this machine only" in found["skipped"]
    named = user.run("enrich", path, "--json")
    assert named.objects[0]["status"] == "skipped" and user.calls() == 0


def test_a_folder_that_is_not_there_is_said(user: User) -> None:
    user.note("Garden/Stub.md")
    user.configure('[private]\nfolders = ["Gardn"]\n[ignore]\nfolders = ["./garden/", "Nope"]\n')
    for command in ("scan", "enrich"):
        ran = user.run(command, ".")
        assert ran.status == 0 and ran.err.count("\n") == 2 and user.calls() == 0
        assert "[ignore] folders names Nope, and the vault has no such folder" in ran.err
        assert "[private] folders names Gardn" in ran.err


def test_a_tag_or_value_that_no_note_has_is_said(user: User) -> None:
    user.note("N.md", STUB.replace("created", "private: yes\ncreated") + "[a #me](b)\n")
    user.configure(
        '[private]\ntags = ["me", "mee"]\nproperties = { private = "true", status = "x" }\n'
        '[ignore]\ntags = ["#nope"]\n'
    )
    for command in (("scan",), ("scan",), ("enrich", ".", "--dry-run")):
        ran = user.run(*command)
        assert ran.status == 0
        end = "and no note that is looked at has it: it keeps no note back"
        assert [line.removeprefix("companion: ") for line in ran.err.splitlines()][:3] == [
            f"[ignore] tags names #nope, {end}",
            f"[private] tags names #mee, {end}",
            f"[private] properties names status: x, {end}",
        ]


def test_a_pattern_that_no_note_matches_is_said(user: User) -> None:
    for path in ("Private/A.md", "N.md", "Größe/B.draft.md"):
        user.note(path)
    user.configure(
        '[ignore]\npatterns = ["Privat/**", "Private/**", "gro\u0308ße/", "*.draft.md", "N?.md"]\n'
    )
    for command in (("scan",), ("scan",), ("enrich", ".", "--dry-run")):
        ran = user.run(*command)
        end = "and no note that is looked at matches it: it keeps no note back"
        said = [f"[ignore] patterns has {glob}, {end}" for glob in ("Privat/**", "N?.md")]
        assert ran.status == 0 and ran.err.splitlines()[:3] == said


LEFT = [
    pytest.param("Templates", "2  in the templates folder (Obsidian's settings)", id="templates"),
    pytest.param(".obsidian", "1  in .obsidian, which holds no notes of the vault", id="hidden"),
    pytest.param("Garden", "1  it is empty; it may still be syncing", id="unreadable"),
    pytest.param("Garden/Beds", "1  in Garden/Beds, left alone by the configuration", id="empty"),
    pytest.param("Done", "1  description, callout “AI”: filled once and taken out", id="asked"),
]


@pytest.mark.parametrize(("folder", "words"), LEFT)
def test_a_run_over_a_folder_says_why_it_does_nothing(user: User, folder: str, words: str) -> None:
    user.configure('[endpoint]\nretries = 0\n[ignore]\nfolders = ["Garden/Beds"]\n')
    (user.vault / ".obsidian" / "templates.json").write_text('{"folder": "Templates"}')
    for path in ("Templates/A.md", "Templates/Deep/B.md", "Done/A.md"):
        user.note(path)
    (user.vault / "Garden" / "Beds").mkdir(parents=True)
    user.note("Garden/A.md", b"")
    user.run("enrich", "Done")
    user.run("undo")
    ran = user.run("enrich", folder)
    assert ran.status == 0 and words in ran.out
    assert "no note here needs anything, except what is left alone:" in ran.out


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
