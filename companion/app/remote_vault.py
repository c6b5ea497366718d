"""The vault that a running daemon has open: its methods ask the daemon."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from companion.app.connection import Connection
from companion.app.types.changes import (
    Change,
    ChangePage,
    ChangeQuery,
    ChangesToUndo,
    Undone,
    UndoneChanges,
)
from companion.app.types.proposals import (
    Forgotten,
    NotesToForget,
    ProposalPage,
    ProposalQuery,
)
from companion.enrich.run import new_run

_BATCH = 100  # changes that are sent at once to be taken back


class RemoteVault:
    """A vault that a daemon has open. Every method may raise DaemonGone and DaemonRefused."""

    def __init__(self, root: Path, daemon: Connection) -> None:
        self.root = root
        self._daemon = daemon

    def changes(self, query: ChangeQuery) -> ChangePage:
        """Return a page of changes, newest first."""
        return self._daemon.get(f"/changes?{query.as_query()}", ChangePage)

    def change(self, id: int) -> Change:
        """Return the change of that id, with its diff. Raises NotThere."""
        return self._daemon.get(f"/changes/{id}", Change)

    def undo(self, changes: Sequence[int], run: str | None = None) -> Iterator[Undone]:
        """Take changes back in this order, and yield what came of each; see Vault."""
        rest, run = list(changes), run or new_run()
        while rest:
            wanted = ChangesToUndo(changes=rest[:_BATCH], run=run)
            undone = self._daemon.post("/changes/undo", UndoneChanges, wanted).undone
            yield from undone
            rest = rest[len(undone) :]

    def proposals(self, query: ProposalQuery) -> ProposalPage:
        """Return a page of proposals, newest first."""
        return self._daemon.get(f"/proposals?{query.as_query()}", ProposalPage)

    def forget(self, paths: Sequence[str]) -> int:
        """Delete what is kept of the text of notes; return for how many proposals; see Vault."""
        named = NotesToForget.of(paths=list(paths))
        return self._daemon.post("/proposals/forget", Forgotten, named).proposals
