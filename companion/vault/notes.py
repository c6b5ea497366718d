"""The notes of a vault, as a scan reads them: their facts, decoded on use, and their files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from companion.errors import NoteError
from companion.note.facts import Facts
from companion.vault.files import IndexedNote, NoteFile, describe_read_error
from companion.vault.ignore import IgnoreRules

Examine = Callable[[str, bytes], Facts]
"""Returns the facts of the note at a path, from its bytes."""
FindLinks = Callable[[Path, Mapping[str, NoteFile]], Iterator[tuple[str, str]]]
"""Yields the path of each of these notes in the vault, and the targets of its links."""


class Notes(Mapping[str, Facts]):
    """The facts of each note by path, in the order of the walk. Stored facts are decoded on use."""

    def __init__(self, root: Path, examine: Examine) -> None:
        self.root = root
        self._examine = examine
        self._facts: dict[str, Facts | str] = {}

    def __getitem__(self, path: str) -> Facts:
        facts = self._facts[path]
        if isinstance(facts, str):
            self._facts[path] = facts = self._decode(path, facts)
        return facts

    def __contains__(self, path: object) -> bool:
        return path in self._facts

    def __iter__(self) -> Iterator[str]:
        return iter(self._facts)

    def __len__(self) -> int:
        return len(self._facts)

    def put(self, path: str, facts: Facts | str) -> None:
        """Add a note's facts, or the text that Facts.dump made of them."""
        self._facts[path] = facts

    def drop(self, path: str) -> None:
        """Remove the note, if it is there."""
        self._facts.pop(path, None)

    def skipped(self, path: str) -> Facts | None:
        """Return the facts of the note if it is skipped; no facts of others are decoded."""
        facts = self._facts[path]
        if isinstance(facts, str) and not Facts.is_skipped(facts):
            return None
        facts = self[path]
        return facts if facts.skipped is not None else None

    def select(
        self, may_matter: Callable[[str], bool], *, keep: bool = False
    ) -> Iterator[tuple[str, Facts | None]]:
        """Yield all notes, with their facts only if they are already decoded or may matter.

        may_matter: called with the text that Facts.dump made of them. keep: facts that are decoded
        stay so; those of a large backlog would take a lot of memory.
        """
        for path, facts in self._facts.items():
            if not isinstance(facts, str):
                yield path, facts
            elif may_matter(facts):
                yield path, self[path] if keep else self._decode(path, facts)
            else:
                yield path, None

    def of_interest(self) -> Iterator[tuple[str, Facts]]:
        """Yield the notes that need something or are skipped."""
        for path, facts in self.select(lambda dumped: not Facts.needs_nothing(dumped)):
            if facts and (facts.needs or facts.skipped is not None):
                yield path, facts

    def with_reports(self) -> Iterator[tuple[str, Facts | None]]:
        """Yield all notes, with their facts only if these have something to report."""
        return self.select(lambda dumped: not Facts.reports_nothing(dumped), keep=True)

    def each(self) -> Iterator[tuple[str, Facts]]:
        """Yield all notes with their facts, which are not kept decoded."""
        for path, facts in self._facts.items():
            yield path, self._decode(path, facts) if isinstance(facts, str) else facts

    def copy(self) -> Notes:
        """Return a copy that does not change with this one."""
        copied = Notes(self.root, self._examine)
        copied._facts = self._facts.copy()
        return copied

    def _decode(self, path: str, dumped: str) -> Facts:
        try:
            return Facts.load(dumped)
        except (ValueError, TypeError, AttributeError):  # damaged in the index: read the note
            pass
        try:
            return self._examine(path, (self.root / path).read_bytes())
        except OSError as error:
            return Facts(skipped=describe_read_error(error))
        except NoteError as error:
            return Facts(skipped=error.reason)


class Files(MutableMapping[str, NoteFile]):
    """The notes as files, by path. The object for an unchanged note is made on use."""

    def __init__(self, files: dict[str, NoteFile | IndexedNote] | None = None) -> None:
        self._files = {} if files is None else files

    def __getitem__(self, path: str) -> NoteFile:
        file = self._files[path]
        return file if isinstance(file, NoteFile) else NoteFile(*file[:5])

    def __setitem__(self, path: str, file: NoteFile | IndexedNote) -> None:
        self._files[path] = file

    def __delitem__(self, path: str) -> None:
        del self._files[path]

    def __contains__(self, path: object) -> bool:
        return path in self._files

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def inodes(self) -> Iterator[tuple[str, int]]:
        """Yield the path and the inode of each."""
        for path, file in self._files.items():
            yield path, file[4]

    def copy(self) -> Files:
        """Return a copy that does not change with this one."""
        return Files(self._files.copy())


@dataclass
class Scan:
    """What a walk over the vault found.

    skipped: why files and folders were left out without being read, by path. read: how many notes
    were read; the facts of the others were in the index. files: the notes as files, by path. rules:
    the rules by which files were left out. basis: all settings that the facts depend on, as the
    caller describes them; None: none. find_links: of the index that it was made with.
    """

    notes: Notes
    skipped: dict[str, str]
    read: int = 0
    files: Files = field(default_factory=Files)
    rules: IgnoreRules = field(default_factory=IgnoreRules)
    basis: object = None
    find_links: FindLinks | None = None

    def copy(self) -> Scan:
        """Return a copy, for another thread to read while this one is refreshed."""
        notes, skipped, files = self.notes.copy(), self.skipped.copy(), self.files.copy()
        return replace(self, notes=notes, skipped=skipped, files=files)

    def link_targets(self) -> Iterator[tuple[str, str]]:
        """Yield the path of each note, and the targets of its links, a line each.

        Only notes that have changed since the last time are read. An unreadable note has none.
        """
        assert self.find_links, "an index made it"
        return self.find_links(self.notes.root, self.files)

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
