"""Tokens: who may use the API of a vault's daemon, how far, and since when."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field

from companion.app.types.base import Moment, Sent, Shape

Scope = Literal["read", "propose", "decide", "all"]
"""What a token is good for. Each scope allows what those before it do: `read` to look, `propose` to
propose values, `decide` to accept, refuse and undo, also in an editor; `all` to start runs, and
everything else.
"""
TokenName = Annotated[str, Field(max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")]
SCOPES: tuple[Scope, ...] = get_args(Scope)


def is_within(scope: Scope, other: Scope) -> bool:
    """Return whether the other scope allows what this one does."""
    return SCOPES.index(scope) <= SCOPES.index(other)


class Token(Shape):
    """A token, without its secret. used_at: when it was last used, to the minute; null: never.
    expires_at: null if it stays valid until it is revoked.
    """

    id: str
    name: str
    scope: Scope
    made_at: Moment
    used_at: Moment | None = None
    expires_at: Moment | None = None


class TokenSecret(Token):
    """A new token. token: what is to be sent with each request; it is never shown again."""

    token: str


class TokenList(Shape):
    """The tokens of this vault, oldest first, without that of the command line."""

    tokens: list[Token]


class NewToken(Sent):
    """A token to make. days: that it is valid; null: until it is revoked."""

    name: TokenName
    scope: Scope = "read"
    days: Annotated[int, Field(ge=1, le=3650)] | None = None
