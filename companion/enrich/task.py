"""The task for a note: how it is to be worked on, its text, and the needs to ask for."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import partial
from typing import NamedTuple

from companion.config import Config
from companion.enrich.needs_to_ask import is_settled, leave_out_asked, was_rejected
from companion.enrich.result import OpenProposal
from companion.enrich.workspace import Workspace
from companion.errors import NoteChanged, NoteError, NoteRefused
from companion.note.edit import Edit, apply_edits
from companion.note.facts import Facts, find_facts
from companion.note.needs import CALLOUT, Need, find_callout
from companion.note.parsed_note import ParsedNote
from companion.note.sections import Section
from companion.note.text import NoteText, split_lines
from companion.store.inverse import find_parts
from companion.store.journal import Change, Journal
from companion.store.proposal import LatestProposal, NewProposal
from companion.vault.files import skip_reason
from companion.vault.write import Snapshot, read_note

REWRITTEN = "the note was rewritten since the model was asked; enrich it again"


class NoteRewritten(NoteChanged):
    """Most of what the model was asked about is gone from the note; its answer is useless."""


class Again(NamedTuple):
    """What the user wants changed, in their words, and what was proposed, by the keys of needs."""

    wish: str
    texts: tuple[tuple[str, str], ...]


class Job(NamedTuple):
    """One note to work on, and how. path: vault-relative, with `/`.

    explicit: the user wants it to have a description and a callout, even if it is not a stub.
    retry: ask again what was asked before, unless its proposal is still open. force: replace what
    Companion wrote and nobody has edited since. section: ask for a callout in this one, and nothing
    else. dry_run: write nothing. requests: fill the empty callouts in it, and nothing else.
    rejected_only: ask for what was rejected before, and nothing else; other values filled in then
    may hide that the note is a stub. propose: write nothing; the answers wait for a decision.
    background: nobody asked for it. rewrite: the keys of needs that Companion filled, to ask again
    for texts that nobody has edited since. kind: of the needs to ask for; None: all. again: what to
    ask for once more, and nothing else.
    """

    path: str
    explicit: bool = False
    retry: bool = False
    force: bool = False
    section: Section | None = None
    dry_run: bool = False
    requests: bool = False
    rejected_only: bool = False
    propose: bool = False
    background: bool = False
    rewrite: frozenset[str] = frozenset()
    kind: str | None = None
    again: Again | None = None

    def to_place(self) -> Job:
        """Return a job that finds the same needs again, ignoring past proposals."""
        return self._replace(
            explicit=self.explicit or self.rejected_only, retry=True, rejected_only=False
        )


@dataclass(frozen=True)
class Task:
    """A note as it was read, and its needs.

    parsed: for --force, without what Companion wrote. skipped: why it is left alone. unfilled: what
    is not asked for, and why. reopened: the keys of needs that Companion filled before, and that
    are open in parsed only to be filled again. pending: needs that are not asked for because they
    have an open proposal, or one that was lost in a sync conflict and will be reopened (its state
    is accepted), or are asked in a batch. read_at: Unix time. settings_version: of those in force.
    """

    data: bytes
    parsed: ParsedNote
    skipped: str | None
    needs: tuple[Need, ...]
    unfilled: tuple[str, ...]
    reopened: frozenset[str] = frozenset()
    pending: tuple[tuple[Need, LatestProposal], ...] = ()
    read_at: float = field(default_factory=time.time)
    settings_version: int = 0

    @classmethod
    def left_alone(cls, reason: str) -> Task:
        """Return the task for a note that is not read."""
        return cls(b"", ParsedNote(NoteText("")), reason, (), ())

    @property
    def all_needs(self) -> tuple[Need, ...]:
        """The needs to ask for, and those that have a proposal."""
        return (*self.needs, *(need for need, _ in self.pending))


def prepare_task(workspace: Workspace, job: Job, data: bytes) -> Task:
    """Return the task for the note that holds data.

    Raises NoteRefused if its text is ambiguous, or the section is not there. JournalError.
    """
    parsed, version = ParsedNote.decode(data), workspace.settings.version
    explicit = job.explicit or job.rejected_only
    reverted = RevertedText(parsed.note.text, frozenset(), frozenset())
    if job.force or job.rewrite:
        reverted = revert(workspace, job, parsed.note.text)
        parsed = ParsedNote(NoteText(reverted.text))
        explicit = job.explicit or bool(reverted.keys or job.rewrite)
    facts = _find_needs(workspace, job, parsed, explicit)
    needs, unfilled = facts.needs, (*_describe_kept(job, reverted.kept), *facts.unfilled)
    if (job.force or job.rewrite) and not job.explicit:
        keys = set(reverted.keys)  # what Companion wrote once
        if job.force:  # to replace it, what stubs need, too
            stub = _find_needs(workspace, job, parsed, explicit=False)
            keys.update(need.key for need in stub.needs)
        needs = tuple(need for need in needs if need.key in keys)
    to_ask = leave_out_asked(workspace, job.path, needs, retry=job.retry, reopened=reverted.keys)
    unfilled = to_ask.unfilled if job.rewrite else (*unfilled, *to_ask.unfilled)
    task = Task(data, parsed, facts.skipped, to_ask.needs, unfilled, reverted.keys, to_ask.pending)
    if job.again:
        keys = {key for key, _ in job.again.texts}
        needs = tuple(need for need in task.all_needs if need.key in keys)
        task = replace(task, needs=needs, pending=())
    return replace(task, settings_version=version)


def examine_note(workspace: Workspace, job: Job, read: Callable[[str], Snapshot]) -> Task:
    """Return the task for the note at the job's path, as read returns it.

    A note whose file is left alone is not read. Raises NoteError, JournalError.
    """
    if reason := skip_reason(workspace.root, job.path, workspace.ignore):
        return Task.left_alone(reason)
    return prepare_task(workspace, job, read(job.path).data)


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
    try:
        task = examine_note(workspace, job, partial(read_note, workspace.root))
    except NoteError:
        return None
    return None if task.skipped else task


def _describe_kept(job: Job, kept_keys: Iterable[str]) -> list[str]:
    """Return in words which of the needs that the job asks for are not replaced."""
    if job.section or job.kind or job.requests:
        return []
    keys = (key for key in sorted(kept_keys) if not key.startswith(f"{CALLOUT}:section:"))
    kinds = ", ".join(dict.fromkeys(key.partition(":")[0] for key in keys))
    return [f"{kinds}: what Companion wrote was edited since, so it stays"] if kinds else []


def is_written(
    config: Config, job: Job, kind: str, proposal: OpenProposal | NewProposal | LatestProposal
) -> bool:
    """Return whether a value is written at once: nothing flags it and the settings accept it.

    kind: of its need. Only background jobs leave a waiting value alone.
    """
    if job.propose or not is_settled(config, job.path, kind, proposal):
        return False
    return not (job.background and proposal.waits)


def _find_needs(workspace: Workspace, job: Job, parsed: ParsedNote, explicit: bool) -> Facts:
    rules = workspace.rules
    facts = find_facts(parsed, rules, explicit=explicit, section=job.section)
    needs: Iterable[Need] = facts.needs
    if job.requests:  # the empty callouts, which the user put there to be filled
        needs = (n for n in needs if n.kind == CALLOUT and find_callout(parsed, n) is not None)
    elif job.rejected_only:
        latest = workspace.journal.proposals.latest(job.path)
        needs = (need for need in needs if was_rejected(latest.get(need.key)))
    elif job.section is not None:
        section = job.section  # of the first H1: the top part of the note
        needs = (
            need
            for need in needs
            if need.where == "section"
            or find_callout(parsed, need) in parsed.section_callouts(section)
        )
    if job.kind is not None:
        needs = (need for need in needs if need.kind == job.kind)
    return facts._replace(needs=tuple(needs))


def _find_keys(workspace: Workspace, job: Job, text: str) -> frozenset[str]:
    """Return the keys of the needs that the job would ask for in a named note with this text."""
    try:
        facts = _find_needs(workspace, job, ParsedNote(NoteText(text)), explicit=True)
    except NoteRefused:
        return frozenset()
    return frozenset(need.key for need in facts.needs)


class RevertedText(NamedTuple):
    """A note's text, the keys of the needs open again in it, and of those whose text stays."""

    text: str
    keys: frozenset[str]
    kept: frozenset[str]


