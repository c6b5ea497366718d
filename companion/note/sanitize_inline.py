"""Make one line of model text inert: links become words, what is left active is escaped."""

from __future__ import annotations

import re
from collections.abc import Callable

Resolve = Callable[[str], str | None]

# Every pattern stops at the next delimiter of its kind, so that hostile nesting costs linear time.
_ESCAPE = r"\\[!-/:-@\[-`{-~]"
_CODE = r"(?<!`)(?P<ticks>`{1,3})(?!`)(?P<code>.+?)(?<!`)(?P=ticks)(?!`)"
_WIKILINK = (
    r"\[\[(?P<target>[^\[\]|#\\]*)(?:#(?P<heading>[^\[\]|\\]*))?"
    r"(?:\\?\|(?P<alias>[^\[\]|\\]*))?\]\]"
)
_LINK = r"!?\[(?P<text>[^\[\]]*)\]\((?:[^()]|\([^()]*\))*+\)"
_AUTOLINK = r"<(?P<address>[A-Za-z][\w.+-]*:[^\s<>]*)>"
_TAG = r"</?(?:b|br|center|div|em|i|kbd|mark|p|small|span|strong|sub|sup|u) ?/?>"

_REDUCIBLE = re.compile(f"{_ESCAPE}|{_CODE}|!?{_WIKILINK}|{_LINK}|{_AUTOLINK}|(?P<tag>{_TAG})")

# The second of two characters that plugins look for in the raw note, in code as well: Templater's
# <% and %>, {{ and {% of templates, Obsidian's %% comments, Dataview's key:: value.
PAIR = r"(?<=<)%|(?<=%)[%>]|(?<=\{)[{%]|(?<=:):"

# Inline code that plugins run: Dataview's = and $= (its documentation, "Inline queries"), Meta
# Bind's INPUT[..], VIEW[..] and BUTTON[..], Buttons' button-id, `dice: 1d6`, `dv: ..`, `js: ..`.
_COMMAND = r"\$?=|(?:INPUT|VIEW|BUTTON)\[|button-|(?:dice[\w+-]*|dv|js):"
_UNPLAIN_CODE = re.compile(rf" *(?:{_COMMAND})|.*?(?:`|\\$|{PAIR})")

# Tags are letters, digits, - _ / and what is not ASCII, not digits alone (Obsidian help, "Tags").
TAG_AHEAD = r"(?!\d+(?![\w/-]|[^\x00-\x7f]))(?=[\w/-]|[^\x00-\x7f])"
ENTITY_AHEAD = r"(?=#?[A-Za-z0-9]+;)"  # CommonMark 2.5
# An HTML tag, comment or autolink (CommonMark 6.5, 6.6); an address may begin with any sign.
MARKUP_AHEAD = r"(?=[A-Za-z/!?]|[\w.!#$%&'*+/=?^`{|}~-]+@)"
BLOCK_ID_AHEAD = r"(?=[A-Za-z0-9-]+$)"  # Obsidian help, "Link to a block in a note"
SCHEMES = ("javascript", "vbscript", "data", "file", "obsidian", "mailto", "tel", "sms", "xmpp")
AFTER_SCHEME = "(?i:" + "|".join(f"(?<={scheme})" for scheme in SCHEMES) + ")"

_SPECIAL = "|".join(
    (
        r"\\$",
        r"[`\[$]",
        f"<{MARKUP_AHEAD}",
        f"&{ENTITY_AHEAD}",
        f"#{TAG_AHEAD}",
        rf"\^{BLOCK_ID_AHEAD}",
        r"(?<=[\w.+-])@(?=[\w-])",  # an e-mail address (GFM 6.9)
        r"(?i:(?<=www))\.",  # GFM 6.9
        rf":(?=//)|{AFTER_SCHEME}:(?=\S)",
        r"(?<=\]\])\(",  # [[Note]](x) is a link to CommonMark
        PAIR,
    )
)
_UNSAFE_IN_LINK = re.compile(rf"{_SPECIAL}|[\]|\\\n]")

# A line that would open a block: heading, quote, list item, rule, underline, fence, table.
_OPENS_BLOCK = re.compile(
    r"(?P<number>[0-9]{1,9})[.)](?: |$)|#{1,6}(?: |$)|>|[-+*](?: |$)|~~~|```|=+$|[-:| ]+$"
    r"|(?:\* *){3,}$|(?:_ *){3,}$"
)


