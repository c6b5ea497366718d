"""Changes made to notes, edits for the editors of open notes, and results of undoing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field

from companion.app.problem import code_of
from companion.app.types.base import (
    ClientName,
    EditShape,
    FolderPath,
    Id,
    Moment,
    Name,
    PageSize,
    Query,
    RelativePath,
    RunId,
    Sent,
    Sha256,
    Shape,
)
from companion.errors import CompanionError, NoteError
from companion.store import journal
from companion.store.changes import ChangeState


class ChangeQuery(Query):
    """Which changes: those that match everything given.

    path: of this note, even if it was moved or deleted, or in this folder. run: of this run. since,
    until: made in that time. field: that filled it, by the name of its file or its property. model:
    that wrote for them. undoable: that can be taken back; `whole`: nothing of them was yet; `part`:
    a part may have been. An undo counts with its own run only, unless it took back a change of that
    run. before, limit: of a page: at most so many, with a lower id. diff: with their diffs.
    """

    path: FolderPath | None = None
    run: RunId | None = None
    since: Moment | None = None
    until: Moment | None = None
    field: Name | None = None
    model: Name | None = None
    undoable: Literal["whole", "part"] | None = None
    before: Id | None = None
    limit: PageSize = 100
    diff: bool = False


class Change(Shape):
    """A change. needs: the needs it filled. note: a remark. undoes: the change that it took back.

    left: the parts that remain of a change that was undone in part, and is still `done`.
    decided_by: `user`, who accepted it; `setting` if it was written at once; or the agent, as
    `agent:NAME`. diff: unified, if it was requested; also null once the note's texts were deleted.
    """

    id: int
    run: str
    path: str
    kind: str
    state: ChangeState
    made_at: Moment
    needs: list[str]
    model: str
    note: str
    undoes: int | None
    undone_by: int | None
    left: list[str]
    decided_by: str
    diff: str | None = None

    @classmethod
    def of(cls, change: journal.Change, diff: str | None = None) -> Self:
        """Return a change of the journal."""
        return cls.model_validate(vars(change) | {"left": change.remaining, "diff": diff})

    def describe(self) -> str:
        """Return what it did, in a few words."""
        if self.undoes is not None:
            return f"undid change {self.undoes}"
        names = []
        for need in self.needs:  # such as `callout:section:Title`
            kind, where, title = [*need.split(":", 2), "", ""][:3]
            under = "under " if where == "section" else ""
            names.append(f"{kind} {under}“{title}”" if under or title else kind)
        return f"filled {', '.join(names)}" if names else self.kind


class ChangePage(Shape):
    """A page of changes, newest first. next: `before` of the next page; null on the last."""

    changes: list[Change]
    next: int | None


class ChangesToUndo(Sent):
    """Changes to take back, in this order. client: who is told of the result."""

    ids: Annotated[list[Id], Field(max_length=1000)]
    client: ClientName = ""


class UndoQuery(ChangeQuery):
    """Which changes to take back. client: who is told of the result."""

    client: ClientName = ""


class Undone(Shape):
    """The result of taking a change back.

    path: of its note now; moved_from: its path before, if it was moved in the meantime. undone_by:
    the change that took it back; null: nothing was. left: the parts that stay because they were
    edited, moved or removed since; reason: why, in words. code: the error's, if nothing was taken
    back, as in the type of a problem. waits: the row of the outbox, if the note is open and its
    editor has to take the change back; a notice tells its outcome.
    """

    change: int
    path: str
    undone_by: int | None
    left: list[str]
    reason: str | None
    code: str | None = None
    moved_from: str | None = None
    waits: int | None = None

    @classmethod
    def failed(
        cls, change: int, error: CompanionError, path: str = "", left: Sequence[str] = ()
    ) -> Self:
        """Return a result in which nothing was taken back, for the reason in error."""
        reason = error.reason if isinstance(error, NoteError) else str(error)
        code = code_of(error)
        return cls(
            change=change, path=path, undone_by=None, left=list(left), reason=reason, code=code
        )


class UndoneChanges(Shape):
    """The results for the first of the changes; send the others again: the answer took its time."""

    undone: list[Undone]


class TextShown(Sent):
    """The text that the editor shows now."""

    text: str


class OfferShape(Shape):
    """Edits for an editor to make in the text it sent; the hashes are of the text in UTF-8."""

    edits: list[EditShape]
    base_sha256: str
    new_sha256: str


class EditsToMake(Shape):
    """Edits for the text that was sent."""

    offer: OfferShape


class ChangeMade(Shape):
    """The id of a change in the journal."""

    change: int


class RowApplied(Sent):
    """An editor has made the edits of a row: the hashes of the text before and after.

    moved_to: the note's path, if it has changed since. client: who is told of the change.
    """

    base_sha256: Sha256
    new_sha256: Sha256
    moved_to: RelativePath | None = None
    client: ClientName = ""
