"""The JSON of an undo by an editor."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, model_validator

from companion.app.types.base import RunId, Sent

_DAEMON = {"apply": {"const": "daemon"}, "text": {"type": "null"}}
_CLIENT = {"apply": {"const": "client"}, "run": {"type": "null"}, "text": {"type": "string"}}
_TOGETHER: dict[str, Any] = {  # the fields of the JSON schema that belong together
    "oneOf": [{"properties": _DAEMON}, {"properties": _CLIENT, "required": ["apply", "text"]}]
}


class Undo(Sent):
    """How to undo. apply: the daemon writes, or the client gets edits for the text it shows.

    run: the run that the undo belongs to in the journal. even_open: as in RunOptions.
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
