"""The vault that a running daemon has open: its methods ask the daemon."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic, sleep

from companion.app.connection import SHORT_TIMEOUT, Connection
from companion.app.local_notes import Progress
from companion.app.remote_run import RemoteRun
from companion.app.types import programs
from companion.app.types.changes import (
    Change,
    ChangePage,
    ChangeQuery,
    ChangesToUndo,
    Undone,
    UndoneChanges,
)
from companion.app.types.coverage import (
    Coverage,
    CoverageQuery,
    Estimate,
    Spending,
    SpendingQuery,
    Taught,
    UnfilledField,
)
from companion.app.types.decisions import Decisions, DecisionsMade, NoteDecision
from companion.app.types.notes import Outdated, OutdatedTexts, ScanOptions, ScanReport
from companion.app.types.outbox import OutboxEntry
from companion.app.types.prompt import NotePrompt, PromptQuery
from companion.app.types.proposals import (
    Forgotten,
    NotesToForget,
    Proposal,
    ProposalCounts,
    ProposalFilter,
    ProposalInPlace,
    ProposalPage,
    ProposalQuery,
)
from companion.app.types.runs import RunOptions, RunShape
from companion.app.types.status import BacklogAnswer, BacklogState, Status
from companion.config import load_config
from companion.enrich.result import new_run
from companion.errors import UsageError

PATIENCE = 30.0  # seconds that editors have to take changes back, until it is said that they wait
_LOOK = 0.5  # seconds between two questions whether they did
_CHANGES = 1000  # that are sent at once to be taken back
_DECISIONS = 10_000  # that are sent at once; those of a note should be together


class RemoteVault:
    """A vault that a daemon has open. Every method may raise DaemonGone and DaemonRefused."""

    def __init__(self, root: Path, daemon: Connection) -> None:
        self.root = root
        self._daemon = daemon

    def scan(self, options: ScanOptions, progress: Progress | None = None) -> ScanReport:
        """Look at notes, and return what they need, and what is left alone."""
        return self._daemon.post("/scan", ScanReport, options)

    def outdated(self, options: ScanOptions) -> list[Outdated]:
        """Return what Companion wrote in notes of which a lot has changed since; see Vault."""
        return self._daemon.post("/scan/outdated", OutdatedTexts, options).texts

    def watch(self) -> Iterator[Status]:
        """Yield the status as it is, and whenever it changes; see Vault."""
        return self._daemon.events("status", Status)

    def coverage(self, query: CoverageQuery) -> Coverage:
        """Return what is filled, waits, is to do or is left alone, by folder; see Vault."""
        return self._daemon.get(f"/coverage?{query.as_query()}", Coverage)

    def taught(self) -> Taught:
        """Return what the user has taught by descriptions, corrections and refusals."""
        return self._daemon.get("/taught", Taught)

    def leave_unfilled(self, field: UnfilledField) -> None:
        """Have the settings say that a field is not filled in a folder; see Vault."""
        self._daemon.post("/unfilled", Taught, field)

    def estimate(self) -> Estimate:
        """Return what it would take to fill all that needs something, as of the last scan."""
        return self._daemon.post("/estimate", Estimate, {})

    def spending(self, query: SpendingQuery) -> Spending:
        """Return what was spent by day and model, for all vaults."""
        return self._daemon.get(f"/spending?{query.as_query()}", Spending)

    def prompt(self, query: PromptQuery) -> NotePrompt:
        """Return what a model would be sent for a note; nothing is sent."""
        return self._daemon.get(f"/prompt?{query.as_query()}", NotePrompt)

    def run(self, options: RunOptions) -> RemoteRun:
        """Return a run that fills notes, which the daemon has begun; see Vault."""
        self._require_same_model()
        with ThreadPoolExecutor(1) as pool:
            started = pool.submit(self._start, options)
            try:
                return started.result()
            except BaseException:  # Ctrl-C: it may begin all the same, and nobody would follow it
                started.add_done_callback(lambda run: run.exception() or run.result().cancel())
                raise

    def _start(self, options: RunOptions) -> RemoteRun:
        ends = options.model_copy(update={"on_fault": "stop"})
        body = ends.model_dump(mode="json", exclude_defaults=True)
        return RemoteRun(self._daemon, self._daemon.post("/runs", RunShape, body))

    def _require_same_model(self) -> None:
        """Raise UsageError if the daemon asks another model than the settings here name."""
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

    def changes(self, query: ChangeQuery) -> ChangePage:
        """Return a page of changes, newest first."""
        return self._daemon.get(f"/changes?{query.as_query()}", ChangePage, SHORT_TIMEOUT)

    def change(self, id: int) -> Change:
        """Return the change of that id, with its diff. Raises NotThere."""
        return self._daemon.get(f"/changes/{id}", Change)

    def undo(self, changes: Sequence[int], run: str | None = None) -> Iterator[Undone]:
        """Take changes back in this order, and yield the result of each; see Vault."""
        rest, run = list(changes), run or new_run()
        while rest:
            request = ChangesToUndo(changes=rest[:_CHANGES], run=run)
            undone = self._daemon.post("/changes/undo", UndoneChanges, request).undone
            until = monotonic() + PATIENCE
            for each in undone:
                yield self._follow(each, until)
            rest = rest[len(undone) :]

    def _follow(self, undone: Undone, until: float) -> Undone:
        """Return what came of it once an editor has taken the change back, or at that time."""
        while undone.waits and monotonic() < until:
            sleep(_LOOK)
            row = self._daemon.get(f"/outbox/{undone.waits}", OutboxEntry)
            if row.state in ("made", "withdrawn"):
                told = row.model_dump(include={"path", "left", "reason", "code"})
                return undone.model_copy(update=told | {"undone_by": row.change, "waits": None})
        return undone

    def proposals(self, query: ProposalQuery) -> ProposalPage:
        """Return a page of proposals, newest first."""
        return self._daemon.get(f"/proposals?{query.as_query()}", ProposalPage)

    def count_proposals(self, only: ProposalFilter) -> ProposalCounts:
        """Return how many proposals a filter means, and how many others like it would."""
        return self._daemon.get(f"/proposals/counts?{only.as_query()}", ProposalCounts)

    def proposal(self, id: int) -> Proposal:
        """Return the proposal of that id. Raises NotThere."""
        return self._daemon.get(f"/proposals/{id}", Proposal)

    def place(self, id: int, context: int = 2) -> ProposalInPlace:
        """Return what a proposal would make of its note; see Vault."""
        return self._daemon.get(f"/proposals/{id}/place?context={context}", ProposalInPlace)

    def decide(self, decisions: Decisions) -> Iterator[NoteDecision]:
        """Accept, refuse and open again proposals, and yield the result for each note."""
        rest = decisions.model_copy(update={"run": decisions.run or new_run()})
        while ids := rest.ids:
            part = rest.without(set(ids[_DECISIONS:]))
            notes = self._daemon.post("/proposals/decide", DecisionsMade, part).notes
            yield from notes
            rest = rest.without({each.id for note in notes for each in note.proposals})

    def propose(self, proposal: programs.ScriptProposal) -> programs.ProposalMade:
        """Propose a value of the user's own program. Raises UsageError, NoteError."""
        return self._daemon.post("/scripts/propose", programs.ProposalMade, proposal)

    @property
    def agents(self) -> _Agents:
        """What agents may see and do here."""
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
        """Have the daemon stand aside for this process. Raises VaultLocked while a run goes on."""
        self._daemon.post("/release", Status, {}, SHORT_TIMEOUT)

    def backlog(self) -> BacklogState:
        """Return how many notes of the backlog wait for the user's answer, and at what cost."""
        return self.status().background.backlog

    def answer_backlog(self, answer: BacklogAnswer) -> None:
        """Save whether the notes of the backlog are filled; see Vault."""
        self._daemon.post("/backlog", Status, answer)

    def forget(self, paths: Sequence[str]) -> int:
        """Delete what is kept of the text of notes; return for how many proposals; see Vault."""
        named = NotesToForget.of(paths=list(paths))
        return self._daemon.post("/proposals/forget", Forgotten, named).proposals


