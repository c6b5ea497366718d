"""The vault that a running daemon has open: its methods ask the daemon."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Any, cast

from companion.app.connection import SHORT_TIMEOUT, Connection
from companion.app.operation import F, operation_of
from companion.app.problem import make_error
from companion.app.run import Tell
from companion.app.types.changes import (
    ChangeFilter,
    ChangesToUndo,
    OutboxEntry,
    Undone,
    UndoneChanges,
)
from companion.app.types.decisions import DecisionOnAll, Decisions, DecisionsMade, NoteDecision
from companion.app.types.proposals import ProposalFilter
from companion.app.types.runs import NoteResult, RunOptions, RunProgress, RunShape, Usage
from companion.app.types.status import BacklogAnswer, BacklogState, Status
from companion.app.vault import Agents, Vault
from companion.config import load_config
from companion.enrich.result import new_run
from companion.errors import CompanionError, UsageError

PATIENCE = 30.0  # seconds for editors to take changes back, before they are reported as waiting
_LOOK = 0.5  # seconds between two questions whether they did
_CHANGES = 1000  # that are sent at once to be taken back
_DECISIONS = 10_000  # that are sent at once; those of a note should be together


_WAIT = 2  # seconds that an answer about a run may be delayed; then its reason to wait is shown
_PAUSE = 0.2  # seconds between two requests if the daemon delays no answer
_LAST_REQUESTS = 2  # without a result, until a cancelled run has reported what it was writing


def _asks(method: F) -> F:
    """Return a method that asks the daemon to do what this method of Vault or Agents does."""
    operation = operation_of(method)

    def ask(self: Any, *arguments: object) -> object:
        return self._daemon.ask(operation, arguments)

    return cast(F, ask)


class RemoteVault(Vault):
    """A vault that a daemon has open: see Vault. All may also raise DaemonGone, DaemonRefused."""

    def __init__(self, root: Path, daemon: Connection) -> None:
        self.root = root
        self._daemon = daemon

    scan = _asks(Vault.scan)
    spending = _asks(Vault.spending)
    prompt = _asks(Vault.prompt)
    changes = _asks(Vault.changes)
    change = _asks(Vault.change)
    proposals = _asks(Vault.proposals)
    proposal_ids = _asks(Vault.proposal_ids)
    proposal = _asks(Vault.proposal)
    place = _asks(Vault.place)
    propose = _asks(Vault.propose)
    forget = _asks(Vault.forget)

    def watch(self) -> Iterator[Status]:
        return self._daemon.events("status", Status)

    def run(self, options: RunOptions) -> RemoteRun:
        self._require_same_model()
        with ThreadPoolExecutor(1) as pool:
            started = pool.submit(self._start, options)
            try:
                return started.result()
            except BaseException:  # Ctrl-C: it may begin anyway, and nobody would follow it
                started.add_done_callback(lambda run: run.exception() or run.result().cancel())
                raise

    def _start(self, options: RunOptions) -> RemoteRun:
        ends = options.model_copy(update={"on_fault": "stop"})
        body = ends.model_dump(mode="json", exclude_defaults=True)
        return RemoteRun(self._daemon, self._daemon.post("/runs", RunShape, body))

    def _require_same_model(self) -> None:
        """Raise UsageError if the daemon asks a different model from the settings' one here."""
        config, theirs = load_config(self.root), self.status()
        address = "" if config.is_embedded else config.endpoint.address
        if (theirs.endpoint, theirs.model) == (address, config.endpoint.model):
            return
        where = f"at {theirs.endpoint}" if theirs.endpoint else "(the embedded model)"
        raise UsageError(
            f"this command would ask {config.describe_endpoint()}; but the daemon that runs for "
            f"this vault (pid {theirs.pid}) asks {theirs.model} {where}. Give both the same"
            " settings, or stop the daemon"
        )

    def undo(self, changes: Sequence[int], run: str | None = None) -> Iterator[Undone]:
        rest, run = list(changes), run or new_run()
        while rest:
            request = ChangesToUndo(changes=rest[:_CHANGES], run=run)
            undone = self._daemon.post("/changes/undo", UndoneChanges, request).undone
            until = monotonic() + PATIENCE
            for each in undone:
                yield self._follow(each, until)
            rest = rest[len(undone) :]

    def undo_all(self, only: ChangeFilter) -> RemoteRun:
        """Return a run that takes back all changes that match a filter; see Vault."""
        until = monotonic() + PATIENCE

        def settle(result: NoteResult) -> NoteResult:
            undone = result.undone
            return NoteResult.of_undone(self._follow(undone, until)) if undone else result

        run = self._daemon.post(f"/changes/undo-all?{only.as_query()}", RunShape, {})
        return RemoteRun(self._daemon, run, settle)

    def _follow(self, undone: Undone, until: float) -> Undone:
        """Return the result once an editor has taken the change back, or when time is up."""
        while undone.waits and monotonic() < until:
            sleep(_LOOK)
            row = self._daemon.get(f"/outbox/{undone.waits}", OutboxEntry)
            if row.state in ("made", "withdrawn"):
                told = row.model_dump(include={"path", "left", "reason", "code"})
                return undone.model_copy(update=told | {"undone_by": row.change, "waits": None})
        return undone

    def decide(self, decisions: Decisions) -> Iterator[NoteDecision]:
        rest = decisions.model_copy(update={"run": decisions.run or new_run()})
        while ids := rest.ids:
            part = rest.without(set(ids[_DECISIONS:]))
            notes = self._daemon.post("/proposals/decide", DecisionsMade, part).notes
            yield from notes
            rest = rest.without({each.id for note in notes for each in note.proposals})

    def decide_all(self, only: ProposalFilter, decision: DecisionOnAll) -> RemoteRun:
        """Return a run that decides on all proposals that match a filter; see Vault."""
        path = f"/proposals/decide-all?{only.as_query()}"
        return RemoteRun(self._daemon, self._daemon.post(path, RunShape, decision))

    @property
    def agents(self) -> Agents:
        return _Agents(self._daemon)

    def status(self, within: float = SHORT_TIMEOUT) -> Status:
        """Return the state of the vault and its daemon. within: seconds to wait for the answer."""
        return self._daemon.get("/status", Status, within)

    def pause(self) -> Status:
        """Stop background work."""
        return self._daemon.post("/pause", Status, {}, SHORT_TIMEOUT)

    def resume(self) -> Status:
        """Resume background work, and try a failing endpoint again now."""
        return self._daemon.post("/resume", Status, {}, SHORT_TIMEOUT)

    def release(self) -> None:
        """Ask the daemon to stand aside for this process. Raises VaultLocked during a run."""
        self._daemon.post("/release", Status, {}, SHORT_TIMEOUT)

    def backlog(self) -> BacklogState:
        return self.status().background.backlog

    def answer_backlog(self, answer: BacklogAnswer) -> None:
        self._daemon.post("/backlog", Status, answer)


