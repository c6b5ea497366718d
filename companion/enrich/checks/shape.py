"""Answers of the wrong form: unfinished, too short or too long, with markup, or no names."""

from __future__ import annotations

import re
from collections.abc import Sequence

from companion.enrich.checks.checked_answer import CheckedAnswer, Fault
from companion.language.detection import script_of
from companion.language.words import (
    count_unspaced,
    find_sentence_ends,
    find_sentences,
    find_tokens,
    fold_accents,
    is_balanced,
    is_unspaced,
    letters,
    width,
)
from companion.llm.response import CUT
from companion.prompts import Field

_MOST_WORDS, _FEWEST = 6, 2  # words of a name; letters
_SENTENCE = re.compile(r"\w\S*(?:\s+\S+){3,}[.!?。！？]$|[。！？]$")
_CODE = re.compile(r"(`{3,}).*?(?:\1|\Z)|(`+)(?!`)[^\n]+?\2", re.DOTALL)
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")

_JSON = re.compile(
    r"\A\W*(?:description|aliases|callout|note-type)\W{0,3}:|\A\s*[{\[][\s\S]*[}\]]\s*\Z"
    r"|[\"“”'][\w-]+[\"“”']\s*:\s*[\"“”'\[{]",
    re.IGNORECASE,
)
_MARKUP = re.compile(
    r"< ?/? ?(?P<tag>[a-z][a-z0-9_-]{0,19})(?:\s+[\w:-]+\s*=[^<>]*)?\s*/?>|<!"  # HTML
    r"|& ?(?:[a-z]{2,8}|#x?[0-9a-f]+);"
    r"|<?\|(?:im_|end|eot|assistant|user|system)\w*\|?>?|\[/?INST\]"  # of a model's chat template
    r"|\[![a-z][\w-]{0,19}\]"  # the header of another callout
    r"|\{\{|\}\}|\{%|<%|\\\w{3,}|\$[^$\s][^$\n]*[\\_^={}][^$\n]*\$"  # templates and formulas
    r"|\\[nrt](?![a-z])|\\u[0-9a-f]{4}|(?:https?://|\bwww\.)[^\s()\[\]<>\"”’、，。]+",
    re.IGNORECASE,
)
_IN_LINE = re.compile(r"\]\(|\[\[|\]\]|\[\^|!\[|\*\*|~~|==\w|^#{1,6} |(?<!\S)\*\w")
_BOLD = re.compile(r"(?<!\*)(\*{1,3})(?=[^\s*])[^*]+(?<=\S)\1(?!\*)")

_PARAGRAPH = 400  # characters a paragraph of a callout may have on average
_WORD, _LONG_WORD = 6, 7  # characters of a word, with the blank; where it is about too many
_FEWEST_WORDS = 3  # of a sentence, or it must be long ones; signs without spaces count
_LEEWAY = 3  # answers may have a third of the least: 文件系统 is enough
_SECTION = 0.6  # of the least for a note: a section has less to explain
_SMALL = 1 / 6  # of the least: a small model is asked for two or three sentences, and no padding
_OVER = 1.25  # times the most characters that were asked for
LIST_OR_TABLE = re.compile(r"\s*(?:(?:[-*+]|\d+[.)])(?:\s|$)|\|)")
_HEADING = re.compile(r"(?:\*\*[^*]+[^*.!?。！？]\*\*|#{1,6} .*)$")


def is_name(item: CheckedAnswer) -> bool:
    """Return whether an item, such as an alias, is a name and not a sentence.

    Unless the note has it, it must not be in the instructions (`its full form`), nor in another
    script than the note; Latin letters are always allowed.
    """
    text = item.text
    words = [token for token in item.tokens if not is_unspaced(token)]
    if len(words) > _MOST_WORDS or _SENTENCE.search(text) or sum(map(str.isalpha, text)) < _FEWEST:
        return False
    if not is_balanced(text):
        return False
    if fold_accents(text) in item.source:
        return True
    if f" {' '.join(item.tokens)} " in f" {' '.join(find_tokens(item.prompt))} ":
        return False
    return script_of(text) in (None, "Latin letters", script_of(f"{item.title}\n{item.words}"))


