"""Follow moved and renamed notes, and move their records in the journal along.

A move that an event reports is trusted if the old path is gone. Without an event, a missing note is
assumed to be the one file with the same bytes, if exactly one such file is not in the journal.
"""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from posixpath import basename

from companion.errors import NoteChanged
from companion.store.change import Change
from companion.store.inverse import find_inverse
from companion.store.journal import Journal
from companion.store.remembered_notes import UNKNOWN_SIZE, Fingerprint
from companion.vault.files import NoteFile, find_inode, read_file, stat_note
from companion.vault.ignore import IgnoreRules
from companion.vault.walk import walk_notes

_NO_RULES = IgnoreRules(max_bytes=sys.maxsize)  # a note may be moved to an ignored folder
_CLOCK_STEP = 2.0  # seconds; file systems count time in steps of up to two seconds (FAT)
_TELLING_LENGTH = 40  # characters put in by a change; with fewer, other notes may hold the same


def follow_moves(
    root: Path,
    journal: Journal,
    files: Mapping[str, NoteFile] | None = None,
    only: Iterable[str] | None = None,
) -> None:
    """Find the journal's notes that were moved, and update the fingerprints of the others.

    files: the notes in the vault by path, as a walk found them; None: walk now. only: notes that
    may be new, changed or deleted; None: any. Raises JournalError.
    """
    recorded = journal.notes.all()
    hints = None if only is None else set(only)
    in_vault = files or {}
    missing: dict[str, Fingerprint] = {}
    updated = []
    for path in recorded if hints is None or hints - recorded.keys() else hints & recorded.keys():
        fingerprint, file = recorded[path], in_vault.get(path) or stat_note(root, path)
        if file and (fingerprint is None or fingerprint.is_gone or file[1:3] != fingerprint[1:3]):
            data, seen_at = _read(root, file), max(file.mtime_ns, file.ctime_ns) / 1e9
            if data is not None:
                digest = sha256(data).hexdigest()
                updated.append((path, Fingerprint(digest, file.size, file.mtime_ns, seen_at)))
        elif fingerprint and not file:
            missing[path] = fingerprint
    journal.notes.update(updated)
    journal.notes.record_gone(path for path, seen in missing.items() if not seen.is_gone)
    sizes = {fingerprint.size for fingerprint in missing.values()}

    def may_be_missing(file: NoteFile | None) -> bool:
        return file is not None and (UNKNOWN_SIZE in sizes or file.size in sizes)

    new = (stat_note(root, path) for path in (hints or set()) - recorded.keys())
    if not missing or (hints is not None and not any(map(may_be_missing, new))):
        return
    candidates: dict[str, list[NoteFile]] = defaultdict(list)
    for file in filter(may_be_missing, _unrecorded(root, recorded, files)):
        if (data := _read(root, file)) is not None:
            candidates[sha256(data).hexdigest()].append(file)
    for old, moved_to in _pair(missing, candidates):
        journal.move(old, moved_to)


def follow_note(
    root: Path, journal: Journal, path: str, data: bytes, seen_at: float
) -> Callable[[], str]:
    """Return a function that returns the current path, when called, of the note now at path.

    data: what the note held at seen_at, Unix time, seconds. It identifies the note once its path
    is empty; once another file is at its path, the inode must match, too.
    """
    current_path = journal.notes.follow(path)
    begun = stat_note(root, path)

    def find() -> str:
        with suppress(OSError):  # its drive is gone
            inode = find_inode(root, at := current_path())
            if inode is None:
                journal.notes.record(at, data, seen_at)
                follow_moves(root, journal)
            elif begun and at == path and (moved_to := _find_moved(root, begun, inode, data)):
                journal.notes.record(path, data, seen_at)
                journal.move(path, moved_to)
        return current_path()

    return find


def _find_moved(root: Path, begun: NoteFile, inode: int, data: bytes) -> str | None:
    """Return where the note that held data is now, if another file has taken its path; else None.

    inode: of that file. A deleted file's inode is soon given to a new one.
    """
    if inode == begun.ino or not begun.ino or stat_note(root, begun.path) is None:
        return None
    for file in walk_notes(root, _NO_RULES):
        if isinstance(file, NoteFile) and file.ino == begun.ino and _read(root, file) == data:
            return file.path
    return None


