"""Does an answer name what the note does not: names and numbers of the model's own?

A description may not, nor may a callout that a small model makes up from the title alone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from companion.enrich.gate.said import Fault, Said
from companion.enrich.gate.tokens import UNSPACED, count_unspaced, fold

_NUMBER = re.compile(r"\d+(?:[.,'’ \u00a0\u202f]\d{3})+(?!\d)|\d+")
_NO_DIGITS = re.compile(r"[.,'’ \u00a0\u202f](?=\d)")
_SMALL = 1  # digits of a number that may be a count of what the note lists

_WORD = re.compile(rf"[^\W\d_{UNSPACED}][^\W_{UNSPACED}]*")
_OPENS = re.compile(r"(?:^|[.!?…:;•|/—–]|\s-)[\s\"'“”‘’„«»(\[¿¡*_]*$|[\"“„«(\[¿¡]$")
_STEM, _ENDING = 4, 3  # letters that stay the same in another form, letters that may change
_TITLE_CASE = 0.6  # of the words capitalised: a headline, in which capitals mean nothing
_MOST_INITIALS = 400  # words of the note that an abbreviation may stand for
# Capitals that English gives to no name of the model's own: languages, peoples, days, "I".
_CAPITALISED = """
i i'm i've i'd i'll monday tuesday wednesday thursday friday saturday sunday january february march
april may june july august september october november december english french german spanish
italian portuguese dutch russian chinese japanese korean arabic latin greek european american
british african asian western eastern internet web ok pdf url ai
"""
_ORDINARY = frozenset(_CAPITALISED.split())
_COMMON_IN_GERMAN = """
der die das und ist sind für mit von zu im den dem des ein eine einen einer wie auf aus als oder
wird werden nicht über durch bei nach sich auch zur zum
"""
_GERMAN = frozenset(_COMMON_IN_GERMAN.split())

_RETRY = "Leave out every name and number that the note does not have."


def find_unknown_numbers(said: Said) -> Fault | None:
    """Return the fault of an answer with a number that neither note nor title has.

    Numbers of one digit are spared: they may count what the note lists.
    """
    if said.field.name != "description" and not said.from_title:
        return None
    known: set[str] = set()
    for number in _numbers(said.text):
        known = known or set(_numbers(f"{said.title}\n{said.note}"))
        if len(number) > _SMALL and number not in known:
            return Fault("numbers", f"has a number that the note has not ({number})", _RETRY)
    return None


def find_unknown_names(said: Said) -> Fault | None:
    """Return the fault of an answer with a name that neither note nor title has.

    Names are words with a capital inside a sentence, or with capitals or digits within; in texts
    of Chinese and other scripts without capitals, the words in Latin letters with
    a capital. In German, where
    every noun has a capital, only those of the second kind.
    """
    if said.field.name != "description" and not said.from_title:
        return None
    unknown = [name for name in _names(said.text) if not _is_known(name, said)]
    if not unknown or _are_initials_known(unknown, said.source):
        return None
    return Fault("names", f"names what the note does not (“{unknown[0]}”)", _RETRY)


def _numbers(text: str) -> Iterator[str]:
    for match in _NUMBER.finditer(unicodedata.normalize("NFKC", text)):
        number = _NO_DIGITS.sub("", match[0])
        yield number.lstrip("0") or "0"


def _names(text: str) -> Iterator[str]:
    words = list(_WORD.finditer(text))
    if count_unspaced(text) * 2 > sum(len(word[0]) for word in words):
        yield from (word[0] for word in words if len(word[0]) > 1 and not word[0].islower())
        return
    capitals_mean = not _is_german(words) and not _is_title_case(words)
    for word in words:
        inner = word[0][1:]
        is_odd = inner != inner.lower() or any(map(str.isdigit, inner))
        is_capital = word[0][0].isupper() and not _OPENS.search(text[: word.start()])
        if len(word[0]) > 1 and (is_odd or (is_capital and capitals_mean)):
            yield word[0]


def _is_german(words: list[re.Match[str]]) -> bool:
    return sum(word[0].lower() in _GERMAN for word in words) >= 2


def _is_title_case(words: list[re.Match[str]]) -> bool:
    long = [word[0] for word in words if len(word[0]) > 3]
    return sum(word[0].isupper() for word in long) > _TITLE_CASE * max(len(long), 3)


def _is_known(name: str, said: Said) -> bool:
    word = fold(name)
    if word in _ORDINARY or word in said.source:
        return True
    stem = word[: max(_STEM, len(word) - _ENDING)]
    if len(word) > _STEM and re.search(rf"\b{re.escape(stem)}", said.source):
        return True
    singular = word.removesuffix("s")
    return (len(singular) > 1 and singular in said.source) or (
        name.isupper() and len(word) > 2 and word in _initials(said.source)
    )


def _initials(source: str) -> str:
    words = _WORD.findall(source[: _MOST_INITIALS * 8])
    return "".join(word[0] for word in words[:_MOST_INITIALS])


def _are_initials_known(names: list[str], source: str) -> bool:
    """Return whether the names spell out an abbreviation that the note uses."""
    initials = "".join(fold(name)[0] for name in names)
    return len(initials) > 2 and bool(re.search(rf"\b{re.escape(initials)}s?\b", source))
