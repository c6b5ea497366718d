"""Mentions: where a text uses a note's name as a word of its own.

Chinese has no spaces between words, so a name of two or three Chinese characters is often part of
another word (活着 in 生活着, 面包 in 面包车). It counts only if the characters next to it are not
Chinese, or are ones that join words. Longer names are rarely anything else, unless the text shows
that another word ends where they begin (资源管理 in 人力资源管理, beside 人力资源部). The rules
are our own, from reading the links in two Chinese vaults, and miss a mention rather than make a
false one. Kana do not count as Chinese characters: they separate the words of Japanese.
"""

from __future__ import annotations

import re
import unicodedata
from enum import Enum, auto

_MAX_SHORT = 3  # Chinese characters; longer names count within a sentence, too
_NEARBY = 2_000  # characters of the text on either side that tell of its words

# Patterns of so many characters take a millisecond each to compile: they are compiled when used.
_HAN = "[\u3005-\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"

# Words of one character that come before or after a noun, in simplified and traditional script.
# None that also follows verbs (游走在, 升级了, 坠落到). After 的, two characters are mostly an
# ordinary word (自己的对手), three a name (系统的上下文).
_BEFORE_TWO = frozenset("是在和与與或及了有为為从從到于於把以如像跟但且则則即也")
_BEFORE_THREE = _BEFORE_TWO | {"的"}
_AFTER = frozenset("的是和与與或及等有从從把被将將中里裡也就而但且却卻吗嗎呢啊之")
_ENDS_A_WORD = re.compile(  # 行为艺术, 公有云, 饱和度: here the character joins nothing
    "(?:目的|[行人华華][为為]|[公私国國共专專稀]有|[共饱飽中总總温溫柔]和|正在|[规規原法准]则|[图圖影]像)\\Z"
)
_SUFFIXES = frozenset("器者员員性化率型度师師论論法")  # 文件管理器: another word than the name

# Titles of chapters in any book, which mean no note in particular: 前言, 基本概念, 发展历史.
_CHAPTER_HEADING = re.compile(
    "前言|总结|概述|简介|目录|附录"
    "|(?:基本|基础|常用|常见|高级|进阶|入门|发展|历史|背景|安装|配置|设置|使用|操作|概念|概述|简介|介绍|语法|命令"
    "|方法|技巧|指南|手册|参考|资料|说明|示例|问题|总结|前言|目录|附录|特性|特点|功能){2,}"
)

_LINK_OPENING = re.compile(r"\[\[(?:[^\[\]|\n]*\|)?")


def _is_whole_cjk_word(text: str, start: int, end: int) -> bool:
    """Return whether the Chinese characters at both ends of text[start:end] are whole words.

    A link next to it counts as the words it shows.
    """
    name = text[start:end]
    head, tail = re.match(f"{_HAN}+", name), re.search(rf"{_HAN}+\Z", name)
    if head and not _may_begin_cjk(_before(text, start), len(head[0])):
        return False
    if head and len(head[0]) > _MAX_SHORT and _begins_inside_word(text, start, head[0]):
        return False
    after = _after(text, end)
    if not tail or not re.match(_HAN, after):
        return True
    # only a suffix makes another word of a long one, and a short one needs a word that joins
    return after not in _SUFFIXES if len(tail[0]) > _MAX_SHORT else after in _AFTER


def _may_begin_cjk(before: str, length: int) -> bool:
    """Return whether a word of that many Chinese characters may begin after before."""
    if not before or length > _MAX_SHORT:
        return True
    if not re.match(_HAN, before[-1]):
        return not before[-1].isdigit()  # 3 月球
    joining = _BEFORE_THREE if length == _MAX_SHORT else _BEFORE_TWO
    return before[-1] in joining and not _ENDS_A_WORD.search(before)


def _begins_inside_word(text: str, start: int, head: str) -> bool:
    """Return whether the text near start uses a word elsewhere that the name would cut in two.

    That is: two characters before the name and its first two, where the name does not go on.
    """
    before = _before(text, start)
    if not re.fullmatch(_HAN * 2, before) or before[-1] in _BEFORE_THREE:
        return False
    nearby = text[max(0, start - _NEARBY) : start + _NEARBY].replace("[[", "").replace("]]", "")
    return bool(re.search(f"{before}{head[:2]}(?!{head[2:]})", nearby))


