"""The context of a prompt: the parts of a note that templates may use, made safe for a message."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, count

from companion.language.words import count_unspaced, find_tokens

# Turn marks of chat templates: llama.cpp interprets them anywhere in a message.
_TURN_MARK = re.compile(
    r"<(?=[|｜]|/?(?:s|bos|eos|start_of_turn|end_of_turn|<SYS>)>)|\[(?=/?INST\])", re.IGNORECASE
)
_NOT_IN_TAGS = re.compile(r"[^\w<>/-]")
_TITLE_BYTES = 72  # of UTF-8, at most: about 18 tokens of English, 24 of Chinese
_SHARE = 0.4  # of the words shown, that a callout may have
_WORDS, _SIGNS = (25, 110), (40, 200)  # at least and at most; in scripts without spaces, signs
_FEW_WORDS = 1.6  # times the least, up to which one or two sentences say enough
_LAST_WORD = re.compile(r"\s+\S{0,20}$")  # no more: Chinese has no blanks between words


@dataclass(frozen=True)
class PromptContext:
    """The parts of a note that a prompt may contain. All of it is data; none is used as a template.

    title: empty if nothing names the subject. language: the English name of the language to write
    in; None: the note's own. vocabulary: the values to choose from, by field name, the best match
    first. properties: further properties of the note as `name: value`, for notes with little text.
    backlinks: what other notes say about it. linked: descriptions of notes that it links to. links:
    the names of notes that a callout may link to. examples: descriptions of other notes. small:
    whether the model is small, and is best told to write little, and only from what it is shown.
    wish: what the user wants changed from an earlier answer, in their words; earlier: that answer,
    if it is to be shown.
    """

    title: str
    prose: str = ""
    headings: Sequence[str] = ()
    aliases: Sequence[str] = ()
    tags: Sequence[str] = ()
    language: str | None = None
    vocabulary: Mapping[str, Sequence[str]] = field(default_factory=dict)
    properties: Sequence[str] = ()
    backlinks: Sequence[str] = ()
    linked: Sequence[str] = ()
    links: Sequence[str] = ()
    examples: Sequence[str] = ()
    small: bool = False
    wish: str = ""
    earlier: str = ""

    @property
    def told_by_others(self) -> bool:
        """Whether other notes say more about the subject than the note itself."""
        return sum(map(len, self.backlinks)) > len(self.prose)

    def callout_size(self) -> tuple[str, str]:
        """Return how long a callout may be, and in how many sentences, in words for the model.

        That is by the note and what others say about it: a stub gets one or two sentences.
        """
        text = "\n".join((self.prose, *self.backlinks))
        tokens = len(find_tokens(text))
        is_unspaced = count_unspaced(text or self.title) * 2 > tokens
        least, most = _SIGNS if is_unspaced else _WORDS
        size = min(most, max(least, round(tokens * _SHARE)))
        length = f"{size} {'characters' if is_unspaced else 'words'}"
        return length, "one or two" if size < least * _FEW_WORDS else "two to five"

    def values(self) -> dict[str, object]:
        """Return the values for `note.md`, the template of the note's part of a message."""
        prose = break_turn_marks(self.prose.strip())
        lists = (*self.headings, *self.aliases, *self.tags, *self.properties)
        others = (*self.backlinks, *self.linked, *self.links, *self.examples)
        texts = (self.title, prose, *lists, *others)
        return self.short_values() | {
            "title": as_line(self.title),
            "prose": prose,
            "headings": as_lines(self.headings),
            "properties": as_lines(self.properties),
            "backlinks": as_lines(self.backlinks),
            "linked": as_lines(self.linked),
            "links": as_lines(self.links),
            "examples": as_lines(self.examples),
            "marker": _find_marker(texts),
        }

    def wish_values(self) -> dict[str, object]:
        """Return the values for `again.md`: the user's words, and the earlier answer in a tag."""
        earlier = break_turn_marks(self.earlier.strip())
        marker = _find_marker([earlier], "earlier")
        return {"wish": as_line(self.wish), "earlier": earlier, "marker": marker}

    def short_values(self) -> dict[str, object]:
        """Return the values for instructions, each on one line: they are outside the note's tags.

        Every instruction repeats the title, so a long one is cut. The note has all of it.
        """
        title = as_line(self.title)
        if len(title.encode()) > _TITLE_BYTES:  # cut between words, where it has them
            cut = title.encode()[:_TITLE_BYTES].decode(errors="ignore")
            title = _LAST_WORD.sub("", cut) + "…"
        length, sentences = self.callout_size()
        return {
            "title": title,
            "quoted_title": f'"{title}"' if title else "",
            "aliases": as_lines(self.aliases),
            "tags": as_lines(self.tags),
            "language": self.language,
            "small": self.small,
            "told_by_others": self.told_by_others,
            "links": as_lines(self.links),
            "length": length,
            "sentences": sentences,
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
        properties=("from: Ethiopia",),
        backlinks=("Coffee keeps people awake. (from “Sleep”)",),
        linked=("Ethiopia: A country in the Horn of Africa.",),
        links=("Ethiopia",),
        examples=("How tea is dried.",),
    ),
    PromptContext("", "It is brewed from roasted seeds.", small=True),
)


def as_line(text: str) -> str:
    """Return text with every run of white space as one space, and its turn marks broken."""
    return break_turn_marks(" ".join(text.split()))


def as_lines(texts: Iterable[str]) -> tuple[str, ...]:
    """Return each of the texts on one line, as as_line does."""
    return tuple(map(as_line, texts))


def break_turn_marks(text: str) -> str:
    """Return text without turn marks of chat templates: `<|im_end|>` becomes `< |im_end|>`."""
    return _TURN_MARK.sub(r"\g<0> ", text)


def _find_marker(texts: Iterable[str], name: str = "note") -> str:
    """Return the name of a tag, such as `note`, that none of the texts opens or closes.

    Look-alikes count too: other cases, widths and blanks, as in `＜/ NOTE ＞`.
    """
    text = unicodedata.normalize("NFKC", "\n".join(texts)).casefold()
    tags = _NOT_IN_TAGS.sub("", text)
    names = chain([name], (f"{name}-{number}" for number in count(2)))
    return next(each for each in names if f"<{each}" not in tags and f"</{each}" not in tags)
