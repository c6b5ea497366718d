"""HTML that makes a block of its own (CommonMark 4.6)."""

from __future__ import annotations

import re
from typing import NamedTuple

_NAMES = (
    "address|article|aside|base|basefont|blockquote|body|caption|center|col|colgroup|dd|details|"
    "dialog|dir|div|dl|dt|fieldset|figcaption|figure|footer|form|frame|frameset|h[1-6]|head|"
    "header|hr|html|iframe|legend|li|link|main|menu|menuitem|nav|noframes|ol|optgroup|option|p|"
    "param|search|section|summary|table|tbody|td|tfoot|th|thead|title|tr|track|ul"
)
_TO_BLANK_LINE = re.compile(rf"</?(?:{_NAMES})(?=[ \t>]|/>|$)", re.IGNORECASE)
_VALUE = r"(?:\"[^\"]*\"|'[^']*'|[^\s\"'=<>`]+)"
_ATTRIBUTE = rf"[ \t]+[a-z_:][\w.:-]*(?:[ \t]*=[ \t]*{_VALUE})?"
_ONE_TAG = re.compile(
    rf"<(?:/[a-z][a-z0-9-]*|[a-z][a-z0-9-]*(?:{_ATTRIBUTE})*[ \t]*/?)[ \t]*>[ \t]*$",
    re.IGNORECASE | re.ASCII,
)
_TO_CLOSING = (
    (r"<(?:script|pre|style|textarea)(?=[ \t>]|$)", r"</(?:script|pre|style|textarea)>"),
    (r"<\?", r"\?>"),
    (r"<!\[CDATA\[", r"\]\]>"),
    (r"<![a-z]", r">"),
)
_OPENING = [
    (re.compile(opening, re.IGNORECASE), re.compile(closing, re.IGNORECASE))
    for opening, closing in _TO_CLOSING
]


class HtmlBlock(NamedTuple):
    """An HTML block that is open. closing: what its last line holds; None: a blank line ends it."""

    closing: re.Pattern[str] | None


def find_html(text: str, position: int, in_paragraph: bool) -> HtmlBlock | None:
    """Return the HTML block that begins at position; comments are none (see outline.py).

    in_paragraph: it would interrupt a paragraph, which a lone tag of another name cannot.
    """
    if not text.startswith("<", position):
        return None
    for opening, closing in _OPENING:
        if opening.match(text, position):
            return HtmlBlock(closing)
    if _TO_BLANK_LINE.match(text, position):
        return HtmlBlock(None)
    return HtmlBlock(None) if not in_paragraph and _ONE_TAG.match(text, position) else None
