"""Moved and renamed notes: find where they are, and move their records in the journal along.

A move that an event reports is trusted if the old path is gone. Without an event, a missing note is
assumed to be the file with the same inode, unless that is another note, else the one file with the
same bytes, if exactly one such file is not in the journal. For that, the journal keeps a
fingerprint of each of its notes.
"""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache, partial
from hashlib import sha256
from pathlib import Path
from posixpath import basename, dirname
from typing import TYPE_CHECKING

from companion.store.remembered_notes import Fingerprint, Move
from companion.vault.files import NoteFile, find_inode, read_file, skip_reason, stat_note
from companion.vault.ignore import IgnoreRules
from companion.vault.walk import walk_notes

if TYPE_CHECKING:
    from companion.store.journal import Journal

_NO_RULES = IgnoreRules(max_bytes=sys.maxsize)  # a note may be moved to an ignored folder
_UNKNOWN_SIZE = -1  # recorded by versions that did not store sizes
_CLOCK_STEP = 2.0  # seconds; file systems count time in steps of up to two seconds (FAT)


def follow_moves(
    root: Path,
    journal: Journal,
    files: Mapping[str, NoteFile] | None = None,
    only: Iterable[str] | None = None,
    is_another: Callable[[str, str], bool] = lambda old, new: False,
    is_edited: Callable[[bytes, bytes], bool] = lambda before, now: False,
) -> None:
    """Find the journal's notes that were moved, and update the fingerprints of the others.

    files: the notes in the vault by path, as a walk found them; None: walk now. only: notes that
    may be new, changed or deleted; None: any. is_another: as in follow_events. is_edited: returns
    whether a note that held the first text may hold the second one now. Raises JournalError.
    """
    hints = None if only is None else set(only)
    recorded = journal.notes.all()
    changed = _find_changed(root, recorded, files, hints)
    if displaced := _find_displaced(recorded, changed):
        if files is None and hints is None:
            files = {file.path: file for file in find_unrecorded(root, ())}
        new = (files or {}).values() if hints is None else [stat_note(root, p) for p in hints]
        moves = _find_by_inode(root, journal, displaced, new, recorded, is_another, is_edited)
        for old, moved_to in _put_in_order(moves):
            journal.move(old, moved_to)
        if moves:
            recorded = journal.notes.all()
            changed = _find_changed(root, recorded, files, hints)
    missing = _update_fingerprints(root, journal, recorded, changed)
    new_paths = None if hints is None else hints - recorded.keys()
    for old, moved_to in _find_by_content(root, missing, recorded, files, new_paths):
        journal.move(old, moved_to)


def _update_fingerprints(
    root: Path,
    journal: Journal,
    recorded: Mapping[str, Fingerprint | None],
    changed: Mapping[str, NoteFile | None],
) -> dict[str, Fingerprint]:
    """Record the fingerprints of changed notes, and which are missing; return these."""
    missing: dict[str, Fingerprint] = {}
    updated = []
    for path, file in changed.items():
        fingerprint = recorded[path]
        if file and (fingerprint is None or _is_other(fingerprint, file)):
            data, seen_at = _read(root, file), max(file.mtime_ns, file.ctime_ns) / 1e9
            if data is not None:
                digest = sha256(data).hexdigest()
                seen = Fingerprint(digest, file.size, file.mtime_ns, seen_at, ino=file.ino)
                updated.append((path, seen))
        elif fingerprint and file:
            updated.append((path, fingerprint._replace(ino=file.ino)))
        elif fingerprint:
            missing[path] = fingerprint
    journal.notes.update(updated)
    journal.notes.record_gone(path for path, seen in missing.items() if not seen.is_gone)
    return missing


def _find_changed(
    root: Path,
    recorded: Mapping[str, Fingerprint | None],
    files: Mapping[str, NoteFile] | None,
    hints: set[str] | None,
) -> dict[str, NoteFile | None]:
    """Return the notes that are missing or not as recorded, by path, with their files.

    Only those that the hints may concern are looked at.
    """
    in_vault = files or {}
    changed = {}
    for path in recorded if hints is None or hints - recorded.keys() else hints & recorded.keys():
        seen, file = recorded[path], in_vault.get(path) or stat_note(root, path)
        if not (seen and file) or _is_other(seen, file) or seen.ino == 0 != file.ino:
            changed[path] = file
    return changed


def _is_other(seen: Fingerprint, file: NoteFile) -> bool:
    """Return whether the file may hold something else than when the note was seen."""
    return seen.is_gone or file[1:3] != seen[1:3]


def _find_displaced(
    recorded: Mapping[str, Fingerprint | None], changed: Mapping[str, NoteFile | None]
) -> dict[str, Fingerprint]:
    """Return the notes at whose path there is no file any more, or another one."""
    displaced = {}
    for path, file in changed.items():
        seen = recorded[path]
        is_other = file is None or (seen and file.ino != seen.ino and file[1:3] != seen[1:3])
        if seen and seen.ino and is_other:
            displaced[path] = seen
    return displaced


