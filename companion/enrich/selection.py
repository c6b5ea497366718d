"""What a note needs that nobody asked for yet, and the part of a scan that somebody named."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from companion.enrich.note_filter import ANY_NOTE, NoteFilter
from companion.enrich.task import Job, Task, leave_out_asked, prepare_task
from companion.enrich.workspace import Workspace
from companion.errors import NoteError
from companion.note.facts import Facts
from companion.note.needs import Need
from companion.vault.files import is_in_any, skip_reason
from companion.vault.index import Scan
from companion.vault.write import read_note


def has_open_needs(workspace: Workspace, job: Job) -> bool:
    """Return whether there is something to ask for in the note. Raises JournalError."""
    is_plain = not (job.explicit or job.force or job.requests or job.section)
    if is_plain and not workspace.journal.proposals.latest(job.path):
        return True  # otherwise it would not be a job
    return open_task(workspace, job) is not None


def open_task(workspace: Workspace, job: Job) -> Task | None:
    """Return the task for the note as it is now; None if there is nothing to ask for.

    Raises JournalError.
    """
    task = read_task(workspace, job)
    return task if task and task.needs else None


def read_task(workspace: Workspace, job: Job) -> Task | None:
    """Return the task for the note as it is now; None if the note is left alone."""
    if skip_reason(workspace.root, job.path, workspace.ignore):
        return None
    try:
        task = prepare_task(workspace, job, read_note(workspace.root, job.path).data)
    except NoteError:
        return None
    return None if task.skipped else task


def needs_of_kind(needs: tuple[Need, ...], kind: str | None) -> tuple[Need, ...]:
    """Return the needs of this kind; None: all."""
    return needs if kind is None else tuple(need for need in needs if need.kind == kind)


class ScanPart:
    """The part of a scan that the named paths select; without any, all of it.

    notes: those that need something, or of which something is left. others: the notes of which
    there is nothing to report. looked_at: how many notes were read. only: which of the notes.
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
                if path in latest:
                    open_needs = leave_out_asked(workspace, Job(path), needs, latest=latest[path])
                    unfilled = (*facts.unfilled, *open_needs.all_unfilled)
                    needs, facts = open_needs.needs, facts._replace(unfilled=unfilled)
                self.notes[path] = facts._replace(needs=needs)
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
        """Yield every note that needs something, is left, or is skipped."""
        yield from self.notes.items()
        for path, reason in self.skipped.items():
            yield path, Facts(skipped=reason)
