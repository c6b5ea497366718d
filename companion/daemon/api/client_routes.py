"""The routes of clients: pairing, the daemon's proof of identity, open notes, and the status."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from companion import __version__
from companion.app.types.base import Nothing, RelativePath, Sent, Shape
from companion.app.types.status import BacklogAnswer, Status
from companion.app.types.tokens import NewToken, Token, TokenList, TokenName, TokenSecret
from companion.daemon.api.routing import Resource, the_access, the_daemon
from companion.daemon.presence import REPORT_LASTS
from companion.daemon.problem import Refusal

_ID = "^[0-9a-f]{16}$"

pair = Resource("pair")


class Code(Sent):
    """A one-time code: of `companion plugin pair`, or in the address of `companion open`."""

    code: Annotated[str, Field(min_length=1, max_length=64)]


class PairingCode(Code):
    """A code of `companion plugin pair`. name: of the token, which says whose it is."""

    name: TokenName = "Obsidian"


@pair.does("/pair", None, takes_code=True)
def take_code(body: PairingCode) -> TokenSecret:
    """Exchange a one-time code for a token."""
    token = the_access().pair(body.code, body.name)
    if token is None:
        words = "The code is wrong, used up or too old; run `companion plugin pair` for a new one."
        raise _refuse_code(words)
    return token


@pair.does("/session", None, takes_code=True)
def open_session(body: Code) -> TokenSecret:
    """Exchange the code of `companion open` for a token, which lasts twelve hours."""
    token = the_access().open_page(body.code)
    if token is None:
        raise _refuse_code(
            "This address was used, or is too old; `companion open` makes a new one."
        )
    return token


def _refuse_code(words: str) -> Refusal:
    """Return the refusal of a wrong code; after some in a row, it says how long to wait."""
    wait = the_access().wrong_codes.wait
    if not wait:
        return Refusal(403, words)
    return Refusal(429, f"{words} Wait {wait} seconds.", headers=[("Retry-After", str(wait))])


tokens = Resource("tokens")


@tokens.reads("/tokens", "all")
def read_tokens() -> TokenList:
    """The tokens of this vault's clients."""
    return TokenList(tokens=the_access().tokens.all())


@tokens.does("/tokens")
def make_token(body: NewToken) -> TokenSecret:
    """Make a token."""
    return the_access().tokens.make(body)


@tokens.does("/tokens/<token>/revoke")
def revoke_token(token: str, body: Nothing) -> Token:
    """Revoke a token, at once, also for its streams of events. token: its id."""
    return the_access().tokens.revoke(token)


proof = Resource("proof")


class Nonce(Sent):
    """32 random bytes in 64 hex digits, which the client has never sent before. id: of its token,
    which is what stands before the dot; null: it has one without a dot, or none.
    """

    nonce: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    id: Annotated[str, Field(pattern=_ID)] | None = None


class Proof(Shape):
    """HMAC-SHA256 of `callout-companion`, the daemon's port and the nonce, a line each; in hex.

    token: made with the client's token as the key. place: made with the `id` in the
    plugin's runtime file, which says where the daemon is.
    """

    token: str
    place: str
    version: str


@proof.does("/proof", None)
def prove_ourselves(body: Nonce) -> Proof:
    """Prove to a client, before it sends its token, that this is its own daemon."""
    proofs = the_access().prove(body.nonce, body.id or "")
    if proofs is None:
        raise Refusal(503, "There is no token; `companion plugin token rotate` makes a new one.")
    return Proof(token=proofs.token, place=proofs.place, version=__version__)


presence = Resource("presence")


class PresenceReport(Sent):
    """All the notes that this client has open now. client: a name that stays the same."""

    client: Annotated[str, Field(min_length=1, max_length=64)]
    open: Annotated[list[RelativePath], Field(max_length=1000)]


class AskedShape(Shape):
    """Edits of an open note that a user asked for, and that wait for this client to make them.

    id: get the edits with `POST /outbox/{id}/edits`, and confirm them with `applied` there. run:
    that they are of; change: the one that they undo. One of the two is null.
    """

    id: int
    path: str
    run: str | None
    change: int | None


class ReportTaken(Shape):
    """The report was accepted. expires_in: seconds until the client must report again.

    to_do: open notes that background work would fill. asked: edits that a user asked for.
    """

    expires_in: int
    to_do: list[str]
    asked: list[AskedShape]


@presence.does("/presence", "decide")
def report_presence(body: PresenceReport) -> ReportTaken:
    """Report which notes are open; they are changed in their editor only."""
    to_do = the_daemon().report_presence(body.client, body.open)
    edits = [
        AskedShape(
            id=row.id,
            path=row.path,
            run=row.request.run if row.request.undoes is None else None,
            change=row.request.undoes,
        )
        for row in the_daemon().outbox.rows_of(body.open)
    ]
    return ReportTaken(expires_in=REPORT_LASTS, to_do=to_do, asked=edits)


status = Resource("status")


@status.reads("/status")
def read_status() -> Status:
    """The state of the daemon."""
    return the_daemon().vault.status()


@status.does("/pause")
def pause(body: Nothing) -> Status:
    """Stop background work until resumed, also across restarts."""
    the_daemon().pause()
    return read_status()


@status.does("/resume")
def resume(body: Nothing) -> Status:
    """Resume background work, and try a failing endpoint again now."""
    the_daemon().resume()
    return read_status()


@status.does("/release")
def release(body: Nothing) -> Status:
    """Let another process of Companion have the vault.

    The daemon stops, waits until that process is done, and starts again on the same port.
    """
    the_daemon().release()
    return read_status()


@status.does("/backlog", conflicts=True)
def answer_backlog(body: BacklogAnswer) -> Status:
    """Answer whether the notes of the backlog are filled."""
    the_daemon().vault.answer_backlog(body)
    return read_status()
