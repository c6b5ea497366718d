"""The JSON of changes and of their undo."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, model_validator

from companion.daemon.api.schemas import (
    ChangeMade,
    IsoTime,
    OfferShape,
    OrNull,
    PageSize,
    QueryId,
    RelativePath,
    RunId,
    Sent,
    Shape,
)
from companion.vault.change import ChangeState


class ChangeShape(Shape):
    """A change, as in `companion history --json`; made_at in UTC.

    left: the parts that remain of a change that was undone in part, and is still `done`.
    """

    id: int
    run: str
    path: str
    kind: str
    state: ChangeState
    made_at: IsoTime
    needs: list[str]
    model: str
    note: str
    undoes: int | None
    undone_by: int | None
    left: list[str]


class ChangeWithDiff(ChangeShape):
    """A change with its unified diff; null if the journal has pruned the note's texts."""

    diff: str | None


class ChangePage(Shape):
    """A page of changes, newest first. before: where the next page begins; null on the last."""

    changes: list[ChangeShape]
    before: int | None


class ChangesQuery(Sent):
    """Which changes: of a note, of a run, or before an id."""

    path: RelativePath | None = None
    run: RunId | None = None
    before: QueryId | None = None
    limit: PageSize = 100


_DAEMON = {"apply": {"const": "daemon"}, "text": {"type": "null"}}
_CLIENT = {"apply": {"const": "client"}, "run": {"type": "null"}, "text": {"type": "string"}}
_TOGETHER: dict[str, Any] = {  # the fields of the JSON schema that belong together
    "oneOf": [{"properties": _DAEMON}, {"properties": _CLIENT, "required": ["apply", "text"]}]
}


class Undo(Sent):
    """How to undo. apply: the daemon writes, or the client gets edits for the text it shows.

    run: the run that the undo belongs to in the journal. even_open: as in NewRun.
    """

    model_config = ConfigDict(json_schema_extra=_TOGETHER)

    apply: Literal["daemon", "client"] = "daemon"
    run: RunId | None = None
    text: str | None = None
    even_open: bool = False

    @model_validator(mode="after")
    def _check(self) -> Undo:
        if (self.text is not None) != (self.apply == "client"):
            raise ValueError("`text` goes with `apply: client`, and that needs it")
        if self.text is not None and self.run is not None:
            raise ValueError("`run` goes with `apply: daemon`")
        return self


class UndoMade(ChangeMade):
    """An undo that was made. change: its id in the journal; path: of the note.

    left: the parts that stay, as they were edited, moved or removed since; reason: why, in words.
    """

    path: str
    left: list[str]
    reason: OrNull


class UndoReport(Shape):
    """What came of the undo of a change, as in `companion undo --json`.

    path: where its note is by now. undone_by: the change that undid it; null: it is not undone.
    left: the parts that stay; reason: why, in words.
    """

    change: int
    path: str
    undone_by: int | None
    left: list[str]
    reason: str | None


class UndoOffered(Shape):
    """The edits that undo a change in the text that was sent. left, reason: as in UndoMade."""

    offer: OfferShape
    left: list[str]
    reason: OrNull
