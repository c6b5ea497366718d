"""Notes that could not be filled, as there was too little to ask, and what may have changed that.

Other notes may say something else about such a note, or the files that it embeds may change.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from companion.errors import NoteError
from companion.note.links import likely_targets, link_key
from companion.note.parsed_note import ParsedNote
from companion.vault.files import FileFingerprint

if TYPE_CHECKING:
    from companion.language.statements import Passage

Choices = tuple[tuple[bool, bool], ...]
"""For each property with a vocabulary: whether it has any value, and one in a note not private."""


class AttemptBasis(NamedTuple):
    """What the outcome of an attempt to fill a note depends on; a later one may differ if it does.

    file: None: it is missing. settings_version: as in VaultSettings. choices: at the last scan.
    news: the number of the latest news from other notes.
    """

    file: FileFingerprint | None
    settings_version: int
    choices: Choices | None
    news: int


class _Attempt(NamedTuple):
    """Why needs of a note, by key, could not be asked for at the last attempts on this basis.

    embedded: link keys of the files that the note embeds.
    """

    basis: AttemptBasis
    reasons: Mapping[str, str]
    embedded: Set[str]


class UnfillableNotes:
    """The notes that could not be filled at the last attempt, by path, and the news about them.

    It is kept in memory: after a restart each is tried once more, which costs no call. A note has
    news when changed notes come to say something else about it, or when a file that it embeds
    changes. Notes of the same name share their news. News are numbered.
    """

    def __init__(self) -> None:
        self.news = 0
        self._attempts: dict[str, _Attempt] = {}
        self._taken = 0  # the number of the latest news at the last call of take_retold
        self._hashes: dict[str, dict[str, int]] = {}  # of passages, by source and link key
        self._told: dict[str, int] = {}  # the number of the latest statements, by link key
        self._changed: dict[str, int] = {}  # that of a file's last change, by link key

    def record(
        self,
        path: str,
        basis: AttemptBasis,
        keys: Iterable[str],
        reasons: Mapping[str, str],
        embedded: Iterable[str] = (),
    ) -> None:
        """Record why needs could not be asked for, by key: no model was asked for them.

        basis: from before the note was read. keys: of all needs that were to be asked for; what is
        recorded of others stays. embedded: targets of the note's embeds.
        """
        earlier = self._attempts.pop(path, None)
        if earlier and earlier.basis == basis:
            reasons = {k: v for k, v in earlier.reasons.items() if k not in set(keys)} | {**reasons}
        if reasons:
            self._attempts[path] = _Attempt(basis, reasons, set(map(link_key, embedded)))

    def last_attempt(self, path: str) -> _Attempt | None:
        """Return what was recorded, None if nothing was."""
        return self._attempts.get(path)

    def find_news(self, path: str) -> int:
        """Return the number of the latest news about the note; 0: there were none."""
        last = self._attempts.get(path)
        changed = (self._changed.get(key, 0) for key in (last.embedded if last else ()))
        return max((self._told.get(link_key(path), 0), *changed))

    def take_retold(self) -> set[str]:
        """Return the unfillable notes with news since the last call."""
        taken, self._taken = self._taken, self.news
        if taken == self.news:
            return set()
        return {path for path in list(self._attempts) if self.find_news(path) > taken}

    def names(self) -> frozenset[str]:
        """Return the link keys of the unfillable notes."""
        return frozenset(map(link_key, list(self._attempts)))

    def read(self, path: str, data: bytes, about: Set[str] | None) -> None:
        """Find news in a note that is new or has changed. For one thread at a time.

        about: link keys of the notes that the news may be about; None: all.
        """
        number = self.news + 1
        self._changed[link_key(path)] = number
        before, now = self._hashes.pop(path, {}), dict[str, int]()
        for key, passages in _find_passages(data, about).items():
            now[key] = hash(tuple(map(_texts_around, passages)))
            if before.get(key) != now[key] and _say_something(passages, key):
                self._told[key] = number
        if now:
            self._hashes[path] = now
        self.news = number


def _find_passages(data: bytes, about: Set[str] | None) -> Mapping[str, Sequence[Passage]]:
    """Return the note's passages that link to other notes, by link key."""
    keys = set(map(link_key, likely_targets(data.decode("utf-8", "replace"))))
    if about is not None:
        keys &= about
    if not keys:
        return {}
    from companion.language.statements import read_passages

    by_key: dict[str, list[Passage]] = defaultdict(list)
    with suppress(NoteError):
        for passage in read_passages(ParsedNote.decode(data)):
            for key in keys.intersection(map(link_key, passage.targets)):
                by_key[key].append(passage)
    return by_key


def _texts_around(passage: Passage) -> tuple[str, ...]:
    """Return all texts that what the passage says may be made of."""
    beside = filter(None, (passage.parent, passage.introduced, *passage.children))
    return (passage.text, *(each.text for each in beside))


def _say_something(passages: Iterable[Passage], key: str) -> bool:
    """Return whether the passages have a statement about the notes of this link key."""
    from companion.language.statements import find_statements

    statements = find_statements(passages, lambda target: link_key(target) == key, [key])
    return next(statements, None) is not None
