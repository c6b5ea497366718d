"""Notices: what runs, decisions and background work did, as sentences that clients show."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from pydantic import Field

from companion.app.run import Run
from companion.app.types.base import Shape
from companion.app.types.runs import NoteResult
from companion.app.types.status import IgnoredNotes, SettingsChange
from companion.enrich.workspace import Workspace
from companion.store.journal import Change
from companion.store.proposals import Proposal, Selection

_REFUSALS, _REFUSED_WITHIN = 3, 30 * 86_400.0  # of a kind in a folder, before it asks; seconds


class Button(Shape):
    """A button of a notice. change: what it sends to `POST /settings`."""

    label: str
    change: SettingsChange


class Notice(Shape):
    """Something that was done, or failed. path: of the note, if it is about a single one.

    change, run: what *Undo* takes back: a single change, or else all of a run. waits: how many
    proposals were left for the user.
    """

    id: int = Field(default=0, description="Grows; it is a `number` of the feed.")
    text: str = Field(description="A sentence to show as it is.")
    path: str | None = None
    run: str | None = None
    change: int | None = None
    waits: int = 0
    is_error: bool = False
    button: Button | None = None


def describe_run(run: Run) -> Notice | None:
    """Return the notice of a run that is over; None: there is nothing to tell yet.

    What an open note's editor still has to write is told once it has.
    """
    results = [each for each in run.results if each.counted]
    if any(each.status == "enriched" and each.change is None for each in results):
        return None  # a dry run
    if len(results) == 1 and not run.fault:
        return describe_result(results[0], run.id)
    return _describe_many(run, results)


def describe_result(result: NoteResult, run: str | None = None) -> Notice | None:
    """Return the notice of what was done with one note. run: that it belongs to."""
    name, path = _name(result.path), result.path or None
    why = "; ".join(filter(None, [result.reason, *result.left]))
    waits = max(0, len(result.proposals) - len(result.changes)) if not result.decided else 0
    if (result.undone and result.undone.waits) or (result.decided and result.status == "proposed"):
        return None
    if result.status == "enriched":
        filled = _join(each.kind for each in result.changes)
        more = f", {waits} to review" if waits else ""
        text = f"{name}: {filled} filled{more}"
        return Notice(text=text, path=path, change=result.change, waits=waits)
    if result.status == "proposed":
        return Notice(text=f"{name}: {waits} to review", path=path, waits=waits)
    if result.status == "refused":
        refused = sum(each.state == "refused" for each in result.decided)
        return Notice(text=f"{name}: {_count(refused, 'proposal')} refused", path=path, run=run)
    if result.status == "failed":
        return Notice(text=f"{name}: {why or 'it failed'}", path=path, is_error=True)
    if result.status == "undone" or result.decided:
        return Notice(text=f"{name}: undone" + (f"; {why}" if why else ""), path=path)
    return Notice(text=f"{name} was left as it is: {why or 'it needs nothing'}", path=path)


def describe_edits(change: Change, stays: str = "") -> Notice:
    """Return the notice of edits that were made after their note's editor had it.

    stays: what of a change that they undo stays, and why.
    """
    name = _name(change.path)
    if change.undoes is not None:
        return Notice(text=f"{name}: undone" + (f"; {stays}" if stays else ""), path=change.path)
    filled = _join(key.partition(":")[0] for key in change.needs)
    return Notice(text=f"{name}: {filled} filled", path=change.path, change=change.id)


def offer_to_stop(space: Workspace, refused: Sequence[Proposal]) -> list[Notice]:
    """Return a notice for each kind that was just refused in a folder for the third time.

    Nothing of that kind was accepted there in the 30 days. Each can be answered by a button.
    """
    notices = []
    groups = Counter((each.kind, each.path.rpartition("/")[0]) for each in refused)
    for (kind, folder), number in groups.items():
        since, selection = time.time() - _REFUSED_WITHIN, Selection([folder], kind)
        decided = Counter(
            each.state
            for each in space.journal.proposals.select(selection)
            if each.decided_by == "user" and (each.decided_at or 0.0) >= since
        )
        is_third = decided["refused"] - number < _REFUSALS <= decided["refused"]
        if not folder or decided["accepted"] or not is_third:
            continue
        fields = {name: list(each) for name, each in space.source.own.ignore.fields.items()}
        fields[kind] = [*fields.get(kind, ()), folder]
        change = SettingsChange(ignored=IgnoredNotes(fields=fields))
        text = f"You refused {decided['refused']} proposals for {kind} in {folder}"
        button = Button(label=f"Stop proposing {kind} in {folder}", change=change)
        notices.append(Notice(text=text, button=button))
    return notices


def _describe_many(run: Run, results: Sequence[NoteResult]) -> Notice | None:
    status = Counter(each.status for each in results)
    if status["proposed"] == len(results) and run.kind == "undo":
        return None
    filled, refused, waits = status["enriched"], status["refused"], 0
    if run.kind == "fill":
        waits = sum(max(0, len(each.proposals) - len(each.changes)) for each in results)
    failed = [each for each in results if each.status == "failed"]
    parts = [
        f"{_count(filled, 'note')} filled" if filled else "",
        f"proposals for {_count(refused, 'note')} refused" if refused else "",
        f"{_count(status['undone'], 'change')} undone" if run.kind == "undo" else "",
        f"{waits} to review" if waits else "",
        f"{len(failed)} failed ({_name(failed[0].path)}: {failed[0].reason})" if failed else "",
        run.fault,
    ]
    text = ", ".join(filter(None, parts)) or _say_why_nothing(run, results)
    return Notice(
        text=text[0].upper() + text[1:],
        run=run.id if filled or refused else None,
        waits=waits,
        is_error=bool(run.fault or failed),
    )


def _say_why_nothing(run: Run, results: Sequence[NoteResult]) -> str:
    reasons = Counter(run.left_alone)
    reasons.update(each.reason for each in results if each.reason)
    if reasons:
        [(reason, number)] = reasons.most_common(1)
        return f"nothing was filled; {_count(number, 'note')}: {reason}"
    return "cancelled" if run.is_cancelled else "nothing needs to be filled"


def _name(path: str) -> str:
    return PurePosixPath(path).stem or "the note"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _join(kinds: Iterable[str]) -> str:
    """Return the kinds as a list in words: `description, tags and callout`."""
    *first, last = dict.fromkeys(kinds)
    return f"{', '.join(first)} and {last}" if first else last
