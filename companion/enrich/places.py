"""Which values still have a place in a note as it is now, and the edits that put them there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import NamedTuple

from companion.enrich.context.vault_context import VaultContext, choose_styles
from companion.enrich.note_guard import is_rewritten
from companion.enrich.result import Filling
from companion.enrich.task import REWRITTEN, Again, Job, Task, prepare_task
from companion.enrich.workspace import Workspace
from companion.errors import NoteBusy, NoteRefused, NoteUnwritable, NotThere, UsageError
from companion.note.callouts import Styles, answer_callout, place_callout, place_section_callout
from companion.note.edit import Edit, apply_edits
from companion.note.facts import find_facts
from companion.note.frontmatter import add_property, fill_property
from companion.note.needs import CALLOUT, Need, Rules, find_callout, find_needs, postponed_by
from companion.note.parsed_note import ParsedNote, name_note
from companion.note.sections import Section
from companion.note.status_mark import KEEP, replace_status_marks
from companion.note.text import NoteText
from companion.store.proposal import Proposal
from companion.vault.files import is_gone, is_vault_there, skip_reason
from companion.vault.write import Snapshot, read_note

_DELETED = "the note was deleted"
_FILLED = "the note no longer needs it: it was filled, or its place is gone"


@dataclass(frozen=True)
class Places:
    """Where proposals go. job: finds their needs; task: of the note as it was read.

    gone: why proposals have no place, by id. is_excluded: as the note is now ignored or private.
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
    """Return the places of the proposals in the note at path, as read returns it.

    Raises NoteError if the note cannot be read now, or is ambiguous; its proposals stay.
    SettingsUnusable.
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
    sections = {tuple(each.options.get("section") or ()) for each in proposals} - {()}
    for section in () if job.section else sections:
        in_section = job._replace(explicit=False, section=Section(*section))
        with suppress(NoteRefused):  # the section is gone, or filled
            more = prepare_task(space, in_section, data)
            needs, pending = (*task.needs, *more.needs), (*task.pending, *more.pending)
            task = replace(task, needs=needs, pending=pending)
    return task


def _nowhere(
    job: Job, proposals: Sequence[Proposal], reason: str, *, is_excluded: bool = False
) -> Places:
    gone = {each.id: reason for each in proposals}
    return Places(job, Task.left_alone(reason), gone, is_excluded)


class Preview(NamedTuple):
    """A note's text before and after a proposal, and the edits between them.

    new_values: those not used in the vault yet.
    """

    before: str
    after: str
    edits: list[Edit]
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
    plan = plan_edits(task.parsed, [filling], space.rules, choose_styles(space, context), KEEP)
    field = space.prompts.field_of(filling.need.kind)
    values = [filling.value] if isinstance(filling.value, str) else filling.value
    chooses = field.vocabulary == "vault" and field.property
    new_values = [each for each in values if chooses and not context.is_used(field, each)]
    title = name_note(task.parsed, path)
    return Preview(task.data.decode("utf-8"), plan.text, plan.edits, title, new_values)


class Plan(NamedTuple):
    """The edits of a note, its text with them, and which marks could not be removed, and why."""

    edits: list[Edit]
    text: str
    unfilled: tuple[str, ...] = ()


def plan_edits(
    parsed: ParsedNote, fillings: Sequence[Filling], rules: Rules, styles: Styles, afterwards: str
) -> Plan:
    """Return the edits that put the fillings in their places, checked on the text they make.

    afterwards: what happens to the mark that a note is postponed: `keep`, `remove`, or a tag to
    replace it. The mark stays while the note needs more than what is filled.

    Raises NoteRefused if a place is gone, the properties do not allow an exact edit, or the new
    text would still have a need that was filled, so that every run would fill it again.
    """

    # At one place, items of the last property come before a new property, a callout after both.
    def rank(filling: Filling) -> int:
        kind = filling.need.kind
        return 2 if kind == CALLOUT else 0 if parsed.property_key(kind) else 1

    filled = {filling.need.key for filling in fillings}
    ordered = sorted(fillings, key=rank)
    edits = [edit for filling in ordered for edit in _find_edits(parsed, filling, styles)]
    open_needs = []
    if afterwards != KEEP:
        needs = find_facts(parsed, rules).needs
        open_needs = [need.kind for need in needs if need.key not in filled]
    edits += replace_status_marks(parsed, rules, KEEP if open_needs else afterwards)
    text = apply_edits(parsed.note.text, edits)
    new = ParsedNote(NoteText(text))
    if any(need.key in filled for need in find_needs(new, rules, explicit=True)):
        raise NoteRefused("what was filled would still count as empty; fill it by hand")
    unfilled: tuple[str, ...] = ()
    if afterwards != KEEP and (mark := postponed_by(new, rules)):
        why = (
            "more than the mark would change, or a property that is to be filled would become"
            " empty; take it out by hand"
        )
        if open_needs:
            why = f"the note still needs: {', '.join(open_needs)}"
        unfilled = (f"the mark {mark} stays, because {why}",)
    return Plan(edits, text, unfilled)


def _find_edits(parsed: ParsedNote, filling: Filling, styles: Styles) -> list[Edit]:
    need, value, note, lines = filling.need, filling.value, parsed.note, parsed.lines
    if need.kind != CALLOUT:
        key, form = parsed.property_key(need.kind), styles.form_of(need.kind)
        if key:
            return fill_property(note, key, value, form)
        return add_property(note, need.kind, value, form)
    body = [value] if isinstance(value, str) else value
    callout = find_callout(parsed, need)
    if need.where == "section":
        section = Section(need.heading or "", need.at, need.of)
        if callout not in parsed.section_callouts(section):  # one like it, in another section
            return [place_section_callout(note, lines, section, body, styles.section)]
    if callout:
        return [answer_callout(note, lines, callout, body)]
    if need.where == "top":
        return [place_callout(note, lines, body, styles.top)]
    raise NoteRefused(f"its empty callout “{need.question or need.heading}” is gone")
