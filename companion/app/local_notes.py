"""The notes of a vault that this process has open: what they need, and what is outdated."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache, partial
from typing import TYPE_CHECKING

from companion.app.selection import NoteFilter, ScanPart, make_filter
from companion.app.types.notes import Note, NotePage, NotesQuery, NoteState, ScanOptions, ScanReport
from companion.app.vault import Progress
from companion.doctor.unused_settings import find_unused
from companion.enrich.workspace import Workspace
from companion.errors import NoteError, NotThere
from companion.note.facts import Facts, unfillable_reason
from companion.note.needs import property_names
from companion.vault.index import Scan
from companion.vault.paths import PathNotFound, named_path, spelled_path
from companion.vault.write import read_note

# Imported where it is used: a scan needs none of it.
if TYPE_CHECKING:
    from companion.app.types.coverage import Coverage, Estimate, Outdated


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
            warnings=find_unused(space.config, space.prompts, space.root, scan),
        )

    def page(self, query: NotesQuery) -> NotePage:
        """Return a page of notes in the order of their paths, as of the last scan; see Vault."""
        notes = self.select(query.filter, query.folder)
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

    def coverage(self, folder: str) -> Coverage:
        """Return how far the folder is filled, as of the last scan; see Vault."""
        from companion.app.overview import measure_coverage

        spelled = self._spell(folder) if folder else ""
        return measure_coverage(self._space, self.last(), spelled)

    def estimate(self) -> Estimate:
        """Return what filling everything to do would take; see Vault."""
        from companion.app.jobs import choose_jobs
        from companion.app.types.coverage import Estimate
        from companion.app.types.runs import RunOptions
        from companion.enrich.cost import describe_cost

        scan = self.last()
        jobs = choose_jobs(self._space, scan, RunOptions(paths=[""])).jobs
        if not jobs:
            return Estimate(words="Nothing needs anything, so it would cost nothing.")
        return Estimate(words=describe_cost(self._space, scan, jobs))

    def outdated(self, options: ScanOptions) -> list[Outdated]:
        """Return text that Companion wrote, in notes that have changed a lot since; see Vault."""
        from companion.app.written_texts import find_outdated

        only, paths = self._read(options)
        self.look(None)  # what the notes hold now is recorded by it
        return [
            each
            for each in find_outdated(self._space, paths or None)
            if only.kind in (None, each.kind) and only.keeps(self._space.root, each.path)
        ]

    def note(self, path: str) -> Note:
        """Return the note at path, read now: its needs, and what is left alone; see Vault."""
        [note] = self._show(self.last, [(path, self._read_facts(self._spell(path)))])
        return note

    def _show(self, scan: Callable[[], Scan], entries: Iterable[tuple[str, Facts]]) -> list[Note]:
        """Return the notes as shown. The callouts' titles are looked up only for a question."""

        @cache
        def find_titles() -> frozenset[str]:
            from companion.enrich.context import VaultContext

            return self._space.config.styles(VaultContext(scan()).styles).titles

        return [Note.of(path, facts, find_titles) for path, facts in entries]

    def _spell(self, path: str) -> str:
        """Return the path as spelled on the disk. Raises NotThere; UsageError if it is outside."""
        try:
            return spelled_path(self._space.root, path)
        except PathNotFound as error:
            raise NotThere(str(error)) from None

    def _read_facts(self, path: str) -> Facts:
        from companion.enrich.needs_to_ask import describe_proposed
        from companion.enrich.task import Job, examine_note

        try:
            task = examine_note(self._space, Job(path), partial(read_note, self._space.root))
        except NoteError as error:
            return Facts(skipped=error.reason)
        why = task.skipped or unfillable_reason(task.parsed, property_names(task.needs))
        unfilled = (*task.unfilled, *describe_proposed(need for need, _ in task.proposed))
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
