"""Answers in another language than the note's or the wanted one, and the language of a text."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from companion.enrich.checks.checked_answer import CheckedAnswer, Fault
from companion.enrich.phrases import compile_phrases
from companion.enrich.words import UNSPACED, count_unspaced

if TYPE_CHECKING:
    from lingua import LanguageDetector

# Code, English name and own name of the languages told apart; more would take more memory.
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
"""The languages that are told apart, by their English names."""

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

_ENOUGH = 40  # letters by which a language is known
_SIGN = 4  # letters that a sign of another script counts as: Latin names abound in them
_SHOWN = 1500  # characters of the note that are looked at
_SURE, _UNLIKELY = 0.75, 0.08
_SENTENCE = 70  # letters by which a language other than the neighbours' is known
_SURELY_CHINESE = 50  # signs without kana, by which a text is Chinese
_SURER, _UNLIKELIER = 0.95, 0.01  # with fewer letters, but at least half as many
_ABOUT_LANGUAGE = "<language.translate>|" + "|".join(
    rf"\b(?-i:{name})\b|" + (rf"\b{own}\b" if own[0] < "\u0900" else own)
    for _, name, own in _NAMES.values()
)


def find_wrong_language(answer: CheckedAnswer) -> Fault | None:
    """Return the fault of an answer in another language than the note's or the wanted one.

    Where there is too little text, only the scripts are compared. In a callout each paragraph is
    looked at. The answer to a question may be in the language of the question, and in any language
    where the question is about languages.
    """
    wanted = answer.language or _language_of_note(answer)
    if wanted is None or compile_phrases(_ABOUT_LANGUAGE, re.IGNORECASE).search(answer.question):
        return None
    allowed = {wanted, find_language(answer.question, "") or wanted}
    if allowed <= _UNLATIN and (run := _find_latin_words(answer)):
        return Fault("language", f"changes its language (“{run}”)", f"Write it all in {wanted}.")
    parts = [part for part in answer.text.split("\n\n") if len(part) > _ENOUGH]
    for text in [answer.text, *(parts if answer.is_prose else ())]:
        faults = [_compare_language(_remove_code(text), language) for language in sorted(allowed)]
        if all(faults):
            return faults[0]
    return None


def _find_latin_words(answer: CheckedAnswer) -> str:
    """Return a run of words in small Latin letters, most of which are not in the note."""
    known = set(_WORD.findall(f"{answer.title}\n{answer.note}\n{answer.question}".lower()))
    for run in _LATIN_WORDS.finditer(_remove_code(answer.text)):
        words = _WORD.findall(run[0])
        if len(known.intersection(words)) * 2 < len(words):
            return run[0][:_SHOWN_WORDS]
    return ""


def _compare_language(text: str, wanted: str) -> Fault | None:
    script = script_of(text, _ENOUGH // 2)
    is_known = wanted in LANGUAGES or wanted in dict(_SCRIPTS) or wanted == "Latin letters"
    if script is None or wanted == script or not is_known:
        return None
    if wanted not in _SPOKEN.get(script, {script}):
        return _make_fault(script, wanted)
    count = len(_ALPHABETIC.findall(text))
    if wanted not in LANGUAGES or count < _ENOUGH // 2:
        return None
    found = _detect(text)
    best = max(found, key=lambda name: found[name])
    sure, unlikely = (_SURE, _UNLIKELY) if count >= _ENOUGH else (_SURER, _UNLIKELIER)
    is_other = found[best] >= sure and found.get(wanted, 0.0) < unlikely
    return _make_fault(best, wanted) if is_other else None


def find_language(words: str, title: str, beside: str | None = None, body: str = "") -> str | None:
    """Return the English name of the language of a note's running text, None if that is too short.

    The text decides, if there is enough of it; else the language of the neighbours, if it is
    written in the script of the text. A title decides the script, and in Latin letters only if it
    is no name: if it has several words, not all with a capital.
    beside: the language of the notes in the folder. body: the note's whole text.
    """
    text = _remove_code(words[:_SHOWN])
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
        if _may_be_in(beside, text, title, body):
            return beside
        otherwise = "English"
    if count < _ENOUGH // 2:
        return otherwise
    best, share = max(_detect(own).items(), key=lambda item: item[1])
    return best if share >= (_SURE if count >= _ENOUGH else _SURER) else otherwise or beside


def _may_be_in(language: str, text: str, title: str, body: str) -> bool:
    """Return whether a note in Latin letters may be in a language of another script after all.

    It may where it has a sign of that script, or consists of names.
    """
    script = next((name for name, spoken in _SPOKEN.items() if language in spoken), language)
    signs = dict(_SCRIPTS).get(script)
    if signs and signs.search(text + title):
        return True
    if len(_ALPHABETIC.findall(text)) >= _SENTENCE:
        return False
    return bool(signs and signs.search(body)) or not _PHRASE.search(f"{text}\n{title}")


def script_of(text: str, least: int = 1) -> str | None:
    """Return the script of most of the text, None if that is too short; Han with kana is Japanese.

    least: the fewest letters; a sign of another script than Latin counts as four.
    """
    counts = {name: len(signs.findall(text)) for name, signs in _SCRIPTS}
    if counts["Japanese"] * 8 > counts["Chinese"]:
        counts["Japanese"] += counts.pop("Chinese")
    counts = {name: count * _SIGN for name, count in counts.items()}
    counts["Latin letters"] = len(_LATIN.findall(text))
    best = max(counts, key=lambda name: counts[name])
    return best if counts[best] >= least else None


def name_language(told: str) -> str:
    """Return the English name of a language given by its code, own name or English name."""
    wanted = told.strip().casefold()
    found = (name for name, row in _NAMES.items() if wanted in (row[0], row[2], name.casefold()))
    return next(found, told.strip())


def language_named(told: str) -> str | None:
    """Return the one of LANGUAGES that a name such as `Simplified Chinese` means, else None."""
    words = set(re.findall(r"\w+", told))
    return next((name for name in LANGUAGES if name in words), None)


def _language_of_note(answer: CheckedAnswer) -> str | None:
    """Return the language, or where nothing tells it, the script."""
    words = _remove_code(answer.words[:_SHOWN])
    return find_language(answer.words, answer.title) or script_of(words) or script_of(answer.title)


def _detect_beside(text: str, count: int, beside: str) -> str | None:
    """Return the language of text with count letters, None where it may be that of beside."""
    if count < _ENOUGH // 2:
        return None
    found = _detect(text)
    best, share = max(found.items(), key=lambda item: item[1])
    if count >= _SENTENCE:
        return best if share >= _SURE else None
    return best if share >= _SURER and found.get(beside, 0.0) < _UNLIKELIER else None


def _remove_code(text: str) -> str:
    return _CODE.sub(" ", text)


def _detect(text: str) -> dict[str, float]:
    """Return the probability of each language, 0 to 1."""
    values = _detector().compute_language_confidence_values(_NAME.sub(" ", text))
    return {value.language.name.title(): value.value for value in values}


@cache
def _detector() -> LanguageDetector:
    """Return lingua's detector, which loads its models with the first text."""
    from lingua import Language, LanguageDetectorBuilder

    wanted = [getattr(Language, name.upper()) for name in LANGUAGES]
    return LanguageDetectorBuilder.from_languages(*wanted).with_low_accuracy_mode().build()


def _make_fault(found: str, wanted: str) -> Fault:
    return Fault("language", f"is in {found}, not in {wanted}", f"Write it in {wanted}.")
