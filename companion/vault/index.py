"""What is known of each note, kept between runs so that only changed notes are read again."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from companion.errors import NoteError
from companion.note.callouts import Style
from companion.note.facts import Facts
from companion.note.needs import Need
from companion.vault.files import (
    NoteFile,
    SkippedFile,
    explain,
    is_utf8,
    read_file,
    shown_path,
    walk_notes,
    with_folders,
)
from companion.vault.ignore import IgnoreRules
from companion.vault.index_cache import Cache, Row

Examine = Callable[[str, bytes], Facts]
ScanProgress = Callable[[int, int], None]

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

    def drop(self, path: str) -> None:
        """Forget the note, if it is known."""
        self._facts.pop(path, None)

    def of_interest(self) -> Iterator[tuple[str, Facts]]:
        """Yield the notes that need something or are skipped; of the others, nothing is decoded."""
        for path, facts in self._facts.items():
            if isinstance(facts, str) and Facts.needs_nothing(facts):
                continue
            if (facts := self[path]).needs or facts.skipped is not None:
                yield path, facts

    def with_callouts(self) -> Iterator[Facts]:
        """Yield the facts of all notes with AI callouts; of most others, nothing is decoded."""
        for path, facts in self._facts.items():
            if not isinstance(facts, str) or Facts.has_styles(facts):
                yield self[path]

    def with_marks(self) -> Iterator[Facts]:
        """Yield the facts of the notes with marks that keep them back; no others are decoded."""
        for path, facts in self._facts.items():
            if not isinstance(facts, str) or Facts.has_marks(facts):
                yield self[path]

    def copy(self) -> Notes:
        """Return the same notes, for what is put and dropped here not to change them."""
        copied = Notes(self._root, self._examine)
        copied._facts = self._facts.copy()
        return copied

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
    read; the others were known. `files`: the notes as files, by path.
    """

    notes: Notes
    skipped: dict[str, str]
    read: int = 0
    files: dict[str, NoteFile] = field(default_factory=dict)

    def copy(self) -> Scan:
        """Return the same, for another thread to read while this one is brought up to date."""
        return Scan(self.notes.copy(), self.skipped.copy(), self.read, self.files.copy())

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

    def marks(self) -> set[str]:
        """Return all marks that any note bears, in words; see find_marks."""
        return {mark for facts in self.notes.with_marks() for mark in facts.marks}

    def styles(self, place: str) -> Counter[Style]:
        """Return how many notes use each style of AI callouts at the place; see find_styles."""
        used: Counter[Style] = Counter()
        for facts in self.notes.with_callouts():
            used.update(facts.styles.get(place, ()))
        return used


class Index:
    """A cache of what is known of the notes of one vault, in file; without one, in memory only.

    It costs nothing but time to lose. Not for several threads at once; several processes may
    share the file. It may be kept for as long as the program runs: what look_again learns is
    written by the next scan.
    """

    def __init__(self, file: Path | None) -> None:
        self._cache = None if file is None else Cache(file)
        self._fingerprint: str | None = None
        self._known: dict[str, Row] = {}
        self._unsaved: set[str] = set()

    def scan(
        self,
        root: Path,
        rules: IgnoreRules,
        examine: Examine,
        fingerprint: str,
        progress: ScanProgress | None = None,
    ) -> Scan:
        """Return the facts of all notes in the vault at root; only changed ones are examined.

        examine(path, data) makes a note's facts. fingerprint stands for all else that they
        depend on (rules, version of the program): under another one nothing known is used.
        progress is told now and then how many files are done, of how many.
        """
        self._recall(fingerprint + _SHAPE)
        scan = Scan(Notes(root, examine), {})
        gone = set(self._known)
        self._take(list(walk_notes(root, rules)), root, examine, scan, gone, progress)
        self._save()
        return scan

    def look_again(
        self, root: Path, rules: IgnoreRules, examine: Examine, scan: Scan, paths: Iterable[str]
    ) -> set[str]:
        """Bring the scan's facts of these paths up to date; return those that are other now.

        They become what a whole scan would find: of notes that are new, changed, gone or left
        alone, and of the folders on the way to them. scan is this index's last one; root, rules
        and examine are those it was made with. A new note comes last in the scan's order.
        """
        touched = with_folders(paths)
        names = {"."}.union(map(shown_path, touched))
        before = {name: (scan.notes.get(name), scan.skipped.pop(name, None)) for name in names}
        found = list(walk_notes(root, rules, touched))
        for name in names - {file.path for file in found if isinstance(file, NoteFile)}:
            scan.notes.drop(name)
            scan.files.pop(name, None)
        self._take(found, root, examine, scan, touched & self._known.keys())
        return {name for name in names if before[name] != _held(scan, name)}

    def _take(
        self,
        found: list[NoteFile | SkippedFile],
        root: Path,
        examine: Examine,
        scan: Scan,
        gone: set[str],
        progress: ScanProgress | None = None,
    ) -> None:
        """Put what was found into the scan and the rows; those of gone that were not leave."""
        now, known, new = time.time_ns(), self._known, list[Row]()
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
        scan.files.update((file.path, file) for file in found if isinstance(file, NoteFile))
        for path in gone:
            del known[path]
        known.update((row[0], row) for row in new)
        self._unsaved.update(gone, (row[0] for row in new))

    def _recall(self, fingerprint: str) -> None:
        """Make the rows under fingerprint the known ones."""
        if self._fingerprint != fingerprint:
            rows = self._cache.load(fingerprint) if self._cache else []
            self._known, self._fingerprint = {row[0]: row for row in rows}, fingerprint
            self._unsaved.clear()

    def _save(self) -> None:
        """Write the rows that are other than in the file."""
        if self._cache and self._fingerprint and self._unsaved:
            read = [row for path in self._unsaved if (row := self._known.get(path))]
            gone = self._unsaved - self._known.keys()
            self._cache.save(self._fingerprint, gone, read, self._known.values())
        self._unsaved.clear()


def _held(scan: Scan, path: str) -> tuple[Facts | None, str | None]:
    return scan.notes.get(path), scan.skipped.get(path)


def _read(root: Path, file: NoteFile, examine: Examine, scan: Scan) -> Facts | None:
    """Return the note's facts, put into the scan; None with the reason there why not."""
    scan.read += 1
    try:
        data = read_file(f"{root}/{file.path}", file.size)
        if data is not None:
            facts = examine(file.path, data)
            scan.notes.put(file.path, facts)
            return facts
        reason = "it changed while it was read; it may still be syncing"
    except OSError as error:
        reason = explain(error)
    except NoteError as error:
        reason = error.reason
    scan.notes.drop(file.path)
    scan.skipped[file.path] = reason
    return None