def revert(workspace: Workspace, job: Job, text: str) -> RevertedText:
    """Return the text without what Companion wrote for the needs that the job is to rewrite.

    For a job that replaces, without all that it wrote. Edited text stays, and so does everything
    else that the same changes wrote.
    """
    journal, keys_of = workspace.journal, partial(_find_keys, workspace, job)
    changes = [c for c in journal.changes(job.path) if (c.state, c.kind) == ("done", "enrich")]
    keys = job.rewrite or {key for change in changes for key in change.needs}
    before, opened = keys_of(text), set[str]()
    for key in sorted(keys - before):
        new = text if key in keys_of(text) else _open(journal, changes, text, key, keys_of)
        if new is not None:
            text = new
            opened.add(key)
    return RevertedText(text, frozenset(opened), frozenset(keys - before - opened))


def _open(
    journal: Journal,
    changes: Sequence[Change],
    text: str,
    key: str,
    find_keys: Callable[[str], Set[str]],
) -> str | None:
    """Return the text without what these changes, newest first, wrote for a need, which opens it.

    A change that rewrote it leaves what an older one wrote. None: it was edited since. find_keys:
    returns the keys of the needs that would be asked for in a text.
    """
    for number, change in enumerate(changes, 1):
        try:
            inverse = find_parts(journal, change, text)
        except NoteChanged:
            continue
        edits = [[each] for each in inverse.edits if not _was_continued(text, each)]
        places = defaultdict[str, list[Edit]](list)  # of the properties and callouts
        for edit, part in zip(inverse.edits, inverse.parts, strict=True):
            places[change.names[part]].append(edit)
        for taken in [*edits, *(several for several in places.values() if len(several) > 1)]:
            without = apply_edits(text, taken)
            if key in find_keys(without):
                return without
            if key not in change.needs:
                continue
            opened = _open(journal, changes[number:], without, key, find_keys)
            if opened is not None and _count_changed(text, opened) == 1:
                return opened
    return None


def _count_changed(old: str, new: str) -> int:
    """Return how many properties and callouts of the text are different in the new one."""
    notes = [ParsedNote(NoteText(text)) for text in (old, new)]
    before, after = (each.properties.values for each in notes)
    changed = sum(before.get(name) != after.get(name) for name in {*before, *after})
    callouts = [
        Counter(
            "\n".join(line.text for line in each.lines[c.first : c.last + 1]) for c in each.callouts
        )
        for each in notes
    ]
    return changed + (callouts[0] - callouts[1]).total()


def _was_continued(text: str, edit: Edit) -> bool:
    """Return whether lines were added below a callout that the edit removes, as part of it.

    Companion puts a blank line below a new callout if there is none.
    """
    block = split_lines(text[edit.start : edit.end])
    if not any(line.startswith("> [!ai]") for line in block) or not block[-1].strip():
        return False
    below = split_lines(text[edit.end :])[:1]
    return any(line.strip() for line in below)
