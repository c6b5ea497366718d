"""Where the sentences of a text end."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache

from companion.enrich.phrases import find_phrases

_END = re.compile(r"(?<![.!?…])[.!?…]++[\"'”’»)\]]*+(?=\s)|[。！？]++[”’」』）]*+")
_SIGN = re.compile(r"\S")

# How a sentence begins that needs the one before it, in English, German, Spanish, Russian, Chinese
# and Japanese.
_LEANS = re.compile(
    r"""(?:
      it|its|they|their|this|that|these|those|he|she|here|there|such|both|another
    | however|otherwise|moreover|therefore|thus|hence|instead|similarly|nevertheless|then|so|but
    | and|also|still|yet|finally|second(?:ly)?|third(?:ly)?|for\ (?:example|instance)
    | in\ (?:contrast|addition|turn|fact)|on\ the\ other|the\ (?:other|former|latter|same|second)
    | er|sie|es|dies\w*|aber|jedoch|doch|auch|außerdem|daher|deshalb|dann|sonst|zweitens
    | zum\ beispiel|dagegen|dadurch|damit|dabei|so
    | ell[oa]s?|est?[aeo]s?|pero|además|también|luego|segundo|sin\ embargo|por\ (?:eso|ejemplo|lo)
    | он|она|оно|они|это\w*|но|однако|поэтому|также|затем|иначе|во-вторых|например|кроме\ того
    )\b
    | 它|他|她|这|其|但|不过|然而|因此|所以|例如|比如|此外|另外|同时|否则|而|并且|那
    | それ|これ|しかし|ただし|そのため|また|例えば|たとえば|さらに|次に|そして|この|その""",
    re.IGNORECASE | re.VERBOSE,
)


def find_sentences(paragraphs: Iterable[str]) -> Iterator[str]:
    """Yield the sentences of the paragraphs; the end of a paragraph ends one, complete or not."""
    for paragraph in paragraphs:
        begin = 0
        for end in find_sentence_ends(paragraph):
            yield paragraph[begin:end].strip()
            begin = end
        if rest := paragraph[begin:].strip():
            yield rest


def find_sentence_ends(text: str) -> Iterator[int]:
    """Yield the offsets after sentences that whitespace follows; Chinese and Japanese need none."""
    for end in _END.finditer(text):
        if end[0] == "." and _abbreviation_end().search(text[max(0, end.start() - 12) : end.end()]):
            continue
        following = _SIGN.search(text, end.end())
        if not (following and following[0].islower() and end[0][0] in ".…"):
            yield end.end()


def needs_previous(sentence: str) -> bool:
    """Return whether the sentence refers to the one before it, as “However, ...” does."""
    return bool(_LEANS.match(sentence))


@cache
def _abbreviation_end() -> re.Pattern[str]:
    """Return the pattern of an abbreviation, or of an initial, that a text ends with."""
    known = "|".join(map(re.escape, find_phrases("sentences", "abbreviations")))
    return re.compile(rf"(?:^|[\s(])(?:{known}|[^\W\d_])\.$")
