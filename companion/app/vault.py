"""Vault: everything that can be done to a vault, whoever does it.

`open_vault` of companion.app.open_vault returns one. The command line, the HTTP API, the page, the
Python API and the MCP server call it, and render what it gives.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from companion.app.local_notes import Progress
from companion.app.operation import does, reads
from companion.app.run import Run
from companion.app.types import programs
from companion.app.types.changes import Change, ChangeFilter, ChangePage, ChangeQuery, Undone
from companion.app.types.coverage import (
    Coverage,
    CoverageQuery,
    Estimate,
    Spending,
    SpendingQuery,
    Taught,
    UnfilledField,
)
from companion.app.types.decisions import DecisionOnAll, Decisions, NoteDecision
from companion.app.types.notes import (
    NotePrompt,
    OutdatedTexts,
    PromptQuery,
    ScanOptions,
    ScanReport,
)
from companion.app.types.proposals import (
    Forgotten,
    NotesToForget,
    PlaceQuery,
    Proposal,
    ProposalCounts,
    ProposalFilter,
    ProposalInPlace,
    ProposalPage,
    ProposalQuery,
)
from companion.app.types.runs import RunOptions
from companion.app.types.status import BacklogAnswer, BacklogState, Status
from companion.enrich.model import ASK_FROM
from companion.enrich.result import new_run

__all__ = [
    "ASK_FROM",
    "Agents",
    "Progress",
    "Run",
    "Vault",
    "all_changes",
    "all_proposals",
    "new_run",
]

_LARGEST_PAGE = 1000


class Agents(Protocol):
    """What agents may see of a vault, and do; each says its name.

    Of a note that is private or left alone it is said that there is none.
    """

    @reads("/agents/notes")
    def scan(self, query: programs.AgentNotesQuery) -> programs.NotesForAgent:
        """Return the notes that need something, by path, and what."""

    @reads("/agents/note", conflicts=True)
    def read_note(self, query: programs.AgentNoteQuery) -> programs.NoteRead:
        """Return a note as a model is shown it, and what it needs, with an instruction for each.

        Raises NotThere, NoteError.
        """

    @reads("/agents/similar", conflicts=True)
    def find_similar(self, query: programs.AgentSimilarQuery) -> programs.SimilarNotesForAgent:
        """Return the notes that say most nearly what a note says.

        Notes that were not compared yet are, for half a minute at most, where that is done on this
        machine.

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
        """Propose a value for a need of a note; it is checked, and waits for the user.

        Raises NotThere, UsageError, NoteError.
        """

    @does("/agents/accept", "decide", conflicts=True)
    def accept(self, acceptance: programs.AgentAcceptance) -> programs.AgentDecisions:
        """Accept proposals, as far as the settings let agents do that; each has its result."""

    @does("/agents/undo", "decide", conflicts=True)
    def undo(self, undo: programs.AgentUndo) -> programs.AgentDecisions:
        """Take back a change by which the agent accepted proposals. Raises NotThere."""


