"""An answer of the model with everything it is checked against, and a fault that a check found."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from companion.language.words import find_tokens, fold_accents
from companion.prompts import Field


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
    asks, empty if nothing. by_small_model: whether a small model explains the note in a callout.
    own: what a callout must not repeat: note without the parts from other notes.
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
    by_small_model: bool = False
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
