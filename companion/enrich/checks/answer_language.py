"""Is an answer in the language of the note, or in the one that was asked for?"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from companion.enrich.checks.checked_answer import CheckedAnswer, Fault
from companion.enrich.phrases import compile_phrases
from companion.enrich.words import UNSPACED, count_unspaced

if TYPE_CHECKING:
    from lingua import LanguageDetector

# The languages that are told apart (more take more memory): code, English name, own name.
_TABLE = """
ar Arabic العربية, bg Bulgarian български, ca Catalan català, zh Chinese 中文,
hr Croatian hrvatski, cs Czech čeština, da Danish dansk, nl Dutch nederlands, en English english,
fi Finnish suomi, fr French français, de German deutsch, el Greek ελληνικά, he Hebrew עברית,
hi Hindi हिन्दी, hu Hungarian magyar, id Indonesian indonesia, it Italian italiano,
ja Japanese 日本語, ko Korean 한국어, fa Persian فارسی, pl Polish polski, pt Portuguese português,
ro Romanian română, ru Russian русский, sk Slovak slovenčina, es Spanish español,
sv Swedish svenska, th Thai ไทย, tr Turkish türkçe, uk Ukrainian українська,
vi Vietnamese tiếng việt
"""
_NAMES = {row.split()[1]: row.split(maxsplit=2) for row in map(str.strip, _TABLE.split(","))}
LANGUAGES = tuple(_NAMES)
"""Which languages are told apart, by their English names."""

_SCRIPTS = (
    ("Japanese", re.compile("[\u3040-\u30ff]")),
    ("Chinese", re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")),
    ("Korean", re.compile("[\uac00-\ud7af\u1100-\u11ff]")),
    ("Cyrillic", re.compile("[\u0400-\u04ff]")),
    ("Greek", re.compile("[\u0370-\u03ff]")),
    ("Arabic script", re.compile("[\u0600-\u06ff]")),
    ("Hebrew", re.compile("[\u0590-\u05ff]")),
    ("Thai", re.compile("[\u0e00-\u0e7f]")),
    ("Hindi", re.compile("[\u0900-\u097f]")),
)
_SPOKEN = {
    "Cyrillic": {"Russian", "Ukrainian", "Bulgarian"},
    "Arabic script": {"Arabic", "Persian"},
}
_UNLATIN = {name for name, _ in _SCRIPTS}.union(*_SPOKEN.values())
_SPOKEN["Latin letters"] = set(LANGUAGES).difference(*_SPOKEN.values(), dict(_SCRIPTS))
_LIKELIEST = {"Cyrillic": "Russian", "Arabic script": "Arabic"}
_LETTERS = "A-Za-z\u00c0-\u024f"
_LATIN = re.compile(f"[{_LETTERS}]")
_ALPHABETIC = re.compile("[A-Za-z\u00c0-\u024f\u0400-\u04ff\u0600-\u06ff]")
_CODE = re.compile(r"`[^`\n]*`|(?<!\S)(?=\S*[/\\_@<>{}=])\S+")
_LATIN_WORDS = re.compile(r"(?<![A-Za-z-])[a-z]{1,20}(?: [a-z]{1,20}){5,}(?![A-Za-z-])")
_WORD = re.compile(r"[a-z]+")
_SMALL = "[a-z\u00df-\u024f]{2,20}"
# Two words, one of them in small letters: no name. In Chinese vaults, 97 of 108 notes that have a
# text of their own, and a name in Latin letters as title, are in Chinese.
_PHRASE = re.compile(
    rf"(?<![^\W_])(?:[{_LETTERS}]{{2,20}} {_SMALL}|{_SMALL} [{_LETTERS}]{{2,20}})(?![^\W_])"
)
_SHOWN_WORDS = 40  # characters
_NAME = re.compile(rf"(?<=[^\W{UNSPACED}] )[A-Z]\w*|\b\w*\d\w*\b")

_ENOUGH = 40  # letters of an alphabet that tell a language
_SIGN = 4  # letters that a sign of another script weighs: names in Latin letters abound in them
_SHOWN = 1500  # characters of the note that are looked at
_SURE, _UNLIKELY = 0.75, 0.08
_SENTENCE = 70  # letters that tell a language other than the one beside it
_SURELY_CHINESE = 50  # signs without one of kana
_SURER, _UNLIKELIER = 0.95, 0.01  # where there are fewer letters, but half as many
_ABOUT_LANGUAGE = "<language.translate>|" + "|".join(
    rf"\b(?-i:{name})\b|" + (rf"\b{own}\b" if own[0] < "\u0900" else own)
    for _, name, own in _NAMES.values()
)


def find_wrong_language(answer: CheckedAnswer) -> Fault | None:
    """Return the fault of an answer in another language than the note's, or than was asked for.

    Where there is too little text to tell, scripts alone are compared. Of a callout each paragraph
    counts. What answers a question may be in the question's language, or in any where that is
    what it asks for.
    """
    wanted = answer.language or _language_of_note(answer)
    if wanted is None or compile_phrases(_ABOUT_LANGUAGE, re.IGNORECASE).search(answer.question):
        return None
    allowed = {wanted, find_language(answer.question, "") or wanted}
    if allowed <= _UNLATIN and (run := _latin_words(answer)):
        return Fault("language", f"changes its language (“{run}”)", f"Write it all in {wanted}.")
    parts = [part for part in answer.text.split("\n\n") if len(part) > _ENOUGH]
    for text in [answer.text, *(parts if answer.is_prose else ())]:
        faults = [_compare(_running(text), language) for language in sorted(allowed)]
        if all(faults):
            return faults[0]
    return None


def _latin_words(answer: CheckedAnswer) -> str:
    """Return the words in a row in small Latin letters of which most are new to the note."""
    known = set(_WORD.findall(f"{answer.title}\n{answer.note}\n{answer.question}".lower()))
    for run in _LATIN_WORDS.finditer(_running(answer.text)):
        words = _WORD.findall(run[0])
        if len(known.intersection(words)) * 2 < len(words):
            return run[0][:_SHOWN_WORDS]
    return ""


def _compare(text: str, wanted: str) -> Fault | None:
    script = script_of(text, _ENOUGH // 2)
    is_known = wanted in LANGUAGES or wanted in dict(_SCRIPTS) or wanted == "Latin letters"
    if script is None or wanted == script or not is_known:
        return None
    if wanted not in _SPOKEN.get(script, {script}):
        return _wrong(script, wanted)
    count = len(_ALPHABETIC.findall(text))
    if wanted not in LANGUAGES or count < _ENOUGH // 2:
        return None
    found = _detect(text)
    best = max(found, key=lambda name: found[name])
    sure, unlikely = (_SURE, _UNLIKELY) if count >= _ENOUGH else (_SURER, _UNLIKELIER)
    is_other = found[best] >= sure and found.get(wanted, 0.0) < unlikely
    return _wrong(best, wanted) if is_other else None


def find_language(words: str, title: str, beside: str | None = None, body: str = "") -> str | None:
    """Return the English name of the language of a note's running text; None: too little to tell.

    beside: the language of the notes beside it. body: all of the note's text. Its own text tells,
    if there is enough; else its script, and of the languages written in that the one beside it. A
    title tells its script, and in Latin letters only what is no name: some words, not all of them
    with a capital.
    """
    text = _running(words[:_SHOWN])
    script = script_of(text) or script_of(title)
    if script == "Chinese":  # Han alone may be Japanese
        is_short = count_unspaced(text) < _SURELY_CHINESE
        is_japanese = script_of(title) == "Japanese" or (beside == "Japanese" and is_short)
        return "Japanese" if is_japanese else script
    if script is None or script not in _SPOKEN:
        return script or beside
    own = next(filter(_PHRASE.search, (text, title)), text)
    count = len(_ALPHABETIC.findall(own))
    if beside in _SPOKEN[script]:
        return _detect_beside(own, count, beside) or beside
    otherwise = _LIKELIEST.get(script)
    if beside and script == "Latin letters":
        if _may_be(beside, text, title, body):
            return beside
        otherwise = "English"
    if count < _ENOUGH // 2:
        return otherwise
    best, share = max(_detect(own).items(), key=lambda item: item[1])
    return best if share >= (_SURE if count >= _ENOUGH else _SURER) else otherwise or beside


def _may_be(language: str, text: str, title: str, body: str) -> bool:
    """Return whether a note in Latin letters may be in a language of another script after all.

    It is where a sign of that script stands in it, or nothing but names does.
    """
    script = next((name for name, spoken in _SPOKEN.items() if language in spoken), language)
    signs = dict(_SCRIPTS).get(script)
    if signs and signs.search(text + title):
        return True
    if len(_ALPHABETIC.findall(text)) >= _SENTENCE:
        return False
    return bool(signs and signs.search(body)) or not _PHRASE.search(f"{text}\n{title}")


def script_of(text: str, least: int = 1) -> str | None:
    """Return what most of the text is written in; Han with kana is Japanese. None: too little.

    least: letters there must be; a sign of another script than Latin weighs four.
    """
    counts = {name: len(signs.findall(text)) for name, signs in _SCRIPTS}
    if counts["Japanese"] * 8 > counts["Chinese"]:
        counts["Japanese"] += counts.pop("Chinese")
    counts = {name: count * _SIGN for name, count in counts.items()}
    counts["Latin letters"] = len(_LATIN.findall(text))
    best = max(counts, key=lambda name: counts[name])
    return best if counts[best] >= least else None


def name_language(told: str) -> str:
    """Return the English name of a language that a user named by its code, or by its own name."""
    wanted = told.strip().casefold()
    found = (name for name, row in _NAMES.items() if wanted in (row[0], row[2], name.casefold()))
    return next(found, told.strip())


def language_named(told: str) -> str | None:
    """Return which of LANGUAGES a name such as `Simplified Chinese` means; None: none of them."""
    words = set(re.findall(r"\w+", told))
    return next((name for name in LANGUAGES if name in words), None)


def _language_of_note(answer: CheckedAnswer) -> str | None:
    """Return the language, or where nothing tells it, the script."""
    words = _running(answer.words[:_SHOWN])
    return find_language(answer.words, answer.title) or script_of(words) or script_of(answer.title)


def _detect_beside(text: str, count: int, beside: str) -> str | None:
    """Return the language of text, of so many letters; None where it may well be that beside it."""
    if count < _ENOUGH // 2:
        return None
    found = _detect(text)
    best, share = max(found.items(), key=lambda item: item[1])
    if count >= _SENTENCE:
        return best if share >= _SURE else None
    return best if share >= _SURER and found.get(beside, 0.0) < _UNLIKELIER else None


def _running(text: str) -> str:
    return _CODE.sub(" ", text)


def _detect(text: str) -> dict[str, float]:
    """Return how likely each language is, 0 to 1."""
    values = _detector().compute_language_confidence_values(_NAME.sub(" ", text))
    return {value.language.name.title(): value.value for value in values}


@cache
def _detector() -> LanguageDetector:
    """Return lingua's detector; its models are read when it first sees a text."""
    from lingua import Language, LanguageDetectorBuilder

    wanted = [getattr(Language, name.upper()) for name in LANGUAGES]
    return LanguageDetectorBuilder.from_languages(*wanted).with_low_accuracy_mode().build()


def _wrong(found: str, wanted: str) -> Fault:
    return Fault("language", f"is in {found}, not in {wanted}", f"Write it in {wanted}.")
