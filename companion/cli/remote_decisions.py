"""Decisions on proposals: made by the vault's daemon where one runs, else in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from itertools import groupby

from companion.daemon.api.proposal_schemas import decisions_object
from companion.daemon.daemon_client import DaemonClient
from companion.enrich.context import VaultContext
from companion.enrich.decision import Acceptance, NoteDecision
from companion.enrich.decisions import Decisions
from companion.enrich.workspace import Workspace
from companion.vault.proposal import Proposal

_BATCH = 50  # proposals that are decided on at once


def decisions_of(workspace: Workspace, running: DaemonClient | None) -> AnyDecisions:
    """Return what decides on the proposals of the vault. running: its daemon, if one runs."""
    if running:
        return RemoteDecisions(running)
    return Decisions(workspace, cache(lambda: VaultContext(workspace.scan())))


def decide_in_batches(
    decisions: AnyDecisions, proposals: Iterable[Proposal], decide: Decide
) -> Iterator[NoteDecision]:
    """Yield what is decided on proposals that are sorted by note; those of a note at once."""
    batch: list[Proposal] = []
    for _, group in groupby(proposals, key=lambda each: each.path):
        of_note = list(group)
        if batch and len(batch) + len(of_note) > _BATCH:
            yield from decide(decisions, batch)
            batch = []
        batch += of_note
    if batch:
        yield from decide(decisions, batch)


class RemoteDecisions:
    """Decides on proposals as Decisions does, by a daemon; those of one call at once.

    Every method may raise DaemonGone and DaemonRefused.
    """

    def __init__(self, daemon: DaemonClient) -> None:
        self._daemon = daemon

    def accept(self, wanted: Iterable[Acceptance], *, run: str) -> Iterator[NoteDecision]:
        """Have the proposals written into their notes, as changes of this run."""
        yield from self._daemon.decide(decisions_object(accept=wanted, run=run))

    def refuse(self, ids: Iterable[int]) -> Iterator[NoteDecision]:
        """Have the proposals refused."""
        yield from self._daemon.decide(decisions_object(refuse=ids))

    def undo(self, ids: Iterable[int], run: str) -> Iterator[NoteDecision]:
        """Have decisions taken back, as changes of this run."""
        yield from self._daemon.decide(decisions_object(undo=ids, run=run))


AnyDecisions = Decisions | RemoteDecisions
Decide = Callable[[AnyDecisions, Sequence[Proposal]], Iterator[NoteDecision]]
