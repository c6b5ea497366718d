"""Which notes a run works on, whether it may begin, and what it would send for a note."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import NamedTuple

from companion.app.selection import find_kind, has_tag, needs_of_kind, read_tag, report_notes
from companion.app.types.proposals import Wish
from companion.app.types.runs import NotePrompt, RunOptions
from companion.enrich.asker import Asker
from companion.enrich.context.excerpt import LEFT_OUT
from companion.enrich.context.similar import SimilarNotes
from companion.enrich.context.vault_context import VaultContext
from companion.enrich.cost import describe_cost, needs_agreement
from companion.enrich.due_needs import sort_needs
from companion.enrich.job import (
    Job,
    Result,
    examine_note,
    is_written,
    read_task,
)
from companion.enrich.workspace import Workspace
from companion.errors import ConsentMissing, NoteRefused, NotThere, UsageError
from companion.llm.request import Question
from companion.note.callouts import Section, section_at
from companion.note.markdown import read_lines
from companion.note.text import NoteText
from companion.store.proposals import Proposal
from companion.vault.files import is_in
from companion.vault.notes import Scan
from companion.vault.paths import spelled_path
from companion.vault.write import read_note


class RunPlan(NamedTuple):
    """The plan of a run. skipped: the results of notes that were named, and are left alone.

    left_alone: if no note needs anything, how many are left alone, by reason.
    """

    jobs: list[Job]
    skipped: list[Result]
    left_alone: Counter[str]


def plan_run(space: Workspace, scan: Scan, options: RunOptions) -> RunPlan:
    """Return the plan of a run with these options.

    Raises UsageError if a path is missing, a section is requested in a folder, or an option names
    nothing; NoteError if a line is not in a section; JournalError; and ConsentMissing, with the
    cost, if so many notes would go to another machine that somebody has to agree first.
    """
    paths = [spelled_path(space.root, path) for path in dict.fromkeys(options.paths)]
    kind, tag = find_kind(space.prompts, options.field), read_tag(options.tag)
    plan = _choose_on_paths(space, scan, options.model_copy(update={"paths": paths}), kind)
    jobs = [job for job in plan.jobs if has_tag(space.root, job.path, tag)]
    if options.limit is not None:
        jobs = list(islice((job for job in jobs if _does_anything(space, job)), options.limit))
    _require_agreement(space, scan, jobs, agreed=options.agreed)
    return plan._replace(jobs=jobs)


def plan_again(space: Workspace, scan: Scan, id_: int, wish: Wish) -> RunPlan:
    """Return the plan of a run that asks for a proposal once more, and for nothing else.

    The answer waits, in place of an open proposal, or beside what is in the note.

    Raises NotThere; UsageError if it is asked in a batch; ConsentMissing as plan_run does.
    """
    proposal = space.journal.proposals.get(id_)
    if proposal is None:
        raise NotThere(f"there is no proposal {id_}")
    path, key = proposal.path, proposal.need.key
    if proposal.state == "asked":
        raise UsageError(f"{path}: it was asked in a batch, which is not answered yet")
    is_written = proposal.state == "accepted" or "replaces" in proposal.flags
    section = proposal.need.section
    job = Job(
        path,
        explicit=section is None,
        retry=True,
        propose=True,
        section=section,
        again=proposal,
        wish=wish.wish,
        replaces=frozenset({key} if is_written else ()),
    )
    _require_agreement(space, scan, [job], agreed=wish.agreed)
    return RunPlan([job], [], Counter())


def _require_agreement(space: Workspace, scan: Scan, jobs: Sequence[Job], *, agreed: bool) -> None:
    """Raise ConsentMissing, with the cost, unless somebody agreed, or need not."""
    if not agreed and needs_agreement(space, jobs):
        raise ConsentMissing(describe_cost(space, scan, jobs))


def _choose_on_paths(
    space: Workspace, scan: Scan, options: RunOptions, kind: str | None
) -> RunPlan:
    """Return the jobs for the paths of the options, and the notes left alone there."""
    jobs: dict[str, Job] = {}
    skipped: dict[str, Result] = {}
    for path in options.paths:
        if path and (space.root / path).is_file():
            section = _find_section(space, path, options)
            job = _make_job(path, options, kind)
            jobs[path] = job._replace(explicit=section is None, retry=True, section=section)
            continue
        if options.section is not None:
            raise UsageError(f"--section works on notes, and {path or 'the vault'} is a folder")
        for job in _in_folder(space, scan, path, options, kind):
            jobs.setdefault(job.path, job)
        if options.all:
            skipped |= {p: Result(p, "skipped", why) for p, why in _skips(scan, path)}
    left_alone = Counter[str]()
    if not (jobs or options.all):  # else each of them was named
        left_alone = _count_left_alone(space, scan, options.paths)
    rest = [job for path, job in jobs.items() if path not in skipped]
    return RunPlan(rest, list(skipped.values()), left_alone)


def _count_left_alone(space: Workspace, scan: Scan, folders: Sequence[str]) -> Counter[str]:
    """Return how many notes in these folders are left alone, by reason."""
    report = report_notes(space, scan, folders)
    reasons = {path: note.left[0] for path, note in report.notes.items() if note.left}
    return Counter((reasons | report.skipped).values())


def _does_anything(space: Workspace, job: Job) -> bool:
    task = read_task(space, job)
    if task is None or task.needs:
        return task is not None
    return any(  # open proposals that it writes, for which no call is made
        each.state == "open" and is_written(space, job, each) for each in task.pending
    )


def _find_section(space: Workspace, path: str, options: RunOptions) -> Section | None:
    if options.section is None or isinstance(options.section, str):
        return Section(options.section) if options.section else None
    note = NoteText.decode(read_note(space.root, path).data)
    return section_at(note, read_lines(note), options.section)


def _in_folder(
    space: Workspace, scan: Scan, folder: str, options: RunOptions, kind: str | None
) -> Iterator[Job]:
    written_paths = set[str]()
    if options.mode == "replace":
        written_paths = {change.path for change in space.journal.changes()}
    latest = space.journal.proposals.latest_of_all()
    for path, facts in scan.notes.each():
        if not is_in(path, folder) or facts.skipped is not None:
            continue
        job = _make_job(path, options, kind)
        needs = needs_of_kind(facts.needs, kind)
        rest = sort_needs(space, path, needs, retry=job.retry, latest=latest.get(path, {}))
        needs = (*rest.needs, *(p.need for p in rest.pending if p.state != "asked"))
        if options.all or needs or path in written_paths:
            yield job
        elif options.retry and any(
            each.state == "rejected" for each in latest.get(path, {}).values()
        ):
            yield job._replace(explicit=True)


def _make_job(path: str, options: RunOptions, kind: str | None) -> Job:
    return Job(
        path,
        explicit=options.all,
        retry=options.retry,
        force=options.mode == "replace",
        dry_run=options.dry_run,
        requests=options.mode == "requests",
        propose=options.propose,
        kind=kind,
    )


def _skips(scan: Scan, folder: str) -> Iterator[tuple[str, str]]:
    for path, facts in scan.notes.each():
        if facts.skipped is not None and is_in(path, folder):
            yield path, facts.skipped
    for path, reason in scan.skipped.items():
        if is_in(path, folder):
            yield path, reason


def find_prompt(space: Workspace, scan: Scan, path: str, heading: str | None) -> NotePrompt:
    """Return what a model would be sent for a note; see Vault.prompt."""
    endpoint, path = space.config.describe_endpoint(), spelled_path(space.root, path)
    if (space.root / path).is_dir():
        raise UsageError(f"{path} is a folder; name a note")
    section = None if heading is None else Section(heading)
    job = Job(path, explicit=True, retry=True, section=section)
    try:
        task = examine_note(space, job, partial(read_note, space.root))
    except NoteRefused as error:
        raise NoteRefused(error.reason, path, error.line) from None
    if task.skipped or not task.all_needs:
        why = f"{path}: nothing would be sent: {task.skipped or 'it needs nothing'}"
        return NotePrompt(endpoint=endpoint, calls=[], remarks=[why])
    asker = Asker(space, VaultContext(scan), SimilarNotes(space))
    question = asker.question(path, task.parsed, task.all_needs)
    calls = [each] if (each := question.question) else []
    remarks = [*map(_describe_chosen, question.chosen), *question.unaskable.values()]
    remarks += [f"{path}: {each}" for each in question.unread]
    if _is_cut(calls, task.parsed.note.text):
        remarks.append(
            f"{path}: it is too long for the model; “{LEFT_OUT}” stands where something is left out"
        )
    return NotePrompt(endpoint=endpoint, calls=calls, remarks=remarks)


def _describe_chosen(proposal: Proposal) -> str:
    value = ", ".join(proposal.text.split("\n"))
    told = f"{value} ({proposal.remark})" if value else proposal.reason
    return f"{proposal.kind}: no model is asked; {told}"


def _is_cut(calls: Iterable[Question], text: str) -> bool:
    texts = (message["content"] for call in calls for message in call.messages)
    return any(each.count(LEFT_OUT) > text.count(LEFT_OUT) for each in texts)
