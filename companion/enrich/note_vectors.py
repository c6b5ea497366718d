"""The vectors of a vault's notes, kept in step with what the notes say."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import cached_property
from hashlib import sha256
from pathlib import PurePosixPath
from threading import Event, Lock
from typing import TYPE_CHECKING

from companion.enrich.model import ASK_FROM
from companion.enrich.workspace import Workspace
from companion.errors import NoteError
from companion.llm.encoder import Encoder
from companion.note.facts import read_facts
from companion.note.parsed_note import ParsedNote
from companion.note.sanitize_inline import without_links
from companion.note.text import NoteText
from companion.note.title import find_title
from companion.vault.files import NoteFile, read_file, skip_reason
from companion.vault.index import Scan

if TYPE_CHECKING:
    from companion.vault.vectors import Floats, VectorRow, VectorStore, VectorTable

_LETTERS = 300  # of a note's text, beside its title: more makes tags no better, and takes longer
_BATCH = 32  # notes encoded at once
_TAG = re.compile(r"(?<!\S)#[^\s#]+")
_HASH_BYTES = 16


VectorProgress = Callable[[int, int], None]


def encoded_text(parsed: ParsedNote, path: str) -> str:
    """Return what of a note is encoded: its title, and the beginning of what its author wrote.

    Its tags are left out, and its callouts and quotes: the words of others, or of Companion.
    """
    words: list[str] = []
    left = _LETTERS
    for line in parsed.lines:
        if line.kind == "comment" or line.text.lstrip().startswith(">"):
            continue
        text = " ".join(_TAG.sub("", without_links(line.visible)).split())
        if text and left > 0:
            words.append(text[:left])
            left -= len(text) + 1
    return "\n".join([find_title(parsed, PurePosixPath(path).stem), *words])


class NoteVectors:
    """The vectors of the notes of one vault, which are private; from any thread.

    Of notes that are left alone there are none; where the encoder is on another machine, of
    private notes neither.
    """

    def __init__(self, workspace: Workspace, encoder: Encoder) -> None:
        endpoint = workspace.config.similar_endpoint()
        self.encoder = encoder
        self.is_remote = endpoint is not None and not endpoint.is_local
        self.version = 0
        self._workspace = workspace
        self._lock = Lock()
        self._rows: dict[str, VectorRow] = {}
        self._seen: object = None  # the file that the rows were read from

    def count(self) -> int:
        """Return how many notes have a vector."""
        with self._lock:
            return len(self._load())

    def find_missing(self, scan: Scan, wanted: Collection[str] | None = None) -> list[str]:
        """Return the notes that have no vector, or that were changed since.

        wanted: the notes that are to have one; None: all that are not left alone.
        """
        with self._lock:
            paths = [path for path in _notes_of(scan) if wanted is None or path in wanted]
            return [path for path in paths if not self._has(scan.files[path])]

    def needs_agreement(self, missing: Sequence[str]) -> bool:
        """Return whether so many notes would go elsewhere that somebody has to agree to it."""
        return self.is_remote and len(missing) > ASK_FROM

    def update(
        self,
        scan: Scan,
        missing: Sequence[str],
        until: float | None = None,
        stopped: Event | None = None,
        progress: VectorProgress | None = None,
    ) -> int:
        """Encode the notes that are missing; return how many of them were not, for lack of time.

        Vectors of notes that are gone or left alone by now are deleted first. until: of
        time.monotonic(), when to end. progress(done, total) is called now and then.

        Raises EndpointError, AnswerError, Cancelled; what was encoded until then is kept.
        """
        with self._lock:
            notes = _notes_of(scan)
            self._save([path for path in self._load() if path not in notes], [])
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
        """Return the note's vector as it is now; None where the encoder is on another machine.

        There, only the vectors that update() has made are used.

        Raises EndpointError, AnswerError, Cancelled.
        """
        from companion.vault.vectors import VectorTable

        text = encoded_text(parsed, path)
        with self._lock:
            row = self._load().get(path)
        if row and row[5] == _hash(text):
            return VectorTable([row[6]])[0]
        if self.is_remote:
            return None
        found: Floats = self.encoder.encode([text])[0]
        return found

    def table(self, paths: Sequence[str]) -> tuple[list[str], VectorTable]:
        """Return those of the paths that have a vector, and their vectors in the same order."""
        from companion.vault.vectors import VectorTable

        with self._lock:
            rows = self._load()
            found = [path for path in paths if path in rows]
            return found, VectorTable([rows[path][6] for path in found])

    def _encode(self, files: Sequence[NoteFile]) -> None:
        """Encode the notes, and save their vectors."""
        from companion.vault.vectors import pack_vectors

        texts = {file: text for file in files if (text := self._read(file)) is not None}
        wanted = set(map(_hash, texts.values()))
        with self._lock:
            known = {row[5]: row[6] for row in self._load().values() if row[5] in wanted}
        new = [text for text in dict.fromkeys(texts.values()) if _hash(text) not in known]
        if new:
            packed = pack_vectors(self.encoder.encode(new))
            known.update(zip(map(_hash, new), packed, strict=True))
        now = time.time_ns()
        rows: list[VectorRow] = []
        for file, text in texts.items():
            # One that was written just now is read again next time.
            made_from = file if file.is_settled(now) else file._replace(mtime_ns=0)
            rows.append((*made_from, _hash(text), known[_hash(text)]))
        with self._lock:
            self._save([file.path for file in files if file not in texts], rows)

    def _read(self, file: NoteFile) -> str | None:
        """Return what of the note is to be encoded; None where it may not be, or not be read."""
        root, rules, ignore = self._workspace.root, self._workspace.rules, self._workspace.ignore
        if self.is_remote:
            rules, ignore = replace(rules, is_remote=True), replace(ignore, is_remote=True)
        try:
            if skip_reason(root, file.path, ignore):
                return None
            data = read_file(f"{root}/{file.path}", file.size)
            if data is None or read_facts(data, rules).skipped is not None:
                return None
            return encoded_text(ParsedNote(NoteText.decode(data)), file.path)
        except (OSError, NoteError):
            return None

    def _has(self, file: NoteFile) -> bool:
        """Return whether there is a vector of the note as it is now."""
        row = self._load().get(file.path)
        return row is not None and row[:5] == file

    def _load(self) -> dict[str, VectorRow]:
        """Return the rows by path; what another process wrote is read anew."""
        if self._seen is None or self._seen != self._store.identify():
            self._rows = {row[0]: row for row in self._store.load(self.encoder.name)}
            self._seen = self._store.identify()
            self.version += 1
        return self._rows

    def _save(self, deleted: Sequence[str], rows: Sequence[VectorRow]) -> None:
        if not deleted and not rows:
            return
        known = self._load()
        for path in deleted:
            known.pop(path, None)
        known.update((row[0], row) for row in rows)
        self._store.save(self.encoder.name, deleted, rows)
        self._seen = self._store.identify()
        self.version += 1

    @cached_property
    def _store(self) -> VectorStore:
        from companion.vault.vectors import VectorStore

        return VectorStore(self._workspace.state / "vectors.sqlite3")


def _notes_of(scan: Scan) -> dict[str, None]:
    """Return the notes that are not left alone, in the scan's order."""
    left = {path for path, facts in scan.notes.of_interest() if facts.skipped is not None}
    return dict.fromkeys(path for path in scan.notes if path not in left and path in scan.files)


def _hash(text: str) -> bytes:
    return sha256(text.encode("utf-8", "surrogateescape")).digest()[:_HASH_BYTES]
