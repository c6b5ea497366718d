"""The JSON models that several parts of the API share, and the daemon's status."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from companion.daemon.client_edits import ClientEdits
from companion.daemon.queries import DaemonStatus
from companion.note.needs import Need

_PART_BYTES, _PATH_BYTES = 255, 4096  # what file systems take
_PATH = re.compile(
    r"^(?![A-Za-z]:)(?!(?:[\s\S]*/)?\.{1,2}(?:/|$))[^/\\\u0000]{1,255}(?:/[^/\\\u0000]{1,255})*$"
)
_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,15}")
LARGEST = 2**53 - 1  # the largest whole number that every JSON reader keeps exactly


def _check_path(path: str) -> str:
    is_short = len(path.encode()) <= _PATH_BYTES
    parts_are_short = all(len(part.encode()) <= _PART_BYTES for part in path.split("/"))
    if path.endswith("\n") or not (_PATH.fullmatch(path) and is_short and parts_are_short):
        raise ValueError(
            "a path is relative to the vault, with `/`, and without `..`, `.`, empty parts or `\\`"
        )
    return path


def _read_whole(value: object) -> object:
    """Return the number in a query's text, which may have digits and a minus sign only."""
    if not isinstance(value, str):
        return value
    if not _WHOLE.fullmatch(value):
        raise ValueError("it is not a whole number")
    return int(value)


def _pattern(schema: dict[str, Any]) -> None:
    schema["pattern"], schema["maxLength"] = _PATH.pattern, _PATH_BYTES


def _pattern_or_empty(schema: dict[str, Any]) -> None:
    schema["pattern"] = f"^$|{_PATH.pattern}"
    schema["maxLength"] = _PATH_BYTES


RelativePath = Annotated[str, AfterValidator(_check_path), Field(json_schema_extra=_pattern)]
FolderPath = Annotated[
    str,
    AfterValidator(lambda path: _check_path(path) if path else path),
    Field(json_schema_extra=_pattern_or_empty),
]
"""A note or a folder; empty for the vault itself."""
WHOLE = BeforeValidator(_read_whole)  # for the numbers of a query; put it after the limits
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
RunId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class Sent(BaseModel):
    """JSON that a client sends: types are not converted, and unknown fields are refused."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Shape(BaseModel):
    """JSON that the daemon answers."""

    model_config = ConfigDict(frozen=True)


class Nothing(Sent):
    """An empty object."""


class NeedShape(Shape):
    """Something that a note needs."""

    kind: str
    heading: str | None
    reason: str

    @classmethod
    def of(cls, needs: Iterable[Need]) -> list[NeedShape]:
        """Return the shapes of needs."""
        return [cls(kind=need.kind, heading=need.heading, reason=need.reason) for need in needs]


class EditShape(Shape):
    """Replace base[start:end] with text; offsets count UTF-16 code units."""

    start: int
    end: int
    text: str


class OfferShape(Shape):
    """Edits for an editor to make in the text it sent; the hashes are of the text in UTF-8."""

    edits: list[EditShape]
    base_sha256: str
    new_sha256: str

    @classmethod
    def of(cls, edits: ClientEdits) -> OfferShape:
        """Return the shape of client edits."""
        shapes = [EditShape(start=start, end=end, text=text) for start, end, text in edits.edits]
        return cls(edits=shapes, base_sha256=edits.base_sha256, new_sha256=edits.new_sha256)


class Applied(Sent):
    """An editor has made the edits of an offer: the hashes of the text before and after."""

    base_sha256: Sha256
    new_sha256: Sha256


class ChangeMade(Shape):
    """The id of a change in the journal."""

    change: int


def iso_time(seconds: float) -> str:
    """Return a Unix time in ISO 8601, UTC, to the second."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class FaultShape(Shape):
    """A fault of the model's endpoint."""

    kind: str
    reason: str
    since: str
    tries: int


class BacklogShape(Shape):
    """The backlog: notes that were there before, or arrived many at once, filled only with consent.

    notes: the number of those that wait for an answer. cost: where they would be sent, and what
    that may cost, in words; empty until it is known.
    """

    notes: int = 0
    cost: str = ""


class BackgroundShape(Shape):
    """Background work. off: why it is held, in words; empty if it is not."""

    off: str
    waiting: int
    notes_today: int
    notes_a_day: int
    backlog: BacklogShape = BacklogShape()


class TodayShape(Shape):
    """Today's work: the notes enriched in this vault, and what was spent for all vaults.

    dollars: null if the price is unknown. tokens_a_day, dollars_a_day: the limits, if any.
    """

    notes: int
    input_tokens: int
    output_tokens: int
    dollars: float | None
    tokens_a_day: int | None
    dollars_a_day: float | None


class StatusShape(Shape):
    """The state of the daemon. retry_in: seconds until the endpoint is tried again."""

    version: str
    pid: int
    started_at: str
    vault: str
    vault_missing: bool
    ready: bool
    paused: bool
    polls: str
    endpoint: str
    model: str
    is_embedded: bool
    is_remote: bool
    fault: FaultShape | None
    retry_in: int
    background: BackgroundShape
    today: TodayShape
    notes: int
    to_do: int
    skipped: int
    open_notes: int
    in_hand: list[str]
    waiting: dict[str, int]
    runs: list[str]
    newest_change: int

    @classmethod
    def of(cls, now: DaemonStatus) -> StatusShape:
        """Return the shape of a status."""
        fault = now.fault and FaultShape(
            kind=now.fault.kind,
            reason=now.fault.reason,
            since=iso_time(now.fault.since),
            tries=now.fault.tries,
        )
        converted = {
            "started_at": iso_time(now.started_at),
            "fault": fault,
            "retry_in": math.ceil(now.retry_in) if math.isfinite(now.retry_in) else 0,
            "background": BackgroundShape(
                **now.background._asdict()
                | {"backlog": BacklogShape(**now.background.backlog._asdict())}
            ),
            "today": TodayShape(**now.today._asdict()),
        }
        return cls.model_validate(vars(now) | converted)
