"""Answers that repeat themselves or the title, or that are about something else than the note."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from companion.enrich.checks.checked_answer import CheckedAnswer, Fault
from companion.enrich.language import find_language
from companion.enrich.phrases import compile_phrases, find_words
from companion.enrich.words import find_stems, find_tokens, is_unspaced, letters, width

_LEAST = 200  # letters of a note that an answer can be compared with
_FEWEST = 3  # stems of an answer that can be compared
_SHARE = 0.1  # share of them in the note; 2 of 490 descriptions by people have less

_TOPIC_RETRY = "Write about the subject of the title, by what the note says of it."
_SENTENCE_END = re.compile(r"[.!?…]+(?=\s|$)|[。！？]|\n")
_SHORTEST_SENTENCE = 8  # letters; shorter ones may stand twice: "No.", "Yes."
_PHRASE_WORDS = {"text": 4, "prose": 9}
_PHRASE_SIGNS = {"text": 14, "prose": 22}
# A number of tokens, and how often they may not stand in a row.
_ROWS = ((1, 3), (2, 3), (3, 2), (4, 2))
_UNSPACED_ROWS = ((1, 6), (2, 4), (4, 3))
_LONG_ENOUGH, _DIFFERENT = 15, 0.52  # words, and the share of different ones; people have more
# The same for stems. In a line the most frequent one counts once: then 0.88 and more are different
# in lines of up to 60 stems that people wrote, 0.74 in longer ones (698 in all). In callouts that
# people wrote it is 0.8 (210), in good ones by small models 0.55.
_LINE, _LONG_LINE, _CALLOUT = (7, 0.81), (61, 0.66), (20, 0.53)
_LONG = 4  # letters of words that do not stand three times in a sentence: no "of the"
_ITEM_END = r"[,;:、，；：()]|\b<repetition.and_or>\b"
_HEADING = re.compile(r"^#{1,6} +(.+)$", re.MULTILINE)
_RUN, _RUN_SIGNS = 3, 6
_REPEATED_SHARE = 0.15  # of the runs
_REPETITION_RETRY = "Say every thing once, in fresh words, and stop."


def find_off_topic(answer: CheckedAnswer) -> Fault | None:
    """Return the fault of an answer that has hardly a word in common with the note and its title.

    Short notes, answers in another language, and answers to questions are not looked at.
    """
    if answer.question or width(answer.words) < _LEAST:
        return None
    parts = set(find_stems(answer.text))
    shared = parts.intersection(find_stems(f"{answer.title}\n{answer.note}"))
    if len(parts) < _FEWEST or len(shared) > _SHARE * len(parts):
        return None
    wanted, own = answer.language, find_language(answer.words, answer.title)
    if wanted and own and wanted != own:
        return None
    return Fault("topic", "does not speak of what the note is about", _TOPIC_RETRY)


def find_repetition(answer: CheckedAnswer) -> Fault | None:
    """Return the fault of an answer that repeats a word, a phrase or a sentence."""
    repeated = (
        _find_repeated_sentence(answer.text)
        or _find_repeated_in_a_row(answer.text)
        or ("" if answer.is_prose else _find_repeated_items(answer.text, answer.title))
        or _find_repeated_phrase(answer.tokens, answer.field.kind)
        or ("" if answer.is_prose else _find_repeated_words(answer.tokens))
        or (
            _find_repeated_stems(answer)
            if answer.field.kind in ("text", "prose") and not answer.question
            else ""
        )
        or (_find_repeated_runs(answer.tokens) if answer.is_prose and not answer.question else "")
    )
    return (
        Fault("repetition", f"repeats itself (“{repeated}”)", _REPETITION_RETRY)
        if repeated
        else None
    )


def find_title_alone(answer: CheckedAnswer) -> Fault | None:
    """Return the fault of an answer that says no more than the note's title or a heading."""
    if answer.field.name != "description" and not answer.is_prose:
        return None
    known = letters(answer.title)
    headings = {letters(match[1]) for match in _HEADING.finditer(answer.note)} - {""}
    if letters(answer.text).removeprefix(known) in headings - {known}:
        return Fault("title", "says no more than a heading", "Write a sentence, not a heading.")
    rest = Counter(answer.tokens) - Counter(find_tokens(answer.title))
    if letters(answer.text) != known and set(rest) - find_words("title", "says_nothing"):
        return None
    retry = "It only repeats the title. Say what the title does not say."
    return Fault("title", "says no more than the title", retry)


