"""Does an answer speak of something else than the note?"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from companion.enrich.checks.answer_language import find_language
from companion.enrich.checks.checked_answer import CheckedAnswer, Fault
from companion.enrich.phrases import compile_phrases, find_words
from companion.enrich.words import find_stems, find_tokens, is_unspaced, letters, width

_LEAST = 200  # letters of a note that an answer can be held against
_FEWEST = 3  # words that say something, in an answer that is judged by them
_SHARE = 0.1  # of them the note or its title has; what people write has more (2 in 490 less)

_RETRY = "Write about the subject of the title, by what the note says of it."


def find_off_topic(answer: CheckedAnswer) -> Fault | None:
    """Return the fault of an answer that has hardly a word in common with the note and its title.

    Of a short note nothing can be told, nor of what is written in another language; what answers
    a question may go where that leads.
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
    return Fault("topic", "does not speak of what the note is about", _RETRY)


_SENTENCE_END = re.compile(r"[.!?…]+(?=\s|$)|[。！？]|\n")
_SHORTEST_SENTENCE = 8  # letters; shorter ones may well stand twice: "No.", "Yes."
_PHRASE_WORDS = {"text": 4, "prose": 9}
_PHRASE_SIGNS = {"text": 14, "prose": 22}
_STUTTERS = ((1, 3), (2, 3), (3, 2), (4, 2))  # so many tokens, so often in a row
_UNSPACED_STUTTERS = ((1, 6), (2, 4), (4, 3))
_JUDGED, _DIFFERENT = 15, 0.52  # words, and share of them that differ: people's differ more
# The same for the parts that say something. In a line what is said most often counts once: of
# people's lines of up to 60 parts 0.88 and more differ then, of longer ones 0.74 (698 in all). Of
# their callouts 0.8 (210), of those of small models, if good, 0.55.
_LINE, _LONG_LINE, _CALLOUT = (7, 0.81), (61, 0.66), (20, 0.53)
_LONG = 4  # letters of words that are not said three times in a sentence: no "of the"
_ITEM_END = r"[,;:、，；：()]|\b<repetition.and_or>\b"
_HEADING = re.compile(r"^#{1,6} +(.+)$", re.MULTILINE)
_RUN, _RUN_SIGNS = 3, 6
_SAID_AGAIN = 0.15
_REPETITION_RETRY = "Say every thing once, in fresh words, and stop."


def find_repetition(answer: CheckedAnswer) -> Fault | None:
    """Return the fault of an answer that says a word, a phrase or a sentence again."""
    again = (
        _repeated_sentence(answer.text)
        or _stutter(answer.text)
        or ("" if answer.is_prose else _thrice(answer.text, answer.title))
        or _repeated_phrase(answer.tokens, answer.field.kind)
        or ("" if answer.is_prose else _few_words(answer.tokens))
        or (
            _few_parts(answer)
            if answer.field.kind in ("text", "prose") and not answer.question
            else ""
        )
        or (_goes_round(answer.tokens) if answer.is_prose and not answer.question else "")
    )
    return Fault("repetition", f"repeats itself (“{again}”)", _REPETITION_RETRY) if again else None


def find_title_alone(answer: CheckedAnswer) -> Fault | None:
    """Return the fault of an answer that says no more than the note's title does, or a heading."""
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


def _repeated_sentence(text: str) -> str:
    seen = set()
    for sentence in _SENTENCE_END.split(text):
        known = letters(sentence)
        if width(known) >= _SHORTEST_SENTENCE and known in seen:
            return sentence.strip()[:60]
        seen.add(known)
    return ""


def _stutter(text: str) -> str:
    """Return what stands several times in a row: "the the the", "a note of a note of"."""
    for sentence in _SENTENCE_END.split(text):
        tokens = find_tokens(sentence)
        for start, token in enumerate(tokens):
            sizes = _UNSPACED_STUTTERS if is_unspaced(token) else _STUTTERS
            for size, times in sizes if not token.isdigit() else ():
                part = tokens[start : start + size]
                if tokens[start : start + size * times] == part * times:
                    return _join(part * times)
    return ""


def _thrice(text: str, title: str) -> str:
    """Return two words that a list goes round in: "making candles, making candles, and".

    A sentence has them three times, and two of its items begin with them; of the words of the
    title, are nothing else. So people say "machine learning", or "this means that", three times.
    """
    for sentence in _SENTENCE_END.split(text):
        pairs = Counter(
            pair for pair in pairwise(find_tokens(sentence)) if min(map(len, pair)) >= _LONG
        )
        often = [pair for pair, times in pairs.items() if times > 2]
        items = (
            [
                find_tokens(item)
                for item in compile_phrases(_ITEM_END, re.IGNORECASE).split(sentence)
            ]
            if often
            else []
        )
        for pair in often:
            shown = None if set(pair) <= set(find_tokens(title)) else 2
            if sum(tuple(item[:shown]) == pair for item in items) > 1:
                return _join(pair)
    return ""


def _repeated_phrase(tokens: Sequence[str], kind: str) -> str:
    words, signs = _PHRASE_WORDS.get(kind, 6), _PHRASE_SIGNS.get(kind, 14)
    seen: dict[tuple[str, ...], int] = {}
    for start in range(len(tokens)):
        size = signs if any(map(is_unspaced, tokens[start : start + words])) else words
        part = tuple(tokens[start : start + size])
        if len(part) == size and start - seen.setdefault(part, start) >= size:
            return _join(part)
    return ""


def _few_words(tokens: Sequence[str]) -> str:
    """Return the word said most often in a line of text that is made of few words."""
    counts = Counter(token for token in tokens if not is_unspaced(token))
    spoken = counts.total()
    if spoken < _JUDGED or len(counts) > _DIFFERENT * spoken:
        return ""
    return max(counts, key=lambda word: counts[word] * len(word))


def _few_parts(answer: CheckedAnswer) -> str:
    """Return what is said most often where much of what says something is said again.

    Beside the words of the title, which may be.
    """
    named = set(find_stems(answer.title))
    parts = [part for part in find_stems(answer.text) if part not in named]
    counts = Counter(parts)
    again = len(parts) - len(counts)
    if answer.is_prose:
        fewest, share = _CALLOUT
    else:
        fewest, share = _LINE if len(parts) < _LONG_LINE[0] else _LONG_LINE
        again -= max(counts.values(), default=1) - 1
    if len(parts) < fewest or again < (1 - share) * len(parts):
        return ""
    return counts.most_common(1)[0][0]


def _goes_round(tokens: Sequence[str]) -> str:
    """Return what is said most often where too much is said again, a few words at a time.

    Of people's paragraphs, 1 of 353 say more than 15% of their runs of three words, or six signs,
    again.
    """
    ends = (at + (_RUN_SIGNS if is_unspaced(token) else _RUN) for at, token in enumerate(tokens))
    runs = [tuple(tokens[at:end]) for at, end in enumerate(ends) if end <= len(tokens)]
    counts = Counter(runs)
    if len(runs) - len(counts) <= _SAID_AGAIN * len(runs):
        return ""
    return _join(counts.most_common(1)[0][0])


def _join(tokens: Sequence[str]) -> str:
    return ("" if is_unspaced(tokens[0]) else " ").join(tokens)[:60]
