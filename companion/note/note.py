"""A parsed note: its properties, outline, AI callouts, tags and title."""

from __future__ import annotations

import calendar
import re
from collections.abc import Sequence
from functools import cached_property
from typing import Self

from companion.errors import NoteRefused
from companion.note.callouts import Callout, Section, find_callouts, find_heading
from companion.note.link_names import file_name
from companion.note.markdown import Line, read_lines
from companion.note.properties import Properties, read_properties
from companion.note.safe_line import without_links
from companion.note.tags import find_tag_candidates, find_tags, has_tag, likely_tags
from companion.note.text import NoteText

_SYNONYMS = {"tags": ("tags", "tag"), "aliases": ("aliases", "alias")}
_AI_CALLOUT = re.compile(r"!(?<=\[!)ai", re.IGNORECASE)  # a literal first is searched for fastest
_TEMPLATE = re.compile(r"\{\{|<%")
# Hugo (content/front-matter) and Zola; text above it makes it text for them, too.
_FOREIGN = re.compile(r"\ufeff?\s*(?:(\+\+\+)|\{)[ \t]*(?:\r|\n|\Z)")


class ParsedNote:
    """A parsed note. Its parts are computed on first use.

    tag_candidates: what looks like a tag in the body; see find_tag_candidates.
    """

    def __init__(self, note: NoteText) -> None:
        """Read the note's properties.

        Raises NoteRefused if the frontmatter is TOML or JSON, is not valid or has template syntax.
        """
        self.note = note
        if foreign := _FOREIGN.match(note.text):
            what = "TOML (+++)" if foreign[1] else "JSON"
            reason = f"its front matter is {what}, which Obsidian does not read; write it as YAML"
            raise NoteRefused(reason, line=note.line_number(foreign.end() - 1))
        if (span := note.frontmatter) and (template := _TEMPLATE.search(note.text, *span)):
            reason = f"a template: its properties have {template[0]}"
            raise NoteRefused(reason, line=note.line_number(template.start()))
        self.properties: Properties = read_properties(note)
        self.tag_candidates = find_tag_candidates(note.text, note.body_start)

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Return the note in data. Raises NoteRefused."""
        return cls(NoteText.decode(data))

    @cached_property
    def lines(self) -> list[Line]:
        """The outline of the body."""
        return read_lines(self.note)

    @property
    def heading(self) -> str:
        """The title of the first heading, if it is of level 1; else empty."""
        first = next((line for line in self.lines if line.kind == "heading"), None)
        return first.title if first and first.level == 1 else ""

    @cached_property
    def callouts(self) -> list[Callout]:
        """The AI callouts of the body."""
        text = self.note.text
        has_any = "[!" in text and _AI_CALLOUT.search(text)  # the first is found faster
        return find_callouts(self.lines) if has_any else []

    @property
    def callout_lines(self) -> set[int]:
        """The numbers of the lines that the AI callouts of the body take."""
        return {n for each in self.callouts for n in range(each.first, each.last + 1)}

    def section_callouts(self, section: Section) -> list[Callout]:
        """Return the AI callouts under the section's heading, up to the next heading.

        Raises NoteRefused if there is no such heading, or not as many as the section says.
        """
        index = find_heading(self.lines, section)
        later = (i for i, line in enumerate(self.lines) if i > index and line.kind == "heading")
        end = next(later, len(self.lines))
        return [callout for callout in self.callouts if index < callout.first < end]

    @cached_property
    def inline_tags(self) -> list[str]:
        """The tags of the body, without `#`."""
        spans = ((line.text, *span) for line in self.lines for span in find_tags(line))
        return [text[start + 1 : end] for text, start, end in spans]

    @property
    def likely_tags(self) -> list[str]:
        """The tags of the body, without `#`, found quickly, without the outline."""
        if not self.tag_candidates:
            return []
        return likely_tags(self.note.body)

    def has_tag(self, tag: str) -> bool:
        """Return whether the note has the tag, or one nested in it, in its properties or body."""
        if has_tag(self.properties.tags, tag):
            return True
        may_have = has_tag(self.tag_candidates, tag)  # quick; the outline takes its time
        return may_have and has_tag(self.inline_tags, tag)

    def property_keys(self, name: str) -> Sequence[str]:
        """Return the keys of the property, as written, those of its older name included.

        Obsidian still reads `tag` and `alias`. Usually there is one key or none.
        """
        synonyms = _SYNONYMS.get(name.casefold())
        if synonyms is None:
            return self.properties.keys_of(name)
        return [key for synonym in synonyms for key in self.properties.keys_of(synonym)]

    def property_key(self, name: str) -> str | None:
        """Return the property's first key, as written, None if the note does not have it."""
        return next(iter(self.property_keys(name)), None)


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
_NO_NAME = re.compile(r"read[ _-]?me|untitled(?: \d+)?", re.IGNORECASE)
_DIGIT = re.compile(r"\d")
_LETTER = re.compile(r"[^\W\d_]")


def find_title(parsed: ParsedNote, path: str) -> str:
    """Return the title of the note at path; empty if nothing names its subject.

    It is the first of these that may name one, see is_subject: the property `title`; the first
    heading, if it is of level 1; the file's name made readable; an alias.
    """
    title = parsed.properties.get("title")
    candidates = (
        _plain_text(title) if isinstance(title, str) else "",
        _plain_text(parsed.heading),
        make_readable(file_name(path)),
        *parsed.properties.aliases,
    )
    return next(filter(is_subject, candidates), "")


def name_note(parsed: ParsedNote, path: str) -> str:
    """Return the title of the note at path; its file's name if nothing names its subject."""
    return find_title(parsed, path) or file_name(path)


def is_subject(text: str) -> bool:
    """Return whether text may name a subject: not a date, a number, “Untitled” or “Readme”."""
    if not _LETTER.search(text) or _NO_NAME.fullmatch(text):
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
