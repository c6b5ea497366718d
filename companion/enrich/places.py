"""The places of proposals in the present note, and their effect there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import NamedTuple

from companion.enrich.context import VaultContext, find_styles
from companion.enrich.plan import Filling, plan_edits
from companion.enrich.task import REWRITTEN, Again, Job, Task, prepare_task
from companion.enrich.words import is_rewritten
from companion.enrich.workspace import Workspace
from companion.errors import NoteBusy, NoteRefused, NoteUnwritable, NotThere, UsageError
from companion.note.needs import Need
from companion.note.outline import Section
from companion.note.parsed_note import name_note
from companion.note.status_mark import KEEP
from companion.store.proposal import Proposal
from companion.vault.files import is_gone, is_vault_there, skip_reason
from companion.vault.write import Snapshot, read_note

_DELETED = "the note was deleted"
_FILLED = "the note no longer needs it: it was filled, or its place is gone"


@dataclass(frozen=True)
class Places:
    """Where proposals go. job: finds their needs; task: of the note as it was read.

    gone: why proposals no longer have a place, by their ids. is_excluded: because the note is now
    ignored or private.
    """

    job: Job
    task: Task
    gone: Mapping[int, str]
    is_excluded: bool = False

    @cached_property
    def needs(self) -> Mapping[str, Need]:
        """The needs of the note by key, including those that have a proposal."""
        return {need.key: need for need in self.task.all_needs}


def find_places(
    space: Workspace, path: str, proposals: Sequence[Proposal], read: Callable[[str], Snapshot]
) -> Places:
    """Return the places of the proposals for the note at path.

    read: returns the note.

    Raises NoteError if the note cannot be read now, or is ambiguous; its proposals stay. Raises
    SettingsUnusable while a settings file is broken.
    """
    space.refresh()
    job = find_job(path, proposals)
    try:
        if is_gone(space.root, path):
            if not is_vault_there(space.root):
                raise NoteBusy("the vault is not available right now; mount its drive", path)
            return _nowhere(job, proposals, _DELETED)
    except OSError as error:
        raise NoteUnwritable(f"it cannot be read: {error.strerror}", path) from error
    if reason := space.ignore.path_reason(path):
        return _nowhere(job, proposals, reason, is_excluded=True)
    if reason := skip_reason(space.root, path, space.ignore):  # it may pass, as a sync does
        raise NoteBusy(reason, path)
    task = _find_task(space, job, proposals, read(path).data)
    if task.skipped:
        return _nowhere(job, proposals, task.skipped, is_excluded=True)
    needs = {need.key for need in task.all_needs}
    source_of = space.journal.proposals.source
    gone = {p.id: REWRITTEN for p in proposals if is_rewritten(source_of(p), task.data)}
    gone |= {each.id: _FILLED for each in proposals if each.need not in needs}
    return Places(job, task, gone)


def find_job(path: str, proposals: Sequence[Proposal]) -> Job:
    """Return the job that finds the needs of the proposals in their note, at path."""
    force = any(each.options.get("force") for each in proposals)
    rewrite = frozenset(each.need for each in proposals if each.options.get("rewrite"))
    job = Job(path, explicit=True, retry=True, force=force, rewrite=rewrite)
    sections = [each.options.get("section") for each in proposals]
    if sections[0] and all(each == sections[0] for each in sections):
        job = job._replace(explicit=False, section=Section(*sections[0]))
    return job


def find_jobs_again(space: Workspace, ids: Sequence[int], wish: str) -> list[Job]:
    """Return a job for each note of these proposals, which asks for them once more.

    The answers then wait, in place of open proposals, or beside what is in the note. wish: what the
    user wants changed, in their words.

    Raises NotThere; UsageError if one is asked in a batch, or a note has open and accepted ones.
    """
    proposals = space.journal.proposals.get_all(ids)
    if unknown := sorted(set(ids) - {each.id for each in proposals}):
        raise NotThere(f"there is no proposal {unknown[0]}")
    jobs = []
    for path in dict.fromkeys(each.path for each in proposals):
        group = [each for each in proposals if each.path == path]
        written = frozenset(each.need for each in group if each.state == "accepted")
        if any(each.state == "asked" for each in group):
            raise UsageError(f"{path}: it was asked in a batch, which is not answered yet")
        if written and len(written) < len({each.need for each in group}):
            raise UsageError(f"{path}: ask for what waits and for what is written one by one")
        job = find_job(path, group)
        again = Again(wish, tuple({each.need: each.text for each in group}.items()))
        jobs.append(job._replace(propose=True, again=again, rewrite=job.rewrite | written))
    return jobs


def _find_task(space: Workspace, job: Job, proposals: Sequence[Proposal], data: bytes) -> Task:
    task = prepare_task(space, job, data)
    for section in {tuple(each.options.get("section") or ()) for each in proposals}:
        if not section or job.section:
            continue
        try:
            more = prepare_task(
                space, job._replace(explicit=False, section=Section(*section)), data
            )
        except NoteRefused:  # the section is gone, or filled
            continue
        task = replace(
            task, needs=(*task.needs, *more.needs), proposed=(*task.proposed, *more.proposed)
        )
    return task


def _nowhere(
    job: Job, proposals: Sequence[Proposal], reason: str, *, is_excluded: bool = False
) -> Places:
    gone = {each.id: reason for each in proposals}
    return Places(job, Task.left_alone(reason), gone, is_excluded)


class Preview(NamedTuple):
    """A proposal's effect on its note. before, after: the note's text. title: the note's.

    new_values: those of its values that no note of the vault uses yet.
    """

    before: str
    after: str
    title: str
    new_values: list[str]


def preview_proposal(space: Workspace, context: VaultContext, proposal: Proposal) -> Preview:
    """Return the proposal's effect on its note; nothing is written.

    Raises NoteError, also if the proposal no longer has a place in the note.
    """
    path = proposal.path
    places = find_places(space, path, [proposal], partial(read_note, space.root, settle=0))
    if reason := places.gone.get(proposal.id):
        raise NoteRefused(reason, path)
    if proposal.value is None:
        raise NoteRefused("its text was deleted; ask for it again", path)
    task, filling = places.task, Filling(places.needs[proposal.need], proposal.value)
    plan = plan_edits(task.parsed, [filling], space.rules, find_styles(space, context), KEEP)
    new_values = _find_new_values(space, context, path, filling)
    title = name_note(task.parsed, path)
    return Preview(task.data.decode("utf-8"), plan.text, title, new_values)


def _find_new_values(
    space: Workspace, context: VaultContext, path: str, filling: Filling
) -> list[str]:
    """Return the values that no note of the vault uses yet."""
    field, value = space.prompts.for_note(path).field_of(filling.need.kind), filling.value
    if field.vocabulary != "vault" or not field.property:
        return []
    values = [value] if isinstance(value, str) else value
    return [each for each in values if not context.is_used(field, each)]
