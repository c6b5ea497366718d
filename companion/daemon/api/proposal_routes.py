"""The routes of proposals: list them and decide on them; and those of programs, which propose."""

from __future__ import annotations

from companion.app.types.base import LARGEST, OfferShape
from companion.app.types.proposals import (
    Forgotten,
    NotesToForget,
    Proposal,
    ProposalPage,
    ProposalQuery,
)
from companion.daemon.api.program_schemas import (
    AgentAcceptance,
    AgentProposal,
    AgentUndo,
    ScriptProposal,
)
from companion.daemon.api.proposal_schemas import (
    DecisionsMade,
    NewDecisions,
    NoteDecisionShape,
    ProposalMade,
    ProposalOffer,
    TextToEdit,
)
from companion.daemon.api.routing import Resource, the_daemon
from companion.daemon.problem import Refusal
from companion.daemon.queries import spelled_path
from companion.enrich import new_proposals
from companion.enrich.run import NoteDecision
from companion.vault import proposal
from companion.vault.proposal import Acceptance

proposals = Resource("proposals")

_ONE = f"/proposals/<int(min=1, max={LARGEST}):proposal>"


@proposals.reads("/proposals")
def read_proposals(query: ProposalQuery) -> ProposalPage:
    """A page of proposals, newest first."""
    return the_daemon().vault.proposals(query)


@proposals.reads(_ONE)
def read_proposal(proposal: int) -> Proposal:
    """One proposal."""
    return Proposal.of(find_proposal(proposal))


@proposals.does("/proposals/decide", conflicts=True)
def decide(body: NewDecisions) -> DecisionsMade:
    """Accept, refuse and reopen proposals; each has a result of its own."""
    return DecisionsMade(notes=list(map(NoteDecisionShape.of, carry_out(body))))


@proposals.does(f"{_ONE}/edits", conflicts=True)
def edits_of_proposal(proposal: int, body: TextToEdit) -> ProposalOffer:
    """The edits that accept a proposal in the text that the editor shows now."""
    wish = Acceptance(find_proposal(proposal).id, body.value, (body.state,))
    run, edits = the_daemon().edits_of_proposal(wish, body.text)
    return ProposalOffer(run=run, offer=OfferShape.model_validate(edits))


@proposals.does("/proposals/forget")
def forget(body: NotesToForget) -> Forgotten:
    """Delete what is kept of the text of notes; their open proposals count as refused."""
    return Forgotten(proposals=the_daemon().vault.forget(body.paths))


def carry_out(wanted: NewDecisions) -> list[NoteDecision]:
    """Accept, refuse and reopen the proposals; return what became of their notes."""
    decisions = the_daemon().decisions
    made = list(decisions.accept((each.wish for each in wanted.accept), run=wanted.run))
    made += decisions.refuse(wanted.refuse, reason=wanted.reason)
    made += decisions.undo(wanted.undo, wanted.run)
    return made


def find_proposal(number: int) -> proposal.Proposal:
    """Return the proposal of that id. Raises Refusal if there is none."""
    if (found := the_daemon().proposals.get(number)) is None:
        raise Refusal(404, f"There is no proposal {number}.")
    return found


programs = Resource("programs")


@programs.does("/agents/propose", conflicts=True)
def propose_for_agent(body: AgentProposal) -> ProposalMade:
    """Propose a value for what a note needs. A private note is answered as one that is gone."""
    return ProposalMade.of(the_daemon().agent(body.agent).propose(body.path, body.given))


@programs.does("/agents/accept", conflicts=True)
def accept_for_agent(body: AgentAcceptance) -> DecisionsMade:
    """Accept proposals; each has a result of its own."""
    made = the_daemon().agent(body.agent).accept(body.ids)
    return DecisionsMade(notes=list(map(NoteDecisionShape.of, made)))


@programs.does("/agents/undo", conflicts=True)
def undo_for_agent(body: AgentUndo) -> DecisionsMade:
    """Take back a change that the agent itself has accepted."""
    made = the_daemon().agent(body.agent).undo(body.change)
    return DecisionsMade(notes=[NoteDecisionShape.of(made)])


@programs.does("/scripts/propose", conflicts=True)
def propose_for_script(body: ScriptProposal) -> ProposalMade:
    """Propose a value for what a note needs; it takes the place of an open proposal for that."""
    daemon = the_daemon()
    path, context = spelled_path(daemon.root, body.path), daemon.reconciler.vault_context()
    made = new_proposals.propose_for_script(daemon.space, context, path, body.given, body.script)
    return ProposalMade.of(made)