class _Agents(Agents):
    def __init__(self, daemon: Connection) -> None:
        self._daemon = daemon

    scan = _asks(Agents.scan)
    read_note = _asks(Agents.read_note)
    find_similar = _asks(Agents.find_similar)
    proposals = _asks(Agents.proposals)
    changes = _asks(Agents.changes)
    propose = _asks(Agents.propose)
    accept = _asks(Agents.accept)
    undo = _asks(Agents.undo)


class RemoteRun:
    """A run that the daemon has started; see Run. To stop following it is to cancel it.

    settle: returns a result once it is final.
    """

    def __init__(
        self,
        daemon: Connection,
        run: RunShape,
        settle: Callable[[NoteResult], NoteResult] = lambda result: result,
    ) -> None:
        self.id, self.total = run.id, run.total
        self.warnings: Sequence[str] = run.warnings
        self.left_alone: Mapping[str, int] = run.left_alone
        self.tell: Tell = bool
        self.usage = Usage()
        self._daemon = daemon
        self._settle = settle
        self.is_cancelled = False

    def __iter__(self) -> Iterator[NoteResult]:
        try:
            for result in self._follow():
                self.usage += result.usage
                yield self._settle(result)
            run = self._daemon.get(f"/runs/{self.id}", RunShape)
        except BaseException:
            self._send_cancel()
            raise
        self.usage = run.usage  # with that of calls without a usable answer
        if run.fault:
            raise make_error(run.code, run.fault)
        if run.state == "cancelled" and not self.is_cancelled:
            raise CompanionError(
                "somebody else cancelled the run, or stopped the daemon; what was written stays, "
                "and running the command again does the rest"
            )

    def cancel(self) -> str:
        """Begin no further note; see Run."""
        self.is_cancelled = True
        self._send_cancel()
        return "the daemon finishes the calls under way, and keeps what is answered."

    def give_up(self) -> int:
        """Stop following the run; see Run."""
        raise KeyboardInterrupt

    def _send_cancel(self) -> None:
        with suppress(CompanionError):
            self._daemon.post(f"/runs/{self.id}/cancel", RunShape, {})

    def _follow(self) -> Iterator[NoteResult]:
        """Yield the results as they come, until the run is over."""
        number, last_requests, last_reason = 0, _LAST_REQUESTS, ""
        while True:
            requested_at = monotonic()
            progress = self._daemon.get(f"/runs/{self.id}?since={number}&wait={_WAIT}", RunProgress)
            if progress.waits != last_reason:
                self.tell(last_reason := progress.waits)
            yield from progress.results
            if not progress.results:
                last_requests -= progress.state in ("cancelled", "failed")
                if progress.state == "done" or not last_requests:
                    return
                sleep(max(0.0, _PAUSE - (monotonic() - requested_at)))
            number = progress.next
