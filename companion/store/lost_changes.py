"""Changes that a sync client removed from a note, as opposed to those that its user removed.

When two devices changed a note, a sync client lets one version keep the name and makes a conflict
copy of the other. If nothing of a change is in the note and a copy beside it holds the change, an
older version took the place of ours. A note that was missing for a time was deleted on another
device, and written again there. In all other cases, somebody took the change out.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Literal

from companion.errors import ChangeNotInNote, NoteChanged
from companion.store.change import Change
from companion.store.journal import Journal
from companion.store.undo import find_parts
from companion.vault.files import is_note_name
from companion.vault.ignore import find_copied_note, is_conflict_copy

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
    """Return whether the file may be a conflict copy of the note, by its name and its title."""
    name = file.name
    if name == note.name or not name.startswith(note.stem) or not is_note_name(name):
        return False
    path = file.relative_to(root).as_posix()
    return is_conflict_copy(name) or find_copied_note(root, path, note.name.__eq__) is not None
