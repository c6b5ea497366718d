"""Which notes that need work the user must agree to first: those that came many at once.

What lay in the vault before it was looked over for the first time is such a backlog, whatever its
age; so is what a sync, a git pull or an import brings. A note that somebody edits afterwards is
worked on like any other: its author has come to it.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from hashlib import sha256
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import TypeAdapter, ValidationError

from companion.config.private_file import write_private
from companion.errors import UsageError

MANY = 50  # notes that arrive at once; more of them are a backlog

_AT_ONCE = 60.0  # seconds; a note rests for thirty before it is asked about
_log = logging.getLogger(__name__)

BacklogSetting = Literal["ask", "all", "new"]
Word = Literal["asked", "left", "free"]


class BacklogEntry(NamedTuple):
    """A note that needed something when it was last looked at. mtime_ns: its time of change.

    word: "asked": the user has not answered yet; "left": they want it left alone; "free": it may
    be filled.
    """

    word: Word
    size: int
    mtime_ns: int
    sha256: str


_ENTRIES = TypeAdapter(dict[str, BacklogEntry])


class Backlog:
    """The notes of the vault at root that need something, and which of them may be filled unasked.

    state: the folder where that is kept across restarts. setting: background.backlog. From any
    thread; paths are vault-relative.
    """

    def __init__(
        self,
        root: Path,
        state: Path,
        setting: BacklogSetting,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._root = root
        self._file = state / "backlog.json"
        self._setting = setting
        self._clock = clock
        self._lock = threading.RLock()
        self._recent: dict[str, float] = {}  # when each arrived, the oldest first
        self._words = Counter[Word]()
        self._alike: dict[str, dict[str, None]] = {}  # paths by what is in the notes
        known = _load(self._file)
        self._is_new, self._is_saved = known is None, False
        self._entries: dict[str, BacklogEntry] = {}
        for path, entry in (known or {}).items():
            self._put(path, entry._replace(word=self._word_now(entry.word)))
        self._is_saved = known == self._entries

    def sort(self, paths: Collection[str], *, whole: bool) -> set[str]:
        """Take down these notes, which need something; return which may not be filled any more.

        whole: they are all that do in the vault.
        """
        with self._lock:
            before, others = self._kept_back(), set(paths)
            arrived = [path for path in paths if not self._recognise(path, others)]
            kept = set(self._take(arrived))
            if whole:
                free = [path for path, entry in self._entries.items() if entry.word == "free"]
                for path in set(free) - others:
                    self._drop(path)
                if self._is_new:
                    self._is_new, self._recent, self._is_saved = False, {}, False
            if self._kept_back() != before or (whole and not self._is_saved):
                self._try_to_save()
            return kept

    def holds_back(self, path: str) -> bool:
        """Whether the note may not be filled unasked."""
        with self._lock:
            return path in self._entries and self._entries[path].word != "free"

    def asked(self, paths: Iterable[str]) -> tuple[str, ...]:
        """Return which of these notes the user has not answered for yet, sorted."""
        with self._lock:
            known = [(path, self._entries.get(path)) for path in paths]
            return tuple(sorted(path for path, entry in known if entry and entry.word == "asked"))

    def answer(self, *, fill: bool) -> None:
        """Take down whether those that the user was asked about may be filled.

        Raises UsageError when it cannot be kept; then nothing has changed.
        """
        with self._lock:
            before, self._recent = self._entries.copy(), {}
            for path, entry in before.items():
                if entry.word == "asked":
                    self._put(path, entry._replace(word="free" if fill else "left"))
            try:
                self._save()
            except UsageError:
                for path, entry in before.items():
                    self._put(path, entry)
                raise

    def _take(self, arrived: list[str]) -> Iterable[str]:
        """Take down notes that were not known before; yield those to be kept back."""
        now = self._clock()
        self._recent = {path: at for path, at in self._recent.items() if now - at <= _AT_ONCE}
        self._recent |= dict.fromkeys(arrived, now)
        for path in arrived:
            self._put(path, self._read(path, "free"))
        if not self._is_new and len(self._recent) <= MANY:
            return
        for path in self._recent:
            entry = self._entries.get(path)
            if entry and entry.word == "free" and (word := self._word_now("asked")) != "free":
                self._put(path, entry._replace(word=word))
                yield path

    def _recognise(self, path: str, others: set[str]) -> bool:
        """Whether the note was known before, under this name or another, and is not a new one.

        One that was kept back, and that somebody has edited since, is as good as new. others:
        notes that still have their names.
        """
        entry = self._entries.get(path) or self._follow(path, others)
        if entry is None or self._is_as(path, entry):
            return entry is not None
        read = self._read(path, entry.word)
        if entry.word != "free" and read.sha256 != entry.sha256:
            self._drop(path)
            return False
        self._put(path, read)
        return True

    def _follow(self, path: str, others: set[str]) -> BacklogEntry | None:
        """Return the entry of a note that was renamed to path, which is its own from now on."""
        digest = self._read(path, "free").sha256 if self._entries else ""
        for old in list(self._alike.get(digest, ())):
            if old not in others and not self._is_other(old, path):
                entry = self._entries[old]
                self._drop(old)
                self._put(path, entry)
                return entry
        return None

    def _is_other(self, old: str, new: str) -> bool:
        """Whether there still is a note called old, and it is not the one called new."""
        try:
            return not (self._root / old).samefile(self._root / new)
        except OSError:
            return False

    def _is_as(self, path: str, entry: BacklogEntry) -> bool:
        """Whether the note looks as it did, or is not there to be looked at."""
        try:
            seen = (self._root / path).stat()
        except OSError:
            return True
        return (seen.st_size, seen.st_mtime_ns) == (entry.size, entry.mtime_ns)

    def _read(self, path: str, word: Word) -> BacklogEntry:
        file = self._root / path
        try:
            seen, data = file.stat(), file.read_bytes()
        except OSError:
            return BacklogEntry(word, -1, 0, "")
        return BacklogEntry(word, len(data), seen.st_mtime_ns, sha256(data).hexdigest())

    def _word_now(self, word: Word) -> Word:
        """Return what becomes of a note under the setting, when it is or was this."""
        if self._setting == "all":
            return "free"
        return "left" if word == "asked" and self._setting == "new" else word

    def _kept_back(self) -> tuple[int, int]:
        return self._words["asked"], self._words["left"]

    def _put(self, path: str, entry: BacklogEntry) -> None:
        self._drop(path)
        self._is_saved = False
        self._entries[path] = entry
        self._words[entry.word] += 1
        if entry.sha256:
            self._alike.setdefault(entry.sha256, {})[path] = None

    def _drop(self, path: str) -> None:
        if entry := self._entries.pop(path, None):
            self._is_saved = False
            self._words[entry.word] -= 1
            alike = self._alike.get(entry.sha256, {})
            alike.pop(path, None)
            if not alike:
                self._alike.pop(entry.sha256, None)

    def _try_to_save(self) -> None:
        try:
            self._save()
        except UsageError as error:
            _log.warning("which notes lay here before is not kept: %s", error)

    def _save(self) -> None:
        data = json.dumps(self._entries, separators=(",", ":")).encode()
        write_private(self._file, data)
        self._is_saved = True


def _load(file: Path) -> dict[str, BacklogEntry] | None:
    """Return what is kept in file; None when nothing is, or nothing that can be read."""
    try:
        return _ENTRIES.validate_json(file.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        _log.warning("%s cannot be read (%s); it is begun anew", file, type(error).__name__)
        return None
