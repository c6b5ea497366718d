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
from heapq import nlargest
from threading import RLock
from typing import TYPE_CHECKING

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
from companion.vault.index import NoteCache
from companion.vault.notes import Scan

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

FEWEST = 25
"""How many notes with a value there must be for notes to be compared at all."""

# Tried on the tags of four public vaults: of the values taken, 79 to 96% are their author's.
_VOTERS = 10
_NEEDED = 0.6  # of the votes
_POWER = 4  # of the similarity, which is the weight of a vote
_SAME_FOLDER = 0.4  # added to the similarity of notes in one folder

_LETTERS = 300  # of a note's text, besides its title: more takes longer, and tags get no better
_BATCH = 32  # notes encoded at once
_BLOCK = 4096  # vectors compared at once: 4 MB of memory
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
    """The vectors of one vault's notes that are not left alone, in a private file.

    They have length 1, so that the product of two is the similarity of their notes, -1 to 1. The
    file has them as 16-bit numbers. Safe to use from any thread.
    """

    def __init__(self, workspace: Workspace, encoder: BuiltInEncoder) -> None:
        self._encoder = encoder
        self._workspace = workspace
        self._lock = RLock()
        self._cache = NoteCache(workspace.state / "vectors.sqlite3", _TABLES)
        self._vectors: tuple[list[str], bytes] | None = None  # None: to be read from the file

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
        query = "SELECT path, size, mtime_ns, ctime_ns, ino FROM vectors"
        rows = self._cache.read(self._encoder.name, query)
        files = {row[0]: hash(NoteFile(*row)) for row in rows}
        self._save([path for path in files if path not in notes], [])
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
        import numpy as np  # slow to load, for who compares notes

        vector = self._encoder.encode([encoded_text(parsed, path)])[0]
        with self._lock:
            if self._vectors is None:
                rows = self._cache.read(self._encoder.name, "SELECT path, vector FROM vectors")
                self._vectors = [row[0] for row in rows], b"".join(row[1] for row in rows)
            paths, packed = self._vectors
        matrix, scores = np.frombuffer(packed, np.float16).reshape(-1, len(vector)), list[float]()
        for start in range(0, len(paths), _BLOCK):
            scores += (matrix[start : start + _BLOCK].astype(np.float32) @ vector).tolist()
        return {other: each for other, each in zip(paths, scores, strict=True) if other != path}

    def _encode(self, files: Sequence[NoteFile]) -> None:
        texts = {
            file: encoded_text(note, file.path)
            for file in files
            if (note := self._workspace.read_again(file))
        }
        vectors = pack_vectors(self._encoder.encode(list(texts.values()))) if texts else []
        now, rows = time.time_ns(), list[tuple[object, ...]]()
        for file, vector in zip(texts, vectors, strict=True):
            # One that was written just now is read again next time.
            made_from = file if file.is_settled(now) else file._replace(mtime_ns=0)
            rows.append((*made_from, vector))
        self._save([file.path for file in files if file not in texts], rows)

    def _save(self, deleted: Sequence[str], rows: Sequence[tuple[object, ...]]) -> None:
        with self._lock:
            self._vectors = None
            if deleted or rows:
                self._cache.save(self._encoder.name, "vectors", deleted, rows)


def pack_vectors(vectors: Floats) -> list[bytes]:
    """Return each row as the file has it."""
    return [row.tobytes() for row in vectors.astype("float16")]


