"""Recovery: settle changes that a crash left pending, and offers that no editor confirmed.

It also tells changes that a sync client removed from a note from those that somebody took out. When
two devices changed a note, a sync client lets one version keep the name and makes a conflict copy
of the other. If nothing of a change is in the note and a copy beside it holds the change, an older
version took the place of ours. A note that was missing for a time was deleted on another device,
and written again there. In all other cases, somebody took the change out.
"""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from collections.abc import Collection, Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Literal, NamedTuple

from companion.errors import ChangeNotInNote, NoteChanged, NoteError
from companion.private_files import make_private_folder, open_private
from companion.store.inverse import find_inverse, find_parts
from companion.store.journal import Change, Journal
from companion.store.undo import locate_note
from companion.vault.conflict_copies import is_conflict_copy
from companion.vault.files import is_note_name, is_vault_there
from companion.vault.lock import open_note
from companion.vault.write import force_to_disk, is_partial_write, read_all, replace_bytes

RecoveryOutcome = Literal["written", "unchanged", "restored", "edited", "missing", "stuck"]


class Recovered(NamedTuple):
    """The outcome of recovering a pending change.

    outcome:
    `written`: the note holds the change.
    `unchanged`: the note is as it was before the change.
    `restored`: the note was partly written, and was put back as it was before.
    `edited`: the note was edited since, and was left alone.
    `missing`: the note was moved or deleted since.
    `stuck`: the note could not be read or restored; the next recovery tries again.
    reason: the outcome in words.
    holds_change: whether the note holds the change as it was made, and it can be undone.
    copy: a file with the partly written note (restored), or with the note as it was before the
    change (edited, missing).
    """

    path: str
    change: int
    outcome: RecoveryOutcome
    reason: str
    holds_change: bool = False
    copy: Path | None = None


def recover(root: Path, journal: Journal, copies: Path) -> list[Recovered]:
    """Settle the pending changes of the vault, oldest first; return the outcomes.

    copies: the folder for copies of notes, created if need be. The caller holds the vault's lock.

    Raises JournalError.
    """
    root = Path(os.path.realpath(root))
    if not is_vault_there(root):
        return []
    outcomes: list[Recovered] = []
    for change in journal.pending():
        if not os.path.lexists(root / change.path):
            change = locate_note(root, journal, change)
        try:
            recovered = _settle_change(root, journal, change, copies)
        except (NoteError, OSError) as error:
            why = error.reason if isinstance(error, NoteError) else str(error)
            reason = f"{_INTERRUPTED} it cannot be checked now: {why}"
            outcomes.append(Recovered(change.path, change.id, "stuck", reason))
            continue
        if recovered.holds_change:
            journal.done(change.id)
        else:
            journal.abandon(change.id, recovered.reason)
        outcomes.append(recovered)
    return outcomes


def confirm_made_offers(
    root: Path, journal: Journal, paths: Collection[str] | None = None
) -> list[int]:
    """Record as done the offered changes that clients made without confirming them.

    Returns the ids of those changes; the others may still be made. paths: the notes to look at;
    None: all. Raises JournalError.
    """
    by_path = defaultdict(list)
    for offered in journal.outbox.unconfirmed():
        if paths is None or offered.path in paths:
            by_path[offered.path].append(offered)
    made = []
    for path, offers in by_path.items():
        in_note = []
        with (
            suppress(NoteError, OSError, UnicodeDecodeError),
            open_note(root, path, write=False) as fd,
        ):
            text = read_all(fd).decode("utf-8")
            in_note = [offered for offered in offers if offered.is_in(text)]
        if in_note:  # take the largest: parts of it may have been offered on their own
            largest = max(in_note, key=lambda offered: sum(len(e.text) for e in offered.edits))
            made.append(journal.outbox.confirm(largest.row, largest.hashes, event="find"))
    return [number for number in made if number is not None]


