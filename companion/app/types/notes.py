"""Notes: what each of them needs, and what in it is left alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

from pydantic import Field

from companion.app.types.base import (
    FolderPath,
    Name,
    Sent,
    Shape,
)
from companion.note.facts import Facts


class Need(Shape):
    """Something that a note needs. question: the title of a callout that asks one, or null."""

    kind: str
    heading: str | None
    question: str | None
    reason: str


class Note(Shape):
    """A note. skipped: why all of it is left alone, or null. left: which parts are, and why."""

    path: str
    needs: list[Need]
    skipped: str | None
    left: list[str]

    @classmethod
    def of(cls, path: str, facts: Facts) -> Self:
        """Return the note at path."""
        shown = [Need.model_validate(each) for each in facts.needs]
        return cls(path=path, needs=shown, skipped=facts.skipped, left=list(facts.unfilled))


class NotePage(Shape):
    """A page of notes. next: `after` of the next page; null on the last. total: on all pages."""

    notes: list[Note]
    next: str | None
    total: int


class Selection(Sent):
    """Which notes are meant. paths: notes and folders; empty: the vault. field: only needs that it
    fills, by its name or its property. tag: only notes with it, or one nested in it.
    """

    paths: list[FolderPath] = Field(default=[])
    field: Name | None = None
    tag: str | None = None


class ScanReport(Shape):
    """The result of a scan. notes: those that need something, or in which something is left alone,
    and those that were named, by path. skipped: why others are left alone, by path; folders, too.

    looked_at: how many notes were read.
    """

    notes: dict[str, Note]
    skipped: dict[str, str]
    looked_at: int

    def all(self) -> Iterator[Note]:
        """Yield every note that needs something, has something left alone, or is skipped."""
        yield from self.notes.values()
        for path, reason in self.skipped.items():
            yield Note(path=path, needs=[], skipped=reason, left=[])


class FolderWork(Shape):
    """How many notes of a folder were filled, have an open proposal, and need something."""

    filled: int = 0
    waiting: int = 0
    to_do: int = 0
