"""An answer of the model, and the checks of its form: whole, not too long, without markup."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from companion.language.detection import script_of, scripts_in
from companion.language.words import (
    find_sentences,
    find_tokens,
    fold_accents,
    is_balanced,
    is_unspaced,
    letters,
    width,
)
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

_CODE_SIGN = re.compile(r"(?<!\w)__\w|`")

_PARAGRAPH = 400  # characters a paragraph of a callout may have on average
_SHORT = {"prose": 1 / 3, "text": 1 / 3}  # of the least, which few words say enough: 文件系统
_OVER = 1.25  # times the most characters that were asked for
_LIST_OR_TABLE = re.compile(r"\s*(?:(?:[-*+]|\d+[.)])(?:\s|$)|\|)")
_HEADING = re.compile(r"(?:\*\*[^*]+[^*.!?。！？]\*\*|#{1,6} .*)$")

# Without a sign at their end: sentences of Thai, Lao, Burmese and Khmer, and those with an emoji.
_BARE = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2600-\u27bf\U0001f000-\U0001faff]$")
_FINAL = re.compile(r"(?:[.!?…。！？｡؟।॥۔։።;](?<!\.\.\.)(?<!(?<!…)…))[\"'”’»›)\]）】」』*_`|]*$")
_CLOSED = re.compile(r"[\"”’»)\]）】」』》`]$")
_BROKEN_OFF = re.compile(r"(?:[,;:\-–—/&+(\[{、，：；（「《]|\.{3}|(?<!…)…)$")
_STARTS_INSIDE = re.compile(r"^(?:[,;)\]}、，。：；！？）」》]|[.:!?](?![^\W_]))")  # not `.NET`


class Fault(NamedTuple):
    """What is wrong with an answer.

    kind: the name of the check that found it. reason: for the user, to follow "the description".
    retry: for the model, what to do instead.
    """

    kind: str
    reason: str
    retry: str


@dataclass(frozen=True)
class CheckedAnswer:
    """A value that the model gave for a field, sanitized, and what it is checked against.

    text: the value; lines of a callout and items of a list end at `\\n`. raw: the value before it
    was sanitized. title: the note's title. note: the note's whole text, what the prompt shows of
    other notes, and for a callout those accepted before it. words: the note's running text as a
    reader sees it. prompt: the instructions the model was given, without the note. language: the
    English name of the language to write in, None for the note's own. question: what the callout
    asks, empty if nothing. own: what a callout must not repeat: note without the parts from other
    notes.
    """

    field: Field
    text: str
    raw: str
    title: str
    note: str
    words: str
    prompt: str
    language: str | None = None
    question: str = ""
    own: str = ""

    @property
    def is_prose(self) -> bool:
        """Whether the value is the body of a callout."""
        return self.field.kind == "prose"

    @cached_property
    def tokens(self) -> list[str]:
        """The words of the value, as find_tokens returns them."""
        return find_tokens(self.text)

    @cached_property
    def source(self) -> str:
        """The title and the note's text, folded, to look words up in."""
        return fold_accents(f"{self.title}\n{self.note}")

    @cached_property
    def source_words(self) -> frozenset[str]:
        """The words of source."""
        return frozenset(find_tokens(self.source))


