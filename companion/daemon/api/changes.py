"""What was changed in the notes, and undo."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from companion.daemon.api.route import Noun, the_daemon
from companion.daemon.api.shapes import (
    LARGEST,
    Applied,
    ChangeMade,
    NotePath,
    OfferShape,
    QueryNumber,
    RunId,
    Sent,
    Shape,
    iso_time,
)
from companion.daemon.problem import Refusal
from companion.note.diff import diff_lines
from companion.vault.change import State
from companion.vault.journal import Change

changes = Noun("changes")

_ONE = f"/changes/<int(min=1, max={LARGEST}):change>"


class ChangeShape(Shape):
    """A change, as `companion history --json` has it; made_at in UTC."""

    id: int
    run: str
    path: str
    kind: str
    state: State
    made_at: str
    needs: list[str]
    model: str
    note: str
    undoes: int | None
    undone_by: int | None

    @classmethod
    def of(cls, change: Change) -> ChangeShape:
        """Return the shape of a change."""
        return cls.model_validate(_fields(change))


class ChangeWithDiff(ChangeShape):
    """A change with its unified diff; null when the note's images were pruned."""

    diff: str | None


class ChangePage(Shape):
    """A page of changes, newest first. before: where the next page begins; null on the last."""

    changes: list[ChangeShape]
    before: int | None


class ChangesQuery(Sent):
    """Which changes: of a note, of a run, from those before an id."""

    path: NotePath | None = None
    run: RunId | None = None
    before: Annotated[QueryNumber, Field(ge=1, le=LARGEST)] | None = None
    limit: Annotated[QueryNumber, Field(ge=1, le=1000)] = 100


class Undo(Sent):
    """How to undo. apply: the daemon writes, or the client gets edits for the text it shows.

    run: the run that the journal counts the undo to.
    """

    apply: Literal["daemon", "client"] = "daemon"
    run: RunId | None = None
    text: str | None = None

    @model_validator(mode="after")
    def _check(self) -> Undo:
        if (self.text is not None) != (self.apply == "client"):
            raise ValueError("`text` goes with `apply: client`, and that needs it")
        if self.text is not None and self.run is not None:
            raise ValueError("`run` goes with `apply: daemon`")
        return self


class UndoOffered(Shape):
    """The edits that take a change out of the text that was sent."""

    offer: OfferShape


@changes.reads("/changes")
def read_changes(query: ChangesQuery) -> ChangePage:
    """A page of changes, newest first."""
    found = the_daemon().changes(query.path, query.run, query.before, query.limit + 1)
    page = found[: query.limit]
    before = page[-1].id if len(found) > query.limit else None
    return ChangePage(changes=[ChangeShape.of(change) for change in page], before=before)


@changes.reads(_ONE)
def read_change(change: int) -> ChangeWithDiff:
    """One change with its diff."""
    found = _require(change)
    texts = the_daemon().change_texts(found)
    diff = None if texts is None else "".join(diff_lines(found.path, *texts))
    return ChangeWithDiff.model_validate(_fields(found) | {"diff": diff})


@changes.does(f"{_ONE}/undo", conflicts=True)
def undo_change(change: int, body: Undo) -> ChangeMade | UndoOffered:
    """Take a change back, or get the edits that do it."""
    found = _require(change)
    if body.text is not None:
        return UndoOffered(offer=OfferShape.of(the_daemon().offer_undo(found, body.text)))
    return ChangeMade(change=the_daemon().undo(found, body.run))


@changes.does(f"{_ONE}/applied", conflicts=True)
def confirm_undo(change: int, body: Applied) -> ChangeMade:
    """Confirm that the edits of an undo were made."""
    number = the_daemon().confirm_undo(_require(change), body.base_sha256, body.new_sha256)
    return ChangeMade(change=number)


def _require(number: int) -> Change:
    if (found := the_daemon().change(number)) is None:
        raise Refusal(404, f"There is no change {number}.")
    return found


def _fields(change: Change) -> dict[str, object]:
    own = {name: getattr(change, name) for name in ChangeShape.model_fields}
    return own | {"made_at": iso_time(change.made_at), "needs": list(change.needs)}
