"""Facts of each note, kept between runs so that only changed notes are read again."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

from companion.errors import NoteError
from companion.note.callouts import Style
from companion.note.facts import Facts
from companion.note.needs import Need
from companion.vault.files import (
    IndexedNote,
    NoteFile,
    SkippedFile,
    describe_read_error,
    has_other_names,
    is_same_file,
    is_utf8,
    printable_path,
    read_file,
    with_parent_folders,
)
from companion.vault.ignore import IgnoreRules
from companion.vault.index_cache import INDEX, NoteCache, link_targets
from companion.vault.notes import Examine, Files, Notes
from companion.vault.walk import walk_indexed, walk_notes

ScanProgress = Callable[[int, int], None]

_PROGRESS_STEP = 64  # notes
_SHAPE = repr((Facts._fields, Need._fields))


@dataclass
class Scan:
    """What a walk over the vault found.

    skipped: why files and folders were left out without being read, by path. read: how many notes
    were read; the facts of the others were in the index. files: the notes as files, by path. rules:
    the rules by which files were left out. basis: all settings that the facts depend on, as the
    caller describes them; None: none. cache: the index that it was made with.
    """

    notes: Notes
    skipped: dict[str, str]
    read: int = 0
    files: Files = field(default_factory=Files)
    rules: IgnoreRules = field(default_factory=IgnoreRules)
    basis: object = None
    cache: NoteCache | None = None

    def copy(self) -> Scan:
        """Return a copy, for another thread to read while this one is refreshed."""
        notes, skipped, files = self.notes.copy(), self.skipped.copy(), self.files.copy()
        return replace(self, notes=notes, skipped=skipped, files=files)

    def link_targets(self) -> Iterator[tuple[str, str]]:
        """Yield the targets of each note's links; notes may be read for it."""
        assert self.cache, "an index made it"
        return link_targets(self.cache, self.notes.root, self.files)

    def withheld_notes(self) -> frozenset[str]:
        """Return the paths of the notes that no other note may quote or mention.

        These are the private ones, whichever model is asked now, and those with a tag or property
        that excludes them. A note that cannot be understood might be one, so it counts, too.
        """
        marked = {path for path, facts in self._marked() if facts.marks}
        return frozenset(marked.union(filter(self.rules.is_private, self.notes)))

    def names(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield the path and the aliases of each note that links may point to."""
        for path, facts in self.notes.select(lambda dumped: not Facts.has_no_aliases(dumped)):
            yield path, facts.aliases if facts else ()

    def values(self, name: str) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield the path of each note that has values of the property called name, and these."""
        for path, facts in self.notes.select(Facts.finder(name)):
            if facts and (values := facts.values.get(name)):
                yield path, values

    def vocabulary(self, name: str, without: Collection[str] = ()) -> Counter[str]:
        """Return how many notes use each value of the property called name.

        without: paths of notes that do not count.
        """
        used: Counter[str] = Counter()
        for path, values in self.values(name):
            if path not in without:
                used.update(set(values))
        return used

    def marks(self) -> set[str]:
        """Return the marks of all notes, in words; see find_marks."""
        return {mark for _, facts in self._marked() for mark in facts.marks}

    def _marked(self) -> Iterator[tuple[str, Facts]]:
        for path, facts in self.notes.select(Facts.has_marks, keep=True):
            if facts:
                yield path, facts

    def styles(self, place: str, without: Collection[str] = ()) -> Counter[Style]:
        """Return how many notes use each style of AI callouts at the place; see find_styles.

        without: paths of notes that do not count.
        """
        used: Counter[Style] = Counter()
        for path, facts in self.notes.select(Facts.has_styles, keep=True):
            if facts and path not in without:
                used.update(facts.styles.get(place, ()))
        return used


class Index:
    """A cache of the facts of one vault's notes, in file; without it the next scan takes longer.

    For one thread at a time; several processes may share the file. What refresh finds is saved by
    the next scan.
    """

    def __init__(self, file: Path) -> None:
        self._cache = NoteCache(file, INDEX)
        self._fingerprint: str | None = None
        self._rows: dict[str, IndexedNote] = {}
        self._unsaved: set[str] = set()

    def scan(
        self,
        root: Path,
        rules: IgnoreRules,
        examine: Examine,
        fingerprint: str,
        progress: ScanProgress | None = None,
    ) -> Scan:
        """Return the facts of all notes in the vault at root; only changed notes are examined.

        examine(path, data) returns a note's facts. fingerprint: of everything else that they depend
        on; under another one all notes are examined. progress(done, total): numbers of files.
        """
        fingerprint += _SHAPE + repr(rules)
        fingerprint = sha256(fingerprint.encode("utf-8", "surrogateescape")).hexdigest()
        if self._fingerprint != fingerprint:
            loaded = list[IndexedNote]()
            self._cache.read(fingerprint, loaded.append, "SELECT * FROM notes")
            self._rows, self._fingerprint = {row[0]: row for row in loaded}, fingerprint
            self._unsaved.clear()
        scan = Scan(Notes(root, examine), {}, rules=rules, cache=self._cache)
        files = list(walk_indexed(root, rules, self._rows))
        unchanged = {each[0] for each in files if not isinstance(each, NoteFile | SkippedFile)}
        stale = self._rows.keys() - unchanged if len(unchanged) < len(self._rows) else set()
        self._add_files(files, root, examine, scan, stale, progress)
        _skip_other_names(root, scan, set(scan.notes))
        if self._unsaved:
            read = [row for path in self._unsaved if (row := self._rows.get(path))]
            deleted = self._unsaved - self._rows.keys()
            self._cache.save(fingerprint, "notes", deleted, read, self._rows.values())
        self._unsaved.clear()
        return scan

    def refresh(
        self, root: Path, rules: IgnoreRules, examine: Examine, scan: Scan, paths: Iterable[str]
    ) -> set[str]:
        """Bring the scan up to date for these paths; return the paths whose facts changed.

        The result is what a whole scan would find of these and of the folders above them. scan: the
        last one of this index, with the same root, rules and examine. New notes come last.
        """
        if scan.rules != rules:
            scan.rules, self._fingerprint = rules, None  # so that the next scan trusts no row
        touched = with_parent_folders(paths)
        names = {"."}.union(map(printable_path, touched))
        before = {name: (scan.notes.get(name), scan.skipped.pop(name, None)) for name in names}
        files = list(walk_notes(root, rules, touched))
        for name in names - {file.path for file in files if isinstance(file, NoteFile)}:
            scan.notes.drop(name)
            scan.files.pop(name, None)
        self._add_files(files, root, examine, scan, touched & self._rows.keys())
        readable = [file.path for file in files if file.path in scan.notes]
        _skip_other_names(root, scan, {path for path in readable if has_other_names(root, path)})
        now = {name: (scan.notes.get(name), scan.skipped.get(name)) for name in names}
        return {name for name in names if before[name] != now[name]}

    def _add_files(
        self,
        files: Sequence[NoteFile | SkippedFile | IndexedNote],
        root: Path,
        examine: Examine,
        scan: Scan,
        stale: set[str],
        progress: ScanProgress | None = None,
    ) -> None:
        """Put the files found into the scan, and the facts of those that were read into the rows.

        stale: paths of rows to delete, unless the file turns out to be unchanged.
        """
        now, rows, new = time.time_ns(), self._rows, list[IndexedNote]()
        for done, file in enumerate(files, 1):
            if isinstance(file, SkippedFile):
                scan.skipped[file.path] = file.reason
            elif not isinstance(file, NoteFile):
                scan.notes.put(file[0], file[5])
                scan.files[file[0]] = file
            elif (row := rows.get(file.path)) and row[:5] == file:
                scan.notes.put(file.path, row[5])
                scan.files[file.path] = file
                stale.discard(file.path)
            else:
                scan.files[file.path] = file
                facts = _read(root, file, examine, scan)
                if facts and file.is_settled(now) and is_utf8(dumped := facts.dump()):
                    new.append((*file, dumped))
                    scan.notes.put(file.path, dumped)  # which takes less memory
            if progress and (done % _PROGRESS_STEP == 0 or done == len(files)):
                progress(done, len(files))
        for path in stale:
            del rows[path]
        rows.update((row[0], row) for row in new)
        self._unsaved.update(stale, (row[0] for row in new))


def _skip_other_names(root: Path, scan: Scan, paths: set[str]) -> None:
    """Skip those of these notes that are hard links to another note, so that it is filled once.

    Some file systems give several files the same inode.
    """
    if not paths:
        return
    names = dict[int, list[str]]()
    for path, inode in scan.files.inodes():
        if path in scan.notes:
            names.setdefault(inode, []).append(path)
    for first, *others in names.values():
        for path in others:
            if is_same_file(root, first, path):
                kept, other = (first, path) if path in paths else (path, first)
                scan.notes.drop(other)
                scan.skipped[other] = f"another name of {kept} (a hard link), which is worked on"


def _read(root: Path, file: NoteFile, examine: Examine, scan: Scan) -> Facts | None:
    """Read the note into the scan and return its facts; None if it is skipped, with the reason."""
    scan.read += 1
    try:
        data = read_file(f"{root}/{file.path}", file.size)
        if data is not None:
            facts = examine(file.path, data)
            scan.notes.put(file.path, facts)
            return facts
        reason = "it changed while it was read; it may still be syncing"
    except OSError as error:
        reason = describe_read_error(error)
    except NoteError as error:
        reason = error.reason
    scan.notes.drop(file.path)
    scan.skipped[file.path] = reason
    return None
