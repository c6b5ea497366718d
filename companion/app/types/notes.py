"""Notes: what each of them needs, and what of it is left alone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, WithJsonSchema, model_validator

from companion.app.types.base import ExactMoment, FolderPath, PageSize, RelativePath, Sent, Shape
from companion.app.types.proposals import Proposal
from companion.note import needs
from companion.note.facts import Facts

Titles = Callable[[], Collection[str]]
NoteState = Literal["to-do", "left", "skipped", "all"]


class Need(Shape):
    """Something that a note needs. question: the title of a callout that asks one, or null."""

    kind: str
    heading: str | None
    question: str | None
    reason: str

    @classmethod
    def of(cls, need: needs.Need, titles: Titles) -> Self:
        """Return the need as it is shown: a title that callouts have asks no question."""
        if need.question is None or need.question.casefold() not in titles():
            return cls.model_validate(need)
        return cls.model_validate(needs.explain(need, titles())._replace(question=None))


class Note(Shape):
    """A note. skipped: why all of it is left alone, or null. left: what in it is, and why."""

    path: str
    needs: list[Need]
    skipped: str | None
    left: list[str]

    @classmethod
    def of(cls, path: str, facts: Facts, titles: Titles = tuple) -> Self:
        """Return the note at path. titles: returns those of the vault's callouts, casefolded."""
        shown = [Need.of(each, titles) for each in facts.needs]
        return cls(path=path, needs=shown, skipped=facts.skipped, left=list(facts.unfilled))


class NotePage(Shape):
    """A page of notes. next: `after` of the next page; null on the last. total: of all."""

    notes: list[Note]
    next: str | None
    total: int


class NotesQuery(Sent):
    """Which notes. path: only this one, read now."""

    filter: NoteState = "to-do"
    folder: FolderPath = ""
    after: FolderPath = ""
    limit: PageSize = 100
    path: RelativePath | None = None

    @model_validator(mode="after")
    def _check(self) -> NotesQuery:
        if self.path is not None and len(self.model_fields_set) > 1:
            raise ValueError("`path` names one note and goes with nothing else")
        return self


TEXT_OR_NUMBER = WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "number"}]})


class ScanOptions(Sent):
    """Which notes to look at. paths: notes and folders; empty: the vault. field: only needs that it
    fills. tag, property, modified_since: as of proposals.
    """

    paths: list[FolderPath] = Field(default=[])
    field: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    tag: str | None = None
    property: str | None = None
    modified_since: Annotated[ExactMoment, TEXT_OR_NUMBER] | None = None


class ScanReport(Shape):
    """What was seen. notes: those that need something, or of which something is left alone, and
    those that were named, by path. skipped: why others are left alone, by path; also of folders.

    looked_at: how many notes were read. warnings: what in the settings leaves no note alone.
    """

    notes: dict[str, Note]
    skipped: dict[str, str]
    looked_at: int
    warnings: list[str]

    def all(self) -> Iterator[Note]:
        """Yield every note that needs something, is left, or is skipped."""
        yield from self.notes.values()
        for path, reason in self.skipped.items():
            yield Note(path=path, needs=[], skipped=reason, left=[])


class Outdated(Proposal):
    """An accepted proposal whose text stands in its note, of which a lot has changed since.

    changed_share: how many of the sentences that it was made from are gone, from 0 to 1.
    """

    changed_share: float


class OutdatedTexts(Shape):
    """What Companion wrote, and nobody edited, in notes of which a lot has changed since."""

    texts: list[Outdated]


class PromptQuery(Sent):
    """For which note. section: the heading of a section that is to have a callout."""

    path: RelativePath
    section: Annotated[str, Field(min_length=1, max_length=1000)] | None = None


class PromptCall(Shape):
    """A call to the model. schema: the JSON schema of its answer; null: the answer is text."""

    model_config = ConfigDict(populate_by_name=True)

    messages: list[dict[str, str]]
    answer_schema: dict[str, Any] | None = Field(alias="schema")


class NotePrompt(Shape):
    """The calls that enriching a note begins with.

    endpoint: which model would be sent them, in words. remarks: why nothing would be sent, what is
    filled without a model, and what is left out.
    """

    endpoint: str
    calls: list[PromptCall]
    remarks: list[str]
