"""Which notes link to which, and that only changed notes are read for it."""

import os
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from companion.note.facts import read_facts
from companion.note.link_names import LinkNames
from companion.note.links import Links
from companion.note.needs import Rules
from companion.vault.ignore import IgnoreRules
from companion.vault.index import Index
from companion.vault.notes import Scan

LONG_AGO = 1_000_000_000
NOTES = {
    "Koji.md": "A mould. [[Koji#Uses]]",
    "Bread.md": "[[Sourdough]], [[Koji|a mould]], [[Rye]]",
    "Food/Sourdough.md": "![[koji]] and [miso](../Food/Miso.md)",
    "Food/Miso.md": "made with [[Koji.md]]",
    "Drink/Koji.md": "a drink",
    "Drink/Amazake.md": "[[Koji]] and rice, [[./Koji]]",
}
LINKED_FROM = [
    ("Koji.md", []),
    ("Bread.md", ["Food/Sourdough.md", "Koji.md"]),
    ("Food/Sourdough.md", ["Koji.md", "Food/Miso.md"]),
    ("Drink/Amazake.md", ["Koji.md"]),
]
LINKING_TO = [
    ("Koji.md", ["Food/Miso.md", "Drink/Amazake.md", "Food/Sourdough.md", "Bread.md"]),
    ("Food/Sourdough.md", ["Bread.md"]),
    ("Drink/Koji.md", []),
    ("Food/Miso.md", ["Food/Sourdough.md"]),
]


def put(vault: Path, notes: Mapping[str, str]) -> None:
    for path, text in notes.items():
        note = vault / path
        note.parent.mkdir(exist_ok=True)
        note.write_text(text, encoding="utf-8")
        os.utime(note, (LONG_AGO, LONG_AGO))


def scan(vault: Path, index: Index) -> Scan:
    return index.scan(vault, IgnoreRules(), lambda _, data: read_facts(data, Rules()), "1")


def links_of(found: Scan) -> Links:
    names = LinkNames((path, "", aliases) for path, aliases in found.names())
    return Links(found.link_targets(), names)


@pytest.fixture
def links(vault: Path, tmp_path: Path) -> Links:
    put(vault, NOTES)
    return links_of(scan(vault, Index(tmp_path / "index.sqlite3")))


@pytest.mark.parametrize(("path", "expected"), LINKED_FROM)
def test_where_a_note_links_to(links: Links, path: str, expected: list[str]) -> None:
    assert links.linked_in(NOTES[path], path) == expected


@pytest.mark.parametrize(("path", "expected"), LINKING_TO)
def test_which_notes_link_to_it(links: Links, path: str, expected: list[str]) -> None:
    assert sorted(links.linking_to(path)) == sorted(expected)
    assert links.linking_to(path)[-1:] == expected[-1:], "what links to much comes last"


def test_only_changed_notes_are_read(
    vault: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def read_file(file: str, size: int) -> bytes | None:
        read.append(Path(file).name)
        return Path(file).read_bytes()

    monkeypatch.setattr("companion.vault.index.read_file", read_file)
    monkeypatch.setattr(time, "time_ns", lambda: 10**19)
    put(vault, NOTES)
    file = tmp_path / "index.sqlite3"
    first = scan(vault, Index(file))
    assert len(read) == len(NOTES), "a scan needs no links"
    cold = dict(first.link_targets())
    assert len(read) == 2 * len(NOTES)
    read.clear()
    assert dict(scan(vault, Index(file)).link_targets()) == cold
    assert read == []
    (vault / "Bread.md").unlink()
    (vault / "Koji.md").write_text("[[Rye]] bread", encoding="utf-8")
    changed = dict(scan(vault, Index(file)).link_targets())
    assert read == ["Koji.md"] * 2, "for its facts, and for its links"
    assert changed["Koji.md"] == "Rye" and "Bread.md" not in changed


def test_a_note_that_was_just_written_is_read_again(vault: Path, tmp_path: Path) -> None:
    file = tmp_path / "index.sqlite3"
    (vault / "New.md").write_text("[[Rye]]", encoding="utf-8")
    status = (vault / "New.md").stat()
    assert dict(scan(vault, Index(file)).link_targets()) == {"New.md": "Rye"}
    (vault / "New.md").write_text("[[Oat]]", encoding="utf-8")
    os.utime(vault / "New.md", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert dict(scan(vault, Index(file)).link_targets()) == {"New.md": "Oat"}


def test_what_cannot_be_read_has_no_links(vault: Path, tmp_path: Path) -> None:
    (vault / "Bad.md").write_bytes(b"[[Rye]] \xff")
    index = Index(tmp_path / "index.sqlite3")
    assert dict(scan(vault, index).link_targets()) == {"Bad.md": ""}
