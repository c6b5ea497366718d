"""Write values into a note: the one place where proposals become a change.

Runs, decisions and the edits for an editor all end in `apply`. It looks for the places of the
values in the note as it is now, plans the edits, and has the journal record them first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from threading import Event, Lock
from typing import NamedTuple, Protocol

from companion.enrich.asked import IN_PART, REWRITTEN, is_rewritten
from companion.enrich.guard import SettingsChanged, look_at_note, require_included
from companion.enrich.job import Job, Result, Task, prepare_task
from companion.enrich.settings import SettingsUnusable, VaultSettings
from companion.enrich.workspace import Workspace
from companion.errors import DiskFull, NoteBusy, NoteChanged, NoteRefused, StorageError
from companion.llm.errors import Cancelled
from companion.note.callouts import (
    PLAIN,
    SECTION,
    Section,
    answer_callout,
    place_callout,
    place_section_callout,
)
from companion.note.edits import Edit, apply_edits, diff_edits
from companion.note.entries import is_unambiguous
from companion.note.facts import find_facts, read_facts
from companion.note.frontmatter import SCALARS, add_property, fill_property
from companion.note.needs import CALLOUT, Need, Rules, find_callout, find_needs, postponed_by
from companion.note.note import ParsedNote
from companion.note.postponed import KEEP, replace_status_marks
from companion.note.text import NoteText
from companion.store.journal import Change, write_note
from companion.store.outbox import TextHashes
from companion.store.proposals import FLAG_WORDS, Proposal, ProposedValue
from companion.vault.files import is_gone, skip_reason
from companion.vault.write import SETTLE, ConcurrentWrite, NotePartlyWritten, Snapshot, read_note

_FILLED = "the note no longer needs it: it was filled, or its place is gone"
_ATTEMPTS = 3  # to write a note that somebody else is writing
# Threads that only compute switch every 5 ms, which costs a fifth of their time.
_ONE_PLAN = Lock()


Check = Callable[[], None]


class Target(Protocol):
    """Where values are written."""

    @property
    def run(self) -> str:
        """The run that the change belongs to."""

    @property
    def explicit(self) -> bool:
        """Whether somebody named the note, as in Job."""

    @property
    def is_final(self) -> bool:
        """Whether a proposal without a place there is closed."""

    def read(self, space: Workspace, path: str) -> Snapshot:
        """Return the note as it is now. Raises NoteError."""

    def put(
        self, space: Workspace, seen: Snapshot, new: bytes, change: Change, check: Check
    ) -> int | None:
        """Record the change, and write it; return its id if it is made. check: see write_note."""


@dataclass(frozen=True)
class File:
    """The note's file. settle: seconds that it must be unchanged; waits: see read_note.

    cancelled: set to write nothing more. dry_run: only find out what would be written.
    """

    run: str
    explicit: bool = True
    settle: float | Callable[[str], float] = SETTLE
    waits: bool = True
    cancelled: Event = field(default_factory=Event)
    dry_run: bool = False

    @property
    def is_final(self) -> bool:
        """Whether a proposal without a place is closed: unless nothing is written."""
        return not self.dry_run

    def read(self, space: Workspace, path: str) -> Snapshot:
        """Return the note once it has been unchanged for the settle time. Raises NoteError."""
        settle = self.settle(path) if callable(self.settle) else self.settle
        limit = space.ignore.max_bytes
        return read_note(space.root, path, settle=settle, waits=self.waits, max_bytes=limit)

    def put(
        self, space: Workspace, seen: Snapshot, new: bytes, change: Change, check: Check
    ) -> int | None:
        """Write the change in place, the journal first; see write_note."""
        if self.dry_run:
            return None
        if self.cancelled.is_set():
            raise Cancelled("The work was stopped; nothing else was written")
        return write_note(seen, new, space.journal, change, check)


@dataclass
class Editor:
    """The text that an editor shows. row: of the outbox, to which the edits are given.

    hashes: by which the editor confirms the edits, once they are given.
    """

    row: int
    text: str
    run: str
    explicit: bool = True
    deadline: float = 0.0
    hashes: TextHashes | None = None
    is_final = False  # it may be half typed

    def read(self, space: Workspace, path: str) -> Snapshot:
        """Return the editor's text as the note's."""
        return Snapshot(space.root, path, self.text.encode("utf-8"), 0)

    def put(
        self, space: Workspace, seen: Snapshot, new: bytes, change: Change, check: Check
    ) -> int | None:
        """Record the edits for the editor to make; see OutboxStore.offer."""
        outbox = space.journal.outbox
        self.hashes = outbox.offer(self.row, change, seen.data, new, deadline=self.deadline)
        return None


def apply(
    space: Workspace, path: str, proposals: Sequence[Proposal], by: str, into: Target
) -> Result:
    """Write the values of proposals into their note as it is now, as far as they have a place.

    They are accepted by `by` in the states that they have here. If somebody else writes the note
    or changes the settings at the same time, they are planned and written again. `setting` writes
    only what the settings still allow. Proposals whose need is gone are closed, unless an editor
    shows the note; those for a note that is left alone now are forgotten.

    Returns the result; its `why_not` says why a proposal was not written.

    Raises NoteError, SettingsUnusable, Cancelled, StorageError. After NoteChanged and NoteBusy, it
    can be tried again later.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        settings = space.refresh()
        if reason := skip_reason(space.root, path, space.ignore):
            require_included(space, path, look_at_note(space, path, None))
            if not is_gone(space.root, path):
                raise NoteBusy(reason, path)  # it may pass, as a sync does
        seen = into.read(space, path)
        result, change = _plan_change(space, proposals, by, into, seen)
        if change is None:
            return result
        check, new = partial(_require_settings, space, settings), result.new.encode("utf-8")
        try:
            return replace(result, change=into.put(space, seen, new, change, check))
        except ConcurrentWrite:
            raise
        except (DiskFull, NotePartlyWritten) as error:
            raise StorageError(str(error)) from error
        except (NoteChanged, SettingsChanged):
            if attempt == _ATTEMPTS:
                raise
    raise AssertionError("the last attempt returns or raises")


