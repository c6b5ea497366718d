"""The routes of notes, with what they need, and of the changes made to them."""

from __future__ import annotations

from companion.app.types.base import LARGEST, Nothing, RunId, Sent
from companion.app.types.changes import (
    ChangeFilter,
    ChangesToUndo,
    Undone,
    UndoneChanges,
)
from companion.app.types.coverage import (
    OutdatedPage,
    OutdatedQuery,
)
from companion.app.types.notes import (
    Note,
    NotePage,
    NotesQuery,
)
from companion.app.types.runs import RunShape
from companion.app.vault import Vault
from companion.daemon.api.routing import Resource, for_a_while, run_address, the_daemon

notes = Resource("notes")


@notes.reads("/notes")
def read_notes(query: NotesQuery) -> NotePage | Note:
    """A page of notes in the order of their paths, or one note by its path."""
    notes = the_daemon().notes
    return notes.page(query) if query.path is None else notes.note(query.path)


notes.offer(Vault.scan, Vault.outdated)


@notes.reads("/outdated")
def read_outdated(query: OutdatedQuery) -> OutdatedPage:
    """A page of what was written from text of which a lot has changed, by path."""
    return the_daemon().notes.outdated_page(query)


notes.offer(Vault.coverage, Vault.taught, Vault.leave_unfilled)
notes.offer(Vault.prompt, Vault.spending, Vault.estimate)

changes = Resource("changes")
changes.offer(Vault.changes, Vault.change)


class Undo(Sent):
    """How to undo. run: the run that the undo belongs to in the journal."""

    run: RunId | None = None


_ONE = f"/changes/<int(min=1, max={LARGEST}):change>"


@changes.does("/changes/undo", "decide", once=True)
def undo_changes(body: ChangesToUndo) -> UndoneChanges:
    """Undo changes, one after the other; each has a result of its own."""
    vault = the_daemon().vault
    return UndoneChanges(undone=list(for_a_while(vault.undo(body.changes, body.run))))


@changes.does("/changes/undo-all", "decide", once=True, status=202, location=run_address)
def undo_all(query: ChangeFilter, body: Nothing) -> RunShape:
    """Undo all changes that a filter means, in one run; of a run also what it refused."""
    daemon = the_daemon()
    return RunShape.model_validate(daemon.start_decisions(daemon.vault.undo_all(query)))


@changes.does(f"{_ONE}/undo", "decide", once=True, conflicts=True)
def undo_change(change: int, body: Undo) -> Undone:
    """Undo a change."""
    [undone] = the_daemon().vault.undo([change], body.run)
    return undone.check()
