"""Which needs of a note are asked for, and why others are not: they were asked for before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from companion.enrich.workspace import Workspace
from companion.errors import NoteBusy
from companion.note.needs import CALLOUT, Need
from companion.note.tags import without_tags
from companion.note.text import NoteText
from companion.store.proposals import Proposal

if TYPE_CHECKING:
    from companion.enrich.job import Job, Task

REWRITTEN = "the note was rewritten since the model was asked; enrich it again"
IN_PART = "only the beginning of the text that a model was asked about is there; is it syncing?"

_IF_ENOUGH = "filled only if the note and its backlinks say enough"
_AGAIN = "name the note, or use --retry, to ask again"


class SortedNeeds(NamedTuple):
    """The needs of a note, sorted by whether they are asked for.

    needs: those to ask for. pending: the proposals of others, each with the need as it is in the
    note: it is open, asked in a batch, or was accepted and is to be reopened, since its value is
    not in the note any more. before: the proposals of needs that are not asked for again.
    ignored: why others are left alone in the folder of the note.
    """

    needs: tuple[Need, ...]
    pending: tuple[Proposal, ...] = ()
    before: tuple[Proposal, ...] = ()
    ignored: tuple[str, ...] = ()

    @property
    def unfilled(self) -> tuple[str, ...]:
        """Why needs are not asked for, except those that have an open proposal."""
        by_reason: dict[str, list[str]] = {}
        for each in (*self.before, *self.pending):
            if why := _why_not(each):
                by_reason.setdefault(why, []).append(_name(each.need))
        before = (f"{', '.join(names)}: {why}" for why, names in by_reason.items())
        return (*self.ignored, *before)

    @property
    def all_unfilled(self) -> tuple[str, ...]:
        """Why needs are not asked for, including those that have an open proposal."""
        open_needs = (each.need for each in self.pending if each.state == "open")
        names = ", ".join(map(_name, open_needs))
        shown = f"{names}: proposed already; companion review shows it"
        return (*self.unfilled, *([shown] if names else []))


def sort_needs(
    space: Workspace,
    path: str,
    needs: Iterable[Need],
    *,
    retry: bool = False,
    again: Set[str] = frozenset(),
    latest: Mapping[str, Proposal] | None = None,
) -> SortedNeeds:
    """Return which needs to ask for, and why others are not: they were asked for before.

    retry: ask again what was asked for before, unless its proposal is still open. again: keys of
    needs to ask for, ignoring past proposals. latest: the latest proposals for the note, by key,
    from a query for all notes; None: they are looked up.
    """
    needs, ignored = _without_ignored(space, path, needs)
    latest = space.journal.proposals.latest(path) if latest is None else latest
    to_ask, pending, before = list[Need](), list[Proposal](), list[Proposal]()
    for need in needs:
        previous = latest.get(need.key)
        if previous is None:
            to_ask.append(need)
            continue
        here = replace(previous, need=need)
        if previous.state == "open" or (previous.state == "asked" and not retry):
            pending.append(here)
        elif retry or need.key in again:
            to_ask.append(need)
        elif (
            previous.state == "accepted"
            and previous.value is not None
            and not space.journal.presence.is_open(path)  # an editor may not have saved it yet
        ):
            pending.append(here)
        else:
            before.append(here)
    return SortedNeeds(tuple(to_ask), tuple(pending), tuple(before), ignored)


def _without_ignored(
    space: Workspace, path: str, needs: Iterable[Need]
) -> tuple[tuple[Need, ...], tuple[str, ...]]:
    """Return the needs except those that the settings leave alone in its folder, and why."""
    config, rest, ignored = space.config, list[Need](), list[str]()
    for need in needs:
        if folder := config.ignore.fields and config.ignored_folder(path, need.kind):
            ignored.append(f"{_name(need)}: not filled in {folder} (ignore.fields)")
        else:
            rest.append(need)
    return tuple(rest), tuple(ignored)


def find_to_do(
    space: Workspace,
    path: str,
    needs: Iterable[Need],
    latest: Mapping[str, Proposal] | None = None,
) -> SortedNeeds:
    """Return the needs of a note that background work would fill, and why it fills no others.

    Whether a small model has enough text for a callout shows only at an attempt, which reads other
    notes, too; the reason says so.

    Besides those to ask for, these are needs that take no call: their proposal is to be written, or
    is reopened. Their reason says so. latest: as in sort_needs.
    """
    to_ask = sort_needs(space, path, needs, latest=latest)
    if space.config.has_small_model:
        to_ask = to_ask._replace(needs=tuple(map(_add_condition, to_ask.needs)))
    without_call, others = list[Need](), list[Proposal]()
    for each in to_ask.pending:
        is_settled = space.config.review_mode(path, each.kind) == "write" and not each.flags
        if each.state == "accepted":
            why = "filled once and taken out again; companion enrich proposes it again"
        elif each.state == "open" and is_settled and not each.waits:
            why = "answered before; companion enrich writes it, without a call"
        else:
            others.append(each)
            continue
        without_call.append(each.need._replace(reason=why))
    return to_ask._replace(needs=(*to_ask.needs, *without_call), pending=tuple(others))


def take_open(space: Workspace, job: Job, task: Task) -> tuple[Task, list[Proposal]]:
    """Return the task, and the open proposals for its note that still apply.

    An accepted one whose value is not in the note any more is open again. If little is left of the
    text that a proposal was made from, it is closed, and asked for again. But background work asks
    and writes nothing while the note is only the beginning of that text, as when a sync client
    writes it in parts.
    """
    store = space.journal.proposals
    proposals, stale = list[Proposal](), list[Need]()
    for each in task.pending:
        source = store.source(each)
        if is_rewritten(source, task.data) and each.state != "asked":
            if job.background and source is not None and source.startswith(task.data):
                return replace(task, needs=(), unfilled=(*task.unfilled, IN_PART)), []
            store.decide([each.id], "closed", "need", REWRITTEN, (each.state,))
            stale.append(each.need)
            continue
        if each.state == "accepted":
            store.reopen_lost(each.id)
        now = store.get(each.id)
        if now and now.state == "open" and now.value is not None:
            proposals.append(replace(now, need=each.need))
    return replace(task, needs=(*task.needs, *stale)), proposals


def leave_claimed(job: Job, task: Task, claimed: set[str]) -> Task:
    """Return the task without the needs that another run is asking for.

    Raises NoteBusy if background work had nothing else to do.
    """
    others = ", ".join(need.kind for need in task.needs if need.key not in claimed)
    if not others:
        return task
    needs = tuple(need for need in task.needs if need.key in claimed)
    why = f"{others}: another run is asking for it"
    if job.background and not needs:
        raise NoteBusy(why, job.path)
    return replace(task, needs=needs, unfilled=(*task.unfilled, why))


def _why_not(proposal: Proposal) -> str:
    """Return in words why its need is not asked for once more; empty if that is not worth it."""
    reason = f" ({proposal.reason})" if proposal.reason else ""
    if proposal.state == "refused" and proposal.change:
        return f"filled once and taken out again; {_AGAIN}"
    if proposal.state == "refused":
        return f"proposed once, and refused{reason}; {_AGAIN}"
    if proposal.state == "rejected":
        return f"asked for once, without a usable answer{reason}; {_AGAIN}"
    if proposal.state == "asked":
        return f"asked in the batch {proposal.reason}, which has no answer yet; {_AGAIN}"
    is_gone = proposal.state == "accepted" and proposal.value is None
    return f"filled once and taken out again; {_AGAIN}" if is_gone else ""


def _add_condition(need: Need) -> Need:
    """Return the need; that of a callout with a reason that says when a small model fills it."""
    if need.kind != CALLOUT:
        return need
    return need._replace(reason=f"{need.reason} ({_IF_ENOUGH})")


def _name(need: Need) -> str:
    if need.kind != CALLOUT:
        return need.kind
    return f"callout “{need.question or need.heading or 'AI'}”"


# --- whether a note is still the one that was asked about


def is_rewritten(source: bytes | None, now: bytes) -> bool:
    """Return whether most of what the model was asked about is gone from the note.

    That is most of its lines, or of the words of its body: stubs from one template share lines.
    source: what it was asked about; None if that is no longer known.
    """
    if source is None or source == now:
        return False
    parts = zip(_find_parts(source), _find_parts(now), strict=True)
    return any(len(old & new) * 2 < len(old) for old, new in parts)


def _find_parts(data: bytes) -> Iterator[set[str]]:
    """Yield the lines of the note, then the words of its body, except its tags."""
    yield {line.strip() for line in data.decode("utf-8", "replace").splitlines()} - {""}
    yield _find_words(data)


def _find_words(data: bytes) -> set[str]:
    from companion.language.words import find_tokens  # slow to load, and few needs get here

    return set(find_tokens(without_tags(NoteText.decode(data).body)))
