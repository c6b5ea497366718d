"""The languages of a vault's notes; that of too short a note, by those beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path, PurePosixPath

from companion.enrich.extractive import read_paragraphs
from companion.enrich.language import find_language
from companion.errors import NoteError
from companion.note.parsed_note import ParsedNote
from companion.note.text import NoteText
from companion.note.title import find_title

_SAMPLE = 12  # notes of a folder, or of the vault, whose language is looked at
_LARGEST = 200_000  # bytes of one


class NoteLanguages:
    """The languages of the notes of one vault; from any thread.

    A note that is too short to tell gets the language of most notes beside it, else of most notes
    of the vault. paths: of its notes, with `/`.
    """

    def __init__(self, root: Path, paths: Sequence[str]) -> None:
        self._root = root
        self.paths = paths
        self._of_folders: dict[str, str | None] = {}

    def of(self, path: str, parsed: ParsedNote) -> str | None:
        """Return the English name of the note's language; None where nothing tells it."""
        place = PurePosixPath(path)
        words = "\n".join(read_paragraphs(parsed))
        title = find_title(parsed, place.stem)
        return find_language(words, title, self._of_folder(str(place.parent)), parsed.note.body)

    def _of_folder(self, folder: str) -> str | None:
        if folder not in self._of_folders:
            beside = self._by_folder.get(folder, ())
            step = max(1, len(self.paths) // _SAMPLE)
            language = self._commonest(beside) or self._commonest(self.paths[::step])
            self._of_folders[folder] = language
        return self._of_folders[folder]

    @cached_property
    def _by_folder(self) -> dict[str, list[str]]:
        """The paths in each folder."""
        found: dict[str, list[str]] = {}
        for path in self.paths:
            found.setdefault(path.rpartition("/")[0] or ".", []).append(path)
        return found

    def _commonest(self, paths: Iterable[str]) -> str | None:
        """Return the commonest language of the first notes, of those whose language is clear."""
        counts = Counter(self._detect(islice(paths, _SAMPLE)))
        return counts.most_common(1)[0][0] if counts else None

    def _detect(self, paths: Iterable[str]) -> Iterator[str]:
        for path in paths:
            file = self._root / path
            try:
                if file.stat().st_size > _LARGEST:
                    continue
                parsed = ParsedNote(NoteText.decode(file.read_bytes()))
                title = find_title(parsed, file.stem)
                if found := find_language("\n".join(read_paragraphs(parsed)), title):
                    yield found
            except (OSError, NoteError):
                continue
