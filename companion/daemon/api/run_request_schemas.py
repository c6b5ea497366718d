"""What clients send about runs: which results they want, and what becomes of edits."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from companion.app.connection import LONGEST_WAIT
from companion.app.types.base import LARGEST, WHOLE, Applied, RelativePath, Sent

Numbers = Annotated[
    list[Annotated[int, Field(ge=0, le=1000)]], Field(min_length=1, max_length=1000)
]
"""The numbers of some of the changes in a result, counted from 0."""


class RunQuery(Sent):
    """Which results. since: those after this number. wait: seconds to wait for one, at most 25."""

    since: Annotated[int, Field(ge=0, le=LARGEST), WHOLE] = 0
    wait: Annotated[int, Field(ge=0, le=LONGEST_WAIT), WHOLE] = 0


class EditsAgain(Sent):
    """The text that the editor shows now.

    only: the numbers of the wanted changes in the note's result, counted from 0; null: all.
    """

    path: RelativePath
    text: str
    only: Numbers | None = None


class Refused(Sent):
    """Changes of the note's result that the user does not want, counted from 0."""

    path: RelativePath
    only: Numbers


class Undecided(Sent):
    """The note whose result the user is shown, and may leave undecided."""

    path: RelativePath


class AppliedTo(Applied):
    """An editor has made the edits of an offer in the note at path.

    moved_to: its present path, if it was moved or renamed since the run was started.
    """

    path: RelativePath
    moved_to: RelativePath | None = None
