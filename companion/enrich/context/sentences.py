"""Whether a sentence makes sense outside its note, and what it is about."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice

from companion.enrich.checks.meta_talk import is_in_first_person
from companion.language.words import (
    compile_phrases,
    count_unspaced,
    find_sentences,
    find_stems,
    find_tokens,
    is_balanced,
    needs_previous,
    plain_text,
    read_paragraphs,
    width,
)
from companion.note.parsed_note import ParsedNote
from companion.note.sanitize import inert_value

_SHORTEST, _LONGEST = 40, 300  # characters of a sentence
_LETTERS = 0.85  # of a sentence's characters that are letters or blanks, at least

_LABEL = re.compile(r"[\w'’ ()/-]{1,30}[:：]|[^.,:]{1,60}: [A-Z]")
_VERBS = r"(?:is|are|was|were|has|have|can|may|will)\b"  # of a sentence
_PHRASE = re.compile(
    rf"An? (?!lot )(?:(?!{_VERBS}|[\w'’-]+s )[\w'’-]+,? ){{1,5}}"
    r"(?:of|that|which|who|where|for|to|in|on|at|from|with|by|between|used|designed|based|made)\b"
)
_ONLY_LINK = re.compile(r"\s*\[.*\](?:\([^()]*\))?\s*")
_TWO_LINES = re.compile(r"\w[)]? (?:The|You|It|A|An|This|If|They|There|We|In|For) [a-z]+ ")

_COMPLETE = re.compile(r"[.!。！][\"'”’»)\]」』）]*$")
_BARE_END = re.compile(r"[\w)）`”»]$")
_OPENING = re.compile(r"[\"'“‘«„「『《(（¿¡]*[^\W_]")
_QUOTES = "\"'“‘«„「『《(（¿¡"


def stands_alone(value: str, title: str) -> bool:
    """Return whether the value is a whole sentence that makes sense to anybody by itself."""
    elsewhere = compile_phrases(
        r"<sentences.elsewhere>\b|<sentences.elsewhere_signs>", re.IGNORECASE
    )
    return bool(
        _COMPLETE.search(value)
        and _OPENING.match(value)
        and not elsewhere.match(value)
        and not is_fragment(value, title)
        and is_balanced(value)
    )


def is_fragment(value: str, title: str) -> bool:
    """Return whether the first word has a small letter without being a name (iPhone, the title).

    In Chinese and Japanese, the case of a Latin word at the start of a sentence shows nothing.
    """
    if count_unspaced(value):
        return False
    word = value.split(maxsplit=1)[0].lstrip(_QUOTES)
    return word[:1].islower() and word.islower() and find_tokens(word)[0] not in find_tokens(title)


def is_self_description(sentence: str) -> bool:
    """Return whether a sentence of a note is about the note, or about what to do with it."""
    # models turn such a sentence into “X is a way to ...”, which is farther from the author's words
    begins = compile_phrases(r"<sentences.of_note>\b|<sentences.of_note_signs>", re.IGNORECASE)
    return bool(begins.match(sentence))


def is_whole_sentence(text: str) -> bool:
    """Return whether the text is a whole sentence of words that does not point to its place."""
    places = r"\b(?:<extract.places>|<sentences.list_ahead>)\b|<sentences.list_ahead_signs>"
    place = compile_phrases(places, re.IGNORECASE)
    letters = sum(each.isalpha() or each == " " for each in text)
    return bool(
        _SHORTEST <= width(text) <= _LONGEST
        and _COMPLETE.search(text)
        and not text.endswith(("!", "！"))
        and _OPENING.match(text)
        and is_balanced(text)
        and letters >= _LETTERS * len(text)
        and not (_LABEL.match(text) or _TWO_LINES.search(text) or place.search(text))
        and not is_in_first_person(text)
    )


def needs_context(text: str) -> bool:
    """Return whether a sentence needs what stands around it in the note."""
    begins = compile_phrases(r"<extract.leaning>\b", re.IGNORECASE)
    within = compile_phrases(r"\b<extract.pointing>\b", re.IGNORECASE)
    return bool(needs_previous(text) or begins.match(text) or within.search(text))


def is_phrase(text: str) -> bool:
    """Return whether the text begins as “A tool that ...”, which by its form may be no sentence."""
    return bool(_PHRASE.match(text))


def share_named(sentence: str, title: str) -> float:
    """Return the share of the title's stems, or else of its words, that a sentence has."""
    named = set(find_stems(title)) or set(find_tokens(title))
    return len(named & {*find_stems(sentence), *find_tokens(sentence)}) / max(1, len(named))


def add_short_names(names: Sequence[str]) -> list[str]:
    """Return the names, and what stands in them before a colon, a dash or a bracket."""
    short = [re.split(r"\s*[:：(（]|\s[-–—]\s", name, maxsplit=1)[0] for name in names]
    return [*names, *(each for each in short if each not in names and find_stems(each))]


def find_subtitle(parsed: ParsedNote, names: Sequence[str]) -> str:
    """Return the note's title with the line under it that says what it is, but is no sentence.

    Empty: there is no such line. “A tool that ...” may be a sentence's beginning by its form.
    """
    shown = (each for each in parsed.lines if each.kind == "heading" or plain_text(each.visible))
    lines = (each for each in shown if not _ONLY_LINK.fullmatch(each.visible))
    top = next((each for each in islice(lines, 2) if each.kind == "text"), None)
    line = inert_value(plain_text(top.visible)) if top and names[0] else ""
    paragraphs = map(inert_value, read_paragraphs(parsed))
    paragraph = next((each for each in paragraphs if each.startswith(line)), "") if line else ""
    if not paragraph:
        return ""
    text, title = next(find_sentences([paragraph])), add_short_names(names[:1])[-1]
    if not is_phrase(text) and (paragraph != line or re.search(rf": |\.$|\b{_VERBS}", text)):
        return ""
    text = text.removesuffix(".")
    is_fit = bool(_BARE_END.search(text)) and is_whole_sentence(f"{text}.") and title[-1].isalnum()
    is_alone = stands_alone(f"{text}.", title) and (is_phrase(text) or not needs_context(text))
    if not (is_fit and is_alone) or set(find_stems(names[0])).issuperset(find_stems(text)):
        return ""
    return f"{text}." if text.startswith(title) else f"{title}: {text}."
