"""Answers with names or numbers that the note does not have.

Descriptions and the callouts of a small model may not have them: most are made up.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import islice
from typing import NamedTuple

from companion.enrich.checks.checked_answer import CheckedAnswer, Fault
from companion.enrich.checks.numerals import (
    ROMAN,
    find_allowed_numbers,
    find_in_digits,
    find_in_words,
    is_round,
)
from companion.enrich.phrases import compile_phrases, find_phrases, find_words
from companion.enrich.words import UNSPACED, count_unspaced, fold

_ALLOWED = ("0", "1", "2")
_LISTED = re.compile(r"^([ \t]*)(?:[-*+]|\d{1,3}[.)])[ \t]|^(#{1,6}) ", re.MULTILINE)
_WORD = re.compile(rf"[^\W\d_{UNSPACED}][^\W_{UNSPACED}]*")
_OPENS = re.compile(r"(?:^|[.!?…:•|/—–]|\s-)[\s\"'“”‘’„«»(\[¿¡*_]*$|[\"“„«(\[¿¡]$")
_BEFORE = 12  # characters before a word, by which it opens a sentence
_STEM, _ENDING = 4, 3  # letters that another form of a word keeps; letters that it may change
_TITLE_CASE = 0.75  # share of words with a capital in a headline, where capitals mean nothing
_BEGINNING = 2000  # characters of the note by which its language is known
_MOST_NAMES = 200  # that are looked up
_MOST_PARTS = 6  # of a name such as DataFrame
_MOST_INITIALS = 400  # words of the note whose initials are looked at
_ADJECTIVE = re.compile(r"[a-z]{0,2}(?:i?ans?|ish|ese|ics?|i[sz]ms?|ists?)")
_BELIEF = re.compile(r"is[mt]s?$")  # buddhism, Buddhists
_PLURAL = ({"", "s"}, {"", "es"}, {"y", "ies"})
_CASES = frozenset(["", "а", "у", "е", "ы", "и", "я", "ю", "ь", "о", "ом", "ем", "ои", "еи", "ою"])
_KIN = re.compile(r"(?:s?s[eo]n|man|ez|off?|s?k[iy]|ard|[оеё]в|ин|[ое]ва|ина|[ое]вич|[ое]вна)$")
_FLEETING = re.compile(r"[еоь](?=[бвгджзклмнпрстфхц]$)")
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_NUMERONYM = re.compile(r"([a-z])(\d+)([a-z])")  # k8s, i18n
_EXPLAINED = re.compile(r"(?<=\w)\s?[(（](?:[A-Z][A-Z0-9]{1,5}s?|[A-Z]\d+[a-z])[)）]")
# Where every noun has a capital, a first and a last name are known by what stands before them.
_NAME_AMONG_CAPITALS = r"\b<capital_nouns.before_name> ([A-ZÄÖÜ][a-zäöüß]+) ([A-ZÄÖÜ][a-zäöüß]+)"
# Signs that write foreign names in Chinese by their sound: three in a row are hardly anything else.
_SOUNDED = "<names.sounded>{3,}"
# Who does something, or has it, at the beginning of a sentence is a name, unless it is anybody.
_ACTS = r"([A-Z][a-z]+)(?:['’]s(?= [a-z])| (?=<names.acts>\b))"
_RETRY = "Leave out every name and number that the note does not have."


def find_unknown_numbers(answer: CheckedAnswer) -> Fault | None:
    """Return the fault of an answer with a number, in digits or words, that the note has not.

    Allowed are one and two, the number of items of a list or of headings in the note, the centuries
    of its years, and in words round numbers such as a hundred.
    """
    if answer.field.name != "description" and not answer.by_small_model:
        return None
    numbers = [*find_in_digits(answer.text)]
    numbers += [str(value) for value in find_in_words(answer.text) if not is_round(value)]
    if not numbers:
        return None
    allowed = find_allowed_numbers(f"{answer.title}\n{answer.note}", answer.text)
    allowed |= {*_ALLOWED, *_count_list_items(answer.note)}
    for number in numbers:
        if number not in allowed:
            return Fault("numbers", f"has a number that the note has not ({number})", _RETRY)
    return None


def _count_list_items(note: str) -> set[str]:
    """Return the numbers of list items, and of headings of a level, in a row in the note."""
    rows: Counter[str] = Counter()
    counts: set[str] = set()
    for mark in _LISTED.finditer(note):
        row = mark[1] if mark[2] is None else mark[2]
        if mark[2]:
            counts.update(str(rows.pop(other)) for other in list(rows) if "#" not in other)
        rows[row] += 1
    return counts | set(map(str, rows.values()))


def find_unknown_names(answer: CheckedAnswer) -> Fault | None:
    """Return the fault of an answer with a name that neither note nor title has.

    Names are words that have a capital within a sentence, or capitals or digits within the word. In
    scripts without capitals they are the words in Latin letters with a capital, and in Chinese what
    is written by its sound. In German, where every noun has a capital, they are words with capitals
    or digits within, and two words after "von" and the like. An abbreviation in brackets is none.
    """
    if answer.field.name != "description" and not answer.by_small_model:
        return None
    text = _EXPLAINED.sub(" ", unicodedata.normalize("NFC", answer.text))
    words = [word for word in _WORD.finditer(text) if not ROMAN.fullmatch(word[0])]
    is_german = _is_german(words, answer.note)
    names = list(dict.fromkeys(islice(_find_names(text, words, is_german), _MOST_NAMES)))
    pairs = compile_phrases(_NAME_AMONG_CAPITALS).findall(text)
    sounded = compile_phrases(_SOUNDED).findall(text)
    sounded = [name for name in sounded if name not in answer.source]
    if not names and not pairs and not sounded:
        return None
    note = _read_words(answer)
    unknown = [name for name in names if not _has_name(name, note)]
    if _are_initials_known(unknown, answer.source):
        unknown = []
    unknown += sounded
    unknown += [
        last for first, last in pairs if not (_has_name(first, note) or _has_name(last, note))
    ]
    if not unknown:
        return None
    return Fault("names", f"names what the note does not (“{unknown[0]}”)", _RETRY)


def _find_names(text: str, words: Sequence[re.Match[str]], is_german: bool) -> Iterator[str]:
    if count_unspaced(text) * 2 > sum(len(word[0]) for word in words):
        yield from (word[0] for word in words if len(word[0]) > 1 and not word[0].islower())
        return
    long = [word[0] for word in words[1:] if len(word[0]) > 3]
    is_headline = sum(word[0].isupper() for word in long) > _TITLE_CASE * max(len(long), 3)
    capitals_mean = not is_german and not is_headline
    for word in words:
        if len(word[0]) < 2:
            continue
        inner = word[0][1:]
        is_odd = inner != inner.lower() or any(map(str.isdigit, inner))
        is_name = word[0][0].isupper() and capitals_mean and not _only_opens(text, word)
        if is_odd or is_name:
            yield word[0]


def _only_opens(text: str, word: re.Match[str]) -> bool:
    """Return whether the word has a capital only because it opens a sentence."""
    if not _OPENS.search(text[max(0, word.start() - _BEFORE) : word.start()]):
        return False
    acts = compile_phrases(_ACTS).match(text, word.start())
    return not acts or acts[1].endswith("s") or acts[1].lower() in find_words("names", "anybody")


def _is_german(words: Sequence[re.Match[str]], note: str) -> bool:
    common = find_words("capital_nouns", "common_words")
    own = sum(word[0].lower() in common for word in words)
    return own > 1 or len(common.intersection(note[:_BEGINNING].lower().split())) > 2


class _Words(NamedTuple):
    """The words of a note and its title, folded; names: those that always have a capital."""

    source: str
    words: frozenset[str]
    names: frozenset[str]
    initials: str


def _read_words(answer: CheckedAnswer) -> _Words:
    spelled = set(_WORD.findall(unicodedata.normalize("NFC", f"{answer.title}\n{answer.note}")))
    parts = {part for word in spelled if not word[1:].islower() for part in _PARTS.findall(word)}
    lower = {fold(word) for word in spelled if word[0].islower()}
    names = {fold(word) for word in spelled if word[0].isupper()} - lower
    words = lower | names | {fold(word) for word in spelled | parts}
    return _Words(answer.source, frozenset(words), frozenset(names), _initials(answer.source))


def _has_name(name: str, note: _Words) -> bool:
    word = fold(name)
    if find_words("names", "no_names") & {word, word.removesuffix("s")} or word in note.words:
        return True
    if any(word in family and family & note.words for family in _families()):
        return True
    if name.isupper() and len(word) > 2 and word in note.initials:
        return True
    if _is_put_together(name, note):
        return True
    alike = [other for other in note.words if other[:3] == word[:3]]
    return _is_numeronym(word, note) or any(_is_form(word, other, note) for other in alike)


def _is_put_together(name: str, note: _Words) -> bool:
    """Return whether the note has a name such as DataFrame in its parts, or as df."""
    parts = [part.lower() for part in _PARTS.findall(name)]
    if not 1 < len(parts) <= _MOST_PARTS or "".join(parts) != name.lower():
        return False
    initials = "".join(part[0] for part in parts)
    apart = r"\b" + r"[\W_]*".join(parts)
    return initials in note.words or bool(re.search(apart, note.source))


def _is_numeronym(word: str, note: _Words) -> bool:
    found = _NUMERONYM.fullmatch(word)
    ends = found.groups() if found else ()
    return any((other[0], str(len(other) - 2), other[-1]) == ends for other in note.words)


def _is_form(word: str, other: str, note: _Words) -> bool:
    """Return whether a name is another form of a word of the note.

    Forms are plurals, adjectives (Peruvian of Peru) and cases (Нила of Нил), but not the name of a
    son (Johnson of John).
    """
    pairs = zip(f"{word} ", f"{other}  ", strict=False)
    same = next(at for at, (one, another) in enumerate(pairs) if one != another)
    ending, rest = word[same:], other[same:]
    if {ending, rest} in _PLURAL or _BELIEF.sub("", word) == _BELIEF.sub("", other):
        return True
    if _KIN.search(ending) or _KIN.search(rest):
        return False
    shorter, longer = sorted((ending, rest), key=len)
    is_name = other in note.names
    is_stem = len(shorter) < 2 or (is_name and len(shorter) <= _ENDING)
    if same >= _STEM and _ADJECTIVE.fullmatch(longer):
        return is_stem or bool(_ADJECTIVE.fullmatch(shorter))
    if not is_name:
        return False
    if same >= max(_STEM, len(word) - _ENDING) and len(rest) <= _ENDING:
        return True
    return bool(_CASES.issuperset({ending, rest})) or word in {
        _FLEETING.sub("", other) + case for case in _CASES
    }


def _initials(source: str) -> str:
    """Return the initials of the words, with Roman numerals whole: wwii of World War II."""
    words = _WORD.findall(source[: _MOST_INITIALS * 8])[:_MOST_INITIALS]
    return "".join(word if ROMAN.fullmatch(word.upper()) else word[0] for word in words)


def _are_initials_known(names: list[str], source: str) -> bool:
    """Return whether the names together spell out an abbreviation that the note has."""
    initials = "".join(fold(name)[0] for name in names)
    return len(initials) > 2 and bool(re.search(rf"\b{re.escape(initials)}s?\b", source))


@cache
def _families() -> list[frozenset[str]]:
    """Return the forms of each name that do not begin alike enough."""
    return [frozenset(forms.split()) for forms in find_phrases("names", "one_name")]
