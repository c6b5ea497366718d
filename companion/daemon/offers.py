"""Edits that a client makes in its editor, and what the journal is to hold of them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from hashlib import sha256
from typing import NamedTuple

from companion.daemon.runs import Offer
from companion.errors import UsageError
from companion.note.editor import to_utf16
from companion.vault.journal import Journal, NewChange

_KEPT = 500  # offers; the oldest are forgotten, and cannot be confirmed any more


class _Made(NamedTuple):
    change: NewChange
    before: str
    after: str


class Offers:
    """The offers made to clients, until they are confirmed. From any thread.

    `key` tells what an offer is about: a run's id, or a change that is taken back.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._lock = threading.Lock()
        self._made: OrderedDict[tuple[str, str, str], _Made] = OrderedDict()
        self._confirmed: OrderedDict[tuple[str, str, str], int] = OrderedDict()

    def make(self, key: str, change: NewChange, before: str, after: str) -> Offer:
        """Return the offer to make this change; its edits count characters of `before`."""
        offer = Offer(to_utf16(before, change.edits), _digest(before), _digest(after))
        with self._lock:
            name = (key, offer.base_sha256, offer.new_sha256)
            self._made[name] = _Made(change, before, after)
            self._confirmed.pop(name, None)  # what is offered again may be made again
            while len(self._made) > _KEPT:
                self._made.popitem(last=False)
        return offer

    def confirm(
        self, key: str, base_sha256: str, new_sha256: str, moved_to: str | None = None
    ) -> int:
        """Return the id of the change in the journal; a second time, the same one.

        moved_to: the path of the note that was changed, if it is another than was offered for.

        Raises UsageError: there was no such offer. JournalError.
        """
        name = (key, base_sha256, new_sha256)
        with self._lock:
            if done := self._confirmed.get(name):
                return done
            made = self._made.get(name)
            if made is None:
                raise UsageError(
                    "no edits were offered that make this text of that one; ask for them again"
                )
            before, after = made.before.encode("utf-8"), made.after.encode("utf-8")
            change = made.change._replace(path=moved_to or made.change.path)
            number = self._journal.record(change, before, after)
            del self._made[name]
            self._confirmed[name] = number
            while len(self._confirmed) > _KEPT:
                self._confirmed.popitem(last=False)
            return number


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8")).hexdigest()
