"""What clients send about runs: a run to start, and what becomes of its edits."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator

from companion.app.connection import LONGEST_WAIT
from companion.app.types.base import LARGEST, WHOLE, Applied, FolderPath, RelativePath, Sent
from companion.daemon.client_runs import RunRequest
from companion.daemon.work_queue import Priority
from companion.enrich.note_filter import Criteria, NoteFilter
from companion.enrich.selection import JobOptions

Numbers = Annotated[
    list[Annotated[int, Field(ge=0, le=1000)]], Field(min_length=1, max_length=1000)
]
"""The numbers of some of the changes in a result, counted from 0."""


_ONE = {"type": "array", "maxItems": 1, "items": {"type": "string", "minLength": 1}}
_DAEMON = {"apply": {"const": "daemon"}, "text": {"type": "null"}}
_CLIENT = {"apply": {"const": "client"}, "text": {"type": "string"}, "paths": _ONE}
_TOGETHER: dict[str, Any] = {  # the fields of the JSON schema that belong together
    "oneOf": [
        {"properties": _DAEMON},
        {"properties": _CLIENT, "required": ["apply", "text", "paths"]},
    ],
    "anyOf": [
        {"properties": {"line": {"type": "null"}}},
        {"properties": {"section": {"type": "null"}, "paths": _ONE}},
    ],
}


class NewRun(Sent):
    """What to enrich, and how: the options of `companion enrich`.

    paths: notes and folders; empty for the vault. text: the one note as its editor shows it, or as
    its file has it if the client edits the file; the run then returns edits (`apply: client`) and
    writes nothing. requests: fill only the empty callouts in the notes. propose: write nothing;
    what the model gives waits for a decision. kind: of what is filled, a property or `callout`;
    null: all. tag, with_property (a name, or `name=value`), modified_since (Unix time, seconds):
    only the notes that fit. made_since (Unix time, seconds), made_by, prompt_changed: nothing but
    what Companion wrote since then, with this model, or with other instructions than now, and
    nobody edited; it is asked for again, and waits beside the old text. section: add a callout
    under the one heading with this text, or else with these first words. line: the same for the
    section that contains this line, counted from 1 in `text`, or in the file without it; for
    headings that occur several times.
    on_fault: whether the run waits while the endpoint fails, or ends. agreed: begin even if more
    than 50 notes go to a model on another machine; else that is refused with 409, `not-agreed`,
    with what it costs. even_open: also write notes that are open in an editor; only for the client
    that shows them, with nothing unsaved. Else their edits wait for that client, see
    `POST /api/v1/presence`.
    """

    model_config = ConfigDict(json_schema_extra=_TOGETHER)

    paths: Annotated[list[FolderPath], Field(min_length=1, max_length=10_000)]
    all: bool = False
    force: bool = False
    retry: bool = False
    section: Annotated[str, Field(min_length=1, max_length=1000)] | None = None
    line: Annotated[int, Field(ge=1, le=LARGEST)] | None = None
    limit: Annotated[int, Field(ge=1, le=LARGEST)] | None = None
    dry_run: bool = False
    requests: bool = False
    propose: bool = False
    kind: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    tag: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    with_property: Annotated[str, Field(min_length=1, max_length=1000)] | None = None
    modified_since: Annotated[float, Field(ge=0, le=LARGEST)] | None = None
    made_since: Annotated[float, Field(ge=0, le=LARGEST)] | None = None
    made_by: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    prompt_changed: bool = False
    priority: Literal["interactive", "request", "background"] = "request"
    apply: Literal["daemon", "client"] = "daemon"
    text: str | None = None
    on_fault: Literal["wait", "stop"] = "wait"
    agreed: bool = False
    even_open: bool = False

    @model_validator(mode="after")
    def _check(self) -> NewRun:
        if (self.text is not None) != (self.apply == "client"):
            raise ValueError("`text` goes with `apply: client`, and that needs it")
        if self.text is not None and (len(self.paths) != 1 or not self.paths[0]):
            raise ValueError("`text` is of one note; name that in `paths`")
        if self.line is not None and (len(self.paths) != 1 or not self.paths[0]):
            raise ValueError("`line` is of one note; name that in `paths`")
        if self.line is not None and self.section is not None:
            raise ValueError("`line` and `section` both name a section; one of them is enough")
        return self

    @property
    def request(self) -> RunRequest:
        """The request, as the daemon takes it."""
        rewrite = Criteria(self.made_since, self.made_by, self.prompt_changed)
        choice = JobOptions(
            self.all,
            self.force,
            self.retry,
            self.section,
            self.dry_run,
            self.requests,
            self.line,
            self.propose,
            NoteFilter(self.kind, self.tag, self.with_property, self.modified_since),
            None if rewrite == Criteria() else rewrite._replace(kind=self.kind),
            self.limit,
        )
        return RunRequest(
            paths=self.paths,
            choice=choice,
            priority=Priority[self.priority.upper()],
            text=self.text,
            stops_on_fault=self.on_fault == "stop",
            agreed=self.agreed,
            even_open=self.even_open,
        )


def request_object(request: RunRequest) -> dict[str, object]:
    """Return the JSON object of a NewRun that stands for the request.

    What is as usual is left out, for older daemons do not know all of it.
    """
    choice, rewrite = request.choice, request.choice.rewrite or Criteria()
    fields = request._asdict() | choice._asdict() | choice.only._asdict()  # named as there
    fields |= {name: value for name, value in rewrite._asdict().items() if value}
    fields |= {
        "all": choice.every,
        "priority": request.priority.name.lower(),
        "apply": "daemon" if request.text is None else "client",
        "on_fault": "stop" if request.stops_on_fault else "wait",
    }
    return NewRun.model_construct(**fields).model_dump(exclude_defaults=True)


class RunQuery(Sent):
    """Which results. since: those after this number. wait: seconds to wait for one, at most 25.

    diff: whether to add the diffs.
    """

    since: Annotated[int, Field(ge=0, le=LARGEST), WHOLE] = 0
    wait: Annotated[int, Field(ge=0, le=LONGEST_WAIT), WHOLE] = 0
    diff: Literal["true", "false"] = "false"


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
