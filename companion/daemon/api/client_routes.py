"""The routes of clients: pairing, proof, tokens, status, events; open notes, and their edits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, NoReturn

from flask import Response, request
from pydantic import Field

from companion.app.types.base import Nothing, RelativePath, Sent, Shape
from companion.app.types.changes import ChangeMade, EditsInPart, OutboxEntry, RowApplied, TextShown
from companion.app.types.runs import RunList
from companion.app.types.status import (
    BacklogAnswer,
    NewToken,
    Status,
    Token,
    TokenList,
    TokenName,
    TokenSecret,
)
from companion.app.vault import Vault
from companion.daemon.access import Proof, new_page_address
from companion.daemon.api.routing import Resource, the_access, the_daemon
from companion.daemon.events import (
    ChangesChanged,
    EventQuery,
    OutboxChanged,
    ProposalsChanged,
    Restarted,
)
from companion.daemon.guard import Refusal
from companion.daemon.http_server import HAND_OVER

_PAGE_LASTS = 12 * 3600.0  # seconds that a token of the page lasts
_ID = "^[0-9a-f]{16}$"

pair = Resource("pair")


class Code(Sent):
    """A one-time code: of `companion plugin pair`, or in the address of `companion open`."""

    code: Annotated[str, Field(min_length=1, max_length=64)]


class PairingCode(Code):
    """A code of `companion plugin pair`. name: the token's, which says whose it is."""

    name: TokenName = "Obsidian"


@pair.does("/pair", None, takes_code=True)
def take_code(body: PairingCode) -> TokenSecret:
    """Exchange a one-time code for a token."""
    token = the_access().exchange(body.code, "pairing", body.name)
    return token or _refuse_code(
        "The code is wrong, already used or too old; run `companion plugin pair` for a new one."
    )


@pair.does("/session", None, takes_code=True)
def open_session(body: Code) -> TokenSecret:
    """Exchange the code of `companion open` for a token, which lasts twelve hours."""
    token = the_access().exchange(body.code, "page", "page", _PAGE_LASTS)
    return token or _refuse_code("This address was already used, or is too old.")


class PageAddress(Shape):
    """An address of the page that can be used once, within a minute. Keep it off command lines."""

    address: str


@pair.does("/session/address")
def make_page_address(body: Nothing) -> PageAddress:
    """A new address of the page, as `companion open` makes it."""
    return PageAddress(address=new_page_address(the_access().state, the_access().port))


def _refuse_code(words: str) -> NoReturn:
    """Raise the refusal of a wrong code; after some in a row, it says how long to wait."""
    if wait := the_access().wrong_codes.wait:
        raise Refusal(429, f"{words} Wait {wait} seconds.", headers=[("Retry-After", str(wait))])
    raise Refusal(403, words)


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
    """Revoke a token at once, including its streams of events. token: its id."""
    return the_access().tokens.revoke(token)


proof = Resource("proof")


class Nonce(Sent):
    """32 random bytes in 64 hex digits, never sent by the client before. id: the part of its token
    before the dot; null: the token has no dot, or there is none.
    """

    nonce: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    id: Annotated[str, Field(pattern=_ID)] | None = None


@proof.does("/proof", None)
def prove_ourselves(body: Nonce) -> Proof:
    """Prove to a client, before it sends its token, that this is its own daemon."""
    made = the_access().prove(body.nonce, body.id or "")
    if made is None:
        raise Refusal(503, "There is no token; `companion plugin token rotate` makes a new one.")
    return made


presence = Resource("presence")


class PresenceReport(Sent):
    """All the notes that this client has open now. client: a name that stays the same."""

    client: Annotated[str, Field(min_length=1, max_length=64)]
    open: Annotated[list[RelativePath], Field(max_length=1000)]


