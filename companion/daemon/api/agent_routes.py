"""The routes of agents, which connect through `companion mcp`: propose, accept, undo."""

from __future__ import annotations

from companion.daemon.api.agent_schemas import (
    AgentAcceptance,
    AgentProposal,
    AgentProposed,
    AgentUndo,
)
from companion.daemon.api.proposal_schemas import DecisionsMade, NoteDecisionShape
from companion.daemon.api.routing import Resource, the_daemon

agents = Resource("agents")


@agents.does("/agents/propose", conflicts=True)
def propose(body: AgentProposal) -> AgentProposed:
    """Propose a value for what a note needs. A private note is answered as one that is gone."""
    return AgentProposed.of(the_daemon().agent(body.agent).propose(body.path, body.given))


@agents.does("/agents/accept", conflicts=True)
def accept(body: AgentAcceptance) -> DecisionsMade:
    """Accept proposals; each has a result of its own."""
    made = the_daemon().agent(body.agent).accept(body.ids)
    return DecisionsMade(notes=list(map(NoteDecisionShape.of, made)))


@agents.does("/agents/undo", conflicts=True)
def undo(body: AgentUndo) -> DecisionsMade:
    """Take back a change that the agent itself has accepted."""
    made = the_daemon().agent(body.agent).undo(body.change)
    return DecisionsMade(notes=[NoteDecisionShape.of(made)])
