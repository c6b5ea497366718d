"""The vault that this process has open: for a command, or in the daemon."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, cached_property
from typing import TYPE_CHECKING

from companion.app.local_notes import LocalNotes
from companion.app.vault import Agents, Progress, Vault
from companion.enrich.workspace import Workspace, open_workspace
from companion.vault.paths import named_path, relative_path

# What a scan does not need is imported where it is used: all of it takes as long as a large vault.
if TYPE_CHECKING:
    from companion.app.backlog import BacklogConsent
    from companion.app.decider import Decider
    from companion.app.records import Records
    from companion.app.run import DecisionRun, LocalRun
    from companion.app.types import programs
    from companion.app.types.changes import Change, ChangeFilter, ChangePage, ChangeQuery, Undone
    from companion.app.types.decisions import DecisionOnAll, Decisions, NoteDecision
    from companion.app.types.notes import NotePrompt, PromptQuery, ScanOptions, ScanReport
    from companion.app.types.proposals import (
        Forgotten,
        NotesToForget,
        PlaceQuery,
        Proposal,
        ProposalFilter,
        ProposalIds,
        ProposalInPlace,
        ProposalPage,
        ProposalQuery,
    )
    from companion.app.types.runs import RunOptions
    from companion.app.types.spending import (
        Spending,
        SpendingQuery,
    )
    from companion.app.types.status import BacklogAnswer, BacklogState, Status
    from companion.enrich.context.vault_context import VaultContext


class LocalVault(Vault):
    """A vault that this process has open: see Vault. Methods that write open one that is read-only.

    decider: decides on proposals, and undoes changes; None: in the notes' files.
    notes: looks at the notes. context: returns the names and callout styles of the vault. status,
    backlog: return the daemon's state, and its question about the backlog. is_watched: whether
    somebody follows the notes that are moved.
    """

    def __init__(
        self,
        space: Workspace,
        *,
        notes: LocalNotes | None = None,
        decider: Decider | None = None,
        context: Callable[[], VaultContext] | None = None,
        status: Callable[[], Status] | None = None,
        backlog: Callable[[], BacklogConsent] | None = None,
        is_watched: bool = False,
    ) -> None:
        self.root = space.root
        self._space = space
        self._journal = space.journal
        self._notes = notes or LocalNotes(space)
        self._context = context or cache(self._find_context)
        self._given_decider = decider
        self._status = status
        self._backlog = backlog or cache(self._find_backlog)
        self._is_watched = is_watched

    def scan(self, options: ScanOptions, progress: Progress | None = None) -> ScanReport:
        return self._notes.scan(options, progress)

    def watch(self) -> Iterator[Status]:
        yield self.status()

    def spending(self, query: SpendingQuery) -> Spending:
        from companion.app.overview import measure_spending
        from companion.enrich.configured_model import open_spending

        with open_spending(self._space, self.root) as budget:
            return measure_spending(budget, self._space.config, query.days)

    def prompt(self, query: PromptQuery) -> NotePrompt:
        from companion.app.jobs import find_prompt

        return find_prompt(self._space, self._notes.look(None), query)

    def run(self, options: RunOptions) -> LocalRun:
        from companion.app.jobs import plan_run
        from companion.app.run import LocalRun
        from companion.llm.catalog import require_model

        paths = [named_path(self.root, path) for path in dict.fromkeys(options.paths)]
        scan = self._space.scan()
        options = options.model_copy(update={"paths": paths})
        plan = plan_run(self._space, scan, options)
        if plan.jobs and self._space.config.is_embedded:
            require_model(self._space.config.endpoint.model)
        return LocalRun(self._opened_space, scan, options, plan)

    def changes(self, query: ChangeQuery) -> ChangePage:
        return self._records.changes(query)

    def change(self, id: int) -> Change:
        return self._records.change(id)

    def undo(self, changes: Sequence[int], run: str | None = None) -> Iterator[Undone]:
        return self._records.undo(changes, run)

    def undo_all(self, only: ChangeFilter) -> DecisionRun:
        return self._records.undo_all(only)

    def proposals(self, query: ProposalQuery) -> ProposalPage:
        return self._records.proposals(query)

    def proposal_ids(self, only: ProposalFilter) -> ProposalIds:
        return self._records.proposal_ids(only)

    def proposal(self, id: int) -> Proposal:
        from companion.app.types.proposals import Proposal

        return Proposal.of(self._records.proposal(id))

    def place(self, id: int, query: PlaceQuery) -> ProposalInPlace:
        from companion.app.types.proposals import ProposalInPlace
        from companion.enrich.places import preview_proposal
        from companion.note.diff import diff_words
        from companion.note.editor_text import to_utf16

        seen = preview_proposal(self._space, self._context(), self._records.proposal(id))
        differences = diff_words(seen.before, seen.after, query.context)
        parts = [(part.mark, part.text) for part in differences]
        start = min(edit.start for edit in to_utf16(seen.before, seen.edits))
        return ProposalInPlace(
            title=seen.title, new_values=seen.new_values, start=start, parts=parts
        )

    def decide(self, decisions: Decisions) -> Iterator[NoteDecision]:
        return self._records.decide(decisions)

    def decide_all(self, only: ProposalFilter, decision: DecisionOnAll) -> DecisionRun:
        return self._records.decide_all(only, decision)

    def propose(self, proposal: programs.ScriptProposal) -> programs.ProposalMade:
        from companion.app.agents import find_place, make_asker, propose_value

        path = relative_path(self.root, proposal.path, self.root)
        with self._writing() as vault:
            asker = make_asker(vault._space, self._context(), f"script:{proposal.script}")
            place = find_place(vault._space, path, proposal)
            return propose_value(asker, place, proposal.value)

    @property
    def agents(self) -> Agents:
        from companion.app.agents import LocalAgents
        from companion.enrich.context.vault_context import VaultContext

        def find_context(now: bool) -> VaultContext:
            return VaultContext(self._notes.look(None)) if now else self._context()

        return LocalAgents(self._space, find_context, self._opened_decider)

    def status(self) -> Status:
        from companion.app.overview import find_status

        return self._status() if self._status else find_status(self._space)

    def backlog(self) -> BacklogState:
        with self._writing() as vault:
            return vault._backlog().state()

    def answer_backlog(self, answer: BacklogAnswer) -> None:
        with self._writing() as vault:
            vault._backlog().answer(answer)

    def forget(self, notes: NotesToForget) -> Forgotten:
        from companion.app.types.proposals import Forgotten

        with self._writing() as vault:
            paths = [self._records.find_path(path) for path in notes.paths]
            return Forgotten(proposals=vault._journal.forget(paths))

    @cached_property
    def _records(self) -> Records:
        from companion.app.records import Records

        return Records(self._space, self._opened_decider, is_watched=self._is_watched)

    @cached_property
    def _decider(self) -> Decider:
        from companion.app.decider import Decider

        return self._given_decider or Decider(self._space, self._context)

    def _find_context(self) -> VaultContext:
        from companion.enrich.context.vault_context import VaultContext

        return VaultContext(self._space.scan())

    def _find_backlog(self) -> BacklogConsent:
        from companion.app.backlog import find_backlog

        return find_backlog(self._space)

    @contextmanager
    def _writing(self) -> Iterator[LocalVault]:
        """Return the vault opened for writing; it is opened if it is not yet."""
        if not self._space.read_only:
            yield self
            return
        with open_workspace(None, self.root) as space:
            yield LocalVault(space, context=self._context)

    @contextmanager
    def _opened_space(self) -> Iterator[Workspace]:
        with self._writing() as vault:
            yield vault._space

    @contextmanager
    def _opened_decider(self) -> Iterator[tuple[Workspace, Decider]]:
        with self._writing() as vault:
            yield vault._space, vault._decider
