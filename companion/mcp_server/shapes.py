"""What the tools answer, as JSON."""

from __future__ import annotations

from pydantic import BaseModel

from companion.daemon.api.change_schemas import ChangeShape
from companion.daemon.api.proposal_schemas import ProposalShape
from companion.enrich.agent_view import ReadNeed, ReadNote
from companion.note.needs import Need


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
