"""Recovery: settle changes that a crash left pending, and offers that no editor confirmed."""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from collections.abc import Collection, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Literal, NamedTuple

from companion.errors import NoteChanged, NoteError
from companion.note.editor_text import EditorText
from companion.note.edits import Edit, EditLost, rebase
from companion.private_files import make_private_folder
from companion.store.journal import Change, Journal
from companion.store.undo import find_inverse, locate_note
from companion.vault.files import is_vault_there
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
    """Record as done the offered changes that editors made without confirming them.

    Returns the ids of those changes; the others may still be made. paths: the notes to look at;
    None: all. Raises JournalError.
    """
    by_path = defaultdict(list)
    for change in journal.offered():
        if paths is None or change.path in paths:
            by_path[change.path].append(change)
    made = []
    for path, offers in by_path.items():
        with (
            suppress(NoteError, OSError, UnicodeDecodeError),
            open_note(root, path, write=False) as fd,
        ):
            text = read_all(fd).decode("utf-8")
            if in_note := [each for each in offers if holds(journal, each, text)]:
                # the largest: parts of it may have been offered on their own
                largest = max(in_note, key=lambda each: sum(len(e.text) for e in each.edits))
                journal.done(largest.id)
                made.append(largest.id)
    return made


def holds(journal: Journal, change: Change, text: str) -> bool:
    """Return whether text, the note's, holds all of the change; it may be edited elsewhere."""
    if (images := journal.images(change.id)) is None:
        return False
    before, after = (image.decode("utf-8") for image in images)
    if EditorText.of(before).text == before:  # it may come from an editor
        text = EditorText.of(text).text
    is_made = _fits(change.inverse_edits(), after, text)
    return text == after or (is_made and not _fits(change.edits, before, text))


def _fits(edits: Sequence[Edit], old: str, new: str) -> bool:
    try:
        rebase(list(edits), old, new)
    except EditLost:
        return False
    return True


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
    with copy.open("wb") as file:
        file.write(data)
        file.flush()
        force_to_disk(file.fileno())
    return copy
