"""The sentence in which a note says itself what it is about."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice

from companion.enrich.sentences import find_sentences
from companion.enrich.words import UNSPACED, find_tokens, width
from companion.note.blocks import Line
from companion.note.parsed_note import ParsedNote
from companion.note.sanitize_inline import without_links
from companion.note.sanitize_value import inert_value
from companion.note.tags import has_only_tags

SHORTEST = 30  # characters; a Chinese sign counts as 2.5
_LOOKED_AT = 8  # sentences; of the first two, the one that has a word of the title is better
_PREFERRED = 2  # (measured on what people wrote: further down, it is worse than the first)
_LONGEST = 10_000  # characters with links and signs that are left out
_OVER = 1.25  # as an answer may be longer, too

# Every alternative stops at the next sign of its kind, or where a word begins: a transcript may be
# one line of a megabyte.
_EMBED = re.compile(r"!\[\[[^\[\]]*\]\]|!\[[^\[\]]*\]\([^()]*\)|\[\^[^\[\]]*\]")
_TAGS = re.compile(r"(?:#[^\s#]+)+")
_NO_PROSE = re.compile(
    r"\[[^\[\]]+\]:\s|[\w -]::|\^[\w-]+$|\||\{\{|<%|(?<!\S)https?://\S++$|<[a-zA-Z/!]|\$[^$]+\$"
)
_MARK = re.compile(r"==|~~|(?<!\w)_{1,3}(?=\w)|(?<=[\w.!?])_{1,3}(?!\w)")
_BLOCK_ID = re.compile(r"\^[A-Za-z0-9-]+")

_COMPLETE = re.compile(r"[.!。！][\"'”’»)\]」』）]*$")
_OPENING = re.compile(r"[\"'“‘«„「『《(（¿¡]*[^\W_]")
# What points to something said before, or to something else, says nothing of the note by itself.
_DEPENDS = re.compile(
    r"(?:and|but|or|so|however|also|then|thus|therefore|moreover|furthermore|for example|for more"
    r"|see|note that|read more|click|if|these|those|they|he|she|however|und|aber|siehe|diese|sie"
    r"|todo|tbd|fixme|photo by|image by|subscribe|password"
    r"|mais|voir|ces|pero|véase|esto|eso|estos|estas|но|однако|смотри|см|эти|они)\b"
    r"|但是|不过|然而|因此|所以|而且|另外|此外|例如|比如|这些|那些|他们|它们|しかし|また|そして|例えば|これら",
    re.IGNORECASE,
)
_COLON = re.compile(r"\s?[:：]$")  # a list follows, which may as well be left out
_LEANS_ON_LIST = re.compile(
    r"\b(?:following|follows?|below|folgend\w*|suivant\w*|siguiente\w*|следующ\w*)\b|以下|下列|如下|次の",
    re.IGNORECASE,
)
_PAIRS = ("()", "（）", "“”", "「」", "《》", "[]")


def own_sentence(view: ParsedNote, title: str, most: int) -> str | None:
    """Return the note's own sentence that says best what it is about, inert; None: it has none.

    Of the first sentences of its running text, the first that stands by itself: none that points
    to another, asks or is no whole sentence. Of the first two, rather one with a word of the
    title. most: characters; a quarter more will do.
    """
    sentences = islice(find_sentences(running_text(view)), _LOOKED_AT)
    fit = [
        (number, value)
        for number, sentence in enumerate(sentences)
        if len(sentence) <= _LONGEST
        and (value := inert_value(_end(sentence)))
        and _says_something(value, most * _OVER)
    ]
    wanted = {token for token in find_tokens(title) if len(token) > 3 or not token.isascii()}
    named = (v for n, v in fit if n < _PREFERRED and wanted & set(find_tokens(v)))
    return next(named, None) or next((value for _, value in fit), None)


def running_text(view: ParsedNote) -> list[str]:
    """Return the paragraphs of the note's text as a reader sees them, each on one line.

    No headings, lists, callouts, quotes, tables, code, formulas, HTML, comments, lines of tags or
    of Dataview's fields; links and embeds as their words or not at all.
    """
    return list(_paragraphs(view))


@lru_cache(maxsize=8)  # a note is asked about several times over
def _paragraphs(view: ParsedNote) -> tuple[str, ...]:
    return tuple(paragraph for block in _blocks(view.lines) if (paragraph := _join(block)))


def _end(sentence: str) -> str:
    """Return a sentence that leads to a list with a full stop, if it says enough without that."""
    if not _COLON.search(sentence) or _LEANS_ON_LIST.search(sentence):
        return sentence
    return _COLON.sub("。" if sentence.endswith("：") else ".", sentence)


def _says_something(sentence: str, most: float) -> bool:
    return (
        width(sentence) >= SHORTEST
        and len(sentence) <= most
        and bool(_COMPLETE.search(sentence) and _OPENING.match(sentence))
        and not _DEPENDS.match(sentence)
        and all(sentence.count(pair[0]) == sentence.count(pair[1]) for pair in _PAIRS)
    )


def _blocks(lines: Iterable[Line]) -> Iterator[list[str]]:
    """Yield the paragraphs' lines; a list item or quote takes the lines right below it with it."""
    block: list[str] = []
    is_own = True
    for line in lines:
        if line.kind != "text":
            if block:
                yield block
            block, is_own = [], True
            continue
        if line.prefix.strip() or line.depth or len(line.prefix) > 1:
            is_own = False
        if is_own and not has_only_tags(line):
            block.append(line.visible)
        elif block:
            yield block
            block = []
    if block:
        yield block


def _join(block: Iterable[str]) -> str:
    shown = (_plain(line) for line in block)
    text = " ".join(line for line in shown if line and not _NO_PROSE.search(line))
    return re.sub(rf"(?<=[{UNSPACED}。，、！？：；])\s+(?=[{UNSPACED}])", "", text)


def _plain(line: str) -> str:
    """Return the line's words, without tags at its ends and a block's name."""
    words = _EMBED.sub("", line).split()
    end = len(words)
    if end and _BLOCK_ID.fullmatch(words[-1]):
        end -= 1
    while end and _TAGS.fullmatch(words[end - 1]):
        end -= 1
    start = next((n for n in range(end) if not _TAGS.fullmatch(words[n])), end)
    shown = without_links(" ".join(words[start:end]))
    return " ".join(_MARK.sub("", shown).split())


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
