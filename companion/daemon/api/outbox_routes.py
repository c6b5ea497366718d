"""The routes of the outbox: edits that open notes' editors get, and confirm."""

from __future__ import annotations

from companion.app.types.base import LARGEST, ChangeMade, Nothing
from companion.app.types.outbox import EditsInPart, OutboxEntry, RowApplied, TextShown
from companion.daemon.api.routing import Resource, the_daemon

outbox = Resource("outbox")

_ONE = f"/outbox/<int(min=1, max={LARGEST}):row>"


@outbox.reads(_ONE)
def read_row(row: int) -> OutboxEntry:
    """What became of edits that wait for an editor."""
    entry = the_daemon().outbox.row(row)
    change = the_daemon().space.journal.change(entry.request.undoes or 0)
    return OutboxEntry.of(entry, change.remaining if change else [])


@outbox.does(f"{_ONE}/edits", "decide", conflicts=True)
def give_edits(row: int, body: TextShown) -> EditsInPart:
    """The edits for the text that the editor shows now."""
    return EditsInPart.of(the_daemon().outbox.give(row, body.text))


@outbox.does(f"{_ONE}/withdraw", "decide")
def withdraw_row(row: int, body: Nothing) -> OutboxEntry:
    """Have the edits made by nobody; what was accepted waits for a decision again."""
    the_daemon().outbox.cancel(row)
    return read_row(row)


@outbox.does(f"{_ONE}/applied", "decide", conflicts=True)
def confirm_row(row: int, body: RowApplied) -> ChangeMade:
    """Confirm that the edits were made."""
    hashes = body.base_sha256, body.new_sha256
    return ChangeMade(change=the_daemon().outbox.confirm(row, *hashes, body.moved_to))