class Vault(Protocol):
    """A vault: a LocalVault, or a RemoteVault, which asks a daemon.

    A method with an address is a route of the HTTP API, too: see Operation.

    Its methods may be called from any thread, and raise CompanionError.

    Paths are relative to the vault, with `/`. There is nothing for one that does not exist.
    root: the vault's folder, resolved.
    """

    root: Path

    @does("/scan", "read")
    def scan(self, options: ScanOptions, progress: Progress | None = None) -> ScanReport:
        """Look at notes, and return what they need, and what is left alone. Nothing is changed.

        progress: called meanwhile, where this process reads the notes.

        Raises UsageError if one is not there, or an option names nothing.
        """

    @does("/scan/outdated", "read")
    def outdated(self, options: ScanOptions) -> OutdatedTexts:
        """Return what Companion wrote, nobody edited, and whose source has changed a lot since.

        A lot is a third of the sentences that it was made from. Raises as scan does.
        """

    def watch(self) -> Iterator[Status]:
        """Yield the status as it is, and whenever it changes, until the daemon ends.

        Without a daemon, which would tell, it is yielded once. Raises DaemonGone.
        """

    @reads("/coverage")
    def coverage(self, query: CoverageQuery) -> Coverage:
        """Return what is filled, waits, is to do or is left alone, by folder.

        Raises NotThere if the folder is.
        """

    @reads("/taught")
    def taught(self) -> Taught:
        """Return what the user has taught by descriptions, corrections and refusals."""

    @does("/unfilled")
    def leave_unfilled(self, field: UnfilledField) -> Taught:
        """Have the settings say that a field is not filled in a folder; return what is taught then.

        Raises UsageError if the folder or the field is not there.
        """

    @does("/estimate", "read")
    def estimate(self) -> Estimate:
        """Return what it would take to fill all that needs something. Nothing is asked."""

    @reads("/spending")
    def spending(self, query: SpendingQuery) -> Spending:
        """Return what was spent by day and model, for all vaults."""

    @reads("/prompt", conflicts=True)
    def prompt(self, query: PromptQuery) -> NotePrompt:
        """Return what a model would be sent for a note; nothing is sent.

        Raises UsageError if it is not there, NoteError.
        """

    def run(self, options: RunOptions) -> Run:
        """Return a run that fills notes; iterate over it to have it done.

        It ends with what keeps it from going on, as an endpoint that is down.

        Raises UsageError if a note is not there, or an option names nothing; ModelMissing; and
        ConsentMissing, with what it costs, if so many notes would go to another machine that
        somebody has to agree to it first.
        """

    @reads("/changes", is_quick=True)
    def changes(self, query: ChangeQuery) -> ChangePage:
        """Return a page of changes, newest first."""

    @reads("/changes/<change>")
    def change(self, id: int) -> Change:
        """Return the change of that id, with its diff. Raises NotThere."""

    def undo(self, changes: Sequence[int], run: str | None = None) -> Iterator[Undone]:
        """Take changes back in this order, byte for byte, and yield the result of each.

        What was edited since stays. run: that the undos belong to; None: a new one.
        """

    def undo_all(self, only: ChangeFilter) -> Run:
        """Return a run that takes back all changes that a filter means, the newest first.

        Of changes that were taken back in part, the rest is; with `undoable: whole`, they stay. If
        the filter names nothing but a run, the proposals that the run refused are opened again.

        Raises UsageError.
        """

    @reads("/proposals")
    def proposals(self, query: ProposalQuery) -> ProposalPage:
        """Return a page of proposals, newest first."""

    @reads("/proposals/counts")
    def count_proposals(self, only: ProposalFilter) -> ProposalCounts:
        """Return how many proposals a filter means, and how many others like it would."""

    @reads("/proposals/<proposal>")
    def proposal(self, id: int) -> Proposal:
        """Return the proposal of that id. Raises NotThere."""

    @reads("/proposals/<proposal>/place", conflicts=True)
    def place(self, id: int, query: PlaceQuery = PlaceQuery()) -> ProposalInPlace:  # noqa: B008
        """Return what a proposal would make of its note.

        Raises NotThere; NoteError: it cannot be written.
        """

    def decide(self, decisions: Decisions) -> Iterator[NoteDecision]:
        """Accept, refuse and open again proposals, and yield the result for each note.

        Those of one note that are accepted are one change. No model is asked.
        """

    def decide_all(self, only: ProposalFilter, decision: DecisionOnAll) -> Run:
        """Return a run that accepts or refuses all proposals that a filter means.

        Raises UsageError, also if the filter's state is not open, refused or rejected.
        """

    @does("/scripts/propose", "propose", conflicts=True)
    def propose(self, proposal: programs.ScriptProposal) -> programs.ProposalMade:
        """Propose a value of the user's own program, in place of one that waits.

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
        """Save whether the notes of the backlog are filled.

        Raises ConsentMissing if there are more notes now, and UsageError if none wait.
        """

    @does("/proposals/forget")
    def forget(self, notes: NotesToForget) -> Forgotten:
        """Delete what is kept of the text of notes; their open proposals count as refused.

        What was changed can still be undone.
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
