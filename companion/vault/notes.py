"""The notes of a vault, as a scan reads them: their facts, decoded on use, and their files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from companion.note.facts import Facts
from companion.vault.files import NoteFile
from companion.vault.ignore import IgnoreRules

Examine = Callable[[str, bytes], Facts]
"""Returns the facts of the note at a path, from its bytes."""
FindLinks = Callable[[Path, Mapping[str, NoteFile]], Iterator[tuple[str, str]]]
"""Yields the path of each of these notes in the vault, and the targets of its links."""


class Notes(Mapping[str, Facts]):
    """The facts of each note by path, in the order of the walk. Stored facts are decoded on use."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._facts: dict[str, Facts | str] = {}

    def __getitem__(self, path: str) -> Facts:
        facts = self._facts[path]
        if isinstance(facts, str):
            self._facts[path] = facts = Facts.load(facts)
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
                yield path, self[path] if keep else Facts.load(facts)
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
            yield path, Facts.load(facts) if isinstance(facts, str) else facts


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
    files: dict[str, NoteFile] = field(default_factory=dict)
    rules: IgnoreRules = field(default_factory=IgnoreRules)
    basis: object = None
    find_links: FindLinks | None = None

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
