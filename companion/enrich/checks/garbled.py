"""Words that a model put together wrongly: of two alphabets, or two words without a blank."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from companion.enrich.checks.checked_answer import CheckedAnswer, Fault
from companion.enrich.checks.shape import without_code
from companion.enrich.words import UNSPACED, count_unspaced, find_tokens, letters, width

_LATIN = "A-Za-z\u00c0-\u024f"
_WORD = re.compile(rf"[{_LATIN}\u0370-\u04ff]+")  # letters that have blanks between words
_LINK_OR_CODE = re.compile(r"\[\[[^\[\]]*\]\]|`[^`\n]*`|\S*[/@]\S*")
_MIXED = re.compile(rf"[{_LATIN}][\u0400-\u04ff]|[\u0400-\u04ff][{_LATIN}]")
# A Korean word may end in capitals, a unit or what stands between two: `주주A`, `수십km`.
# What begins in other letters may end in Hangul: `app은`, `T셔츠`, `3D프린터`. Of Greek, one letter
# stands in names and formulas: `TGFβ`, `ΔG`.
_HANGUL = "\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3"
_GREEK = "\u0370-\u03ff"
_OTHER_LETTERS = f"{_GREEK}\u0400-\u09ff\u0e00-\u0eff\u3040-\u30ff"
_MAY_FOLLOW = r"(?:[kcm]?[mgl]|[km]?[bw]|[kmg]?hz|kcal|kwh|px|rpm|ppm|vs|ver|feat)(?![a-z])"
_TWO_SCRIPTS = re.compile(
    rf"\b[{_HANGUL}]+(?!{_MAY_FOLLOW})(?:[a-z]{{2}}|[{_OTHER_LETTERS}])\w*"
    rf"|\b[{_LATIN}]+[{_GREEK}]{{2}}\w*|\b[{_GREEK}]{{2,}}[{_LATIN}]\w*"
)
_IN_LATIN = re.compile(rf"[{_LATIN}]+(?:[^\w\n]+[{_LATIN}]+)*")  # words side by side
# English that a model falls into in the middle of a Russian or Chinese sentence.
_ENGLISH = """
an and any are for from in is it of on or that the this to with
"""
_FALLEN_INTO = frozenset(_ENGLISH.split())
# In Russian also these; other words alone are names, as nginx and numpy.
_NO_NAMES = """
ability about above according achieve across actually additional after again all allows almost also
although always among amount another approach area aspect back based because become been before
being belief benefit better between body both but came can cannot challenge change common complex
concept condition connection consider contains could crucial culture development different
difficult discuss does each early effect effective effort emotion enough essential even every
everything example experience explain explore feature feeling few find first focus form found full
fundamental gave general give goal good great group grow growth had happen has have health help
here high history how however human idea impact importance important improve include includes
including increase individual influence information instead into its itself just kind knowledge
known language large last later learn learning less level life like long made main make many
matter may mean meaning means method mind moment more most mostly much must natural nature need
never new not nothing now often once one only order other others our over own part particular
people perhaps person place possible power practice principle problem process produce provide
provides purpose quality rather reach reason relationship require research result role said same
say see seem sense several shape share should show similar simple simply since skill small social
society some something sometimes specific state step still strategy strong structure success such
take task technique tend than their them themselves then theory there therefore these they thing
things think those thought three through throughout thus time together too tool toward towards
truth two type typically under understand understanding until upon used useful using usually value
various very want was water ways well went were what when where whether which while who whole why
widely will within without word words work world would year years yet you your
"""
_IN_RUSSIAN = _FALLEN_INTO | frozenset(_NO_NAMES.split())
# What stands beside a keyword: `for 循环`, `оператор and`.
_OF_CODE = re.compile(
    r"循环|迴圈|语句|語句|函数|函式|関数|变量|变数|変数|关键字|关键词|キーワード|运算|运行|操作符|演算子|"
    r"指向|命令|代码|コード|类型|型|参数|引数|方法|メソッド|对象|字段|属性|标签|构文|構文|文を|文や|文は|文の|"
    r"ключев|слов[оа]м?\b|цикл|операто|операци|услови|инструкц|функци|метод|команд|переменн|параметр"
    r"|аргумент|тип[ауеы]?\b|пол[еяю]\b|тег|класс|атрибут|свойств|ветк|папк|файл|модул|пакет|утилит"
    r"|библиотек|ключ|флаг|опци",
    re.IGNORECASE,
)
_GLUED = re.compile(f"[{UNSPACED}]{{2}}")
_BESIDE = 24, 8  # characters before and after that are looked at
_SHORTEST = 2, 3  # letters of two words that are parted: `ofblue`, but not `into`


def find_garbled(answer: CheckedAnswer) -> Fault | None:
    """Return the fault of an answer with a word of two alphabets, or fallen into English.

    The first: a Russian word with a Latin letter, a Korean one that goes on in them. The second,
    alone in a text that is not in Latin letters: `any事物`; in Russian any common word, for Chinese
    is full of English. Not of what the note has itself, unless it tears a word of the note apart
    (`事any物`), nor of keywords and code, nor of what answers a question.
    """
    if answer.question:
        return None
    text = without_code(answer.text)
    words = _WORD.findall(text)
    latin = sum(len(word) for word in words if word.isascii())
    odd = [word for word in words if _MIXED.search(word)]
    own = f"{answer.title}\n{answer.note}"
    odd += [word for word in _TWO_SCRIPTS.findall(text) if word not in own]
    if latin * 2 < width(letters(text)):
        is_russian = sum(map(len, words)) - latin > count_unspaced(text)
        odd += _find_english(text, _IN_RUSSIAN if is_russian else _FALLEN_INTO)
    known = set(find_tokens(own)) if odd else set()
    for word in odd:
        if word.casefold() not in known or _tears(word, text, answer.note):
            retry = "Write whole words, all in the same language."
            return Fault("garbled", f"has a word that is none (“{word}”)", retry)
    return None


def _find_english(text: str, common: frozenset[str]) -> Iterator[str]:
    """Yield the common words that stand alone, but for keywords of a program."""
    for run in _IN_LATIN.finditer(text):
        start, end = run.span()
        if run[0] in common and not _OF_CODE.search(_beside(text, start, end)):
            yield run[0]


def _beside(text: str, start: int, end: int) -> str:
    """Return what stands around; of a word glued on both sides, only what touches it."""
    sides = text[start - 1 : start] + text[end : end + 1]
    before, after = (2, 2) if _GLUED.fullmatch(sides) else _BESIDE
    return f"{text[max(0, start - before) : start]} {text[end : end + after]}"


def _tears(word: str, text: str, note: str) -> bool:
    """Return whether it is between Chinese signs that the note has together, and not so there."""
    around = re.search(f"([{UNSPACED}]){word}([{UNSPACED}])", text)
    if not around:
        return False
    before, after, joined = *around.groups(), note.replace(" ", "")
    return before + after in note and before + word not in joined and word + after not in joined


def part_words(text: str, note: str) -> str:
    """Return a callout's text with a blank back in words such as `Obsidianvaults`.

    Where the note, or the text, has the two words side by side, after the same word, and nowhere
    the one. Models that are kept from saying them again leave out the blank.
    """
    ends = _find_pairs(note) | _find_pairs(text)
    known = {word.lower() for word in _WORD.findall(note)}
    kept = [(0, 0), *(match.span() for match in _LINK_OR_CODE.finditer(text))]
    parts = []
    for (start, end), (following, _) in pairwise([*kept, (len(text), 0)]):
        parts += [text[start:end], _part(text[end:following], ends, known)]
    return "".join(parts)


def _part(text: str, ends: dict[tuple[str, str], int], known: set[str]) -> str:
    before = ""

    def parted(match: re.Match[str]) -> str:
        nonlocal before
        word = match[0]
        end = 0 if word.lower() in known else ends.get((before, word.lower()), 0)
        before = word[end:].lower()
        return f"{word[:end]} {word[end:]}" if end else word

    return _WORD.sub(parted, text)


def _find_pairs(text: str) -> dict[tuple[str, str], int]:
    """Return where two words meet that follow a third, by that one and the two put together."""
    words = list(_WORD.finditer(text))
    found = {}
    for first, second, third in zip(words, words[1:], words[2:], strict=False):
        between = text[first.end() : second.start()], text[second.end() : third.start()]
        are_long = len(second[0]) >= _SHORTEST[0] and len(third[0]) >= _SHORTEST[1]
        if between == (" ", " ") and are_long:
            found[first[0].lower(), (second[0] + third[0]).lower()] = len(second[0])
    return found
