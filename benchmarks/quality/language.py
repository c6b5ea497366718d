"""Which language a text is written in."""

from __future__ import annotations

import re
from functools import cache

from lingua import IsoCode639_1, LanguageDetector, LanguageDetectorBuilder

from benchmarks.quality.first_sentence import plain
from companion.note.parsed_note import ParsedNote

# Those that notes may be in; among all 75, “Canvas is a core plugin” is Finnish.
_LANGUAGES = ("EN", "ZH", "ES", "DE", "RU", "JA", "FR", "PT", "IT", "NL", "KO")
_LOOKED_AT = 2000  # characters that tell the language of a note
_ENOUGH = 60  # letters, without which nothing does: "Paul Chambers" is Dutch
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_KANA = re.compile(r"[\u3040-\u30ff]")


def language_of(text: str) -> str:
    """Return the language, as `en`; empty where nothing tells.

    Han signs decide where they are a tenth of the text: Chinese notes on computers are full of
    English words, and one such sign says as much as a word.
    """
    signs = len(_HAN.findall(text))
    if signs * 10 >= max(1, len(text)):
        return "ja" if _KANA.search(text) else "zh"
    found = _detector().detect_language_of(text)
    return found.iso_code_639_1.name.lower() if found else ""


def language_of_note(view: ParsedNote, title: str) -> str:
    """Return the language of the note's running text, as `en`; empty where it has too little."""
    lines = (plain(line.visible) for line in view.lines if line.kind in ("text", "heading"))
    text = "\n".join(filter(None, lines))[:_LOOKED_AT]
    if not _HAN.search(text or title) and sum(map(str.isalpha, text)) < _ENOUGH:
        return ""
    return language_of(text or title)


@cache
def _detector() -> LanguageDetector:
    codes = [getattr(IsoCode639_1, code) for code in _LANGUAGES]
    return LanguageDetectorBuilder.from_iso_codes_639_1(*codes).build()
