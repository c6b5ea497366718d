"""A note's title: the name of its subject."""

from __future__ import annotations

import calendar
import re

from companion.note.parsed_note import ParsedNote
from companion.note.sanitize_inline import without_links

_EMBED_OR_EMPHASIS = re.compile(r"!\[\[[^\[\]]*\]\]|!\[[^\[\]]*\]\([^()]*\)|\*\*|==|~~|`")
_ID = re.compile(r"\A\d{12}(?:\d\d)?[ _-]+|[ _-]+\d{12}(?:\d\d)?\Z")  # of a Zettelkasten
_UNDERSCORES = re.compile(r"(?<=[^\W_])_+(?=[^\W_])")
_SLUG = re.compile(r"[^\W_]+(?:-[^\W_]+){2,}")
_CALENDAR = (calendar.day_name, calendar.day_abbr, calendar.month_name, calendar.month_abbr)
_NAMES = sorted({name for names in _CALENDAR for name in names if name}, key=len, reverse=True)
_DATE = re.compile(
    rf"(?:{'|'.join(map(re.escape, _NAMES))}|\d(?:st|nd|rd|th)\b|[\W\d_]"
    r"|[年月日号號時时分秒년월일시분초]|(?:星期|周|週)[一二三四五六日天]|[月火水木金土日]曜日?"
    r"|[월화수목금토일]요일|\([月火水木金土日월화수목금토일]\))+",
    re.IGNORECASE,
)
_CODED = re.compile(r"(?=\D*\d{4})(?:[\W\d_]|[WQTHZ]|KW)+", re.IGNORECASE)  # 2024-W07, 2024-Q1
_DIGIT = re.compile(r"\d")
_LETTER = re.compile(r"[^\W\d_]")


def find_title(parsed: ParsedNote, name: str) -> str:
    """Return the note's title; empty if nothing names its subject.

    It is the first of these that is more than a date or a number: the property `title`; the first
    heading, if it is of level 1; the file's name made readable; an alias. name: of the note's
    file, without `.md`.
    """
    title = parsed.properties.get("title")
    candidates = (
        _plain_text(title) if isinstance(title, str) else "",
        _plain_text(parsed.heading),
        make_readable(name),
        *parsed.properties.aliases,
    )
    return next(filter(is_subject, candidates), "")


def is_subject(text: str) -> bool:
    """Return whether text may name a subject, that is, is more than a date or a number."""
    if not _LETTER.search(text):
        return False
    return not (_DIGIT.search(text) and (_DATE.fullmatch(text) or _CODED.fullmatch(text)))


def make_readable(name: str) -> str:
    """Return a file's name with spaces in place of their substitutes, without the note's id.

    These are underscores between words and, in a name in lower case, hyphens if there are several:
    `Spoofing_365`, `large-language-models`, but not `x-ray`. An id is a time stamp from the year
    to the minute or the second.
    """
    text = _ID.sub("", name).strip()
    if " " not in text:
        text = _UNDERSCORES.sub(" ", text)
    if text == text.lower() and _SLUG.fullmatch(text) and is_subject(text):
        text = text.replace("-", " ")
    return text


def _plain_text(text: str) -> str:
    """Return text as a reader sees it, on one line."""
    return " ".join(without_links(_EMBED_OR_EMPHASIS.sub("", text)).split())
