"""People's descriptions, made bad on purpose in each way the gate knows: how many get through?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random

from companion.enrich.gate import Said, find_fault
from companion.enrich.gate.tokens import count_unspaced
from companion.enrich.gate.unfinished import whole_sentences

STRANGERS = ("Grigori Halvorsen", "Tamsin Okonkwo", "Xylotek", "Brunswick & Lyle")
OTHERS = {
    "en": (
        "In dieser Übersicht geht es um die wichtigsten Werkzeuge und wie man sie benutzt.",
        "Une présentation des outils les plus utiles et de la manière de s'en servir.",
        "Una presentación de las herramientas más útiles y de cómo se usan cada día.",
        "Обзор самых полезных инструментов и того, как ими пользоваться каждый день.",
        "最も便利な道具とその使い方を紹介します。毎日の作業に役立ちます。",
        "介绍最有用的工具以及每天如何使用它们。",
    ),
    "zh": (
        "An overview of the most useful tools and of how they are used every day.",
        "最も便利な道具とその使い方を紹介します。毎日の作業に役立ちます。",
        "Обзор самых полезных инструментов и того, как ими пользоваться каждый день.",
    ),
}


def spoil(said: Said, random: Random) -> Iterator[tuple[str, Said]]:
    """Yield the answer made bad in each way, with the name of the way."""
    text = said.text
    chinese = count_unspaced(text) > 5
    for name, bad in (
        ("sentence twice", f"{text} {text}"),
        ("word over and over", f"{text.rstrip('.。')}{'工具' * 6 if chinese else ' tools' * 4}."),
        ("JSON", f'{{"description": "{text}"}}'),
        ("HTML", f"< p>{text}< /p>"),
        ("entity", text.replace(" ", "& nbsp;", 1) if " " in text else f"{text}& nbsp;"),
        ("bold", f"**{text}"),
        ("meta", f"{'本笔记介绍了' if chinese else 'This note explains '}{text}"),
        ("here is", f"{'以下是描述：' if chinese else 'Here is the description: '}{text}"),
        ("as an AI", f"{'作为一个AI助手，' if chinese else 'As an AI language model, '}{text}"),
        ("refusal", "抱歉，我无法描述。" if chinese else "I'm sorry, I cannot describe it."),
        ("echo", "Say what it is about: the subject first, then the points that matter most."),
        ("title", said.title),
        ("language", random.choice(OTHERS["zh" if chinese else "en"])),
        ("name", _insert(text, random.choice(STRANGERS), chinese, "，作者", ", by")),
        ("number", _insert(text, str(random.randint(10_001, 99_999)), chinese, "，共", ", of")),
        ("too long", f"{text.rstrip('.。')}{_filler(chinese)}"),
        ("garbled", _garble(text, chinese)),
        ("cut", text[: int(len(text) * 0.6)].rstrip(" .…!?。！？")),
    ):
        yield name, replace(said, text=bad, raw=bad)


def slipped(answers: Sequence[Said], random: Random) -> tuple[int, list[str]]:
    """Return how many bad answers were made, and those that no check finds, each with its way.

    What is mended, by cutting it back to whole sentences that a person wrote, is bad no more.
    """
    made, through = 0, []
    for said in answers:
        for name, bad in spoil(said, random):
            whole = whole_sentences(bad.text)
            is_mended = whole != bad.text and said.text.startswith(whole)
            made += 1
            if not is_mended and not find_fault(replace(bad, text=whole)):
                through.append(f"{name}: {bad.text}")
    return made, through


def _garble(text: str, chinese: bool) -> str:
    """Return text with a Cyrillic letter in a word, or with an English word between signs."""
    if chinese:
        return re.sub(r"(?<=[\u4e00-\u9fff])(?=[\u4e00-\u9fff])", "any", text, count=1)
    return re.sub(r"(?<=[a-z])[aeiou](?=[a-z])", "\u043e", text, count=1)


def _insert(text: str, what: str, chinese: bool, comma: str, by: str) -> str:
    body = text.rstrip(".。")
    return f"{body}{comma}{what}。" if chinese else f"{body}{by} {what}."


def _filler(chinese: bool) -> str:
    if chinese:
        return (
            "，"
            + "，".join(f"{sign}在其中" for sign in "天地玄黄宇宙洪荒日月盈昃辰宿列张" * 4)
            + "。"
        )
    return " and all that goes with it, as far as one can tell from here" * 4 + "."