def _settle_change(root: Path, journal: Journal, change: Change, copies: Path) -> Recovered:
    """Settle the change and return the outcome; a partly written note gets its old text back."""
    images = journal.images(change.id)
    assert images is not None, "a pending change keeps its images"
    before, after = images
    data = _read_and_sync(root, change.path, images)
    outcome: RecoveryOutcome
    holds_change, copy = False, None
    if data is None:
        outcome, copy = "missing", _write_copy(copies, change, before)
    elif data == after:
        outcome, holds_change = "written", True
    elif data == before:
        outcome = "unchanged"
    elif is_partial_write(data, before, after):
        outcome, copy = "restored", _write_copy(copies, change, data)
        replace_bytes(root, change.path, data, before)
    else:
        outcome, copy = "edited", _write_copy(copies, change, before)
        with suppress(NoteChanged, UnicodeDecodeError):
            holds_change = bool(find_inverse(journal, change, data.decode("utf-8")))
    return Recovered(change.path, change.id, outcome, _REASONS[outcome], holds_change, copy)


_INTERRUPTED = "a change to it was interrupted, and"
_REASONS: dict[RecoveryOutcome, str] = {
    "written": "the change was made",
    "unchanged": "the change was not made; the note is as it was",
    "restored": "writing it was interrupted; the note is again as it was before",
    "edited": f"{_INTERRUPTED} the note edited since; it was left alone; check it",
    "missing": f"{_INTERRUPTED} the note moved or deleted since; check it",
}


def _read_and_sync(root: Path, path: str, images: tuple[bytes, bytes]) -> bytes | None:
    """Return the note's bytes; None if there is no note.

    If they are one of the images, they are forced to the disk, since the change is settled next.
    """
    try:
        with open_note(root, path, write=False) as fd:
            data = read_all(fd)
            if data in images and sys.platform != "win32":  # where the file must be open to write
                force_to_disk(fd)
            return data
    except NoteChanged:
        return None


def _write_copy(copies: Path, change: Change, data: bytes) -> Path:
    """Write data to a file, forced to the disk; return it. Its folder names change and content."""
    folder = copies / f"{change.id}-{sha256(data).hexdigest()[:8]}"
    make_private_folder(folder)
    copy = folder / PurePosixPath(change.path).name
    with open(copy, "wb", opener=open_private) as file:
        file.write(data)
        file.flush()
        force_to_disk(file.fileno())
    return copy


Loss = Literal["certain", "likely"]
"""How sure it is that a sync client took a change out:

- certain: a conflict copy, made at about the time of the note's version, is the note exactly as it
  was written with the change. So the other version did not come from ours.
- likely: a conflict copy holds the change and other edits, or its name may be somebody's own; or
  the note was missing since the change was made.
"""

_SAME_TIME = 3600.0  # seconds; a copy that is older may be left from a conflict settled by hand


def find_loss(root: Path, journal: Journal, path: str, number: int) -> Loss | None:
    """Return how sure it is that a sync client took the change out; None: it did not."""
    change = journal.change(number)
    if change is None or change.state != "done" or change.taken:
        return None
    losses: set[Loss] = set()
    with suppress(OSError, UnicodeDecodeError):
        if _is_in(journal, change, (root / path).read_bytes()):
            return None
        losses.update(_find_in_copies(root, journal, path, change))
        if journal.notes.gone_at(path) > change.made_at:
            losses.add("likely")
    return min(losses, default=None)  # certain goes before likely


def _is_in(journal: Journal, change: Change, data: bytes) -> bool:
    """Return whether a part of the change is in data, a version of its note, or was edited there.

    Raises UnicodeDecodeError.
    """
    try:
        find_parts(journal, change, data.decode())
    except ChangeNotInNote:
        return False
    except NoteChanged:
        return True
    return True


def _find_in_copies(root: Path, journal: Journal, path: str, change: Change) -> Iterator[Loss]:
    """Yield how sure it is, for each conflict copy of the note that holds the change."""
    note = root / path
    for copy in note.parent.iterdir():
        if not _is_copy(root, note, copy):
            continue
        data = copy.read_bytes()
        if sha256(data).hexdigest() == change.after_sha256:
            # on Windows, where this is the time at which a file was made, little is certain
            apart = abs(note.stat().st_ctime - copy.stat().st_ctime)
            yield "certain" if is_conflict_copy(copy.name) and apart < _SAME_TIME else "likely"
        elif _is_in(journal, change, data):
            yield "likely"


def _is_copy(root: Path, note: Path, file: Path) -> bool:
    """Return whether the file may be a conflict copy of the note, by its name."""
    name = file.name
    if name == note.name or not name.startswith(note.stem) or not is_note_name(name):
        return False
    return is_conflict_copy(name)
