"""Which notes a run works on, from the paths the user named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

from companion.enrich.note_filter import ANY_NOTE, Criteria, NoteFilter
from companion.enrich.run import Result
from companion.enrich.task import Job, Task, is_written, leave_out_asked, prepare_task, was_rejected
from companion.enrich.workspace import Workspace
from companion.errors import NoteError, UsageError
from companion.note.editor_text import require_utf8
from companion.note.facts import Facts
from companion.note.needs import Need
from companion.note.outline import Section, read_outline, section_at
from companion.note.text import NoteText
from companion.vault.files import (
    describe_read_error,
    folder_reason,
    has_other_names,
    is_in,
    is_in_any,
    is_same_file,
    skip_reason,
)
from companion.vault.index import Scan
from companion.vault.write import read_note


class JobOptions(NamedTuple):
    """The options of a run; see Job. every: in folders, all notes, not only stubs.

    section: the words of a heading. line: of a note, counted from 1; its section is asked for.
    only: which of the notes. rewrite: what Companion wrote, to be rewritten, and nothing else.
    limit: the number of notes that are asked about or written; None: all.
    """

    every: bool = False
    force: bool = False
    retry: bool = False
    section: str | None = None
    dry_run: bool = False
    requests: bool = False
    line: int | None = None
    propose: bool = False
    only: NoteFilter = ANY_NOTE
    rewrite: Criteria | None = None
    limit: int | None = None


def choose_jobs(
    workspace: Workspace,
    scan: Scan,
    paths: Sequence[str],
    choice: JobOptions,
    text: str | None = None,
) -> tuple[list[Job], list[Result]]:
    """Return the jobs, and the results of notes that were asked for and are skipped.

    paths: vault-relative notes and folders; empty: the vault itself. text: of the one note, where
    it differs from the file's.

    Raises UsageError when a section is wanted in a folder, NoteError when a line stands in none,
    JournalError.
    """
    fits = partial(choice.only.keeps, workspace.root)
    if choice.rewrite is not None:
        from companion.enrich.written import find_rewrites  # with all that makes proposals

        rewrites = find_rewrites(workspace, paths or [""], choice.rewrite)
        chosen = [job for job in rewrites if fits(job.path)]
        return _limit(workspace, chosen, choice.limit), []
    jobs: dict[str, Job] = {}
    skipped: dict[str, Result] = {}
    for path in paths:
        if path and (workspace.root / path).is_file():
            section = _find_section(workspace, path, choice, text)
            explicit = section is None
            job = _make_job(path, choice)
            jobs[path] = job._replace(explicit=explicit, retry=True, section=section)
            continue
        if choice.section is not None or choice.line is not None:
            raise UsageError(f"--section works on notes, and {path or 'the vault'} is a folder")
        for job in _in_folder(workspace, scan, path, choice):
            jobs.setdefault(job.path, job)
        if choice.every:
            skipped |= {p: Result(p, "skipped", why) for p, why in _skips(scan, path)}
    shared = [path for path in jobs if has_other_names(workspace.root, path)]
    for number, path in enumerate(shared):
        for earlier in shared[:number]:
            if is_same_file(workspace.root, earlier, path):
                skipped[path] = Result(path, "skipped", f"another name of {earlier} (a hard link)")
    chosen = [job for path, job in jobs.items() if path not in skipped and fits(path)]
    return _limit(workspace, chosen, choice.limit), list(skipped.values())


def _limit(workspace: Workspace, jobs: list[Job], limit: int | None) -> list[Job]:
    """Return the jobs up to the one with which `limit` notes are asked about or written."""
    if limit is None or len(jobs) <= limit:
        return jobs
    for end, job in enumerate(jobs, 1):
        counts = has_open_needs(workspace, job)
        if not (counts or job.propose) and (task := _read_task(workspace, job)):
            counts = any(  # open proposals that it writes, for which no call is made
                latest.state != "asked" and is_written(workspace.config, job, need.kind, latest)
                for need, latest in task.proposed
            )
        limit -= counts
        if not limit:
            return jobs[:end]
    return jobs


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
    task = _read_task(workspace, job)
    return task if task and task.needs else None


def _read_task(workspace: Workspace, job: Job) -> Task | None:
    """Return the task for the note as it is now; None if the note is left alone."""
    if skip_reason(workspace.root, job.path, workspace.ignore):
        return None
    try:
        task = prepare_task(workspace, job, read_note(workspace.root, job.path).data)
    except NoteError:
        return None
    return None if task.skipped else task


def count_left_alone(workspace: Workspace, scan: Scan, folders: Sequence[str]) -> Counter[str]:
    """Return the number of notes left alone in these folders, by reason.

    A folder that cannot be read, or that is left out of the vault, counts as one.
    """
    reasons: dict[str, str] = {}
    latest = workspace.journal.proposals.latest_of_all()
    for folder in folders:
        for path, of_note in latest.items():
            if is_in(path, folder) and (facts := scan.notes.get(path)):
                needs = leave_out_asked(workspace, Job(path), facts.needs, latest=of_note)
                for why in needs.unfilled[:1]:
                    reasons[path] = why
        reasons |= _skips(scan, folder)
        try:
            whole = folder_reason(workspace.root, folder, workspace.ignore) if folder else None
        except (OSError, ValueError) as error:
            whole = describe_read_error(error)
        if whole is not None and whole not in reasons.values():
            reasons[folder] = whole
    return Counter(reasons.values())


def _find_section(
    workspace: Workspace, path: str, choice: JobOptions, text: str | None
) -> Section | None:
    if choice.line is None:
        return None if choice.section is None else Section(choice.section, is_whole=False)
    if text is None:
        note = NoteText.decode(read_note(workspace.root, path).data)
    else:
        require_utf8(text)
        note = NoteText(text)
    return section_at(note, read_outline(note), choice.line)


def _in_folder(workspace: Workspace, scan: Scan, folder: str, choice: JobOptions) -> Iterator[Job]:
    written = set[str]()
    if choice.force:
        written = {change.path for change in workspace.journal.changes()}
    latest_by_path = workspace.journal.proposals.latest_of_all()
    for path, facts in scan.notes.each():
        if not is_in(path, folder) or facts.skipped is not None:
            continue
        job = _make_job(path, choice)
        needs = _of_kind(facts.needs, job.kind)
        if path in latest_by_path:
            open_needs = leave_out_asked(workspace, job, needs, latest=latest_by_path[path])
            needs = (
                *open_needs.needs,
                *(n for n, previous in open_needs.proposed if previous.state != "asked"),
            )
        if choice.every or needs or path in written:
            yield job
        elif choice.retry and any(map(was_rejected, latest_by_path.get(path, {}).values())):
            yield job._replace(rejected_only=True)


def _make_job(path: str, choice: JobOptions) -> Job:
    return Job(
        path,
        explicit=choice.every,
        retry=choice.retry,
        force=choice.force,
        dry_run=choice.dry_run,
        requests=choice.requests,
        propose=choice.propose,
        kind=choice.only.kind,
    )


def _of_kind(needs: tuple[Need, ...], kind: str | None) -> tuple[Need, ...]:
    return needs if kind is None else tuple(need for need in needs if need.kind == kind)


def _skips(scan: Scan, folder: str) -> Iterator[tuple[str, str]]:
    for path, facts in scan.notes.each():
        if facts.skipped is not None and is_in(path, folder):
            yield path, facts.skipped
    for path, reason in scan.skipped.items():
        if is_in(path, folder):
            yield path, reason


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
            needs = _of_kind(facts.needs, only.kind)
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
            if (workspace.root / path).is_file():
                why = skip_reason(workspace.root, path, workspace.ignore)
                self.skipped[path] = why or "it is not part of the vault"

    def all(self) -> Iterator[tuple[str, Facts]]:
        """Yield every note that needs something, is left, or is skipped."""
        yield from self.notes.items()
        for path, reason in self.skipped.items():
            yield path, Facts(skipped=reason)
