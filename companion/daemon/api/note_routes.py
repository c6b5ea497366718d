"""The routes of notes, with what they need, and of the changes made to them."""

from __future__ import annotations

from companion.app.types.base import LARGEST, Nothing, RunId, Sent
from companion.app.types.changes import (
    Change,
    ChangeFilter,
    ChangePage,
    ChangeQuery,
    ChangesToUndo,
    Undone,
    UndoneChanges,
)
from companion.app.types.coverage import (
    Coverage,
    CoverageQuery,
    Estimate,
    OutdatedPage,
    OutdatedQuery,
    Spending,
    SpendingQuery,
    Taught,
    UnfilledField,
)
from companion.app.types.notes import (
    Note,
    NotePage,
    NotePrompt,
    NotesQuery,
    OutdatedTexts,
    PromptQuery,
    ScanOptions,
    ScanReport,
)
from companion.app.types.runs import RunShape
from companion.daemon.api.routing import Resource, for_a_while, run_address, the_daemon
from companion.daemon.guard import Refusal
from companion.vault.paths import PathNotFound

notes = Resource("notes")


@notes.reads("/notes")
def read_notes(query: NotesQuery) -> NotePage | Note:
    """A page of notes in the order of their paths, or one note by its path."""
    notes = the_daemon().notes
    try:
        return notes.page(query) if query.path is None else notes.note(query.path)
    except PathNotFound as error:
        raise Refusal(404, str(error)) from None


@notes.does("/scan", "read")
def scan_notes(body: ScanOptions) -> ScanReport:
    """Look at notes now, and report what they need, and what is left alone."""
    return the_daemon().vault.scan(body)


@notes.does("/scan/outdated", "read")
def find_outdated(body: ScanOptions) -> OutdatedTexts:
    """Look at notes now, and list what was written from text of which a lot has changed."""
    return OutdatedTexts(texts=the_daemon().vault.outdated(body))


@notes.reads("/outdated")
def read_outdated(query: OutdatedQuery) -> OutdatedPage:
    """A page of what was written from text of which a lot has changed, by path."""
    return the_daemon().notes.outdated_page(query)


@notes.reads("/coverage")
def read_coverage(query: CoverageQuery) -> Coverage:
    """What is filled, waits, is to do or is left alone, by folder, as of the last scan."""
    try:
        return the_daemon().vault.coverage(query)
    except PathNotFound as error:
        raise Refusal(404, str(error)) from None


@notes.reads("/taught")
def read_taught() -> Taught:
    """What the user has taught by descriptions, corrections and refusals."""
    return the_daemon().vault.taught()


@notes.does("/unfilled")
def leave_unfilled(body: UnfilledField) -> Taught:
    """Have the settings say that a field is not filled in a folder; what is taught then."""
    the_daemon().vault.leave_unfilled(body)
    return the_daemon().vault.taught()


@notes.reads("/prompt", conflicts=True)
def read_prompt(query: PromptQuery) -> NotePrompt:
    """What a model would be sent for a note. Nothing is sent."""
    return the_daemon().vault.prompt(query)


@notes.reads("/spending")
def read_spending(query: SpendingQuery) -> Spending:
    """What was spent by day and model, for all vaults."""
    return the_daemon().vault.spending(query)


@notes.does("/estimate", "read")
def estimate_rest(body: Nothing) -> Estimate:
    """What it would take to fill all that is to do. Nothing is asked."""
    return the_daemon().vault.estimate()


changes = Resource("changes")


class Undo(Sent):
    """How to undo. run: the run that the undo belongs to in the journal."""

    run: RunId | None = None


_ONE = f"/changes/<int(min=1, max={LARGEST}):change>"


@changes.reads("/changes")
def read_changes(query: ChangeQuery) -> ChangePage:
    """A page of changes, newest first."""
    return the_daemon().vault.changes(query)


@changes.reads(_ONE)
def read_change(change: int) -> Change:
    """One change with its diff."""
    return the_daemon().vault.change(change)


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
