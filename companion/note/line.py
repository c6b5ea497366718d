"""One line of a note's body, with what it is."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

Kind = Literal["blank", "text", "heading", "rule", "code", "comment", "math", "html"]

HEADING = re.compile(r"(#{1,6})(?=[ \t]|$)")
# Words, tags, links, quotes, emphasis.
_PLAIN_START = re.compile(
    r" {0,3}(?:[^\W\d_]|[^\x00-\x7f]|\d+(?![\d.)])|#[^\s#]|[\"'(]|!?\[\["
    r"|\[(?!!)[^\[\]]*\]\(|[*_]{1,3}(?=[^\s*_]))(?!.*::)"
)
_CLOSING_SIGNS = re.compile(r"(?:^|(?<=[ \t]))#+$")


def is_plain_start(text: str) -> bool:
    """Return whether text surely means the same at the start of a line and within one.

    Signs of lists, quotes, tables, HTML and code do not, nor block ids and Dataview's `key:: v`.
    """
    return bool(_PLAIN_START.match(text))


class Line(NamedTuple):
    """One line of a note's body.

    start, end, next: offsets in the note's text (characters): of the line, of its end, of
    the next line. text: the line without its end. content: where in `text` the content
    begins, after quote signs, list markers and blanks. depth: how many quotes the line
    stands in by signs of its own. kept: how many of them go on from the line above.
    begins: a block begins in it that is no paragraph, a list item or a quote for one, so it is
    never more of the paragraph above, however that is quoted.
    level: of a heading, 1 to 6; only headings outside of quotes and lists are any.
    hidden: parts of `text` that lie in comments. is_open: a comment goes on below.
    """

    start: int
    end: int
    next: int
    text: str
    content: int = 0
    depth: int = 0
    kept: int = 0
    kind: Kind = "blank"
    level: int = 0
    hidden: tuple[tuple[int, int], ...] = ()
    is_open: bool = False
    begins: bool = False

    @property
    def prefix(self) -> str:
        """The quote signs, list markers and blanks before the content."""
        return self.text[: self.content]

    @property
    def shown(self) -> str:
        """The line without what lies in comments."""
        if not self.hidden:
            return self.text
        edges = [0, *(edge for span in self.hidden for edge in span), len(self.text)]
        return "".join(self.text[edges[i] : edges[i + 1]] for i in range(0, len(edges), 2))

    @property
    def title(self) -> str:
        """The words of a heading."""
        words = self.shown.strip(" \t")
        if not (signs := HEADING.match(words)):
            return words
        return _CLOSING_SIGNS.sub("", words[signs.end() :].strip(" \t")).strip(" \t")
