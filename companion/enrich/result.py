"""What became of a note that a run worked on."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

from companion.enrich.plan import Filling
from companion.enrich.task import Job, Task
from companion.errors import NoteError, NoteRefused
from companion.llm.response import Usage
from companion.note.edit import Edit
from companion.note.outline import HeadingNotFound
from companion.vault.proposal import Flag, ProposalState

NoteStatus = Literal["enriched", "proposed", "refused", "unchanged", "skipped", "failed"]


@dataclass(frozen=True)
class Result:
    """What became of a job. filled: what was written; left: what was not, and why.

    proposed: in words, values that the vault does not use yet, of needs that are not filled.
    old, new: the note's text before and after, where it changed or would change.
    change: the id of the change in the journal; None where nothing was written.
    ends_run: the reason holds for every note, so the run ends with it.
    lacks_heading: skipped since it does not have the heading of the section asked for just once.
    fallback: the kinds of what was filled, or else waits, whose value is the note's own sentence,
    for want of an answer.
    proposals: the ids of the proposals that it is about: first of filled, in its order, then of
    those that wait for a decision.
    """

    path: str
    status: NoteStatus
    reason: str = ""
    filled: tuple[Filling, ...] = ()
    left: tuple[str, ...] = ()
    usage: Usage = field(default_factory=Usage)
    old: str = ""
    new: str = ""
    change: int | None = None
    ends_run: bool = False
    lacks_heading: bool = False
    proposed: tuple[str, ...] = ()
    fallback: tuple[str, ...] = ()
    proposals: tuple[int, ...] = ()

    @property
    def is_unanswered(self) -> bool:
        """Whether a model was asked and gave nothing: what was filled or waits is a fallback."""
        found = self.filled or self.proposals
        return self.usage.calls > 0 and 0 < len(self.fallback) == len(found)


def failed_result(path: str, error: NoteError) -> Result:
    """Return the result of a note that could not be worked on, for the reason in error."""
    status: NoteStatus = "skipped" if isinstance(error, NoteRefused) else "failed"
    reason = f"{error.reason} (line {error.line})" if error.line else error.reason
    return Result(path, status, reason, lacks_heading=isinstance(error, HeadingNotFound))


def describe_waiting(waiting: Iterable[tuple[str, Sequence[Flag]]]) -> list[str]:
    """Return what waits for a decision, by what flags it. waiting: kinds of needs, and flags."""
    kinds: dict[str, list[str]] = {}
    for kind, flags in waiting:
        kinds.setdefault(", ".join(flags), []).append(kind)
    return [
        f"{', '.join(names)}: proposed, for you to decide{flags and f' ({flags})'}"
        for flags, names in kinds.items()
    ]


@dataclass(frozen=True)
class Answered:
    """Values for a note that are stored as proposals, and not written yet.

    job: by which their needs are found in the note. data: its bytes when they were made. task:
    of the note with these bytes, where it was read just now. proposals: their ids, by the keys of
    their needs; they are accepted when they are written, by decided_by, if they are in one of the
    states. left: what is not asked for or given, or waits; waiting: the ids of proposals for the
    note that wait. reopened: as in Task. fallbacks: the keys of needs whose value is the note's
    own sentence. new_values: in words, values that the vault does not use yet. model: who made
    them.
    """

    job: Job
    data: bytes
    fillings: tuple[Filling, ...]
    proposals: Mapping[str, int]
    task: Task | None = None
    left: tuple[str, ...] = ()
    waiting: tuple[int, ...] = ()
    reopened: frozenset[str] = frozenset()
    usage: Usage = field(default_factory=Usage)
    fallbacks: frozenset[str] = frozenset()
    new_values: tuple[str, ...] = ()
    model: str = ""
    decided_by: str = "setting"
    states: tuple[ProposalState, ...] = ("open",)

    def ids_of(self, fillings: Collection[Filling]) -> tuple[int, ...]:
        """Return the ids of the proposals of these fillings, in their order."""
        return tuple(self.proposals[each.need.key] for each in fillings)

    def still_needed(self, task: Task) -> list[Filling]:
        """Return the fillings whose need the task's note still has, with the need as it is now."""
        needs = {need.key: need for need in (*task.needs, *(need for need, _ in task.proposed))}
        return [
            filling._replace(need=needs[filling.need.key])
            for filling in self.fillings
            if filling.need.key in needs
        ]

    def only(self, numbers: Collection[int]) -> Answered:
        """Return the same with no more than these of its fillings, counted from 0."""
        kept = tuple(each for n, each in enumerate(self.fillings) if n in numbers)
        return replace(self, fillings=kept)


class PlannedChange(NamedTuple):
    """What would become of a note: the result, and the edits of its text that make it so."""

    result: Result
    edits: list[Edit]
