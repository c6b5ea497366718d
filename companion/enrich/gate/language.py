"""Is an answer in the language of the note, or in the one that was asked for?"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from companion.enrich.gate.said import Fault, Said
from companion.enrich.gate.tokens import UNSPACED

if TYPE_CHECKING:
    from lingua import LanguageDetector

_NAMES = """
Arabic Bulgarian Chinese Croatian Czech Danish Dutch English Finnish French German Greek Hebrew
Hindi Hungarian Indonesian Italian Japanese Korean Persian Polish Portuguese Romanian Russian
Slovak Spanish Swedish Thai Turkish Ukrainian Vietnamese
"""
LANGUAGES = tuple(_NAMES.split())
"""Which languages are told apart, by their English names; more take more memory."""

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
_IN_SCRIPT = {
    "Cyrillic": {"Russian", "Ukrainian", "Bulgarian"},
    "Arabic script": {"Arabic", "Persian"},
}
_LATIN = re.compile("[A-Za-z\u00c0-\u024f]")
_CODE = re.compile(r"`[^`\n]*`|\S*[/\\_@<>{}=]\S*|https?:\S+")
_NAME = re.compile(rf"(?<=[^\W{UNSPACED}] )[A-Z]\w*|\b\w*\d\w*\b")

_ENOUGH = 40  # letters of an alphabet that tell a language; of other scripts, a tenth
_SHOWN = 1500  # characters of the note that are looked at
_SURE, _UNLIKELY = 0.75, 0.08


def find_wrong_language(said: Said) -> Fault | None:
    """Return the fault of an answer in another language than the note's, or than was asked for.

    Where there is too little text to tell, scripts alone are compared. None for the answer to a
    question, which may ask for a language.
    """
    if said.question:
        return None
    text = _running(said.text)
    script = _script(text)
    wanted = said.language or _language_of_note(said)
    if wanted is None or script is None:
        return None
    if script != "Latin":
        spoken = _IN_SCRIPT.get(script, {script})
        return None if wanted in spoken or wanted == script else _wrong(script, wanted)
    if wanted in {name for name, _ in _SCRIPTS} or any(wanted in s for s in _IN_SCRIPT.values()):
        return _wrong("Latin letters", wanted)
    if len(_LATIN.findall(text)) < _ENOUGH or wanted not in LANGUAGES:
        return None
    found = _detect(text)
    likely = found.get(wanted, 0.0)
    best = max(found, key=lambda name: found[name])
    return _wrong(best, wanted) if found[best] >= _SURE and likely < _UNLIKELY else None


def find_language(words: str, title: str) -> str | None:
    """Return the English name of the language of a note's running text; None: too little to tell.

    The title tells it only by its script.
    """
    text = _running(words[:_SHOWN])
    script = _script(text) or _script(title)
    if script is None or script not in ("Latin", *_IN_SCRIPT):
        return script
    if sum(map(str.isalpha, text)) < 2 * _ENOUGH:
        return None
    found = _detect(text)
    best = max(found, key=lambda name: found[name])
    return best if found[best] >= _SURE else None


def _language_of_note(said: Said) -> str | None:
    """Return the language, or where nothing tells it, the script."""
    words = _running(said.words[:_SHOWN])
    script = _script(words) or _script(said.title)
    found = find_language(said.words, said.title)
    return found if found or script == "Latin" else script


def _script(text: str) -> str | None:
    """Return what most of the text is written in; Han with kana is Japanese. None: too little."""
    counts = {name: len(signs.findall(text)) for name, signs in _SCRIPTS}
    if counts["Japanese"] * 8 > counts["Chinese"]:
        counts["Japanese"] += counts.pop("Chinese")
    counts = {name: count * 4 for name, count in counts.items()}  # names in Latin letters abound
    counts["Latin"] = len(_LATIN.findall(text))
    best = max(counts, key=lambda name: counts[name])
    return best if counts[best] >= (_ENOUGH // 2) else None


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
