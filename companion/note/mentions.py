"""Where a name in Chinese signs is a word of its own, though no spaces part the words of Chinese.

A name of two or three signs is often part of another word (活着 in 生活着, 面包 in 面包车). So it
has to stand by itself: next to it is no Chinese sign, or one of those that join words. Longer
names are rarely anything else. The rules are ours, found by reading links in two Chinese vaults;
they rather leave a mention alone. Kana are no Chinese signs: they part the words of Japanese.
"""

from __future__ import annotations

import re
import unicodedata
from enum import Enum, auto

_SHORT = 3  # signs; a name of more is looked for within a sentence

_HAN = "\u3005-\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_IS_HAN = re.compile(f"[{_HAN}]")
_TWO = re.compile(f"[{_HAN}]{{2}}")
_HEAD = re.compile(f"[{_HAN}]+")
_TAIL = re.compile(f"[{_HAN}]+\\Z")

# Words of one sign that stand before or behind a noun, in simplified and traditional signs. None
# that follows verbs as well (游走在, 升级了, 坠落到). Behind 的, two signs are mostly an ordinary
# word (自己的对手), three a name (系统的上下文).
_BEFORE_TWO = frozenset("是在和与與或及了有为為从從到于於把以如像跟但且则則即也")
_BEFORE_THREE = _BEFORE_TWO | {"的"}
_BEHIND = frozenset("的是和与與或及等有从從把被将將中里裡也就而但且却卻吗嗎呢啊之")
_ENDS_A_WORD = re.compile(  # 行为艺术, 公有云, 饱和度: the sign joins nothing
    "(?:目的|[行人华華][为為]|[公私国國共专專稀]有|[共饱飽中总總温溫柔]和|正在|[规規原法准]则|[图圖影]像)\\Z"
)
_SUFFIXES = frozenset("器者员員性化率型度师師论論法")  # 文件管理器: another word than the name

# What chapters of any book are called; such a name means no note in particular.
_HEADING = re.compile(
    "前言|总结|概述|简介|目录|附录"
    "|(?:基本|基础|常用|常见|高级|进阶|入门|发展|历史|背景|安装|配置|设置|使用|操作|概念|概述|简介|介绍|语法|命令"
    "|方法|技巧|指南|手册|参考|资料|说明|示例|问题|总结|前言|目录|附录|特性|特点|功能){2,}"
)

_LINK_OPENING = re.compile(r"\[\[(?:[^\[\]|\n]*\|)?")


def is_two_cjk(name: str) -> bool:
    """Whether name is two Chinese signs."""
    return bool(_TWO.fullmatch(name))


def is_chapter_heading(name: str) -> bool:
    """Whether name is what a chapter may be called in any book: 前言, 基本概念, 发展历史."""
    return bool(_HEADING.fullmatch(name))


def is_whole_cjk_word(text: str, start: int, end: int) -> bool:
    """Whether the Chinese signs at both ends of text[start:end] are words of their own.

    A link next to it counts as the words it shows.
    """
    name = text[start:end]
    head, tail = _HEAD.match(name), _TAIL.search(name)
    return not (
        (head and not _may_begin(_before(text, start), len(head[0])))
        or (tail and not _may_end(_behind(text, end), len(tail[0])))
    )


def is_in_title_marks(text: str, start: int, end: int) -> bool:
    """Whether text[start:end] stands between book marks: 《黑暗》."""
    return (_before(text, start)[-1:], _behind(text, end)) in (("《", "》"), ("〈", "〉"))


def _may_begin(before: str, signs: int) -> bool:
    if not before or signs > _SHORT:
        return True
    if not _IS_HAN.match(before[-1]):
        return not before[-1].isdigit()  # 3 月球
    joining = _BEFORE_THREE if signs == _SHORT else _BEFORE_TWO
    return before[-1] in joining and not _ENDS_A_WORD.search(before)


def _may_end(behind: str, signs: int) -> bool:
    if not _IS_HAN.match(behind):
        return True
    return behind not in _SUFFIXES if signs > _SHORT else behind in _BEHIND


def _before(text: str, start: int) -> str:
    """Return the two characters before start, without the ends of links."""
    return text[max(0, start - 6) : start].replace("]", "")[-2:]


