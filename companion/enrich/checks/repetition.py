"""Answers that repeat themselves, the title, the note or the prompt."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain

from companion.enrich.checks.checked_answer import CheckedAnswer, Fault
from companion.enrich.checks.shape import LIST_OR_TABLE
from companion.language.statements import is_definition
from companion.language.words import (
    UNSPACED,
    find_sentences,
    find_stems,
    find_tokens,
    is_unspaced,
    letters,
    needs_previous,
    plain_text,
    width,
)
from companion.note.sanitize_inline import without_links

_STOPS = ".!?…。！？"
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
# "…" — Name, at the end of a line; a sentence continues after a dash in lower case.
_SAID_BY = re.compile(
    r"[\"'”’»」』*_]*\s*[—–―-]{1,2}\s*[*_「『《]*(?=[^\W\d_])(?![a-zà-ÿа-я])[^\n.!?。！？]{1,60}$",
    re.MULTILINE,
)
_HEADING = re.compile(r"^#{1,6} +(.+)$", re.MULTILINE)


def find_repetition(answer: CheckedAnswer) -> Fault | None:
    """Return the fault of an answer that repeats a word, a phrase or a sentence."""
    whole = find_sentences(answer.text.split("\n"))
    sentences = [(each.rstrip(_STOPS), letters(each)) for each in whole]
    counts = Counter(said for _, said in sentences)
    runs = chain(
        (s for s, said in sentences if counts[said] > 1 and width(said) >= _SHORTEST_SENTENCE),
        (row[0] for row in _ROW.finditer(answer.text)),
        _find_phrase(answer.tokens, *_PHRASES.get(answer.field.kind, (6, 14))),
        () if answer.field.kind == "list" or answer.question else _find_stems(answer),
    )
    repeated = next(runs, None)
    if repeated is None:
        return None
    retry = "Say every thing once, in fresh words, and stop."
    return Fault("repetition", f"repeats itself (“{repeated[:60]}”)", retry)


def find_title_alone(answer: CheckedAnswer) -> Fault | None:
    """Return the fault of an answer that says no more than the note's title or a heading."""
    title, said = letters(answer.title), letters(answer.text)
    headings = {letters(match[1]) for match in _HEADING.finditer(answer.note)} - {""}
    if said not in {title, title * 2, *headings, *(title + heading for heading in headings)}:
        return None
    retry = "It only repeats the title. Say what the title does not say."
    return Fault("title", "says no more than the title", retry)


def find_quotation(answer: CheckedAnswer) -> Fault | None:
    """Return the fault of a value that only repeats somebody else's words, quoted in the note."""
    said = answer.text.strip()
    note = answer.note
    start = note.find(said) if answer.field.kind == "text" else -1
    line = note[note.rfind("\n", 0, start) + 1 : start].lstrip()
    if start < 0 or not (line.startswith(">") or _SAID_BY.match(note, start + len(said))):
        return None
    retry = "That is a quotation in the note. Say what the note itself is about."
    return Fault("quotation", "is a quotation that the note has", retry)


def _find_phrase(tokens: Sequence[str], words: int, signs: int) -> Iterator[str]:
    """Yield runs of that number of words, or signs, that occur twice without overlapping."""
    seen: dict[tuple[str, ...], int] = {}
    for start in range(len(tokens)):
        size = signs if any(map(is_unspaced, tokens[start : start + words])) else words
        part = tuple(tokens[start : start + size])
        if len(part) == size and start - seen.setdefault(part, start) >= size:
            yield _join(part)


def _find_stems(answer: CheckedAnswer) -> Iterator[str]:
    """Yield the most frequent stem if too many are repeated; those of the title do not count."""
    named = set(find_stems(answer.title))
    counts = Counter(stem for stem in find_stems(answer.text) if stem not in named)
    total, most = counts.total(), max(counts.values(), default=0)
    line = _LONG_LINE if total >= _LONG_LINE[0] else _LINE
    fewest, share = _CALLOUT if answer.is_prose else line
    repeated = total - len(counts) - (0 if answer.is_prose else most - 1)
    if total >= fewest and repeated >= (1 - share) * total:
        yield counts.most_common(1)[0][0]