def _find_repeated_sentence(text: str) -> str:
    seen = set()
    for sentence in _SENTENCE_END.split(text):
        known = letters(sentence)
        if width(known) >= _SHORTEST_SENTENCE and known in seen:
            return sentence.strip()[:60]
        seen.add(known)
    return ""


def _find_repeated_in_a_row(text: str) -> str:
    """Return words that stand several times in a row: "the the the", "a note of a note of"."""
    for sentence in _SENTENCE_END.split(text):
        tokens = find_tokens(sentence)
        for start, token in enumerate(tokens):
            sizes = _UNSPACED_ROWS if is_unspaced(token) else _ROWS
            for size, times in sizes if not token.isdigit() else ():
                part = tokens[start : start + size]
                if tokens[start : start + size * times] == part * times:
                    return _join(part * times)
    return ""


def _find_repeated_items(text: str, title: str) -> str:
    """Return two words with which the items of a list begin again: "making candles, making".

    A sentence has the words three times, and two of its items begin with them, or, if they are of
    the title, consist of them. People do write "machine learning" three times otherwise.
    """
    for sentence in _SENTENCE_END.split(text):
        pairs = Counter(
            pair for pair in pairwise(find_tokens(sentence)) if min(map(len, pair)) >= _LONG
        )
        often = [pair for pair, times in pairs.items() if times > 2]
        if not often:
            continue
        item_end = compile_phrases(_ITEM_END, re.IGNORECASE)
        items = [find_tokens(item) for item in item_end.split(sentence)]
        for pair in often:
            length = None if set(pair) <= set(find_tokens(title)) else 2
            if sum(tuple(item[:length]) == pair for item in items) > 1:
                return _join(pair)
    return ""


def _find_repeated_phrase(tokens: Sequence[str], kind: str) -> str:
    words, signs = _PHRASE_WORDS.get(kind, 6), _PHRASE_SIGNS.get(kind, 14)
    seen: dict[tuple[str, ...], int] = {}
    for start in range(len(tokens)):
        size = signs if any(map(is_unspaced, tokens[start : start + words])) else words
        part = tuple(tokens[start : start + size])
        if len(part) == size and start - seen.setdefault(part, start) >= size:
            return _join(part)
    return ""


def _find_repeated_words(tokens: Sequence[str]) -> str:
    """Return the most frequent word of a line that consists of few different words."""
    counts = Counter(token for token in tokens if not is_unspaced(token))
    total = counts.total()
    if total < _LONG_ENOUGH or len(counts) > _DIFFERENT * total:
        return ""
    return max(counts, key=lambda word: counts[word] * len(word))


def _find_repeated_stems(answer: CheckedAnswer) -> str:
    """Return the most frequent stem where many stems are repeated; those of the title may be."""
    named = set(find_stems(answer.title))
    parts = [part for part in find_stems(answer.text) if part not in named]
    counts = Counter(parts)
    repeated = len(parts) - len(counts)
    if answer.is_prose:
        fewest, share = _CALLOUT
    else:
        fewest, share = _LINE if len(parts) < _LONG_LINE[0] else _LONG_LINE
        repeated -= max(counts.values(), default=1) - 1
    if len(parts) < fewest or repeated < (1 - share) * len(parts):
        return ""
    return counts.most_common(1)[0][0]


def _find_repeated_runs(tokens: Sequence[str]) -> str:
    """Return the most frequent run of three words, or six signs, where too many are repeated.

    Of 353 paragraphs that people wrote, one repeats more than 15% of its runs.
    """
    ends = (at + (_RUN_SIGNS if is_unspaced(token) else _RUN) for at, token in enumerate(tokens))
    runs = [tuple(tokens[at:end]) for at, end in enumerate(ends) if end <= len(tokens)]
    counts = Counter(runs)
    if len(runs) - len(counts) <= _REPEATED_SHARE * len(runs):
        return ""
    return _join(counts.most_common(1)[0][0])


def _join(tokens: Sequence[str]) -> str:
    return ("" if is_unspaced(tokens[0]) else " ").join(tokens)[:60]