def _find_by_inode(
    root: Path,
    journal: Journal,
    displaced: Mapping[str, Fingerprint],
    files: Iterable[NoteFile | None],
    recorded: Container[str],
    is_another: Callable[[str, str], bool],
    is_edited: Callable[[bytes, bytes], bool],
) -> dict[str, str]:
    """Return the new paths of those displaced notes whose file is now at another path.

    As a deleted file's inode is soon given to a new one, that must hold what the note held, or what
    may have become of it. A path that another file has taken must hold another note: a program that
    saves a note, or a sync client, may first move it out of the way.
    """
    by_inode = {file.ino: file for file in files if isinstance(file, NoteFile)}
    inodes = {seen.ino for seen in displaced.values()}
    moves = dict[str, str]()
    for old, seen in sorted(displaced.items(), key=lambda item: item[1].seen_at, reverse=True):
        file = by_inode.get(seen.ino)
        if file is None or (file.path in recorded and file.path not in displaced):
            continue
        if seen.is_gone and file.ctime_ns / 1e9 < seen.gone_at - _CLOCK_STEP:
            continue  # it was there when the note was last looked for
        del by_inode[seen.ino]  # an earlier note, which had it before, is gone
        taken_by, data = stat_note(root, old), _read(root, file)
        is_taken = taken_by and taken_by.ino not in inodes and not is_another(old, file.path)
        if data is None or is_taken:
            continue
        if sha256(data).hexdigest() != seen.sha256:
            # once its note was missed, the file may be a new one, made from the same template
            text = None if seen.is_gone else journal.last_text(old)
            if text is None or not is_edited(text, data):
                continue
        moves[old] = file.path
    return moves


def _put_in_order(moves: Mapping[str, str]) -> Iterator[Move]:
    """Yield the moves so that each goes to a path that is free; of swapped notes, one waits."""
    pending = dict(moves)
    while pending:
        old = next((old for old, new in pending.items() if new not in pending), None)
        if old is None:
            old, new = pending.popitem()
            waiting = f"{old}\n"  # no note's path
            pending[waiting] = new
            yield old, waiting
        else:
            yield old, pending.pop(old)


def _find_by_content(
    root: Path,
    missing: Mapping[str, Fingerprint],
    recorded: Container[str],
    files: Mapping[str, NoteFile] | None,
    new_paths: Iterable[str] | None,
) -> Iterator[Move]:
    """Yield the old and the new path of each missing note that is now another file.

    new_paths: of notes that the journal does not know, one of which has to be like it; None: any.
    """
    sizes = {fingerprint.size for fingerprint in missing.values()}

    def may_be_missing(file: NoteFile | None) -> bool:
        return file is not None and (_UNKNOWN_SIZE in sizes or file.size in sizes)

    if not missing:
        return
    if new_paths is not None and not any(may_be_missing(stat_note(root, p)) for p in new_paths):
        return
    candidates: dict[str, list[NoteFile]] = defaultdict(list)
    for file in filter(may_be_missing, find_unrecorded(root, recorded, files)):
        if (data := _read(root, file)) is not None:
            candidates[sha256(data).hexdigest()].append(file)
    yield from _pair(missing, candidates)


def follow_note(
    root: Path, journal: Journal, path: str, data: bytes, seen_at: float
) -> Callable[[], str]:
    """Return a function that returns the current path, when called, of the note now at path.

    data: what the note held at seen_at, Unix time, seconds. The note is the file with its inode
    that still holds data. If there is none and its path is empty, data alone identifies it.
    """
    current_path = journal.notes.follow(path)
    begun = stat_note(root, path)

    def find() -> str:
        with suppress(OSError):  # its drive is gone
            inode = find_inode(root, at := current_path())
            if begun and at == path and (moved_to := _find_moved(root, begun, inode, data)):
                journal.notes.record(path, data, seen_at)
                journal.move(path, moved_to)
            elif inode is None:
                journal.notes.record(at, data, seen_at)
                follow_moves(root, journal)
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
    root: Path,
    journal: Journal,
    moves: Sequence[Move],
    busy: Iterable[str] = (),
    earlier: Iterable[Move] = (),
    is_another: Callable[[str, str], bool] = lambda old, new: False,
) -> tuple[list[Move], list[Move]]:
    """Record the moves of notes or folders that events reported, in order.

    A move is ignored if the note is still at its old path, or is not at the new one. A program that
    saves a note may first move it out of the way; then it is still there.

    busy: notes in progress or open, which the journal may not know yet. earlier: what the last call
    returned as unfinished; ignored unless one of moves starts there, as another note may be there
    by now. is_another: returns whether the note now at the old path is another one than that at the
    new path, to which nothing goes if it is a sync client's conflict copy, or no note. Returns the
    notes that were moved, and the unfinished moves: of notes at neither path, which were deleted or
    moved on.
    """
    recorded = journal.notes.all()
    paths = (*recorded, *busy, *journal.notes.moved_from)
    before = {path: path for path in paths} | dict(earlier)
    now = before.copy()
    for old, new in moves:
        for first, at in now.items():
            if at == old or at.startswith(f"{old}/"):
                now[first] = new + at[len(old) :]
    moved, unfinished = list[Move](), list[Move]()
    list_names = cache(partial(_list_names, root))
    for first, at in now.items():
        if at in (first, before[first]):
            continue
        is_there = basename(at) in list_names(dirname(at))
        if basename(first) in list_names(dirname(first)):
            is_note = is_there and skip_reason(root, at, _NO_RULES) is None
            if not is_note or first in now.values() or not is_another(first, at):
                continue
            file, seen = stat_note(root, first), recorded.get(at)
            if file and seen and file.ino == seen.ino != 0:
                continue  # swapped, by a name that is no note's: follow_moves finds both
        (moved if is_there else unfinished).append((first, at))
    for first, at in moved:
        journal.move(first, at)
    return moved, unfinished


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


def find_unrecorded(
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
