import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from companion.vault.files import (
    NoteFile,
    is_placeholder,
    read_file,
    skip_reason,
)
from companion.vault.ignore import IgnoreRules
from companion.vault.obsidian import ObsidianSettings
from companion.vault.walk import walk_notes
from tests.examples import labelled

LINK = "a symbolic link; only files in the vault itself are worked on"
IN_CLOUD = "its content is not on this machine yet; open it once in Obsidian"
SYNCED = "a copy that a sync client made of a conflicting edit"
NO_NOTE = "not a Markdown note (.md)"
RULES = IgnoreRules(
    patterns=("*.draft.md",),
    folders=("Archive",),
    max_bytes=100,
    obsidian=ObsidianSettings(
        excluded=("Private/", "/^Log/"), templates=(("Templates", "Obsidian's settings"),)
    ),
)

SKIPPED = [
    pytest.param("Templates/A.md", "in the templates folder (Obsidian's settings)", id="template"),
    pytest.param("Templates/B/A.md", "in the templates folder (Obsidian's settings)", id="below"),
    pytest.param("Private/A.md", "in Obsidian's excluded files (Private/)", id="excluded folder"),
    pytest.param("Log 1.md", "in Obsidian's excluded files (/^Log/)", id="excluded by regex"),
    pytest.param("Archive/A.md", "in Archive, left alone by the configuration", id="folder"),
    pytest.param("A.draft.md", "matches *.draft.md, left alone by the configuration", id="glob"),
    pytest.param("A (conflicted copy 2024-05-01 103045).md", SYNCED, id="sync conflict"),
    pytest.param("A.excalidraw.md", "an Excalidraw drawing", id="drawing"),
    pytest.param("Big.md", "it has 101 bytes, over the limit of 100", id="big"),
    pytest.param("Empty.md", "it is empty; it may still be syncing", id="empty"),
]
HIDDEN = {
    "settings": (".obsidian/A.md", "in .obsidian, which holds no notes of the vault"),
    "trash": (".trash/A.md", "in .trash, which holds no notes of the vault"),
    "hidden folder": ("A/.git/A.md", "in .git, which holds no notes of the vault"),
    "own": ("_companion/prompts/A.md", "in _companion, which holds no notes of the vault"),
    "hidden file": (".A.md", NO_NOTE),
    "other extension": ("A.txt", NO_NOTE),
    "no extension": ("md", NO_NOTE),
}
FOUND = [
    pytest.param("A.md", id="at the root"),
    pytest.param("A.MD", id="capital extension"),
    pytest.param("B/C/Über 日本.md", id="in a folder, in any script"),
    pytest.param("node_modules/A.md", id="any folder that is not hidden"),
    pytest.param("Archives/A.md", id="like a folder left alone"),
]


def make(root: Path, path: str, data: bytes = b"# A\n") -> Path:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes({"Big.md": b"x" * 101, "Empty.md": b""}.get(path, data))
    return file


def walked(root: Path, rules: IgnoreRules = RULES) -> dict[str, str | None]:
    """Return what a walk yields: the path, and the reason or None."""
    return {f.path: None if isinstance(f, NoteFile) else f.reason for f in walk_notes(root, rules)}


@pytest.mark.parametrize(("path", "reason"), SKIPPED)
def test_names_what_is_left_alone(vault: Path, path: str, reason: str) -> None:
    make(vault, path)
    assert walked(vault) == {path: reason}
    assert skip_reason(vault, path, RULES) == reason


@labelled(("path", "reason"), HIDDEN)
def test_does_not_list_what_is_not_part_of_the_vault(vault: Path, path: str, reason: str) -> None:
    make(vault, path)
    assert walked(vault) == {}
    assert skip_reason(vault, path, RULES) == reason


@pytest.mark.parametrize("path", FOUND)
def test_finds_notes(vault: Path, path: str) -> None:
    seen = make(vault, path).stat()
    stamp = (seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_ino)
    assert list(walk_notes(vault, RULES)) == [NoteFile(path, *stamp)]
    assert skip_reason(vault, path, RULES) is None


def test_goes_by_name_and_down(vault: Path) -> None:
    for path in ("b/z.md", "c.md", "a/y.md", "a.md", "a/b/x.md", "a-b/w.md"):
        make(vault, path)
    expected = ["a.md", "c.md", "a/y.md", "a/b/x.md", "a-b/w.md", "b/z.md"]
    assert list(walked(vault)) == expected


