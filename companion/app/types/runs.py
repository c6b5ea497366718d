"""Runs: which notes are to be filled, and how; the prompt for one; the progress and the results."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field

from companion.app.types.base import (
    LARGEST,
    ClientName,
    FolderPath,
    Moment,
    OrNull,
    Shape,
)
from companion.app.types.changes import Undone
from companion.app.types.notes import Selection as Selection
from companion.enrich.job import NoteStatus, Result
from companion.llm.answers import Usage as Usage
from companion.llm.request import Question
from companion.store.proposals import Proposal, ProposalState


class NotePrompt(Shape):
    """The calls with which enriching a note begins.

    endpoint: the model that would get them, in words. remarks: why nothing would be sent, what is
    filled without a model, and what is left out.
    """

    endpoint: str
    calls: list[Question]
    remarks: list[str]


Mode = Literal["fill", "replace", "requests"]
RunPriority = Literal["interactive", "request"]
RunKind = Literal["fill", "accept", "refuse", "undo"]
RunState = Literal["queued", "running", "done", "cancelled", "failed"]


class RunOptions(Selection):
    """What to enrich, and how: the options of `companion enrich`.

    paths: notes and folders; an empty one for the vault. mode: `fill` what is missing; `replace`:
    also replace what Companion wrote and nobody has edited; `requests`: fill only the empty
    callouts in the notes. all: in folders, fill every note, not only stubs. retry: ask again what
    was undone, deleted or rejected. section: add a callout under the one heading with this text;
    or, as a number, in the section that contains this line of the
    file, counted from 1. limit: the most notes that are asked about or written. dry_run: write
    nothing, and return what would be written. propose: write nothing; the answers wait for a
    decision. diff: show in the results what changes in each note. The edits for a note that is open
    in an editor wait for the client that shows it, see `POST /api/v1/presence`. agreed: begin even
    if more than 50 notes go to a model on another machine; otherwise that is refused with 409,
    `not-agreed`, with the cost.
    """

    paths: Annotated[list[FolderPath], Field(min_length=1, max_length=10_000)]
    mode: Mode = "fill"
    all: bool = False
    retry: bool = False
    section: (
        Annotated[str, Field(min_length=1, max_length=1000)]
        | Annotated[int, Field(ge=1, le=LARGEST)]
        | None
    ) = None
    limit: Annotated[int, Field(ge=1, le=LARGEST)] | None = None
    dry_run: bool = False
    propose: bool = False
    diff: bool = False
    agreed: bool = False


class RunRequest(RunOptions):
    """What to enrich over the API. id: the client's own for the run; sent again, it answers with
    that run and starts none. client: who is told of the result. priority: `interactive` for one
    note that somebody waits for.
    """

    id: Annotated[str, Field(pattern=r"^[0-9a-z-]{8,40}$")] | None = None
    client: ClientName = ""
    priority: RunPriority = "request"


class Filled(Shape):
    """What was filled: a property's value or values, or the lines of a callout."""

    kind: str
    heading: str | None
    reason: str
    text: str | list[str]
    remark: str

    @classmethod
    def of(cls, proposal: Proposal) -> Self:
        """Return what a proposal filled."""
        own = {"text": proposal.value, "remark": proposal.remark}
        return cls.model_validate(proposal.need._asdict() | own)


class Decided(Shape):
    """The result for a proposal. state: null if there is none. reason: why it failed, or null."""

    id: int
    state: ProposalState | None
    reason: str | None = None


class NoteResult(Shape):
    """The result for a note. change: its id in the journal. left: what was not filled, and why.

    counted: whether it is one of the run's notes; others were named, and skipped at the start.
    diff: if it was requested and the note changed, or would. proposals: the ids of the proposals:
    first those of `changes`, in that order, then those that wait. ends_run: whether the reason
    applies to every note. decided: the result for each proposal that was decided on. undone: for a
    change that was to be taken back.
    """

    path: str
    status: NoteStatus
    reason: OrNull = None
    changes: list[Filled] = Field(default_factory=list)
    left: list[str] = Field(default_factory=list)
    usage: Usage = Field(default_factory=Usage)
    change: int | None = None
    ends_run: bool = False
    proposals: list[int] = Field(default_factory=list)
    diff: str | None = None
    counted: bool = True
    decided: list[Decided] = Field(default_factory=list)
    undone: Undone | None = None

    @classmethod
    def of(cls, result: Result, **more: object) -> Self:
        """Return the result of a note that this process worked on. more: other members."""
        own = {
            "changes": list(map(Filled.of, result.filled)),
            "left": result.unfilled,
            "proposals": [each.id for each in result.proposals],
        }
        return cls.model_validate(vars(result) | own | more)

    @classmethod
    def of_decision(cls, result: Result) -> Self:
        """Return the result of a decision on a note's proposals."""
        states = {each.id: each.state for each in result.proposals}
        ids = [*states, *(id_ for id_ in result.why_not if id_ not in states)]
        decided = [
            Decided(id=id_, state=states.get(id_), reason=result.why_not.get(id_)) for id_ in ids
        ]
        return cls.of(result, decided=decided, proposals=ids)

    @classmethod
    def of_undone(cls, undone: Undone) -> Self:
        """Return the result for the note of a change that was to be taken back."""
        status: NoteStatus = "failed" if undone.undone_by is None else "undone"
        return cls(
            path=undone.path,
            status="proposed" if undone.waits else status,
            reason=undone.reason,
            left=undone.left,
            change=undone.undone_by,
            undone=undone,
        )


class DecisionsMade(Shape):
    """The results for the notes whose proposals were decided on."""

    notes: list[NoteResult]


class RunShape(Shape):
    """A run. kind: whether it fills notes, decides on proposals, or takes changes back. total: the
    number of its notes, or of the changes to take back. counts: results by status. fault: what
    ended it, and code: of that problem. left_alone: if no note needs anything, how many are left
    alone, by reason.
    """

    id: str
    kind: RunKind = "fill"
    state: RunState
    total: int
    counts: dict[str, int]
    usage: Usage
    fault: str
    code: str = ""
    made_at: Moment
    left_alone: dict[str, int]


class RunProgress(RunShape):
    """A run with its results after a number. next: the number to send next time.

    Once the state is done, cancelled or failed, an answer without results is the last one.
    """

    results: list[NoteResult]
    next: int
