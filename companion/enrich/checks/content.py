"""Answers that refuse, talk, repeat something, or are in another language.

The phrases and words are in `language/phrases/`, one file for each language.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain

from companion.enrich.checks.shape import CheckedAnswer, Fault
from companion.language.detection import (
    ENOUGH,
    LANGUAGES,
    find_language,
    find_other_language,
    is_in_latin_letters,
    remove_code,
    script_of,
)
from companion.language.words import (
    UNSPACED,
    compile_phrases,
    find_sentences,
    find_tokens,
    fold_accents,
    is_unspaced,
    letters,
    width,
)
from companion.note.safe_line import without_links

_STOPS = ".!?…。！？"
_SHORTEST_SENTENCE = 8  # letters; shorter ones may stand twice: "No.", "Yes."
_PHRASES = {"text": (4, 14), "prose": (9, 22)}  # words, and signs, that may stand once
# One to three words, or signs, that stand several times in a row.
_ROW = re.compile(
    rf"\b([^\W\d]+(?:\W+[^\W\d]+){{0,2}})(?:\W+\1\b){{2}}"
    rf"|([{UNSPACED}])\2{{5}}|([{UNSPACED}]{{2,4}})\3{{3}}",
    re.IGNORECASE,
)
_HEADING = re.compile(r"^#{1,6} +(.+)$", re.MULTILINE)
_ECHO = 6, 12  # words in a row of the prompt, and signs of scripts without spaces
# What callouts ask and people say, too: "what it is, how it works and why it matters".
_ASKED = {"what", "it", "is", "how", "works", "why", "matters", "and", "when", "one", "needs"}
_COPIED = 0.6  # of the letters of a callout

_WordRun = tuple[str, ...]


def find_repetition(answer: CheckedAnswer) -> Fault | None:
    """Return the fault of an answer that repeats a word, a phrase or a sentence."""
    whole = find_sentences(answer.text.split("\n"))
    sentences = [(each.rstrip(_STOPS), letters(each)) for each in whole]
    counts = Counter(said for _, said in sentences)
    runs = chain(
        (s for s, said in sentences if counts[said] > 1 and width(said) >= _SHORTEST_SENTENCE),
        (row[0] for row in _ROW.finditer(answer.text)),
        _find_phrase(answer.tokens, *_PHRASES.get(answer.field.kind, (6, 14))),
    )
    repeated = next(runs, None)
    if repeated is None:
        return None
    retry = "Say every thing once, in fresh words, and stop."
    return Fault("repetition", f"repeats itself (“{repeated[:60]}”)", retry)


def _find_phrase(tokens: Sequence[str], words: int, signs: int) -> Iterator[str]:
    """Yield runs of that number of words, or signs, that occur twice without overlapping."""
    seen: dict[_WordRun, int] = {}
    for start in range(len(tokens)):
        size = signs if any(map(is_unspaced, tokens[start : start + words])) else words
        run = tuple(tokens[start : start + size])
        if len(run) == size and start - seen.setdefault(run, start) >= size:
            yield _join(run)


def find_title_alone(answer: CheckedAnswer) -> Fault | None:
    """Return the fault of an answer that says no more than the note's title or a heading."""
    title, said = letters(answer.title), letters(answer.text)
    headings = {letters(match[1]) for match in _HEADING.finditer(answer.note)} - {""}
    if said not in {title, title * 2, *headings, *(title + heading for heading in headings)}:
        return None
    retry = "It only repeats the title. Say what the title does not say."
    return Fault("title", "says no more than the title", retry)


def find_copied(answer: CheckedAnswer) -> Fault | None:
    """Return the fault of a callout most of whose sentences stand in the note."""
    own, said = letters(answer.own), letters(answer.text)
    sentences = map(letters, find_sentences(map(without_links, answer.text.split("\n"))))
    copied = sum(len(each) for each in sentences if each in own)
    if not answer.is_prose or not said or copied < _COPIED * len(said):
        return None
    retry = "Do not repeat the note's sentences: write in words of your own."
    return Fault("copied", "says what stands in the note already", retry)


def find_echo(answer: CheckedAnswer) -> Fault | None:
    """Return the fault of an answer with words in a row of the prompt, which the note has not."""
    told = set(_runs(find_tokens(answer.prompt), _ECHO))
    runs = {
        run for run in _runs(answer.tokens, _ECHO) if run in told and not _ASKED.issuperset(run)
    }
    if runs:
        runs.difference_update(_runs(find_tokens(f"{answer.title}\n{answer.note}"), _ECHO))
    if (run := min(runs, default=None)) is None:
        return None
    retry = "Do not repeat the instructions or an example. Write about this note's subject only."
    return Fault("echo", f"repeats what the model was told (“{_join(run)}”)", retry)


def find_shared_run(text: str, told: str, others: Sequence[str], sizes: tuple[int, int]) -> str:
    """Return the first words in a row of both texts that the others have not; empty: none."""
    runs = list(_runs(find_tokens(text), sizes))
    told_runs = set(_runs(find_tokens(told), sizes)).intersection(runs)
    if told_runs:
        told_runs.difference_update(_runs(find_tokens("\n".join(others)), sizes))
    return next((_join(run) for run in runs if run in told_runs), "")


def _runs(tokens: Sequence[str], sizes: tuple[int, int]) -> Iterator[_WordRun]:
    """Yield the runs of words, or signs, of these sizes, one for each token while they last."""
    for start, token in enumerate(tokens):
        size = sizes[is_unspaced(token)]
        if len(run := tuple(tokens[start : start + size])) == size:
            yield run


