"""The JSON that programs send: what scripts and agents propose, what agents accept and undo."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from companion.app.types.base import Id, RelativePath, Sent
from companion.daemon.api.proposal_schemas import Value
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
