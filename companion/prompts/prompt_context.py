"""What a prompt may show of a note, made safe to stand in a message."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, count

# Turn marks of chat templates: llama.cpp takes them as such wherever in a message they stand.
_TURN_MARK = re.compile(
    r"<(?=[|｜]|/?(?:s|bos|eos|start_of_turn|end_of_turn|<SYS>)>)|\[(?=/?INST\])", re.IGNORECASE
)
_NO_MARKUP = re.compile(r"[^\w<>/-]")
_LONG_TITLE = 72  # bytes of UTF-8: some 18 tokens of English, 24 of Chinese
_LAST_WORD = re.compile(r"\s+\S{0,20}$")  # words end at blanks, which Chinese has none of


@dataclass(frozen=True)
class PromptContext:
    """What a prompt may show of a note. All of it is data; none of it is ever a template.

    `title` is empty where nothing names the subject. `language` is the English name of the language
    to write in; None: the note's own. `vocabulary` holds the values to choose from by field name,
    the most fitting first; `opening`, the note's own sentence that says best what it is about, if
    it has one; `self_description`, the same where it is written as a description already.
    `properties`: others of the note's, each as `name: value`, where there is little else to go by.
    """

    title: str
    prose: str = ""
    headings: Sequence[str] = ()
    aliases: Sequence[str] = ()
    tags: Sequence[str] = ()
    language: str | None = None
    vocabulary: Mapping[str, Sequence[str]] = field(default_factory=dict)
    opening: str | None = None
    self_description: str | None = None
    properties: Sequence[str] = ()

    def values(self) -> dict[str, object]:
        """Return what a template for the note's part of a message may use."""
        prose = defuse(self.prose.strip())
        lists = (*self.headings, *self.aliases, *self.tags, *self.properties)
        texts = (self.title, prose, self.opening or "", *lists)
        return self.short_values() | {
            "title": one_line(self.title),
            "prose": prose,
            "headings": one_lines(self.headings),
            "properties": one_lines(self.properties),
            "marker": _find_marker(texts),
        }

    def short_values(self) -> dict[str, object]:
        """Return what fits on a line, for instructions, which stand outside the note's marks.

        Each names the title, so of a long one they get the beginning: the note shows it whole.
        """
        title = _beginning(one_line(self.title))
        return {
            "title": title,
            "quoted_title": f'"{title}"' if title else "",
            "aliases": one_lines(self.aliases),
            "tags": one_lines(self.tags),
            "language": self.language,
            "opening": one_line(self.opening or ""),
            "self_description": one_line(self.self_description or ""),
        }


SAMPLES = (
    PromptContext("Tea"),
    PromptContext(
        title="Coffee",
        prose="Coffee is brewed from roasted seeds.",
        headings=("Roasting",),
        aliases=("java",),
        tags=("drink",),
        language="English",
        opening="How coffee is brewed from roasted seeds.",
        self_description="How coffee is brewed from roasted seeds.",
        properties=("from: Ethiopia",),
    ),
    PromptContext("", "It is brewed from roasted seeds."),
)


def one_line(text: str) -> str:
    """Return text with every run of blanks and line ends as one space, defused."""
    return defuse(" ".join(text.split()))


def one_lines(texts: Iterable[str]) -> tuple[str, ...]:
    """Return each text on one line, defused."""
    return tuple(map(one_line, texts))


def defuse(text: str) -> str:
    """Return text in which no model sees the end of a turn: `<|im_end|>` becomes `< |im_end|>`."""
    return _TURN_MARK.sub(r"\g<0> ", text)


def _beginning(title: str) -> str:
    if len(title.encode()) <= _LONG_TITLE:
        return title
    cut = title.encode()[:_LONG_TITLE].decode(errors="ignore")
    return _LAST_WORD.sub("", cut) + "…"


def _find_marker(texts: Iterable[str]) -> str:
    """Return a name for the marks around the note that no text opens or closes.

    Look-alikes count too: other cases, widths and blanks, as in `＜/ NOTE ＞`.
    """
    shown = unicodedata.normalize("NFKC", "\n".join(texts)).casefold()
    tags = _NO_MARKUP.sub("", shown)
    names = chain(["note"], (f"note-{number}" for number in count(2)))
    return next(name for name in names if f"<{name}" not in tags and f"</{name}" not in tags)
