"""What can be counted in an answer: likeness in words, runs that were copied, names, numbers."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from benchmarks.quality.first_sentence import plain, sentences

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
# Han, kana and Hangul are written without blanks, or mean something one by one: each is a word
_SIGN = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]")
_LETTERS = "A-Za-z0-9À-ɏ_"
_NUMBER = re.compile(rf"(?<![{_LETTERS}])\d+(?:[.,:]\d+)*(?![{_LETTERS}])")
_LATIN = re.compile(rf"[{_LETTERS}](?:[{_LETTERS}'’+#.-]*[{_LETTERS}+#])?")
_POSSESSIVE = re.compile(r"['’]s?$")
_FRONT = re.compile(r"^[\s>*_\"'“‘(\[-]+")
_NO_NAMES = frozenset(["I", "I'm", "I've", "I'll", "I'd", "A", "OK"])


def words(text: str) -> list[str]:
    """Return the words of the text, casefolded; each Chinese, Japanese, Korean sign is one."""
    spaced = _SIGN.sub(r" \g<0> ", unicodedata.normalize("NFKC", text))
    return [found.casefold() for found in _WORD.findall(spaced)]


def rouge_l(answer: str, reference: str) -> float:
    """Return ROUGE-L, 0 to 1: F1 over the longest common subsequence of words (Lin 2004)."""
    mine, theirs = words(answer), words(reference)
    common = _common_length(mine, theirs)
    return 2 * common / (len(mine) + len(theirs)) if common else 0.0


def longest_copied(answer: str, source: str) -> list[str]:
    """Return the longest run of words in the answer that stands in the source, too."""
    mine, theirs = words(plain(answer)), words(plain(source))
    before, longest, end = [0] * (len(theirs) + 1), 0, 0
    for place, word in enumerate(mine, 1):
        row = [0] * (len(theirs) + 1)
        for other, same in enumerate(theirs, 1):
            if word == same:
                row[other] = before[other - 1] + 1
                if row[other] > longest:
                    longest, end = row[other], place
        before = row
    return mine[end - longest : end]


def find_names(text: str) -> list[str]:
    """Return the names and numbers in the text, each once, as written.

    Names: in Latin letters, words with a capital that is not due to the place at the beginning of
    a sentence, or with a digit; in a text without blanks, every word in Latin letters.
    """
    return list(dict.fromkeys((*_names(plain(text)), *_NUMBER.findall(text))))


def absent_names(answer: str, source: str) -> list[str]:
    """Return the names and numbers of the answer that do not stand in the source.

    The case is not looked at, nor the ending of a plural or genitive.
    """
    known = _normal(source)
    return [
        name
        for name in find_names(answer)
        if not any(_stands_in(form, known) for form in _forms(name))
    ]


def _names(text: str) -> Iterator[str]:
    is_joined = len(_SIGN.findall(text)) * 5 > len(text)
    for sentence in (part for line in text.split("\n") for part in sentences(line)):
        begin = _FRONT.sub("", sentence)
        offset = len(sentence) - len(begin)
        for found in _LATIN.finditer(sentence):
            word = _POSSESSIVE.sub("", found[0])
            if not any(map(str.isalpha, word)) or word in _NO_NAMES:
                continue
            is_marked = any(sign.isupper() or sign.isdigit() for sign in word[1:])
            is_first = found.start() == offset
            if is_marked or is_joined or (word[0].isupper() and not is_first):
                yield word


def _forms(name: str) -> Iterator[str]:
    form = _normal(name)
    yield form
    if len(form) > 3 and form.endswith("s"):
        yield form[:-1]
    if form.endswith("es") and len(form) > 4:
        yield form[:-2]
    if "-" in form and all(part.isalpha() for part in form.split("-")):
        yield form.replace("-", " ")


def _stands_in(form: str, known: str) -> bool:
    """Return whether it is there: a number or a short name by itself, a longer one also joined."""
    if len(form) > 3 and not form[0].isdigit():
        return form in known
    return bool(re.search(rf"(?<![a-z0-9]){re.escape(form)}(?![a-z0-9])", known))


def _normal(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _common_length(a: Sequence[str], b: Sequence[str]) -> int:
    row = [0] * (len(b) + 1)
    for word in a:
        corner = 0
        for place, other in enumerate(b, 1):
            above = row[place]
            row[place] = corner + 1 if word == other else max(above, row[place - 1])
            corner = above
    return row[-1]
