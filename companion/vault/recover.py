"""Close what an interrupted Companion left open: every note is the old one or the new one."""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from collections.abc import Collection
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Literal, NamedTuple

from companion.errors import NoteChanged, NoteError
from companion.vault.inverse import find_inverse
from companion.vault.journal import Change, Journal
from companion.vault.lease import open_note
from companion.vault.moves import locate_note
from companion.vault.state import make_private_folder, open_private
from companion.vault.torn import is_mix
from companion.vault.write import force_to_disk, read_all, replace_bytes

Outcome = Literal["written", "unchanged", "restored", "edited", "missing", "stuck"]


class Recovered(NamedTuple):
    """What recovery found of a pending change, and did.

    written: the note holds the change. unchanged: it does not. restored: it held parts of it,
    and is as it was before. edited: it was edited since; left alone. missing: moved or deleted
    since. stuck: it could not be read or restored; that is tried again next time.
    reason: that in words. held: the note holds the change as it was made, which can be undone.
    aside: a copy, of the torn note (restored), or of the note as it was before the change
    (edited, missing).
    """

    path: str
    change: int
    outcome: Outcome
    reason: str
    held: bool = False
    aside: Path | None = None


def recover(root: Path, journal: Journal, aside: Path) -> list[Recovered]:
    """Close the pending changes of the vault, oldest first; return what was found and done.

    aside: the folder for copies, made if need be. The caller holds the vault's lock.

    Raises JournalError.
    """
    root = Path(os.path.realpath(root))
    if not root.is_dir():  # a drive that is not there says nothing of its notes
        return []
    found = [_recover_change(root, journal, change, aside) for change in journal.pending()]
    if found:
        journal.flush()
    return found


def settle_offers(root: Path, journal: Journal, paths: Collection[str] | None = None) -> list[int]:
    """Record as done what clients made and never confirmed; return the ids of those changes.

    What a note does not hold stays offered: it may still be made. paths: the notes that are
    looked at; None: all.

    Raises JournalError.
    """
    by_path = defaultdict(list)
    for offered in journal.offered():
        if paths is None or offered.path in paths:
            by_path[offered.path].append(offered)
    made = []
    for path, offers in by_path.items():
        text = _read_text(root, path)
        found = [] if text is None else [offered for offered in offers if offered.is_in(text)]
        if found:  # the largest: a part of it may have been offered, too
            largest = max(found, key=lambda offered: sum(len(e.text) for e in offered.edits))
            made.append(journal.confirm(largest.name))
    return [number for number in made if number is not None]


def _read_text(root: Path, path: str) -> str | None:
    """Return what the note holds; None where that cannot be told now."""
    try:
        with open_note(root, path, write=False) as fd:
            return read_all(fd).decode("utf-8")
    except (NoteError, OSError, UnicodeDecodeError):
        return None


def _recover_change(root: Path, journal: Journal, change: Change, aside: Path) -> Recovered:
    if not os.path.lexists(root / change.path):
        change = locate_note(root, journal, change)
    try:
        recovered = _settle(root, journal, change, aside)
    except (NoteError, OSError) as error:
        reason = error.reason if isinstance(error, NoteError) else str(error)
        reason = f"a change to it was interrupted, and it cannot be checked now: {reason}"
        return Recovered(change.path, change.id, "stuck", reason)
    if recovered.held:
        journal.done(change.id)
    else:
        journal.abandon(change.id, recovered.reason)
    return recovered


def _settle(root: Path, journal: Journal, change: Change, aside: Path) -> Recovered:
    """Return what became of the change; put the old text back where the note holds a mix."""
    images = journal.images(change.id)
    assert images is not None, "a pending change keeps its images"
    before, after = images
    data = _read_now(root, change.path, known=images)
    held, copy = False, None
    if data is None:
        outcome, copy = _MISSING, _keep(aside, change, before)
    elif data == after:
        outcome, held = _WRITTEN, True
    elif data == before:
        outcome = _UNCHANGED
    elif is_mix(data, before, after):
        outcome, copy = _RESTORED, _keep(aside, change, data)
        replace_bytes(root, change.path, data, before)
    else:
        outcome, copy = _EDITED, _keep(aside, change, before)
        held = _holds(journal, change, data)
    return Recovered(change.path, change.id, *outcome, held, copy)


_WRITTEN: tuple[Outcome, str] = "written", "the change was made"
_UNCHANGED: tuple[Outcome, str] = "unchanged", "the change was not made; the note is as it was"
_RESTORED: tuple[Outcome, str] = (
    "restored",
    "writing it was interrupted; the note is again as it was before",
)
_EDITED: tuple[Outcome, str] = (
    "edited",
    "a change to it was interrupted, and the note edited since; it was left alone, look it over",
)
_MISSING: tuple[Outcome, str] = (
    "missing",
    "a change to it was interrupted, and the note moved or deleted since; look it over",
)


def _read_now(root: Path, path: str, known: tuple[bytes, bytes]) -> bytes | None:
    """Return what the note holds; None when there is none.

    When it is one of the known texts, it is on the disk on return: the change is closed then.
    """
    try:
        with open_note(root, path, write=False) as fd:
            data = read_all(fd)
            if data in known and sys.platform != "win32":  # Windows: only what is open to write
                force_to_disk(fd)
            return data
    except NoteChanged:
        return None


def _holds(journal: Journal, change: Change, data: bytes) -> bool:
    try:
        return bool(find_inverse(journal, change, data.decode("utf-8")))
    except (NoteChanged, UnicodeDecodeError):
        return False


def _keep(aside: Path, change: Change, data: bytes) -> Path:
    """Return the copy of data, on the disk; its folder is named for change and content."""
    folder = aside / f"{change.id}-{sha256(data).hexdigest()[:8]}"
    make_private_folder(folder)
    copy = folder / PurePosixPath(change.path).name
    with open(copy, "wb", opener=open_private) as file:
        file.write(data)
        file.flush()
        force_to_disk(file.fileno())
    return copy
