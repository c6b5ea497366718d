"""Similar notes, and the tags and note types that they suggest.

The ten most similar notes that have values vote, weighted by their similarity. A value with most of
the votes is taken; where none has, the model chooses, and sees theirs first. Everything is compared
on this machine.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from heapq import nlargest
from threading import RLock
from typing import TYPE_CHECKING, NamedTuple

from companion.enrich.context.vault_context import VaultContext
from companion.enrich.workspace import Workspace
from companion.errors import AnswerError, EndpointError
from companion.llm.encoder import BUILT_IN_LANGUAGES, BuiltInEncoder
from companion.note.link_names import without_extension
from companion.note.needs import Need
from companion.note.note import ParsedNote, find_title
from companion.note.safe_line import without_links
from companion.note.tags import without_tags
from companion.prompts import Field
from companion.store.proposals import Proposal
from companion.vault.files import NoteFile
from companion.vault.notes import Scan

if TYPE_CHECKING:
    from companion.store.vectors import VectorRow

FEWEST = 25
"""How many notes with a value there must be for notes to be compared at all."""

# Tried on the tags of four public vaults: of the values taken, 79 to 96% are their author's.
_VOTERS = 10
_NEEDED = 0.6  # of the votes
_POWER = 4  # of the similarity, which is the weight of a vote
_SAME_FOLDER = 0.4  # added to the similarity of notes in one folder

_LETTERS = 300  # of a note's text, besides its title: more takes longer, and tags get no better
_BATCH = 32  # notes encoded at once
_BUILD_SECONDS = 30.0  # for notes that were not encoded yet, at most
_log = logging.getLogger(__name__)


@contextmanager
def open_similar(workspace: Workspace, *, background: bool = False) -> Iterator[SimilarNotes]:
    """Open the similar notes of the vault. background: the encoder runs at low priority."""
    with closing(BuiltInEncoder(background=background)) as encoder:
        yield SimilarNotes(workspace, NoteVectors(workspace, encoder))


def encoded_text(parsed: ParsedNote, path: str) -> str:
    """Return the text of a note to encode: its title, and the beginning of the author's own words.

    Tags, callouts and quotes are left out: they are the words of others, or of Companion.
    """
    words: list[str] = []
    letters_free = _LETTERS
    for line in parsed.lines:
        if line.kind == "comment" or line.text.lstrip().startswith(">"):
            continue
        text = " ".join(without_tags(without_links(line.visible)).split())
        if text and letters_free > 0:
            words.append(text[:letters_free])
            letters_free -= len(text) + 1
    return "\n".join([find_title(parsed, path), *words])


class NoteVectors:
    """The vectors of one vault's notes that are not left alone. Safe to use from any thread."""

    def __init__(self, workspace: Workspace, encoder: BuiltInEncoder) -> None:
        from companion.store.vectors import VectorStore  # loads numpy, for who compares notes

        self._encoder = encoder
        self._workspace = workspace
        self._lock = RLock()
        self._store = VectorStore(workspace.state / "vectors.sqlite3")
        self._seen: object = None  # the file that these were read from
        self._vectors: tuple[list[str], bytes] = [], b""

    def update(
        self,
        scan: Scan,
        until: float | None = None,
        only: Collection[str] | None = None,
        tell: Callable[[str], object] = bool,
    ) -> None:
        """Encode the notes that are new or have changed.

        until: when to end, by time.monotonic(). only: the notes to encode; None: all. tell: called
        with how many of them are done, in words; empty: all.

        Raises EndpointError; vectors made by then are kept.
        """
        skipped = {path for path, facts in scan.notes.of_interest() if facts.skipped is not None}
        notes = dict.fromkeys(p for p in scan.notes if p not in skipped and p in scan.files)
        with self._lock:
            files = self._store.read_files(self._encoder.name)
            if gone := [path for path in files if path not in notes]:
                self._store.save(self._encoder.name, gone, [])
        wanted = (scan.files[path] for path in notes if only is None or path in only)
        missing = [file for file in wanted if files.get(file.path) != hash(file)]
        for start in range(0, len(missing), _BATCH):
            if until and time.monotonic() > until:
                break
            if start:  # a second batch: it takes a while
                tell(f"comparing notes, {start:,} of {len(missing):,}")
            self._encode(missing[start : start + _BATCH])
        tell("")

    def compare(self, path: str, parsed: ParsedNote) -> Mapping[str, float]:
        """Return how similar the other notes are to the note at path. Raises EndpointError."""
        from companion.store.vectors import compare_vectors

        text = encoded_text(parsed, path)
        stored = self._store.find(self._encoder.name, path)
        is_same = stored is not None and stored[0] == _hash(text)
        vector = stored[1] if stored and is_same else self._encoder.encode([text])[0]
        with self._lock:
            if self._seen is None or self._seen != self._store.identify():
                self._vectors = self._store.read_vectors(self._encoder.name)
                self._seen = self._store.identify()
            paths, packed = self._vectors
        scores = zip(paths, compare_vectors(packed, len(paths), vector), strict=True)
        return {other: score for other, score in scores if other != path}

    def _encode(self, files: Sequence[NoteFile]) -> None:
        from companion.store.vectors import pack_vectors

        texts = {
            file: encoded_text(note, file.path)
            for file in files
            if (note := self._workspace.read_again(file))
        }
        vectors = pack_vectors(self._encoder.encode(list(texts.values()))) if texts else []
        now = time.time_ns()
        rows: list[VectorRow] = []
        for (file, text), vector in zip(texts.items(), vectors, strict=True):
            # One that was written just now is read again next time.
            made_from = file if file.is_settled(now) else file._replace(mtime_ns=0)
            rows.append((*made_from, _hash(text), vector))
        deleted = [file.path for file in files if file not in texts]
        self._store.save(self._encoder.name, deleted, rows)


