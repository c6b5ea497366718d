"""The index: facts and links of each note in a file, so that only changed notes are read again."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
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
    read_file,
)
from companion.vault.ignore import IgnoreRules
from companion.vault.notes import Examine, Notes, Scan
from companion.vault.walk import walk_indexed

ScanProgress = Callable[[int, int], None]

_PROGRESS_STEP = 64  # notes
_SHAPE = repr((Facts._fields, Need._fields))


class Index:
    """A cache of the facts of one vault's notes, in file; without it the next scan takes longer.

    For one thread at a time; several processes may share the file.
    """

    def __init__(self, file: Path) -> None:
        self._cache = NoteCache(file, INDEX)
        self._fingerprint: str | None = None
        self._notes: dict[str, IndexedNote] = {}

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
            rows = self._cache.read(fingerprint, "SELECT * FROM notes")
            self._notes = {row[0]: (NoteFile(*row[:5]), row[5]) for row in rows}
            self._fingerprint = fingerprint
        scan = Scan(Notes(root), {}, rules=rules, find_links=partial(_find_links, self._cache))
        files = list(walk_indexed(root, rules, self._notes))
        notes, new, now = dict[str, IndexedNote](), list[IndexedNote](), time.time_ns()
        for done, file in enumerate(files, 1):
            if isinstance(file, SkippedFile):
                scan.skipped[file.path] = file.reason
            elif isinstance(file, NoteFile):
                if (dumped := _read(root, file, examine, scan)) and file.is_settled(now):
                    notes[file.path] = (file, dumped)
                    new.append((file, dumped))
            else:
                path = file[0].path
                scan.files[path], notes[path] = file[0], file
                scan.notes.put(path, file[1])
            if progress and (done % _PROGRESS_STEP == 0 or done == len(files)):
                progress(done, len(files))
        if new or len(notes) < len(self._notes):
            deleted = self._notes.keys() - notes.keys()
            self._cache.save(fingerprint, "notes", deleted, ((*file, text) for file, text in new))
        self._notes = notes
        return scan


def _read(root: Path, file: NoteFile, examine: Examine, scan: Scan) -> str:
    """Read the note into the scan; return its facts as text, empty if they cannot be kept."""
    scan.read += 1
    scan.files[file.path] = file
    try:
        data = read_file(f"{root}/{file.path}", file.size)
        if data is None:
            scan.skipped[file.path] = "it changed while it was read; it may still be syncing"
            return ""
        facts = examine(file.path, data)
    except OSError as error:
        scan.skipped[file.path] = describe_read_error(error)
    except NoteError as error:
        scan.skipped[file.path] = error.reason
    else:
        if is_utf8(dumped := facts.dump()):
            scan.notes.put(file.path, dumped)  # which takes less memory
            return dumped
        scan.notes.put(file.path, facts)
    return ""


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

    def read(self, fingerprint: str | None, query: str, *values: object) -> list[Any]:
        """Return the rows of the query; none if they were made under another fingerprint."""

        def work(db: sqlite3.Connection) -> list[Any]:
            db.execute("BEGIN")  # both queries see the same state of the file
            is_same = _is_made_under(db, fingerprint)
            return db.execute(query, values).fetchall() if is_same else []

        return self._run(work) or []

    def save(
        self,
        fingerprint: str | None,
        table: str,
        deleted: Iterable[str],
        rows: Iterable[tuple[object, ...]],
    ) -> None:
        """Delete the rows of the paths in deleted, and insert or replace the rows.

        If the table holds rows of another fingerprint, they replace all of them.
        """

        def work(db: sqlite3.Connection) -> None:
            db.execute("PRAGMA secure_delete = ON")
            db.execute("BEGIN IMMEDIATE")
            if _is_made_under(db, fingerprint):
                delete = f"DELETE FROM {table} WHERE path = ?"  # noqa: S608 (our names)
                db.executemany(delete, [(path,) for path in deleted])
            else:
                db.execute(f"DELETE FROM {table}")  # noqa: S608 (our names)
                db.execute("DELETE FROM about")
                db.execute("INSERT INTO about VALUES (?)", (fingerprint,))
            if new := list(rows):
                marks = ", ".join("?" * len(new[0]))
                insert = f"INSERT OR REPLACE INTO {table} VALUES ({marks})"  # noqa: S608
                db.executemany(insert, new)
            db.execute("COMMIT")

        self._run(work)


def _is_made_under(db: sqlite3.Connection, fingerprint: str | None) -> bool:
    query = "SELECT 1 FROM about WHERE fingerprint = ?"
    return fingerprint is None or db.execute(query, (fingerprint,)).fetchone() is not None


def _find_links(
    cache: NoteCache, root: Path, files: Mapping[str, NoteFile]
) -> Iterator[tuple[str, str]]:
    """Yield what Scan.link_targets does."""
    rows = {row[0]: row for row in cache.read(None, "SELECT * FROM links")}
    new, now = list[tuple[object, ...]](), time.time_ns()
    for path, file in files.items():
        row = rows.pop(path, None)
        if row is None or row[:5] != file:
            row = (*file, _read_targets(root, file))
            if file.is_settled(now):
                new.append(row)
        yield path, row[5]
    if rows or new:
        cache.save(None, "links", rows, new)


def _read_targets(root: Path, file: NoteFile) -> str:
    try:
        data = read_file(f"{root}/{file.path}", file.size)
        text = NoteText.decode(data).text if data is not None else ""
    except (OSError, NoteError):
        return ""
    return "\n".join(likely_targets(text))
