"""An answer of the model with everything it is checked against, and a fault that a check found."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from companion.enrich.words import find_tokens, fold
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

    text: the value; lines and items end at `\\n`. raw: before it was sanitized. title, note: the
    note's, the latter with what the prompt shows of other notes, and callouts accepted before.
    words: the note's running text. prompt: the instructions, without the note. language: to write
    in, None: the note's own. question: that the callout answers. by_small_model: which explains the
    note in a callout. of_section: it explains a section. own: what a callout must not repeat; None:
    all of note.
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
    own: str | None = None

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
        return fold(f"{self.title}\n{self.note}")