def follow_events(
    root: Path, journal: Journal, moves: Sequence[tuple[str, str]], busy: Iterable[str] = ()
) -> list[tuple[str, str]]:
    """Record the moves (old path, new path; of notes or folders) that events reported, in order.

    A move is ignored if the note is still at its old path, or is not at the new one.

    busy: notes in progress, which the journal may not know yet. Return the notes that were moved:
    old path, new path.
    """
    if not moves:
        return []
    now = {path: path for path in (*journal.notes.all(), *busy)}
    for old, new in moves:
        for first, at in now.items():
            if at == old or at.startswith(f"{old}/"):
                now[first] = new + at[len(old) :]
    moved = [
        (first, at)
        for first, at in now.items()
        if at != first and not _is_there(root, first) and _is_there(root, at)
    ]
    for first, at in moved:
        journal.move(first, at)
    return moved


def locate_note(root: Path, journal: Journal, change: Change) -> Change:
    """Return the change with the current path of its note, as far as it can be found.

    A moved note is found by its bytes; if it was edited too, by the lines that the change inserted,
    if exactly one note that is not in the journal has them. Raises JournalError.
    """
    now = journal.change(change.id) or change
    if stat_note(root, now.path):
        return now
    follow_moves(root, journal)
    now = journal.change(change.id) or change
    if not stat_note(root, now.path):
        holders = list(_find_holders(root, journal, now))
        if len(holders) == 1:
            journal.move(now.path, holders[0])
    return journal.change(change.id) or change


def _is_there(root: Path, path: str) -> bool:
    """Whether there is a file with exactly this name, even if the drive ignores case."""
    try:
        return any(entry.name == basename(path) for entry in (root / path).parent.iterdir())
    except OSError:
        return False


def _read(root: Path, file: NoteFile) -> bytes | None:
    try:
        return read_file(f"{root}/{file.path}", file.size)
    except OSError:
        return None


def _unrecorded(
    root: Path, recorded: Container[str], files: Mapping[str, NoteFile] | None = None
) -> Iterator[NoteFile]:
    """Yield the notes that are not in the journal."""
    for file in walk_notes(root, _NO_RULES) if files is None else files.values():
        if isinstance(file, NoteFile) and file.path not in recorded:
            yield file


def _pair(
    missing: Mapping[str, Fingerprint], candidates: Mapping[str, list[NoteFile]]
) -> Iterator[tuple[str, str]]:
    """Yield the old and the new path of each missing note that has exactly one candidate."""
    by_hash: dict[str, list[str]] = defaultdict(list)
    for path, fingerprint in missing.items():
        by_hash[fingerprint.sha256].append(path)
    for digest, paths in by_hash.items():
        files = candidates.get(digest, [])
        for old in paths.copy():  # notes made from one template may differ in their names only
            name = basename(old)
            same = [file for file in files if basename(file.path) == name]
            if len(same) == 1 and sum(basename(path) == name for path in paths) == 1:
                yield old, same[0].path
                paths, files = [p for p in paths if p != old], [f for f in files if f != same[0]]
        if len(paths) == len(files) == 1:
            # moving a file sets its ctime, except on Windows, where that is the time of creation
            since = missing[paths[0]].seen_at - _CLOCK_STEP
            if os.name == "nt" or files[0].ctime_ns / 1e9 >= since:
                yield paths[0], files[0].path


def _find_holders(root: Path, journal: Journal, change: Change) -> Iterator[str]:
    """Yield the notes that are not in the journal and hold all of the change."""
    inserted = [change.edits[part].text.strip() for part in change.remaining_parts]
    if sum(map(len, inserted)) < _TELLING_LENGTH:
        return
    for file in _unrecorded(root, journal.notes.all()):
        text = (_read(root, file) or b"").decode(errors="replace")
        if max(inserted, key=len).splitlines()[0] not in text:
            continue
        try:
            if find_inverse(journal, change, text):
                yield file.path
        except NoteChanged:
            continue