class WaitingEdits(Shape):
    """Edits of an open note that a user asked for, and that wait for this client to make them.

    id: get the edits with `POST /outbox/{id}/edits`, and confirm them with `applied` there. run:
    the run they belong to; change: the one they undo. One of the two is null.
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
    asked: list[WaitingEdits]


@presence.does("/presence", "decide")
def report_presence(body: PresenceReport) -> ReportTaken:
    """Report which notes are open; they are changed in their editor only."""
    to_do = the_daemon().report_presence(body.client, body.open)
    edits = [
        WaitingEdits(
            id=row.id,
            path=row.path,
            run=row.run if row.undoes is None else None,
            change=row.undoes,
        )
        for row in the_daemon().outbox.rows_of(body.open)
    ]
    return ReportTaken(expires_in=the_daemon().presence.lasts, to_do=to_do, asked=edits)


status = Resource("status")


status.offer(Vault.status)


@status.does("/pause")
def pause(body: Nothing) -> Status:
    """Stop background work until resumed, even across restarts."""
    the_daemon().pause()
    return the_daemon().vault.status()


@status.does("/resume")
def resume(body: Nothing) -> Status:
    """Resume background work, and try a failing endpoint again now."""
    the_daemon().resume()
    return the_daemon().vault.status()


@status.does("/backlog", conflicts=True)
def answer_backlog(body: BacklogAnswer) -> Status:
    """Answer whether the notes of the backlog are to be filled."""
    the_daemon().vault.answer_backlog(body)
    return the_daemon().vault.status()


events = Resource("events")

_EVENT_ID = re.compile(r"[0-9a-f]{8}-[0-9]{1,16}")


@events.reads(
    "/events",
    events={
        "reset": Restarted,
        "proposals": ProposalsChanged,
        "changes": ChangesChanged,
        "outbox": OutboxChanged,
        "runs": RunList,
        "status": Status,
    },
)
def follow_events(query: EventQuery) -> Response:
    """Server-sent events: what has changed, as it changes.

    Each has an id; a client that sends the last one as `Last-Event-ID` gets the events after it.
    Otherwise the first event is `reset`, followed by the current `runs` and `status`. Only a
    limited number of streams stay open at a time; a further one ends with its first event, and the
    client asks again.
    """
    last = request.headers.get("Last-Event-ID", "")
    after = query.after or (last if _EVENT_ID.fullmatch(last) else None)
    daemon, access = the_daemon(), the_access()
    bearer = request.headers["Authorization"].split(" ", 1)[1].strip()
    if request.method == "GET":
        stream = request.environ[HAND_OVER](lambda: access.tokens.find(bearer) is not None)
        stream.once = query.once
        stream.begin = lambda: daemon.events.listen(stream, after)
    return Response(_nothing(), content_type="text/event-stream")


def _nothing() -> Iterator[bytes]:
    """Yield no body: the stream sends it. A generator, so that nobody counts its length."""
    yield from ()


outbox = Resource("outbox")


@outbox.reads("/outbox/<row>")
def read_row(row: int) -> OutboxEntry:
    """The state of edits that wait for an editor."""
    entry = the_daemon().outbox.row(row)
    change = the_daemon().space.journal.change(entry.undoes or 0)
    return OutboxEntry.of(entry, change.remaining if change else [])


@outbox.does("/outbox/<row>/edits", "decide", conflicts=True)
def give_edits(row: int, body: TextShown) -> EditsInPart:
    """The edits for the text that the editor shows now."""
    return the_daemon().outbox.give(row, body.text)


@outbox.does("/outbox/<row>/withdraw", "decide")
def withdraw_row(row: int, body: Nothing) -> OutboxEntry:
    """Withdraw the edits; accepted proposals wait for a decision again."""
    the_daemon().outbox.cancel(row)
    return read_row(row)


@outbox.does("/outbox/<row>/applied", "decide", conflicts=True)
def confirm_row(row: int, body: RowApplied) -> ChangeMade:
    """Confirm that the edits were made."""
    hashes = body.base_sha256, body.new_sha256
    return ChangeMade(change=the_daemon().outbox.confirm(row, *hashes, body.moved_to))
