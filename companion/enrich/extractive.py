"""The extractive fallback: the sentence in which a note itself says what it is about."""

from __future__ import annotations

import re
from itertools import islice

from companion.enrich.words import (
    find_sentences,
    find_stems,
    find_tokens,
    needs_previous,
    read_paragraphs,
    width,
)
from companion.note.parsed_note import ParsedNote
from companion.note.sanitize_value import inert_value

_SHORTEST = 30  # characters; a Chinese character counts as 2.5
_SENTENCES = 8  # at the beginning of the note, that are looked at
_PREFERRED = 2  # of them are preferred if they have a word of the title; measured: no more
_LONGEST = 10_000  # characters, with links and markup that are removed
_OVER = 1.25  # times the limit, as for a model's answer

_COMPLETE = re.compile(r"[.!。！][\"'”’»)\]」』）]*$")
_OPENING = re.compile(r"[\"'“‘«„「『《(（¿¡]*[^\W_]")
# A sentence that refers to what was said before, or to something else, does not describe the note.
_DEPENDS = re.compile(
    r"(?:and|but|or|so|however|also|then|thus|therefore|moreover|furthermore|for example|for more"
    r"|see|note that|read more|click|if|these|those|they|he|she|however|und|aber|siehe|diese|sie"
    r"|todo|tbd|fixme|photo by|image by|subscribe|password"
    r"|mais|voir|ces|pero|véase|esto|eso|estos|estas|но|однако|смотри|см|эти|они)\b"
    r"|但是|不过|然而|因此|所以|而且|另外|此外|例如|比如|这些|那些|他们|它们|しかし|また|そして|例えば|これら",
    re.IGNORECASE,
)
_COLON = re.compile(r"\s?[:：]$")  # a list follows, which the sentence may not need
_LEANS_ON_LIST = re.compile(
    r"\b(?:following|follows?|below|folgend\w*|suivant\w*|siguiente\w*|следующ\w*)\b|以下|下列|如下|次の",
    re.IGNORECASE,
)
_PAIRS = ("()", "（）", "“”", "「」", "《》", "[]")


def extract_sentence(parsed: ParsedNote, title: str, max_characters: int) -> str | None:
    """Return the sentence of the note that says best what it is about, sanitized; None: none does.

    It is the first of the note's first sentences that stands by itself: whole, no question, and
    not pointing to another sentence. Of the first two, one with a word of the title is preferred.
    max_characters: a quarter more is accepted.
    """
    fit: list[tuple[int, str]] = []
    sentences = islice(find_sentences(read_paragraphs(parsed)), _SENTENCES)
    for number, sentence in enumerate(sentences):
        if len(sentence) > _LONGEST:
            continue
        if _COLON.search(sentence) and not _LEANS_ON_LIST.search(sentence):
            sentence = _COLON.sub("。" if sentence.endswith("：") else ".", sentence)
        value = inert_value(sentence)
        if (
            width(value) >= _SHORTEST
            and len(value) <= max_characters * _OVER
            and _COMPLETE.search(value)
            and _OPENING.match(value)
            and not _DEPENDS.match(value)
            and all(value.count(pair[0]) == value.count(pair[1]) for pair in _PAIRS)
        ):
            fit.append((number, value))
    title_tokens = {token for token in find_tokens(title) if len(token) > 3 or not token.isascii()}
    named = (v for n, v in fit if n < _PREFERRED and title_tokens & set(find_tokens(v)))
    return next(named, None) or next((value for _, value in fit), None)


# The sentence is about the page, or tells the reader what to do with it. Models turn it into “X is
# a way to ...”, which is farther from what its author wrote.
_SELF_DESCRIPTION = re.compile(
    r"""
    (?: this\ (?:page|guide|article|document|section|chapter|post|list|essay|tutorial)
      | in\ this | here | how | why | what | you | with\ [^.]*\byou\b
      | learn | discover | explore | find | use | create | make | move | build | add | get | set
      | manage | understand | read
      | dies(?:e|er|es)\ (?:seite|artikel|text|leitfaden|kapitel|liste|anleitung)
      | in\ dies | hier | wie | warum | was | du\ kannst | sie\ können | lerne | erfahre | so
      | est[ae]\ (?:página|guía|artículo|texto|capítulo|lista)
      | en\ est[ae] | aquí | cómo | por\ qué | qué | aprend[ea] | descubr[ea] | puedes
      | cett?e\ (?:page|guide|article|texte|chapitre|liste)
      | dans\ cet?te? | ici | comment | pourquoi | apprenez | découvrez | vous\ pouvez
      | эт(?:а|от)\ (?:страница|статья|текст|список|глава|раздел)
      | в\ эт(?:ой|ом) | здесь | как | почему | узнайте | вы\ можете
    )\b
    | 本(?:文|页|頁|指南|章|节|書|书) | 这(?:篇|里|份) | 介绍 | 如何 | 怎样 | 为什么 | 学习 | 了解
    | この(?:ページ|記事|文書|章) | 本(?:稿|記事|ページ) | ここで
    """,
    re.IGNORECASE | re.VERBOSE,
)


def is_self_description(sentence: str) -> bool:
    """Return whether a sentence of a note is about the note, or about what to do with it."""
    return bool(_SELF_DESCRIPTION.match(sentence))


# An answer restates a sentence of the note if the sentence, with the title, has these shares of the
# answer's stems and of all its words; one with fewer stems is not judged. Small models that shorten
# a sentence lose what matters, or make it wrong: on the notes that prompts are tuned on, the
# sentence itself was better from 0.75 of the stems on. The share of all words leaves out answers
# that have no more than the subject in common with it.
_STEMS_SHARE, _WORDS_SHARE, _FEWEST_STEMS = 0.85, 0.6, 3


def restates_note(answer: str, sentence: str, parsed: ParsedNote, title: str) -> bool:
    """Return whether a description says what one sentence of the note does, and no more.

    sentence: the one that would take its place. It has to make sense away from the note; where
    the answer restates another sentence, it has to name as much of the title.
    """
    if needs_previous(sentence) and not is_self_description(sentence):
        return False
    if _restates(answer, sentence, title):
        return True
    named = set(find_stems(title)).intersection(find_stems(answer))
    if not named or not named.issubset(find_stems(sentence)):
        return False
    return any(_restates(answer, one, title) for one in find_sentences(read_paragraphs(parsed)))


def _restates(answer: str, sentence: str, title: str) -> bool:
    """Return whether what the answer says is in the sentence or the title, mostly in its words."""
    stems, words = set(find_stems(answer)), set(find_tokens(answer))
    known_stems = {*find_stems(sentence), *find_stems(title)}
    known_words = {*find_tokens(sentence), *find_tokens(title)}
    return (
        len(stems) >= _FEWEST_STEMS
        and len(stems & known_stems) >= _STEMS_SHARE * len(stems)
        and len(words & known_words) >= _WORDS_SHARE * len(words)
    )
