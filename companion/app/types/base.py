"""The base classes of requests and answers, and the values that many of them have."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    WithJsonSchema,
)

from companion.errors import UsageError

_PART_BYTES, _PATH_BYTES = 255, 4096  # what file systems take
_PATH = re.compile(
    r"^(?![A-Za-z]:)(?!(?:[\s\S]*/)?\.{1,2}(?:/|$))[^/\\\u0000]{1,255}(?:/[^/\\\u0000]{1,255})*$"
)
LARGEST = 2**53 - 1  # the largest whole number that every JSON reader keeps exactly


def check_path(path: str) -> str:
    """Return a path that is relative to the vault; it need not exist. Raises ValueError."""
    is_short = len(path.encode()) <= _PATH_BYTES
    parts_are_short = all(len(part.encode()) <= _PART_BYTES for part in path.split("/"))
    if path.endswith("\n") or not (_PATH.fullmatch(path) and is_short and parts_are_short):
        raise ValueError(
            "a path is relative to the vault, with `/`, and without `..`, `.`, empty parts or `\\`"
        )
    return path


def _read_time(value: object) -> object:
    """Return the Unix time of a text in ISO 8601. Raises ValueError, also without an offset."""
    if not isinstance(value, str):
        return value
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is not None:
            return moment.timestamp()
    except (ValueError, OverflowError):
        pass
    raise ValueError("it is not a time with an offset, such as 2026-11-25T14:30:00Z")


RelativePath = Annotated[
    str,
    AfterValidator(check_path),
    Field(json_schema_extra={"pattern": _PATH.pattern, "maxLength": _PATH_BYTES}),
]
FolderPath = Annotated[
    str,
    AfterValidator(lambda path: check_path(path) if path else path),
    Field(json_schema_extra={"pattern": f"^$|{_PATH.pattern}", "maxLength": _PATH_BYTES}),
]
"""A note or a folder; empty for the vault itself."""
Moment = Annotated[
    float,
    BeforeValidator(_read_time),
    PlainSerializer(
        lambda seconds: datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    ),
    WithJsonSchema({"type": "string"}),
]
"""A Unix time, in seconds; as JSON in ISO 8601, UTC, to the second."""
OrNull = Annotated[str | None, BeforeValidator(lambda value: value or None)]
"""A text; null in place of an empty one."""
Id = Annotated[int, Field(ge=1, le=LARGEST)]
"""The number of a change or a proposal."""
PageSize = Annotated[int, Field(ge=1, le=1000)]
"""The most entries a page has, in a query."""
Name = Annotated[str, Field(min_length=1, max_length=200)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
ClientName = Annotated[str, Field(max_length=64)]
"""The name of a client of the API, which gets the notices of what it asks for; empty: nobody."""
RunId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]

Progress = Callable[[int, int], None]
"""Called with the number done and the total."""


class Sent(BaseModel):
    """A request: types are not converted, and unknown fields are refused."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    @classmethod
    def of(cls, **values: object) -> Self:
        """Return the request with these values. Raises UsageError, naming one that does not fit."""
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise UsageError(describe_fault(error)) from None


class Query(Sent):
    """The query of a request, where numbers, and `true` and `false`, are texts."""

    model_config = ConfigDict(strict=False)


class Shape(BaseModel):
    """An answer. model_validate makes it from a value with such attributes."""

    model_config = ConfigDict(
        frozen=True, from_attributes=True, json_schema_serialization_defaults_required=True
    )


class PlaceShape(Shape):
    """The property or callout base[start:end]; name: the property's, or the callout's title."""

    kind: Literal["property", "callout"]
    name: str
    start: int
    end: int


class EditShape(Shape):
    """Replace base[start:end] with text; offsets count UTF-16 code units.

    place: what the edit belongs to: do not make it while the cursor is there. null: it makes a new
    property or callout, or is in other text. What is inserted at the start of a line belongs to
    what is above it.
    """

    start: int
    end: int
    text: str
    place: PlaceShape | None


_FAULTS = {  # pydantic's types of errors, in words
    "missing": "it is missing",
    "string_pattern_mismatch": "it is empty, too long, or has characters that it may not have",
    "string_too_long": "it is too long",
    "string_too_short": "it is empty",
    "too_long": "it has too many items",
    "too_short": "it is empty",
}


def describe_fault(error: ValidationError) -> str:
    """Return in words what is wrong with the first invalid value."""
    faults = error.errors(include_url=False, include_input=False, include_context=False)
    place = faults[0]["loc"][:1]  # empty: it is about several values
    name = f"{place[0]}: " if place else ""
    words = [
        _FAULTS.get(each["type"])
        or each["msg"].removeprefix("Value error, ").replace("Input should be", "this has to be")
        for each in faults
        if each["loc"][:1] == place
    ]
    return f"{name}{' or '.join(dict.fromkeys(words))}".replace("or this has to be", "or")