def _require_settings(space: Workspace, settings: VaultSettings) -> None:
    """Raise SettingsChanged unless these settings still apply."""
    with suppress(SettingsUnusable):
        if space.refresh() is settings:
            return
    raise SettingsChanged("the settings were changed in the meantime; nothing was written")


def _plan_change(
    space: Workspace, proposals: Sequence[Proposal], by: str, into: Target, seen: Snapshot
) -> tuple[Result, Change | None]:
    """Return the result for the note as it was seen, and the change to record, if any.

    Raises NoteExcluded; NoteRefused if the note is left alone, or a value has no place.
    """
    path = seen.path
    task, needs = _find_needs(space, path, proposals, into.explicit, seen.data)
    sources = {each.id: space.journal.proposals.source(each) for each in proposals}
    whys = {each.id: _why_gone(each, sources[each.id], task, needs) for each in proposals}
    gone = {id_: why for id_, why in whys.items() if why}
    if into.is_final and not _is_in_part(sources.values(), task.data):
        for id_, why in gone.items():
            if why == IN_PART:  # the answer waits for the rest
                continue
            space.journal.proposals.decide([id_], "closed", "need", why)
    fits, why_not = dict[str, Proposal](), dict(gone)
    for each in proposals:
        if each.id in gone:
            continue
        if why := _why_not(space, each, by):
            why_not[each.id] = why
        elif each.need.key in fits:
            why_not[each.id] = "another proposal for the same was accepted with it"
        else:
            need = needs[each.need.key]._replace(reason=each.need.reason)
            fits[need.key] = replace(each, need=need)
    rest = tuple(each for each in proposals if each.id in why_not and each.id not in gone)
    result = Result(path, "unchanged", waiting=rest, why_not=why_not)
    if not fits:
        return replace(result, reason="; ".join(dict.fromkeys(why_not.values()))), None
    plan = plan_note(space, task, list(fits.values()))
    if plan.text == (old := task.data.decode("utf-8")):
        return replace(result, reason="it is as it was"), None
    edits = plan.edits if old == task.parsed.note.text else diff_edits(old, plan.text)
    filled = tuple(fits.values())
    unfilled = (*describe_waiting(rest), *plan.unfilled)
    result = replace(
        result,
        status="enriched",
        filled=filled,
        unfilled=unfilled,
        old=old,
        new=plan.text,
        edits=tuple(edits),
    )
    return result, _make_change(path, filled, edits, by, into.run)


def _make_change(
    path: str, filled: Sequence[Proposal], edits: Sequence[Edit], by: str, run: str
) -> Change:
    """Return the change with these edits as the journal will record it."""
    return Change(
        run=run,
        path=path,
        kind="enrich",
        edits=edits,
        needs=tuple(each.need.key for each in filled),
        model=", ".join(dict.fromkeys(each.origin.model for each in filled if each.origin.model)),
        note="; ".join(each.remark for each in filled if each.remark),
        proposals=tuple(each.id for each in filled),
        decided_by=by,
        states=tuple({each.state for each in filled}),
    )


def _find_needs(
    space: Workspace, path: str, proposals: Sequence[Proposal], explicit: bool, data: bytes
) -> tuple[Task, dict[str, Need]]:
    """Return the task of the note that holds data, and those needs of it that matter, by key.

    Raises NoteExcluded; NoteRefused if the note is left alone for another reason.
    """
    replaces = frozenset(each.need.key for each in proposals if "replaces" in each.flags)
    job = Job(path, explicit=explicit, retry=True, replaces=replaces)
    sections = {find_section(each) for each in proposals}
    if len(sections) == 1 and (section := next(iter(sections))):
        job, sections = job._replace(explicit=False, section=section), set()
    task = prepare_task(space, job, data)
    if task.skipped:
        require_included(space, path, read_facts(data, space.rules))
        raise NoteRefused(task.skipped, path)
    needs = list(task.all_needs)
    for section in filter(None, sections):
        with suppress(NoteRefused):  # the section is gone, or filled
            more = prepare_task(space, job._replace(explicit=False, section=section), data)
            needs += more.all_needs
    return task, {need.key: need for need in needs}


