"""Vault: everything that can be done to a vault, whoever does it.

`open_vault` of companion.app.open_vault returns one. The command line, the HTTP API, the page, the
Python API and the MCP server call it, and render its results.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from companion.app.operation import does, reads

if TYPE_CHECKING:  # a command loads only the types that it uses: see Operation.hints
    from companion.app.run import Run
    from companion.app.types import programs
    from companion.app.types.changes import Change, ChangeFilter, ChangePage, ChangeQuery, Undone
    from companion.app.types.decisions import DecisionOnAll, Decisions, NoteDecision
    from companion.app.types.notes import NotePrompt, PromptQuery, ScanOptions, ScanReport
    from companion.app.types.proposals import (
        Forgotten,
        NotesToForget,
        PlaceQuery,
        Proposal,
        ProposalFilter,
        ProposalIds,
        ProposalInPlace,
        ProposalPage,
        ProposalQuery,
    )
    from companion.app.types.runs import RunOptions
    from companion.app.types.spending import (
        Spending,
        SpendingQuery,
    )
    from companion.app.types.status import BacklogAnswer, BacklogState, Status

Progress = Callable[[int, int], None]
"""Called with the number done and the total."""

_LARGEST_PAGE = 1000


class Agents(Protocol):
    """What agents may see of a vault, and do; each gives its name.

    A private note, or one that is left alone, is treated as if it did not exist.
    """

    @reads("/agents/notes")
    def scan(self, query: programs.AgentNotesQuery) -> programs.NotesForAgent:
        """Return the notes that need something, by path, and what they need."""

    @reads("/agents/note", conflicts=True)
    def read_note(self, query: programs.AgentNoteQuery) -> programs.NoteRead:
        """Return a note as a model is shown it, and its needs, each with an instruction.

        Raises NotThere, NoteError.
        """

    @reads("/agents/similar", conflicts=True)
    def find_similar(self, query: programs.AgentSimilarQuery) -> programs.SimilarNotesForAgent:
        """Return the notes most similar in meaning to a note.

        Notes that were not compared yet are compared first, for half a minute at most, if that is
        done on this machine.

        Raises NotThere, NoteError, EndpointError, AnswerError; UsageError if it is switched off.
        """

    @reads("/agents/proposals")
    def proposals(self, query: programs.AgentProposalQuery) -> programs.AgentProposals:
        """Return proposals that the agent may see, newest first."""

    @reads("/agents/changes")
    def changes(self, query: programs.AgentChangeQuery) -> programs.AgentHistory:
        """Return changes that the agent may see, newest first. Raises NotThere."""

    @does("/agents/propose", "propose", conflicts=True)
    def propose(self, proposal: programs.AgentProposal) -> programs.ProposalStored:
        """Propose a value for something that a note needs; it is checked, and waits for the user.

        Raises NotThere, UsageError, NoteError.
        """

    @does("/agents/accept", "decide", conflicts=True)
    def accept(self, acceptance: programs.AgentAcceptance) -> programs.AgentDecisions:
        """Accept proposals, as far as the settings allow; each has its own result."""

    @does("/agents/undo", "decide", conflicts=True)
    def undo(self, undo: programs.AgentUndo) -> programs.AgentDecisions:
        """Take back a change by which this agent accepted proposals. Raises NotThere."""


class Vault(Protocol):
    """A vault: a LocalVault, or a RemoteVault, which asks a daemon.

    A method with an address is also a route of the HTTP API: see Operation.

    Its methods may be called from any thread, and raise CompanionError.

    Paths are relative to the vault, with `/`. For a path that does not exist there are no results.
    root: the vault's folder, resolved.
    """

    root: Path

    @does("/scan", "read")
    def scan(self, options: ScanOptions, progress: Progress | None = None) -> ScanReport:
        """Scan notes, and return what they need, and what is left alone. Nothing is changed.

        progress: called during the scan, if this process reads the notes.

        Raises UsageError if a path does not exist, or an option names nothing.
        """

    def watch(self) -> Iterator[Status]:
        """Yield the status now, and whenever it changes, until the daemon ends.

        Without a daemon it is yielded once. Raises DaemonGone.
        """

    @reads("/spending")
    def spending(self, query: SpendingQuery) -> Spending:
        """Return what was spent by day and model, for all vaults."""

    @reads("/prompt", conflicts=True)
    def prompt(self, query: PromptQuery) -> NotePrompt:
        """Return what a model would be sent for a note; nothing is sent.

        Raises UsageError if it does not exist, NoteError.
        """

    def run(self, options: RunOptions) -> Run:
        """Return a run that fills notes; iterate over it to carry it out.

        It ends when it cannot continue, for example because an endpoint is down.

        Raises UsageError if a note does not exist, or an option names nothing; ModelNotFetched; and
        ConsentMissing, with the cost, if so many notes would go to another machine that somebody
        has to agree first.
        """

    @reads("/changes", is_quick=True)
    def changes(self, query: ChangeQuery) -> ChangePage:
        """Return a page of changes, newest first."""

    @reads("/changes/<change>")
    def change(self, id: int) -> Change:
        """Return the change of that id, with its diff. Raises NotThere."""

    def undo(self, changes: Sequence[int], run: str | None = None) -> Iterator[Undone]:
        """Take changes back in this order, byte for byte, and yield the result of each.

        Text edited since stays. run: the run that the undos belong to; None: a new one.
        """

    def undo_all(self, only: ChangeFilter) -> Run:
        """Return a run that takes back all changes that match a filter, the newest first.

        Changes that were taken back in part are taken back completely; with `undoable: whole`, they
        stay. If the filter names nothing but a run, the proposals that the run refused are
        reopened.

        Raises UsageError.
        """

    @reads("/proposals")
    def proposals(self, query: ProposalQuery) -> ProposalPage:
        """Return a page of proposals, newest first."""

    @reads("/proposals/ids", is_quick=True)
    def proposal_ids(self, only: ProposalFilter) -> ProposalIds:
        """Return the ids of all proposals that match a filter, newest first."""

    @reads("/proposals/<proposal>")
    def proposal(self, id: int) -> Proposal:
        """Return the proposal of that id. Raises NotThere."""

    @reads("/proposals/<proposal>/place", conflicts=True)
    def place(self, id: int, query: PlaceQuery) -> ProposalInPlace:
        """Return the effect of a proposal on its note.

        Raises NotThere; NoteError if it cannot be written.
        """

    def decide(self, decisions: Decisions) -> Iterator[NoteDecision]:
        """Accept, refuse and reopen proposals, and yield the result for each note.

        The proposals accepted for one note become one change. No model is asked.
        """

    def decide_all(self, only: ProposalFilter, decision: DecisionOnAll) -> Run:
        """Return a run that accepts, refuses or reopens all proposals that match a filter.

        Raises UsageError, also if the filter's state cannot be accepted or refused: those of open,
        refused or rejected ones can.
        """

    @does("/scripts/propose", "propose", conflicts=True)
    def propose(self, proposal: programs.ScriptProposal) -> programs.ProposalMade:
        """Propose a value by one of the user's programs, in place of any that waits.

        Raises UsageError, NoteError.
        """

    @property
    def agents(self) -> Agents:
        """What agents may see and do here."""

    @reads("/status", is_quick=True)
    def status(self) -> Status:
        """Return what is set up, what was spent today, what waits, and what the daemon does."""

    def backlog(self) -> BacklogState:
        """Return how many notes of the backlog wait for the user's answer, and at what cost."""

    def answer_backlog(self, answer: BacklogAnswer) -> None:
        """Save whether the notes of the backlog are to be filled.

        Raises ConsentMissing if there are more notes now, and UsageError if none wait.
        """

    @does("/proposals/forget")
    def forget(self, notes: NotesToForget) -> Forgotten:
        """Delete the stored text of notes; their open proposals count as refused.

        Their changes can still be undone.
        """


def all_changes(vault: Vault, query: ChangeQuery) -> Iterator[Change]:
    """Yield the changes of all pages, newest first."""
    pages = query.model_copy(update={"limit": _LARGEST_PAGE})
    while True:
        page = vault.changes(pages)
        yield from page.changes
        if page.next is None:
            return
        pages = pages.model_copy(update={"before": page.next})


def all_proposals(vault: Vault, query: ProposalQuery) -> Iterator[Proposal]:
    """Yield the proposals of all pages, newest first."""
    pages = query.model_copy(update={"limit": _LARGEST_PAGE})
    while True:
        page = vault.proposals(pages)
        yield from page.proposals
        if page.next is None:
            return
        pages = pages.model_copy(update={"before": page.next})
