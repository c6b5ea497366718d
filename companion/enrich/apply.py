"""Write values into a note: the one place where proposals become a change.

Runs, decisions and the edits for an editor all end in `apply`. It looks for the places of the
values in the note as it is now, plans the edits, and has the journal record them first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from threading import Event

from companion.enrich.due_needs import IN_PART, REWRITTEN, is_rewritten
from companion.enrich.guard import SettingsChanged, look_at_note, require_included
from companion.enrich.job import Job, Result, Task, prepare_task
from companion.enrich.plan import plan_note
from companion.enrich.settings import SettingsUnusable, VaultSettings
from companion.enrich.workspace import Workspace
from companion.errors import DiskFull, NoteBusy, NoteChanged, NoteRefused, StorageError
from companion.llm.errors import Cancelled
from companion.note.edits import Edit, diff_edits
from companion.note.facts import read_facts
from companion.note.needs import Need
from companion.store.journal import Change, write_note
from companion.store.outbox import TextHashes
from companion.store.proposals import FLAG_WORDS, Proposal
from companion.vault.files import is_gone, skip_reason
from companion.vault.write import SETTLE, ConcurrentWrite, NotePartlyWritten, Snapshot, read_note

_FILLED = "the note no longer needs it: it was filled, or its place is gone"
_ATTEMPTS = 3  # to write a note that somebody else is writing


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
        self,
        space: Workspace,
        seen: Snapshot,
        new: bytes,
        change: Change,
        check: Callable[[], None],
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
        self,
        space: Workspace,
        seen: Snapshot,
        new: bytes,
        change: Change,
        check: Callable[[], None],
    ) -> int | None:
        """Record the edits for the editor to make; see OutboxStore.offer."""
        outbox = space.journal.outbox
        self.hashes = outbox.offer(self.row, change, seen.data, new, deadline=self.deadline)
        return None


Target = File | Editor
"""Where values are written."""


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
    path, store = seen.path, space.journal.proposals
    task, needs = _find_needs(space, path, proposals, into.explicit, seen.data)
    sources = [store.source(each) for each in proposals]
    closes = into.is_final and not _is_in_part(sources, task.data)
    fits, rest, why_not = dict[str, Proposal](), list[Proposal](), dict[int, str]()
    for each, source in zip(proposals, sources, strict=True):
        if why := _why_gone(each, source, task, needs):
            why_not[each.id] = why
            if closes:
                store.decide([each.id], "closed", "need", why)
        elif why := _why_not(space, each, by, fits):
            why_not[each.id] = why
            rest.append(each)
        else:
            need = needs[each.need.key]._replace(reason=each.need.reason)
            fits[need.key] = replace(each, need=need)
    result = Result(path, "unchanged", waiting=tuple(rest), why_not=why_not)
    if not fits:
        return replace(result, reason="; ".join(dict.fromkeys(why_not.values()))), None
    filled = tuple(fits.values())
    plan = plan_note(space, task, filled)
    if plan.text == (old := task.data.decode("utf-8")):
        return replace(result, reason="it is as it was"), None
    edits = plan.edits if old == task.parsed.note.text else diff_edits(old, plan.text)
    result = replace(
        result,
        status="enriched",
        filled=filled,
        unfilled=(*describe_waiting(rest), *plan.unfilled),
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
    sections = {each.need.section for each in proposals}
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


def _why_not(space: Workspace, proposal: Proposal, by: str, fits: Mapping[str, Proposal]) -> str:
    """Return why the value is not written although it has a place; empty: it may be.

    fits: what is written with it, by the keys of the needs.
    """
    if proposal.value is None:
        return "its text was deleted; ask for it again"
    if by == "setting" and space.config.review_mode(proposal.path, proposal.kind) == "propose":
        return "the settings were changed in the meantime; it waits for you"
    if proposal.need.key in fits:
        return "another proposal for the same was accepted with it"
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
