"""What was changed in the notes, and undo."""

from __future__ import annotations

from companion.daemon.api.change_schemas import (
    ChangePage,
    ChangeShape,
    ChangesQuery,
    ChangeWithDiff,
    Undo,
    UndoMade,
    UndoOffered,
    change_fields,
)
from companion.daemon.api.routing import Resource, the_daemon
from companion.daemon.api.schemas import LARGEST, Applied, ChangeMade, OfferShape
from companion.daemon.problem import Refusal
from companion.note.line_diff import diff_lines
from companion.vault.journal import Change

changes = Resource("changes")

_ONE = f"/changes/<int(min=1, max={LARGEST}):change>"


@changes.reads("/changes")
def read_changes(query: ChangesQuery) -> ChangePage:
    """A page of changes, newest first."""
    found = the_daemon().history.page(query.path, query.run, query.before, query.limit + 1)
    page = found[: query.limit]
    before = page[-1].id if len(found) > query.limit else None
    return ChangePage(changes=[ChangeShape.of(change) for change in page], before=before)


@changes.reads(_ONE)
def read_change(change: int) -> ChangeWithDiff:
    """One change with its diff."""
    found = _require(change)
    texts = the_daemon().history.texts(found)
    diff = None if texts is None else "".join(diff_lines(found.path, *texts))
    return ChangeWithDiff.model_validate(change_fields(found) | {"diff": diff})


@changes.does(f"{_ONE}/undo", conflicts=True)
def undo_change(change: int, body: Undo) -> UndoMade | UndoOffered:
    """Take a change back, or get the edits that do it."""
    found, history = _require(change), the_daemon().history
    if body.text is not None:
        made = history.prepare_undo(found, body.text)
        offer, reason = OfferShape.of(made.offer), made.reason or None
        return UndoOffered(offer=offer, left=made.left, reason=reason)
    undone = history.undo(found, body.run, even_open=body.even_open)
    return UndoMade.model_validate(undone._asdict() | {"reason": undone.reason or None})


@changes.does(f"{_ONE}/applied", conflicts=True)
def confirm_undo(change: int, body: Applied) -> ChangeMade:
    """Confirm that the edits of an undo were made."""
    number = the_daemon().history.confirm_undo(_require(change), body.base_sha256, body.new_sha256)
    return ChangeMade(change=number)


def _require(number: int) -> Change:
    if (found := the_daemon().history.find(number)) is None:
        raise Refusal(404, f"There is no change {number}.")
    return found
