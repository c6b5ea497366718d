"""Follow notes that were moved or renamed: what the journal keeps of them goes with them.

An event that tells of a move is trusted where the old path is gone. Where none told, a note that is
gone is the one that holds the same bytes, if there is exactly one that the journal does not know.
"""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from posixpath import basename
from stat import S_ISREG
from typing import NamedTuple

from companion.errors import NoteChanged
from companion.vault.change import Change
from companion.vault.files import NoteFile, read_file, walk_notes
from companion.vault.ignore import IgnoreRules
from companion.vault.inverse import find_inverse
from companion.vault.journal import Journal
from companion.vault.remembered_notes import UNKNOWN_SIZE, Fingerprint

_EVERY = IgnoreRules(max_bytes=sys.maxsize)  # a note may be moved to where notes are left alone
_SLACK = 2.0  # seconds; file systems count time in steps of up to so much (FAT)
_ENOUGH = 40  # characters that a change put in, from which they tell its note from all others


class _Lost(NamedTuple):
    """A note that is not where it was."""

    path: str
    fingerprint: Fingerprint


def follow_moves(
    root: Path,
    journal: Journal,
    files: Mapping[str, NoteFile] | None = None,
    only: Iterable[str] | None = None,
) -> None:
    """Find the notes of the journal that are not where they were, and take down what others hold.

    files: the notes in the vault, by path, as they were just seen; None: look at them now.
    only: notes that may be new, changed or gone; where none of them may be a note that is looked
    for, nothing is. None: any may be.

    Raises JournalError.
    """
    known = journal.notes.all()
    hinted = None if only is None else set(only)
    now = files or {}
    lost, seen = [], []
    for path in known if hinted is None or hinted - known.keys() else hinted & known.keys():
        fingerprint, file = known[path], now.get(path) or _stat(root, path)
        if file is None:
            lost += [_Lost(path, fingerprint)] if fingerprint else []
        elif fingerprint is None or file[1:3] != fingerprint[1:3]:
            seen += [(path, held)] if (held := _look(root, file)) else []
    journal.notes.update(seen)
    if lost and (hinted is None or _may_be(root, lost, hinted - known.keys())):
        found = _find_same(root, lost, _unknown(root, known, files))
        for old, new in _pair(lost, found):
            journal.move(old, new)


def follow_events(root: Path, journal: Journal, moves: Sequence[tuple[str, str]]) -> None:
    """Take down the moves (old path, new path; of notes or folders) that events told of, in order.

    Where a note is at its old path all the same, or is not at the new one, nothing is.
    """
    if not moves:
        return
    now = {path: path for path in journal.notes.all()}
    for old, new in moves:
        for first, at in now.items():
            if at == old or at.startswith(f"{old}/"):
                now[first] = new + at[len(old) :]
    for first, at in now.items():
        if at != first and not _is_there(root, first) and _is_there(root, at):
            journal.move(first, at)


def locate_note(root: Path, journal: Journal, change: Change) -> Change:
    """Return the change with the path at which its note is now, as far as that can be told.

    Where it is not by its bytes, then by the lines that the change put in, which stand once in one
    note that the journal does not know, and in no other. Raises JournalError.
    """
    now = journal.change(change.id) or change
    if _stat(root, now.path):
        return now
    follow_moves(root, journal)
    now = journal.change(change.id) or change
    if not _stat(root, now.path) and len(found := list(_find_holders(root, journal, now))) == 1:
        journal.move(now.path, found[0])
    return journal.change(change.id) or change


def _stat(root: Path, path: str) -> NoteFile | None:
    """Return the facts of the file at path; None where there is none, or what is no file."""
    try:
        seen = os.lstat(f"{root}/{path}")
    except (OSError, ValueError):
        return None
    if not S_ISREG(seen.st_mode):
        return None
    return NoteFile(path, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_ino)


def _is_there(root: Path, path: str) -> bool:
    """Whether there is a file at path, spelled so: some drives ignore case."""
    try:
        return any(entry.name == basename(path) for entry in (root / path).parent.iterdir())
    except OSError:
        return False


def _look(root: Path, file: NoteFile) -> Fingerprint | None:
    data = _read(root, file)
    if data is None:
        return None
    seen_at = max(file.mtime_ns, file.ctime_ns) / 1e9
    return Fingerprint(sha256(data).hexdigest(), file.size, file.mtime_ns, seen_at)


def _read(root: Path, file: NoteFile) -> bytes | None:
    try:
        return read_file(f"{root}/{file.path}", file.size)
    except OSError:
        return None


def _may_be(root: Path, lost: Sequence[_Lost], paths: Iterable[str]) -> bool:
    """Whether one of the paths may be a note that is looked for, by its size."""
    sizes = {one.fingerprint.size for one in lost}
    found = filter(None, (_stat(root, path) for path in paths))
    return any(UNKNOWN_SIZE in sizes or file.size in sizes for file in found)


def _unknown(
    root: Path, known: Container[str], files: Mapping[str, NoteFile] | None = None
) -> Iterator[NoteFile]:
    """Yield the notes that the journal does not know."""
    for file in walk_notes(root, _EVERY) if files is None else files.values():
        if isinstance(file, NoteFile) and file.path not in known:
            yield file


def _find_same(
    root: Path, lost: Sequence[_Lost], files: Iterable[NoteFile]
) -> dict[str, list[NoteFile]]:
    """Return the notes that hold what one of those lost did, by its hash."""
    sizes = {one.fingerprint.size for one in lost}
    found: dict[str, list[NoteFile]] = defaultdict(list)
    for file in files:
        if UNKNOWN_SIZE in sizes or file.size in sizes:
            data = _read(root, file)
            if data is not None:
                found[sha256(data).hexdigest()].append(file)
    return found


def _pair(lost: Sequence[_Lost], found: dict[str, list[NoteFile]]) -> Iterator[tuple[str, str]]:
    """Yield which lost note is which found one, where no other may be meant."""
    by_hash: dict[str, list[_Lost]] = defaultdict(list)
    for one in lost:
        by_hash[one.fingerprint.sha256].append(one)
    for digest, ours in by_hash.items():
        theirs = found.get(digest, [])
        for old in ours.copy():  # notes made from one template are alike, but for their names
            name = basename(old.path)
            same = [file for file in theirs if basename(file.path) == name]
            if len(same) == 1 and sum(basename(one.path) == name for one in ours) == 1:
                yield old.path, same[0].path
                ours, theirs = [o for o in ours if o != old], [f for f in theirs if f != same[0]]
        if len(ours) == len(theirs) == 1 and _may_have_come(theirs[0], ours[0].fingerprint):
            yield ours[0].path, theirs[0].path


def _may_have_come(file: NoteFile, fingerprint: Fingerprint) -> bool:
    """Whether the file may have come to its place since the note was seen at another.

    Moving a file sets its time of change; on Windows that is the time at which it was made.
    """
    return os.name == "nt" or file.ctime_ns / 1e9 >= fingerprint.seen_at - _SLACK


def _find_holders(root: Path, journal: Journal, change: Change) -> Iterator[str]:
    """Yield the notes, of those that the journal does not know, that hold all of the change."""
    words = [change.edits[part].text.strip() for part in change.standing]
    if sum(map(len, words)) < _ENOUGH:
        return
    for file in _unknown(root, journal.notes.all()):
        text = (_read(root, file) or b"").decode(errors="replace")
        if max(words, key=len).splitlines()[0] not in text:
            continue
        try:
            if find_inverse(journal, change, text):
                yield file.path
        except NoteChanged:
            continue
