"""Answers that repeat themselves, or say no more than the title."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from companion.enrich.checks.checked_answer import CheckedAnswer, Fault
from companion.enrich.words import UNSPACED, find_stems, is_unspaced, letters, width

_SENTENCE_END = re.compile(r"[.!?…]+(?=\s|$)|[。！？]|\n")
_SHORTEST_SENTENCE = 8  # letters; shorter ones may stand twice: "No.", "Yes."
_PHRASES = {"text": (4, 14), "prose": (9, 22)}  # words, and signs, that may stand once
# One to three words, or signs, that stand several times in a row.
_ROW = re.compile(
    rf"\b([^\W\d]+(?:\W+[^\W\d]+){{0,2}})(?:\W+\1\b){{2}}"
    rf"|([{UNSPACED}])\2{{5}}|([{UNSPACED}]{{2,4}})\3{{3}}",
    re.IGNORECASE,
)
# Stems, and the share of different ones that people have at least: in lines of up to 60 stems 0.88,
# in longer ones 0.74, in callouts that they wrote 0.8 (210), in good ones by small models 0.55.
_LINE, _LONG_LINE, _CALLOUT = (7, 0.81), (61, 0.66), (20, 0.53)
_HEADING = re.compile(r"^#{1,6} +(.+)$", re.MULTILINE)


def find_repetition(answer: CheckedAnswer) -> Fault | None:
    """Return the fault of an answer that repeats a word, a phrase or a sentence."""
    repeated = next(_find_repeated(answer), None)
    if repeated is None:
        return None
    retry = "Say every thing once, in fresh words, and stop."
    return Fault("repetition", f"repeats itself (“{repeated[:60]}”)", retry)


def find_title_alone(answer: CheckedAnswer) -> Fault | None:
    """Return the fault of an answer that says no more than the note's title or a heading."""
    known, said = letters(answer.title), letters(answer.text)
    headings = {letters(match[1]) for match in _HEADING.finditer(answer.note)} - {""}
    if said not in {known, known * 2, *headings, *(known + heading for heading in headings)}:
        return None
    retry = "It only repeats the title. Say what the title does not say."
    return Fault("title", "says no more than the title", retry)


def _find_repeated(answer: CheckedAnswer) -> Iterator[str]:
    counts = Counter(map(letters, _SENTENCE_END.split(answer.text)))
    yield from (s for s, times in counts.items() if times > 1 and width(s) >= _SHORTEST_SENTENCE)
    yield from (found[0] for found in _ROW.finditer(answer.text))
    yield from _find_phrase(answer.tokens, *_PHRASES.get(answer.field.kind, (6, 14)))
    if answer.field.kind != "list" and not answer.question:
        yield from _find_stems(answer)


def _find_phrase(tokens: Sequence[str], words: int, signs: int) -> Iterator[str]:
    """Yield words that stand twice, not one within the other."""
    seen: dict[tuple[str, ...], int] = {}
    for start in range(len(tokens)):
        size = signs if any(map(is_unspaced, tokens[start : start + words])) else words
        part = tuple(tokens[start : start + size])
        if len(part) == size and start - seen.setdefault(part, start) >= size:
            yield ("" if is_unspaced(part[0]) else " ").join(part)


def _find_stems(answer: CheckedAnswer) -> Iterator[str]:
    """Yield the most frequent stem where many are repeated; those of the title may be."""
    named = set(find_stems(answer.title))
    counts = Counter(stem for stem in find_stems(answer.text) if stem not in named)
    total, most = counts.total(), max(counts.values(), default=0)
    line = _LONG_LINE if total >= _LONG_LINE[0] else _LINE
    fewest, share = _CALLOUT if answer.is_prose else line
    repeated = total - len(counts) - (0 if answer.is_prose else most - 1)
    if total >= fewest and repeated >= (1 - share) * total:
        yield counts.most_common(1)[0][0]