def find_section(proposal: Proposal) -> Section | None:
    """Return the section in which the proposal puts a new callout; None: it does not."""
    need = proposal.need
    return Section(need.heading or "", need.at, need.of) if need.where == "section" else None


def _is_in_part(sources: Iterable[bytes | None], data: bytes) -> bool:
    """Return whether the note is only the beginning of what was asked about, as while it syncs."""
    return any(source and source != data and source.startswith(data) for source in sources)


def _why_gone(
    proposal: Proposal, source: bytes | None, task: Task, needs: Mapping[str, Need]
) -> str:
    """Return why the proposal has no place in the note any more; empty: it has.

    source: what the model was asked about.
    """
    if is_rewritten(source, task.data):
        return IN_PART if source and source.startswith(task.data) else REWRITTEN
    return "" if proposal.need.key in needs else _FILLED


def _why_not(space: Workspace, proposal: Proposal, by: str) -> str:
    """Return why the value is not written although it has a place; empty: it may be."""
    if proposal.value is None:
        return "its text was deleted; ask for it again"
    if by == "setting" and space.config.review_mode(proposal.path, proposal.kind) == "propose":
        return "the settings were changed in the meantime; it waits for you"
    return ""


def describe_waiting(waiting: Iterable[Proposal]) -> list[str]:
    """Return in words which proposals wait for a decision, and why."""
    kinds: dict[str, list[str]] = {}
    for each in waiting:
        words = "; ".join(FLAG_WORDS[flag] for flag in each.flags)
        kinds.setdefault(words, []).append(each.kind)
    return [
        f"{', '.join(names)}: proposed, for you to decide{flags and f' ({flags})'}"
        for flags, names in kinds.items()
    ]


# --- the edits


class Plan(NamedTuple):
    """The edits of a note, its text with them, and which marks could not be removed, and why."""

    edits: list[Edit]
    text: str
    unfilled: tuple[str, ...] = ()


def require_places(space: Workspace, path: str, task: Task) -> None:
    """Check that the note can take values where it needs some. Raises NoteRefused."""
    if is_unambiguous(task.parsed.note):
        return  # another plan would cost a third of the throughput
    field_of = space.prompts.field_of
    texts = [
        Proposal(path, need, ["text"] if field_of(need.kind).is_list else "text")
        for need in task.all_needs
    ]
    if texts:
        plan_note(space, task, texts)


def plan_note(space: Workspace, task: Task, proposals: Sequence[Proposal]) -> Plan:
    """Return the edits that put the values in their places in the task's note; see plan_edits.

    Raises NoteRefused.
    """
    fields = space.prompts.fields.values()
    bare = frozenset(field.fills for field in fields if field.kind in SCALARS)
    afterwards = space.config.notes.postponed_afterwards
    with _ONE_PLAN:
        return plan_edits(task.parsed, proposals, space.rules, bare, afterwards)


def plan_edits(
    parsed: ParsedNote, proposals: Sequence[Proposal], rules: Rules, bare: Set[str], afterwards: str
) -> Plan:
    """Return the edits that put the values in their places, checked on the text they make.

    afterwards: what happens to the mark that a note is postponed: `keep`, `remove`, or a tag to
    replace it. The mark stays while the note needs more than what is filled.

    Raises NoteRefused if a place is gone, the properties do not allow an exact edit, or the new
    text would still have a need that was filled, so that every run would fill it again.
    """

    # At one place, items of the last property come before a new property, a callout after both.
    def rank(proposal: Proposal) -> int:
        kind = proposal.kind
        return 2 if kind == CALLOUT else 0 if parsed.property_key(kind) else 1

    filled = {each.need.key for each in proposals}
    edits: list[Edit] = []
    for each in sorted(proposals, key=rank):
        assert each.value is not None, "a value that is written is there"
        edits += _find_edits(parsed, each.need, each.value, bare)
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


def _find_edits(parsed: ParsedNote, need: Need, value: ProposedValue, bare: Set[str]) -> list[Edit]:
    note, lines = parsed.note, parsed.lines
    if need.kind != CALLOUT:
        is_bare = need.kind in bare
        if key := parsed.property_key(need.kind):
            return fill_property(note, key, value, is_bare=is_bare)
        return add_property(note, need.kind, value, is_bare=is_bare)
    body = [value] if isinstance(value, str) else value
    callout = find_callout(parsed, need)
    if need.where == "section":
        section = Section(need.heading or "", need.at, need.of)
        if callout not in parsed.section_callouts(section):  # one like it, in another section
            return [place_section_callout(note, lines, section, body, SECTION)]
    if callout:
        return [answer_callout(note, lines, callout, body)]
    if need.where == "top":
        return [place_callout(note, lines, body, PLAIN)]
    raise NoteRefused(f"its empty callout “{need.question or need.heading}” is gone")
