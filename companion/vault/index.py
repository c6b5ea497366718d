"""What is known of each note, kept between runs so that only changed notes are read again."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from companion.errors import NoteError
from companion.note.needs import Facts, Need
from companion.vault.cache import Cache, Row
from companion.vault.files import NoteFile, SkippedFile, explain, is_utf8, read_file, walk_notes
from companion.vault.ignore import IgnoreRules

Examine = Callable[[str, bytes], Facts]
Progress = Callable[[int, int], None]

# Git's rule for "racily clean" entries: a note written as short ago as this may be written once
# more without getting a new time, since file systems count in steps of up to two seconds (FAT).
_SETTLED_NS = 2_000_000_000
_STEP = 64
_SHAPE = repr((Facts._fields, Need._fields))


class Notes(Mapping[str, Facts]):
    """The facts of each note by path, in the order of the walk. Known ones are decoded on use."""

    def __init__(self, root: Path, examine: Examine) -> None:
        self._root = root
        self._examine = examine
        self._facts: dict[str, Facts | str] = {}

    def __getitem__(self, path: str) -> Facts:
        facts = self._facts[path]
        if isinstance(facts, str):
            facts = self._facts[path] = self._decode(path, facts)
        return facts

    def __contains__(self, path: object) -> bool:
        return path in self._facts

    def __iter__(self) -> Iterator[str]:
        return iter(self._facts)

    def __len__(self) -> int:
        return len(self._facts)

    def put(self, path: str, facts: Facts | str) -> None:
        """Add a note's facts, or what Facts.dump made of them."""
        self._facts[path] = facts

    def _decode(self, path: str, facts: str) -> Facts:
        try:
            return Facts.load(facts)
        except (ValueError, TypeError, AttributeError):  # damaged within the index: look again
            try:
                return self._examine(path, (self._root / path).read_bytes())
            except OSError as error:
                return Facts(skipped=explain(error))
            except NoteError as error:
                return Facts(skipped=error.reason)


@dataclass
class Scan:
    """What a walk over the vault found.

    `skipped`: why files and folders were left alone unread, by path. `read`: how many notes were
    read; the others were known.
    """

    notes: Notes
    skipped: dict[str, str]
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
        self._known: dict[str, Row] = {}

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
        self._recall(fingerprint + _SHAPE)
        now = time.time_ns()
        known, scan = self._known, Scan(Notes(root, examine), {})
        new: list[Row] = []
        gone = set(known)
        found = list(walk_notes(root, rules))
        for done, file in enumerate(found, 1):
            if isinstance(file, SkippedFile):
                scan.skipped[file.path] = file.reason
            elif (row := known.get(file.path)) and row[:5] == file:
                scan.notes.put(file.path, row[5])
                gone.discard(file.path)
            else:
                facts = _read(root, file, examine, scan)
                settled = max(file.mtime_ns, file.ctime_ns) < now - _SETTLED_NS
                if facts and settled and is_utf8(dumped := facts.dump()):
                    new.append((*file, dumped))
            if progress and (done % _STEP == 0 or done == len(found)):
                progress(done, len(found))
        self._keep(new, gone)
        return scan

    def _recall(self, fingerprint: str) -> None:
        """Make the rows under fingerprint the known ones."""
        if self._fingerprint != fingerprint:
            rows = self._cache.load(fingerprint) if self._cache else []
            self._known, self._fingerprint = {row[0]: row for row in rows}, fingerprint

    def _keep(self, new: list[Row], gone: set[str]) -> None:
        """Take the new rows in and the gone ones out, here and in the file."""
        for path in gone:
            del self._known[path]
        self._known.update((row[0], row) for row in new)
        if self._cache and self._fingerprint and (gone or new):
            self._cache.save(self._fingerprint, gone, new, self._known.values())


def _read(root: Path, file: NoteFile, examine: Examine, scan: Scan) -> Facts | None:
    """Return the note's facts, put into the scan; None with the reason there why not."""
    scan.read += 1
    try:
        data = read_file(f"{root}/{file.path}", file.size)
        if data is not None:
            facts = examine(file.path, data)
            scan.notes.put(file.path, facts)
            return facts
        scan.skipped[file.path] = "it changed while it was read; it may still be syncing"
    except OSError as error:
        scan.skipped[file.path] = explain(error)
    except NoteError as error:
        scan.skipped[file.path] = error.reason
    return None
