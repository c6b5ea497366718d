"""Which needs of a note are asked for, and why others are not: they were asked for before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from functools import cache, partial
from typing import TYPE_CHECKING, NamedTuple

from companion.enrich.workspace import Workspace
from companion.errors import NoteRefused
from companion.note.needs import CALLOUT, Need
from companion.store.proposal import LatestProposal
from companion.store.recovery import find_loss

if TYPE_CHECKING:
    from companion.config import Config
    from companion.enrich.result import OpenProposal
    from companion.store.proposal import NewProposal

LOST = "lost in a sync conflict"
_UNSET = "not filled in this folder, by the settings (notes.unfilled)"
_IF_ENOUGH = "filled only if the note and its backlinks say enough"


class NeedsToAsk(NamedTuple):
    """The needs of a note, sorted by whether they are asked for.

    needs: those to ask for. before: those asked for before, which are not asked for again. pending:
    as in Task. Both with the latest proposal for each. unset: those that the settings leave out.
    unfillable: those that could not be asked for at the last attempt, for background work, and why.
    """

    needs: tuple[Need, ...]
    before: tuple[tuple[Need, LatestProposal], ...]
    pending: tuple[tuple[Need, LatestProposal], ...]
    unset: tuple[Need, ...] = ()
    unfillable: tuple[tuple[Need, str], ...] = ()

    @property
    def asked_before(self) -> tuple[str, ...]:
        """Why needs are not asked for once more, or are out in a batch."""
        by_reason: dict[str, list[str]] = {}
        for need, latest in self.before:
            if "new-value" in latest.flags:
                why = f"asked for once; {latest.reason}"
            elif latest.state == "accepted" or latest.change is not None:
                why = "filled once and taken out again"
            else:
                why = "asked for once, without a usable answer"
                if latest.state == "refused":
                    why = "proposed once, and refused"
                elif _is_nothing(latest):
                    why = "asked for once, and there was nothing to say"
                why += f" ({latest.reason})" if latest.reason else ""
            why += "; name the note, or use --retry, to ask again"
            by_reason.setdefault(why, []).append(_name(need))
        for need, latest in self.pending:
            if latest.state == "asked":
                why = (
                    f"asked in the batch {latest.reason}, which has no answer yet; name the note,"
                    " or use --retry, to ask again"
                )
                by_reason.setdefault(why, []).append(_name(need))
        return tuple(f"{', '.join(names)}: {why}" for why, names in by_reason.items())

    @property
    def impossible(self) -> tuple[str, ...]:
        """Why needs cannot be asked for, or are not by the settings."""
        unset = ", ".join(map(_name, self.unset))
        return tuple(
            dict.fromkeys(
                (*([f"{unset}: {_UNSET}"] if unset else []), *(why for _, why in self.unfillable))
            )
        )

    @property
    def unfilled(self) -> tuple[str, ...]:
        """Why needs are not asked for, except those that have an open proposal."""
        return (*self.impossible, *self.asked_before)

    @property
    def all_unfilled(self) -> tuple[str, ...]:
        """Why needs are not asked for, including those that have an open proposal."""
        open_needs = (need for need, latest in self.pending if latest.state == "open")
        return (*self.unfilled, *describe_proposed(open_needs))


def leave_out_asked(
    workspace: Workspace,
    path: str,
    needs: Iterable[Need],
    *,
    retry: bool = False,
    reopened: Set[str] = frozenset(),
    latest: Mapping[str, LatestProposal] | None = None,
) -> NeedsToAsk:
    """Return which needs to ask for, and why others are not: they were asked for before.

    What was filled in another note of the same name, or before the note was rewritten, does not
    count. Others are left out by the settings.

    retry: ask again what was asked for before, unless its proposal is still open. reopened: keys of
    needs to ask for, ignoring past proposals. latest: the latest proposals for the note, by key,
    from a query for all notes; None: they are looked up.
    """
    if latest is None:
        latest = workspace.journal.proposals.latest(path)
    if not (latest or workspace.config.notes.unfilled):  # as most notes of a backlog
        return NeedsToAsk(tuple(needs), (), ())
    is_another = cache(partial(_is_another, workspace, path))  # needs may share a change
    open_needs, unset = list[Need](), list[Need]()
    before, pending = list[tuple[Need, LatestProposal]](), list[tuple[Need, LatestProposal]]()
    for need in needs:
        previous = latest.get(need.key)
        is_unset = need.where != "request" and workspace.config.is_unfilled(path, need.kind)
        if is_unset and (previous is None or previous.state != "open"):
            unset.append(need)
        elif previous is not None and (
            previous.state == "open" or (previous.state == "asked" and not retry)
        ):
            pending.append((need, previous))
        elif (
            previous is None
            or need.key in reopened
            or (previous.change is not None and is_another(previous.change))
        ):
            open_needs.append(need)
        elif lost := _find_lost(workspace, path, previous):
            pending.append((need, lost))
        elif retry:
            open_needs.append(need)
        else:
            before.append((need, previous))
    return NeedsToAsk(tuple(open_needs), tuple(before), tuple(pending), tuple(unset))


def find_to_do(
    workspace: Workspace,
    path: str,
    needs: Iterable[Need],
    latest: Mapping[str, LatestProposal] | None = None,
) -> NeedsToAsk:
    """Return the needs of a note that background work would fill, and why it fills no others.

    It leaves out those that the last attempt on this note, with these settings, could not ask for.
    Whether a small model has enough text for a callout shows only at an attempt, which reads other
    notes, too; the reason says so.

    Besides those to ask for, these are needs that take no call: their proposal is to be written, or
    was lost in a sync conflict and is reopened. Their reason says so. A note is to do if it has any
    of them. latest: as in leave_out_asked.
    """
    to_ask = leave_out_asked(workspace, path, needs, latest=latest)
    if reasons := workspace.unfillable(path):
        unfillable = tuple((n, reasons[n.key]) for n in to_ask.needs if n.key in reasons)
        rest = tuple(need for need in to_ask.needs if need.key not in reasons)
        to_ask = to_ask._replace(needs=rest, unfillable=unfillable)
    if any(need.kind == CALLOUT for need in to_ask.needs) and workspace.config.has_small_model:
        to_ask = to_ask._replace(needs=tuple(map(_add_condition, to_ask.needs)))
    if not to_ask.pending:
        return to_ask
    without_call, others = list[Need](), list[tuple[Need, LatestProposal]]()
    for need, proposal in to_ask.pending:
        if proposal.state == "accepted":
            why = f"{LOST}; companion enrich proposes it again, without a call"
        elif not proposal.waits and is_settled(workspace.config, path, need.kind, proposal):
            why = "answered before; companion enrich writes it, without a call"
        else:
            others.append((need, proposal))
            continue
        without_call.append(need._replace(reason=why))
    return to_ask._replace(needs=(*to_ask.needs, *without_call), pending=tuple(others))


def _add_condition(need: Need) -> Need:
    """Return the need; that of a callout with a reason that says when a small model fills it."""
    if need.kind != CALLOUT:
        return need
    return need._replace(reason=f"{need.reason} ({_IF_ENOUGH})")


def is_settled(
    config: Config, path: str, kind: str, proposal: OpenProposal | NewProposal | LatestProposal
) -> bool:
    """Return whether a value for the note needs no decision: no flag or setting holds it back."""
    return not proposal.flags and config.review_mode(path, kind) == "write"


def _find_lost(workspace: Workspace, path: str, latest: LatestProposal) -> LatestProposal | None:
    """Return the proposal to reopen because a sync conflict removed its value; None if it did not.

    It is flagged, and waits, unless the conflict is certain and the value was lost for the first
    time.
    """
    if latest.state != "accepted" or latest.change is None or not latest.has_value:
        return None
    loss = find_loss(workspace.root, workspace.journal, path, latest.change)
    if loss is None:
        return None
    changes = workspace.journal.changes(path)
    times = sum(latest.id in each.proposals and each.state == "done" for each in changes)
    if loss == "certain" and times == 1:
        return latest
    return latest._replace(flags=tuple(dict.fromkeys((*latest.flags, "lost"))))


def describe_proposed(needs: Iterable[Need]) -> Iterator[str]:
    """Yield why needs with an open proposal are not asked for; nothing if there are none."""
    if names := ", ".join(map(_name, needs)):
        yield f"{names}: proposed already; companion review shows it"


def _name(need: Need) -> str:
    if need.kind != CALLOUT:
        return need.kind
    return f"callout “{need.question or need.heading or 'AI'}”"


def was_rejected(latest: LatestProposal | None) -> bool:
    """Return whether the answer was rejected."""
    return latest is not None and latest.state == "rejected" and not _is_nothing(latest)


def _is_nothing(latest: LatestProposal) -> bool:
    """Return whether the model answered that it has nothing to say."""
    return latest.rejection == "nothing" and "new-value" not in latest.flags


def _is_another(workspace: Workspace, path: str, change: int) -> bool:
    """Return whether the note is not the one that the change was made in; False if unknown.

    In that case little of the old one is left, and little was in it: more than in a file that a
    sync client has written in part.
    """
    from companion.enrich.note_guard import is_another  # slow to load, and few needs get here

    if (images := workspace.journal.images(change)) is None:
        return False
    try:
        return is_another(images[0], (workspace.root / path).read_bytes())
    except (OSError, NoteRefused):
        return False
