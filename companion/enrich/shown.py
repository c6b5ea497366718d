"""What of a note a model is shown, beside its prose."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from companion.enrich.gate.tokens import width
from companion.enrich.own_sentence import own_sentence
from companion.enrich.self_description import is_self_description
from companion.note.inert_line import without_links
from companion.note.title import find_title
from companion.note.view import NoteView
from companion.prompts import NoteView as Shown

LITTLE = 100
"""Letters of a note's text that are hardly more than its title."""

_OPENING = 240  # characters of the sentence that the note says of itself
_WIDEST = 240  # letters of it, a Chinese sign for 2.5: it is shown beside the note, so it costs
_HEADINGS = 400  # letters of the headings told apart, which stand in the prose, too
_NAMES = 400  # letters of the aliases, and as many of the tags
_PROPERTIES = 240  # letters of the properties that stand for a text
_LONGEST = 60  # letters of one that names something
# What says nothing of the subject: other fields, dates, addresses, long numbers, what plugins set.
_NO_WORDS = re.compile(r"https?:|www\.|@|\d{5}|\d{4}-\d\d|[/\\.][a-z]{2,4}$", re.IGNORECASE)
_YEAR = re.compile(r"[12]\d{3}")
_OTHERS = """
description aliases alias tags tag cssclass cssclasses publish permalink ai status id uid cover
image icon banner template layout lang created updated modified date
"""
_OTHER = frozenset(_OTHERS.split())


def show_note(
    view: NoteView,
    path: str,
    vocabulary: Mapping[str, Sequence[str]],
    language: str | None = None,
) -> Shown:
    """Return what a prompt shows of the note beside its prose: title, headings, all that is known.

    language: what to write in; None: the note's own.
    """
    title = find_title(view, PurePosixPath(path).stem)
    opening = own_sentence(view, title, _OPENING)
    if opening and width(opening) > _WIDEST:
        opening = None
    headings = _headings(view)
    return Shown(
        title=title,
        headings=headings,
        aliases=_first(view.properties.aliases),
        tags=_first(view.properties.tags),
        vocabulary=vocabulary,
        language=language,
        opening=opening,
        self_description=opening if opening and is_self_description(opening) else None,
    )


def telling_properties(view: NoteView) -> list[str]:
    """Return what the note's properties say of its subject, for a note with hardly a text.

    Words and years, each property as `artist: Paul Chambers`; not the fields that are filled, nor
    what programs set.
    """
    found = [
        f"{name}: {', '.join(words)}"
        for name, value in view.properties.values.items()
        if name.casefold() not in _OTHER and (words := list(_words(value)))
    ]
    return _first(found, _PROPERTIES)


def _words(value: object) -> Iterator[str]:
    for item in value if isinstance(value, list) else [value]:
        text = without_links(item).strip() if isinstance(item, str) else ""
        is_word = any(map(str.isalpha, text)) and not _NO_WORDS.search(text)
        if (is_word and width(text) <= _LONGEST) or _YEAR.fullmatch(text):
            yield text


def _headings(view: NoteView) -> list[str]:
    """Return the note's headings; of many, those of the upper levels."""
    found = [(line.level, without_links(line.title)) for line in view.lines if line.level]
    for deepest in sorted({level for level, _ in found}, reverse=True):
        kept = [title for level, title in found if level <= deepest]
        if sum(map(width, kept)) <= _HEADINGS:
            return kept
    return []


def _first(names: Sequence[str], room: int = _NAMES) -> list[str]:
    """Return the first of the names, as many as have room: so many letters."""
    kept, left = [], float(room)
    for name in names:
        length = width(name) + 2  # the comma
        if length <= left:
            kept.append(name)
            left -= length
    return kept
