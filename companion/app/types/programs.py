"""Requests of programs: what scripts and agents propose, and what agents see, accept and undo.

Agents get `field` where all other JSON has `kind`, since they use `field` when they propose.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from companion.app.types.base import FolderPath, Id, PageSize, QueryId, RelativePath, Sent, Shape
from companion.app.types.changes import Change
from companion.app.types.decisions import NoteDecision, Value
from companion.app.types.notes import Need
from companion.app.types.proposals import Proposal
from companion.app.types.runs import Filled
from companion.enrich.context.similar import SimilarNote
from companion.enrich.job import Result
from companion.store.proposals import PROGRAM_NAME, ProposalState

_Name = Annotated[str, Field(pattern=f"^{PROGRAM_NAME}$")]
_Title = Annotated[str, Field(min_length=1, max_length=1000)]
_Note = Annotated[RelativePath, Field(description="a note, by the path that scan returns")]
_Folder = Annotated[FolderPath, Field(description="a folder; empty: the whole vault")]
_Limit = Annotated[PageSize, Field(description="the most to return")]


class ProgramValue(Sent):
    """A value that a program proposes. field: a field's name, or the property that it fills.

    heading, question: for a callout, its section, or its title.
    """

    path: _Note
    field: Annotated[str, Field(min_length=1, max_length=200, description="the field of a need")]
    value: Annotated[Value, Field(description="a text; a list for tags and aliases")]
    heading: Annotated[_Title | None, Field(description="the need's heading, for a callout")] = None
    question: Annotated[_Title | None, Field(description="the need's question, if any")] = None


class ScriptProposal(ProgramValue):
    """A value that one of the user's scripts proposes. script: its name."""

    script: _Name


class AgentProposal(ProgramValue):
    """A value that an agent proposes. agent: the name that it gives itself."""

    agent: _Name


class AgentAcceptance(Sent):
    """Proposals that an agent accepts, as far as the settings under `[agents]` allow."""

    agent: _Name
    ids: Annotated[list[Id], Field(min_length=1, max_length=100)]


class AgentUndo(Sent):
    """A change, by which the agent itself accepted proposals, to take back."""

    agent: _Name
    change: Id


class AgentNotesQuery(Sent):
    """Which of the notes that need something. after: from the page before."""

    agent: _Name
    folder: _Folder = ""
    after: Annotated[FolderPath, Field(description="`after` of the page before")] = ""
    limit: _Limit = 50


class AgentNoteQuery(Sent):
    """Which note to read."""

    agent: _Name
    path: _Note


class AgentSimilarQuery(AgentNoteQuery):
    """Which note to compare with others. limit: how many of these to return."""

    limit: _Limit = 10


class AgentProposalQuery(Sent):
    """Which proposals. folder: a folder or a note. before: with a lower id."""

    agent: _Name
    folder: Annotated[_Folder, Field(description="a folder or a note; empty: all")] = ""
    state: Literal[ProposalState, "all"] = "open"
    before: Annotated[QueryId | None, Field(description="only those with a lower id")] = None
    limit: _Limit = 50


class AgentChangeQuery(Sent):
    """Which changes: those of a note, or of all that the agent may see."""

    agent: _Name
    path: _Note | None = None
    limit: _Limit = 50


class AgentHistory(Shape):
    """Changes, newest first."""

    changes: list[Change]


class ProposalMade(Shape):
    """The result: the proposal, which waits for a decision, or why a check rejected it."""

    proposal: Proposal | None
    rejected: str | None


_BY_FIELD = ConfigDict(populate_by_name=True)


class NeedForAgent(Need):
    """What a note needs. field: the property, or `callout`. heading, question: for a callout."""

    model_config = _BY_FIELD

    kind: str = Field(alias="field")


class NoteForAgent(Shape):
    """A note that needs something."""

    path: str
    needs: list[NeedForAgent]


class NotesForAgent(Shape):
    """Notes that need something, by path. after: for the next page; null on the last."""

    notes: list[NoteForAgent]
    after: str | None
    total: int


class NeedRead(NeedForAgent):
    """A need, and what its value should be like. proposed: the id of a waiting proposal."""

    instruction: str
    proposed: int | None


class NoteRead(Shape):
    """A note as a prompt shows it, its needs, and what in it is left alone."""

    path: str
    text: str
    needs: list[NeedRead]
    left: list[str]


class SimilarNotesForAgent(Shape):
    """The notes most similar to another, the most similar first."""

    notes: list[SimilarNote]


class ProposalForAgent(Proposal):
    """A proposal. field: the property, or `callout`."""

    model_config = _BY_FIELD

    kind: str = Field(alias="field")


class AgentProposals(Shape):
    """Proposals, newest first."""

    proposals: list[ProposalForAgent]


class ProposalStored(Shape):
    """The result: the proposal, which waits for the user, or why a check rejected it."""

    proposal: ProposalForAgent | None
    rejected: str | None

    @classmethod
    def of(cls, made: ProposalMade) -> ProposalStored:
        """Return the same, as agents are told it."""
        return cls.model_validate(made.model_dump())


class FilledForAgent(Filled):
    """What was filled. field: the property, or `callout`."""

    model_config = _BY_FIELD

    kind: str = Field(alias="field")


class NoteDecided(NoteDecision):
    """The result for a note, and for its proposals. change: its id. left: what was not done."""

    changes: list[FilledForAgent]  # type: ignore[assignment]  # with other names in its JSON


class AgentDecisions(Shape):
    """The results for the notes whose proposals were decided on."""

    notes: list[NoteDecided]

    @classmethod
    def of(cls, decisions: Iterable[Result]) -> AgentDecisions:
        """Return the results for notes, from the engine's."""
        return cls.model_validate(
            {"notes": [NoteDecision.of(each).model_dump() for each in decisions]}
        )
