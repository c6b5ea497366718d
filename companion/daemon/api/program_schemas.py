"""The JSON of programs: what scripts and agents propose, what agents accept and undo, and see.

Agents get `field` where all other JSON has `kind`, as they say `field` when they propose.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from companion.app.types.base import Id, OrNull, RelativePath, Sent, Shape
from companion.app.types.proposals import Proposal
from companion.daemon.api.proposal_schemas import DecidedShape, Value
from companion.daemon.api.run_schemas import FilledShape
from companion.enrich.run import NoteStatus
from companion.vault.proposal import PROGRAM_NAME, GivenValue

_Name = Annotated[str, Field(pattern=f"^{PROGRAM_NAME}$")]
_Title = Annotated[str, Field(min_length=1, max_length=1000)]


class _Given(Sent):
    """A value that a program proposes. field: a field's name, or the property that it fills.

    heading, question: of a callout, its section, or its title.
    """

    path: RelativePath
    field: Annotated[str, Field(min_length=1, max_length=200)]
    value: Value
    heading: _Title | None = None
    question: _Title | None = None

    @property
    def given(self) -> GivenValue:
        """The value, as the application takes it."""
        return GivenValue(self.field, self.value, self.heading, self.question)


class ScriptProposal(_Given):
    """A value that a script of the user's proposes. script: its name."""

    script: _Name


class AgentProposal(_Given):
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


_BY_FIELD = ConfigDict(populate_by_name=True)


class NeedFound(Shape):
    """What a note needs. field: the property, or `callout`. heading, question: of a callout."""

    model_config = _BY_FIELD

    kind: str = Field(alias="field")
    heading: str | None
    question: str | None
    reason: str


class ProposalFound(Proposal):
    """A proposal. field: the property, or `callout`."""

    model_config = _BY_FIELD

    kind: str = Field(alias="field")


class ProposalStored(BaseModel):
    """What came of it: the proposal, which waits for the user; or why a check rejected it."""

    proposal: ProposalFound | None
    rejected: str | None


class Filled(FilledShape):
    """What was filled. field: the property, or `callout`."""

    model_config = _BY_FIELD

    kind: str = Field(alias="field")


class NoteDecided(BaseModel):
    """What became of a note, and of its proposals. change: its id. left: what was not done."""

    path: str
    status: NoteStatus
    changes: list[Filled]
    change: int | None
    reason: OrNull
    left: list[str]
    proposals: list[DecidedShape]


class AgentDecisions(BaseModel):
    """What became of each note whose proposals were decided on."""

    notes: list[NoteDecided]
