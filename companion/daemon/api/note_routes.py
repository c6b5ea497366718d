"""The routes of notes, with what they need, and of the changes made to them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, model_validator

from companion.app.types.base import LARGEST, Applied, ChangeMade, Nothing, RunId, Sent
from companion.app.types.changes import (
    Change,
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
    NotesQuery,
    OutdatedTexts,
    ScanOptions,
    ScanReport,
)
from companion.app.types.outbox import EditsInPart
from companion.app.types.prompt import NotePrompt, PromptQuery
from companion.daemon.api.routing import Resource, for_a_while, the_daemon
from companion.daemon.problem import Refusal
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

_DAEMON = {"apply": {"const": "daemon"}, "text": {"type": "null"}}
_CLIENT = {"apply": {"const": "client"}, "run": {"type": "null"}, "text": {"type": "string"}}
_TOGETHER: dict[str, Any] = {  # the fields of the JSON schema that belong together
    "oneOf": [{"properties": _DAEMON}, {"properties": _CLIENT, "required": ["apply", "text"]}]
}


class Undo(Sent):
    """How to undo. apply: the daemon writes, or the client gets edits for the text it shows.

    run: the run that the undo belongs to in the journal. even_open: as in RunOptions.
    """

    model_config = ConfigDict(json_schema_extra=_TOGETHER)

    apply: Literal["daemon", "client"] = "daemon"
    run: RunId | None = None
    text: str | None = None
    even_open: bool = False

    @model_validator(mode="after")
    def _check(self) -> Undo:
        if (self.text is not None) != (self.apply == "client"):
            raise ValueError("`text` goes with `apply: client`, and that needs it")
        if self.text is not None and self.run is not None:
            raise ValueError("`run` goes with `apply: daemon`")
        return self


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


@changes.does(f"{_ONE}/undo", "decide", once=True, conflicts=True)
def undo_change(change: int, body: Undo) -> Undone | EditsInPart:
    """Undo a change, or get the edits that do it."""
    daemon = the_daemon()
    if body.text is not None:
        edits = daemon.outbox.edits
        return EditsInPart.of(edits.offer_undo(edits.find_change(change), body.text))
    vault = daemon.vault_of_editor if body.even_open else daemon.vault
    [undone] = vault.undo([change], body.run)
    return undone.check()


@changes.does(f"{_ONE}/applied", "decide", conflicts=True)
def confirm_undo(change: int, body: Applied) -> ChangeMade:
    """Confirm that the edits of an undo were made."""
    hashes = body.base_sha256, body.new_sha256
    edits = the_daemon().outbox.edits
    number = edits.confirm(f"change {edits.find_change(change).id}", *hashes)
    return ChangeMade(change=number)
