"""Where sentences end."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_ABBREVIATIONS = (
    "e.g i.e etc vs cf Dr Mr Mrs Ms Prof St No Fig approx ca z.B d.h bzw usw Nr u.a Sr Sra p.ej M"
    " т.е т.д т.п им г"
)
_AFTER_ABBREVIATION = re.compile(
    rf"(?:^|[\s(])(?:{'|'.join(map(re.escape, _ABBREVIATIONS.split()))}|[^\W\d_])\.$"
)
_END = re.compile(r"(?<![.!?…])[.!?…]++[\"'”’»)\]]*+(?=\s)|[。！？]++[”’」』）]*+")


def find_sentences(paragraphs: Iterable[str]) -> Iterator[str]:
    """Yield the sentences of the paragraphs; what a paragraph ends with is one, complete or not."""
    for paragraph in paragraphs:
        begin = 0
        for end in _END.finditer(paragraph):
            if not _ends_sentence(paragraph, end):
                continue
            yield paragraph[begin : end.end()].strip()
            begin = end.end()
        if rest := paragraph[begin:].strip():
            yield rest


def _ends_sentence(paragraph: str, end: re.Match[str]) -> bool:
    following = paragraph[end.end() :].lstrip()[:1]
    is_word = end[0] == "." and _AFTER_ABBREVIATION.search(
        paragraph[max(0, end.start() - 12) : end.end()]
    )
    return not (is_word or (following.islower() and end[0][0] in ".…"))
