"""The vectors of a vault's notes, updated when the notes change."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Collection, Sequence
from hashlib import sha256
from threading import Event, Lock
from typing import TYPE_CHECKING

from companion.enrich.configured_model import ASK_FROM
from companion.enrich.workspace import Workspace
from companion.errors import AnswerError
from companion.llm.encoder import Encoder, EndpointEncoder
from companion.note.parsed_note import ParsedNote, find_title
from companion.note.sanitize_inline import without_links
from companion.note.tags import without_tags
from companion.vault.files import NoteFile, stat_note
from companion.vault.notes import Scan

if TYPE_CHECKING:
    from companion.store.vectors import Floats, Rows, VectorRow, VectorTable

_LETTERS = 300  # of a note's text, besides its title: more takes longer, and tags get no better
_BATCH = 32  # notes encoded at once
_HASH_BYTES = 16

VectorProgress = Callable[[int, int], None]


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
    """The vectors of the notes of one vault, which are private. Safe to use from any thread.

    Notes that are left alone have none; if the encoder is on another machine, neither have private
    notes.
    """

    def __init__(self, workspace: Workspace, encoder: Encoder) -> None:
        from companion.store.vectors import VectorStore  # loads numpy, for who compares notes

        self._endpoint = endpoint = workspace.config.similar_endpoint()
        self.encoder = encoder
        self.is_remote = endpoint is not None and not endpoint.is_local
        self.version = 0
        self._workspace = workspace
        self._lock = Lock()
        self._store = VectorStore(workspace.state / "vectors.sqlite3")
        self._files: dict[str, int] = {}  # see VectorStore.load_files
        self._seen: object = None  # the file that they were read from
        self._table: VectorTable | None = None  # of all vectors; None: not read, or freed
        self._used_at = 0.0

    def is_wanted(self) -> bool:
        """Return whether the settings still name and use this encoder. Raises SettingsUnusable."""
        config = self._workspace.refresh().config
        return config.similar.enabled and config.similar_endpoint() == self._endpoint

    def count(self) -> int:
        """Return how many notes have a vector."""
        with self._lock:
            return len(self._load())

    def find_missing(self, scan: Scan, only: Collection[str] | None = None) -> list[str]:
        """Return the notes that have no vector, or have changed since.

        only: the notes that should have one; None: all that are not left alone.
        """
        with self._lock:
            self._load(scan)
            paths = [path for path in _notes_of(scan) if only is None or path in only]
            return [path for path in paths if not self._has(scan.files[path])]

    def needs_agreement(self, missing: Sequence[str]) -> bool:
        """Return whether so many notes would go to another machine that the user must agree."""
        return self.is_remote and len(missing) > ASK_FROM

    def update(
        self,
        scan: Scan,
        missing: Sequence[str],
        until: float | None = None,
        stopped: Event | None = None,
        progress: VectorProgress | None = None,
    ) -> int:
        """Encode the missing notes; return how many remain if time runs out.

        Vectors of notes that are gone or left alone are deleted first. until: when to end, by
        time.monotonic(). progress(done, total) is called now and then.

        Raises EndpointError, AnswerError, Cancelled; vectors made by then are kept.
        """
        with self._lock:
            notes = _notes_of(scan)
            self._save([path for path in self._load(scan) if path not in notes], [])
        for start in range(0, len(missing), _BATCH):
            if (stopped and stopped.is_set()) or (until and time.monotonic() > until):
                return len(missing) - start
            batch = [scan.files[path] for path in missing[start : start + _BATCH]]
            with self._lock:  # another thread may have been faster
                batch = [file for file in batch if not self._has(file)]
            self._encode(batch)
            if progress:
                progress(min(start + _BATCH, len(missing)), len(missing))
        return 0

    def find(self, path: str, parsed: ParsedNote) -> Floats | None:
        """Return the note's vector as it is now; None: the encoder is elsewhere, and has made none.

        Raises EndpointError, AnswerError, Cancelled.
        """
        from companion.store.vectors import VectorTable

        text = encoded_text(parsed, path)
        if not self.is_wanted():
            return None
        stored = self._store.find_text(self.encoder.name, path)
        if stored and stored[0] == _hash(text):
            return VectorTable({path: stored[1]})[0]
        if self.is_remote:
            return None
        vector: Floats = self.encoder.encode([text])[0]
        return vector

    def table(self, paths: Sequence[str]) -> tuple[list[str], NoteTable]:
        """Return those of the paths that have a vector, and their vectors in the same order."""
        with self._lock:
            vectors = self._load()
            compared = [path for path in paths if path in vectors]
        return compared, NoteTable(self, compared)

    def read_table(self) -> VectorTable:
        """Return the vectors of all notes, reading them if necessary."""
        from companion.store.vectors import VectorTable

        with self._lock:
            files = self._load()
            self._used_at = time.monotonic()
            if self._table is None:
                self._table = table = VectorTable(most=len(files) + 1)
                own = {path: path for path in files}  # so that they are in memory once

                def put(path: str, packed: bytes) -> None:
                    table.put(own.get(path, path), packed)

                self._store.read_vectors(self.encoder.name, put)
            return self._table

    def free_unused(self, seconds: float) -> None:
        """Free the vectors if they were not compared for this long: 50 MB for 100,000 notes."""
        with self._lock:
            if time.monotonic() - self._used_at >= seconds:
                self._table = None

    def _encode(self, files: Sequence[NoteFile]) -> None:
        """Encode the notes, and save their vectors."""
        from companion.store.vectors import pack_vectors

        version = self._workspace.refresh().version
        if not self.is_wanted():
            return
        texts = {
            file: encoded_text(note[0], file.path)
            for file in files
            if (note := self._workspace.read_again(file, is_remote=self.is_remote))
        }
        stored = self._store.find_texts(self.encoder.name, set(map(_hash, texts.values())))
        new = [text for text in dict.fromkeys(texts.values()) if _hash(text) not in stored]
        if new:
            packed = pack_vectors(self._ask_encoder(new, list(texts), version))
            stored.update(zip(map(_hash, new), packed, strict=True))
        now = time.time_ns()
        rows: list[VectorRow] = []
        for file, text in texts.items():
            # One that was written just now is read again next time.
            made_from = file if file.is_settled(now) else file._replace(mtime_ns=0)
            rows.append((*made_from, _hash(text), stored[_hash(text)]))
        with self._lock:
            self._save([file.path for file in files if file not in texts], rows)

    def _ask_encoder(self, texts: Sequence[str], files: Sequence[NoteFile], version: int) -> Floats:
        """Return the vectors. To another machine, only files that may still be sent go."""
        if not isinstance(self.encoder, EndpointEncoder):
            return self.encoder.encode(texts)

        space = self._workspace

        def may_send(file: NoteFile) -> bool:
            now = stat_note(space.root, file.path)
            return now is not None and (
                now == file or space.read_again(now, is_remote=self.is_remote) is not None
            )

        def check() -> None:
            if space.refresh().version != version or not all(map(may_send, files)):
                raise AnswerError(
                    "settings or notes were changed in the meantime; nothing was sent"
                )

        return self.encoder.encode(texts, check)

    def _has(self, file: NoteFile) -> bool:
        """Return whether there is a vector of the note as it is now."""
        return self._load().get(file.path) == hash(file)

    def _load(self, scan: Scan | None = None) -> dict[str, int]:
        """Return which notes have a vector; what another process wrote is read again."""
        if self._seen is None or self._seen != self._store.identify():
            own = {path: path for path in scan.files} if scan else {}  # in memory once
            self._files = self._store.load_files(self.encoder.name, own)
            self._seen, self._table = self._store.identify(), None
            self.version += 1
        return self._files

    def _save(self, deleted: Sequence[str], rows: Sequence[VectorRow]) -> None:
        if not deleted and not rows:
            return
        vectors = self._load()
        for path in deleted:
            vectors.pop(path, None)
        vectors.update((row[0], hash(row[:5])) for row in rows)
        self._store.save(self.encoder.name, deleted, rows)
        if self._table:
            for row in rows:
                self._table.put(row[0], row[6])
        self._seen = self._store.identify()
        self.version += 1


class NoteTable:
    """The vectors of some notes, in the order of their paths. NoteVectors holds the vectors."""

    def __init__(self, vectors: NoteVectors, paths: Sequence[str]) -> None:
        self._vectors = vectors
        self._paths = paths
        self._rows: Rows | None = None
        self._rows_in: weakref.ref[VectorTable] | None = None

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, row: int) -> Floats:
        """Return the row as a vector of length 1."""
        made: Floats = self.take([row])[0]
        return made

    def take(self, rows: Sequence[int]) -> Floats:
        """Return the rows as vectors of length 1."""
        table, mine = self._find()
        return table.take(mine[rows])

    def compare(self, vectors: Floats) -> Floats:
        """Return the similarity of each row to the vector; for several vectors, a row each."""
        table, mine = self._find()
        return table.compare(vectors, mine)

    def _find(self) -> tuple[VectorTable, Rows]:
        """Return the vectors of all notes, and the rows of these."""
        table = self._vectors.read_table()
        if self._rows is None or self._rows_in is None or self._rows_in() is not table:
            self._rows, self._rows_in = table.rows(self._paths), weakref.ref(table)
        return table, self._rows


def _notes_of(scan: Scan) -> dict[str, None]:
    """Return the notes that are not left alone, in the scan's order."""
    skipped = {path for path, facts in scan.notes.of_interest() if facts.skipped is not None}
    return dict.fromkeys(path for path in scan.notes if path not in skipped and path in scan.files)


def _hash(text: str) -> bytes:
    return sha256(text.encode("utf-8", "surrogateescape")).digest()[:_HASH_BYTES]
