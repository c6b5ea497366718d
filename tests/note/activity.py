"""What is still active in a callout or a property: the judge of the tests for inert text.

It shares nothing with companion.note.safe_text*: markdown-it-py reads CommonMark with tables, and
the signs of Obsidian, GFM's autolinks and the plugins are sought in the raw text.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator

from markdown_it import MarkdownIt
from markdown_it.token import Token

# Reference definitions that a note may have elsewhere: brackets left in the callout would link.
DEFINITIONS = "\n\n" + "\n".join(
    f"[{label}]: https://example.com" for label in ("a", "x", "!x", "^1")
)

_FORBIDDEN_TOKENS = {
    *("html_block", "html_inline", "heading_open", "hr", "link_open", "image", "code_block"),
}
_ANYWHERE = re.compile(r"<%|%>|%%|\{\{|\{%|::")  # plugins read these in code too
_OUTSIDE_CODE = {
    "html or autolink": r"<[A-Za-z/!?]",
    "entity": r"&#?[A-Za-z0-9]+;",
    "tag": r"#(?!\d+(?![\w/-]))[\w/-]",
    "bracket": r"\[",
    "url": r"\w://|www\.|(?i:javascript|obsidian|file|data|mailto):[^\s*]",
    "e-mail address": r"[\w.+-]@[\w-]",
    "block id": r"(?m:\^[A-Za-z0-9-]+$)",
    "task": r"(?m:^ *(?:[-*+]|\d+[.)]) +\[)",
    "math": r"(?s:\$.*\$)",
}
_IN_VALUE = {
    "html or autolink": r"<[A-Za-z/!?]",
    "entity": r"&#?[A-Za-z0-9]+;",
    "tag": r"(?<!\w)#(?!\d+(?![\w/-]))[\w/-]",
    "link": r"\[\[|\]\(|\]\[|\]:|!\[|\[\^|\^\[",
    "url": r"\w://|(?i:www\.\S|(?:javascript|obsidian|file|data|mailto):\S)",
    "block id": r"(?:^|\s)\^[A-Za-z0-9-]+$",
    "math": r"\$\S.*\$",
    "code": r"`",
    "block": r"^(?:#{1,6}|[-+*>]) |^>|^(?:---+|\.\.\.|___+|\*\*\*+)$|^[-*+] \[",
}


def activity(lines: list[str], notes: Iterable[str] = ()) -> list[str]:
    """Return what is active in the body of a callout; notes may be linked to."""
    callout = "\n".join(["> [!ai] AI", *(f"> {line}".rstrip() for line in lines)])
    return [
        *_seen_by_markdown(callout),
        *_seen_in_lines(lines),
        *_seen_by_plugins("\n".join(lines), notes),
    ]


def value_activity(value: str) -> list[str]:
    """Return what is active in a property's value."""
    found = [name for name, sign in _IN_VALUE.items() if re.search(sign, value)]
    if value != " ".join(value.split()):
        found.append("white space")
    rendered = _tokens(MarkdownIt("commonmark").enable("table").parse(value))
    kinds = {token.type for token in rendered} & {*_FORBIDDEN_TOKENS, "fence", "code_inline"}
    return [*found, *_ANYWHERE.findall(value), *kinds, *_unseen(value)]


def _seen_by_markdown(callout: str) -> Iterator[str]:
    tokens = MarkdownIt("commonmark").enable("table").parse(callout + DEFINITIONS)
    if [token.type for token in tokens if token.level == 0] != [
        "blockquote_open",
        "blockquote_close",
    ]:
        yield "a block outside the callout"
    for token in _tokens(tokens):
        if token.type in _FORBIDDEN_TOKENS:
            yield token.type
        if token.type == "blockquote_open" and token.level:
            yield "a quote in the callout"
        if token.type == "fence" and token.info:
            yield "a language"
        if token.type == "code_inline" and re.match(r"\s*\$?=", token.content):
            yield "a query"


def _seen_in_lines(lines: list[str]) -> Iterator[str]:
    if lines and not (lines[0] and lines[-1]):
        yield "a blank line at an end"
    for line in lines:
        yield from _unseen(line)
        if line != line.rstrip():
            yield "a trailing blank"


def _seen_by_plugins(text: str, notes: Iterable[str]) -> Iterator[str]:
    yield from _ANYWHERE.findall(text)
    prose = re.sub(r"(?ms)^ *(`{3,})\n.*?^ *\1$", "code", text)
    prose = re.sub(r"\\[!-/:-@\[-`{}~]", "\N{REPLACEMENT CHARACTER}", prose)
    prose = re.sub(r"`[^`\n]+`", "\N{REPLACEMENT CHARACTER}", prose)
    for note in notes:
        link = rf"(?<![!^])\[\[{re.escape(note)}(?:\\?\|[^\[\]|\n]+)?\]\](?!\()"
        prose = re.sub(link, "\N{REPLACEMENT CHARACTER}", prose)
    yield from (name for name, sign in _OUTSIDE_CODE.items() if re.search(sign, prose))
    if "\n\n\n" in prose:
        yield "two blank lines"


_JOINED = ({"emoji"}, {"letter"})
_JOINED_SCRIPTS = re.compile(
    "ARABIC|DEVANAGARI|BENGALI|GURMUKHI|GUJARATI|ORIYA|TAMIL|TELUGU|KANNADA|MALAYALAM|SINHALA"
    "|MYANMAR|KHMER"
)


def _unseen(text: str) -> Iterator[str]:
    for before, char, after in zip(" " + text, text, text[1:] + " ", strict=False):
        is_joiner = char in "\u200c\u200d" and {_joins(before), _joins(after)} in _JOINED
        if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"} and not is_joiner:
            yield f"U+{ord(char):04X}"


def _joins(char: str) -> str:
    """Return "emoji" or "letter" for what a joiner may stand beside, else nothing."""
    if unicodedata.category(char) in {"So", "Sk", "Sm", "Cn"} or char == "\ufe0f":
        return "emoji"
    is_letter = unicodedata.category(char)[0] in "LMN"
    return "letter" if is_letter and _JOINED_SCRIPTS.match(unicodedata.name(char)) else ""


def _tokens(tokens: Iterable[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from token.children or ()
