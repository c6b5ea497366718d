"""What a client sent, as typed values: strict JSON and queries, or a refusal that says where."""

from __future__ import annotations

import json
import re
from typing import TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, from_json

from companion.daemon.problem import Place, Refusal

M = TypeVar("M", bound=BaseModel)

_SEPARATOR = "/"  # as in a JSON pointer
_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


def read_body(model: type[M], data: bytes) -> M:
    """Return the JSON object in data as a model.

    Raises Refusal: 400 when it is not JSON as RFC 8259 and RFC 7493 (I-JSON) have it, or nested
    too deep; 422 when it is no such model.
    """
    try:
        from_json(data, allow_inf_nan=False)  # refuses lone surrogates, and more than 200 levels
        value = json.loads(data.decode("utf-8"), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        why = f"The body is not JSON: {error}" if isinstance(error, _Twice) else _NOT_JSON
        raise Refusal(400, why) from None
    return _validate(model, value, "body")


def read_query(model: type[M], query: str) -> M:
    """Return the query string as a model whose fields read strings.

    Raises Refusal, 422: an unknown field, one given twice, or one of a wrong form.
    """
    try:
        if _ESCAPE.search(query):
            raise ValueError
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True, errors="strict")
    except ValueError:
        if query:
            raise Refusal(400, "The query is not written as `name=value&name=value`.") from None
        pairs = []
    names = [name for name, _ in pairs]
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        places = [Place(where=f"query/{name}", what="it is given twice") for name in twice]
        raise Refusal(422, _INVALID, places)
    return _validate(model, dict(pairs), "query")


def _validate(model: type[M], value: object, origin: str) -> M:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        raise Refusal(422, _INVALID, [_place(one, origin) for one in found[:_SHOWN]]) from None


def _place(error: ErrorDetails, origin: str) -> Place:
    way = _SEPARATOR.join(str(part)[:_LONGEST_NAME] for part in (origin, *error["loc"]))
    if error["type"] == "model_type":  # pydantic's words for it name Python's
        return Place(where=way, what="it is no JSON object")
    return Place(where=way, what=error["msg"].removeprefix("Value error, "))


class _Twice(ValueError):
    """An object has two members of one name."""


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise _Twice("an object has a name twice")
    return members


_NOT_JSON = "The body is not JSON in UTF-8, or it is nested too deep."
_INVALID = "What was sent does not have the form that this address takes."
_SHOWN = 20  # faults of one request that are named
_LONGEST_NAME = 100
