"""What is known of each note, kept between runs so that only changed notes are read again."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from companion.errors import NoteError
from companion.note.needs import Facts
from companion.vault.cache import Cache, Row
from companion.vault.files import NoteFile, SkippedFile, explain, read_file, walk_notes
from companion.vault.ignore import IgnoreRules

Examine = Callable[[str, bytes], Facts]
Progress = Callable[[int, int], None]

# Git's rule for "racily clean" entries: a note written as long as this ago may be written once
# more without a new time, since file systems count in steps of up to two seconds (FAT).
_SETTLED_NS = 2_000_000_000
_STEP = 64


class _Known(NamedTuple):
    file: NoteFile
    facts: Facts


@dataclass
class Scan:
    """What a walk over the vault found.

    `notes`: the facts of each note that was read, by path, in the order of the walk; they are
    shared with the index, so change none. `skipped`: why files and folders were left alone
    unread, by path. `read`: how many notes were read, the others being known.
    """

    notes: dict[str, Facts] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    read: int = 0

    def names(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield the path and the aliases of each note: what links may point to."""
        for path, facts in self.notes.items():
            yield path, facts.aliases

    def vocabulary(self, name: str) -> Counter[str]:
        """Return how many notes use each value of the property called name."""
        used: Counter[str] = Counter()
        for facts in self.notes.values():
            used.update(set(facts.values.get(name, ())))
        return used


class Index:
    """A cache of what is known of the notes of one vault, in file; without one, in memory only.

    It costs nothing but time to lose. Not for several threads at once; several processes may
    share the file.
    """

    def __init__(self, file: Path | None) -> None:
        self._cache = None if file is None else Cache(file)
        self._fingerprint: str | None = None
        self._known: dict[str, _Known] = {}

    def scan(
        self,
        root: Path,
        rules: IgnoreRules,
        examine: Examine,
        fingerprint: str,
        progress: Progress | None = None,
    ) -> Scan:
        """Return the facts of all notes in the vault at root; only changed ones are examined.

        examine(path, data) makes a note's facts. fingerprint stands for all else that they
        depend on (rules, version of the program): under another one nothing known is used.
        progress is told now and then how many files are done, of how many.
        """
        self._recall(fingerprint)
        settled = time.time_ns() - _SETTLED_NS
        known, kept, scan = self._known, {}, Scan()
        found = list(walk_notes(root, rules))
        for done, file in enumerate(found, 1):
            if isinstance(file, SkippedFile):
                scan.skipped[file.path] = file.reason
            elif (before := known.get(file.path)) and before.file == file:
                scan.notes[file.path] = before.facts
                kept[file.path] = before
            else:
                scan.read += 1
                _read(f"{root}/{file.path}", file, examine, scan)
                if file.path in scan.notes and max(file.mtime_ns, file.ctime_ns) < settled:
                    kept[file.path] = _Known(file, scan.notes[file.path])
            if progress and (done % _STEP == 0 or done == len(found)):
                progress(done, len(found))
        self._keep(kept, fingerprint)
        return scan

    def _recall(self, fingerprint: str) -> None:
        """Make the rows under fingerprint the known ones."""
        if self._fingerprint == fingerprint:
            return
        self._known, self._fingerprint = {}, fingerprint
        load = lru_cache(maxsize=1024)(Facts.load)  # most notes' facts are alike
        for row in self._cache.load(fingerprint) if self._cache else ():
            try:
                self._known[row.path] = _Known(NoteFile(*row[:-1]), load(row.facts))
            except (ValueError, TypeError, AttributeError):
                continue  # no facts of ours; the note is read again

    def _keep(self, kept: dict[str, _Known], fingerprint: str) -> None:
        """Make kept what is known, and write what is new in it to the file."""
        before, self._known = self._known, kept
        gone = before.keys() - kept.keys()
        new = [known for path, known in kept.items() if before.get(path) is not known]
        if self._cache and (gone or new):
            self._cache.save(fingerprint, gone, _rows(new), _rows(kept.values()))


def _read(path: str, file: NoteFile, examine: Examine, scan: Scan) -> None:
    """Put the note's facts into the scan, or the reason why there are none."""
    try:
        data = read_file(path, file.size)
        if data is None:
            scan.skipped[file.path] = "it changed while it was read; it may still be syncing"
        else:
            scan.notes[file.path] = examine(file.path, data)
    except OSError as error:
        scan.skipped[file.path] = explain(error)
    except NoteError as error:
        scan.skipped[file.path] = error.reason


def _rows(known: Iterable[_Known]) -> Iterator[Row]:
    return (Row(*file, facts.dump()) for file, facts in known)
