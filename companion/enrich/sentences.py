"""Where the sentences of a text end."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache

from companion.enrich.phrases import compile_phrases, find_phrases

_END = re.compile(r"(?<![.!?…])[.!?…]++[\"'”’»)\]]*+(?=\s)|[。！？]++[”’」』）]*+")
_SIGN = re.compile(r"\S")
_NEEDS_PREVIOUS = r"<sentences.needs_previous>\b|<sentences.needs_previous_signs>"


def find_sentences(paragraphs: Iterable[str]) -> Iterator[str]:
    """Yield the sentences of the paragraphs; the end of a paragraph counts, complete or not."""
    for paragraph in paragraphs:
        begin = 0
        for end in find_sentence_ends(paragraph):
            yield paragraph[begin:end].strip()
            begin = end
        if rest := paragraph[begin:].strip():
            yield rest


def find_sentence_ends(text: str) -> Iterator[int]:
    """Yield the offset of each end of a sentence that a blank follows, or that is Chinese."""
    for end in _END.finditer(text):
        if end[0] == "." and _abbreviation_end().search(text[max(0, end.start() - 12) : end.end()]):
            continue
        following = _SIGN.search(text, end.end())
        if not (following and following[0].islower() and end[0][0] in ".…"):
            yield end.end()


def needs_previous(sentence: str) -> bool:
    """Return whether the sentence needs the one before it, as after “However”."""
    return bool(compile_phrases(_NEEDS_PREVIOUS, re.IGNORECASE).match(sentence))


@cache
def _abbreviation_end() -> re.Pattern[str]:
    """Return the pattern of an abbreviation, or of an initial, that a text ends with."""
    known = "|".join(map(re.escape, find_phrases("sentences", "abbreviations")))
    return re.compile(rf"(?:^|[\s(])(?:{known}|[^\W\d_])\.$")
