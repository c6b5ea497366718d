"""The notes of a vault that this process has open: which are meant, and what they need."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from companion.app.types.base import Progress
from companion.app.types.notes import Note, NotePage, NotesQuery, NoteState, ScanOptions, ScanReport
from companion.enrich.asked import find_to_do
from companion.enrich.workspace import Workspace
from companion.errors import NoteError, NotThere, UsageError
from companion.note.exclusions import has_value
from companion.note.facts import Facts, unfillable_reason
from companion.note.needs import Need, property_names
from companion.note.parsed_note import ParsedNote
from companion.note.tags import is_tag
from companion.prompts import Prompts, find_field
from companion.vault.files import is_in_any, skip_reason
from companion.vault.notes import Scan
from companion.vault.paths import PathNotFound, named_path, spelled_path
from companion.vault.write import read_note

# Imported where it is used: a scan needs none of it.
if TYPE_CHECKING:
    from companion.app.types.proposals import ProposalFilter


class LocalNotes:
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

    def scan(self, options: ScanOptions, progress: Progress | None = None) -> ScanReport:
        """Return what needs work, and what is left alone; see Vault."""
        space, only, paths = self._space, *self._read(options)
        scan = self.look(progress)
        part = ScanPart(space, scan, paths, only)
        return ScanReport(
            notes={each.path: each for each in self._show(lambda: scan, part.notes.items())},
            skipped=part.skipped,
            looked_at=part.looked_at,
            warnings=[],
        )

    def page(self, query: NotesQuery) -> NotePage:
        """Return a page of notes in the order of their paths, as of the last scan; see Vault."""
        notes = self.select(query.filter, query.folder)
        if not query.below:
            depth = query.folder.count("/") + bool(query.folder)
            notes = [entry for entry in notes if entry[0].count("/") == depth]
        rest = [entry for entry in notes if entry[0] > query.after]
        page = self._show(self.last, rest[: query.limit])
        after = page[-1].path if len(rest) > len(page) else None
        return NotePage(notes=page, next=after, total=len(notes))

    def select(self, state: NoteState, folder: str = "") -> list[tuple[str, Facts]]:
        """Return the notes of the folder that are in this state at the last scan, by path.

        Raises NotThere if the folder is missing, and UsageError if it is outside the vault.
        """
        where = [self._spell(folder)] if folder else []
        part = ScanPart(self._space, self.last(), where)
        notes = [(path, facts) for path, facts in part.all() if _matches(facts, state)]
        if state == "all":
            notes += [(path, Facts()) for path in part.others]
        return sorted(notes, key=lambda entry: entry[0])

    def note(self, path: str) -> Note:
        """Return the note at path, read now: its needs, and what is left alone; see Vault."""
        [note] = self._show(self.last, [(path, self._read_facts(self._spell(path)))])
        return note

    def _show(self, scan: Callable[[], Scan], entries: Iterable[tuple[str, Facts]]) -> list[Note]:
        """Return the notes as shown. The callouts' titles are looked up only for a question."""

        @cache
        def find_titles() -> frozenset[str]:
            from companion.enrich.context.vault_context import VaultContext

            return VaultContext(scan()).styles.titles

        return [Note.of(path, facts, find_titles) for path, facts in entries]

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

    def _read(self, options: ScanOptions) -> tuple[NoteFilter, list[str]]:
        """Return which notes are meant, and the paths as spelled on the disk."""
        only = make_filter(self._space, options)
        return only, [named_path(self._space.root, path) for path in options.paths]


def _matches(facts: Facts, state: NoteState) -> bool:
    if facts.skipped is not None:
        return state in ("skipped", "all")
    if facts.needs:
        return state in ("to-do", "all")
    return state == "all" or (state == "left" and bool(facts.unfilled))


def needs_of_kind(needs: tuple[Need, ...], kind: str | None) -> tuple[Need, ...]:
    """Return the needs of this kind; None: all."""
    return needs if kind is None else tuple(need for need in needs if need.kind == kind)


