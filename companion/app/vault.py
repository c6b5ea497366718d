"""Vault: everything that can be done to a vault, whoever does it.

`open_vault` of companion.app.open_vault returns one. The command line, the HTTP API, the page, the
Python API and the MCP server call it, and render its results.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from companion.app.types.base import LARGEST, Progress
from companion.enrich.workspace import Workspace
from companion.private_files import write_private

if TYPE_CHECKING:  # a command loads only the types that it uses
    from companion.app.agents import Agent
    from companion.app.decider import Decider
    from companion.app.outbox import Outbox
    from companion.app.overview import Backlog
    from companion.app.records import Records
    from companion.app.run import Run
    from companion.app.types.changes import Change, ChangePage, ChangeQuery
    from companion.app.types.notes import FolderWork, ScanReport, Selection
    from companion.app.types.proposals import (
        Decisions,
        PlaceQuery,
        Proposal,
        ProposalIds,
        ProposalInPlace,
        ProposalMade,
        ProposalPage,
        ProposalQuery,
        Value,
        Wish,
    )
    from companion.app.types.runs import NotePrompt, RunOptions
    from companion.app.types.status import (
        BacklogAnswer,
        BacklogState,
        SettingsChange,
        SettingsShape,
        Status,
    )
    from companion.enrich.context.vault_context import VaultContext
    from companion.vault.notes import Scan

Look = Callable[[Progress | None], "Scan"]


class Vault:
    """One vault, open in this process; others may work beside it.

    Its methods may be called from any thread, and raise CompanionError.

    Paths are relative to the vault, with `/`. For a path that does not exist there are no results.

    root: the vault's folder, resolved. look: returns a new scan, and reports its progress. context:
    returns the names and vocabularies of the vault. is_watched: whether somebody follows the notes
    that are moved.
    """

    def __init__(
        self,
        space: Workspace,
        *,
        look: Look | None = None,
        context: Callable[[], VaultContext] | None = None,
        is_watched: bool = False,
    ) -> None:
        self.root = space.root
        self._space = space
        self._journal = space.journal
        self._look = look or space.scan
        if context is not None:
            space.find_context = context
        self._context = space.context
        self._is_watched = is_watched

    def scan(self, selection: Selection, progress: Progress | None = None) -> ScanReport:
        """Scan notes, and return what they need, and what is left alone. Nothing is changed.

        Raises UsageError if a path does not exist, or an option names nothing.
        """
        from companion.app.selection import find_notes

        return find_notes(self._space, self._look(progress), selection)

    def prompt(self, path: str, section: str | None = None) -> NotePrompt:
        """Return what a model would be sent for a note; nothing is sent.

        section: the heading of a section that needs a callout.

        Raises UsageError if it does not exist, NoteError.
        """
        from companion.app.jobs import find_prompt

        return find_prompt(self._space, self._look(None), path, section)

    def run(self, options: RunOptions) -> Run:
        """Return a run that fills notes; iterate over it to carry it out.

        Raises UsageError if a note does not exist, or an option names nothing; ModelNotFetched; and
        ConsentMissing, with the cost, if so many notes would go to another machine that somebody
        has to agree first.
        """
        from companion.app.filler import fill_here
        from companion.app.jobs import plan_run

        scan = self._space.scan()
        plan = plan_run(self._space, scan, options)
        return fill_here(self._space, self.outbox, scan, plan, has_diff=options.diff)

    def again(self, proposal: int, wish: Wish) -> Run:
        """Return a run that asks for a proposal once more; the answer takes its place.

        Raises as run does; NotThere.
        """
        from companion.app.filler import fill_here
        from companion.app.jobs import plan_again

        scan = self._space.scan()
        plan = plan_again(self._space, scan, proposal, wish)
        return fill_here(self._space, self.outbox, scan, plan)

    def changes(self, query: ChangeQuery) -> ChangePage:
        """Return a page of changes, newest first."""
        return self._records.changes(query)

    def change(self, id: int) -> Change:
        """Return the change of that id, with its diff. Raises NotThere."""
        return self._records.change(id)

    def undo(self, changes: Sequence[int], run: str | None = None) -> Run:
        """Return a run that takes changes back in this order, byte for byte.

        Text edited since stays. run: that the undos belong to; None: a new one.
        """
        return self.decider.undo_changes(changes, run=run)

    def undo_all(self, only: ChangeQuery) -> Run:
        """Return a run that takes back all changes that match, the newest first.

        Changes that were taken back in part are taken back completely; with `undoable: whole`, they
        stay. If the filter names nothing but a run, the proposals that the run refused are
        reopened.

        Raises UsageError.
        """
        return self.decider.undo_changes(*self._records.select_undoable(only))

    def proposals(self, query: ProposalQuery) -> ProposalPage:
        """Return a page of proposals, newest first."""
        return self._records.proposals(query)

    def proposal_ids(self, only: ProposalQuery) -> ProposalIds:
        """Return the ids of all proposals that match a filter, newest first."""
        return self._records.proposal_ids(only)

    def proposal(self, id: int) -> Proposal:
        """Return the proposal of that id. Raises NotThere."""
        from companion.app.types.proposals import Proposal

        return Proposal.of(self._records.proposal(id))

    def place(self, id: int, query: PlaceQuery) -> ProposalInPlace:
        """Return the effect of a proposal on its note.

        Raises NotThere; NoteError if it cannot be written.
        """
        from companion.app.types.proposals import ProposalInPlace
        from companion.enrich.apply import File, apply
        from companion.errors import NoteRefused
        from companion.note.diff import show_edits
        from companion.note.editor_text import to_utf16
        from companion.note.note import ParsedNote, name_note
        from companion.note.text import NoteText

        space, proposal = self._space, self._records.proposal(id)
        seen = apply(space, proposal.path, [proposal], "user", File("", settle=0, dry_run=True))
        if not seen.filled:
            raise NoteRefused(seen.reason, proposal.path)
        parts = [(each.mark, each.text) for each in show_edits(seen.old, seen.edits, query.context)]
        field, value = space.prompts.field_of(proposal.kind), seen.filled[0].value
        values = [value] if isinstance(value, str) else value or []
        chooses, context = field.vocabulary == "vault" and field.property, space.context()
        return ProposalInPlace(
            title=name_note(ParsedNote(NoteText(seen.old)), proposal.path),
            new_values=[each for each in values if chooses and not context.is_used(field, each)],
            start=min(edit.start for edit in to_utf16(seen.old, seen.edits)),
            parts=parts,
        )

    def decide(self, decisions: Decisions) -> Run:
        """Return a run that accepts, refuses and reopens proposals; it asks no model.

        The proposals accepted for one note become one change.
        """
        return self.decider.run(decisions)

    def propose(
        self,
        path: str,
        kind: str,
        value: Value,
        *,
        heading: str | None = None,
        question: str | None = None,
        script: str = "python",
    ) -> ProposalMade:
        """Propose a value by a program of the user's, in place of any that waits.

        kind: a property or field, or `callout`: at the top, under the heading, or the empty one
        whose title is the question. script: the name that the inbox and the history show.

        Raises UsageError, NoteError.
        """
        from companion.app.agents import propose_by_script
        from companion.app.types.proposals import ProposedValue

        made = ProposedValue.of(kind=kind, value=value, heading=heading, question=question)
        return propose_by_script(self._space, self._context(), script, path, made)

    def agent(self, name: str) -> Agent:
        """Return what an agent of that name may see and do here.

        A private note, or one that is left alone, is treated as if it did not exist.
        """
        from companion.app.agents import Agent
        from companion.enrich.context.vault_context import VaultContext

        def find_context(now: bool) -> VaultContext:
            return VaultContext(self._look(None)) if now else self._context()

        return Agent(self._space, name, find_context, self.decider)

    def status(self) -> Status:
        """Return what is set up, what was spent today, and what waits."""
        from companion.app.overview import find_status

        return find_status(self._space)

    def days(self, number: int = 30) -> list[int]:
        """Return how many notes were filled on each of the last days, the oldest first."""
        from companion.app.overview import count_days

        return count_days(self._space, number)

    def folders(self, report: ScanReport) -> dict[str, FolderWork]:
        """Return the state of the folders at the top of the vault, by a scan of all notes."""
        from companion.app.overview import count_by_folder

        return count_by_folder(self._space, report)

    def backlog(self) -> BacklogState:
        """Return how many notes of the backlog wait for the user's answer, and at what cost."""
        return self._backlog.state()

    def answer_backlog(self, answer: BacklogAnswer) -> None:
        """Save whether the notes of the backlog are to be filled.

        Raises ConsentMissing if there are more notes now, and UsageError if none wait.
        """
        self._backlog.answer(answer)

    def forget(self, paths: Sequence[str]) -> int:
        """Delete the stored text of notes and folders; return of how many proposals.

        Open ones count as refused. Changes can still be undone. `""` is the whole vault.
        """
        return self._journal.forget([self._records.find_path(path) for path in paths])

    def settings(self) -> SettingsShape:
        """Return the settings that one can change by a click."""
        from companion.app.vault_settings import show_settings

        return show_settings(self._space)

    def change_settings(self, change: SettingsChange) -> SettingsShape:
        """Change settings of the vault, and return them.

        Raises UsageError if a value is wrong; TakesOut if something would no longer be private or
        left alone, unless that is what the change says.
        """
        from companion.app.vault_settings import change_settings, show_settings

        change_settings(self._space, change)
        return show_settings(self._space)

    def pause(self) -> None:
        """Stop background work until resume(), even across restarts of the daemon."""
        from companion.app.overview import pause_file

        write_private(pause_file(self._space.state), b"")

    def resume(self) -> None:
        """Let background work go on."""
        from companion.app.overview import pause_file

        pause_file(self._space.state).unlink(missing_ok=True)

    @cached_property
    def outbox(self) -> Outbox:
        """What is for editors to write."""
        from companion.app.outbox import Outbox

        return Outbox(self._space)

    @cached_property
    def decider(self) -> Decider:
        """Who decides on proposals, and takes changes back."""
        from companion.app.decider import Decider

        return Decider(self._space, self.outbox)

    @cached_property
    def _records(self) -> Records:
        from companion.app.records import Records

        return Records(self._space, is_watched=self._is_watched)

    @cached_property
    def _backlog(self) -> Backlog:
        from companion.app.overview import find_backlog

        return find_backlog(self._space)


def all_changes(vault: Vault, query: ChangeQuery, limit: int | None = None) -> list[Change]:
    """Return the changes of all pages, newest first. limit: at most so many; None: all."""
    return vault.changes(query.model_copy(update={"limit": limit or LARGEST})).changes


def all_proposals(vault: Vault, query: ProposalQuery) -> list[Proposal]:
    """Return the proposals of all pages, newest first."""
    return vault.proposals(query.model_copy(update={"limit": LARGEST})).proposals
