"""What of a note a model is shown, beside its prose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from companion.enrich.gate.tokens import width
from companion.enrich.own_sentence import own_sentence
from companion.enrich.self_description import is_self_description
from companion.note.inert_line import without_links
from companion.note.view import NoteView
from companion.prompts import NoteView as Shown

_OPENING = 240  # characters of the sentence that the note says of itself
_WIDEST = 240  # letters of it, a Chinese sign for 2.5: it is shown beside the note, so it costs
_HEADINGS = 400  # letters of the headings told apart, which stand in the prose, too
_NAMES = 400  # letters of the aliases, and as many of the tags


def show_note(
    view: NoteView,
    path: str,
    vocabulary: Mapping[str, Sequence[str]],
    prose: str = "",
    language: str | None = None,
) -> Shown:
    """Return what a prompt shows of the note: title, headings, prose and all that is known of it.

    prose: see companion.enrich.excerpt. language: what to write in; None: the note's own.
    """
    opening = own_sentence(view, PurePosixPath(path).stem, _OPENING)
    if opening and width(opening) > _WIDEST:
        opening = None
    headings = _headings(view)
    return Shown(
        title=PurePosixPath(path).stem,
        prose=prose,
        headings=headings,
        aliases=_first(view.properties.aliases),
        tags=_first(view.properties.tags),
        vocabulary=vocabulary,
        language=language,
        opening=opening,
        self_description=opening if opening and is_self_description(opening) else None,
    )


def _headings(view: NoteView) -> list[str]:
    """Return the note's headings; of many, those of the upper levels."""
    found = [(line.level, without_links(line.title)) for line in view.lines if line.level]
    for deepest in sorted({level for level, _ in found}, reverse=True):
        kept = [title for level, title in found if level <= deepest]
        if sum(map(width, kept)) <= _HEADINGS:
            return kept
    return []


def _first(names: Sequence[str]) -> list[str]:
    """Return the first of the names, as many as a prompt has room for."""
    kept, left = [], float(_NAMES)
    for name in names:
        length = width(name) + 2  # the comma
        if length <= left:
            kept.append(name)
            left -= length
    return kept