def _behind(text: str, end: int) -> str:
    """Return the character at end, or the first one that the link there shows."""
    link = _LINK_OPENING.match(text, end)
    at = link.end() if link else end
    return text[at : at + 1]


# Scripts written without spaces, so that any place is the end of a word: Thai, Lao, Tibetan,
# Myanmar, Khmer, kana, Han. Korean puts particles behind a word without a space.
_UNSPACED = "\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3005-\u30ff\u3400-\u9fff\uf900-\ufaff"
_UNSPACED += "\uff66-\uff9f\U00020000-\U0003ffff"
_HANGUL = "\uac00-\ud7a3"
_IS_UNSPACED = re.compile(f"[{_UNSPACED}]")
_IS_KATAKANA = re.compile("[\u30a1-\u30fa\u30fc-\u30ff\uff66-\uff9f]")
_IS_CHARACTER = re.compile(f"[{_UNSPACED}{_HANGUL}]")

_JOINERS = "-./_'\u2019\u2011"  # between two letters they make one word: GPT-4, obsidian.md, don't
_POSSESSIVE = re.compile(r"['\u2019]s(?!\w)")

# Obsidian warns of # | ^ : %% [[ ]] in links (Help, "Internal links"). The others are active
# Markdown, HTML, math or template syntax, and would be so inside a link too.
_UNSAFE = re.compile(r"[\[\]|#^:\\`$<>*@]|%%|\{\{|==|~~|&#?\w+;")

_NO_LINK_BEFORE = re.compile(r"[(\]@]|\[(?!\[)")

_SENTENCE_END = "\n.!?:;\u2026\u3002\uff01\uff1f\uff1a\uff1b"
_OPENERS = (
    " \t*_~=\"'([>]-+\u2013\u2014\u2022\u00a1\u00bf\u00ab\u201c\u2018\u201e\uff08\u300c\u300e"
)
_LONG_WORD = 10  # letters; below it many ordinary words carry a note's name: Home, Daily, Reference


class Spelling(Enum):
    """How a name may be written to count as a mention."""

    NEVER = auto()
    EXACT = auto()
    """As the name is: LLM, JavaScript, GPT-4, "To Do"."""
    CAPITALISED = auto()
    """As the name is and not where every word has a capital, at the start of a sentence: Home."""
    WORD = auto()
    """As the name is, provided few other notes have the word in their names: the alias entropy."""
    LONG_WORD = auto()
    """With or without its capital, with the same proviso: Photosynthesis."""
    INITIALS = auto()
    """Every word with or without its capital: Machine Learning."""
    TITLE_MARKS = auto()
    """As the name is, between book marks: the alias 黑暗 of a film's note."""


def spelling_of(name: str, is_alias: bool = False) -> Spelling:
    """Return how name may be written.

    Names under four letters have to be acronyms in capitals; names in Chinese, Japanese, Korean,
    Thai and their like need two characters. A short word in lower case has to be an alias: file
    names are often in lower case whatever the word (nothing, join, quickly). An alias of two
    Chinese signs is mostly an ordinary word. Names without a letter (2024, 2024-05-01) are never
    mentions, nor are names that cannot stand in a link, nor what any chapter is called in Chinese
    (前言, 基本概念).
    """
    characters = len(_IS_CHARACTER.findall(name))
    if not is_safe(name) or not name[0].isalnum() or name[-1] in _JOINERS:
        return Spelling.NEVER
    if not any(map(str.isalpha, name)) or is_chapter_heading(name):
        return Spelling.NEVER
    if is_alias and is_two_cjk(name):
        return Spelling.TITLE_MARKS
    if characters >= 2:
        return Spelling.WORD if len(name) == 2 else Spelling.INITIALS
    letters = sum(map(str.isalnum, name))
    if letters < 4:
        return Spelling.EXACT if letters >= 2 and name.isupper() else Spelling.NEVER
    return _phrase(name) if " " in name else _single(name, is_alias)


def _phrase(name: str) -> Spelling:
    """Two words of four letters or more are a phrase of its own; "To Do" is one by its capitals."""
    if sum(len(word) >= 4 for word in name.split(" ")) >= 2:
        return Spelling.INITIALS
    return Spelling.NEVER if name.islower() else Spelling.EXACT