def _before(text: str, start: int) -> str:
    """Return the two characters before start, without the closing brackets of links."""
    return text[max(0, start - 6) : start].replace("]", "")[-2:]


def _after(text: str, end: int) -> str:
    """Return the character at end, or the first one shown by a link there."""
    link = _LINK_OPENING.match(text, end)
    at = link.end() if link else end
    return text[at : at + 1]


# Scripts written without spaces, where a word may end anywhere: Thai, Lao, Tibetan, Myanmar,
# Khmer, kana, Han. Korean attaches particles to a word without a space.
_UNSPACED = "\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3005-\u30ff\u3400-\u9fff\uf900-\ufaff"
_UNSPACED += "\uff66-\uff9f\U00020000-\U0003ffff"
_HANGUL = "\uac00-\ud7a3"
_UNSPACED_LETTER = f"[{_UNSPACED}]"
_CHARACTER = f"[{_UNSPACED}{_HANGUL}]"
_IS_KATAKANA = re.compile("[\u30a1-\u30fa\u30fc-\u30ff\uff66-\uff9f]")

_JOINERS = "-./_'\u2019\u2011"  # they join letters to one word: GPT-4, obsidian.md, don't
_POSSESSIVE = re.compile(r"['\u2019]s(?!\w)")

# Obsidian warns of # | ^ : %% [[ ]] in links (Help, "Internal links"). The others are active
# Markdown, HTML, math or template syntax, inside a link as well.
_UNSAFE = re.compile(r"[\[\]|#^:\\`$<>*@]|%%|\{\{|==|~~|&#?\w+;")

_NO_LINK_BEFORE = re.compile(r"[(\]@]|\[(?!\[)")

_SENTENCE_END = "\n.!?:;\u2026\u3002\uff01\uff1f\uff1a\uff1b"
_OPENERS = (
    " \t*_~=\"'([>]-+\u2013\u2014\u2022\u00a1\u00bf\u00ab\u201c\u2018\u201e\uff08\u300c\u300e"
)
_LONG_WORD = 10  # letters; many shorter ordinary words are names of notes: Home, Daily, Reference


class Spelling(Enum):
    """The ways of writing a name that count as a mention of it."""

    NEVER = auto()
    EXACT = auto()
    """As the name is: LLM, JavaScript, GPT-4, "To Do"."""
    CAPITALISED = auto()
    """As the name is, but not at the start of a sentence, where every word has a capital: Home."""
    WORD = auto()
    """As the name is, if few other notes have the word in their names: the alias entropy."""
    LONG_WORD = auto()
    """With or without its capital, on the same condition: Photosynthesis."""
    INITIALS = auto()
    """Every word with or without its capital: Machine Learning."""
    TITLE_MARKS = auto()
    """As the name is, between Chinese book title marks: the alias 黑暗 of a film's note."""


def spelling_of(name: str, is_alias: bool) -> Spelling:
    """Return the spelling in which name counts as a mention.

    Names under four letters must be acronyms in capitals; names in Chinese, Japanese, Korean, Thai
    and the like need two characters. A short word in lower case must be an alias, since file names
    are often in lower case whatever the word (nothing, join, quickly). An alias of two Chinese
    characters is usually an ordinary word.

    Names without a letter (2024, 2024-05-01) are never mentions, nor are names that a link cannot
    have, nor common Chinese chapter headings (前言, 基本概念).
    """
    characters = len(re.findall(_CHARACTER, name))
    fits_link = is_safe(name) and name[0].isalnum() and name[-1] not in _JOINERS
    if not fits_link or not any(map(str.isalpha, name)) or _CHAPTER_HEADING.fullmatch(name):
        return Spelling.NEVER
    if is_alias and re.fullmatch(_HAN * 2, name):
        return Spelling.TITLE_MARKS
    if characters >= 2:
        return Spelling.WORD if len(name) == 2 else Spelling.INITIALS
    letters = sum(map(str.isalnum, name))
    if letters < 4:
        return Spelling.EXACT if letters >= 2 and name.isupper() else Spelling.NEVER
    if sum(len(word) >= 4 for word in name.split(" ")) >= 2:
        return Spelling.INITIALS
    if " " in name:  # "To Do" is one by its capitals
        return Spelling.NEVER if name.islower() else Spelling.EXACT
    if name[1:] != name[1:].lower() or any(map(str.isdigit, name)):
        return Spelling.EXACT
    if len(name) >= _LONG_WORD:
        return Spelling.LONG_WORD
    if name[0] != name[0].lower():
        return Spelling.CAPITALISED
    return Spelling.WORD if is_alias else Spelling.NEVER


