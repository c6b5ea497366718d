"""What makes an answer wait: names and numbers that are new or others, orders obeyed, subjects.

Nothing here rejects an answer. The words are in `language/phrases/`, one file for each language.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from companion.enrich.checks.content import find_shared_run
from companion.enrich.checks.shape import CheckedAnswer
from companion.language.detection import find_other_language, is_in_language
from companion.language.words import (
    UNSPACED,
    compile_phrases,
    find_sentences,
    find_stems,
    find_tokens,
    find_words,
    fold_accents,
    is_unspaced,
    letters,
    load_languages,
    width,
)

_WORD = re.compile(rf"[^\W_{UNSPACED}]+(?:[-'’][^\W_{UNSPACED}]+)*")
_OPENS = re.compile(r"(?:^|[.!?…:•|/—–\"“„«(\[¿¡]|\s-)[\s\"'“”‘’„«»(\[¿¡*_]*$")
_BEFORE = 12  # characters before a word, by which it opens a sentence
_STEM, _ENDING = 3, 2  # letters that another form of a name keeps; that it may change
_PART = 4  # letters of a name that counts within a longer word of the note
_LATIN = re.compile(r"[a-zA-Z]")
_TWO_ALPHABETS = re.compile(r"[a-z][\u0400-\u04ff]|[\u0400-\u04ff][a-z]")
_ROMAN = re.compile(r"[IVX]+")
_CAMEL = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_EXPLAINED = re.compile(r"(?<=\w)\s?[(（](?:[A-Z][A-Z0-9]{1,5}s?|[A-Z]\d+[a-z])[)）]")

# A number, a version or a code with digits in it: 1,200 v1.2.3 1d6 0xD0E 16GB 10:30
_NUMBER = re.compile(rf"[^\W_{UNSPACED}]*\d(?:[^\W_{UNSPACED}]|[.,:'’\u00a0\u202f](?=\d))*")
_PLAIN = re.compile(r"(\d+(?:[.,'’\u00a0\u202f]\d{3})+|\d+(?:[.,]\d+)?)(?:[^\W\d]{0,4})")
_FEW = {"0", "1", "2", "10", "100", "1000"}  # which people write in words, and round ones


def find_new_facts(answer: CheckedAnswer) -> list[str]:
    """Return the names and numbers in the answer that neither note nor context has.

    Names are words that have a capital within a sentence, or capitals or digits within the word; in
    German, where every noun has a capital, only the latter. An abbreviation in brackets, or of the
    answer's own words, is not a name.
    """
    text = _EXPLAINED.sub(" ", unicodedata.normalize("NFC", answer.text))
    numbers, no_names = _FEW | known_numbers(answer.source), find_words("names", "no_names")
    new = [
        each
        for each in _NUMBER.findall(unicodedata.normalize("NFKC", text))
        if not _read_number(each) & numbers
        and not _has_exactly(fold_accents(each), answer.source)
        and each.casefold() not in no_names
    ]
    names = [name for name in _find_names(text) if not _has_name(name, answer)]
    return list(dict.fromkeys([*new, *names]))


@lru_cache(maxsize=8)  # each answer about a note needs it
def known_numbers(source: str) -> set[str]:
    """Return the numbers in a folded text, in digits, also those in words."""
    numbers = set[str]()
    for match in _NUMBER.finditer(source):
        numbers |= _read_number(match[0])
        numbers.update(re.findall(r"\d+", match[0]))
    words = set(find_tokens(source))
    for language in load_languages().values():
        for number, word in enumerate(language.get("numbers", {}).get("words", ())):
            if word in words or (is_unspaced(word) and word in source):
                numbers.add(str(number))
    return numbers


def _read_number(token: str) -> set[str]:
    """Return what a number, with a short unit perhaps, may mean; none of a version or a code."""
    match = _PLAIN.fullmatch(token)
    if not match:
        return set()
    digits = re.sub(r"\D", "", match[1]).lstrip("0") or "0"
    is_grouped = re.fullmatch(r"\d+(?:\D\d{3})+", match[1])
    decimal = re.sub(r"[.,]", ".", match[1])
    return {digits, decimal} if is_grouped else {decimal.lstrip("0") or "0"}


def _has_exactly(token: str, source: str) -> bool:
    """Return whether a folded text has the token, and not as a part of a longer number."""
    first, last = (r"(?<!\d)" if token[0].isdigit() else ""), r"(?!\d)"
    return token in source and bool(re.search(first + re.escape(token) + last, source))


def _find_names(text: str) -> Iterator[str]:
    capitals_mean = not is_in_language(text, "German")
    latin = sum(len(word) for word in _WORD.findall(text) if _LATIN.search(word))
    is_latin = latin * 2 >= width(letters(text))  # into others models put words of their own
    for word in _WORD.finditer(text):
        name = re.sub(r"['’]\w+$", "", word[0])
        inner = name[1:]
        if len(name) < 2 or any(map(str.isdigit, name)) or _ROMAN.fullmatch(name):
            continue
        is_odd = inner != inner.lower() or bool(_TWO_ALPHABETS.search(name))
        before = text[max(0, word.start() - _BEFORE) : word.start()]
        opens = _OPENS.search(before)
        is_name = name[0].isupper() and capitals_mean and not opens
        is_foreign = not is_latin and len(name) > 2 and _LATIN.search(name)
        is_headed = opens and "-" in name and name.istitle()  # Step-By-Step at the beginning
        if (is_odd and not is_headed) or is_name or is_foreign:
            yield name


def _has_name(name: str, answer: CheckedAnswer) -> bool:
    """Return whether the note has the name, its parts, or another form of it.

    Forms, such as an adjective or a case, are recognised by how they begin; only of names.
    """
    words, word = answer.source_words, fold_accents(name).removesuffix("s")
    parts = {fold_accents(part) for part in _CAMEL.findall(name)}
    known = words | find_words("names", "no_names")
    forms = {word, f"{word}s", f"{word}es", fold_accents(name), letters(name)}
    if forms & known or (parts and parts <= known):
        return True
    if len(word) >= _PART and any(each.startswith(word) or each.endswith(word) for each in words):
        return True
    if name.isupper() and letters(name) in _find_initials(f"{answer.title}\n{answer.text}"):
        return True
    shown = _WORD.findall(f"{answer.title}\n{answer.note}")
    names = (fold_accents(each) for each in shown if not each.islower())
    return any(_is_form(word, other) for other in names)


def _is_form(word: str, other: str) -> bool:
    same = max(_STEM, min(len(word), len(other)) - _ENDING)
    return len(other) >= _STEM and other[:same] == word[:same]


def _find_initials(text: str) -> str:
    """Return the first letters of the words of the text."""
    return "".join(token[0] for token in find_tokens(text))


def find_new_names(names: Sequence[str], answer: CheckedAnswer) -> list[str]:
    """Return the names, such as aliases, that note and context do not have.

    Nor are they the initials of the title.
    """
    text, initials = letters(answer.source), _find_initials(answer.title)
    known = {initials, f"{initials}s"} if len(initials) > 1 else set()
    return [
        name
        for name in names
        if letters(name).removesuffix("s") not in text and letters(name) not in known
    ]


def find_doubt(answer: CheckedAnswer) -> str:
    """Return in words why the user should see a text before it is written; empty: nothing.

    Something new is no doubt: a model may know more than the note says.
    """
    return (
        find_obeyed_order(answer)
        or find_address(answer)
        or find_other_subject(answer)
        or find_other_number(answer)
    )


_ON_SUBJECT = 0.2  # of the content words, from which on a text shares the note's subject
_NAMING = 0.12  # the same, where it has a part of the title only
_SHORT_NAME = re.compile(r"\b[A-Z][A-Z0-9]+\b")
_ENOUGH_WORDS = 6  # content words, below which nothing tells


def find_other_subject(answer: CheckedAnswer) -> str:
    """Return that the answer shares neither the title's words nor the note's; empty if it does."""
    stems, asked = set(find_stems(answer.text)), f"{answer.title}\n{answer.question}"
    titles = set(find_stems(asked)) or set(find_tokens(asked))
    said = stems | set(find_tokens(answer.text))
    short = {each.casefold() for each in _SHORT_NAME.findall(answer.title)}
    initials = {_find_initials(answer.title)} - {""}  # BGP, of the Border Gateway Protocol
    if said & (short | initials):
        return ""
    named = len(titles & said) / max(1, len(titles))
    other = answer.language and find_other_language(answer.words, answer.language)
    if len(stems) < _ENOUGH_WORDS or named >= 1 / 2 or other:
        return ""
    source = answer.source
    shared = sum(stem in source for stem in stems) / len(stems)
    if shared >= (_NAMING if named else _ON_SUBJECT):
        return ""
    return "is hardly about the note's subject"


_ADDRESS = re.compile(
    r"(?:https?://|\bwww\.)[^\s()<>\"”’]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
    r"|\b(?!asp\.net)[a-z0-9-]+(?:\.[a-z0-9-]+)*"
    r"\.(?:com|org|net|io|dev|app|xyz|info|biz|site|online|shop|ru|cn)\b(?:/[^\s()<>\"”’]*)?"
)


def find_address(answer: CheckedAnswer) -> str:
    """Return an address that is new, or that the answer sends its readers to; empty: none."""
    for sentence in find_sentences(answer.raw.split("\n")):
        for match in _ADDRESS.finditer(sentence):
            address = match[0].rstrip(".,;:")
            if address.casefold() in answer.title.casefold():
                continue
            if address not in answer.note or _is_order(sentence):
                return f"names an address ({address[:40]})"
    return ""


def _is_order(sentence: str) -> bool:
    return bool(compile_phrases(r"(?:<orders.imperatives>)").search(sentence.casefold()))


_OBEYED = 4, 7  # words of an order, and signs of scripts without spaces, that obeying repeats
_MAINLY = 0.6  # of an answer's words, in one sentence of the note


def find_obeyed_order(answer: CheckedAnswer) -> str:
    """Return the words of an instruction in the note that the answer follows; empty: none.

    That is what is said to a model, with the next sentence; or a step for the reader that is nearly
    the whole answer. An answer that begins by calling on its readers is as bad.
    """
    sentences = list(find_sentences(answer.note.split("\n")))
    pattern = compile_phrases(r"(?:<orders.to_models>)")
    orders, others = list[str](), [answer.title]
    follows = False
    for sentence in sentences:
        is_order = bool(pattern.search(sentence.casefold()))
        (orders if is_order or follows else others).append(sentence)
        follows = is_order
    if orders and (run := find_shared_run(answer.text, "\n".join(orders), others, _OBEYED)):
        return f"follows an instruction in the note (“{run}”)"
    if appeal := compile_phrases(r"\W*(?:<orders.appeals>)").match(answer.text.casefold()):
        return f"calls on its readers (“{appeal[0]}”)"
    begins = compile_phrases(r"\W*(?:<orders.imperatives>)")
    tokens = find_tokens(answer.text)
    if begins.match(answer.text.casefold()) and not begins.match(answer.title.casefold()):
        for sentence in sentences:
            words = set(find_tokens(sentence))
            if begins.match(sentence.casefold()) and (
                sum(token in words for token in tokens) >= _MAINLY * len(tokens)
            ):
                return "is a step from the note rather than about it"
    return ""


class _Place(NamedTuple):
    """A number in a text, with the words beside it."""

    readings: set[str]
    written: str
    before: str
    after: str
    around: set[str]


_AROUND = 40  # characters on both sides of a number
_FEWEST = 4  # letters of a word that says something


def find_other_number(answer: CheckedAnswer) -> str:
    """Return a number beside words that have only others in the note; empty: none."""
    titles = set(find_stems(answer.title))  # stand beside everything
    noted = list(_find_places(f"{answer.title}\n{answer.note}"))
    for place in _find_places(answer.text):
        same = [each for each in noted if _is_same_fact(place, each, titles)]
        if same and not any(place.readings & each.readings for each in same):
            return f"has {place.written} where the note has {same[0].written}"
    return ""


def _is_same_fact(one: _Place, other: _Place, titles: set[str]) -> bool:
    """Return whether a word beside the two numbers is the same, and another beside or around."""
    beside = ({one.after} & {other.after} | {one.before} & {other.before}) - {""}
    around = (one.around & other.around) - titles - set(find_stems(" ".join(beside)))
    return bool(beside) and len(beside) + len(around) > 1


def _find_places(text: str) -> Iterator[_Place]:
    for sentence in find_sentences(text.split("\n")):
        for match in _NUMBER.finditer(sentence):
            readings = _read_number(match[0])
            if readings - {"0", "1"}:
                left = sentence[max(0, match.start() - _AROUND) : match.start()]
                right = sentence[match.end() : match.end() + _AROUND]
                before, after = find_tokens(left)[::-1], find_tokens(right)
                short = (each.casefold() for each in _SHORT_NAME.findall(left + right))
                around = {*find_stems(left), *find_stems(right), *short}
                yield _Place(readings, match[0], _beside(before), _beside(after), around)


def _beside(tokens: Sequence[str]) -> str:
    """Return the first word that says something; in scripts without spaces, two signs."""
    if tokens and is_unspaced(tokens[0]):
        return "".join(tokens[:2])
    return next((each for each in tokens[:3] if len(each) >= _FEWEST and each.isalpha()), "")
