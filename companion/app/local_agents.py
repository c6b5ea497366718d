"""What agents may see and do in a vault that this process has open."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from companion.app.types import programs
from companion.app.types.changes import Change
from companion.enrich.agent import Agent, AgentView
from companion.store.proposals import Selection


class LocalAgents:
    """What agents may see and do in a vault that this process has open.

    view: returns what the agent of a name sees. open_agent: opens what it may do.
    """

    def __init__(
        self,
        view: Callable[[str], AgentView],
        open_agent: Callable[[str], AbstractContextManager[Agent]],
    ) -> None:
        self._view = view
        self._open = open_agent

    def proposals(self, query: programs.AgentProposalQuery) -> programs.AgentProposals:
        """Return proposals, newest first."""
        states = None if query.state == "all" else (query.state,)
        selection = Selection([query.folder], states=states, before=query.before)
        proposals = self._view(query.agent).proposals(selection, query.limit)
        return programs.AgentProposals(proposals=list(map(programs.ProposalFound.of, proposals)))

    def changes(self, query: programs.AgentChangeQuery) -> programs.AgentHistory:
        """Return changes, newest first. Raises NotThere."""
        changes = self._view(query.agent).history(query.path, query.limit)
        return programs.AgentHistory(changes=list(map(Change.of, changes)))

    def propose(self, proposal: programs.AgentProposal) -> programs.ProposalStored:
        """Propose a value for what a note needs. Raises NotThere, UsageError, NoteError."""
        with self._open(proposal.agent) as agent:
            return programs.ProposalStored.of(agent.propose(proposal.path, proposal.entry))

    def accept(self, acceptance: programs.AgentAcceptance) -> programs.AgentDecisions:
        """Accept proposals, as far as the settings let agents do that."""
        with self._open(acceptance.agent) as agent:
            return programs.AgentDecisions.of(agent.accept(acceptance.ids))

    def undo(self, undo: programs.AgentUndo) -> programs.AgentDecisions:
        """Take back a change by which the agent accepted proposals. Raises NotThere."""
        with self._open(undo.agent) as agent:
            return programs.AgentDecisions.of([agent.undo(undo.change)])
