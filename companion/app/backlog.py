"""The question to the user about the backlog: how many notes wait, and what they would cost.

It holds the notes that were in the vault at the first scan, and those that arrive many at once by a
sync, a git pull or an import. A note that is edited later leaves the backlog.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence

from companion.app.jobs import choose_jobs
from companion.app.types.runs import RunOptions
from companion.app.types.status import BacklogAnswer, BacklogState
from companion.config import Config
from companion.enrich.cost import describe_cost
from companion.enrich.job import Job
from companion.enrich.workspace import Workspace
from companion.errors import ConsentMissing, UsageError
from companion.store.backlog import Version
from companion.vault.files import is_vault_there
from companion.vault.notes import Scan


class Backlog:
    """The backlog of one vault. Safe to use from any thread.

    scan: returns the last scan. to_do: returns the notes that need something, as of that.
    """

    def __init__(
        self, space: Workspace, scan: Callable[[], Scan], to_do: Callable[[], Collection[str]]
    ) -> None:
        self._space, self._store = space, space.journal.backlog
        self._scan, self._to_do = scan, to_do
        self._estimating = threading.Lock()
        self._estimated: tuple[Sequence[str], str] = ((), "")

    def update(self, paths: Collection[str]) -> None:
        """Take up which notes need something: all of them."""
        root, setting = self._space.root, self._space.config.background.backlog
        if not is_vault_there(root):
            return
        notes = dict[str, Version]()
        for path in paths:
            try:
                stat = (root / path).stat()
            except OSError:
                continue
            notes[path] = (stat.st_size, stat.st_mtime_ns)
        self._store.update(notes, whole=True, asks=setting != "all")

    def held(self) -> Collection[str]:
        """Return the notes that may be filled only with the user's consent."""
        return () if self._space.config.background.backlog == "all" else self._store.held()

    def waiting(self) -> Sequence[str]:
        """Return the notes that wait for the user's answer; none if nobody is to be asked."""
        table = self._space.config.background
        if table.backlog != "ask" or table.enabled is False:
            return ()
        return self._store.waiting(self._to_do())

    def state(self) -> BacklogState:
        """Return how many notes wait for an answer, and what they would cost."""
        waiting = self.waiting()
        if not waiting:
            return BacklogState()
        with self._estimating:
            if self._estimated[0] != waiting:
                cost = describe_cost(self._space, self._scan(), [Job(path) for path in waiting])
                self._estimated = waiting, cost
            return BacklogState(notes=len(waiting), cost=self._estimated[1])

    def answer(self, answer: BacklogAnswer) -> None:
        """Save the user's answer: fill the notes of the backlog, or leave them alone.

        Raises ConsentMissing if there are more now; UsageError if none wait.
        """
        waiting, notes = len(self.waiting()), answer.notes
        if notes is not None and waiting > notes:
            raise ConsentMissing(
                f"the backlog has grown from {notes:,} notes to {waiting:,} in the meantime; "
                "look again"
            )
        if not waiting:
            raise UsageError("no notes wait for an answer; see companion status")
        self._store.answer(fill=answer.fill)


def find_backlog(space: Workspace) -> Backlog:
    """Scan the vault, and return its backlog. Raises JournalError."""
    scan = space.scan()
    paths = [job.path for job in choose_jobs(space, scan, RunOptions(paths=[""])).jobs]
    backlog = Backlog(space, lambda: scan, lambda: paths)
    backlog.update(paths)
    return backlog


def may_ask(config: Config) -> bool:
    """Return whether the settings allow asking the user about a backlog unprompted."""
    table = config.background
    return table.backlog == "ask" and table.enabled is not False and not config.is_model_missing
