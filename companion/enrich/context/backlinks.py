"""Backlinks: sentences about a note in other notes, and descriptions of the notes it links to."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from threading import Lock
from types import MappingProxyType
from typing import NamedTuple

from companion.enrich.context.vault_context import VaultContext
from companion.enrich.workspace import Workspace
from companion.language.statements import (
    Passage,
    Quotation,
    Statement,
    find_statements,
    read_passages,
)
from companion.language.words import find_tokens, letters
from companion.llm.endpoint import estimate_tokens
from companion.note.link_names import file_name
from companion.note.needs import DESCRIPTION
from companion.note.parsed_note import ParsedNote, name_note
from companion.note.sanitize import inert_value
from companion.store.journal import Journal
from companion.vault.files import NoteFile, stat_note

_SOURCES = 24  # notes that link to a note, or that it links to, which are read
_CACHED = 256  # notes whose passages are kept
_LARGEST = 100_000  # bytes of one
_EACH = 2  # statements of one note
_DESCRIPTIONS = 3  # of notes that it links to
_ALIKE = 0.8  # of the words of two statements; then the second says nothing new
_FRAME = 6  # tokens around one: the dash, the brackets, "from"


class RelatedTexts(NamedTuple):
    """What a prompt shows of other notes, each on one line, with the title of the note it is from.

    backlinks: what notes that link to the note say. linked: the descriptions, by their authors, of
    notes that the note links to. quotable: the backlinks that are about the note and make sense in
    it. files: the notes that they may come from. paths: the note that each line is from.
    """

    backlinks: tuple[str, ...] = ()
    linked: tuple[str, ...] = ()
    quotable: tuple[Quotation, ...] = ()
    files: tuple[NoteFile, ...] = ()
    paths: Mapping[str, str] = MappingProxyType({})


class Source(NamedTuple):
    """A note that may say something about others. description: its author's; empty: it has none."""

    file: NoteFile
    path: str
    title: str
    passages: Sequence[Passage]
    description: str


class Backlinks:
    """The backlinks and descriptions of a vault's notes. Safe to use from any thread.

    Notes that are left alone or private reveal nothing, whichever model is asked: its answer goes
    into a note that another model may read.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._lock = Lock()  # a note that many others link to is read by one thread
        self._cached = lru_cache(maxsize=_CACHED)(self._read_source)

    def find_related(
        self, vault: VaultContext, path: str, parsed: ParsedNote, budget: int | None
    ) -> RelatedTexts:
        """Return what other notes say about the note at path, and descriptions that it links to.

        parsed: the note as it is now. budget: about how many tokens they may take; None: any
        number. Definitions come first, then the sentences that say most.
        """
        if budget is not None and budget <= _FRAME:
            return RelatedTexts()
        names = {file_name(path), name_note(parsed, path), *parsed.properties.aliases}
        statements = list(self._statements(vault, path, names))
        lines = {
            f"{statement.text} (from “{source.title}”)": source.path
            for statement, source in statements
        }
        backlinks, tokens_free = _take(lines, budget)
        links = vault.links.linked_in(parsed.note.text, path)
        linked_notes = self.find_described(vault, links, _DESCRIPTIONS)
        described = {f"{each.title}: {each.description}": each.path for each in linked_notes}
        linked, _ = _take(described, tokens_free)
        quotable = (
            Quotation(statement.text, source.path, source.title)
            for statement, source in statements
            if statement.is_quotable
        )
        sources = (*(source for _, source in statements), *linked_notes)
        files = tuple(dict.fromkeys(source.file for source in sources))
        return RelatedTexts(backlinks, linked, tuple(quotable), files, described | lines)

    def find_described(
        self, vault: VaultContext, paths: Iterable[str], most: int, looked_at: int = _SOURCES
    ) -> list[Source]:
        """Return the first of these notes with a description by their author.

        looked_at: the most notes to read.
        """
        sources = self._sources(vault, paths, looked_at)
        return [*islice((source for source in sources if source.description), most)]

    def _statements(
        self, vault: VaultContext, path: str, names: Collection[str]
    ) -> Iterator[tuple[Statement, Source]]:
        """Yield sentences of other notes about the note, the best first, without repetitions."""
        ranked: list[tuple[Statement, Source]] = []
        for source in self._sources(vault, vault.links.linking_to(path)):

            def leads_here(target: str, other: str = source.path) -> bool:
                return vault.links.leads_to(target, other) == path

            statements = find_statements(source.passages, leads_here, names)
            best = sorted(statements, key=Statement.rank)[:_EACH]
            ranked += [(statement, source) for statement in best]
        seen_letters: set[str] = set()
        yielded_words: list[set[str]] = []
        for statement, source in sorted(ranked, key=lambda one: one[0].rank()):
            words = set(find_tokens(statement.text))
            is_repeated = any(len(words & other) >= _ALIKE * len(words) for other in yielded_words)
            if letters(statement.text) not in seen_letters and not is_repeated:
                seen_letters.add(letters(statement.text))
                yielded_words.append(words)
                yield statement, source

    def _sources(
        self, vault: VaultContext, paths: Iterable[str], most: int = _SOURCES
    ) -> Iterator[Source]:
        """Yield those of the first notes that may reveal something."""
        for path in islice(filter(vault.may_tell, paths), most):
            # as it is now: it may have become private since the scan
            if file := stat_note(self._workspace.root, path):
                with self._lock:
                    source = self._cached(file)
                if source:
                    yield source

    def _read_source(self, file: NoteFile) -> Source | None:
        """Return the note; None if it must not reveal anything, or is being changed."""
        parsed = None if file.size > _LARGEST else self._workspace.read_source(file)
        if parsed is None:
            return None
        description = parsed.properties.get(DESCRIPTION)
        is_given = isinstance(description, str) and bool(description.strip())
        if not is_given or wrote_description(self._workspace.journal, file.path, parsed):
            description = ""
        said = inert_value(str(description))
        title = name_note(parsed, file.path)
        return Source(file, file.path, title, read_passages(parsed), said)


def wrote_description(journal: Journal, path: str, parsed: ParsedNote) -> bool:
    """Return whether Companion wrote the note's description, and nobody has edited it."""
    text = parsed.note.yaml
    return any(
        DESCRIPTION in change.names[part].casefold().split(", ") and edit.text.strip() in text
        for change in journal.changes(path)
        if change.kind == "enrich" and change.state in ("pending", "done")
        for part, edit in enumerate(change.edits)
        if part not in change.taken
    )


def _take(lines: Iterable[str], budget: int | None) -> tuple[tuple[str, ...], int | None]:
    """Return the first lines that fit into the budget, and the rest of the budget."""
    taken = []
    for line in lines:
        cost = estimate_tokens(line) + _FRAME
        if budget is None or cost <= budget:
            taken.append(line)
            budget = None if budget is None else budget - cost
    return tuple(taken), budget
