"""Links between the notes of a vault: who links where, kept between runs as the facts are."""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from threading import Lock

from companion.errors import NoteError
from companion.note.link_names import LinkNames, name_key, without_extension
from companion.note.links import likely_targets
from companion.note.text import NoteText
from companion.vault.files import NoteFile, read_file
from companion.vault.index_cache import IndexCache, Row

_RELATIVE = re.compile(r"(?:\.{1,2}/)+")


class Links:
    """Which notes link to which, by Obsidian's rules; see LinkNames.find_note.

    targets: those of each note's links by its path, a line each; see likely_targets. Paths of
    notes are vault-relative, with `/` and `.md`. A note's links to itself do not count.
    """

    def __init__(self, targets: Mapping[str, str], names: LinkNames) -> None:
        self._targets = targets
        self._names = names

    def linked_in(self, text: str, path: str) -> list[str]:
        """Return the notes that text, of the note at path, links to, in the order of the links."""
        found = dict.fromkeys(self.leads_to(target, path) for target in likely_targets(text))
        return [other for other in found if other is not None and other != path]

    def linking_to(self, path: str) -> list[str]:
        """Return the notes that link to the note; first those with the fewest links.

        What has few links says more about each than an index of the whole vault does.
        """
        found = {
            source
            for source, target in self._links.get(_key(path), ())
            if source != path and self.leads_to(target, source) == path
        }
        return sorted(found, key=lambda source: (self._targets[source].count("\n"), source))

    def leads_to(self, target: str, source: str) -> str | None:
        """Return the path of the note that a link to target in the note source leads to."""
        found = self._names.find_note(_RELATIVE.sub("", target, count=1), source)
        return self._paths.get(found) if found is not None else None

    @cached_property
    def _paths(self) -> dict[str, str]:
        """The path of each note by the same without `.md`."""
        return {without_extension(path): path for path in self._targets}

    @cached_property
    def _links(self) -> dict[str, list[tuple[str, str]]]:
        """The links to notes of each name, in whichever folder: linking note and target."""
        links: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for source, targets in self._targets.items():
            for target in filter(None, targets.split("\n")):
                links[_key(target)].append((source, target))
        return links


def _key(target: str) -> str:
    return name_key(without_extension(target.strip()).rpartition("/")[2])


class LinkStore:
    """The targets of all notes' links, in the index's file; read when they are first needed.

    Safe to use from any thread.
    """

    def __init__(self, cache: IndexCache | None = None) -> None:
        self._cache = cache
        self._lock = Lock()
        self._rows: dict[str, Row] | None = None

    def targets(self, root: Path, files: Mapping[str, NoteFile]) -> dict[str, str]:
        """Return the targets of the links in these notes by path, a line each.

        Only notes that changed since are read. What cannot be read has none.
        """
        with self._lock:
            if self._rows is None:
                loaded = self._cache.load_links() if self._cache else []
                self._rows = {row[0]: row for row in loaded}
            deleted = self._rows.keys() - files.keys()
            for path in deleted:
                del self._rows[path]
            found, read, now = dict[str, str](), list[Row](), time.time_ns()
            for path, file in files.items():
                row = self._rows.get(path)
                if row is None or row[:5] != file:
                    row = (*file, _read_targets(root, file))
                    if file.is_settled(now):
                        read.append(row)
                found[path] = row[5]
            self._rows.update((row[0], row) for row in read)
            if self._cache and (deleted or read):
                self._cache.save_links(deleted, read)
            return found


def _read_targets(root: Path, file: NoteFile) -> str:
    try:
        data = read_file(f"{root}/{file.path}", file.size)
        text = NoteText.decode(data).text if data is not None else ""
    except (OSError, NoteError):
        return ""
    return "\n".join(likely_targets(text))
