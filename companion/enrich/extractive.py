"""The extractive fallback: the sentence in which a note itself says what it is about."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice, pairwise
from typing import NamedTuple

from companion.enrich.checks.meta_talk import is_in_first_person
from companion.enrich.statements import is_definition, read_passages
from companion.enrich.words import (
    compile_phrases,
    count_unspaced,
    find_sentences,
    find_stems,
    find_tokens,
    is_balanced,
    is_unspaced,
    needs_previous,
    plain_text,
    read_paragraphs,
    width,
)
from companion.note.parsed_note import ParsedNote
from companion.note.sanitize import inert_value

_SHORTEST = 30  # characters; a Chinese character counts as 2.5
_SENTENCES = 8  # checked at the beginning of the note
_NAMED = 0.6  # of the title's stems that a sentence about its subject has at least; see HISTORY.md
_LONGEST = 10_000  # characters, with links and markup that are removed
_PASSAGES = 40  # at the beginning of the note, in which a definition is looked for
_LONGEST_DEFINITION = 320  # characters
_OVER = 1.25  # times the limit, as for a model's answer

_COMPLETE = re.compile(r"[.!。！][\"'”’»)\]」』）]*$")
_BARE_END = re.compile(r"[\w)）`”»]$")
_OPENING = re.compile(r"[\"'“‘«„「『《(（¿¡]*[^\W_]")
_COLON = re.compile(r"\s?[:：]$")  # a list follows, which the sentence may not need
_DASHES = ("—", "–", "―", "--")
_QUOTES = "\"'“‘«„「『《(（¿¡"


class OwnSentence(NamedTuple):
    """A sentence of a note that stands by itself, sanitized.

    is_about: it is sure to be about the note's subject, because it names that, or the page.
    """

    text: str
    is_about: bool


def extract_sentence(parsed: ParsedNote, title: str, max_characters: int) -> OwnSentence | None:
    """Return the sentence of the note that best says what it is about; None: none does.

    It is the first of the note's opening sentences that stands by itself: whole, not a question,
    and not pointing to another sentence. A sentence after one in the first person usually continues
    it, unless it names the subject.
    """
    is_told = False  # by the author, of themselves
    sentences = list(islice(find_sentences(read_paragraphs(parsed)), _SENTENCES + 1))
    longest = int(max_characters * _OVER)
    for sentence, following in pairwise([*sentences, ""][: _SENTENCES + 1]):
        if following.startswith(_DASHES):  # who said it: it is a quotation
            continue
        value = _read_value(sentence, title, longest) if len(sentence) <= _LONGEST else ""
        is_own = is_in_first_person(value)
        is_told |= is_own
        if is_told and (needs_previous(value) or not _share_named(value, title)):
            continue
        is_fit = width(value) >= _SHORTEST and len(value) <= longest
        if is_fit and not is_own and _stands_alone(value, title):
            return OwnSentence(value, _is_about(value, title))
    return None


def _is_about(sentence: str, title: str) -> bool:
    """Return whether a sentence names the subject, or the page, and says something about it."""
    is_named = _share_named(sentence, title) >= _NAMED or is_self_description(sentence)
    return is_named and not set(find_stems(title)).issuperset(find_stems(sentence))


def _share_named(sentence: str, title: str) -> float:
    """Return the share of the title's stems, or else of its words, that a sentence has."""
    named = set(find_stems(title)) or set(find_tokens(title))
    return len(named & {*find_stems(sentence), *find_tokens(sentence)}) / max(1, len(named))


def find_definition(parsed: ParsedNote, names: Sequence[str]) -> str:
    """Return the note's first own sentence that says what its subject is; empty if none does.

    It gets the full stop that list items usually lack. names: of the subject, its title first.
    """
    passages = (each for each in read_passages(parsed) if each.kind in ("text", "item"))
    lines = (plain_text(each.text) for each in islice(passages, _PASSAGES))
    for sentence in find_sentences(lines):
        value = inert_value(sentence) if width(sentence) <= _LONGEST_DEFINITION else ""
        if is_definition(value, names) and not is_in_first_person(value):
            if _BARE_END.search(value):
                value += "。" if is_unspaced(value[-1]) else "."
            if _stands_alone(value, names[0]):
                return value
    return ""


def _read_value(sentence: str, title: str, longest: int) -> str:
    """Return the sentence sanitized; if a definition cannot be used whole, its beginning."""
    value = _without_colon(inert_value(sentence))
    is_fit = len(value) <= longest and not is_in_first_person(value)
    return value if is_fit or not is_definition(value, [title]) else _cut_at_clause(value, longest)


def _without_colon(value: str) -> str:
    """Return the value with its final colon as a full stop, unless it needs what follows."""
    if not _COLON.search(value):
        return value
    lead_in = compile_phrases(
        r"(?:(?<!\w)<sentences.lead_ins>|<sentences.lead_ins_signs>)\s?[:：]$"
    )
    list_ahead = compile_phrases(
        r"\b<sentences.list_ahead>\b|<sentences.list_ahead_signs>", re.IGNORECASE
    )
    if list_ahead.search(value) or lead_in.search(value.casefold()):
        return value
    return _COLON.sub("。" if value.endswith("：") else ".", value)


def _cut_at_clause(definition: str, longest: int) -> str:
    """Return the definition without its last clauses, if it can be cut so that the rest fits."""
    clauses = compile_phrases(
        r" ?[;；]|\s[—–]\s|,\s<sentences.clauses>\b|<sentences.clauses_signs>", re.IGNORECASE
    )
    parts = (definition[: clause.start()] for clause in clauses.finditer(definition, 0, longest))
    whole = [
        part
        for part in parts
        if is_balanced(part) and width(part) >= _SHORTEST and not is_in_first_person(part)
    ]
    return whole[-1] + ("。" if is_unspaced(whole[-1][-1]) else ".") if whole else definition


def _stands_alone(value: str, title: str) -> bool:
    """Return whether the value is a whole sentence that makes sense to anybody by itself."""
    elsewhere = compile_phrases(
        r"<sentences.elsewhere>\b|<sentences.elsewhere_signs>", re.IGNORECASE
    )
    return bool(
        _COMPLETE.search(value)
        and _OPENING.match(value)
        and not elsewhere.match(value)
        and not _is_fragment(value, title)
        and is_balanced(value)
    )


def _is_fragment(value: str, title: str) -> bool:
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
