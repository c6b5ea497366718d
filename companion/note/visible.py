"""The lines of a text, without the characters a reader cannot see."""

import re
import unicodedata

# CommonMark (section 2.1) ends lines at LF, CR and CRLF; editors also at VT, FF, NEL, LS and PS.
_LINE_END = re.compile("\r\n|[\r\n\v\f\x85\u2028\u2029]")

_UNSEEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co"})

# Default_Ignorable_Code_Point (Unicode, DerivedCoreProperties) beyond category Cf: fillers,
# variation selectors and tag characters, which can carry a hidden message. U+FE0E and U+FE0F stay:
# they choose between the text and the emoji form.
_IGNORABLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u3164\ufe00-\ufe0d\uffa0\ufff0-\ufff8"
    "\U000e0000-\U000e0fff]"
)


def visible_lines(text: str) -> list[str]:
    """Return the lines of text: tabs as spaces, nothing invisible, no line end."""
    return [_visible(line.expandtabs(4)) for line in _LINE_END.split(text)]


def _visible(line: str) -> str:
    if not line.isprintable():
        line = "".join(filter(_is_seen, line))
    return line if line.isascii() else _IGNORABLE.sub("", line)


def _is_seen(char: str) -> bool:
    # Unassigned characters stay, for they may be next year's emoji; noncharacters never will be.
    return (
        unicodedata.category(char) not in _UNSEEN_CATEGORIES
        and ord(char) & 0xFFFE != 0xFFFE
        and not 0xFDD0 <= ord(char) <= 0xFDEF
    )
