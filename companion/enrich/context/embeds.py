"""The text of what a note embeds: notes, their sections and blocks, and PDFs, one level deep.

Obsidian's help, "Embed files", says which part of a note an embed shows.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import PurePosixPath
from threading import Lock

from companion.enrich.context.vault_context import EmbeddedText, VaultContext
from companion.enrich.workspace import Workspace
from companion.note.link_names import NotePaths
from companion.note.links import embed_targets
from companion.note.markdown import Line
from companion.note.note import ParsedNote
from companion.note.text import NoteText
from companion.vault.files import NoteFile, attachment_reason, read_file, stat_note
from companion.vault.pdf_text import LARGEST_PDF, PdfText, read_pdf
from companion.vault.walk import walk_files

_PAGE = re.compile(r"(?:^|&)page=(\d{1,6})(?:&|$)")
_NO_NAME = re.compile(r"[\W_]+")
_MOST = 8  # notes and PDFs of one note: each PDF may take 20 seconds
_LOOK_AGAIN = 5.0  # seconds after which PDFs are looked for once more
_UNREAD = {".canvas": "canvases are not read", ".base": "bases are not read"}


class _LeftOut(Exception):
    """What is embedded is not read, for a reason in words."""


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
        texts, files, unread = list[str](), list[NoteFile](), list[str]()
        embeds = {(target.casefold(), part): target for target, part in _find_embeds(parsed)}
        for (_, part), target in embeds.items():
            try:
                if most <= 0 or len(files) >= _MOST:
                    raise _LeftOut("there is no room for it")
                file, text = self._read(target, part, vault, path)
            except _LeftOut as why:
                unread.append(f"![[{target}{part and f'#{part}'}]]: {why}")
                continue
            if file:
                files.append(file)
                texts.append(text[: int(most) + 1])
                most -= len(text)
        text = "\n\n".join(texts)
        own = parsed.note.text
        gap = "\n" if own.endswith("\n") else "\n\n"
        longer = ParsedNote(NoteText(f"{own}{gap}{text}")) if text else parsed
        return EmbeddedText(longer, text, tuple(files), tuple(unread))

    def _read(
        self, target: str, part: str, vault: VaultContext, path: str
    ) -> tuple[NoteFile | None, str]:
        """Return the file that is embedded, None if it is no note or PDF, and its text.

        target: the note or file, as written. part: what follows `#`; empty: all of it.
        """
        ending = PurePosixPath(target.casefold()).suffix
        if why := _UNREAD.get(ending):
            raise _LeftOut(why)
        if ending == ".pdf":
            return self._read_pdf(target, part, path)
        other = vault.links.leads_to(target, path)
        if other is None or other == path:
            return None, ""
        file = stat_note(self._workspace.root, other) if vault.may_tell(other) else None
        parsed = file and self._workspace.read_source(file)
        if not (file and parsed):
            raise _LeftOut("that note is private or left alone")
        shown, hidden = _find_part(parsed, part), parsed.callout_lines
        if shown is None:
            raise _LeftOut("that part is not in the note")
        return file, "\n".join(parsed.lines[n].visible for n in shown if n not in hidden)

    def _read_pdf(self, target: str, part: str, source: str) -> tuple[NoteFile | None, str]:
        root, ignore = self._workspace.root, self._workspace.ignore
        with self._lock:
            if time.monotonic() - self._looked_at > _LOOK_AGAIN:
                self._pdfs = NotePaths(walk_files(root, ignore, ".pdf"))
                self._looked_at = time.monotonic()
        path = self._pdfs.find_note(target, source)
        if path is None:
            raise _LeftOut("no such file is in a folder that Companion reads")
        if why := attachment_reason(root, path, ignore):
            raise _LeftOut(f"that file is left alone: {why}")
        file, page = stat_note(root, path), _PAGE.search(part)
        if file is None or file.size > LARGEST_PDF:
            raise _LeftOut(f"at most {LARGEST_PDF:,} bytes are read")
        with self._lock:  # one is read at a time, which takes memory
            pdf = _read_cached(f"{root}/{path}", file, max(1, int(page[1])) if page else None)
        if pdf.fault:
            raise _LeftOut(pdf.fault)
        # Each paragraph as a quote: it is text of the note, but not in its author's words.
        return file, "\n\n".join(f"> {each.replace('[!', '[')}" for each in pdf.paragraphs)


@lru_cache(maxsize=32)
def _read_cached(path: str, file: NoteFile, page: int | None) -> PdfText:
    try:
        data = read_file(path, file.size)
    except OSError as error:
        return PdfText(fault=f"it cannot be read ({error.strerror})")
    return PdfText(fault="it changed while it was read") if data is None else read_pdf(data, page)


def _find_embeds(parsed: ParsedNote) -> Iterator[tuple[str, str]]:
    """Yield the embeds of the note; those in code, comments and AI callouts do not count."""
    answers = parsed.callout_lines
    for number, line in enumerate(parsed.lines):
        if line.kind == "text" and number not in answers and "!" in line.text:
            yield from embed_targets(line.visible[line.content :])


def _find_part(parsed: ParsedNote, part: str) -> range | None:
    """Return the lines of a part of the note; None: it is not there.

    part: empty: the whole body; `^id`: a block; else headings from the outer to the inner one, with
    `#` between them. A section ends at the next heading of the same or a higher level.
    """
    if part.startswith("^"):
        return _find_block(parsed.lines, part)
    section = range(len(parsed.lines))
    for heading in map(_name_key, filter(str.strip, part.split("#"))):
        headings = (n for n in section if parsed.lines[n].kind == "heading")
        start = next((n for n in headings if _name_key(parsed.lines[n].title) == heading), None)
        if start is None:
            return None
        level, inner = parsed.lines[start].level, range(start + 1, section.stop)
        stop = next((n for n in inner if 0 < parsed.lines[n].level <= level), section.stop)
        section = range(start, stop)
    return section


def _name_key(heading: str) -> str:
    """Return a heading for comparison: links leave out characters that they cannot have."""
    return _NO_NAME.sub(" ", heading).strip().casefold() or heading.strip()


def _find_block(lines: Sequence[Line], name: str) -> range | None:
    """Return the lines of the block that ends with the identifier `^name`, or is above it."""
    words = [line.visible.split() for line in lines]
    last = next((n for n, each in enumerate(words) if each and each[-1] == name), None)
    if last is None:
        return None
    if is_below := words[last] == [name]:
        last -= 1
        while last > 0 and not words[last]:
            last -= 1
    first = last
    while first > 0 and words[first - 1] and (is_below or not lines[first].starts_block):
        first -= 1
    return range(first, last + 1)
