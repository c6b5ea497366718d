"""Where a name in Chinese signs is a word of its own, though no spaces part the words of Chinese.

A name of two or three signs is often part of another word (活着 in 生活着, 面包 in 面包车). So it
has to stand by itself: next to it is no Chinese sign, or one of those that join words. Longer
names are rarely anything else. The rules are ours, found by reading links in two Chinese vaults;
they rather leave a mention alone. Kana are no Chinese signs: they part the words of Japanese.
"""

import re

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


def is_two_signs(name: str) -> bool:
    """Whether name is two Chinese signs."""
    return bool(_TWO.fullmatch(name))


def is_heading(name: str) -> bool:
    """Whether name is what a chapter may be called in any book: 前言, 基本概念, 发展历史."""
    return bool(_HEADING.fullmatch(name))


def stands_apart(text: str, start: int, end: int) -> bool:
    """Whether the Chinese signs at both ends of text[start:end] are words of their own.

    A link next to it counts as the words it shows.
    """
    name = text[start:end]
    head, tail = _HEAD.match(name), _TAIL.search(name)
    return not (
        (head and not _may_begin(_before(text, start), len(head[0])))
        or (tail and not _may_end(_behind(text, end), len(tail[0])))
    )


def is_cited(text: str, start: int, end: int) -> bool:
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
