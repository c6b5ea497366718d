"""What a model would be sent for a note."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict, Field

from companion.app.types.base import RelativePath, Sent, Shape


class PromptQuery(Sent):
    """For which note. section: the heading of a section that is to have a callout."""

    path: RelativePath
    section: Annotated[str, Field(min_length=1, max_length=1000)] | None = None


class PromptCall(Shape):
    """A call to the model. schema: the JSON schema of its answer; null: the answer is text."""

    model_config = ConfigDict(populate_by_name=True)

    messages: list[dict[str, str]]
    answer_schema: dict[str, Any] | None = Field(alias="schema")


class NotePrompt(Shape):
    """The calls that enriching a note begins with.

    endpoint: which model would be sent them, in words. remarks: why nothing would be sent, what is
    filled without a model, and what is left out.
    """

    endpoint: str
    calls: list[PromptCall]
    remarks: list[str]
