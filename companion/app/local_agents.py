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

    view: returns what the agent of a name sees; look: by a scan that is made now. open_agent: opens
    what it may do.
    """

    def __init__(
        self,
        view: Callable[[str], AgentView],
        look: Callable[[str], AgentView],
        open_agent: Callable[[str], AbstractContextManager[Agent]],
    ) -> None:
        self._view = view
        self._look = look
        self._open = open_agent

    def scan(self, query: programs.AgentNotesQuery) -> programs.NotesFound:
        """Return the notes that need something, by path."""
        notes = self._look(query.agent).scan(query.folder)
        rest = [(path, facts.needs) for path, facts in notes if path > query.after]
        page = [
            programs.NoteFound.model_validate({"path": path, "needs": needs})
            for path, needs in rest[: query.limit]
        ]
        end = page[-1].path if len(rest) > query.limit else None
        return programs.NotesFound(notes=page, after=end, total=len(notes))

    def read_note(self, query: programs.AgentNoteQuery) -> programs.NoteRead:
        """Return a note as a model is shown it, and what it needs. Raises NotThere, NoteError."""
        note = self._look(query.agent).read_note(query.path)
        return programs.NoteRead.model_validate(note)

    def find_similar(self, query: programs.AgentSimilarQuery) -> programs.SimilarNotesFound:
        """Return the notes that say most nearly what a note says; see Agents."""
        similar_notes = self._look(query.agent).find_similar(query.path, query.limit)
        return programs.SimilarNotesFound(notes=similar_notes)

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
