"""The backlog: which notes that need something are filled only with the user's consent."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping

from companion.store.database import Store

MANY = 50  # notes that arrive together; more of them are a backlog
_TOGETHER = 60.0  # seconds; a note must be unchanged for thirty before a model is asked


Version = tuple[int, int]
"""A note's file as it was seen: its size in bytes, and its mtime_ns as in os.stat_result."""


class BacklogStore(Store):
    """The notes that needed something when they were last seen, each with the user's consent.

    consent: `asked`: the user has not answered yet; `left`: they want it left alone; `free`: it may
    be filled.
    """

    def update(self, notes: Mapping[str, Version], *, whole: bool, asks: bool) -> None:
        """Add notes that need something. whole: these are all such notes.

        Those of the first look, and many that arrive together, wait for an answer, if the user is
        asked at all. A note that was edited since may be filled.
        """
        now = time.time()
        with self._db.transaction() as db:
            rows = db.execute("SELECT path, consent, size, mtime_ns, added_at FROM backlog")
            known = {path: (consent, size, mtime, at) for path, consent, size, mtime, at in rows}
            is_first = not known
            recent = [p for p, (c, *_, at) in known.items() if c == "free" and now - at < _TOGETHER]
            new = [path for path in notes if path not in known]
            is_many = is_first or len(new) + len(recent) > MANY
            consent = "asked" if asks and is_many else "free"
            for path in new:
                db.execute(_PUT, (path, consent, *notes[path], now))
            if is_many and asks and not is_first:
                ask = "UPDATE backlog SET consent = 'asked' WHERE path = ?"
                db.executemany(ask, [(path,) for path in recent])
            for path, version in notes.items():
                if path in known and known[path][1:3] != version:
                    db.execute(_PUT, (path, "free", *version, 0.0))
            if whole:
                if is_first:
                    db.execute(_PUT, ("", "free", 0, 0, 0.0))  # the first look was had
                free = [p for p, (c, *_) in known.items() if c == "free" and p not in recent]
                gone = [(path,) for path in free if path and path not in notes]
                db.executemany("DELETE FROM backlog WHERE path = ?", gone)

    def held(self) -> frozenset[str]:
        """Return the notes that the user has not agreed to."""
        rows = self._db.select("SELECT path FROM backlog WHERE consent != 'free'")
        return frozenset(path for (path,) in rows)

    def waiting(self, paths: Collection[str] | None = None) -> tuple[str, ...]:
        """Return those of these notes that wait for the user's answer, sorted. None: all."""
        rows = self._db.select("SELECT path FROM backlog WHERE consent = 'asked' ORDER BY path")
        return tuple(path for (path,) in rows if paths is None or path in paths)

    def answer(self, *, fill: bool) -> None:
        """Save whether the notes that wait for the user's answer may be filled."""
        query = "UPDATE backlog SET consent = ? WHERE consent = 'asked'"
        with self._db.transaction() as db:
            db.execute(query, ("free" if fill else "left",))


_PUT = """INSERT INTO backlog (path, consent, size, mtime_ns, added_at) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (path) DO UPDATE SET consent = excluded.consent, size = excluded.size,
    mtime_ns = excluded.mtime_ns, added_at = excluded.added_at"""