_TABLES = """CREATE TABLE about (fingerprint TEXT NOT NULL);
CREATE TABLE vectors (
    path TEXT PRIMARY KEY,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    ctime_ns INTEGER NOT NULL,
    ino INTEGER NOT NULL,
    vector BLOB NOT NULL
) WITHOUT ROWID"""


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
        self._context: VaultContext | None = None
        self._values: dict[object, Mapping[str, Sequence[str]]] = {}  # of the context
        self._encoded: set[str] = set()  # the properties whose notes are; empty: of all notes
        self._warned: set[str] = set()

    def choose(
        self,
        context: VaultContext,
        path: str,
        parsed: ParsedNote,
        fields: Mapping[Need, Field],
        *,
        language: str | None = None,
        is_small: bool = False,
    ) -> tuple[list[Proposal], Mapping[str, Sequence[str]]]:
        """Return the proposals that similar notes decide for needs, each with its field.

        And the values that similar notes have, the likeliest first, by the name of the field.
        language: of the note, by its English name, if known. is_small: the model is small, whose
        choice is mostly wrong; it is not asked where similar notes have values, but agree too
        little.
        """
        decided, likely = list[Proposal](), dict[str, Sequence[str]]()
        for need, field in fields.items():
            if field.is_link:
                nearest = self.find_nearest(context, path, parsed, _VOTERS, language)
                told = (each.path for each in nearest if context.may_tell(each.path))
                likely[field.name] = list(map(without_extension, told))
            elif field.vocabulary == "vault":
                votes = self.vote(context, path, parsed, need.kind, language)
                likely[field.name] = sorted(votes, key=lambda value: (-votes[value], value))
                if chosen := [value for value in likely[field.name] if votes[value] >= _NEEDED]:
                    value = chosen[: field.max_items] if field.is_list else chosen[0]
                    remark = f"{need.kind} as in similar notes"
                    decided.append(Proposal(path, need, value, remark=remark))
                elif votes and is_small:
                    why = f"similar notes have no {need.kind} in common"
                    decided.append(Proposal(path, need, None, "rejected", reason=why))
        return decided, likely

    def vote(
        self,
        context: VaultContext,
        path: str,
        parsed: ParsedNote,
        name: str,
        language: str | None = None,
    ) -> Mapping[str, float]:
        """Return the share of the votes that each value of the property has.

        Values that the note has elsewhere, such as tags in its text, are left out. Empty where too
        few notes have one, the encoder fails, or does not know the note's language.
        """
        values = self._authors_values(context, name, path in context.withheld)
        if len(values) < FEWEST:
            return {}
        folder, has = path.rpartition("/")[0], {tag.casefold() for tag in parsed.likely_tags}
        near = {
            other: score + _SAME_FOLDER * (other.rpartition("/")[0] == folder)
            for other, score in self._compare(context, path, parsed, language, values, name).items()
            if other in values
        }
        nearest = nlargest(_VOTERS, near, key=lambda other: near[other])
        weights = {other: max(near[other], 0.0) ** _POWER for other in nearest}
        shares: dict[str, float] = defaultdict(float)
        for other, weight in weights.items():
            for value in values[other]:
                if value.casefold() not in has:
                    shares[value] += weight / (sum(weights.values()) or 1.0)
        return shares

    def find_nearest(
        self,
        context: VaultContext,
        path: str,
        parsed: ParsedNote,
        number: int,
        language: str | None = None,
    ) -> list[SimilarNote]:
        """Return the notes most similar to the note; none if the encoder fails, with a warning."""
        known, scores = context.scan.notes, self._compare(context, path, parsed, language)
        similar = {other: score for other, score in scores.items() if other in known}
        nearest = nlargest(number, similar, key=lambda other: similar[other])
        return [SimilarNote(other, round(similar[other], 4)) for other in nearest]

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
        self,
        context: VaultContext,
        path: str,
        parsed: ParsedNote,
        language: str | None,
        only: Collection[str] | None = None,
        name: str = "",
    ) -> Mapping[str, float]:
        """Return the similarity of the other notes; none if that is not possible.

        only: the notes that must be encoded first, those with the property of that name; None: all.
        """
        if language is not None and language not in BUILT_IN_LANGUAGES:
            self._warn(f"the encoder knows no {language}")
            return {}
        try:
            with self._lock:
                self._follow(context)
                if name not in self._encoded:
                    self._encoded.add(name)
                    until = time.monotonic() + _BUILD_SECONDS
                    self.vectors.update(context.scan, until, only, self.tell)
            return self.vectors.compare(path, parsed)
        except (AnswerError, EndpointError) as error:
            self._warn(str(error))
            return {}

    def _warn(self, why: str) -> None:
        if why not in self._warned:
            self._warned.add(why)
            _log.warning("similar notes are not looked for: %s", why)
