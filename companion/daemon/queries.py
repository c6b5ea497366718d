"""What clients may ask about the notes of the daemon's vault."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

from companion.enrich.selection import ScanReport
from companion.enrich.task import Job, describe_proposed, prepare_task
from companion.enrich.workspace import Workspace
from companion.enrich.written import Outdated, find_outdated
from companion.errors import NoteError
from companion.note.facts import Facts, unfillable_reason
from companion.note.needs import property_names
from companion.vault.files import is_in, skip_reason
from companion.vault.index import Scan
from companion.vault.paths import relative_path
from companion.vault.proposals import ALL
from companion.vault.write import read_note

NoteState = Literal["to-do", "left", "skipped", "all"]

# What was found to be outdated is shown again for so many seconds, and for so many times the time
# that it took to find.
_FRESH, _REST = 5.0, 50


class Listing(NamedTuple):
    """A page of notes. after: where the next page begins, None at the end. total: of all pages."""

    notes: list[tuple[str, Facts]]
    after: str | None
    total: int


class _FoundOutdated(NamedTuple):
    """What is outdated. until: when to look again, by the monotonic clock. newest: the newest
    change and proposal that were known then.
    """

    texts: list[Outdated]
    until: float
    newest: tuple[int, int]


class NoteQueries:
    """The notes of one vault. scan: returns the last scan. Safe to use from any thread."""

    def __init__(self, space: Workspace, scan: Callable[[], Scan]) -> None:
        self._space = space
        self._scan = scan
        self._outdated: _FoundOutdated | None = None

    def page(
        self, wanted: NoteState, folder: str = "", after: str = "", limit: int = 100
    ) -> Listing:
        """Return at most limit notes of the folder by path, from the one after `after` on.

        Raises PathNotFound if the folder is missing, and UsageError if it is outside the vault.
        """
        where = [spelled_path(self._space.root, folder)] if folder else []
        report = ScanReport(self._space, self._scan(), where)
        found = [(path, facts) for path, facts in report.all() if _matches(facts, wanted)]
        if wanted == "all":
            found += [(path, Facts()) for path in report.others]
        found.sort(key=lambda entry: entry[0])
        page = [entry for entry in found if entry[0] > after][:limit]
        more = bool(page) and page[-1][0] != found[-1][0]
        return Listing(page, page[-1][0] if more else None, len(found))

    def unfilled(self) -> dict[str, set[str]]:
        """Return the kinds of what each note lacks, also of what was refused, by path."""
        return {
            path: {need.kind for need in facts.needs}
            for path, facts in self._scan().notes.with_reports()
            if facts is not None and facts.skipped is None
        }

    def outdated(self, folder: str = "") -> list[Outdated]:
        """Return what Companion wrote in the folder from text of which a lot has changed since.

        It may be some seconds old, in a large vault a minute: all that was written is looked at.
        """
        journal = self._space.journal
        newest_proposal = next((each.id for each in journal.proposals.select(ALL, 1)), 0)
        newest = journal.newest(), newest_proposal
        known = self._outdated
        if known is None or known.newest != newest or time.monotonic() > known.until:
            began = time.monotonic()
            texts = sorted(find_outdated(self._space), key=lambda each: each.proposal.path)
            took = time.monotonic() - began
            until = began + took + max(_FRESH, _REST * took)
            known = self._outdated = _FoundOutdated(texts, until, newest)
        return [each for each in known.texts if is_in(each.proposal.path, folder)]

    def read_facts(self, path: str) -> Facts:
        """Return the facts of the note at path, read now: its needs, and what is left alone.

        Raises PathNotFound if it is missing, and UsageError if it is outside the vault.
        """
        path = spelled_path(self._space.root, path)
        if reason := skip_reason(self._space.root, path, self._space.ignore):
            return Facts(skipped=reason)
        try:
            data = read_note(self._space.root, path).data
            task = prepare_task(self._space, Job(path), data)
        except NoteError as error:
            return Facts(skipped=error.reason)
        why = task.skipped or unfillable_reason(task.parsed, property_names(task.needs))
        left = (*task.left, *describe_proposed(need for need, _ in task.proposed))
        return Facts(needs=() if why else task.needs, left=left, skipped=why)


def spelled_path(root: Path, path: str) -> str:
    """Return the vault-relative path as it is spelled on the disk; empty for the vault itself.

    Raises UsageError if it is missing or outside the vault.
    """
    return relative_path(root, path, root) if path else ""


def _matches(facts: Facts, wanted: NoteState) -> bool:
    if facts.skipped is not None:
        return wanted in ("skipped", "all")
    if facts.needs:
        return wanted in ("to-do", "all")
    return wanted == "all" or (wanted == "left" and bool(facts.left))
