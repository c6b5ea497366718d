"""Where a text takes no link: links, code, escapes, URLs, tables. And what its links lead to."""

import re
from collections.abc import Iterator
from urllib.parse import unquote

# Of a Markdown link, with a title perhaps (CommonMark 6.3): note.md, a%20note.md#h, <a note.md> "t"
_DESTINATION = r"(?:[ \t]*<(?P<pointed>[^<>\n]*)>)?(?P<destination>(?:[^()\n]|\([^()\n]*\))*+)"
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|/{2}")

# No link goes in here. Every alternative stops at the next delimiter of its kind or the line's end.
_CLOSED = re.compile(
    "|".join(
        (
            r"\\[!-/:-@\[-`{-~]",
            r"^[ \t>]*(?P<fence>`{3,}|~{3,})(?s:.*?)(?:^[ \t>]*(?P=fence)|\Z)",
            r"^(?:> ?)*(?: {4}|\t)(?![ \t]*(?:[-+*]|\d+[.)])[ \t]).*",  # indented code
            r"(?<!`)(?P<ticks>`+)(?!`)[^\n]+?(?<!`)(?P=ticks)(?!`)",
            r"!?\[\[(?P<target>[^\[\]|#\n]*)[^\[\]\n]*\]\]",
            rf"!?\[[^\[\]\n]*\](?:\({_DESTINATION}\)|\[[^\[\]\n]*\])?",
            r"<[^<>\n]*>",
            # https://.., https\\://.. of inert text, www.; until a blank or East Asian punctuation
            r"(?:(?:(?<![A-Za-z0-9])[A-Za-z][A-Za-z0-9+.-]{0,20})?\\?:\\?/\\?/|(?i:www)\\?\.)"
            r"[^\s\u3000-\u3011\uff01-\uff1f]*",
        )
    ),
    re.MULTILINE,
)
# A bar in a link would end a cell: where there is a table (GFM 4.10), lines with bars stay as is.
_TABLE = re.compile(
    r"^[ \t>]*+(?:\|[ \t]*+)?:?-+:?[ \t]*+(?:\|[ \t]*+:?-*:?[ \t]*+)+$", re.MULTILINE
)
_ROW = re.compile(r"^[^|\n]*\|.*", re.MULTILINE)


def find_targets(text: str) -> Iterator[str]:
    """Yield what the links and embeds in text lead to, without headings, blanks and all.

    Empty for what else is closed, and for addresses.
    """
    for match in _CLOSED.finditer(text):
        yield match["target"] or _local_path(match)


def _local_path(match: re.Match[str]) -> str:
    pointed, destination = match.group("pointed", "destination")
    address = pointed or ((destination or "").split() or [""])[0]
    if _ADDRESS.match(address):
        return ""
    return re.sub(r"^(?:\.{1,2}/)+", "", unquote(address.partition("#")[0]))


def closed_characters(text: str) -> bytearray:
    """Return 1 for every character that belongs to a link, code, an escape, a URL or a table."""
    closed = bytearray(len(text))
    matches = [*_CLOSED.finditer(text), *(_ROW.finditer(text) if _TABLE.search(text) else ())]
    for match in matches:
        closed[match.start() : match.end()] = b"\1" * (match.end() - match.start())
    return closed
