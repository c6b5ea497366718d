"""What the notes need, what is left in them, and which are skipped."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from companion.daemon.api.routing import Resource, the_daemon
from companion.daemon.api.schemas import WHOLE, FolderPath, NeedShape, Sent, Shape, VaultPath
from companion.daemon.problem import Refusal
from companion.note.needs import Facts
from companion.vault.paths import NotThere

notes = Resource("notes")


class NoteShape(Shape):
    """A note. left: what in it is left alone. skipped: why all of it is; null when it is not."""

    path: str
    needs: list[NeedShape]
    left: list[str]
    skipped: str | None

    @classmethod
    def of(cls, path: str, facts: Facts) -> NoteShape:
        """Return the shape of the note at path."""
        needs = NeedShape.of(facts.needs)
        return cls(path=path, needs=needs, left=list(facts.left), skipped=facts.skipped)


class NotePage(Shape):
    """A page of notes. after: where the next page begins; null on the last. total: of all."""

    notes: list[NoteShape]
    after: str | None
    total: int


class NotesQuery(Sent):
    """Which notes. path: this one alone, looked at now."""

    filter: Literal["to-do", "left", "skipped", "all"] = "to-do"
    folder: FolderPath = ""
    after: FolderPath = ""
    limit: Annotated[int, Field(ge=1, le=1000), WHOLE] = 100
    path: VaultPath | None = None

    @model_validator(mode="after")
    def _check(self) -> NotesQuery:
        if self.path is not None and len(self.model_fields_set) > 1:
            raise ValueError("`path` names one note and goes with nothing else")
        return self


@notes.reads("/notes")
def read_notes(query: NotesQuery) -> NotePage | NoteShape:
    """A page of notes in the order of their paths, or one note by its path."""
    notes = the_daemon().notes
    try:
        if query.path is not None:
            return NoteShape.of(query.path, notes.read_facts(query.path))
        page = notes.page(query.filter, query.folder, query.after, query.limit)
    except NotThere as error:
        raise Refusal(404, str(error)) from None
    found = [NoteShape.of(path, facts) for path, facts in page.notes]
    return NotePage(notes=found, after=page.after, total=page.total)
