"""Make one line of model text inert: links become words, what is left active is escaped."""

import re
from collections.abc import Callable

Resolve = Callable[[str], str | None]

# Every scan stops at the next delimiter of its kind, so that hostile nesting costs linear time.
_ESCAPE = r"\\[!-/:-@\[-`{-~]"
_CODE = r"(?<!`)(?P<ticks>`{1,3})(?!`)(?P<code>.+?)(?<!`)(?P=ticks)(?!`)"
_WIKILINK = (
    r"\[\[(?P<target>[^\[\]|#\\]*)(?:#(?P<heading>[^\[\]|\\]*))?"
    r"(?:(?P<bar>\\?\|)(?P<alias>[^\[\]|\\]*))?\]\]"
)
_LINK = r"!?\[(?P<text>[^\[\]]*)\]\((?:[^()]|\([^()]*\))*+\)"

_ACTIVE = re.compile(f"{_ESCAPE}|{_CODE}|!?{_WIKILINK}|{_LINK}")

# Two characters that plugins look for in the raw note, in code as well: Templater's <% and %>,
# {{ of the Templates core plugin, Obsidian's %% comments, Dataview's key:: value.
PAIR = r"(?<=<)%|(?<=%)[%>]|(?<=\{)\{|(?<=:):"

# Inline code that plugins run: Dataview's = and $= (docs, "Inline DQL"), Meta Bind's INPUT[..],
# VIEW[..] and BUTTON[..], Buttons' button-id, and `dice: 1d6`, `dv: ..`, `js: ..` of several. Code
# with a bar goes too: a table cuts its cells before it reads code (GFM 4.10), and lays bare half.
_COMMAND = re.compile(rf"\$?=|[\w-]+:|[A-Z_]{{3,}}\[|button-|.*?(?:[`|]|{PAIR})")

_SPECIAL = "|".join(
    (
        r"[\\`\[$]",
        r"<(?=[A-Za-z/!?])",  # a tag, comment or autolink (CommonMark 6.5, 6.6)
        r"&(?=#?[A-Za-z0-9]+;)",  # an entity (CommonMark 2.5)
        r"#(?=[^\s!-,.:-@\[-^`{-~])",  # a tag (Obsidian help, "Tags")
        r"\^(?=[A-Za-z0-9-]+$)",  # a block id (Obsidian help, "Link to a block in a note")
        r"@(?=\S)",  # an e-mail address (GFM 6.9)
        r"(?i:(?<=www))\.",  # www.example.com (GFM 6.9)
        # javascript:x, obsidian://x, but not "Note: x", "**Note:** x", "12:30"
        r"(?<=[A-Za-z]):(?=[^\s*_])|(?<=[0-9+.-]):(?=[^\s0-9*_])|:(?=//)",
        r"(?<=\]\])\(",  # [[Note]](x) is a link to CommonMark
        PAIR,
    )
)
_ACTIVE_OR_SPECIAL = re.compile(
    f"(?P<kept>{_ESCAPE}|{_CODE})|(?<!!)(?P<link>{_WIKILINK})|(?P<special>{_SPECIAL})"
)
_UNSAFE_IN_LINK = re.compile(_SPECIAL)


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
        return match[0] if match["text"] is None else match["text"]

    # Twice, for an image inside a link: [![words](image)](page).
    return _ACTIVE.sub(reduced, _ACTIVE.sub(reduced, line))


def escape(line: str, resolve: Resolve) -> str:
    """Return line, the result of words(), with a backslash before all that is still active.

    It removes nothing, so nothing can come together that was apart when it was looked at. An
    escape, plain inline code, emphasis and the wikilinks of words() stay as they are.
    """

    def escaped(match: re.Match[str]) -> str:
        if match["link"] is not None and match[0] == _wikilink(match, resolve):
            return match[0]
        if match["kept"] is not None and _is_plain(match):
            return match[0]
        return re.sub(r"[\[`]", r"\\\g<0>", match[0]) if not match["special"] else "\\" + match[0]

    return _ACTIVE_OR_SPECIAL.sub(escaped, line)