def find_markup(answer: CheckedAnswer) -> Fault | None:
    """Return the fault of an answer with JSON or markup that is not in the note.

    If the note has a tag, its end is allowed, too. In a callout, code, links and pairs of asterisks
    are allowed.
    """
    text = unescape(without_code(answer.text) if answer.is_prose else answer.text)
    matches = [*_JSON.finditer(text), *_JSON.finditer(answer.raw), *_MARKUP.finditer(text)]
    matches += _MARKUP.finditer(without_code(answer.raw))
    matches += () if answer.is_prose else re.finditer(r"(?<!\w)__\w|`", text)
    in_line = "**" in _BOLD.sub("", text) if answer.is_prose else _IN_LINE.search(text)
    tags = {match["tag"] for match in _MARKUP.finditer(answer.note)} - {None}
    words = next(
        (m[0] for m in matches if m[0] not in answer.note and m.groupdict().get("tag") not in tags),
        "**" if in_line else None,
    )
    if words is None:
        return None
    retry = "Write plain words, without JSON, HTML, Markdown, links or labels."
    return Fault("markup", f"has markup left in it (“{words[:40]}”)", retry)


def find_bad_length(answer: CheckedAnswer) -> Fault | None:
    """Return the fault of an answer much shorter or longer than the field's limits.

    A value may have a third of the minimum, one or two words two thirds of it, a small model's
    explanation a sixth, and the answer to a question any length; characters of scripts without
    spaces count as 2.5 letters there. A callout may have one paragraph for every 400 characters.
    """
    field, size = answer.field, len(answer.text)
    if field.kind == "text" and "\n" in without_code(answer.raw).strip():
        return Fault("length", "has several lines", "Write one line, without headings or lists.")
    least = field.min_characters * (_SECTION if answer.of_section else 1)
    if answer.by_small_model:
        least *= _SMALL
    has_few_words = field.whole_sentences and len(answer.tokens) < _FEWEST_WORDS
    least_words = (least * 2 if has_few_words else least) / _LEEWAY
    is_short = width(letters(answer.text)) < least_words
    if answer.is_prose:
        is_short |= width(answer.text) < least
    if is_short and not answer.question:
        retry = f"Write at least {least:.0f} characters, or {least / _WORD:.0f} words."
        return Fault("length", f"is too short ({size} characters)", retry)
    blocks = [block for block in without_code(answer.text).split("\n\n") if letters(block)]
    if answer.is_prose and blocks and _HEADING.match(blocks[0]) and len(blocks) > 1:
        retry = "Begin with a sentence, not with a heading."
        return Fault("length", "begins with a heading", retry)
    if answer.by_small_model and blocks and all(map(LIST_OR_TABLE.match, blocks)):
        retry = "Write sentences, not a list."
        return Fault("length", "is nothing but a list", retry)
    if size <= _OVER * field.max_characters and (not answer.is_prose or _fits(blocks, field)):
        return None
    retry = (
        f"Write at most {field.max_characters} characters, in {_most_paragraphs(field)} paragraphs."
    )
    return Fault("length", f"is too long ({size} characters, {len(blocks)} paragraphs)", retry)


def first_paragraphs(text: str, title: str, field: Field) -> str:
    """Return the first paragraphs of a text, as many as the field may have.

    A text that is too long also loses its headings. The title, or a heading, in the first line is
    removed from any text.
    """
    first, _, rest = text.partition("\n\n")
    if rest and (letters(first) == letters(title) or _HEADING.match(first)):
        text = rest
    if _fits(text.split("\n\n"), field):
        return text
    blocks = [block for block in text.split("\n\n") if not _HEADING.match(block)]
    fitting = [end for end in range(1, len(blocks) + 1) if _fits(blocks[:end], field)]
    return "\n\n".join(blocks[: max(fitting, default=len(blocks))])


def _fits(blocks: Sequence[str], field: Field) -> bool:
    """Return whether a callout is no longer than asked for; a Chinese character is half a word."""
    text = "\n\n".join(blocks)
    words = len(text.split()) + count_unspaced(text) / 2
    running = [block for block in blocks if letters(block) and not LIST_OR_TABLE.match(block)]
    return (
        len(running) <= _most_paragraphs(field)
        and len(text) <= field.max_characters * _OVER
        and words <= field.max_characters / _LONG_WORD
    )


