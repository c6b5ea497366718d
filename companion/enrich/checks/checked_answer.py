"""What a model said for a need, with all it is compared to; and what may be wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from companion.enrich.words import find_tokens, fold
from companion.prompts import Field


class Fault(NamedTuple):
    """What is wrong with an answer.

    kind: the check that found it. reason: for the user, after "the description". retry: for the
    model, what to do instead.
    """

    kind: str
    reason: str
    retry: str


@dataclass(frozen=True)
class CheckedAnswer:
    """A value that a model gave for a field, made inert, and what it is compared to.

    text: the value; lines of a callout and items of a list end at `\\n`. raw: as the model said
    it. title: the note's. note: all of its text. words: its running text as a reader sees it.
    prompt: what the model was told, without the note. language: the English name of the one to
    write in; None: the note's own. question: what a callout was asked; empty: nothing.
    by_small_model: whether it is a callout in which a small model explains the note. of_section:
    whether it is one that explains a section.
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
    of_section: bool = False

    @property
    def is_prose(self) -> bool:
        """Whether it is a callout's body."""
        return self.field.kind == "prose"

    @cached_property
    def tokens(self) -> list[str]:
        """The words of the value; see find_tokens."""
        return find_tokens(self.text)

    @cached_property
    def source(self) -> str:
        """The title and all the note's text, to look words up in; see fold."""
        return fold(f"{self.title}\n{self.note}")
