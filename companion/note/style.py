"""How the AI callouts of a note begin, and how those of a vault do most often."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from companion.note.callout import Callout, Style
from companion.note.inert_line import inert_line

TOP = "top"
SECTION = "section"

_LEAST_NOTES = 3  # with the same style; fewer may be chance
_LONGEST_TITLE = 40
_ASKS = re.compile("[?\u00bf\u037e\u061f\u2047-\u2049\ufe56\uff1f]")


def find_styles(callouts: Iterable[Callout]) -> dict[str, tuple[Style, ...]]:
    """Return the styles of a note's AI callouts, each once, by place: `top` or `section`.

    An empty callout is a request, and a title that asks something was one: neither is a style.
    """
    found: dict[str, dict[Style, None]] = {}
    for callout in callouts:
        if not (callout.is_empty or len(callout.title) > _LONGEST_TITLE or asks(callout.title)):
            place = TOP if callout.heading is None else SECTION
            found.setdefault(place, {})[Style(callout.title, callout.fold)] = None
    return {place: tuple(styles) for place, styles in found.items()}


def commonest_style(used: Mapping[Style, int], otherwise: Style) -> Style:
    """Return the style that most notes use, of those that may be written in others.

    used: how many notes use each style. otherwise: what to return where no style is in three
    notes; of equally common ones it comes first.
    """
    common = [style for style, notes in used.items() if notes >= _LEAST_NOTES and _is_safe(style)]
    if not common:
        return otherwise
    return max(common, key=lambda style: (used[style], style == otherwise, style))


def asks(title: str) -> bool:
    """Whether the title has a question mark, of any script."""
    return _ASKS.search(title) is not None


def _is_safe(style: Style) -> bool:
    """Whether the title is plain words: no link, tag, template or the like goes along with it."""
    title = style.title
    return title.isprintable() and inert_line(title, lambda _: None) == title
