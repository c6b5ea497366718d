"""The baselines: what can be said of a note without a model."""

from __future__ import annotations

import re
from collections.abc import Iterator

from companion.note.parsed_note import ParsedNote
from companion.note.tags import has_only_tags

_IMAGE = re.compile(r"!\[\[[^\]]*\]\]|!\[[^\]]*\]\([^)]*\)")
_WIKILINK = re.compile(r"\[\[(?:[^\]|]*\|)?([^\]]*)\]\]")
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_FOOTNOTE = re.compile(r"\[\^[^\]]*\]")
_HTML = re.compile(r"</?[a-zA-Z][^>]*>")
_EMPHASIS = re.compile(r"(\*{1,3}|~~|==|`+|(?<!\w)_{1,2}(?=\w)|(?<=\w)_{1,2}(?!\w))")
_LIST = re.compile(r"[ \t>]*(?:[-*+]|\d+[.)])[ \t]")
_ABBREVIATIONS = r"(?<!\be\.g)(?<!\bi\.e)(?<!\betc)(?<!\bvs)(?<!\bDr)(?<!\bMr)(?<!\b[A-Z])"
_END = re.compile(rf"{_ABBREVIATIONS}[.!?…][\"')\]”’]*(?=\s+[^a-z\s])|[。！？][”’」』）]*")


def first_sentence(view: ParsedNote) -> str:
    """Return the first sentence of the note's running text, without markup; empty: it has none.

    Running text is neither heading, list, quote, table, code nor HTML; where the note has none,
    the first line that has words.
    """
    return next(sentences(first_paragraph(view)), "")


def first_paragraph(view: ParsedNote) -> str:
    """Return the first paragraph of running text, without markup, on one line."""
    found: list[str] = []
    for line in view.lines:
        is_own = line.kind == "text" and not line.depth and not _LIST.match(line.text)
        is_running = is_own and not has_only_tags(line)
        words = plain(line.visible) if is_running and "|" not in plain(line.visible) else ""
        if _has_words(words):
            found.append(words)
        elif found:
            break
    return " ".join(found) or _first_words(view)


def sentences(text: str) -> Iterator[str]:
    """Yield the sentences of a text without markup."""
    begin = 0
    for end in _END.finditer(text):
        yield text[begin : end.end()].strip()
        begin = end.end()
    if rest := text[begin:].strip():
        yield rest


def plain(text: str) -> str:
    """Return the text as a reader sees it: links by their words, no images, no emphasis."""
    for pattern in (_IMAGE, _FOOTNOTE, _HTML):
        text = pattern.sub("", text)
    text = _LINK.sub(r"\1", _WIKILINK.sub(r"\1", text))
    return " ".join(_EMPHASIS.sub("", text).split())


def _first_words(view: ParsedNote) -> str:
    lines = (plain(line.text[line.content :]) for line in view.lines if line.kind == "text")
    return next(filter(_has_words, lines), "")


def _has_words(text: str) -> bool:
    return any(character.isalpha() for character in text)