def is_name(item: CheckedAnswer) -> bool:
    """Return whether an item, such as an alias, is a name and not a sentence.

    Unless the note has it, it must not be in the instructions (`its full form`), nor in a script
    that the note has no sign of; Latin letters are always allowed.
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
    script = script_of(text)
    return script in (None, "Latin letters") or script in scripts_in(f"{item.title}\n{item.words}")


def find_markup(answer: CheckedAnswer) -> Fault | None:
    """Return the fault of an answer with JSON or markup that is not in the note.

    If the note has a tag, its end is allowed, too. In a callout, code, links and emphasis are
    allowed.
    """
    text = _ESCAPE.sub(r"\1", _without_code(answer.text) if answer.is_prose else answer.text)
    raw = _without_code(answer.raw)
    matches = [*_JSON.finditer(text), *_JSON.finditer(answer.raw), *_MARKUP.finditer(text)]
    matches += [*_MARKUP.finditer(raw), *(() if answer.is_prose else _CODE_SIGN.finditer(text))]
    tags = {match["tag"] for match in _MARKUP.finditer(answer.note)} - {None}
    new = (m for m in matches if m[0] not in answer.note and m.groupdict().get("tag") not in tags)
    in_line = None if answer.is_prose else _IN_LINE.search(text)
    if (found := next(new, in_line)) is None:
        return None
    retry = "Write plain words, without JSON, HTML, Markdown, links or labels."
    return Fault("markup", f"has markup left in it (“{found[0][:40]}”)", retry)


def find_bad_length(answer: CheckedAnswer) -> Fault | None:
    """Return the fault of an answer much shorter or longer than the field's limits.

    The answer to a question may be as short as it likes. A callout may have one paragraph for every
    400 characters, and lists beside them.
    """
    field, size = answer.field, len(answer.text)
    if field.kind == "text" and "\n" in answer.raw.strip():
        return Fault("length", "has several lines", "Write one line, without headings or lists.")
    least = field.min_characters * _SHORT.get(field.kind, 0.0)
    if width(letters(answer.text)) < least and not answer.question:
        retry = f"Write at least {field.min_characters} characters."
        return Fault("length", f"is too short ({size} characters)", retry)
    blocks = [block for block in _without_code(answer.text).split("\n\n") if letters(block)]
    if _fits(blocks, field) if answer.is_prose else size <= _OVER * field.max_characters:
        return None
    most = _most_paragraphs(field)
    retry = f"Write at most {field.max_characters} characters, in {most} paragraphs."
    return Fault("length", f"is too long ({size} characters, {len(blocks)} paragraphs)", retry)


def first_paragraphs(text: str, title: str, field: Field) -> str:
    """Return the first paragraphs of a text, as many as the field may have.

    The title, or a heading, in the first line is removed.
    """
    blocks = text.split("\n\n")
    if len(blocks) > 1 and (letters(blocks[0]) == letters(title) or _HEADING.match(blocks[0])):
        del blocks[0]
    fitting = [end for end in range(1, len(blocks) + 1) if _fits(blocks[:end], field)]
    return "\n\n".join(blocks[: max(fitting, default=len(blocks))])


def _fits(blocks: list[str], field: Field) -> bool:
    running = [block for block in blocks if letters(block) and not _LIST_OR_TABLE.match(block)]
    is_short = width("\n\n".join(blocks)) <= field.max_characters * _OVER
    return is_short and len(running) <= _most_paragraphs(field)


def _most_paragraphs(field: Field) -> int:
    return max(1, field.max_characters // _PARAGRAPH)


def _without_code(text: str) -> str:
    return _CODE.sub(" ", text)


def find_unfinished(answer: CheckedAnswer) -> Fault | None:
    """Return the fault of an answer that breaks off, or begins in the middle of a sentence.

    Only fields of whole sentences need a full stop: people often write descriptions without one.
    """
    text = _ESCAPE.sub(r"\1", answer.text).strip()
    last = text.rsplit("\n", 1)[-1].strip()
    is_other = _LIST_OR_TABLE.match(last) or _CLOSED.search(last)  # a list, code, a quotation
    needs_end = answer.field.whole_sentences or answer.is_prose
    may_end = (answer.is_prose and is_other) or _BARE.search(last) or not needs_end
    is_closed = is_balanced(last) and not _BROKEN_OFF.search(last)
    if (_FINAL.search(last) or (may_end and is_closed)) and not _STARTS_INSIDE.match(text):
        return None
    retry = "Write whole sentences, shorter ones, and end each with a full stop."
    return Fault("unfinished", f"is not a whole sentence (“{last[-40:]}”)", retry)


def whole_sentences(text: str) -> str:
    """Return text without an unfinished sentence at its end, unless that is the only one."""
    if text and not (_FINAL.search(text) or _BARE.search(text)):
        *whole, rest = find_sentences([text])
        return text[: len(text.rstrip()) - len(rest)].rstrip() if whole else text
    return text
