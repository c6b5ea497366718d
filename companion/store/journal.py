"""The journal: a record of every change, forced to the disk before the note is written.

Recovery, history, undo and the proposals rely on it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import disk_usage
from typing import Self

from companion.errors import JournalError, NoteError
from companion.note.edits import apply_edits
from companion.sqlite import FULL
from companion.store.backlog import BacklogStore
from companion.store.changes import (
    Change,
    insert_pending,
    make_row,
    mark_abandoned,
    mark_done,
    read_row,
)
from companion.store.claims import Claims, Presence
from companion.store.database import Database, Store
from companion.store.moves import RememberedNotes, put_note
from companion.store.outbox import OutboxStore, forget_offers
from companion.store.proposals import ProposalStore
from companion.vault.files import is_in_any
from companion.vault.lock import VaultLock
from companion.vault.write import (
    ConcurrentWrite,
    NotePartlyWritten,
    Snapshot,
    replace_bytes,
    require_writable,
)

__all__ = ["Change", "Journal"]

_ROOM = 1_000_000  # bytes


class Journal(Store):
    """The journal in file. What a method records is on the disk when it returns, except done().

    recover: settles changes that a crash left pending, for whoever holds the vault's lock.
    """

    def __init__(self, file: Path) -> None:
        """Open the journal, or create it.

        Raises JournalError if it is locked, damaged, unreadable or from a newer version.
        """
        super().__init__(Database(file))
        self.notes = RememberedNotes(self._db)
        self.proposals = ProposalStore(self._db)
        self.outbox = OutboxStore(self._db)
        self.claims = Claims(self._db)
        self.presence = Presence(self._db)
        self.backlog = BacklogStore(self._db)
        self.recover: Callable[[], object] = list
        self._lock = VaultLock(file.parent)

    def begin(self, change: Change, before: bytes, after: bytes) -> int:
        """Record a pending change; return its id once it is on the disk, with the text before it.

        Its proposals are accepted from then on.

        Raises ValueError if the edits do not turn before into after, NoteBusy if an earlier
        change of the note is still pending, and ProposalDecided if somebody else decided on one
        of its proposals.
        """
        row = make_row(change, before, after)
        with self._db.transaction() as db:
            put_note(db, change.path, after)
            return insert_pending(db, row, before, change)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the vault's lock for one write, after recovery from a crash of any process.

        Raises VaultLocked, JournalError.
        """
        with self._lock.held():
            if self.pending():  # who wrote it would hold the lock
                self.recover()
            yield

    def done(self, change: int) -> None:
        """Record that the note holds the change; if a power cut loses that, recovery finds it."""
        with self._db.transaction(flush=False) as db:
            mark_done(db, change)

    def abandon(self, change: int, remark: str = "") -> None:
        """Record that the note does not hold the change, and why; delete its images.

        Its proposals are open again.
        """
        with self._db.transaction() as db:
            mark_abandoned(db, change, remark)

    def change(self, change: int) -> Change | None:
        """Return the change with that id; None if there is none."""
        changes = self._select("WHERE id = ?", change)
        return changes[0] if changes else None

    def changes(
        self,
        path: str | None = None,
        run: str | None = None,
        limit: int | None = None,
        before: int | None = None,
    ) -> list[Change]:
        """Return the changes, newest first: of one note, of one run, or all; at most `limit`.

        before: return only changes with a lower id, for the next page.
        """
        parts: list[tuple[str, object]] = [
            ("id < ?", _MOST if before is None else min(before, _MOST)),
            ("state != ?", "offered"),
        ]
        if path is not None:
            parts.append(("path = ?", path))
        if run is not None:
            parts.append(("run = ?", run))
        where = " AND ".join(part for part, _ in parts)
        most = -1 if limit is None else limit  # SQLite takes -1 for no limit
        query = f"WHERE {where} ORDER BY id DESC LIMIT ?"
        return self._select(query, *(value for _, value in parts), most)

    def watch(self, touched: Callable[[str, int], None]) -> None:
        """Call touched with `changes` or `proposals` and the id of each row that changes, at once.

        This process's own changes only; just before what it wrote can be read.
        """
        self._db.watch(touched)

    def version(self) -> int:
        """Return a number that changes when another process has written."""
        return self._db.version()

    def newest(self) -> int:
        """Return the highest id of a change; 0 if there is none."""
        query = "SELECT coalesce(max(id), 0) FROM changes"
        ((newest,),) = self._db.select(query)
        return int(newest)

    def count_notes(self, since: float) -> int:
        """Return how many notes hold an enrichment made since that Unix time, in seconds."""
        query = """SELECT count(DISTINCT path) FROM changes
            WHERE made_at >= ? AND kind = 'enrich' AND state = 'done'"""
        ((number,),) = self._db.select(query, since)
        return int(number)

    def filled_paths(self) -> set[str]:
        """Return the paths of the notes that hold something that Companion filled in."""
        query = "SELECT DISTINCT path FROM changes WHERE kind = 'enrich' AND state = 'done'"
        return {path for (path,) in self._db.select(query)}

    def filled_by_day(self, since: float) -> dict[str, int]:
        """Return how many notes were filled on each local day (YYYY-MM-DD) since a Unix time."""
        query = """SELECT date(made_at, 'unixepoch', 'localtime') AS day, count(DISTINCT path)
            FROM changes WHERE made_at >= ? AND kind = 'enrich' AND state = 'done' GROUP BY day"""
        return dict(map(tuple, self._db.select(query, since)))

    def filled_notes(self, need: str) -> set[str]:
        """Return the paths of the notes in which Companion filled the need."""
        query = """SELECT DISTINCT changes.path FROM changes, json_each(changes.needs) AS need
            WHERE need.value = ? AND kind = 'enrich' AND state = 'done'"""
        rows = self._db.select(query, need)
        return {path for (path,) in rows}

    def pending(self) -> list[Change]:
        """Return the pending changes, oldest first."""
        return self._select("WHERE state = 'pending' ORDER BY id")

    def offered(self) -> list[Change]:
        """Return the changes that editors were given and did not confirm, oldest first.

        Those that a later change of the note supersedes are left out: one that fills the same needs
        or takes back the same change.
        """
        return self._select(_OFFERED)

    def images(self, change: int) -> tuple[bytes, bytes] | None:
        """Return the whole note before and after the change; None if they were pruned."""
        query = "SELECT before FROM images WHERE change = ?"
        rows, recorded = self._db.select(query, change), self.change(change)
        if not rows or recorded is None:
            return None
        before: bytes = rows[0]["before"]
        return before, apply_edits(before.decode("utf-8"), recorded.edits).encode("utf-8")

    def prune_images(self, older_than: float) -> int:
        """Delete the images of changes made over `older_than` seconds ago; return their number.

        Pending changes keep theirs. Edits and hashes are never deleted.
        """
        query = """DELETE FROM images WHERE change IN (
            SELECT id FROM changes WHERE made_at < ? AND state != 'pending')"""
        with self._db.transaction() as db:
            return db.execute(query, (time.time() - older_than,)).rowcount

    def forget(self, paths: Sequence[str]) -> int:
        """Delete the stored text of these notes; return for how many proposals.

        paths: notes and folders; `""`: the vault. Open proposals are refused and not asked for
        again. Edits that an editor got and did not confirm are deleted. The edits of changes stay:
        undo needs them.
        """
        mine = [path for path in self.proposals.paths() if is_in_any(path, paths)]
        number = self.proposals.forget(mine, "its text was deleted, as you asked")
        touched = self._db.select("SELECT path FROM changes UNION SELECT path FROM outbox")
        self.delete_texts(path for (path,) in touched if is_in_any(path, paths))
        return number

    def changed_paths(self) -> list[str]:
        """Return the paths of the notes that are stored as they were before a change or offer."""
        query = """SELECT DISTINCT path FROM changes WHERE state != 'pending' AND id IN (
            SELECT change FROM images)"""
        return [path for (path,) in self._db.select(query)]

    def delete_texts(self, paths: Iterable[str]) -> None:
        """Delete these notes as they were before changes and offers."""
        images = """DELETE FROM images WHERE change IN (
            SELECT id FROM changes WHERE path = ? AND state != 'pending')"""
        with self._db.transaction() as db:
            for path in paths:
                db.execute(images, (path,))
                forget_offers(db, path)
        self._db.erase_log()

    def move(self, old: str, new: str) -> None:
        """Record that the note at old was moved to new, with its changes and its proposals."""
        self.notes.move(old, new)

    def require_space(self) -> None:
        """Raise JournalError if the disk has no room for an answer, which would be paid in vain."""
        with suppress(OSError):
            if disk_usage(self._db.file.parent).free < _ROOM:
                raise JournalError(f"the journal {self._db.file} {FULL}")

    def close(self) -> None:
        """Close the journal. A second call does nothing."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _select(self, where: str, *values: object) -> list[Change]:
        query = f"{_SELECT} {where}"
        rows = self._db.select(query, *values)
        return [read_row(row) for row in rows]


def write_note(
    snapshot: Snapshot,
    new: bytes,
    journal: Journal,
    change: Change,
    check: Callable[[], None] = lambda: None,
) -> int:
    """Write new over the note in place, provided it still holds the bytes of the snapshot.

    check: called right before; raises a NoteError if writing is no longer allowed.

    Returns the id of the change in the journal, which is on the disk before the note is written.

    Raises NoteChanged, NoteBusy, NoteRefused or NoteUnwritable if nothing was written. Two
    subclasses mean that something was: NotePartlyWritten if recovery has to restore the old text,
    ConcurrentWrite if another program wrote too. Raises ValueError if the edits of change do not
    turn the snapshot into new, and JournalError.
    """
    require_writable(snapshot.root, snapshot.path)
    with journal.writing():
        number = journal.begin(change, snapshot.data, new)
        try:
            check()
            replace_bytes(snapshot.root, snapshot.path, snapshot.data, new)
        except NotePartlyWritten:
            raise
        except ConcurrentWrite:
            journal.done(number)
            raise
        except NoteError as error:
            journal.abandon(number, error.reason)
            raise
        journal.done(number)
        return number


_MOST = (1 << 63) - 1  # the highest id SQLite can give
_OFFERED = """WHERE state = 'offered' AND NOT EXISTS (
    SELECT 1 FROM changes AS later WHERE later.path = changes.path
    AND later.state NOT IN ('abandoned', 'offered') AND later.made_at >= changes.made_at
    AND (later.undoes = changes.undoes OR EXISTS (
        SELECT 1 FROM json_each(later.needs) AS mine, json_each(changes.needs) AS theirs
        WHERE mine.value = theirs.value))) ORDER BY id"""
_SELECT = """SELECT *, (SELECT max(id) FROM changes AS later
    WHERE later.undoes = changes.id AND later.state = 'done') AS undone_by FROM changes"""
