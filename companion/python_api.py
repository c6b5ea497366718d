"""The Python API: what notes need, values for it as proposals, decisions on them, and undo.

`companion.open_vault(FOLDER)` returns a Vault. What it does is as safe as what the command line
does, by the same code: values are checked and made harmless, wait as proposals, and go into notes
by the journal; where a daemon runs, it does what writes. The names here, and in what they return,
follow semantic versioning; docs/programs.md has examples.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from companion.config import load_config, state_folder
from companion.enrich.note_filter import ANY_NOTE, NoteFilter
from companion.enrich.run import new_run
from companion.enrich.selection import ScanReport
from companion.enrich.workspace import Workspace, open_workspace
from companion.errors import NotThere
from companion.vault.journal import Change
from companion.vault.paths import LinkOutOfVault, PathNotFound, open_vault, relative_path
from companion.vault.proposal import Proposal, ProposalState, ProposedValue
from companion.vault.proposals import Selection
from companion.vault.undo import Undone, undo_change

if TYPE_CHECKING:  # what only some commands need is loaded by them
    from companion.daemon.daemon_client import DaemonClient
    from companion.enrich.decision import NoteDecision
    from companion.enrich.decisions import Decisions
    from companion.vault.proposal import RejectedValue

__all__ = ["Vault"]


class Vault:
    """A vault. Its methods may be called from any thread, and raise CompanionError.

    Each opens the vault and closes it again, so that nothing is locked in between. Paths are
    relative to the vault, or absolute, and may leave out `.md`.

    workspace: the vault as the caller has opened it, and daemon: its daemon, if one runs.
    """

    def __init__(
        self, root: Path, workspace: Workspace | None = None, daemon: DaemonClient | None = None
    ) -> None:
        self.root = root
        self._workspace = workspace
        self._running = daemon

    @classmethod
    def at(cls, path: str | PathLike[str]) -> Vault:
        """Return the vault in the folder. Raises UsageError."""
        return cls(open_vault(Path(path)))

    def __repr__(self) -> str:
        return f"Vault({str(self.root)!r})"

    def scan(
        self,
        *paths: str,
        progress: Callable[[int, int], None] | None = None,
        only: NoteFilter = ANY_NOTE,
    ) -> ScanReport:
        """Return what needs work and why, and what is left alone and why; nothing is changed.

        paths: notes and folders; none: all. progress: called with how many notes of how many.
        only: which of the notes.
        """
        with self._open(read_only=True) as space:
            wanted = list(map(self._resolve, paths))
            return ScanReport(space, space.scan(progress), wanted, only)

    def propose(
        self,
        path: str,
        field: str,
        value: ProposedValue,
        *,
        heading: str | None = None,
        question: str | None = None,
        script: str = "python",
    ) -> Proposal | RejectedValue:
        """Propose a value for what a note needs: an open proposal, or why a check rejected it.

        field: as `description`, or `callout`: at the top, or that under the heading, or the empty
        one whose title is the question. script: the name of who proposes.
        """
        from companion.enrich.context import VaultContext
        from companion.enrich.program_proposals import propose_for_script
        from companion.vault.proposal import GivenValue, RejectedValue

        path, given = self._resolve(path), GivenValue(field, value, heading, question)
        if daemon := self._daemon():
            with _as_without_daemon():
                made = daemon.propose(path, given, script)
            if made.proposal is None:
                return RejectedValue(made.rejected or "")
            with self._open(read_only=True) as space:
                [proposal] = space.journal.proposals.get_all([made.proposal.id])
            return proposal
        with self._open() as space:
            return propose_for_script(space, VaultContext(space.scan()), path, given, script)

    def proposals(self, *paths: str, states: Iterable[ProposalState] = ("open",)) -> list[Proposal]:
        """Return the proposals in these states for these notes and folders, newest first."""
        named = list(map(self._resolve, paths)) or None
        with self._open(read_only=True) as space:
            return space.journal.proposals.select(Selection(named, states=tuple(states)))

    def accept(self, *ids: int) -> list[NoteDecision]:
        """Write proposals into their notes; return what became of each note."""
        from companion.daemon.api.proposal_schemas import decisions_object
        from companion.enrich.decision import Acceptance

        wishes = [Acceptance(id_) for id_ in ids]
        if daemon := self._daemon():
            with _as_without_daemon():
                return daemon.decide(decisions_object(accept=wishes))
        with self._open() as space:
            return list(_decisions_of(space).accept(wishes))

    def refuse(self, *ids: int) -> list[NoteDecision]:
        """Refuse proposals, so that nothing is asked for again; return what became of each note."""
        from companion.daemon.api.proposal_schemas import decisions_object

        if daemon := self._daemon():
            with _as_without_daemon():
                return daemon.decide(decisions_object(refuse=ids))
        with self._open() as space:
            return list(_decisions_of(space).refuse(ids))

    def undo(self, change: int, run: str | None = None) -> Undone:
        """Take a change back, byte for byte; what was edited since stays.

        run: the run that the undo belongs to. Raises NotThere, NoteError.
        """
        if daemon := self._daemon():
            with _as_without_daemon():
                made = daemon.undo(change, run)
            return Undone(made.change, made.path, made.left, made.reason or "")
        with self._open() as space:
            if (found := space.journal.change(change)) is None:
                raise NotThere(f"there is no change {change}")
            return undo_change(space.root, space.journal, found, run or new_run())

    def history(
        self, path: str | None = None, *, run: str | None = None, limit: int | None = None
    ) -> list[Change]:
        """Return the changes, newest first: of a note, of a run, or all; at most limit."""
        with self._open(read_only=True) as space:
            named = path
            with suppress(PathNotFound):  # as of a note that was deleted
                named = path and self._resolve(path)
            return space.journal.changes(named, run, limit)

    @contextmanager
    def _open(self, *, read_only: bool = False) -> Iterator[Workspace]:
        if self._workspace is not None:
            yield self._workspace
            return
        with open_workspace(load_config(self.root), self.root, read_only=read_only) as space:
            yield space

    def _resolve(self, path: str) -> str:
        """Return the path from the vault on; that of a link out of it, too, which is skipped."""
        try:
            return relative_path(self.root, path, self.root) if path else ""
        except LinkOutOfVault as link:
            return link.path

    def _daemon(self) -> DaemonClient | None:
        """Return a client of the daemon that runs for the vault."""
        if self._workspace is not None:
            return self._running
        from companion.daemon.daemon_client import DaemonClient
        from companion.daemon.runtime_file import find_daemon
        from companion.daemon.tokens import read_token

        place = find_daemon(state_folder(self.root))
        return DaemonClient(place.port, read_token()) if place else None


@contextmanager
def _as_without_daemon() -> Iterator[None]:
    """Raise what a daemon refuses as the error that it would be without one."""
    from companion.daemon.daemon_client import DaemonRefused

    try:
        yield
    except DaemonRefused as refused:
        raise refused.to_error() from None


def _decisions_of(workspace: Workspace) -> Decisions:
    """Return what decides on the proposals of a vault that is open for writing."""
    from companion.enrich.context import VaultContext
    from companion.enrich.decisions import Decisions

    return Decisions(workspace, cache(lambda: VaultContext(workspace.scan())))
