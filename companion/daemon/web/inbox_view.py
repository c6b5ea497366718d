"""Inbox: the open proposals, flagged ones first; accept, edit and refuse them, and take it back."""

from __future__ import annotations

from typing import Annotated

from flask import Response
from pydantic import Field

from companion.app.types.base import LARGEST, FolderPath, QueryId, Sent, YesOrNo
from companion.app.types.decisions import Decisions
from companion.app.types.proposals import FLAG_WORDS, ProposalPage, ProposalQuery
from companion.app.vault import new_run
from companion.daemon.api.routing import Resource, the_daemon
from companion.daemon.web import answer, said, show
from companion.errors import NoteError

inbox_view = Resource("inbox")

_PAGE = 40  # proposals that are sent at once; more follow as the page is scrolled


class InboxQuery(Sent):
    """Which open proposals. before: with a lower id. flagged: those with flags, or without."""

    path: FolderPath = ""
    kind: Annotated[str, Field(max_length=200)] | None = None
    flagged: YesOrNo | None = None
    before: QueryId | None = None

    def proposals(self, *, flagged: bool, limit: int) -> ProposalPage:
        """Return the first open proposals with, or without, flags."""
        return the_daemon().vault.proposals(
            ProposalQuery(
                folder=self.path,
                kind=self.kind or None,
                flagged=flagged,
                before=self.before,
                limit=limit,
            )
        )


@inbox_view.reads("/inbox")
def show_inbox(query: InboxQuery) -> Response:
    """Show the first proposals."""
    newest = _find_newest()
    counts = {each: query.proposals(flagged=each, limit=1).total for each in (True, False)}
    parts = _list_parts(query)  # after the newest: one that comes meanwhile is told of, not missed
    to_do = 0 if any(counts.values()) else the_daemon().status().to_do
    values = {"counts": counts, "parts": parts, "newest": newest, "to_do": to_do}
    return show("inbox.html", query=query, run=new_run(), **values)


@inbox_view.reads("/inbox/more")
def show_more(query: InboxQuery) -> Response:
    """Show the proposals after those that are shown already."""
    return show("proposals.html", query=query, parts=_list_parts(query))


@inbox_view.reads("/inbox/count")
def count() -> Response:
    """Return how many proposals are open, and the latest of them."""
    page = the_daemon().vault.proposals(ProposalQuery(limit=1))
    return answer({"open": page.total, "newest": _find_newest()})


@inbox_view.reads(f"/proposals/<int(min=1, max={LARGEST}):number>")
def show_proposal(number: int) -> Response:
    """Show where the proposal would go in its note, and what it was made from."""
    vault = the_daemon().vault
    proposal, parts, why_not = vault.proposal(number), [], ""
    try:
        parts = vault.place(number).parts
    except NoteError as error:
        why_not = error.reason
    return show("place.html", each=proposal, place=parts, why_not=why_not)


@inbox_view.does("/decide")
def decide(body: Decisions) -> Response:
    """Accept, refuse or reopen proposals; answer what became of each, and why not as wanted."""
    made = list(the_daemon().vault.decide(body))
    decided = [(decision.path, each) for decision in made for each in decision.proposals]
    told = [(path, each.reason) for path, each in decided if each.reason]
    done = [path for path, each in decided if not each.reason]
    words = [_describe_decision(body, done)] if done else []
    words += dict.fromkeys(f"{path}: {why}" if path else why for path, why in told[:5])
    states = {str(each.id): each.state for _, each in decided}
    why = {str(each.id): each.reason for _, each in decided if each.reason}
    waiting = [id_ for decision in made for id_ in decision.waiting]
    return said(" ".join(words), states=states, waiting=waiting, why=why)


def _describe_decision(body: Decisions, paths: list[str]) -> str:
    """Return in words what was done. paths: the note of each proposal that it was done to."""
    number, notes = f"{len(paths):,}", set(paths)
    is_one = len(paths) == 1
    if body.accept:
        return f"Written into {paths[0] if len(notes) == 1 else f'{len(notes):,} notes'}."
    if body.refuse:
        asked = "it is not asked for again" if is_one else "they are not asked for again"
        return f"{'Refused' if is_one else f'{number} refused'}; {asked}."
    return "It waits again, as before." if is_one else f"{number} wait again, as before."


def _find_newest() -> int:
    """Return the id of the latest open proposal; 0 if there is none."""
    found = the_daemon().vault.proposals(ProposalQuery(limit=1)).proposals
    return found[0].id if found else 0


def _list_parts(query: InboxQuery) -> list[dict[str, object]]:
    """Return the flagged proposals and then the others, at most a page of them together."""
    parts: list[dict[str, object]] = []
    room = _PAGE
    for flagged in (True, False):
        if query.flagged not in (None, flagged):
            continue
        found = query.proposals(flagged=flagged, limit=room + 1).proposals
        shown, rest = found[:room], found[room:]
        room -= len(shown)
        before = rest[0].id + 1 if rest else None
        parts.append(
            {"flagged": flagged, "proposals": shown, "before": before, "flags": FLAG_WORDS}
        )
    return parts
