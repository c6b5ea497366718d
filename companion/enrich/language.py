"""Which language a note is in; where it is too short to tell, the one of the notes beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path, PurePosixPath

from companion.enrich.checks.answer_language import find_language
from companion.enrich.extractive import running_text
from companion.errors import NoteError
from companion.note.parsed_note import ParsedNote
from companion.note.text import NoteText
from companion.note.title import find_title

_LOOKED_AT = 12  # notes of a folder, or of the vault
_LARGEST = 200_000  # bytes of one


class Languages:
    """The languages of one vault's notes; from any thread. paths: of its notes, with `/`."""

    def __init__(self, root: Path, paths: Sequence[str]) -> None:
        self._root = root
        self.paths = paths
        self._of_folders: dict[str, str | None] = {}

    def of(self, path: str, view: ParsedNote) -> str | None:
        """Return the English name of the note's language; None where nothing tells it."""
        place = PurePosixPath(path)
        words = "\n".join(running_text(view))
        title = find_title(view, place.stem)
        return find_language(words, title, self._around(str(place.parent)), view.note.body)

    def _around(self, folder: str) -> str | None:
        if folder not in self._of_folders:
            beside = self._by_folder.get(folder, ())
            every = max(1, len(self.paths) // _LOOKED_AT)
            self._of_folders[folder] = self._most(beside) or self._most(self.paths[::every])
        return self._of_folders[folder]

    @cached_property
    def _by_folder(self) -> dict[str, list[str]]:
        """The paths in each folder."""
        found: dict[str, list[str]] = {}
        for path in self.paths:
            found.setdefault(path.rpartition("/")[0] or ".", []).append(path)
        return found

    def _most(self, paths: Iterable[str]) -> str | None:
        """Return the language of most of the first notes that tell theirs."""
        counts = Counter(self._spoken(islice(paths, _LOOKED_AT)))
        return counts.most_common(1)[0][0] if counts else None

    def _spoken(self, paths: Iterable[str]) -> Iterator[str]:
        for path in paths:
            file = self._root / path
            try:
                if file.stat().st_size > _LARGEST:
                    continue
                view = ParsedNote(NoteText.decode(file.read_bytes()))
                title = find_title(view, file.stem)
                if found := find_language("\n".join(running_text(view)), title):
                    yield found
            except (OSError, NoteError):
                continue
