"""Backlinks: sentences about a note in other notes, and descriptions of the notes it links to."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import lru_cache
from itertools import islice
from threading import Lock
from typing import NamedTuple

from companion.enrich.context.vault_context import VaultContext
from companion.enrich.workspace import Workspace
from companion.language.detection import find_other_language
from companion.language.words import find_sentences, find_tokens, plain_text, width
from companion.llm.endpoint import estimate_tokens
from companion.note.link_names import file_name
from companion.note.links import likely_targets
from companion.note.needs import DESCRIPTION
from companion.note.note import ParsedNote, name_note
from companion.note.safe_text import inert_value
from companion.note.tags import has_only_tags
from companion.vault.files import NoteFile, stat_note

_OF_ITSELF = re.compile(r"(?:this|these|here|in this|i|we|my)\b|本|这|我|在本", re.IGNORECASE)
"""how a description begins that speaks as the prompt forbids: "This page ...", "本文…", "I ..." """

_SOURCES = 24  # notes that link to a note, or that it links to, which are read
_CACHED = 256  # notes that are kept
_LARGEST = 100_000  # bytes of one
_EACH = 2  # sentences of one note
_DESCRIPTIONS = 3  # of notes that it links to
_LONGEST = 320  # letters of a passage; of a longer one, the sentences with the link count
_LEAST = 4  # words beside the names of the note
_ALIKE = 0.8  # of the words of two sentences; then the second says nothing new
_EXAMPLES, _READ_FOR_EXAMPLES = 3, 24  # descriptions of others; notes read to find them
_STOPS = (".", "!", "?", "。", "！", "？")
_BEST = 100  # letters of an example, about; a Chinese sign counts as 2.5
_FRAME = 6  # tokens around one: the dash, the brackets, "from"

_MARKER = re.compile(r"^(?:\[.\]\s+|\[!\w+\][+-]?\s*)+")  # of a task, or a callout


class RelatedTexts(NamedTuple):
    """What a prompt shows of other notes, each on one line, with the title of the note it is from.

    backlinks: what notes that link to the note say. linked: the descriptions of notes that the note
    links to. files: the notes that they are from.
    """

    backlinks: tuple[str, ...] = ()
    linked: tuple[str, ...] = ()
    files: tuple[NoteFile, ...] = ()


class _Source(NamedTuple):
    """A note that may say something about others: its passages with links, and its description."""

    file: NoteFile
    title: str
    passages: tuple[str, ...]
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
        # paths, by language and folder
        self._examples: dict[tuple[str | None, str], list[str]] = {}

    def find_related(
        self,
        vault: VaultContext,
        path: str,
        parsed: ParsedNote,
        budget: int,
        *,
        is_small: bool = False,
    ) -> RelatedTexts:
        """Return what other notes say about the note at path, and descriptions that it links to.

        parsed: the note as it is now. is_small: without the latter, which a small model takes for
        what the note itself is about. budget: about how many tokens they may take.
        Sentences that begin with the note's name come first, then those that say most.
        """
        if budget <= _FRAME:
            return RelatedTexts()
        names = {file_name(path), name_note(parsed, path), *parsed.properties.aliases}
        said: dict[str, NoteFile] = {}
        for text, source in self._find_sentences(vault, path, names):
            said[f"{text} (from “{source.title}”)"] = source.file
        links = () if is_small else vault.links.linked_in(parsed.note.text, path)
        described = (each for each in self._sources(vault, links) if each.description)
        told = {
            f"{each.title}: {each.description}": each.file
            for each in islice(described, _DESCRIPTIONS)
        }
        backlinks, tokens_free = _take(said, budget)
        linked, _ = _take(told, tokens_free)
        files = tuple(dict.fromkeys((*said.values(), *told.values())))
        return RelatedTexts(backlinks, linked, files)

    def find_examples(
        self, vault: VaultContext, path: str, language: str | None
    ) -> dict[str, NoteFile]:
        """Return descriptions of other notes, by their authors, in the language, as examples.

        They are from a few notes all over the vault, or in the same folder at its top if that has
        enough; neither long nor short.
        """

        def describe(paths: Iterable[str]) -> Iterator[_Source]:
            for each in self._sources(vault, paths):
                said = each.description  # with a full stop, as the prompt asks for
                is_fit = said.endswith(_STOPS) and not _OF_ITSELF.match(said)
                if is_fit and not find_other_language(said, language or ""):
                    yield each

        folder, slash, _ = path.partition("/")
        for key in dict.fromkeys(((language, folder * bool(slash) + slash), (language, ""))):
            if key not in self._examples:
                filled = self._workspace.journal.filled_notes(DESCRIPTION)
                paths = [p for p in vault.paths if p.startswith(key[1]) and p not in filled]
                spread = describe(paths[:: max(1, len(paths) // _READ_FOR_EXAMPLES)])
                best = sorted(spread, key=lambda each: abs(width(each.description) - _BEST))
                self._examples[key] = [each.file.path for each in best[: _EXAMPLES + 1]]
            if len(self._examples[key]) > _EXAMPLES:
                break
        others = (each for each in self._examples[key] if each != path)
        return {each.description: each.file for each in islice(describe(others), _EXAMPLES)}

    def _find_sentences(
        self, vault: VaultContext, path: str, names: Collection[str]
    ) -> Iterator[tuple[str, _Source]]:
        """Yield sentences of other notes about the note, the best first, without repetitions."""
        own = {token for name in names for token in find_tokens(name)}
        ranked: list[tuple[bool, int, str, set[str], _Source]] = []
        for source in self._sources(vault, vault.links.linking_to(path)):

            def leads_here(text: str, other: str = source.file.path) -> bool:
                return any(vault.links.leads_to(t, other) == path for t in likely_targets(text))

            best = []
            for text in _cut(source.passages, leads_here):
                words = set(find_tokens(text)) - own
                is_first = any(text.casefold().startswith(name.casefold()) for name in names)
                if len(words) >= _LEAST:
                    best.append((not is_first, -len(words), text, words, source))
            ranked += sorted(best, key=lambda each: each[:3])[:_EACH]
        seen: list[set[str]] = []
        for _, _, text, words, source in sorted(ranked, key=lambda each: each[:2]):
            if not any(len(words & other) >= _ALIKE * len(words) for other in seen):
                seen.append(words)
                yield text, source

    def _sources(self, vault: VaultContext, paths: Iterable[str]) -> Iterator[_Source]:
        """Yield those of the first notes that may reveal something."""
        for path in islice(filter(vault.may_tell, paths), _SOURCES):
            # as it is now: it may have become private since the scan
            if file := stat_note(self._workspace.root, path):
                with self._lock:
                    source = self._cached(file)
                if source:
                    yield source

    def _read_source(self, file: NoteFile) -> _Source | None:
        """Return the note; None if it must not reveal anything, or is being changed."""
        parsed = None if file.size > _LARGEST else self._workspace.read_source(file)
        if parsed is None:
            return None
        description = parsed.properties.get(DESCRIPTION)
        said = inert_value(description) if isinstance(description, str) else ""
        return _Source(file, name_note(parsed, file.path), tuple(_find_passages(parsed)), said)


def _find_passages(parsed: ParsedNote) -> Iterator[str]:
    """Yield the paragraphs, list items and table rows with a link, outside of AI callouts."""
    passages: list[str] = []
    hidden, is_open = parsed.callout_lines, False
    for number, line in enumerate(parsed.lines):
        if number in hidden or line.kind != "text" or has_only_tags(line):
            is_open = False
            continue
        text = line.visible[line.content :].strip()
        if is_open and not line.starts_block and not text.startswith("|"):
            passages[-1] += f" {text}"
        else:
            passages.append(_MARKER.sub("", text))
        is_open = not text.startswith(("|", "[!"))
    return (each for each in passages if "](" in each or "[[" in each)


def _cut(passages: Iterable[str], leads_here: Callable[[str], bool]) -> Iterator[str]:
    """Yield what the passages say of the note, as a reader sees it, on one line each."""
    for passage in filter(leads_here, passages):
        if passage.startswith("|"):
            cells = passage.replace("\\|", "\0").strip("|").split("|")
            yield _plain(": ".join(cell.strip().replace("\0", "|") for cell in cells))
        elif width(passage) <= _LONGEST and len(list(find_sentences([passage]))) == 1:
            yield _plain(passage)
        else:
            yield from map(_plain, filter(leads_here, find_sentences([passage])))


def _plain(text: str) -> str:
    return inert_value(plain_text(text))[: 2 * _LONGEST]


def _take(lines: Iterable[str], budget: int) -> tuple[tuple[str, ...], int]:
    """Return the first lines that fit into the budget, and the rest of the budget."""
    taken = []
    for line in lines:
        cost = estimate_tokens(line) + _FRAME
        if cost <= budget:
            taken.append(line)
            budget -= cost
    return tuple(taken), budget
