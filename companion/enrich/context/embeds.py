"""The text of what a note embeds: notes, their sections and blocks, and PDFs.

Obsidian's help, "Embed files", says which part of a note an embed shows.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence, Set
from copy import copy
from hashlib import sha256
from threading import Lock
from typing import NamedTuple

from companion.enrich.context.vault_context import EmbeddedText, VaultContext
from companion.enrich.workspace import Workspace
from companion.language.words import width
from companion.note.link_names import NotePaths
from companion.note.links import embed_targets
from companion.note.markdown import Line
from companion.note.parsed_note import ParsedNote
from companion.vault.files import NoteFile, attachment_reason, read_file, stat_note
from companion.vault.pdf_text import LARGEST_PDF, PdfText, read_pdf
from companion.vault.walk import walk_files

_BLOCK_ID = re.compile(r"(?:^|\s)\^([A-Za-z0-9-]+)\s*$")
_PAGE = re.compile(r"(?:^|&)page=(\d{1,6})(?:&|$)")
_NO_NAME = re.compile(r"[\W_]+")
_DEEPEST = 2  # an embed in an embedded note is read, one in that is not
_MOST_PDFS = 8  # in one note: each may take 20 seconds
_CACHED = 32  # texts of PDFs
_LOOK_AGAIN = 5.0  # seconds after which a PDF that is not found is looked for once more
_PDF = ".pdf"
_NO_ROOM = "there is no room for it"
_UNREAD = {".canvas": "canvases are not read", ".base": "bases are not read"}


class Embeds:
    """Reads what the notes of a vault embed. Safe to use from any thread.

    Nothing is read from notes and files that are private or left alone, whichever model is asked,
    as for Backlinks.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._lock = Lock()
        self._pdfs = NotePaths()
        self._looked_at = -_LOOK_AGAIN

    def read(self, vault: VaultContext, path: str, parsed: ParsedNote, most: float) -> EmbeddedText:
        """Return the note at path with what it embeds. most: about how many letters of that."""
        reader = _Reader(self, self._workspace, vault, most)
        inserted = reader.expand(parsed, set(range(len(parsed.lines))), path, (path,))
        if not inserted:
            return EmbeddedText(parsed, unread=tuple(reader.unread))
        text = "\n".join(line.visible for lines in inserted.values() for line in lines)
        files = tuple(dict.fromkeys(reader.files))
        longer = copy(parsed)
        vars(longer).pop("callouts", None)
        # the offsets of what is inserted mean nothing: it has no place in the note's text
        vars(longer)["lines"] = _mix_lines(parsed, range(len(parsed.lines)), inserted)
        return EmbeddedText(longer, text, files, tuple(reader.unread))

    def find_pdf(self, target: str, source: str) -> str | None:
        """Return the path of the PDF that a link to target in the note source leads to."""
        with self._lock:
            path = self._pdfs.find_note(target, source)
            is_there = path is not None and stat_note(self._workspace.root, path)
            if not is_there and time.monotonic() - self._looked_at > _LOOK_AGAIN:
                space = self._workspace
                self._pdfs = NotePaths(walk_files(space.root, space.ignore, _PDF))
                self._looked_at = time.monotonic()
                path = self._pdfs.find_note(target, source)
        return path


