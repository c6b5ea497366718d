"""The routes of a vault: its notes, proposals and changes, and what programs do with them."""

from __future__ import annotations

from companion.app.types.base import Nothing, RunId, Sent
from companion.app.types.changes import ChangeFilter, ChangesToUndo, Undone, UndoneChanges
from companion.app.types.coverage import OutdatedPage, OutdatedQuery
from companion.app.types.decisions import (
    AskAgain,
    AskAllAgain,
    DecisionOnAll,
    Decisions,
    DecisionsMade,
)
from companion.app.types.notes import Note, NotePage, NotesQuery
from companion.app.types.proposals import ProposalFilter
from companion.app.types.runs import RunOptions, RunShape
from companion.app.vault import Agents, Vault
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
    """A page of texts from notes that have changed a lot since, by path."""
    return the_daemon().outdated.page(query)


notes.offer(Vault.coverage, Vault.taught, Vault.leave_unfilled)
notes.offer(Vault.prompt, Vault.spending, Vault.estimate)


proposals = Resource("proposals")
proposals.offer(Vault.proposals, Vault.count_proposals, Vault.proposal, Vault.place)


@proposals.does("/proposals/decide", "decide", once=True, conflicts=True)
def decide(body: Decisions) -> DecisionsMade:
    """Accept, refuse and reopen proposals; each has its own result."""
    return DecisionsMade(notes=list(for_a_while(the_daemon().vault.decide(body))))


@proposals.does("/proposals/decide-all", "decide", once=True, status=202, location=run_address)
def decide_all(query: ProposalFilter, body: DecisionOnAll) -> RunShape:
    """Accept or refuse all proposals that match a filter, in one run, undone as one."""
    daemon = the_daemon()
    return RunShape.model_validate(daemon.start_decisions(daemon.vault.decide_all(query, body)))


@proposals.does(
    "/proposals/again", "decide", once=True, status=202, conflicts=True, location=run_address
)
def ask_all_again(body: AskAllAgain) -> RunShape:
    """Ask for proposals once more, with the user's wish, in one run."""
    return _start_again(body.proposals, body)


@proposals.does(
    "/proposals/<proposal>/again",
    "decide",
    once=True,
    status=202,
    conflicts=True,
    location=run_address,
)
def ask_again(proposal: int, body: AskAgain) -> RunShape:
    """Ask for a proposal once more, with the user's wish; the answer takes its place.

    `POST /proposals/decide` with the old one under `undo` brings it back.
    """
    return _start_again([proposal], body)


def _start_again(ids: list[int], body: AskAgain) -> RunShape:
    options = RunOptions(
        paths=[""],
        mode="again",
        proposals=ids,
        wish=body.wish,
        priority="interactive" if len(ids) == 1 else "request",
        agreed=body.agreed,
    )
    return RunShape.model_validate(the_daemon().start_run(options))


proposals.offer(Vault.forget)

for_programs = Resource("programs")
for_programs.offer(
    *(Agents.scan, Agents.read_note, Agents.find_similar, Agents.proposals, Agents.changes),
    *(Agents.propose, Agents.accept, Agents.undo),
    of=lambda: the_daemon().vault.agents,
)
for_programs.offer(Vault.propose)


changes = Resource("changes")
changes.offer(Vault.changes, Vault.change)


class Undo(Sent):
    """How to undo. run: the run that the undo belongs to in the journal."""

    run: RunId | None = None


@changes.does("/changes/undo", "decide", once=True)
def undo_changes(body: ChangesToUndo) -> UndoneChanges:
    """Undo changes, one after the other; each has its own result."""
    vault = the_daemon().vault
    return UndoneChanges(undone=list(for_a_while(vault.undo(body.changes, body.run))))


@changes.does("/changes/undo-all", "decide", once=True, status=202, location=run_address)
def undo_all(query: ChangeFilter, body: Nothing) -> RunShape:
    """Undo all changes that match a filter, in one run; for a run, also what it refused."""
    daemon = the_daemon()
    return RunShape.model_validate(daemon.start_decisions(daemon.vault.undo_all(query)))


@changes.does("/changes/<change>/undo", "decide", once=True, conflicts=True)
def undo_change(change: int, body: Undo) -> Undone:
    """Undo a change."""
    [undone] = the_daemon().vault.undo([change], body.run)
    return undone.check()
