"""The routes of notes, with what they need, and of the changes made to them."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from companion.app.types.base import (
    LARGEST,
    Applied,
    ChangeMade,
    FolderPath,
    NeedShape,
    OfferShape,
    PageSize,
    RelativePath,
    Sent,
    Shape,
)
from companion.app.types.changes import (
    Change,
    ChangePage,
    ChangeQuery,
    ChangesToUndo,
    Undone,
    UndoneChanges,
)
from companion.daemon.api.change_schemas import Undo, UndoOffered
from companion.daemon.api.routing import Resource, for_a_while, the_daemon
from companion.daemon.problem import Refusal
from companion.errors import NotThere
from companion.note.facts import Facts
from companion.vault import journal
from companion.vault.paths import PathNotFound

notes = Resource("notes")


class NoteShape(Shape):
    """A note. left: the parts that are left alone, and why. skipped: why all of it is, or null."""

    path: str
    needs: list[NeedShape]
    left: list[str]
    skipped: str | None

    @classmethod
    def of(cls, path: str, facts: Facts) -> NoteShape:
        """Return the shape of the note at path."""
        needs = list(map(NeedShape.model_validate, facts.needs))
        return cls(path=path, needs=needs, left=list(facts.left), skipped=facts.skipped)


class NotePage(Shape):
    """A page of notes. after: where the next page begins; null on the last. total: of all."""

    notes: list[NoteShape]
    after: str | None
    total: int


class NotesQuery(Sent):
    """Which notes. path: only this one, read now."""

    filter: Literal["to-do", "left", "skipped", "all"] = "to-do"
    folder: FolderPath = ""
    after: FolderPath = ""
    limit: PageSize = 100
    path: RelativePath | None = None

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
    except PathNotFound as error:
        raise Refusal(404, str(error)) from None
    found = [NoteShape.of(path, facts) for path, facts in page.notes]
    return NotePage(notes=found, after=page.after, total=page.total)


changes = Resource("changes")

_ONE = f"/changes/<int(min=1, max={LARGEST}):change>"


@changes.reads("/changes")
def read_changes(query: ChangeQuery) -> ChangePage:
    """A page of changes, newest first."""
    return the_daemon().vault.changes(query)


@changes.reads(_ONE)
def read_change(change: int) -> Change:
    """One change with its diff."""
    return the_daemon().vault.change(change)


@changes.does("/changes/undo")
def undo_changes(body: ChangesToUndo) -> UndoneChanges:
    """Undo changes, one after the other; each has a result of its own."""
    vault = the_daemon().vault
    return UndoneChanges(undone=list(for_a_while(vault.undo(body.changes, body.run))))


@changes.does(f"{_ONE}/undo", conflicts=True)
def undo_change(change: int, body: Undo) -> Undone | UndoOffered:
    """Undo a change, or get the edits that do it."""
    daemon = the_daemon()
    if body.text is not None:
        made = daemon.undos.prepare_undo(_require(change), body.text)
        offer = OfferShape.model_validate(made.edits)
        return UndoOffered(offer=offer, left=made.left, reason=made.reason)
    vault = daemon.vault_of_editor if body.even_open else daemon.vault
    [undone] = vault.undo([change], body.run)
    return undone.check()


@changes.does(f"{_ONE}/applied", conflicts=True)
def confirm_undo(change: int, body: Applied) -> ChangeMade:
    """Confirm that the edits of an undo were made."""
    number = the_daemon().undos.confirm_undo(_require(change), body.base_sha256, body.new_sha256)
    return ChangeMade(change=number)


def _require(number: int) -> journal.Change:
    if (found := the_daemon().space.journal.change(number)) is None:
        raise NotThere(f"there is no change {number}")
    return found
