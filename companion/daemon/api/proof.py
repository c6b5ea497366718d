"""A daemon proves to a client that it is the one that the client looks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, NamedTuple, cast

from flask import current_app
from pydantic import Field

from companion import __version__
from companion.daemon.api.route import Noun
from companion.daemon.api.shapes import Sent, Shape
from companion.daemon.problem import Refusal

EXTENSION = "companion-proof"

proof = Noun("proof")


class Proofs(NamedTuple):
    """What proves that we know the token of the vault's clients, and the id of our plugin place."""

    token: str
    place: str


class Nonce(Sent):
    """32 random bytes, as 64 hex digits, that the client never sent before."""

    nonce: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Proof(Shape):
    """HMAC-SHA256 of `callout-companion`, our port and the nonce, a line each; in hex digits.

    token: its key is the token of this vault's clients. place: the `id` in the file that says in
    the plugin's folder where we are.
    """

    token: str
    place: str
    version: str


@proof.does("/proof", is_open=True)
def prove_ourselves(body: Nonce) -> Proof:
    """Prove that this is the client's own daemon, before the client sends its token."""
    prove = cast(Callable[[str], Proofs | None], current_app.extensions[EXTENSION])
    proofs = prove(body.nonce)
    if proofs is None:
        raise Refusal(503, "There is no token; `companion token rotate` makes a new one.")
    return Proof(token=proofs.token, place=proofs.place, version=__version__)
