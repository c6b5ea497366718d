"""Moved and renamed notes: find where they are, and move their records in the journal along.

A move that an event reports is trusted if the old path is gone. Without an event, a missing note is
assumed to be the one file with the same bytes, if exactly one such file is not in the journal. For
that, the journal keeps a fingerprint of each of its notes.
"""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache, partial
from hashlib import sha256
from pathlib import Path
from posixpath import basename, dirname
from sqlite3 import Connection
from typing import TYPE_CHECKING, NamedTuple

from companion.store.claims import move_note
from companion.store.database import Store
from companion.vault.files import NoteFile, find_inode, read_file, stat_note
from companion.vault.ignore import IgnoreRules
from companion.vault.walk import walk_notes

if TYPE_CHECKING:
    from companion.store.journal import Journal

Move = tuple[str, str]
"""The old and the new path of a note or a folder."""

_NO_RULES = IgnoreRules(max_bytes=sys.maxsize)  # a note may be moved to an ignored folder
_REMEMBERED = 30 * 24 * 3600.0  # seconds


def follow_moves(
    root: Path,
    journal: Journal,
    files: Mapping[str, NoteFile] | None = None,
) -> None:
    """Find the journal's notes that were moved, and update the fingerprints of the others.

    files: the notes in the vault by path, as a walk found them; None: walk now. Raises
    JournalError.
    """
    recorded = journal.notes.all()
    in_vault = files or {}
    missing: dict[str, Fingerprint] = {}
    updated = []
    for path, fingerprint in recorded.items():
        file = in_vault.get(path) or stat_note(root, path)
        if file and (fingerprint is None or file[1:3] != fingerprint[1:3]):
            if (data := _read(root, file)) is not None:
                digest = sha256(data).hexdigest()
                updated.append((path, Fingerprint(digest, file.size, file.mtime_ns)))
        elif fingerprint and not file:
            missing[path] = fingerprint
    journal.notes.update(updated)
    sizes = {fingerprint.size for fingerprint in missing.values()}

    if not missing:
        return
    candidates: dict[str, list[NoteFile]] = defaultdict(list)
    for new in walk_notes(root, _NO_RULES) if files is None else files.values():
        if not isinstance(new, NoteFile) or new.path in recorded or new.size not in sizes:
            continue
        if (data := _read(root, new)) is not None:
            candidates[sha256(data).hexdigest()].append(new)
    for old, moved_to in _pair(missing, candidates):
        journal.move(old, moved_to)


def follow_note(root: Path, journal: Journal, path: str, data: bytes) -> Callable[[], str]:
    """Return a function that returns the current path, when called, of the note now at path.

    data: what the note holds. The note is the file with its inode that still holds data. If there
    is none and its path is empty, data alone identifies it.
    """
    current_path = journal.notes.follow(path)
    begun = stat_note(root, path)

    def find() -> str:
        with suppress(OSError):  # its drive is gone
            inode = find_inode(root, at := current_path())
            if begun and at == path and (moved_to := _find_moved(root, begun, inode, data)):
                journal.notes.record(path, data)
                journal.move(path, moved_to)
            elif inode is None:
                journal.notes.record(at, data)
                follow_moves(root, journal)
            else:
                return at
        return current_path()

    return find


def _find_moved(root: Path, begun: NoteFile, inode: int | None, data: bytes) -> str | None:
    """Return where the note that held data is now, if it has left its path; else None.

    inode: of the file that has taken its path; None: there is none. A deleted file's inode is soon
    given to a new one.
    """
    is_taken = inode is not None
    if inode == begun.ino or not begun.ino or (is_taken and stat_note(root, begun.path) is None):
        return None
    for file in walk_notes(root, _NO_RULES):
        if isinstance(file, NoteFile) and file.ino == begun.ino and _read(root, file) == data:
            return file.path
    return None


def follow_events(
    root: Path, journal: Journal, moves: Iterable[Move], busy: Iterable[str] = ()
) -> None:
    """Record the moves of notes or folders that events reported, in order.

    A move is ignored if a note is still at its old path, or none is at the new one. A program that
    saves a note may first move it out of the way; then it is still there.

    busy: notes in progress or open, which the journal may not know yet.
    """
    paths = dict.fromkeys((*journal.notes.all(), *busy, *journal.notes.moved_from))
    now = {path: path for path in paths}
    for old, new in moves:
        for first, at in now.items():
            if at == old or at.startswith(f"{old}/"):
                now[first] = new + at[len(old) :]
    list_names = cache(partial(_list_names, root))
    for first, at in now.items():
        is_gone = at != first and basename(first) not in list_names(dirname(first))
        if is_gone and basename(at) in list_names(dirname(at)):
            journal.move(first, at)