class _Reader:
    """Reads the embeds of one note. letters: how many may still be added."""

    def __init__(
        self, embeds: Embeds, workspace: Workspace, vault: VaultContext, letters: float
    ) -> None:
        self._embeds = embeds
        self._workspace = workspace
        self._vault = vault
        self._letters = letters
        self._pdfs = 0  # read so far
        self._seen: set[tuple[str, str]] = set()
        self.files: list[NoteFile] = []
        self.unread: list[str] = []

    def expand(
        self, parsed: ParsedNote, lines: Set[int], path: str, above: tuple[str, ...]
    ) -> dict[int, list[Line]]:
        """Return the lines of what is embedded in these lines, by the line that it follows.

        above: the notes being read, from the outermost one to the one at path.
        """
        inserted: dict[int, list[Line]] = {}
        for number, embeds in _find_embeds(parsed).items():
            if number in lines:
                for embed in embeds:
                    if new := self._read(embed, path, above):
                        inserted.setdefault(number, []).extend(new)
        return inserted

    def _read(self, embed: _Embed, path: str, above: tuple[str, ...]) -> Sequence[Line]:
        target = embed.target.casefold()
        ending = target[target.rfind(".") :] if "." in target else ""
        if why := _UNREAD.get(ending):
            self._leave_out(embed, why)
        elif ending == _PDF:
            return self._read_pdf(embed, path)
        elif (other := self._vault.links.leads_to(embed.target, path)) and other not in above:
            return self._read_note(embed, other, above)
        return ()

    def _read_note(self, embed: _Embed, path: str, above: tuple[str, ...]) -> Sequence[Line]:
        if len(above) > _DEEPEST or not self._is_new(path, embed.part):
            return ()
        if self._letters <= 0:
            self._leave_out(embed, _NO_ROOM)
            return ()
        file = stat_note(self._workspace.root, path) if self._vault.may_tell(path) else None
        parsed = file and self._workspace.read_source(file)
        if not (file and parsed):
            self._leave_out(embed, "that note is private or left alone")
            return ()
        self.files.append(file)
        part = _find_part(parsed, embed.part)
        if part is None:
            self._leave_out(embed, "that part is not in the note")
            return ()
        hidden = parsed.callout_lines
        own = (number for number in part if number not in hidden)
        taken = [number for number in own if self._take(parsed.lines[number])]
        return _mix_lines(parsed, taken, self.expand(parsed, set(taken), path, (*above, path)))

    def _read_pdf(self, embed: _Embed, source: str) -> Sequence[Line]:
        root, ignore = self._workspace.root, self._workspace.ignore
        path = self._embeds.find_pdf(embed.target, source)
        if path is None:
            self._leave_out(embed, "no such file is in a folder that Companion reads")
            return ()
        file = stat_note(root, path)
        if why := attachment_reason(root, path, ignore):
            self._leave_out(embed, f"that file is left alone: {why}")
        elif file and file.size > LARGEST_PDF:
            self._leave_out(embed, f"it has {file.size:,} bytes; at most {LARGEST_PDF:,} are read")
        elif self._letters <= 0 or self._pdfs >= _MOST_PDFS:
            self._leave_out(embed, _NO_ROOM)
        elif file and self._is_new(path, str(embed.page)):
            self._pdfs += 1
            pdf = _read_cached(f"{root}/{path}", file.size, embed.page)
            if pdf.fault:
                self._leave_out(embed, pdf.fault)
            elif not pdf.is_whole:
                self._leave_out(embed, "only part of it is read, since it is long or broken")
            self.files.append(file)
            # Each paragraph as a quote: it is text of the note, but not in its author's words.
            quoted = (f"> {each.replace('[!', '[')}" for each in pdf.paragraphs)
            lines = (Line(0, 0, 0, text, 2, 1, kind="text", starts_block=True) for text in quoted)
            return [each for line in lines if self._take(line) for each in (line, _BLANK)]
        return ()

    def _is_new(self, path: str, part: str) -> bool:
        """Return whether this part is read for the note for the first time, and record it."""
        is_new = (path, part) not in self._seen
        self._seen.add((path, part))
        return is_new

    def _leave_out(self, embed: _Embed, why: str) -> None:
        self.unread.append(f"{embed}: {why}")

    def _take(self, line: Line) -> bool:
        """Return whether there is room for the line, and use it up."""
        is_taken = self._letters > 0
        self._letters -= width(line.text)
        return is_taken


_texts = OrderedDict[tuple[bytes, int | None], PdfText]()
_texts_lock = Lock()  # one is read at a time, which takes memory


def _read_cached(file: str, size: int, page: int | None) -> PdfText:
    """Return the text of the PDF at that path; a PDF with the same bytes is read once."""
    try:
        data = read_file(file, size)
    except OSError as error:
        return PdfText(fault=f"it cannot be read ({error.strerror})", is_whole=False)
    if data is None:
        return PdfText(fault="it changed while it was read", is_whole=False)
    key = sha256(data).digest(), page
    with _texts_lock:
        text = _texts.pop(key) if key in _texts else read_pdf(data, page)
        _texts[key] = text
        while len(_texts) > _CACHED:
            _texts.popitem(last=False)
    return text