def _join(run: Sequence[str]) -> str:
    return ("" if is_unspaced(run[0]) else " ").join(run)


_LATIN_WORDS = re.compile(r"(?<![A-Za-z-])[a-z]{1,20}(?: [a-z]{1,20}){5,}(?![A-Za-z-])")
_LANGUAGE = re.compile(
    "|".join(rf"\b{each}\b" for each in LANGUAGES) + "|" + "|".join(LANGUAGES.values())
)


def find_wrong_language(answer: CheckedAnswer) -> Fault | None:
    """Return the fault of an answer in a language other than the note's or the wanted one.

    If there is too little text, only the scripts are compared. In a callout each paragraph is
    checked. The answer to a question may be in the language of the question, and in any language if
    the question names a language.
    """
    expected = answer.language or find_language(answer.words, answer.title)
    expected = expected or script_of(remove_code(answer.words)) or script_of(answer.title)
    if expected is None or _LANGUAGE.search(answer.question):
        return None
    allowed = {expected, find_language(answer.question, "") or expected}
    is_latin = "Latin letters" in allowed or any(map(is_in_latin_letters, allowed))
    shown = set(find_tokens(f"{answer.title}\n{answer.note}\n{answer.question}"))
    for run in () if is_latin else _LATIN_WORDS.findall(remove_code(answer.text)):
        if len(shown.intersection(words := run.split())) * 2 < len(words):
            retry = f"Write it all in {expected}."
            return Fault("language", f"changes its language (“{run[:40]}”)", retry)
    parts = [part for part in answer.text.split("\n\n") if len(part) > ENOUGH]
    for text in [answer.text, *(parts if answer.is_prose else ())]:
        others = [find_other_language(text, language) for language in sorted(allowed)]
        if all(others):
            reason = f"is in {others[0]}, not in {min(allowed)}"
            return Fault("language", reason, f"Write it in {min(allowed)}.")
    return None


_BEGINS = r"[^\w(（]{0,5}(?=[\w(（])"
_FIRST = rf"\A{_BEGINS}"  # the answer
_OPENS_SENTENCE = rf"(?:\A|[.!?…:]\s{{1,3}}|[。！？：…\n]){_BEGINS}"  # a sentence
# A word, a bracket, or any sign of Chinese, Japanese and Korean: it is faster than to try anywhere.
_ANY_WORD = r"(?:\b(?=\w)|(?=[\[\u3005-\u9fff\uac00-\ud7a3\uff00-\uffef]))"
_SHOWN = 40  # characters of a phrase that a fault quotes
_QUOTED = re.compile(r"[“„«「『《][^“”„«»「」『』《》]*[”“»」』》]|\"[^\"\n]*\"")
_VOICE = "<voice.words>"

# For texts in small letters, which is faster than re.IGNORECASE.
_REFUSAL = rf"(?P<begins>{_FIRST}<refusal.begins>)|(?P<within>{_ANY_WORD}<refusal.within>)"
_TALK = (
    rf"(?P<begins>{_FIRST}<meta.begins>)|(?P<opens>{_OPENS_SENTENCE}(?:<meta.opens>|<task.opens>))"
    rf"|(?P<self>{_ANY_WORD}<meta.self>)"
    rf"|(?P<frames>{_FIRST}<meta.frames>|{_OPENS_SENTENCE}<meta.later>)"
    rf"|(?P<within>{_ANY_WORD}(?:<meta.within>|<task.within>))"
)
_OF_SUBJECT = ("frames", "within")  # allowed if the note says so, too; and in answers to questions


def find_talk(answer: CheckedAnswer) -> Fault | None:
    """Return the fault of an answer that refuses, speaks of the note, the task or itself.

    The answer to a question may speak of the note.
    """
    if words := _find_talk(_REFUSAL, answer):
        retry = "Go by the title and the text as they are; write what is asked for, no more."
        return Fault("talk", f"is a refusal (“{words}”)", retry)
    if words := _find_talk(_TALK, answer, () if not answer.question else _OF_SUBJECT):
        retry = "Give the finished text about the subject alone; never mention the note, or a task."
        return Fault("talk", f"talks about the note, the task or itself (“{words}”)", retry)
    voice = compile_phrases(_VOICE, re.MULTILINE)
    first = voice.search(_QUOTED.sub(" ", answer.text))
    if first and not voice.search(f"{answer.title}\n{answer.note}"):
        retry = "Write about the subject itself; never say “I”, and leave out what you think of it."
        return Fault("talk", f"speaks of itself (“{' '.join(first[0].split())}”)", retry)
    return None


def _find_talk(pattern: str, answer: CheckedAnswer, allowed: tuple[str, ...] = ()) -> str:
    """Return the first phrase that does not belong to the note's subject; empty if there is none.

    A phrase of the title belongs to it, and so does one of the note, unless it is how a chat
    begins. allowed: groups of the pattern.
    """
    for match in compile_phrases(pattern).finditer(answer.text.lower()):
        words = " ".join(re.sub(r"^\W+|\W+$", "", match[0]).split())
        own = answer.source if match.lastgroup in _OF_SUBJECT else fold_accents(answer.title)
        if fold_accents(words) not in own and match.lastgroup not in allowed:
            return words[:_SHOWN]
    return ""
