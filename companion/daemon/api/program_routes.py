"""The routes of programs: scripts propose; agents, by `companion mcp`, also accept and undo."""

from __future__ import annotations

from companion.daemon.api.program_schemas import (
    AgentAcceptance,
    AgentProposal,
    AgentUndo,
    ProposalMade,
    ScriptProposal,
)
from companion.daemon.api.proposal_schemas import DecisionsMade, NoteDecisionShape
from companion.daemon.api.routing import Resource, the_daemon

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
    return ProposalMade.of(the_daemon().propose(body.path, body.given, body.script))