class _Embed(NamedTuple):
    """An embed. target: the note or file, as written. part: what follows `#`; empty: all of it."""

    target: str
    part: str

    @property
    def page(self) -> int | None:
        """The page of a PDF that is embedded, counted from 1; None: all of them."""
        page = _PAGE.search(self.part)
        return max(1, int(page[1])) if page else None

    def __str__(self) -> str:
        return f"![[{self.target}{f'#{self.part}' if self.part else ''}]]"


def _find_embeds(parsed: ParsedNote) -> dict[int, list[_Embed]]:
    """Return the embeds of the note by the lines that they are in.

    Those in code, formulas, HTML, comments and AI callouts do not count.
    """
    answers = parsed.callout_lines
    return {
        number: embeds
        for number, line in enumerate(parsed.lines)
        if line.kind == "text" and number not in answers and "!" in line.text
        if (embeds := [_Embed(*each) for each in embed_targets(line.visible[line.content :])])
    }


def _find_part(parsed: ParsedNote, part: str) -> range | None:
    """Return the lines of a part of the note; None: it is not there.

    part: empty: the whole body; `^id`: a block; else headings from the outer to the inner one, with
    `#` between them. A section ends at the next heading of the same or a higher level.
    """
    if part.startswith("^"):
        return _find_block(parsed.lines, part[1:])
    section = range(len(parsed.lines))
    for heading in map(_name_key, filter(str.strip, part.split("#"))):
        headings = (n for n in section if parsed.lines[n].kind == "heading")
        start = next((n for n in headings if _name_key(parsed.lines[n].title) == heading), None)
        if start is None:
            return None
        level = parsed.lines[start].level
        inner = range(start + 1, section.stop)
        stop = next((n for n in inner if 0 < parsed.lines[n].level <= level), section.stop)
        section = range(start, stop)
    return section


def _name_key(heading: str) -> str:
    """Return a heading for comparison: links leave out characters that they cannot have."""
    return _NO_NAME.sub(" ", heading).strip().casefold() or heading.strip()


def _find_block(lines: Sequence[Line], name: str) -> range | None:
    """Return the lines of the paragraph, list item, quote or table that has the identifier."""
    for number, line in enumerate(lines):
        block_id = _BLOCK_ID.search(line.visible) if line.kind in ("text", "heading") else None
        if not block_id or block_id[1] != name:
            continue
        if line.visible[line.content :].strip() == f"^{name}":  # of the block above it
            last = number - 1
            while last >= 0 and lines[last].kind == "blank":
                last -= 1
            return range(_block_start(lines, last, is_whole=True), last + 1)
        stop = number + 1
        while stop < len(lines) and _is_below(lines[stop], line):
            stop += 1
        return range(_block_start(lines, number), stop)
    return None


def _block_start(lines: Sequence[Line], last: int, *, is_whole: bool = False) -> int:
    """Return where the block that ends at the line begins. is_whole: all of a list or a quote."""
    first = max(last, 0)
    while first > 0 and lines[first - 1].kind not in ("blank", "heading"):
        if lines[first].starts_block and not is_whole:
            break
        first -= 1
    return first


def _is_below(line: Line, item: Line) -> bool:
    """Return whether the line belongs to the list item: it is indented more."""
    indent = len(item.text) - len(item.text.lstrip())
    is_item = item.prefix.strip(" \t>") != ""
    return is_item and line.kind == "text" and len(line.text) - len(line.text.lstrip()) > indent


_BLANK = Line(0, 0, 0, "")
"""A line between what is embedded and what is around it."""


def _mix_lines(
    parsed: ParsedNote, own: Iterable[int], inserted: Mapping[int, Sequence[Line]]
) -> list[Line]:
    """Return the note's own lines of these numbers; after some, others between blank lines."""
    lines: list[Line] = []
    for number in own:
        line = parsed.lines[number]
        if lines and lines[-1] is _BLANK and line.kind == "blank":
            lines.pop()
        lines.append(line)
        for new in (_BLANK, *inserted[number], _BLANK) if number in inserted else ():
            if new.kind != "blank" or lines[-1].kind != "blank":
                lines.append(new)
    return lines
