"""The JSON that several parts of the API share."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from companion.daemon.client_edits import ClientEdits
from companion.daemon.queries import BackgroundState, DaemonStatus
from companion.note.needs import Need

_PART_BYTES, _PATH_BYTES = 255, 4096  # what file systems take
_PATH = re.compile(
    r"^(?![A-Za-z]:)(?!(?:[\s\S]*/)?\.{1,2}(?:/|$))[^/\\\u0000]{1,255}(?:/[^/\\\u0000]{1,255})*$"
)
_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,15}")
LARGEST = 2**53 - 1  # what every JSON reader takes for a whole number


def _check_path(path: str) -> str:
    is_short = len(path.encode()) <= _PATH_BYTES
    parts_are_short = all(len(part.encode()) <= _PART_BYTES for part in path.split("/"))
    if path.endswith("\n") or not (_PATH.fullmatch(path) and is_short and parts_are_short):
        raise ValueError(
            "a path is relative to the vault, with `/`, and without `..`, `.`, empty parts or `\\`"
        )
    return path


def _check_place(path: str) -> str:
    return _check_path(path) if path else path


def _read_whole(value: object) -> object:
    """Return the number that a query's text is, in digits and a minus sign alone."""
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


VaultPath = Annotated[str, AfterValidator(_check_path), Field(json_schema_extra=_pattern)]
FolderPath = Annotated[
    str, AfterValidator(_check_place), Field(json_schema_extra=_pattern_or_empty)
]
"""A note or a folder; empty for the vault itself."""
WHOLE = BeforeValidator(_read_whole)  # for the numbers of a query; the limits stand before it
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
RunId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class Sent(BaseModel):
    """What a client sends: nothing is converted, and unknown names are refused."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Shape(BaseModel):
    """What the daemon answers."""

    model_config = ConfigDict(frozen=True)


class Nothing(Sent):
    """An empty object."""


class NeedShape(Shape):
    """One thing that a note needs."""

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
    """Edits for an editor to make in the text it sent; the hashes are of the text as UTF-8."""

    edits: list[EditShape]
    base_sha256: str
    new_sha256: str

    @classmethod
    def of(cls, offer: ClientEdits) -> OfferShape:
        """Return the shape of an offer."""
        edits = [EditShape(start=start, end=end, text=text) for start, end, text in offer.edits]
        return cls(edits=edits, base_sha256=offer.base_sha256, new_sha256=offer.new_sha256)


class Applied(Sent):
    """An editor made the edits of an offer: the hashes of the text before and after."""

    base_sha256: Sha256
    new_sha256: Sha256


class ChangeMade(Shape):
    """The id of a change in the journal."""

    change: int


def iso_time(seconds: float) -> str:
    """Return a Unix time in ISO 8601, UTC, to the second."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class FaultShape(Shape):
    """What is wrong with the model's endpoint."""

    kind: str
    reason: str
    since: str
    tries: int


class BacklogShape(Shape):
    """Notes that lay there before, or came many at once, and are not filled unless the user agrees.

    notes: for how many there is no answer yet. cost: where they would be sent, and what that may
    cost, in words; empty until it is known.
    """

    notes: int = 0
    cost: str = ""


class BackgroundShape(Shape):
    """Background work. off: why there is none; empty when there is."""

    off: str
    waiting: int
    notes_today: int
    notes_a_day: int
    backlog: BacklogShape = BacklogShape()


class TodayShape(Shape):
    """What was done today: notes enriched in this vault, by anybody; and spent in all vaults.

    dollars: null where the price is not known.
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
        told = {
            "started_at": iso_time(now.started_at),
            "fault": fault,
            "retry_in": math.ceil(now.retry_in) if math.isfinite(now.retry_in) else 0,
            "background": _background(now.background),
            "today": TodayShape(**now.today._asdict()),
        }
        return cls.model_validate(vars(now) | told)


def _background(now: BackgroundState) -> BackgroundShape:
    told = now._asdict() | {"backlog": BacklogShape(**now.backlog._asdict())}
    return BackgroundShape(**told)