def _list_names(root: Path, folder: str) -> frozenset[str]:
    """Return the names in a folder as they are spelled there, even if the drive ignores case."""
    try:
        return frozenset(entry.name for entry in (root / folder).iterdir())
    except OSError:
        return frozenset()


def _read(root: Path, file: NoteFile) -> bytes | None:
    try:
        return read_file(f"{root}/{file.path}", file.size)
    except OSError:
        return None


def _pair(
    missing: Mapping[str, Fingerprint], candidates: Mapping[str, list[NoteFile]]
) -> Iterator[tuple[str, str]]:
    """Yield the old and the new path of each missing note that has exactly one candidate."""
    by_hash: dict[str, list[str]] = defaultdict(list)
    for path, fingerprint in missing.items():
        by_hash[fingerprint.sha256].append(path)
    for digest, paths in by_hash.items():
        files = candidates.get(digest, [])
        if len(paths) == len(files) == 1:
            yield paths[0], files[0].path


class Fingerprint(NamedTuple):
    """Identifies the content of a note.

    sha256: hexadecimal. size: bytes. mtime_ns: Unix time, nanoseconds; 0 if only reading the file
    tells whether it changed.
    """

    sha256: str
    size: int
    mtime_ns: int


class RememberedNotes(Store):
    """The notes that the journal has records of."""

    def all(self) -> dict[str, Fingerprint | None]:
        """Return the last fingerprint of each note, by path; None for a note never seen."""
        rows = self._db.select("SELECT path, sha256, size, mtime_ns FROM notes")
        return {path: Fingerprint(*rest) if rest[0] else None for path, *rest in rows}

    def update(self, seen: Iterable[tuple[str, Fingerprint]]) -> None:
        """Record the fingerprints of these notes."""
        if rows := [(path, *fingerprint) for path, fingerprint in seen]:
            with self._db.transaction() as db:
                db.executemany(_PUT, rows)

    def record(self, path: str, data: bytes | None) -> None:
        """Record that the note holds data, or will once it is written.

        data: None if its content is not known. A note that was moved since is found again.
        """
        with self._db.transaction() as db:
            put_note(db, path, data)

    def move(self, old: str, new: str) -> None:
        """Record that the note at old was moved to new, and move its records.

        The proposals for the note at old supersede those for one at new.
        """
        with self._db.transaction() as db:
            db.execute("DELETE FROM moves WHERE at < ?", (time.time() - _REMEMBERED,))
            db.execute("INSERT INTO moves (old, new, at) VALUES (?, ?, ?)", (old, new, time.time()))
            move_note(db, old, new)
            db.execute("UPDATE OR REPLACE backlog SET path = ? WHERE path = ?", (new, old))
            if not db.execute("SELECT 1 FROM notes WHERE path = ?", (old,)).fetchone():
                return  # another thread or process has found the move, too
            # where both have a pending change, the old path stays, for recovery to settle
            db.execute("UPDATE OR IGNORE changes SET path = ? WHERE path = ?", (new, old))
            db.execute("UPDATE proposals SET state = 'superseded' WHERE path = ?", (new,))
            db.execute("UPDATE proposals SET path = ? WHERE path = ?", (new, old))
            db.execute("UPDATE OR REPLACE notes SET path = ? WHERE path = ?", (new, old))
            db.execute("UPDATE outbox SET path = ? WHERE path = ?", (new, old))

    @property
    def moved_from(self) -> dict[str, str]:
        """The old paths of the notes that were moved in the last month, by their new paths."""
        return dict(map(tuple, self._db.select("SELECT new, old FROM moves ORDER BY id")))

    def follow(self, path: str) -> Callable[[], str]:
        """Return a function that returns the current path, when called, of the note now at path."""
        ((begun,),) = self._db.select("SELECT coalesce(max(id), 0) FROM moves")

        def current() -> str:
            at = path
            query = "SELECT old, new FROM moves WHERE id > ? ORDER BY id"
            for old, new in self._db.select(query, begun):
                at = new if at == old else at
            return at

        return current


def put_note(db: Connection, path: str, data: bytes | None) -> None:
    """Record that the note holds data; None: it is not known."""
    if data is None:
        db.execute("INSERT OR IGNORE INTO notes VALUES (?, '', -1, 0)", (path,))
    else:
        db.execute(_PUT, (path, sha256(data).hexdigest(), len(data), 0))


_PUT = "INSERT OR REPLACE INTO notes (path, sha256, size, mtime_ns) VALUES (?, ?, ?, ?)"