def _hash(text: str) -> bytes:
    return sha256(text.encode("utf-8", "surrogateescape")).digest()[:16]


class ComparedNote(NamedTuple):
    """A note that others are compared with. language: its own, by its English name, if known."""

    context: VaultContext
    path: str
    parsed: ParsedNote
    language: str | None = None


@dataclass(frozen=True)
class SimilarNote:
    """A note that is similar to another. similarity: -1 to 1, to four decimal places."""

    path: str
    similarity: float


class SimilarNotes:
    """Suggests values for properties of the notes of one vault. Safe to use from any thread.

    Notes that were not encoded yet are encoded first, for half a minute at most. tell: called with
    how many of them are done, in words; empty: all.
    """

    def __init__(self, workspace: Workspace, vectors: NoteVectors) -> None:
        self.vectors = vectors
        self.tell: Callable[[str], object] = bool
        self._workspace = workspace
        self._lock = RLock()
        self._values: dict[object, Mapping[str, Sequence[str]]] = {}
        self._encoded: set[str] = set()  # the properties whose notes are; empty: of all notes
        self._context: VaultContext | None = None
        self._warned: set[str] = set()

    def choose(
        self, note: ComparedNote, fields: Mapping[Need, Field], *, is_small: bool
    ) -> tuple[list[Proposal], Mapping[str, Sequence[str]]]:
        """Return the proposals that similar notes decide for needs, each with its field.

        And the values that similar notes have, the likeliest first, by the name of the field.
        is_small: the model is small, whose choice is mostly wrong; it is not asked where similar
        notes have values, but agree too little.
        """
        decided, likely = list[Proposal](), dict[str, Sequence[str]]()
        for need, field in fields.items():
            if field.is_link:
                nearest = (each.path for each in self.find_nearest(note, _VOTERS))
                likely[field.name] = [
                    *map(without_extension, filter(note.context.may_tell, nearest))
                ]
            elif field.vocabulary == "vault":
                votes = self.vote(note, need.kind)
                likely[field.name] = sorted(votes, key=lambda value: (-votes[value], value))
                if chosen := [value for value in likely[field.name] if votes[value] >= _NEEDED]:
                    value = chosen[: field.max_items] if field.is_list else chosen[0]
                    remark = f"{need.kind} as in similar notes"
                    decided.append(Proposal(note.path, need, value, remark=remark))
                elif votes and is_small:
                    why = f"similar notes have no {need.kind} in common"
                    decided.append(Proposal(note.path, need, None, "rejected", reason=why))
        return decided, likely

    def vote(self, note: ComparedNote, name: str) -> Mapping[str, float]:
        """Return the share of the votes that each value of the property has.

        Values that the note has elsewhere, such as tags in its text, are left out. Empty where too
        few notes have one, the encoder fails, or does not know the note's language.
        """
        values = self._authors_values(note.context, name, note.path in note.context.withheld)
        if len(values) < FEWEST:
            return {}
        folder, has = note.path.rpartition("/")[0], {t.casefold() for t in note.parsed.likely_tags}
        near = {
            path: score + _SAME_FOLDER * (path.rpartition("/")[0] == folder)
            for path, score in self._compare(note, name, values).items()
            if path in values
        }
        nearest = nlargest(_VOTERS, near, key=lambda path: near[path])
        weights = {path: max(near[path], 0.0) ** _POWER for path in nearest}
        shares: dict[str, float] = defaultdict(float)
        for path, weight in weights.items():
            for value in values[path]:
                if value.casefold() not in has:
                    shares[value] += weight / (sum(weights.values()) or 1.0)
        return shares

    def find_nearest(self, note: ComparedNote, number: int) -> list[SimilarNote]:
        """Return the notes most similar to the note; none if the encoder fails, with a warning."""
        known, all_similar = note.context.scan.notes, self._compare(note)
        similar = {path: score for path, score in all_similar.items() if path in known}
        nearest = nlargest(number, similar, key=lambda path: similar[path])
        return [SimilarNote(path, round(similar[path], 4)) for path in nearest]

    def _authors_values(
        self, context: VaultContext, name: str, of_all: bool
    ) -> Mapping[str, Sequence[str]]:
        """Return the values of the property by note, without those that Companion filled.

        of_all: also of private notes, for private ones only.
        """
        with self._lock:
            self._follow(context)
            if (name, of_all) not in self._values:
                filled = self._workspace.journal.filled_notes(name)
                values = context.property_values(name, of_all).items()
                self._values[name, of_all] = {p: each for p, each in values if p not in filled}
            return self._values[name, of_all]

    def _follow(self, context: VaultContext) -> None:
        if context is not self._context:
            self._values.clear()
            self._encoded.clear()
            self._context = context

    def _compare(
        self, note: ComparedNote, name: str = "", only: Collection[str] | None = None
    ) -> Mapping[str, float]:
        """Return the similarity of the other notes; none if that is not possible.

        only: the notes that must be encoded first, those with the property of that name; None: all.
        """
        if note.language is not None and note.language not in BUILT_IN_LANGUAGES:
            self._warn(f"the encoder knows no {note.language}")
            return {}
        try:
            with self._lock:
                self._follow(note.context)
                if name not in self._encoded:
                    self._encoded.add(name)
                    until = time.monotonic() + _BUILD_SECONDS
                    self.vectors.update(note.context.scan, until, only, self.tell)
            return self.vectors.compare(note.path, note.parsed)
        except (AnswerError, EndpointError) as error:
            self._warn(str(error))
            return {}

    def _warn(self, why: str) -> None:
        if why not in self._warned:
            self._warned.add(why)
            _log.warning("similar notes are not looked for: %s", why)
