"""Which notes are meant, and what they need, as the last scan or a new one found them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from companion.app.types.base import Progress
from companion.app.types.notes import Note, NotePage, NotesQuery, ScanReport, Selection
from companion.enrich.asked import find_to_do
from companion.enrich.workspace import Workspace
from companion.errors import NoteError, NotThere, UsageError
from companion.note.facts import Facts, unfillable_reason
from companion.note.needs import Need, property_names
from companion.note.note import ParsedNote
from companion.note.tags import is_tag
from companion.prompts import Prompts, find_field
from companion.vault.files import is_in_any, skip_reason
from companion.vault.notes import Scan
from companion.vault.paths import PathNotFound, spelled_path
from companion.vault.write import read_note


class Notes:
    """The notes of one vault. Safe to use from any thread if its functions are.

    look: returns a new scan, and reports its progress. last: returns the last scan; None: as look
    does.
    """

    def __init__(
        self,
        space: Workspace,
        look: Callable[[Progress | None], Scan] | None = None,
        last: Callable[[], Scan] | None = None,
    ) -> None:
        self._space = space
        self.look = look or space.scan
        self.last = last or partial(self.look, None)

    def scan(self, selection: Selection, progress: Progress | None = None) -> ScanReport:
        """Return what needs work, and what is left alone; see Vault."""
        space = self._space
        kind, tag = find_kind(space.prompts, selection.field), read_tag(selection.tag)
        paths = [spelled_path(space.root, path) for path in selection.paths]
        scan = self.look(progress)
        part = ScanPart(space, scan, paths, kind, tag)
        return ScanReport(
            notes={path: Note.of(path, facts) for path, facts in part.notes.items()},
            skipped=part.skipped,
            looked_at=part.looked_at,
            warnings=[],
        )

    def page(self, query: NotesQuery) -> NotePage:
        """Return the notes of a folder that are to do, as of the last scan.

        Raises NotThere if the folder is missing, and UsageError if it is outside the vault.
        """
        scan, folder = self.last(), self._spell(query.folder) if query.folder else ""
        part = ScanPart(self._space, scan, [folder])
        notes = sorted((path, facts) for path, facts in part.notes.items() if facts.needs)
        shown = [Note.of(path, facts) for path, facts in notes[: query.limit]]
        return NotePage(notes=shown, next=None, total=len(notes))

    def note(self, path: str) -> Note:
        """Return a note as it is now: its needs, and what is left alone. Raises as page does."""
        return Note.of(path, self._read_facts(self._spell(path)))

    def _spell(self, path: str) -> str:
        """Return the path as spelled on the disk. Raises NotThere; UsageError if it is outside."""
        try:
            return spelled_path(self._space.root, path)
        except PathNotFound as error:
            raise NotThere(str(error)) from None

    def _read_facts(self, path: str) -> Facts:
        from companion.enrich.asked import describe_proposed
        from companion.enrich.job import Job, examine_note

        try:
            task = examine_note(self._space, Job(path), partial(read_note, self._space.root))
        except NoteError as error:
            return Facts(skipped=error.reason)
        why = task.skipped or unfillable_reason(task.parsed, property_names(task.needs))
        unfilled = (*task.unfilled, *describe_proposed(each.need for each in task.pending))
        return Facts(needs=() if why else task.needs, unfilled=unfilled, skipped=why)


class ScanPart:
    """The part of a scan that the named paths select; without any, all of it.

    notes: those that need something, or in which something is left alone. skipped: why others are
    left alone. looked_at: how many notes were read. kind: of the needs; tag: of the notes; None:
    any.
    """

    def __init__(
        self,
        space: Workspace,
        scan: Scan,
        paths: Sequence[str],
        kind: str | None = None,
        tag: str | None = None,
    ) -> None:
        self.notes: dict[str, Facts] = {}
        self.skipped: dict[str, str] = {}
        self.looked_at = 0
        latest, folders = space.journal.proposals.latest_of_all(), paths or [""]
        for path, reported in scan.notes.with_reports():
            if not is_in_any(path, folders):
                continue
            self.looked_at += 1
            facts = reported or (scan.notes[path] if path in paths else Facts())
            needs = needs_of_kind(facts.needs, kind)
            if not (facts.skipped is not None or needs or facts.unfilled or path in paths):
                continue
            if not has_tag(space.root, path, tag):
                continue
            if facts.skipped is not None:
                self.skipped[path] = facts.skipped
            else:
                to_do = find_to_do(space, path, needs, latest.get(path, {}))
                unfilled = (*facts.unfilled, *to_do.all_unfilled)
                self.notes[path] = facts._replace(needs=to_do.needs, unfilled=unfilled)
        if tag is None:  # else nobody knows whether they have it
            skipped = scan.skipped.items()
            self.skipped.update((path, why) for path, why in skipped if is_in_any(path, folders))
        for path in set(paths) - set(scan.notes) - set(scan.skipped):
            if os.path.isfile(space.root / path):  # noqa: PTH113 (False of a name too long)
                why = skip_reason(space.root, path, space.ignore)
                self.skipped[path] = why or "it is not part of the vault"


def needs_of_kind(needs: tuple[Need, ...], kind: str | None) -> tuple[Need, ...]:
    """Return the needs of this kind; None: all."""
    return needs if kind is None else tuple(need for need in needs if need.kind == kind)


def has_tag(root: Path, path: str, tag: str | None) -> bool:
    """Return whether the note has the tag, or one nested in it; None: any note has.

    A note that cannot be read now has none.
    """
    if tag is None:
        return True
    try:
        return ParsedNote.decode(read_note(root, path, settle=0).data).has_tag(tag)
    except (NoteError, OSError):
        return False


def read_tag(typed: str | None) -> str | None:
    """Return the tag that somebody typed, without `#`. Raises UsageError if it is none."""
    if typed is None:
        return None
    tag = typed.removeprefix("#").strip("/")
    if not is_tag(tag):
        named = typed or "an empty text"
        raise UsageError(f"{named} is not a tag; write it like status/postponed")
    return tag


def find_kind(prompts: Prompts, field: str | None) -> str | None:
    """Return the kind of the needs that the field fills: its property, or `callout`.

    field: the name of a field, or of its property; None for all of them.

    Raises UsageError if there is no such field.
    """
    if field is None:
        return None
    if match := find_field(prompts.fields.values(), field):
        return match.fills
    names = sorted({each.name for each in prompts.fields.values()})
    raise UsageError(f"there is no field {field}; the fields are {', '.join(names)}")
