"""Sanitize one line of model text: links become words, and remaining active syntax is escaped."""

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

# Embedded, a file that is no note shows no name; behind the bar is a picture's size, or what it
# shows (Obsidian help, "Accepted file formats" and "Embed files").
_FILE = re.compile(
    r"\.(?:avif|bmp|gif|jpe?g|png|svg|webp|pdf|canvas|base|flac|m4a|mp3|ogg|wav|3gp|mkv|mov|mp4|ogv"
    r"|webm)\s*$",
    re.IGNORECASE,
)
_SIZE = re.compile(r"(?:^|\|)\s*(?:\d+(?:x\d+)?)?\s*$")

# A picture that a service draws of numbers, as “downloads 2k”: its words are of no subject.
_BADGE = re.compile(r"\]\(<?https?://[^\s()]*(?:shields\.io|badge)", re.IGNORECASE)

# The second of two characters that plugins search the raw note for, code included: Templater's
# <% and %>, {{ and {% of templates, Obsidian's %% comments, Dataview's key:: value.
PAIR = r"(?<=<)%|(?<=%)[%>]|(?<=\{)[{%]|(?<=:):"

# Inline code that plugins run: Dataview's = and $= (its documentation, "Inline queries"), Meta
# Bind's INPUT[..], VIEW[..] and BUTTON[..], Buttons' button-id, `dice: 1d6`, `dv: ..`, `js: ..`.
_COMMAND = r"\$?=|(?:INPUT|VIEW|BUTTON)\[|button-|(?:dice[\w+-]*|dv|js):"
_ACTIVE_CODE = re.compile(rf" *(?:{_COMMAND})|.*?(?:`|\\$|{PAIR})")

# Tags are letters, digits, - _ / and what is not ASCII, not digits alone (Obsidian help, "Tags").
TAG_AHEAD = r"(?!\d+(?![\w/-]|[^\x00-\x7f]))(?=[\w/-]|[^\x00-\x7f])"
ENTITY_AHEAD = r"(?=#?[A-Za-z0-9]+;)"  # CommonMark 2.5
# An HTML tag, comment or autolink (CommonMark 6.5, 6.6); an address may begin with punctuation.
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

    resolve: given a link's target, returns the name to link to the note by, None if there is no
    such note. table: the line is a table's row, where a bar in a link is escaped. math: whether to
    escape `$`.
    """
    text = words(line, resolve).strip()
    is_row = table and text.startswith("|")
    if not is_row and (opening := _OPENS_BLOCK.match(text)):
        at = len(opening["number"] or "")
        text = f"{text[:at]}\\{text[at:]}"
    return escape(text, resolve, table=table, math=math)


def words(line: str, resolve: Resolve) -> str:
    """Return line with links, images, embeds and code that plugins run reduced to their words.

    Wikilinks that resolve to a note are kept, with the note's name. The result may have active
    syntax that was not there before; escape() deals with it.
    """

    def reduce(match: re.Match[str]) -> str:
        if (code := match["code"]) is not None:
            code = code.strip(" ")
            return code if not code or _ACTIVE_CODE.match(code) else f"`{code}`"
        is_link = match["target"] is not None
        if match[0].startswith("!") and (not is_link or _FILE.search(match["target"])):
            caption = _SIZE.sub("", (match["alias"] if is_link else match["text"]) or "").strip()
            return "" if _FILE.search(caption) or _BADGE.search(match[0]) else caption
        if is_link:
            return _wikilink(match, resolve) or _link_text(match)
        if match["tag"]:
            return " " if match["tag"].startswith("<br") else ""
        return next((text for text in match.group("text", "address") if text is not None), match[0])

    # Twice, for an image inside a link: [![words](image)](page).
    return _REDUCIBLE.sub(reduce, _REDUCIBLE.sub(reduce, line))


def without_links(line: str) -> str:
    """Return line as words() does, with all links reduced to their words: what a reader sees."""
    return words(line, lambda _target: None)


def escape(line: str, resolve: Resolve, *, table: bool, math: bool) -> str:
    """Return line, a result of words(), with a backslash before all syntax that is still active.

    Nothing is removed, so that no new syntax can form. Escapes, plain inline code, emphasis and
    the wikilinks of words() stay as they are.
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


# A table is split into cells before code is read (GFM 4.10), so a bar splits code as well.
_IN_TEXT, _IN_TABLE = _finder("[^`]"), _finder(r"(?:[^`|]|(?<=\\)\|)")


def _wikilink(match: re.Match[str], resolve: Resolve) -> str | None:
    target = match["target"].strip()
    name = resolve(target) if target and not _has_hash_in_name(match) else None
    if name is None or "#" in name or not name.isprintable():
        return None
    text = _link_text(match)
    link = name if text == name else f"{name}|{text}"
    return None if _UNSAFE_IN_LINK.search(name) or _UNSAFE_IN_LINK.search(text) else f"[[{link}]]"


def _link_text(match: re.Match[str]) -> str:
    """Return the text that a reader sees of a wikilink."""
    alias, target, heading = match.group("alias", "target", "heading")
    name = f"{target}#{heading}" if _has_hash_in_name(match) else target
    return (alias or "").strip() or name.strip() or (heading or "").strip()


def _has_hash_in_name(match: re.Match[str]) -> bool:
    """Return whether the `#` is part of a name Obsidian cannot link to: [[C#]], [[C# basics]]."""
    heading: str | None = match["heading"]
    return bool(match["target"].strip()) and heading is not None and not heading[:1].strip()
