"""What a model gave for a note, and what would become of the note."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import NamedTuple

from companion.enrich.draft import Draft, Job
from companion.enrich.plan import Filling
from companion.enrich.reader import Outcome
from companion.enrich.result import Result
from companion.llm.answer import Usage
from companion.note.edit import Edit


@dataclass(frozen=True)
class Answered:
    """What a model gave for a note and is not written yet. left: what it did not give, and why."""

    job: Job
    draft: Draft
    outcome: Outcome
    left: tuple[str, ...]

    @property
    def usage(self) -> Usage:
        """What asking took."""
        return self.outcome.usage

    def still_needed(self, draft: Draft) -> list[Filling]:
        """Return the fillings whose need the draft's note still has, with the need as it is now."""
        needs = {need.key: need for need in draft.needs}
        return [
            filling._replace(need=needs[filling.need.key])
            for filling in self.outcome.fillings
            if filling.need.key in needs
        ]

    def only(self, numbers: Collection[int]) -> Answered:
        """Return the same with no more than these of its fillings, counted from 0."""
        kept = [each for number, each in enumerate(self.outcome.fillings) if number in numbers]
        return replace(self, outcome=self.outcome._replace(fillings=kept))


class Planned(NamedTuple):
    """What would become of a note: the result, and the edits of its text that make it so."""

    result: Result
    edits: list[Edit]