def test_follows_no_links(vault: Path, tmp_path: Path) -> None:
    outside = make(tmp_path, "outside/A.md")
    (vault / "file.md").symlink_to(outside)
    (vault / "folder").symlink_to(outside.parent)
    (vault / "loop").symlink_to(vault)
    (vault / "itself").symlink_to("itself")
    (vault / "broken.md").symlink_to(vault / "nothing")
    assert walked(vault) == dict.fromkeys(("broken.md", "file.md", "folder", "loop"), LINK)
    assert skip_reason(vault, "file.md", RULES) == LINK
    assert skip_reason(vault, "folder/A.md", RULES) == f"in folder, {LINK}"
    assert skip_reason(vault, "loop/loop/file.md", RULES) == f"in loop, {LINK}"


def test_names_the_note_that_is_still_in_icloud(vault: Path) -> None:
    make(vault, "A/.B.md.icloud")
    make(vault, "A/.picture.png.icloud")
    assert walked(vault) == {"A/B.md": IN_CLOUD}


PLACEHOLDERS = [
    pytest.param({"st_flags": 0x4000_0000}, True, id="macOS, dataless"),
    pytest.param({"st_flags": 0x8000}, False, id="macOS, hidden"),
    pytest.param({"st_file_attributes": 0x40_0020}, True, id="Windows, recall on access"),
    pytest.param({"st_file_attributes": 0x1020}, True, id="Windows, offline"),
    pytest.param({"st_file_attributes": 0x20}, False, id="Windows, archive"),
    pytest.param({}, False, id="Linux"),
]


@pytest.mark.parametrize(("flags", "placeholder"), PLACEHOLDERS)
def test_knows_placeholders(flags: dict[str, int], placeholder: bool) -> None:
    assert is_placeholder(cast(Any, SimpleNamespace(**flags))) is placeholder


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_names_that_are_not_utf8_are_left_alone(vault: Path) -> None:
    reason = "its name is not valid UTF-8; rename it to have it enriched"
    make(vault, os.fsdecode(b"caf\xe9.md"))
    make(vault, os.fsdecode(b"caf\xe9/A.md"))
    assert walked(vault) == {"caf\N{REPLACEMENT CHARACTER}.md": reason} | {
        "caf\N{REPLACEMENT CHARACTER}": reason
    }
    assert skip_reason(vault, os.fsdecode(b"caf\xe9.md"), RULES) == reason


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_reads_no_pipes(vault: Path) -> None:
    os.mkfifo(vault / "A.md")
    assert walked(vault) == {"A.md": "not a file"}


def test_a_folder_may_be_called_like_a_note(vault: Path) -> None:
    make(vault, "A.md/B.md")
    assert walked(vault) == {"A.md/B.md": None}
    assert skip_reason(vault, "A.md", RULES) == "not a file"


def test_says_which_folder_cannot_be_read(vault: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(vault, "A/B.md")
    make(vault, "C.md")
    scandir = os.scandir

    def refuse(path: str) -> Any:
        if path.endswith("A/"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert walked(vault) == {"C.md": None, "A": "it cannot be read (Permission denied)"}


def test_a_note_that_is_gone_is_no_crash(vault: Path) -> None:
    gone = "it is not there; it was moved or deleted"
    assert skip_reason(vault, "A/B.md", RULES) == gone
    assert skip_reason(vault, "B.md", RULES) == gone
    make(vault, "file")
    assert skip_reason(vault, "file/B.md", RULES) == gone
    assert "embedded null" in str(skip_reason(vault, "a\0b.md", RULES))


READS = [
    pytest.param(b"# A\n", 4, b"# A\n", id="as seen"),
    pytest.param(b"# A\nmore", 4, None, id="grown"),
    pytest.param(b"# A", 4, None, id="shrunk"),
    pytest.param(b"", 4, None, id="truncated"),
    pytest.param(b"a\r\nb\x1a\n", 6, b"a\r\nb\x1a\n", id="no translation"),
]


@pytest.mark.parametrize(("data", "size", "expected"), READS)
def test_reads_only_what_the_walk_saw(
    vault: Path, data: bytes, size: int, expected: bytes | None
) -> None:
    assert read_file(str(make(vault, "A.md", data)), size) == expected