class _Agents:
    """What agents may see and do in a vault that a daemon has open."""

    def __init__(self, daemon: Connection) -> None:
        self._daemon = daemon

    def scan(self, query: programs.AgentNotesQuery) -> programs.NotesFound:
        return self._daemon.get(f"/agents/notes?{query.as_query()}", programs.NotesFound)

    def read_note(self, query: programs.AgentNoteQuery) -> programs.NoteRead:
        return self._daemon.get(f"/agents/note?{query.as_query()}", programs.NoteRead)

    def find_similar(self, query: programs.AgentSimilarQuery) -> programs.SimilarNotesFound:
        return self._daemon.get(f"/agents/similar?{query.as_query()}", programs.SimilarNotesFound)

    def proposals(self, query: programs.AgentProposalQuery) -> programs.AgentProposals:
        return self._daemon.get(f"/agents/proposals?{query.as_query()}", programs.AgentProposals)

    def changes(self, query: programs.AgentChangeQuery) -> programs.AgentHistory:
        return self._daemon.get(f"/agents/changes?{query.as_query()}", programs.AgentHistory)

    def propose(self, proposal: programs.AgentProposal) -> programs.ProposalStored:
        return self._daemon.post("/agents/propose", programs.ProposalStored, proposal)

    def accept(self, acceptance: programs.AgentAcceptance) -> programs.AgentDecisions:
        return self._daemon.post("/agents/accept", programs.AgentDecisions, acceptance)

    def undo(self, undo: programs.AgentUndo) -> programs.AgentDecisions:
        return self._daemon.post("/agents/undo", programs.AgentDecisions, undo)
