"""A client gets its token for a one-time code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, cast

from flask import current_app
from pydantic import Field

from companion.daemon.api.route import Noun
from companion.daemon.api.shapes import Sent, Shape
from companion.daemon.problem import Refusal

EXTENSION = "companion-pair"

pair = Noun("pair")


class Code(Sent):
    """What `companion pair` shows."""

    code: Annotated[str, Field(min_length=1, max_length=64)]


class Token(Shape):
    """A bearer token for this vault's daemon."""

    token: str


@pair.does("/pair", is_open=True)
def take_code(body: Code) -> Token:
    """Exchange a one-time code for a token."""
    exchange = cast(Callable[[str], str | None], current_app.extensions[EXTENSION])
    token = exchange(body.code)
    if token is None:
        raise Refusal(
            403, "The code is wrong, used up or too old; run `companion pair` for a new one."
        )
    return Token(token=token)
