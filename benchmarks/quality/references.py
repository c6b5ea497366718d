"""What people wrote: the notes of a vault that have a description, with it taken out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Literal, NamedTuple

import yaml

from companion.config import Config
from companion.errors import NoteRefused
from companion.note.needs import DESCRIPTION
from companion.note.parsed_note import ParsedNote
from companion.note.text import NoteText
from companion.vault.files import NoteFile, read_file
from companion.vault.ignore import IgnoreRules
from companion.vault.obsidian import read_obsidian_settings
from companion.vault.walk import walk_notes

Part = Literal["tune", "report"]


class Reference(NamedTuple):
    """A note to measure on. view: without its description, as if nobody had written one.

    path: vault-relative, with `/`. description: what its author wrote; empty: nothing.
    """

    path: str
    view: ParsedNote
    description: str

    @property
    def title(self) -> str:
        """The note's title."""
        return PurePosixPath(self.path).stem

    @property
    def part(self) -> Part:
        """Which part of the notes it belongs to: always the same, wherever the vault lies."""
        return "tune" if _number(self.path) % 2 else "report"

    @property
    def says_more(self) -> bool:
        """Whether the description says anything beyond the title."""
        return _letters(self.description) != _letters(self.title)


def choose_notes(root: Path, config: Config, part: str, *, described: bool) -> list[Reference]:
    """Return the notes of the part (or of `all`) that are not left alone; see find_references."""
    rules = replace(config.ignore_rules(), obsidian=read_obsidian_settings(root))
    found = find_references(root, rules, described=described)
    return [note for note in found if part in ("all", note.part)]


def find_references(root: Path, rules: IgnoreRules, *, described: bool) -> list[Reference]:
    """Return the notes of the vault in an order that is arbitrary, and the same in each run.

    described: only those with a description.
    """
    found = _read_all(root, rules)
    wanted = [note for note in found if note.description] if described else list(found)
    return sorted(wanted, key=lambda note: _number(note.path + "order"))


def take_out(text: str, name: str) -> str:
    """Return the note's text with the property empty, whatever form its value has.

    Raises NoteRefused when the property is not there, or the frontmatter is not understood.
    """
    note = NoteText(text)
    block = note.frontmatter
    node = yaml.compose(note.yaml, yaml.CSafeLoader) if block else None
    if block and isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value.casefold() == name:
                start, end = (block.start + mark.index for mark in (key.end_mark, value.end_mark))
                rest = text[end:] if text[end : end + 1] in ("\n", "\r") else f"\n{text[end:]}"
                return f"{text[:start]}:{rest}"
    raise NoteRefused(f"it has no {name}")


def _read_all(root: Path, rules: IgnoreRules) -> Iterator[Reference]:
    for file in walk_notes(root, rules):
        data = read_file(f"{root}/{file.path}", file.size) if isinstance(file, NoteFile) else None
        if data is None:
            continue
        try:
            yield _read(file.path, data)
        except NoteRefused:
            continue


def _read(path: str, data: bytes) -> Reference:
    view = ParsedNote.decode(data)
    key = view.property_key(DESCRIPTION)
    value = view.properties.get(key) if key else None
    if not key or view.properties.is_empty(key) or not isinstance(value, str):
        return Reference(path, view, "")
    blank = ParsedNote(NoteText(take_out(view.note.text, DESCRIPTION)))
    others = {name: kept for name, kept in view.properties.values.items() if name != key}
    if blank.properties.values != {**others, key: None} or not blank.properties.is_empty(key):
        raise NoteRefused("its description cannot be taken out alone")
    return Reference(path, blank, " ".join(value.split()))


def _number(text: str) -> int:
    return int.from_bytes(sha256(text.encode("utf-8", "surrogateescape")).digest()[:8])


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))
