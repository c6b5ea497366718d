"""A client gets its token for a one-time code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, NamedTuple, cast

from flask import current_app
from pydantic import Field

from companion import __version__
from companion.daemon.api.routing import Resource, the_daemon
from companion.daemon.api.schemas import LARGEST, Nothing, Sent, Shape, StatusShape, VaultPath
from companion.daemon.problem import Refusal

EXTENSION = "companion-pair"

pair = Resource("pair")


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


PROOF_EXTENSION = "companion-proof"

proof = Resource("proof")


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
    prove = cast(Callable[[str], Proofs | None], current_app.extensions[PROOF_EXTENSION])
    proofs = prove(body.nonce)
    if proofs is None:
        raise Refusal(503, "There is no token; `companion token rotate` makes a new one.")
    return Proof(token=proofs.token, place=proofs.place, version=__version__)


presence = Resource("presence")

_LASTS = 30  # seconds that a report is believed, as companion.daemon.presence has it


class PresenceReport(Sent):
    """All the notes that this client has open now. client: a name that it keeps."""

    client: Annotated[str, Field(min_length=1, max_length=64)]
    open: Annotated[list[VaultPath], Field(max_length=1000)]


class AskedShape(Shape):
    """An open note that a user asked to change, and that waits for this client to do it.

    run: its edits are at `POST /runs/{run}/edits`. change: it is to be taken back, by
    `POST /changes/{change}/undo` with `apply: client`. One of the two is null. Both are confirmed
    as ever; within 30 seconds, else nobody waits for them any more.
    """

    path: str
    run: str | None
    change: int | None


class ReportTaken(Shape):
    """expires_in: seconds until it must be said again. to_do: open notes that wait for edits.

    asked: those among the open notes that a user asked for, by whatever way.
    """

    expires_in: int
    to_do: list[str]
    asked: list[AskedShape]


@presence.does("/presence")
def report_presence(body: PresenceReport) -> ReportTaken:
    """Say which notes are open: they are changed in their editor, and nowhere else."""
    to_do = the_daemon().report_presence(body.client, body.open)
    asked = [AskedShape(**each._asdict()) for each in the_daemon().requested_edits(body.open)]
    return ReportTaken(expires_in=_LASTS, to_do=to_do, asked=asked)


status = Resource("status")


class BacklogAnswer(Sent):
    """What the user says to the backlog. fill: fill its notes by and by; else leave them alone.

    notes: how many the user was told of; more of them by now are refused.
    """

    fill: bool
    notes: Annotated[int, Field(ge=0, le=LARGEST)] | None = None


@status.reads("/status")
def read_status() -> StatusShape:
    """How the daemon stands."""
    return StatusShape.of(the_daemon().status())


@status.does("/pause")
def pause(body: Nothing) -> StatusShape:
    """Stop background work until resumed, also across restarts."""
    the_daemon().pause()
    return read_status()


@status.does("/resume")
def resume(body: Nothing) -> StatusShape:
    """Let background work go on, and try a failing endpoint again now."""
    the_daemon().resume()
    return read_status()


@status.does("/backlog", conflicts=True)
def answer_backlog(body: BacklogAnswer) -> StatusShape:
    """Say whether the notes that lay there before are filled."""
    the_daemon().answer_backlog(fill=body.fill, notes=body.notes)
    return read_status()
