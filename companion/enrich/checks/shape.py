"""Answers of the wrong form: list items that are no names, JSON, markup, too short or too long."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from companion.enrich.checks.checked_answer import CheckedAnswer, Fault
from companion.enrich.language import script_of
from companion.enrich.words import count_unspaced, find_tokens, fold, is_unspaced, letters, width
from companion.prompts import Field

_MOST_WORDS, _FEWEST = 6, 2  # words of a name; letters
_SENTENCE = re.compile(r"\w\S*(?:\s+\S+){3,}[.!?。！？]$|[。！？]$")
_PAIRS = ("()", "[]", "（）", "「」", "“”")
_CODE = re.compile(r"(`{3,}).*?(?:\1|\Z)|(`+)(?!`)[^\n]+?\2", re.DOTALL)
ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")

_NO_MORE = re.compile(r"\W*\Z")
_OBJECT = re.compile(r"\s*[{\[][\s\S]*[}\]]\s*")
_MEMBER = re.compile(
    r"[\"“”']?(?<![\w-])[\w-]+[\"“”']\s*:\s*[\"“”'\[{]|[\"“”'}\]]\s*[,;]\s*[\"“”']\w+[\"“”']\s*:"
)
_LABEL = re.compile(r"\W*(?:description|aliases|callout|note-type)\W{0,3}:", re.IGNORECASE)

_TAGS = """
a abbr b blockquote body br code div em figure font h[1-6] head html hr i img input li link note
note-[0-9]+ ol p pre s script span strong style sub sup table tbody td th thead title tr u ul video
"""
_ENTITY = r"& ?(?:[a-z]{2,8}|#x?[0-9a-f]+);"
_ATTRIBUTES = r"(?:\s+[\w:-]+\s*=[^<>]*|\s*(?:/\s*)?)"  # `a < b and b > c` has none
_TAG = re.compile(
    rf"< ?/? ?(?:(?:{'|'.join(_TAGS.split())})\b{_ATTRIBUTES}|[a-z][a-z_-]{{2,19}} ?/?)>",
    re.IGNORECASE,
)
_MARKUP = re.compile(
    rf"(?P<within>(?<=\w){_ENTITY}(?=\w))"
    rf"|(?P<tag>{_TAG.pattern})"
    rf"|(?P<html><!|{_ENTITY})"
    r"|(?P<mark>\]\(|\[\[|\]\]|\[\^|!\[)"
    r"|(?P<turn><? ?\|(?:im_|end|eot|assistant|user|system)\w*\|? ?>|\[/?INST\]|</?s>)"
    r"|(?P<escape>\\[nrt](?![a-z])|\\u[0-9a-f]{4})",
    re.IGNORECASE,
)
# What sanitizing takes out or escapes: braces of templates, formulas, links to nowhere.
_BROKEN = re.compile(
    r"\{\{[^{}]*\}\}|\{\{|\}\}|\{%|<%|\\[(\[][^()\[\]\n]*[\\_^={}<>]|\\(?:(?:frac|text\w*|emph|sqrt|begin|math\w+|left|cdot|approx)\b)"
    r"|(?<![\w$])\$[^$\s][^$\n]{0,80}[\\_^={}][^$\n]{0,80}\$"
    r"|\]\((?:#[^()]*|url|link)?\)|`\$?= ",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"(?:https?://|\bwww\.)[^\s()\[\]<>\"”’、，。]+", re.IGNORECASE)
_PAIRED = re.compile(r"(?<!\*)(\*{1,3})(?=[^\s*])[^*]+(?<=\S)\1(?!\*)")
_EMPHASIS = re.compile(
    r"\*\*\w*|~~|==\w|(?<!\w)__(?:(?P<name>[a-z]+(?:_[a-z]+)*__(?!\w))|\w)|`|^#{1,6} |(?<!\S)\*\w"
)

_PARAGRAPH = 400  # characters a paragraph of a callout may have on average
_WORD = 6  # characters of a word, with the blank
_LONG_WORD = 7  # the same where it is about too many: 200 words of a callout
_FEWEST_WORDS = 3  # of a sentence, or it must be long ones; signs without spaces count
_LEEWAY = 3  # answers may have a third of the least: 文件系统 is enough
_SECTION = 0.6  # of the least for a note: a section has less to explain
_OVER = 1.25  # times the most characters that were asked for
LIST_OR_TABLE = re.compile(r"\s*(?:(?:[-*+]|\d+[.)])(?:\s|$)|\|)")
_HEADING = re.compile(r"(?:\*\*[^*]+[^*.!?。！？]\*\*|#{1,6} .*)$")


def without_bad_names(
    answer: CheckedAnswer, check: Callable[[CheckedAnswer], Fault | None]
) -> list[str]:
    """Return the items of a list that are names and pass the check; answer.text has one a line."""
    items = (replace(answer, text=item, raw=item) for item in answer.text.split("\n"))
    return [item.text for item in items if _is_name(item) and not check(item)]


def _is_name(item: CheckedAnswer) -> bool:
    """Return whether an item, such as an alias, is a name and not a sentence.

    Unless the note has it, it may not stand in the instructions (`its full form`), nor be in
    another script than the note; Latin letters are always allowed.
    """
    text = item.text
    words = [token for token in item.tokens if not is_unspaced(token)]
    if len(words) > _MOST_WORDS or _SENTENCE.search(text) or sum(map(str.isalpha, text)) < _FEWEST:
        return False
    if any(text.count(pair[0]) != text.count(pair[1]) for pair in _PAIRS):
        return False
    if fold(text) in item.source:
        return True
    if f" {' '.join(item.tokens)} " in f" {' '.join(find_tokens(item.prompt))} ":
        return False
    return script_of(text) in (None, "Latin letters", script_of(f"{item.title}\n{item.words}"))


def first_paragraphs(text: str, title: str, field: Field) -> str:
    """Return the first paragraphs of a text, as many as the field may have.

    A text that is too long loses its headings, too. The title or a heading in the first line is
    taken out of any text.
    """
    first, _, rest = text.partition("\n\n")
    if rest and (letters(first) == letters(title) or _HEADING.match(first)):
        text = rest
    if _fits(text.split("\n\n"), field):
        return text
    blocks = [block for block in text.split("\n\n") if not _HEADING.match(block)]
    fitting = [end for end in range(1, len(blocks) + 1) if _fits(blocks[:end], field)]
    return "\n\n".join(blocks[: max(fitting, default=len(blocks))])


def find_json(answer: CheckedAnswer) -> Fault | None:
    """Return the fault of an answer that is JSON, has JSON in it, or begins with the field's name.

    Members of objects may stand within the answer where the note has JSON, too.
    """
    text = without_code(answer.text)
    member = _MEMBER.search(text)
    found = _LABEL.match(text) or (member and not (member.start() and _MEMBER.search(answer.note)))
    if not (found or (_OBJECT.fullmatch(answer.raw) and answer.field.kind != "list")):
        return None
    return Fault("json", "holds JSON", "Write the text alone, without keys, braces or labels.")


def find_markup(answer: CheckedAnswer) -> Fault | None:
    """Return the fault of an answer with markup that no code in the note has.

    Where the note's code has a tag, any tag may stand within the answer. `__init__` and addresses
    may stand there if the note has them. An entity within a word is always a fault.
    """
    text = ESCAPE.sub(r"\1", without_code(answer.text) if answer.is_prose else answer.text)
    found = [*_BROKEN.finditer(without_code(answer.raw)), *_MARKUP.finditer(text)]
    if answer.is_prose:
        found += re.finditer(r"\*\*", _PAIRED.sub("", text))
    else:
        found += _EMPHASIS.finditer(text)
    address = next((m for m in _ADDRESS.finditer(answer.raw) if m[0] not in answer.note), None)
    if address:
        retry = "Write plain words, without links and addresses."
        return Fault("markup", f"has an address that the note has not (“{address[0]}”)", retry)
    blocks = _CODE.finditer(answer.note) if found else ()
    code = "".join(match[0] for match in blocks).replace(" ", "")
    for match in found:
        if answer.is_prose and match.lastgroup == "mark":
            continue  # links to notes that exist, which sanitizing leaves
        if not _may_stand(match, answer.note, code):
            reason = f"has markup left in it (“{match[0]}”)"
            return Fault("markup", reason, "Write plain words, without HTML, Markdown or entities.")
    return None


def _may_stand(match: re.Match[str], note: str, code: str) -> bool:
    """Return whether the note has the markup in a way that lets an answer have it, too."""
    if match.lastgroup == "within":
        return False
    if match.lastgroup in ("name", "escape"):
        return match[0] in note
    is_named = match.lastgroup == "tag" and not _encloses(match)
    return match[0].replace(" ", "") in code or (is_named and bool(_TAG.search(code)))


def _encloses(tag: re.Match[str]) -> bool:
    """Return whether a tag begins the text, or ends it with no blank before the tag."""
    ends = _NO_MORE.match(tag.string, tag.end()) and not tag.string[tag.start() - 1].isspace()
    return tag.start() == 0 or bool(ends)


def find_bad_length(answer: CheckedAnswer) -> Fault | None:
    """Return the fault of an answer much shorter or longer than the field's limits.

    A value may have a third of the least, one or two words two thirds of it, and the answer to a
    question any length; signs of scripts without spaces count as 2.5 letters there. A callout may
    have one paragraph for every 400 characters.
    """
    field = answer.field
    least, most = field.min_characters, field.max_characters
    if answer.of_section:
        least = int(least * _SECTION)
    if answer.is_prose and width(answer.text) < least and not answer.question:
        retry = f"Write at least {least / _WORD:.0f} words: two paragraphs of whole sentences."
        return Fault("length", f"is too short ({len(answer.text)} characters)", retry)
    has_few_words = field.whole_sentences and len(answer.tokens) < _FEWEST_WORDS
    if (
        width(letters(answer.text)) < (least * 2 if has_few_words else least) / _LEEWAY
        and not answer.question
    ):
        return _make_fault(f"is too short ({len(answer.text)} characters)", f"at least {least}")
    if len(answer.text) > _OVER * most or (answer.is_prose and _is_wordy(answer.text, field)):
        return _make_fault(f"is too long ({len(answer.text)} characters)", f"at most {most}")
    if answer.is_prose:
        return _find_bad_paragraphs(answer.text, _most_paragraphs(field))
    return None


def _find_bad_paragraphs(text: str, most: int) -> Fault | None:
    blocks = [block for block in without_code(text).split("\n\n") if letters(block)]
    if blocks and _HEADING.match(blocks[0]) and len(blocks) > 1:
        retry = "Begin with a sentence, not with a heading."
        return Fault("length", "begins with a heading", retry)
    running = sum(map(_is_running, blocks))
    if running > most:
        retry = f"Write at most {most} paragraphs."
        return Fault("length", f"has {running} paragraphs", retry)
    return None


def _fits(blocks: Sequence[str], field: Field) -> bool:
    running = sum(map(_is_running, blocks))
    text = "\n\n".join(blocks)
    is_short = len(text) <= field.max_characters * _OVER and not _is_wordy(text, field)
    return running <= _most_paragraphs(field) and is_short


def _is_wordy(text: str, field: Field) -> bool:
    """Return whether the text has too many words; a Chinese sign is half a word."""
    words = len(text.split()) + count_unspaced(text) / 2
    return words > field.max_characters / _LONG_WORD


def _is_running(block: str) -> bool:
    return bool(letters(block)) and not LIST_OR_TABLE.match(block)


def _most_paragraphs(field: Field) -> int:
    return max(1, field.max_characters // _PARAGRAPH)


def _make_fault(reason: str, wanted: str) -> Fault:
    return Fault("length", reason, f"Write {wanted} characters.")


def without_code(text: str) -> str:
    """Return text without code blocks and code in a line."""
    return _CODE.sub(" ", text)
