"""Words of texts to compare, in languages with and without spaces between them."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

# Scripts written without spaces: Thai, Lao, Myanmar, Khmer; kana; Han. Hangul has spaces.
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_TOKEN = re.compile(rf"[{UNSPACED}]|[^\W_{UNSPACED}]+(?:['’][^\W_{UNSPACED}]+)*")
_UNSPACED = re.compile(f"[{UNSPACED}]")
_ACCENTS = re.compile("[\u0300-\u036f]+")
_LONG, _STEM = 5, 5  # letters of a long word, and of the stem that its forms have in common
_WEIGHT = 2.5  # letters of other scripts that say as much as one character of these


def find_tokens(text: str) -> list[str]:
    """Return the words of text, casefolded; in scripts without spaces, each character is one."""
    return _TOKEN.findall(text.casefold())


def find_stems(text: str) -> list[str]:
    """Return the first letters of the long words, and the character pairs of unspaced scripts."""
    tokens = find_tokens(text)
    words = [fold(token)[:_STEM] for token in tokens if len(token) >= _LONG]
    pairs = pairwise(tokens)
    return words + [one + other for one, other in pairs if is_unspaced(one) and is_unspaced(other)]


def is_unspaced(token: str) -> bool:
    """Return whether the token belongs to a script without spaces."""
    return bool(_UNSPACED.match(token))


def count_unspaced(text: str) -> int:
    """Return how many characters of scripts without spaces the text has."""
    return len(_UNSPACED.findall(text))


def width(text: str) -> float:
    """Return the length of text in letters of an alphabet; a Chinese character counts as 2.5."""
    return len(text) + (_WEIGHT - 1) * count_unspaced(text)


def letters(text: str) -> str:
    """Return only the letters and digits of text, casefolded."""
    return "".join(filter(str.isalnum, text.casefold()))


def fold(text: str) -> str:
    """Return text without differences of case, accents and character widths, to compare words."""
    if text.isascii():
        return text.lower()
    return _ACCENTS.sub("", unicodedata.normalize("NFKD", text.casefold()))
