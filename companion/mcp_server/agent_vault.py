"""A vault as agents get to it, and what the tools answer, as JSON.

It is read here, and written by its daemon, where one runs.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel

from companion.config import load_config
from companion.daemon.api.change_schemas import ChangeShape
from companion.daemon.api.program_schemas import (
    AgentAcceptance,
    AgentProposal,
    AgentUndo,
    ProposalMade,
)
from companion.daemon.api.proposal_schemas import DecisionsMade, NoteDecisionShape, ProposalShape
from companion.enrich.agent import Agent, AgentView, ReadNeed, ReadNote, open_agent
from companion.enrich.context import VaultContext
from companion.enrich.workspace import open_workspace
from companion.note.needs import Need
from companion.python_api import find_client
from companion.vault.proposals import Selection


class AgentVault:
    """One vault as agents get to it; from any thread.

    Each call opens the vault by the settings as they are by then, and closes it again. What writes
    goes through the vault's daemon, where one runs.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = threading.Lock()  # a process holds the vault's lock only once

    @contextmanager
    def view(self, name: str) -> Iterator[AgentView]:
        """Open the vault for reading."""
        config = load_config(self._root)
        with self._lock, open_workspace(config, self._root, read_only=True) as space:
            yield AgentView(space, VaultContext(space.scan()), name)

    def scan(self, name: str, folder: str, after: str, limit: int) -> NotesFound:
        """Return a page of the notes that need something."""
        with self.view(name) as view:
            found = view.scan(folder)
        rest = [(path, facts) for path, facts in found if path > after]
        page = [
            NoteFound(path=path, needs=list(map(NeedFound.of, facts.needs)))
            for path, facts in rest[:limit]
        ]
        end = page[-1].path if len(rest) > limit else None
        return NotesFound(notes=page, after=end, total=len(found))

    def read_note(self, name: str, path: str) -> NoteRead:
        """Return the note as a prompt shows it."""
        with self.view(name) as view:
            return NoteRead.of(view.read_note(path))

    def find_similar(self, name: str, path: str, limit: int) -> SimilarNotesFound:
        """Return the notes that are most like the note."""
        with self.view(name) as view:
            found = view.find_similar(path, limit)
        near = [SimilarNote(path=path, similarity=round(like, 4)) for path, like in found]
        return SimilarNotesFound(notes=near)

    def proposals(self, name: str, selection: Selection, limit: int) -> AgentProposals:
        """Return the selected proposals."""
        with self.view(name) as view:
            found = view.proposals(selection, limit)
        return AgentProposals(proposals=list(map(ProposalShape.of, found)))

    def history(self, name: str, path: str | None, limit: int) -> AgentHistory:
        """Return the changes of a note, or of all."""
        with self.view(name) as view:
            found = view.history(path, limit)
        return AgentHistory(changes=list(map(ChangeShape.model_validate, found)))

    def propose(self, proposal: AgentProposal) -> ProposalMade:
        """Propose a value."""
        if daemon := find_client(self._root):
            return daemon.propose_as(proposal)
        with self._agent(proposal.agent) as agent:
            return ProposalMade.of(agent.propose(proposal.path, proposal.given))

    def accept(self, acceptance: AgentAcceptance) -> DecisionsMade:
        """Accept proposals."""
        if daemon := find_client(self._root):
            return daemon.accept_as(acceptance)
        with self._agent(acceptance.agent) as agent:
            made = agent.accept(acceptance.ids)
        return DecisionsMade(notes=list(map(NoteDecisionShape.of, made)))

    def undo(self, undo: AgentUndo) -> DecisionsMade:
        """Take back a change."""
        if daemon := find_client(self._root):
            return daemon.undo_as(undo)
        with self._agent(undo.agent) as agent:
            return DecisionsMade(notes=[NoteDecisionShape.of(agent.undo(undo.change))])

    @contextmanager
    def _agent(self, name: str) -> Iterator[Agent]:
        config = load_config(self._root)
        with self._lock, open_workspace(config, self._root) as space:
            yield open_agent(space, name)


class NeedFound(BaseModel):
    """What a note needs. kind: the property, or `callout`. heading, question: of a callout."""

    kind: str
    heading: str | None
    question: str | None
    reason: str

    @classmethod
    def of(cls, need: Need) -> NeedFound:
        """Return the shape of a need."""
        return cls(kind=need.kind, heading=need.heading, question=need.question, reason=need.reason)


class NoteFound(BaseModel):
    """A note that needs something."""

    path: str
    needs: list[NeedFound]


class NotesFound(BaseModel):
    """Notes that need something, by path. after: for the next page; null on the last."""

    notes: list[NoteFound]
    after: str | None
    total: int


class NeedRead(NeedFound):
    """A need, and what its value has to be like. proposed: the id of a proposal that waits."""

    field: str
    instruction: str
    proposed: int | None

    @classmethod
    def read(cls, read: ReadNeed) -> NeedRead:
        """Return the shape of a need that was read."""
        own = NeedFound.of(read.need).model_dump()
        return cls(field=read.field, instruction=read.instruction, proposed=read.proposed, **own)


class NoteRead(BaseModel):
    """A note as a prompt shows it, its needs, and what in it is left alone."""

    path: str
    text: str
    needs: list[NeedRead]
    left: list[str]

    @classmethod
    def of(cls, read: ReadNote) -> NoteRead:
        """Return the shape of a note that was read."""
        needs = list(map(NeedRead.read, read.needs))
        return cls(path=read.path, text=read.text, needs=needs, left=list(read.left))


class SimilarNote(BaseModel):
    """A note that is like another; similarity: 1 is the same."""

    path: str
    similarity: float


class SimilarNotesFound(BaseModel):
    """The notes that are most like another, the most similar first."""

    notes: list[SimilarNote]


class AgentProposals(BaseModel):
    """Proposals, newest first."""

    proposals: list[ProposalShape]


class AgentHistory(BaseModel):
    """Changes, newest first."""

    changes: list[ChangeShape]
