"""The index: facts and links of each note in a file, so that only changed notes are read again."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from companion.errors import NoteError
from companion.note.facts import Facts
from companion.note.links import likely_targets
from companion.note.needs import Need
from companion.note.text import NoteText
from companion.sqlite import Cache
from companion.vault.files import (
    IndexedNote,
    NoteFile,
    SkippedFile,
    describe_read_error,
    is_utf8,
    printable_path,
    read_file,
    with_parent_folders,
)
from companion.vault.ignore import IgnoreRules
from companion.vault.notes import Examine, Notes, Scan
from companion.vault.walk import walk_indexed, walk_notes

ScanProgress = Callable[[int, int], None]

_PROGRESS_STEP = 64  # notes
_SHAPE = repr((Facts._fields, Need._fields))


class Index:
    """A cache of the facts of one vault's notes, in file; without it the next scan takes longer.

    For one thread at a time; several processes may share the file. What refresh finds is saved by
    the next scan.
    """

    def __init__(self, file: Path) -> None:
        self._cache = NoteCache(file, INDEX)
        self._fingerprint: str | None = None
        self._rows: dict[str, IndexedNote] = {}
        self._unsaved: set[str] = set()

    def scan(
        self,
        root: Path,
        rules: IgnoreRules,
        examine: Examine,
        fingerprint: str,
        progress: ScanProgress | None = None,
    ) -> Scan:
        """Return the facts of all notes in the vault at root; only changed notes are examined.

        examine(path, data) returns a note's facts. fingerprint: of everything else that they depend
        on; under another one all notes are examined. progress(done, total): numbers of files.
        """
        fingerprint += _SHAPE + repr(rules)
        fingerprint = sha256(fingerprint.encode("utf-8", "surrogateescape")).hexdigest()
        if self._fingerprint != fingerprint:
            loaded = list[IndexedNote]()
            self._cache.read(fingerprint, loaded.append, "SELECT * FROM notes")
            self._rows, self._fingerprint = {row[0]: row for row in loaded}, fingerprint
            self._unsaved.clear()
        find_links = partial(_link_targets, self._cache)
        scan = Scan(Notes(root, examine), {}, rules=rules, find_links=find_links)
        files = list(walk_indexed(root, rules, self._rows))
        unchanged = {each[0] for each in files if not isinstance(each, NoteFile | SkippedFile)}
        stale = self._rows.keys() - unchanged if len(unchanged) < len(self._rows) else set()
        self._add_files(files, root, examine, scan, stale, progress)
        if self._unsaved:
            read = [row for path in self._unsaved if (row := self._rows.get(path))]
            deleted = self._unsaved - self._rows.keys()
            self._cache.save(fingerprint, "notes", deleted, read, self._rows.values())
        self._unsaved.clear()
        return scan

    def refresh(
        self, root: Path, rules: IgnoreRules, examine: Examine, scan: Scan, paths: Iterable[str]
    ) -> set[str]:
        """Bring the scan up to date for these paths; return the paths whose facts changed.

        The result is what a whole scan would find of these and of the folders above them. scan: the
        last one of this index, with the same root, rules and examine. New notes come last.
        """
        if scan.rules != rules:
            scan.rules, self._fingerprint = rules, None  # so that the next scan trusts no row
        touched = with_parent_folders(paths)
        names = {"."}.union(map(printable_path, touched))
        before = {name: (scan.notes.get(name), scan.skipped.pop(name, None)) for name in names}
        files = list(walk_notes(root, rules, touched))
        for name in names - {file.path for file in files if isinstance(file, NoteFile)}:
            scan.notes.drop(name)
            scan.files.pop(name, None)
        self._add_files(files, root, examine, scan, touched & self._rows.keys())
        now = {name: (scan.notes.get(name), scan.skipped.get(name)) for name in names}
        return {name for name in names if before[name] != now[name]}

    def _add_files(
        self,
        files: Sequence[NoteFile | SkippedFile | IndexedNote],
        root: Path,
        examine: Examine,
        scan: Scan,
        stale: set[str],
        progress: ScanProgress | None = None,
    ) -> None:
        """Put the files found into the scan, and the facts of those that were read into the rows.

        stale: paths of rows to delete, unless the file turns out to be unchanged.
        """
        now, rows, new = time.time_ns(), self._rows, list[IndexedNote]()
        for done, file in enumerate(files, 1):
            if isinstance(file, SkippedFile):
                scan.skipped[file.path] = file.reason
            elif not isinstance(file, NoteFile):
                scan.notes.put(file[0], file[5])
                scan.files[file[0]] = file
            elif (row := rows.get(file.path)) and row[:5] == file:
                scan.notes.put(file.path, row[5])
                scan.files[file.path] = file
                stale.discard(file.path)
            else:
                scan.files[file.path] = file
                facts = _read(root, file, examine, scan)
                if facts and file.is_settled(now) and is_utf8(dumped := facts.dump()):
                    new.append((*file, dumped))
                    scan.notes.put(file.path, dumped)  # which takes less memory
            if progress and (done % _PROGRESS_STEP == 0 or done == len(files)):
                progress(done, len(files))
        for path in stale:
            del rows[path]
        rows.update((row[0], row) for row in new)
        self._unsaved.update(stale, (row[0] for row in new))


def _read(root: Path, file: NoteFile, examine: Examine, scan: Scan) -> Facts | None:
    """Read the note into the scan and return its facts; None if it is skipped, with the reason."""
    scan.read += 1
    try:
        data = read_file(f"{root}/{file.path}", file.size)
        if data is not None:
            facts = examine(file.path, data)
            scan.notes.put(file.path, facts)
            return facts
        reason = "it changed while it was read; it may still be syncing"
    except OSError as error:
        reason = describe_read_error(error)
    except NoteError as error:
        reason = error.reason
    scan.notes.drop(file.path)
    scan.skipped[file.path] = reason
    return None


_BLOCK = 1000  # rows of links that are read or written at once
_TABLE = """CREATE TABLE {table} (
    path TEXT PRIMARY KEY,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    ctime_ns INTEGER NOT NULL,
    ino INTEGER NOT NULL,
    {text} TEXT NOT NULL
) WITHOUT ROWID"""
INDEX = ";\n".join(
    (
        "CREATE TABLE about (fingerprint TEXT NOT NULL)",
        _TABLE.format(table="notes", text="facts"),
        _TABLE.format(table="links", text="targets"),
    )
)
"""The tables of an index. Links depend on no settings."""


class NoteCache:
    """Tables of rows that begin with a note's path, in file; see sqlite.Cache for its faults.

    The table `about` has a fingerprint of what their rows depend on, besides the notes; None:
    nothing else. Deleted data is overwritten in the file.
    """

    def __init__(self, file: Path, tables: str) -> None:
        self._run = Cache(file, tables).run

    def read(
        self,
        fingerprint: str | None,
        take: Callable[[Any], object],
        query: str,
        *values: object,
    ) -> None:
        """Call take with each row of the query, unless they were made under another fingerprint.

        If the file turns out to be damaged, some may be missing.
        """

        def work(db: sqlite3.Connection) -> None:
            db.execute("BEGIN")  # both queries see the same state of the file
            if _is_made_under(db, fingerprint):
                for row in db.execute(query, values):
                    take(row)

        self._run(work)

    def save(
        self,
        fingerprint: str | None,
        table: str,
        deleted: Iterable[str],
        rows: Iterable[tuple[object, ...]],
        all_rows: Iterable[tuple[object, ...]] | None = None,
    ) -> None:
        """Delete the rows of the paths in deleted, and insert or replace the rows.

        If the table holds rows of another fingerprint, all_rows, or else rows, replace all of them.
        """

        def work(db: sqlite3.Connection) -> None:
            db.execute("PRAGMA secure_delete = ON")
            db.execute("BEGIN IMMEDIATE")
            if is_same := _is_made_under(db, fingerprint):
                delete = f"DELETE FROM {table} WHERE path = ?"  # noqa: S608 (our names)
                db.executemany(delete, ((path,) for path in deleted))
            else:
                db.execute(f"DELETE FROM {table}")  # noqa: S608 (our names)
                db.execute("DELETE FROM about")
                db.execute("INSERT INTO about VALUES (?)", (fingerprint,))
            if new := list(rows if is_same or all_rows is None else all_rows):
                marks = ", ".join("?" * len(new[0]))
                insert = f"INSERT OR REPLACE INTO {table} VALUES ({marks})"  # noqa: S608
                db.executemany(insert, new)
            db.execute("COMMIT")

        self._run(work)


def _is_made_under(db: sqlite3.Connection, fingerprint: str | None) -> bool:
    query = "SELECT 1 FROM about WHERE fingerprint = ?"
    return fingerprint is None or db.execute(query, (fingerprint,)).fetchone() is not None


def _link_targets(
    cache: NoteCache, root: Path, files: Mapping[str, NoteFile]
) -> Iterator[tuple[str, str]]:
    """Yield what Scan.link_targets does."""
    own_paths = {path: path for path in files}  # so that the path of a row takes no memory
    deleted, read, now = list[str](), list[IndexedNote](), time.time_ns()
    for row in _load_links(cache):
        if (file := files.get(row[0])) is None:
            deleted.append(row[0])
        elif row[:5] == file:
            yield own_paths.pop(row[0]), row[5]
    for path in own_paths:
        file = files[path]
        targets = _read_targets(root, file)
        if file.is_settled(now):
            read.append((*file, targets))
        if len(read) == _BLOCK:
            cache.save(None, "links", (), read)
            read = []
        yield path, targets
    if deleted or read:
        cache.save(None, "links", deleted, read)


def _load_links(cache: NoteCache) -> Iterator[IndexedNote]:
    """Yield the rows of links; few at a time are in memory."""
    query = "SELECT * FROM links WHERE path > ? ORDER BY path LIMIT ?"
    rows = list[IndexedNote]()
    cache.read(None, rows.append, query, "", _BLOCK)
    while rows:
        yield from rows
        last, rows = rows[-1][0], []
        cache.read(None, rows.append, query, last, _BLOCK)


def _read_targets(root: Path, file: NoteFile) -> str:
    try:
        data = read_file(f"{root}/{file.path}", file.size)
        text = NoteText.decode(data).text if data is not None else ""
    except (OSError, NoteError):
        return ""
    return "\n".join(likely_targets(text))
