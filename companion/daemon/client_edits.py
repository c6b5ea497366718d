"""Edits that a client makes in its editor: in the journal before it gets them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from companion.errors import UsageError
from companion.note.editor_text import Utf16Edit, to_utf16
from companion.vault.journal import Journal, NewChange
from companion.vault.offered_changes import OfferName
from companion.vault.recover import settle_offers

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


class ClientEdits(NamedTuple):
    """Edits for an editor to make. Offsets count UTF-16 code units of the base text.

    base_sha256, new_sha256: of the text before and after, as UTF-8.
    """

    edits: Sequence[Utf16Edit]
    base_sha256: str
    new_sha256: str


class ClientEditJournal:
    """The offers made to clients, until they are confirmed. From any thread, and across restarts.

    `key` tells what an offer is about: a run's id, or a change that is taken back.
    """

    def __init__(self, root: Path, journal: Journal) -> None:
        self._root = root
        self._journal = journal

    def prepare(self, key: str, change: NewChange, before: str, after: str) -> ClientEdits:
        """Return the offer to make this change; its edits count characters of `before`.

        Raises JournalError.
        """
        old, new = before.encode("utf-8"), after.encode("utf-8")
        _, base_sha256, new_sha256 = self._journal.offer(key, change, old, new)
        return ClientEdits(to_utf16(before, change.edits), base_sha256, new_sha256)

    def confirm(
        self, key: str, base_sha256: str, new_sha256: str, moved_to: str | None = None
    ) -> int:
        """Return the id of the change in the journal; a second time, the same one.

        moved_to: the path of the note that was changed, if it is another than was offered for.

        Raises UsageError: there was no such offer. JournalError.
        """
        number = self._journal.confirm(OfferName(key, base_sha256, new_sha256), moved_to)
        if number is None:
            raise UsageError(
                "no edits were offered that make this text of that one; ask for them again"
            )
        return number

    def settle(self, paths: Collection[str] | None = None) -> None:
        """Record what clients made and did not confirm, in these notes or in all."""
        settle_offers(self._root, self._journal, paths)