def _single(name: str, is_alias: bool) -> Spelling:
    if name[1:] != name[1:].lower() or any(map(str.isdigit, name)):
        return Spelling.EXACT
    if len(name) >= _LONG_WORD:
        return Spelling.LONG_WORD
    if name[0] != name[0].lower():
        return Spelling.CAPITALISED
    return Spelling.WORD if is_alias else Spelling.NEVER


def is_safe(name: str) -> bool:
    """Whether name can stand in a link: visible, in one line, without link or active syntax."""
    return bool(name) and name.isprintable() and name == name.strip() and not _UNSAFE.search(name)


def matches_spelling(name: str, spelling: Spelling, written: str, text: str, start: int) -> bool:
    """Whether written, at text[start:], is name by its spelling rule. Both are equal if folded."""
    end = start + len(written)
    if spelling is Spelling.TITLE_MARKS:
        return is_in_title_marks(text, start, end)
    return _is_spelled(name, spelling, written, text, start) and is_whole_cjk_word(text, start, end)


def _is_spelled(name: str, spelling: Spelling, written: str, text: str, start: int) -> bool:
    match spelling:
        case Spelling.EXACT | Spelling.WORD:
            return plain_punctuation(written) == plain_punctuation(name)
        case Spelling.CAPITALISED:
            return written == name and not _opens_sentence(text, start)
        case Spelling.INITIALS | Spelling.LONG_WORD:
            return _differ_in_initials(name, written)
        case _:
            return False


def _differ_in_initials(name: str, written: str) -> bool:
    pairs = zip(
        " " + plain_punctuation(name),
        plain_punctuation(name),
        plain_punctuation(written),
        strict=False,
    )
    return all(a == b or not before.isalnum() for before, a, b in pairs)


def _opens_sentence(text: str, start: int) -> bool:
    before = text[max(0, start - 24) : start].rstrip(_OPENERS)
    return not before or before[-1] in _SENTENCE_END


def can_be_link(text: str, start: int, end: int) -> bool:
    """Whether text[start:end] is whole words, and a link put there would be nothing but a link.

    An exclamation mark before it makes an embed, a parenthesis after it a Markdown link. A link
    before it counts as the words it shows, so that a second run sees what the first one saw.
    """
    before = text[max(0, start - 6) : start].rstrip("]")
    after = text[end : end + 6].replace("\\", "")
    if before.endswith(("\\", "!", "[", "#", "^", "@")) or _NO_LINK_BEFORE.match(after):
        return False
    return not (_joins_before(before, text[start]) or _joins_after(text[end - 1], after))


def _joins_before(before: str, first: str) -> bool:
    bare = before.rstrip(_JOINERS + "\\")
    joiners = before[len(bare) :]
    bare = bare.rstrip("]")
    if not bare or not _is_letter(bare[-1]):
        return False
    if joiners:
        return joiners not in ("'", "\u2019")  # l'entropie: an elided article
    return not _may_part(bare[-1], first)


def _joins_after(last: str, after: str) -> bool:
    bare = after.lstrip(_JOINERS)
    if not bare:
        return False
    if bare != after:
        return (_is_letter(bare[0]) or bare[0] == "[") and not _POSSESSIVE.match(after)
    if not _is_letter(bare[0]):
        return False
    # A vowel sign or accent belongs to the letter before it.
    is_mark = unicodedata.category(bare[0])[0] == "M"
    return is_mark or (_is_letter(last) and not _mention_may_end(last, bare[0]))


def _mention_may_end(last: str, after: str) -> bool:
    return _may_part(last, after) or bool(re.match(f"[{_HANGUL}]", last))


def _may_part(left: str, right: str) -> bool:
    """Whether a word may end between two letters: in unspaced scripts, but not inside katakana."""
    if _IS_KATAKANA.match(left) and _IS_KATAKANA.match(right):
        return False
    return bool(_IS_UNSPACED.match(left) or _IS_UNSPACED.match(right))


def _is_letter(char: str) -> bool:
    return char.isalnum() or unicodedata.category(char)[0] == "M"


_MARKS = str.maketrans({"\u2019": "'", "\u2011": "-", "\u00a0": " ", "\u202f": " "})


def plain_punctuation(text: str) -> str:
    """Return text, of the same length, with plain apostrophes, hyphens and spaces."""
    return text.translate(_MARKS)


def fold(text: str) -> str:
    """Return text, of the same length, without case and typographic marks."""
    return plain_punctuation(text.replace("\u0130", "I")).lower()
