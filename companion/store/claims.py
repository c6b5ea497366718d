"""What processes must know of each other: which needs are being asked for, which notes are open."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from secrets import token_hex
from sqlite3 import Connection

from companion.store.database import Store
from companion.vault.paths import fold_path

_ASKED = 3600.0  # seconds that a claim lasts, if its process lives on
REPORT_LASTS = 45  # seconds that a client's report of its open notes is valid
_MOVE_UNSEEN = 60.0  # seconds after a move in which an editor may still report the old path
_MAX_PATHS = 1000  # of one client; the rest of its report is ignored
_MOVED = ""  # the client of notes that were moved while they were open


class Claims(Store):
    """Which needs somebody asks a model for now, in any process: nothing is paid twice."""

    @contextmanager
    def asking(self, path: str, needs: Collection[str], since: int) -> Iterator[set[str]]:
        """Claim needs of a note, by key, during the block; yield those that are claimed.

        The others are being asked for by another run, or got a proposal with an id above since.
        """
        owner = token_hex(8)
        try:
            yield self._claim(path, needs, since, owner)
        finally:
            self._release(owner)

    def newest_proposal(self) -> int:
        """Return the highest id of a proposal, 0 if there is none."""
        ((newest,),) = self._db.select("SELECT coalesce(max(id), 0) FROM proposals")
        return int(newest)

    def count(self) -> int:
        """Return how many needs are being asked for, or were when their process was killed."""
        ((number,),) = self._db.select("SELECT count(*) FROM claims")
        return int(number)

    def _dead_pids(self) -> list[int]:
        pids = [pid for (pid,) in self._db.select("SELECT DISTINCT pid FROM claims")]
        if not set(pids) - {os.getpid()}:
            return []
        from psutil import pid_exists

        return [pid for pid in pids if not pid_exists(pid)]

    def _claim(self, path: str, needs: Collection[str], since: int, owner: str) -> set[str]:
        dead = json.dumps(self._dead_pids())
        expired = (
            "DELETE FROM claims WHERE asked_until < ? OR pid IN (SELECT value FROM json_each(?))"
        )
        until = time.time() + _ASKED
        rows = [(path, need, owner, os.getpid(), until, path, need, since) for need in needs]
        with self._db.transaction(flush=False) as db:
            db.execute(expired, (time.time(), dead))
            db.executemany(_CLAIM, rows)
            mine = db.execute("SELECT need FROM claims WHERE owner = ?", (owner,))
            return {need for (need,) in mine.fetchall()}

    def _release(self, owner: str) -> None:
        with self._db.transaction(flush=False) as db:
            db.execute("DELETE FROM claims WHERE owner = ?", (owner,))


_CLAIM = """INSERT OR IGNORE INTO claims (path, need, owner, pid, asked_until)
    SELECT ?, ?, ?, ?, ? WHERE NOT EXISTS (
        SELECT 1 FROM proposals WHERE path = ? AND need = ? AND id > ?)"""


class Presence(Store):
    """The notes that clients have open in an editor, as each reports them regularly."""

    def report(self, client: str, paths: Iterable[str]) -> None:
        """Replace the client's report: these vault-relative paths are all that it has open."""
        now = time.time()
        until = now + REPORT_LASTS
        rows = [(client, fold_path(path), path, until) for path in islice(paths, _MAX_PATHS)]
        with self._db.transaction() as db:
            db.execute("DELETE FROM presence WHERE client = ? OR until < ?", (client, now))
            db.executemany("INSERT OR REPLACE INTO presence VALUES (?, ?, ?, ?)", rows)

    def reported(self, client: str) -> list[str]:
        """Return the paths that the client has open, sorted."""
        query = "SELECT path FROM presence WHERE client = ? AND until > ? ORDER BY path"
        return [path for (path,) in self._db.select(query, client, time.time())]

    def extend(self, client: str) -> None:
        """Let the client's report be valid for as long as if it were made now."""
        now = time.time()
        with self._db.transaction(flush=False) as db:
            db.execute(
                "UPDATE presence SET until = ? WHERE client = ? AND until > ?",
                (now + REPORT_LASTS, client, now),
            )

    def is_open(self, path: str) -> bool:
        """Return whether a client has the note open; case and Unicode form of its path are ignored.

        macOS and Windows ignore them, too; if two notes differ only in these, both count as open.
        """
        query = "SELECT 1 FROM presence WHERE folded = ? AND until > ? LIMIT 1"
        return bool(self._db.select(query, fold_path(path), time.time()))

    def open_paths(self) -> frozenset[str]:
        """Return the paths of the open notes, spelled as they were reported."""
        query = "SELECT path FROM presence WHERE until > ?"
        return frozenset(path for (path,) in self._db.select(query, time.time()))


def move_note(db: Connection, old: str, new: str) -> None:
    """Let claims go with a note that is moved; one that is open stays so, whatever is reported."""
    db.execute("UPDATE OR IGNORE claims SET path = ? WHERE path = ?", (new, old))
    query = """INSERT OR REPLACE INTO presence (client, folded, path, until)
        SELECT ?, ?, ?, ? FROM presence WHERE folded = ? AND until > ? LIMIT 1"""
    now = time.time()
    db.execute(query, (_MOVED, fold_path(new), new, now + _MOVE_UNSEEN, fold_path(old), now))
