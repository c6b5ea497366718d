"""The routes of the API: each takes typed values, calls the vault, and answers with a model."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any, TypeVar, cast, get_type_hints

from flask import abort, current_app, request
from flask_openapi3 import APIBlueprint
from pydantic import BaseModel, Field

from companion.app.problem import PROBLEM_JSON
from companion.app.run import Run
from companion.app.types.base import LARGEST, Id, Query, RelativePath, RunId, Sent, Shape
from companion.app.types.changes import (
    Change,
    ChangeMade,
    ChangePage,
    ChangeQuery,
    ChangesToUndo,
    EditsToMake,
    RowApplied,
    TextShown,
    UndoneChanges,
    UndoQuery,
)
from companion.app.types.proposals import (
    DecisionOnAll,
    Decisions,
    PlaceQuery,
    Proposal,
    ProposalIds,
    ProposalInPlace,
    ProposalPage,
    ProposalQuery,
    Wish,
)
from companion.app.types.runs import DecisionsMade, RunProgress, RunRequest, RunShape
from companion.app.types.status import BacklogAnswer, SettingsChange, SettingsShape, Status
from companion.daemon.access import Access, new_page_address
from companion.daemon.daemon import Daemon
from companion.daemon.feed import FeedQuery, News
from companion.errors import NotThere

DAEMON, ACCESS = "companion", "companion-access"  # the extensions of the application

_PROBLEM = {
    "description": "A problem (RFC 9457).",
    "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
api = APIBlueprint(
    "api",
    __name__,
    url_prefix="/api/v1",
    abp_security=[{"bearer": []}],
    abp_responses={"422": _PROBLEM, "default": _PROBLEM},
    operation_id_callback=lambda *, name, **_: name,
)
V = TypeVar("V", bound=Callable[..., BaseModel])


def _reads(rule: str) -> Callable[[V], V]:
    """Decorate a view that answers GET."""
    return _route(api.get, rule)


def _does(rule: str, **options: Any) -> Callable[[V], V]:
    """Decorate a view that answers POST."""
    return _route(api.post, rule, **options)


def _route(add: Callable[..., Any], rule: str, **options: Any) -> Callable[[V], V]:
    def decorate(view: V) -> V:
        answer = get_type_hints(view)["return"]
        summary, _, more = (inspect.getdoc(view) or "").partition("\n\n")
        about = {"summary": " ".join(summary.split()), "description": " ".join(more.split())}
        return cast(V, add(rule, responses={200: answer}, **about, **options)(view))

    return decorate


def the_daemon() -> Daemon:
    """Return the daemon that the current request is for."""
    return cast(Daemon, current_app.extensions[DAEMON])


def the_access() -> Access:
    """Return who may use that daemon."""
    return cast(Access, current_app.extensions[ACCESS])


class ById(Sent):
    """What a route is about, by its number."""

    id: Id


class ByRun(Sent):
    """The run that a route is about."""

    id: RunId


@_reads("/status")
def read_status() -> Status:
    """What is set up, what was spent today, what waits, and what the daemon does."""
    return the_daemon().status()


@_does("/pause")
def pause() -> Status:
    """Stop background work until resumed, even across restarts."""
    the_daemon().pause()
    return the_daemon().status()


@_does("/resume")
def resume() -> Status:
    """Resume background work, and try a failing endpoint again now."""
    the_daemon().resume()
    return the_daemon().status()


@_does("/backlog")
def answer_backlog(body: BacklogAnswer) -> Status:
    """Answer whether the notes of the backlog are to be filled."""
    the_daemon().backlog.answer(body)
    return the_daemon().status()


@_reads("/feed")
def read_feed(query: FeedQuery) -> News:
    """What changed after a number, as soon as there is something."""
    is_gone = request.environ.get("waitress.client_disconnected", bool)
    return the_daemon().feed.read(query, is_gone)


class PresenceReport(Sent):
    """All the notes that this client has open now."""

    client: Annotated[str, Field(min_length=1, max_length=64)] = Field(
        description="A name that stays the same; `GET /feed` takes it, too."
    )
    open: Annotated[list[RelativePath], Field(max_length=1000)]


class Done(Shape):
    """It was done."""


@_does("/presence")
def report_presence(body: PresenceReport) -> Done:
    """Report which notes are open; they are changed in their editor only.

    The report holds for 45 seconds, or for as long as the client reads the feed.
    """
    the_daemon().feed.report(body.client, body.open)
    return Done()


@_reads("/proposals")
def read_proposals(query: ProposalQuery) -> ProposalPage:
    """A page of proposals, newest first."""
    return the_daemon().vault.proposals(query)


@_reads("/proposals/ids")
def read_proposal_ids(query: ProposalQuery) -> ProposalIds:
    """The ids of all proposals that match a filter, newest first."""
    return the_daemon().vault.proposal_ids(query)


@_reads("/proposals/<int:id>")
def read_proposal(path: ById) -> Proposal:
    """A proposal."""
    return the_daemon().vault.proposal(path.id)


@_reads("/proposals/<int:id>/place")
def read_place(path: ById, query: PlaceQuery) -> ProposalInPlace:
    """The effect of a proposal on its note."""
    return the_daemon().vault.place(path.id, query)


@_does("/proposals/<int:id>/again")
def ask_again(path: ById, body: Wish) -> RunShape:
    """Ask for a proposal once more, with the user's wish; the answer takes its place.

    `POST /proposals/decide` with the old one under `undo` brings it back.
    """
    return RunShape.model_validate(the_daemon().ask_again(path.id, body))


@_does("/proposals/decide")
def decide(body: Decisions) -> DecisionsMade:
    """Accept, refuse and reopen proposals; each has its own result."""
    daemon = the_daemon()
    return DecisionsMade(notes=daemon.carry_out(daemon.vault.decide(body), body.client))


@_does("/proposals/decide-all")
def decide_all(body: DecisionOnAll) -> RunShape:
    """Accept, refuse or reopen many proposals in one run, undone as one."""
    daemon = the_daemon()
    run = daemon.start_work(daemon.vault.decide(body.as_decisions()), body.client)
    return RunShape.model_validate(run)


@_reads("/changes")
def read_changes(query: ChangeQuery) -> ChangePage:
    """A page of changes, newest first."""
    return the_daemon().vault.changes(query)


@_reads("/changes/<int:id>")
def read_change(path: ById) -> Change:
    """A change, with its diff."""
    return the_daemon().vault.change(path.id)


@_does("/changes/undo")
def undo_changes(body: ChangesToUndo) -> UndoneChanges:
    """Undo changes, one after the other; each has its own result."""
    daemon = the_daemon()
    results = daemon.carry_out(daemon.vault.undo(body.ids), body.client)
    return UndoneChanges(undone=[each.undone for each in results if each.undone])


@_does("/changes/undo-all")
def undo_all(query: UndoQuery) -> RunShape:
    """Undo all changes that match a filter, in one run; for a run, also what it refused."""
    daemon = the_daemon()
    return RunShape.model_validate(daemon.start_work(daemon.vault.undo_all(query), query.client))


_RESULTS = 200  # of one answer at most


class RunQuery(Query):
    """Which results of a run."""

    since: int = Field(0, ge=0, le=LARGEST, description="Those after this number.")


@_does("/runs")
def start_run(body: RunRequest) -> RunShape:
    """Start a run. `GET /feed` tells how far it is."""
    return RunShape.model_validate(the_daemon().start_run(body))


@_reads("/runs/<id>")
def read_run(path: ByRun, query: RunQuery) -> RunProgress:
    """The progress of a run, and its results after a number."""
    run = _require(path.id)
    head = RunShape.model_validate(run)  # first: a run that is over gets no more results
    results = run.results[query.since :][:_RESULTS]
    return RunProgress(**vars(head), results=results, next=query.since + len(results))


@_does("/runs/<id>/cancel")
def cancel_run(path: ByRun) -> RunShape:
    """Cancel a run: writes in progress are finished, nothing further is begun."""
    run = _require(path.id)
    run.cancel()
    return RunShape.model_validate(run)


def _require(id: str) -> Run:
    if (run := the_daemon().runs.get(id)) is None:
        raise NotThere(f"There is no run {id} any more.")
    return run


@_does("/outbox/<int:id>/edits")
def give_edits(path: ById, body: TextShown) -> EditsToMake:
    """The edits for the text that the editor shows now."""
    return EditsToMake(offer=the_daemon().outbox.give(path.id, body.text))


@_does("/outbox/<int:id>/withdraw")
def withdraw_row(path: ById) -> Done:
    """Withdraw the edits; accepted proposals wait for a decision again."""
    the_daemon().outbox.cancel(path.id)
    return Done()


@_does("/outbox/<int:id>/applied")
def confirm_row(path: ById, body: RowApplied) -> ChangeMade:
    """Confirm that the edits were made."""
    return ChangeMade(change=the_daemon().confirm_edits(path.id, body))


@_reads("/settings")
def read_settings() -> SettingsShape:
    """What is filled, written at once, private and left alone; what background work does."""
    return the_daemon().vault.settings()


@_does("/settings")
def change_settings(body: SettingsChange) -> SettingsShape:
    """Change settings of this vault."""
    return the_daemon().change_settings(body)


class Code(Sent):
    """The one-time code in the address of `companion open`."""

    code: Annotated[str, Field(min_length=1, max_length=512)]


class Session(Shape):
    """A session of the page."""

    token: str = Field(description="To be sent as the bearer token, for twelve hours.")


@_does("/session", security=[{}])
def open_session(body: Code) -> Session:
    """Exchange the code of `companion open` for a session."""
    token = the_access().open_session(body.code)
    if token is None:
        abort(403, "This address was already used, or is too old.")
    return Session(token=token)


class PageAddress(Shape):
    """An address of the page, to be used once in ten minutes. Keep it off command lines."""

    address: str


@_does("/session/address")
def make_page_address() -> PageAddress:
    """A new address of the page, as `companion open` makes it."""
    return PageAddress(address=new_page_address(the_access().port))
