"""The JSON of an order: what a client wants enriched, and how."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator

from companion.daemon.api.shapes import LARGEST, FolderPath, Sent
from companion.daemon.queue import Priority
from companion.daemon.runs import Order
from companion.enrich.jobs import Choice


def _either(schema: dict[str, Any]) -> None:
    """Say in the schema, too, what goes together."""
    one = {"type": "array", "maxItems": 1, "items": {"type": "string", "minLength": 1}}
    client = {"apply": {"const": "client"}, "text": {"type": "string"}, "paths": one}
    daemon = {"apply": {"const": "daemon"}, "text": {"type": "null"}}
    schema["oneOf"] = [
        {"properties": daemon},
        {"properties": client, "required": ["apply", "text", "paths"]},
    ]
    by_line = {"section": {"type": "null"}, "paths": one}
    schema["anyOf"] = [{"properties": {"line": {"type": "null"}}}, {"properties": by_line}]


class NewRun(Sent):
    """What to enrich, and how: the options of `companion enrich`.

    paths: notes and folders; empty for the vault. text: the one note as its editor shows it, or as
    its file has it where the client edits that; the run answers with edits then (`apply: client`)
    and writes nothing. requests: fill the empty
    callouts that stand in the notes, and nothing else. section: a callout under the heading with
    these words, of which there must be one. line: the same for the section that this line of the
    one note stands in, counted from 1 in `text`, without it in the file; for headings that several
    sections share. on_fault: whether the run
    waits while the endpoint fails, or ends. agreed: begin even where more than 50 notes go to a
    model on another machine; else that is refused with 409, `not-agreed`, saying what it costs.
    even_open: write notes that are open in an editor, too: only for the client that shows them,
    with nothing unsaved; else their edits wait for that client, see `POST /api/v1/presence`.
    """

    model_config = ConfigDict(json_schema_extra=_either)

    paths: Annotated[list[FolderPath], Field(min_length=1, max_length=10_000)]
    all: bool = False
    force: bool = False
    retry: bool = False
    section: Annotated[str, Field(min_length=1, max_length=1000)] | None = None
    line: Annotated[int, Field(ge=1, le=LARGEST)] | None = None
    limit: Annotated[int, Field(ge=1, le=LARGEST)] | None = None
    dry_run: bool = False
    requests: bool = False
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
    def order(self) -> Order:
        """The same for the daemon."""
        choice = Choice(
            self.all,
            self.force,
            self.retry,
            self.section,
            self.dry_run,
            self.requests,
            self.line,
        )
        return Order(
            paths=self.paths,
            choice=choice,
            priority=Priority[self.priority.upper()],
            text=self.text,
            stops_on_fault=self.on_fault == "stop",
            limit=self.limit,
            agreed=self.agreed,
            even_open=self.even_open,
        )


def order_object(order: Order) -> dict[str, object]:
    """Return the JSON object, a NewRun, that asks the daemon for the order."""
    choice = order.choice
    by_line = {} if choice.line is None else {"line": choice.line}  # an older daemon has it not
    return by_line | {
        "paths": list(order.paths),
        "all": choice.every,
        "force": choice.force,
        "retry": choice.retry,
        "section": choice.section,
        "limit": order.limit,
        "dry_run": choice.dry_run,
        "priority": order.priority.name.lower(),
        "apply": "daemon" if order.text is None else "client",
        "text": order.text,
        "on_fault": "stop" if order.stops_on_fault else "wait",
        "agreed": order.agreed,
        "even_open": order.even_open,
    }
