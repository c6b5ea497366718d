"""The routes of proposals: list them and decide on them; and those of programs, which propose."""

from __future__ import annotations

from companion.app.types import programs
from companion.app.types.base import LARGEST, EditShape, Sent, Shape
from companion.app.types.decisions import (
    Acceptance,
    AskAgain,
    AskAllAgain,
    DecisionOnAll,
    Decisions,
    DecisionsMade,
    Takeable,
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
from companion.app.types.runs import RunOptions, RunShape
from companion.daemon.api.routing import Resource, for_a_while, run_address, the_daemon

proposals = Resource("proposals")

_ONE = f"/proposals/<int(min=1, max={LARGEST}):proposal>"


class TextToEdit(Sent):
    """The text of the note that the editor shows now. state: as in Acceptance."""

    text: str
    state: Takeable = "open"


class ProposalEdits(Shape):
    """The edits that would accept a proposal in the text that was sent."""

    edits: list[EditShape]


@proposals.reads("/proposals")
def read_proposals(query: ProposalQuery) -> ProposalPage:
    """A page of proposals, newest first."""
    return the_daemon().vault.proposals(query)


@proposals.reads("/proposals/counts")
def count_proposals(query: ProposalFilter) -> ProposalCounts:
    """How many proposals a filter means, and how many there are of each state, kind and flag."""
    return the_daemon().vault.count_proposals(query)


@proposals.reads(_ONE)
def read_proposal(proposal: int) -> Proposal:
    """One proposal."""
    return the_daemon().vault.proposal(proposal)


@proposals.reads(f"{_ONE}/place", conflicts=True)
def read_place(proposal: int, query: PlaceQuery) -> ProposalInPlace:
    """What a proposal would make of its note."""
    return the_daemon().vault.place(proposal, query.context)


@proposals.does("/proposals/decide", "decide", once=True, conflicts=True)
def decide(body: Decisions) -> DecisionsMade:
    """Accept, refuse and reopen proposals; each has a result of its own."""
    return DecisionsMade(notes=list(for_a_while(the_daemon().vault.decide(body))))


@proposals.does("/proposals/decide-all", "decide", once=True, status=202, location=run_address)
def decide_all(query: ProposalFilter, body: DecisionOnAll) -> RunShape:
    """Accept or refuse all proposals that a filter means, in one run, which an undo takes back."""
    daemon = the_daemon()
    return RunShape.model_validate(daemon.start_decisions(daemon.vault.decide_all(query, body)))


@proposals.does(
    "/proposals/again", "decide", once=True, status=202, conflicts=True, location=run_address
)
def ask_all_again(body: AskAllAgain) -> RunShape:
    """Ask for proposals once more, as the user wants it, in one run."""
    return _start_again(body.proposals, body)


@proposals.does(
    f"{_ONE}/again", "decide", once=True, status=202, conflicts=True, location=run_address
)
def ask_again(proposal: int, body: AskAgain) -> RunShape:
    """Ask for a proposal once more, as the user wants it; what is given takes its place.

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


@proposals.does(f"{_ONE}/edits", "decide", conflicts=True)
def edits_of_proposal(proposal: int, body: TextToEdit) -> ProposalEdits:
    """Where a proposal would go in the text that the editor shows now. Nothing is decided."""
    daemon = the_daemon()
    acceptance = Acceptance(id=proposal, state=body.state)
    daemon.vault.proposal(proposal)  # it is there
    edits = map(EditShape.model_validate, daemon.edits_of_proposal(acceptance.wish, body.text))
    return ProposalEdits(edits=list(edits))


@proposals.does("/proposals/forget")
def forget(body: NotesToForget) -> Forgotten:
    """Delete what is kept of the text of notes; their open proposals count as refused."""
    return Forgotten(proposals=the_daemon().vault.forget(body.paths))


for_programs = Resource("programs")


@for_programs.reads("/agents/notes")
def scan_for_agent(query: programs.AgentNotesQuery) -> programs.NotesForAgent:
    """Look at notes now, and list those that the agent may see and that need something."""
    return the_daemon().vault.agents.scan(query)


@for_programs.reads("/agents/note", conflicts=True)
def read_note_for_agent(query: programs.AgentNoteQuery) -> programs.NoteRead:
    """A note as a model is shown it, and what it needs, with an instruction for each need."""
    return the_daemon().vault.agents.read_note(query)


@for_programs.reads("/agents/similar", conflicts=True)
def find_similar_for_agent(query: programs.AgentSimilarQuery) -> programs.SimilarNotesForAgent:
    """The notes that say most nearly what a note says; those not compared yet are, for 30 s."""
    return the_daemon().vault.agents.find_similar(query)


@for_programs.reads("/agents/proposals")
def read_proposals_for_agent(query: programs.AgentProposalQuery) -> programs.AgentProposals:
    """Proposals that the agent may see, newest first."""
    return the_daemon().vault.agents.proposals(query)


@for_programs.reads("/agents/changes")
def read_changes_for_agent(query: programs.AgentChangeQuery) -> programs.AgentHistory:
    """Changes that the agent may see, newest first."""
    return the_daemon().vault.agents.changes(query)


@for_programs.does("/agents/propose", "propose", conflicts=True)
def propose_for_agent(body: programs.AgentProposal) -> programs.ProposalStored:
    """Propose a value for what a note needs. A private note is answered as one that is gone."""
    return the_daemon().vault.agents.propose(body)


@for_programs.does("/agents/accept", "decide", conflicts=True)
def accept_for_agent(body: programs.AgentAcceptance) -> programs.AgentDecisions:
    """Accept proposals; each has a result of its own."""
    return the_daemon().vault.agents.accept(body)


@for_programs.does("/agents/undo", "decide", conflicts=True)
def undo_for_agent(body: programs.AgentUndo) -> programs.AgentDecisions:
    """Take back a change that the agent itself has accepted."""
    return the_daemon().vault.agents.undo(body)


@for_programs.does("/scripts/propose", "propose", conflicts=True)
def propose_for_script(body: programs.ScriptProposal) -> programs.ProposalMade:
    """Propose a value for what a note needs; it takes the place of an open proposal for that."""
    return the_daemon().vault.propose(body)
