"""A value that a script or an agent gives for what a note needs."""

from __future__ import annotations

from typing import NamedTuple

from companion.vault.proposal import ProposedValue

LONGEST_VALUE = 20_000
"""Characters that a value may have, all items of a list together."""

PROGRAM_NAME = r"[A-Za-z0-9][A-Za-z0-9._ -]{0,59}"
"""What a program may be called, as a regular expression."""


class GivenValue(NamedTuple):
    """A value that a program gives.

    field: the name of a field, or the property that it fills. heading: of the section that a
    callout is in; None: the top of the note. question: the title of an empty callout.
    """

    field: str
    value: ProposedValue
    heading: str | None = None
    question: str | None = None


class RejectedValue(NamedTuple):
    """A value that a check found unfit. reason: in words."""

    reason: str
