"""Is a sentence of a note written as a description of it?"""

from __future__ import annotations

import re

# It tells of the page, or tells the reader what to do with it. Models that are asked to say what
# such a note is about turn it into “X is a way to ...”, and farther from what its author wrote.
_BEGINS = re.compile(
    r"""
    (?: this\ (?:page|guide|article|document|section|chapter|post|list|essay|tutorial)
      | in\ this | here | how | why | what | you | with\ [^.]*\byou\b
      | learn | discover | explore | find | use | create | make | move | build | add | get | set
      | manage | understand | read
      | dies(?:e|er|es)\ (?:seite|artikel|text|leitfaden|kapitel|liste|anleitung)
      | in\ dies | hier | wie | warum | was | du\ kannst | sie\ können | lerne | erfahre | so
      | est[ae]\ (?:página|guía|artículo|texto|capítulo|lista)
      | en\ est[ae] | aquí | cómo | por\ qué | qué | aprend[ea] | descubr[ea] | puedes
      | cett?e\ (?:page|guide|article|texte|chapitre|liste)
      | dans\ cet?te? | ici | comment | pourquoi | apprenez | découvrez | vous\ pouvez
      | эт(?:а|от)\ (?:страница|статья|текст|список|глава|раздел)
      | в\ эт(?:ой|ом) | здесь | как | почему | узнайте | вы\ можете
    )\b
    | 本(?:文|页|頁|指南|章|节|書|书) | 这(?:篇|里|份) | 介绍 | 如何 | 怎样 | 为什么 | 学习 | 了解
    | この(?:ページ|記事|文書|章) | 本(?:稿|記事|ページ) | ここで
    """,
    re.IGNORECASE | re.VERBOSE,
)


def is_self_description(sentence: str) -> bool:
    """Return whether the sentence, of a note, tells of the note or of what to do with it."""
    return bool(_BEGINS.match(sentence))
