"""What programs ask for: what scripts and agents propose, and what agents see, accept and undo.

Agents get `field` where all other JSON has `kind`, as they say `field` when they propose.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field

from companion.app.types.base import FolderPath, Id, PageSize, QueryId, RelativePath, Sent, Shape
from companion.app.types.changes import Change
from companion.app.types.decisions import NoteDecision, Value
from companion.app.types.notes import Need
from companion.app.types.proposals import Proposal
from companion.app.types.runs import Filled
from companion.enrich.result import Result
from companion.enrich.similar import SimilarNote
from companion.store.proposal import PROGRAM_NAME, ProposalState

_Name = Annotated[str, Field(pattern=f"^{PROGRAM_NAME}$")]
_Title = Annotated[str, Field(min_length=1, max_length=1000)]
_Note = Annotated[RelativePath, Field(description="a note, as scan names it")]
_Folder = Annotated[
    FolderPath,
    BeforeValidator(lambda folder: folder.strip("/") if isinstance(folder, str) else folder),
    Field(description="a folder; empty: the whole vault"),
]
_Limit = Annotated[PageSize, Field(description="at most so many")]


class ProgramValue(Sent):
    """A value that a program proposes. field: a field's name, or the property that it fills.

    heading, question: of a callout, its section, or its title.
    """

    path: _Note
    field: Annotated[str, Field(min_length=1, max_length=200, description="of a need of the note")]
    value: Annotated[Value, Field(description="a text; for tags and aliases a list")]
    heading: Annotated[_Title | None, Field(description="of the need, for a callout")] = None
    question: Annotated[_Title | None, Field(description="of the need")] = None


class ScriptProposal(ProgramValue):
    """A value that a script of the user's proposes. script: its name."""

    script: _Name


class AgentProposal(ProgramValue):
    """A value that an agent proposes. agent: the name that it gives itself."""

    agent: _Name


class AgentAcceptance(Sent):
    """Proposals that an agent accepts, as far as the settings under `[agents]` let it."""

    agent: _Name
    ids: Annotated[list[Id], Field(min_length=1, max_length=100)]


class AgentUndo(Sent):
    """A change that an agent takes back, by which it accepted proposals itself."""

    agent: _Name
    change: Id


class AgentNotesQuery(Sent):
    """Which notes that need something an agent sees. after: of the page before."""

    agent: _Name
    folder: _Folder = ""
    after: Annotated[FolderPath, Field(description="of the page before")] = ""
    limit: _Limit = 50


class AgentNoteQuery(Sent):
    """Which note an agent reads."""

    agent: _Name
    path: _Note


class AgentSimilarQuery(AgentNoteQuery):
    """Which note an agent compares with others. limit: the number of these."""

    limit: _Limit = 10


class AgentProposalQuery(Sent):
    """Which proposals an agent sees. folder: or a note. before: with a lower id."""

    agent: _Name
    folder: Annotated[_Folder, Field(description="a folder or a note; empty: all")] = ""
    state: Literal[ProposalState, "all"] = "open"
    before: Annotated[QueryId | None, Field(description="those with a lower id")] = None
    limit: _Limit = 50


class AgentChangeQuery(Sent):
    """Which changes an agent sees: those of a note, or of all that it may see."""

    agent: _Name
    path: _Note | None = None
    limit: _Limit = 50


class AgentHistory(Shape):
    """Changes, newest first."""

    changes: list[Change]


class ProposalMade(Shape):
    """What came of it: the proposal, which waits for a decision; or why a check rejected it."""

    proposal: Proposal | None
    rejected: str | None


_BY_FIELD = ConfigDict(populate_by_name=True)


class NeedForAgent(Need):
    """What a note needs. field: the property, or `callout`. heading, question: of a callout."""

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


@dataclass(frozen=True)
class NeedRead:
    """A need, and what its value has to be like. proposed: the id of a proposal that waits."""

    field: str
    heading: str | None
    question: str | None
    reason: str
    instruction: str
    proposed: int | None


class NoteRead(Shape):
    """A note as a prompt shows it, its needs, and what in it is left alone."""

    path: str
    text: str
    needs: list[NeedRead]
    left: list[str]


class SimilarNotesForAgent(Shape):
    """The notes that are most like another, the most similar first."""

    notes: list[SimilarNote]


class ProposalForAgent(Proposal):
    """A proposal. field: the property, or `callout`."""

    model_config = _BY_FIELD

    kind: str = Field(alias="field")


class AgentProposals(Shape):
    """Proposals, newest first."""

    proposals: list[ProposalForAgent]


class ProposalStored(Shape):
    """What came of it: the proposal, which waits for the user; or why a check rejected it."""

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
    """What became of a note, and of its proposals. change: its id. left: what was not done."""

    changes: list[FilledForAgent]  # type: ignore[assignment]  # with other names in its JSON


class AgentDecisions(Shape):
    """What became of each note whose proposals were decided on."""

    notes: list[NoteDecided]

    @classmethod
    def of(cls, decisions: Iterable[Result]) -> AgentDecisions:
        """Return what became of notes, as the engine tells it."""
        return cls.model_validate(
            {"notes": [NoteDecision.of(each).model_dump() for each in decisions]}
        )
