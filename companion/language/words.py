"""The words, sentences and paragraphs of texts in any language, and lists of words by language.

The lists are in `phrases/<code>.toml`; `en.toml` says what is in them. They are read once,
on first use. A language without a file, a section or a list is not an error.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from companion.load_once import load_once
from companion.note.markdown import Line
from companion.note.note import ParsedNote
from companion.note.safe_line import without_links
from companion.note.tags import has_only_tags
from companion.note.text import UNSPACED as UNSPACED

_TOKEN = re.compile(rf"[{UNSPACED}]|[^\W_{UNSPACED}]+(?:['’][^\W_{UNSPACED}]+)*")
_UNSPACED = re.compile(f"[{UNSPACED}]")
_ACCENTS = re.compile("[\u0300-\u036f]+")
_LONG, _STEM = 5, 5  # letters of a long word, and of the stem that its forms have in common
_WEIGHT = 2.5  # letters of other scripts that say as much as one character of these


def find_tokens(text: str) -> list[str]:
    """Return the words of text, casefolded; in scripts without spaces, each character is one."""
    return _TOKEN.findall(text.casefold())


def find_stems(text: str) -> list[str]:
    """Return the first letters of the long words, and the character pairs of unspaced scripts."""
    tokens = find_tokens(text)
    words = [fold_accents(token)[:_STEM] for token in tokens if len(token) >= _LONG]
    pairs = pairwise(tokens)
    return words + [one + other for one, other in pairs if is_unspaced(one) and is_unspaced(other)]


def is_unspaced(token: str) -> bool:
    """Return whether the token belongs to a script without spaces."""
    return bool(_UNSPACED.match(token))


def count_unspaced(text: str) -> int:
    """Return how many characters of scripts without spaces the text has."""
    return len(_UNSPACED.findall(text))


def width(text: str) -> float:
    """Return the length of text in letters of an alphabet; a Chinese character counts as 2.5."""
    return len(text) + (_WEIGHT - 1) * count_unspaced(text)


def letters(text: str) -> str:
    """Return only the letters and digits of text, casefolded."""
    return "".join(filter(str.isalnum, text.casefold()))


_BRACKETS = ("()", "（）", "“”", "「」", "《》", "[]")


def is_balanced(text: str) -> bool:
    """Return whether the text has as many closing brackets and quotation marks as opening ones."""
    return all(text.count(pair[0]) == text.count(pair[1]) for pair in _BRACKETS)


def fold_accents(text: str) -> str:
    """Return text without differences of case, accents and character widths, to compare words."""
    if text.isascii():
        return text.lower()
    return _ACCENTS.sub("", unicodedata.normalize("NFKD", text.casefold()))


_FOLDER = Path(__file__).parent / "phrases"
_LIST = re.compile(r"<([a-z]+)\.([a-z_]+)>")
_PART = re.compile(r"\{([a-z_]+)\}")


def find_phrases(section: str, name: str) -> list[str]:
    """Return the entries of a list in all languages.

    Each `{part}` is replaced by the entry of [parts] in the same file. Raises KeyError if the file
    has no such part.
    """
    return [
        _fill_in(phrase, language.get("parts", {}))
        for language in load_languages().values()
        for phrase in language.get(section, {}).get(name, [])
    ]


@load_once
def compile_phrases(pattern: str, flags: int = 0) -> re.Pattern[str]:
    """Return the pattern compiled, with any entry of the list for each `<section.list>` in it."""

    def join(reference: re.Match[str]) -> str:
        return f"(?:{'|'.join(find_phrases(*reference.groups())) or '(?!)'})"

    return re.compile(_LIST.sub(join, pattern), flags)


@load_once
def find_words(section: str, name: str) -> frozenset[str]:
    """Return the words of a list in all languages."""
    return frozenset(find_phrases(section, name))


@load_once
def load_languages() -> Mapping[str, Mapping[str, Any]]:
    """Return the contents of the files, by the code of the language."""
    files = sorted(_FOLDER.glob("*.toml"))
    return {path.stem: tomllib.loads(path.read_text(encoding="utf-8")) for path in files}


def _fill_in(phrase: str, parts: Mapping[str, str]) -> str:
    return _PART.sub(lambda part: _fill_in(parts[part[1]], parts), phrase)


_END = re.compile(r"(?<![.!?…])[.!?…]++[\"'”’»)\]]*+(?=\s)|[。！？]++[”’」』）]*+")
_SIGN = re.compile(r"\S")


def find_sentences(paragraphs: Iterable[str]) -> Iterator[str]:
    """Yield the sentences of the paragraphs; the end of a paragraph ends one, complete or not."""
    for paragraph in paragraphs:
        begin = 0
        for end in find_sentence_ends(paragraph):
            yield paragraph[begin:end].strip()
            begin = end
        if rest := paragraph[begin:].strip():
            yield rest


def find_sentence_ends(text: str) -> Iterator[int]:
    """Yield the offsets after sentences followed by a blank; Chinese and Japanese need none."""
    ends_shortened = compile_phrases(r"(?:^|[\s(])(?:<sentences.abbreviations>|[^\W\d_])\.$")
    for end in _END.finditer(text):
        if end[0] == "." and ends_shortened.search(text[max(0, end.start() - 12) : end.end()]):
            continue
        following = _SIGN.search(text, end.end())
        if not (following and following[0].islower() and end[0][0] in ".…"):
            yield end.end()


def needs_previous(sentence: str) -> bool:
    """Return whether the sentence refers to the one before it, as “However, ...” does."""
    leaning = compile_phrases(r"<sentences.leaning>\b|<sentences.leaning_signs>", re.IGNORECASE)
    return bool(leaning.match(sentence))


# Every alternative stops at the next character of its kind, or where a word begins, because a
# transcript may be one line of a megabyte.
_FOOTNOTE = re.compile(r"\[\^[^\[\]]*\]")
_EMBED = re.compile(rf"!\[\[[^\[\]]*\]\]|!\[[^\[\]]*\]\([^()]*\)|{_FOOTNOTE.pattern}")
_TAGS = re.compile(r"(?:#[^\s#]+)+")
_NO_PROSE = re.compile(
    r"\[[^\[\]]+\]:\s|[\w -]::|\^[\w-]+$|\||\{\{|<%|(?<!\S)https?://\S++$|<[a-zA-Z/!]|\$[^$]+\$"
)
_MARK = re.compile(r"==|~~|(?<!\w)_{1,3}(?=\w)|(?<=[\w.!?])_{1,3}(?!\w)")
# Asterisks around whole sentences, which would hide where these end. Their end is looked for in
# front of the next asterisk only.
_BOLD_SENTENCE = re.compile(
    r"(?<![A-Za-z0-9_*`\\])(\*{1,3})(?=[^\s*])([^*]+)(?<=[.!?…。！？])\1(?![A-Za-z0-9_*])"
)
_BLOCK_ID = re.compile(r"\^[A-Za-z0-9-]+")
_UNSPACED_BREAK = re.compile(rf"(?<=[{UNSPACED}。，、！？：；])\s+(?=[{UNSPACED}])")


@lru_cache(maxsize=8)  # asking about a note needs it several times
def read_paragraphs(parsed: ParsedNote) -> tuple[str, ...]:
    """Return the paragraphs of the note's text as a reader sees them, each on one line.

    Headings, lists, callouts, quotes, tables, code, formulas, HTML, comments, lines of tags and
    Dataview's fields are left out; links and embeds become their words, or nothing.
    """
    paragraphs = []
    for block in _find_blocks(parsed.lines):
        lines = (plain_text(line) for line in block)
        text = " ".join(line for line in lines if line and not _NO_PROSE.search(line))
        if text := _UNSPACED_BREAK.sub("", _BOLD_SENTENCE.sub(r"\2", text)):
            paragraphs.append(text)
    return tuple(paragraphs)


def _find_blocks(lines: Iterable[Line]) -> Iterator[list[str]]:
    """Yield the lines of each paragraph, without list items and quotes and their lazy lines."""
    block: list[str] = []
    is_paragraph = True
    for line in lines:
        if line.kind != "text":
            if block:
                yield block
            block, is_paragraph = [], True
            continue
        if line.prefix.strip() or line.depth or len(line.prefix) > 1:
            is_paragraph = False
        if is_paragraph and not has_only_tags(line):
            block.append(line.visible)
        elif block:
            yield block
            block = []
    if block:
        yield block


def without_embeds(text: str) -> str:
    """Return text without embeds, pictures and footnote marks."""
    return _EMBED.sub("", text)


def plain_text(line: str) -> str:
    """Return the words of the line, without tags at its ends and a block identifier."""
    words = without_embeds(line).split()
    end = len(words)
    if end and _BLOCK_ID.fullmatch(words[-1]):
        end -= 1
    while end and _TAGS.fullmatch(words[end - 1]):
        end -= 1
    start = next((n for n in range(end) if not _TAGS.fullmatch(words[n])), end)
    text = without_links(" ".join(words[start:end]))
    return " ".join(_MARK.sub("", text).split())