def is_safe(name: str) -> bool:
    """Return whether a link can have name: visible, on one line, without active syntax."""
    return bool(name) and name.isprintable() and name == name.strip() and not _UNSAFE.search(name)


def matches_spelling(name: str, spelling: Spelling, written: str, text: str, start: int) -> bool:
    """Return whether written, at text[start:], is name in that spelling. Both fold to the same."""
    end = start + len(written)
    plain, plain_written = plain_punctuation(name), plain_punctuation(written)
    match spelling:
        case Spelling.NEVER:
            return False
        case Spelling.TITLE_MARKS:
            return _before(text, start)[-1:] + _after(text, end) in ("《》", "〈〉")
        case Spelling.EXACT | Spelling.WORD:
            is_alike = plain_written == plain
        case Spelling.CAPITALISED:
            before = text[max(0, start - 24) : start].rstrip(_OPENERS)
            is_alike = written == name and before[-1:] not in ("", *_SENTENCE_END)
        case Spelling.INITIALS | Spelling.LONG_WORD:
            letters = zip(f" {plain}", plain, plain_written, strict=False)
            is_alike = all(a == b or not before.isalnum() for before, a, b in letters)
    return is_alike and _is_whole_cjk_word(text, start, end)


def can_be_link(text: str, start: int, end: int) -> bool:
    """Return whether text[start:end] is whole words, and a link there would be a plain link.

    An exclamation mark before it makes an embed, a parenthesis after it a Markdown link. A link
    before it counts as the words it shows, so that a second run finds what the first one found.
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
    return not _is_word_boundary(bare[-1], first)


def _joins_after(last: str, after: str) -> bool:
    bare = after.lstrip(_JOINERS)
    if not bare:
        return False
    if bare != after:
        return (_is_letter(bare[0]) or bare[0] == "[") and not _POSSESSIVE.match(after)
    return joins_letters(last, bare[0])


def joins_letters(before: str, after: str) -> bool:
    """Return whether two characters are letters, digits or accents within one word."""
    if not _is_letter(after):
        return False
    if unicodedata.category(after)[0] == "M":  # a vowel sign or accent of the letter before it
        return True
    may_end = _is_word_boundary(before, after) or re.match(f"[{_HANGUL}]", before)
    return _is_letter(before) and not may_end


def _is_word_boundary(before: str, after: str) -> bool:
    """Return whether a word may end between two letters: in unspaced scripts, except katakana."""
    if _IS_KATAKANA.match(before) and _IS_KATAKANA.match(after):
        return False
    return re.search(_UNSPACED_LETTER, before + after) is not None


def _is_letter(char: str) -> bool:
    return char.isalnum() or unicodedata.category(char)[0] == "M"


_PLAIN_PUNCTUATION = str.maketrans({"\u2019": "'", "\u2011": "-", "\u00a0": " ", "\u202f": " "})


def plain_punctuation(text: str) -> str:
    """Return text, of the same length, with plain apostrophes, hyphens and spaces."""
    return text.translate(_PLAIN_PUNCTUATION)


def fold_case(text: str) -> str:
    """Return text, of the same length, in lower case and with plain punctuation."""
    return plain_punctuation(text.replace("\u0130", "I")).lower()
