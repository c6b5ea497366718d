"""What of an answer is left out before it is judged, so that the rest may stand."""

from __future__ import annotations

import re

from companion.enrich.checks.copied import without_copies
from companion.enrich.checks.garbled import part_words
from companion.enrich.checks.shape import first_paragraphs
from companion.enrich.checks.unfinished import without_cut
from companion.note.sanitize import visible_lines
from companion.prompts import Field

_BLANK_LINES = re.compile(r"\n{2,}")
_FENCE = re.compile(r"```|~~~")
_CITATION = re.compile(  # what a search engine's model leaves; the sources are not there
    r"(?:(?<=[^\W\d_]{3})|(?<=[.!?,;:。、，！？」）)]))(?:\ ?\[\^?\d{1,3}\])+|\ ?【\d+[^】\n]*】"
    r"|\ ?\[(?:citation needed|要出典|来源请求|需要引用|cita requerida|Beleg fehlt|источник\?)\]"
)
_HEADER = re.compile(r"(?:> ?)?\[![\w-]+\][+-]?[^\n]*\n+")  # of a callout: it gets its own


def tidy(text: str, field: Field, title: str, note: str, *, may_quote: bool) -> str:
    """Return of a callout the sentences that say something new, in its first paragraphs.

    text: as the model said it; what is left is not inert yet, for a line may begin elsewhere now.
    may_quote: it may say what the note says. Text with code in it stays as it is.
    """
    if _FENCE.search(text):
        return text
    text = without_citations(text, note)
    lines = "\n".join(line.rstrip() for line in visible_lines(text)).strip("\n")
    lines = _HEADER.sub("", lines, count=1) if _HEADER.match(lines) else lines
    text = part_words(without_cut(_BLANK_LINES.sub("\n\n", lines)), note)
    if not may_quote:
        text = without_copies(text, note) or text
    return first_paragraphs(text, title, field)


def without_citations(text: str, note: str) -> str:
    """Return text without marks of sources, such as [1], that the note has not."""
    return _CITATION.sub(lambda mark: mark[0] if mark[0].strip() in note else "", text)