_COPY = 10, 25  # words in a row of the note, and signs of scripts without spaces
_ECHO = 6, 12  # the same of the prompt
_SIMILAR = 3, 4  # by which similar sentences are found
_NEARLY = 0.7  # of a sentence's short runs; this share is left with one word of twelve changed
_FEWEST = 5  # runs, of shorter sentences
_NO_BLANK_AFTER = ("。", "！", "？", "」", "』", "）", "。”", "！”", "？”")
_LONG = 5  # letters of a word that counts
_SHARE = 0.6  # of the words that count, in an answer made of the prompt
_FEWEST_ALL = 3  # such words in an answer that has no others
# What callouts ask and people say, too: "what it is, how it works and why it matters".
_ASKED = {"what", "it", "is", "how", "works", "why", "matters", "and", "when", "one", "needs"}

_WordRun = tuple[str, ...]


def find_copied(answer: CheckedAnswer) -> Fault | None:
    """Return the fault of a callout with ten words in a row from the note, or 25 characters.

    It may begin with the note's definition of its subject, if it continues for as long. The answer
    to a question may quote the note, but not consist of a quotation.
    """
    own = answer.note if answer.own is None else answer.own
    if answer.question and letters(answer.text) in letters(own):
        retry = "This stands in the note already. Answer the question that is asked."
        return Fault("copied", "says what stands in the note already", retry)
    if not answer.is_prose or answer.question:
        return None
    text = answer.text.lstrip()
    first = next(find_sentences([text]), "")
    rest = text[len(first) :]
    is_most = len(find_tokens(rest)) < len(find_tokens(first))
    if not is_most and is_definition(plain_text(first), [answer.title]):
        text = rest
    copied = next(filter(_runs_of(own, _COPY).__contains__, _runs(text, _COPY)), ())
    if not copied:
        return None
    retry = "Do not repeat the note's sentences: explain the subject in words of your own."
    return Fault("copied", f"copies the note (“{_join(copied)}”)", retry)


def find_echo(answer: CheckedAnswer) -> Fault | None:
    """Return the fault of an answer whose words come from the prompt and not from the note."""
    retry = "Do not repeat the instructions or an example. Write about this note's subject only."
    told = _runs_of(answer.prompt, _ECHO)
    for run in _runs(answer.text, _ECHO):
        own = f"{answer.title}\n{answer.note}"
        if run in told and not _ASKED.issuperset(run) and run not in _runs_of(own, _ECHO):
            return Fault("echo", f"repeats what the model was told (“{_join(run)}”)", retry)
    words = {word for word in answer.tokens if len(word) >= _LONG}
    taken = words.intersection(find_tokens(answer.prompt))
    taken = {word for word in taken if word not in answer.source}
    are_most = len(words) >= _FEWEST and len(taken) >= _SHARE * len(words)
    if are_most or (len(words) >= _FEWEST_ALL and taken == words):
        return Fault("echo", "is made of the words the model was told", retry)
    return None


def without_copies(text: str, note: str) -> str:
    """Return a callout's text without the sentences that repeat the note or the callout itself.

    A sentence with a word or two changed repeats it, too. Sentences stay where the next one needs
    them, and paragraphs with a list or a table stay as they are.
    """
    copies = _runs_of(note, _COPY)
    earlier = set(_runs(note, _SIMILAR))  # and those of the sentences that stay
    blocks = []
    for block in text.split("\n\n"):
        if any(map(LIST_OR_TABLE.match, block.split("\n"))):
            blocks.append(block)
            continue
        sentences = list(find_sentences([block]))
        kept = before = ""
        for sentence, following in zip(sentences, [*sentences[1:], ""], strict=False):
            runs = list(_runs(sentence, _SIMILAR))
            is_known = sum(run in earlier for run in runs) >= _NEARLY * max(_FEWEST, len(runs))
            is_copy = is_known or not copies.isdisjoint(_runs(f"{before} {sentence}", _COPY))
            if not is_copy or needs_previous(following):
                kept += sentence + ("" if sentence.endswith(_NO_BLANK_AFTER) else " ")
                before = "" if is_copy else sentence
                earlier.update(runs)
        blocks.append(block if len(kept) > len(block) else kept.rstrip())
    return "\n\n".join(filter(None, blocks))


def _runs(text: str, sizes: tuple[int, int]) -> Iterator[_WordRun]:
    """Yield the text's runs of words, or signs, of these sizes; links as a reader sees them."""
    tokens = find_tokens("\n".join(map(without_links, text.split("\n"))))
    for start, token in enumerate(tokens):
        size = sizes[is_unspaced(token)]
        if len(run := tuple(tokens[start : start + size])) == size:
            yield run


@lru_cache(maxsize=32)
def _runs_of(text: str, sizes: tuple[int, int]) -> frozenset[_WordRun]:
    return frozenset(_runs(text, sizes))


def _join(run: Sequence[str]) -> str:
    return ("" if is_unspaced(run[0]) else " ").join(run)