def inert_line(line: str, resolve: Resolve, *, table: bool = False, math: bool = True) -> str:
    """Return line as inert inline text that opens no block.

    resolve(target) is the name to link to a note by, or None where there is no such note. Within
    a table row, table is true: a bar in a link is then escaped. Without math, `$` is left alone.
    """
    text = words(line, resolve).strip()
    if not (table and text.startswith("|")):
        text = _escape_start(text)
    return escape(text, resolve, table=table, math=math)


def words(line: str, resolve: Resolve) -> str:
    """Return line with links, images, embeds and code that plugins run as their words.

    Wikilinks stay where resolve(target) is a note; they then carry that note's name. What the
    removals leave behind may look active again: escape() is the one that decides.
    """

    def reduced(match: re.Match[str]) -> str:
        if (code := match["code"]) is not None:
            return _code_or_words(code.strip(" "))
        if match["target"] is not None:
            return _wikilink(match, resolve) or _shown(match)
        if match["tag"]:
            return " " if match["tag"].startswith("<br") else ""
        return next((text for text in match.group("text", "address") if text is not None), match[0])

    # Twice, for an image inside a link: [![words](image)](page).
    return _REDUCIBLE.sub(reduced, _REDUCIBLE.sub(reduced, line))


def without_links(line: str) -> str:
    """Return line as words() does, with no link left at all: what a reader sees."""
    return words(line, lambda _target: None)


def escape(line: str, resolve: Resolve, *, table: bool = False, math: bool = True) -> str:
    """Return line, the result of words(), with a backslash before all that is still active.

    It removes nothing, so nothing can come together that was apart when it was looked at. An
    escape, plain inline code, emphasis and the wikilinks of words() stay as they are.
    """
    finder = _IN_TABLE if table else _IN_TEXT

    def escaped(match: re.Match[str]) -> str:
        if match.lastgroup is None:
            return match[0] if match[0] == "$" and not math else "\\" + match[0]
        if match.lastgroup == "kept":
            return match[0]
        if link := _wikilink(match, resolve):
            return link.replace("|", r"\|") if table else link
        return r"\[" + finder.sub(escaped, match[0][1:])

    return finder.sub(escaped, line)


def _finder(code_char: str) -> re.Pattern[str]:
    code = rf"(?<!`)`(?! *(?:{_COMMAND}))(?:(?!{PAIR}){code_char})+(?<!\\)`(?!`)"
    return re.compile(f"(?P<kept>{_ESCAPE}|{code})|(?<![!^])(?P<link>{_WIKILINK})|{_SPECIAL}")


# A table cuts its cells before it reads code (GFM 4.10), and lays bare half of code with a bar.
_IN_TEXT, _IN_TABLE = _finder("[^`]"), _finder(r"(?:[^`|]|(?<=\\)\|)")


def _code_or_words(code: str) -> str:
    return code if not code or _UNPLAIN_CODE.match(code) else f"`{code}`"


def _wikilink(match: re.Match[str], resolve: Resolve) -> str | None:
    target = match["target"].strip()
    name = resolve(target) if target and not _goes_on(match) else None
    if name is None or "#" in name or not name.isprintable():
        return None
    shown = _shown(match)
    link = name if shown == name else f"{name}|{shown}"
    return None if _UNSAFE_IN_LINK.search(name) or _UNSAFE_IN_LINK.search(shown) else f"[[{link}]]"


def _shown(match: re.Match[str]) -> str:
    alias, target, heading = match.group("alias", "target", "heading")
    name = f"{target}#{heading}" if _goes_on(match) else target
    return (alias or "").strip() or name.strip() or (heading or "").strip()


def _goes_on(match: re.Match[str]) -> bool:
    """Whether a name goes on after the `#`: [[C#]], [[C# basics]]; Obsidian cannot link to it."""
    heading: str | None = match["heading"]
    return bool(match["target"].strip()) and heading is not None and not heading[:1].strip()


def _escape_start(line: str) -> str:
    opening = _OPENS_BLOCK.match(line)
    if not opening:
        return line
    at = len(opening["number"] or "")
    return f"{line[:at]}\\{line[at:]}"
