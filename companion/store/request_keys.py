"""The keys of requests that must not be done twice, each with its answer, for a day."""

from __future__ import annotations

import sqlite3
import time
from typing import NamedTuple

from companion.store.database import Database

_LASTS = 24 * 3600.0  # seconds
_MOST = 1000  # keys


class KeyedRequest(NamedTuple):
    """A request that was made with a key. answer: None if it has none, or none any more.
    is_under_way: it is being done by this process.
    """

    body_sha256: str
    answer: str | None
    is_under_way: bool


class RequestKeys:
    """The keys in the journal's database. Every method may be called from any thread.

    All of them raise JournalError, with the reason, if the database fails.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._under_way: set[str] = set()

    def begin(self, key: str, body_sha256: str) -> KeyedRequest | None:
        """Return the earlier request of this key; without one, None, and this is now it.

        It is on the disk then, so that a crash in the middle is known of.
        """

        def begin(db: sqlite3.Connection) -> KeyedRequest | None:
            now = time.time()
            db.execute("DELETE FROM request_keys WHERE abs(made_at - ?) > ?", (now, _LASTS))
            query = "SELECT body_sha256, answer FROM request_keys WHERE key = ?"
            if row := db.execute(query, (key,)).fetchone():
                return KeyedRequest(row[0], row[1], key in self._under_way)
            self._under_way.add(key)
            db.execute("INSERT INTO request_keys VALUES (?, ?, ?, NULL)", (key, body_sha256, now))
            db.execute(
                """DELETE FROM request_keys WHERE key IN
                (SELECT key FROM request_keys ORDER BY made_at DESC LIMIT -1 OFFSET ?)""",
                (_MOST,),
            )
            return None

        return self._db.ask(begin, durable=True).result()

    def finish(self, key: str, answer: str) -> None:
        """Keep the answer, with the next transaction."""
        query = "UPDATE request_keys SET answer = ? WHERE key = ?"
        self._db.ask(lambda db: db.execute(query, (answer, key)), kept=True)
        self._under_way.discard(key)

    def drop(self, key: str) -> None:
        """Forget a request that failed, so that it can be made again."""
        self._db.ask(lambda db: db.execute("DELETE FROM request_keys WHERE key = ?", (key,)))
        self._under_way.discard(key)