class NoteFilter(NamedTuple):
    """Criteria for notes, which match all that are set. None: any.

    kind: of the needs to keep. tag: without `#`; nested tags match, too. with_property: its name,
    or `name=value`. modified_since: Unix time, seconds.
    """

    kind: str | None = None
    tag: str | None = None
    with_property: str | None = None
    modified_since: float | None = None

    def keeps(self, root: Path, path: str) -> bool:
        """Return whether the note matches; one that cannot be read now does not.

        It is read only if a tag or a property is given.
        """
        try:
            since = self.modified_since
            if since is not None and (root / path).stat().st_mtime < since:
                return False
            if self.tag is None and self.with_property is None:
                return True
            parsed = ParsedNote.decode(read_note(root, path, settle=0).data)
        except (NoteError, OSError):
            return False
        if self.tag is not None and not parsed.has_tag(self.tag):
            return False
        if self.with_property is None:
            return True
        name, is_valued, value = map(str.strip, self.with_property.partition("="))
        if is_valued:
            return has_value(parsed.properties, name, value)
        return parsed.properties.key_of(name) is not None


ANY_NOTE = NoteFilter()


def make_filter(space: Workspace, only: ScanOptions | ProposalFilter) -> NoteFilter:
    """Return the filter for what the user typed. Raises UsageError if it names nothing."""
    tag, with_property = only.tag, only.property
    if tag is not None:
        name = tag.removeprefix("#").strip("/")
        if not is_tag(name):
            raise UsageError(
                f"{tag or 'an empty text'} is not a tag; write it like status/postponed"
            )
        tag = name
    if with_property is not None and not with_property.partition("=")[0].strip():
        raise UsageError("--property takes a name, or name=value, such as status=postponed")
    kind = find_kind(space.prompts, only.field)
    return NoteFilter(kind, tag, with_property, only.modified_since)


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


class ScanPart:
    """The part of a scan that the named paths select; without any, all of it.

    notes: those that need something, or in which something is left alone. others: the notes with
    nothing to report. looked_at: how many notes were read. only: which of the notes.
    """

    def __init__(
        self, workspace: Workspace, scan: Scan, paths: Sequence[str], only: NoteFilter = ANY_NOTE
    ) -> None:
        self.notes: dict[str, Facts] = {}
        self.skipped: dict[str, str] = {}
        self.others: list[str] = []
        self.looked_at = 0
        latest, folders = workspace.journal.proposals.latest_of_all(), paths or [""]
        for path, reported in scan.notes.with_reports():
            if not is_in_any(path, folders):
                continue
            self.looked_at += 1
            facts = reported or (scan.notes[path] if path in paths else Facts())
            needs = needs_of_kind(facts.needs, only.kind)
            is_reported = facts.skipped is not None or needs or facts.unfilled or path in paths
            if is_reported and not only.keeps(workspace.root, path):
                continue
            if facts.skipped is not None:
                self.skipped[path] = facts.skipped
            elif is_reported:
                to_do = find_to_do(workspace, path, needs, latest.get(path, {}))
                unfilled = (*facts.unfilled, *to_do.all_unfilled)
                self.notes[path] = facts._replace(needs=to_do.needs, unfilled=unfilled)
            else:
                self.others.append(path)
        if only._replace(kind=None) == ANY_NOTE:  # else nobody knows whether they fit
            skipped = scan.skipped.items()
            self.skipped.update((path, why) for path, why in skipped if is_in_any(path, folders))
        for path in set(paths) - set(scan.notes) - set(scan.skipped):
            if os.path.isfile(workspace.root / path):  # noqa: PTH113 (False of a name too long)
                why = skip_reason(workspace.root, path, workspace.ignore)
                self.skipped[path] = why or "it is not part of the vault"

    def all(self) -> Iterator[tuple[str, Facts]]:
        """Yield every note that needs something, has something left alone, or is skipped."""
        yield from self.notes.items()
        for path, reason in self.skipped.items():
            yield path, Facts(skipped=reason)