def _most_paragraphs(field: Field) -> int:
    return max(1, field.max_characters // _PARAGRAPH)


def without_code(text: str) -> str:
    """Return text without code blocks and code in a line."""
    return _CODE.sub(" ", text)


def unescape(text: str) -> str:
    """Return text without the backslashes that make Markdown characters harmless."""
    return _ESCAPE.sub(r"\1", text)


_LEADS_ON = re.compile(r"^#{1,6} |^\*\*[^*.!?。！？]+\*\*$|[:：]$")
# Without a sign at their end: sentences of Thai, Lao, Burmese and Khmer, and those with an emoji.
_BARE = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2600-\u27bf\U0001f000-\U0001faff]$")
_FINAL = re.compile(r"(?:[.!?…。！？｡؟।॥۔։።;](?<!\.\.\.)(?<!(?<!…)…))[\"'”’»›)\]）】」』*_`|]*$")
_QUOTED = re.compile(r"[\"”’»)\]）】」』》]$")
_BROKEN_OFF = re.compile(r"(?:[,;:\-–—/&+(\[{、，：；（「《]|\.{3}|(?<!…)…)$")
_STARTS_INSIDE = re.compile(r"^(?:[,;)\]}、，。：；！？）」》]|[.:!?](?![^\W_]))")  # not `.NET`
_BRACKETS = ("()", "[]", "（）", "「」", "『』", "《》", "“”", "«»")


def find_unfinished(answer: CheckedAnswer) -> Fault | None:
    """Return the fault of an answer that breaks off, or begins in the middle of a sentence.

    Only fields of whole sentences need a full stop: people often write descriptions without one.
    """
    text = unescape(answer.text).strip()
    last = text.rsplit("\n", 1)[-1].strip()
    lines = [last]
    if answer.is_prose:  # also where other paragraphs end, unless one leads on to the next
        paragraphs = without_code(text).split("\n\n")[:-1]
        ends = (each.rsplit("\n", 1)[-1].strip() for each in paragraphs)
        lines = [*(end for end in ends if letters(end) and not _LEADS_ON.search(end)), last]
    unfinished = next((line for line in lines if _is_unfinished(line, answer)), None)
    if unfinished is None and not _STARTS_INSIDE.match(text):
        return None
    retry = "Write whole sentences, shorter ones, and end each with a full stop."
    return Fault("unfinished", f"is not a whole sentence (“{(unfinished or last)[-40:]}”)", retry)


def _is_unfinished(line: str, answer: CheckedAnswer) -> bool:
    is_list = answer.is_prose and (LIST_OR_TABLE.match(line) or line.endswith("```"))
    may_end = is_list or _BARE.search(line) or (answer.is_prose and _QUOTED.search(line))
    needs_end = answer.field.whole_sentences and not may_end
    is_open = any(line.count(pair[0]) > line.count(pair[1]) for pair in _BRACKETS)
    return not _FINAL.search(line) and bool(needs_end or is_open or _BROKEN_OFF.search(line))


def whole_sentences(text: str, field: Field | None = None) -> str:
    """Return text without an unfinished sentence at its end, unless that is the only one.

    field: its maximum of characters applies; the last sentences are dropped for it, too, unless
    less than the minimum would be left.
    """
    if text and not (_FINAL.search(text) or _BARE.search(text)):
        *whole, rest = find_sentences([text])
        text = text[: len(text.rstrip()) - len(rest)].rstrip() if whole else text
    if field is None or len(text) <= field.max_characters:
        return text
    limits = range(field.min_characters, field.max_characters + 1)
    return text[: max((end for end in find_sentence_ends(text) if end in limits), default=None)]


def without_cut(text: str) -> str:
    """Return a callout's text without its unfinished end, if the answer was cut off (see CUT).

    The whole sentences of the last paragraph stay, or the whole items of a list. The text does not
    end with a heading or a line with a colon at its end.
    """
    if not text.endswith(CUT):
        return text
    lines = text.split("\n")
    last = lines.pop()
    whole = whole_sentences(last)
    if _FINAL.search(whole) and not LIST_OR_TABLE.match(last):
        lines.append(whole)
    while lines and (not lines[-1].strip() or _LEADS_ON.search(lines[-1])):
        lines.pop()
    return "\n".join(lines)
