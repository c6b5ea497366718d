"""Client edits: changes that a client makes in its editor, journaled before it gets them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from companion.errors import UsageError
from companion.note.editor_text import Utf16Edit, to_utf16
from companion.vault.journal import Journal, NewChange
from companion.vault.offered_changes import OfferId
from companion.vault.recover import confirm_made_offers

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


class ClientEdits(NamedTuple):
    """Edits for an editor to make. Offsets count UTF-16 code units of the text before.

    base_sha256, new_sha256: hashes of the text before and after, encoded as UTF-8.
    """

    edits: Sequence[Utf16Edit]
    base_sha256: str
    new_sha256: str


class ClientEditJournal:
    """The client edits that are not confirmed yet, kept in the journal across restarts.

    Safe to use from any thread. key: the run that the edits belong to, or the change they undo.
    """

    def __init__(self, root: Path, journal: Journal) -> None:
        self._root = root
        self._journal = journal

    def prepare(self, key: str, change: NewChange, before: str, after: str) -> ClientEdits:
        """Journal a change that a client may make, and return its edits.

        The offsets of change.edits count characters of `before`. Raises JournalError.
        """
        old, new = before.encode("utf-8"), after.encode("utf-8")
        _, base_sha256, new_sha256 = self._journal.offer(key, change, old, new)
        return ClientEdits(to_utf16(before, change.edits), base_sha256, new_sha256)

    def confirm(
        self, key: str, base_sha256: str, new_sha256: str, moved_to: str | None = None
    ) -> int:
        """Record that a client made the edits; return the id of the change in the journal.

        A second call returns the same id. moved_to: the note's present path, if it was moved.

        Raises UsageError if there were no such edits, and JournalError.
        """
        number = self._journal.confirm(OfferId(key, base_sha256, new_sha256), moved_to)
        if number is None:
            raise UsageError(
                "no edits were offered that make this text of that one; ask for them again"
            )
        return number

    def settle(self, paths: Collection[str] | None = None) -> None:
        """Record edits that clients made without confirming them. paths: the notes; None: all."""
        confirm_made_offers(self._root, self._journal, paths)
