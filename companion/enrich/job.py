"""A job: one note to work on, what it needs then, and the result."""

from __future__ import annotations

import secrets
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Literal, NamedTuple

from companion.enrich.due_needs import SortedNeeds, sort_needs
from companion.enrich.workspace import Workspace
from companion.errors import NoteChanged, NoteError, NoteRefused
from companion.llm.answers import Usage
from companion.note.callouts import Section
from companion.note.edits import Edit, apply_edits
from companion.note.facts import Facts, find_facts
from companion.note.needs import CALLOUT, Need, find_callout
from companion.note.note import ParsedNote
from companion.note.text import NoteText, split_lines
from companion.store.journal import Change, Journal
from companion.store.proposals import Proposal
from companion.store.undo import find_parts
from companion.vault.files import skip_reason
from companion.vault.write import Snapshot, read_note


class Job(NamedTuple):
    """One note to work on, and how. path: vault-relative, with `/`.

    explicit: the user wants it to have a description and a callout, even if it is not a stub.
    retry: ask again what was asked before, unless its proposal is still open. force: replace what
    Companion wrote and nobody has edited since. section: ask for a callout in this one, and nothing
    else. dry_run: write nothing. requests: fill the empty callouts in it, and nothing else.
    propose: write nothing; the answers wait for a decision.
    background: nobody asked for it. kind: of the needs to ask for; None: all. again: the proposal
    whose need is asked for once more, and nothing else; wish: what the user wants changed in it.
    replaces: the keys of needs that Companion filled, whose values are to be replaced.
    """

    path: str
    explicit: bool = False
    retry: bool = False
    force: bool = False
    section: Section | None = None
    dry_run: bool = False
    requests: bool = False
    propose: bool = False
    background: bool = False
    kind: str | None = None
    again: Proposal | None = None
    wish: str = ""
    replaces: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Task:
    """A note as it was read, and its needs.

    parsed: without what Companion wrote, where that is to be replaced. skipped: why it is left
    alone. unfilled: what is not asked for, and why. replaces: the keys of needs that Companion
    filled before, and that are open in parsed only to be filled again. pending: the proposals that
    needs have, for which nobody is asked; see due_needs.py. settings_version: of
    those in force.
    """

    data: bytes
    parsed: ParsedNote
    skipped: str | None = None
    needs: tuple[Need, ...] = ()
    unfilled: tuple[str, ...] = ()
    replaces: frozenset[str] = frozenset()
    pending: tuple[Proposal, ...] = ()
    settings_version: int = 0

    @property
    def all_needs(self) -> tuple[Need, ...]:
        """The needs to ask for, and those that have a proposal."""
        return (*self.needs, *(each.need for each in self.pending))


NoteStatus = Literal["enriched", "proposed", "refused", "undone", "unchanged", "skipped", "failed"]


@dataclass(frozen=True)
class Result:
    """The result of a job, or of a decision on the proposals for a note.

    filled: the proposals whose values were written. waiting: the others it is about: those that
    wait for a decision, or were decided on, or could not be. unfilled: the needs without a value,
    and why. old, new, edits: the note's text before and after, and the edits
    between them, if it changed or would change. change: the
    id of the change in the journal; None if nothing was written. ends_run: the reason applies to
    every note, so the run ends with it. why_not: why proposals were not decided on, by id.
    """

    path: str
    status: NoteStatus
    reason: str = ""
    filled: tuple[Proposal, ...] = ()
    waiting: tuple[Proposal, ...] = ()
    unfilled: tuple[str, ...] = ()
    usage: Usage = field(default_factory=Usage)
    old: str = ""
    new: str = ""
    edits: tuple[Edit, ...] = ()
    change: int | None = None
    ends_run: bool = False
    why_not: dict[int, str] = field(default_factory=dict)

    @property
    def proposals(self) -> tuple[Proposal, ...]:
        """The proposals that it is about."""
        return (*self.filled, *self.waiting)


def failed_result(path: str, error: NoteError, usage: Usage | None = None) -> Result:
    """Return the result of a note whose work failed, for the reason in error."""
    status: NoteStatus = "skipped" if isinstance(error, NoteRefused) else "failed"
    reason = f"{error.reason} (line {error.line})" if error.line else error.reason
    return Result(path, status, reason, usage=usage or Usage())


def new_run() -> str:
    """Return a name for a run that sorts by time: `20261125-104412-3f9a`."""
    return f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"


def examine_note(space: Workspace, job: Job, read: Callable[[str], Snapshot]) -> Task:
    """Return the task for the note at the job's path, as read returns it.

    A note whose file is left alone is not read. Raises NoteError, JournalError.
    """
    if reason := skip_reason(space.root, job.path, space.ignore):
        return Task(b"", ParsedNote(NoteText("")), reason)
    return prepare_task(space, job, read(job.path).data)


def prepare_task(space: Workspace, job: Job, data: bytes) -> Task:
    """Return the task for the note that holds data.

    Raises NoteRefused if its text is ambiguous, or the section is not there. JournalError.
    """
    parsed, version = _parse(data), space.settings.version
    text, replaces, kept = parsed.note.text, frozenset[str](), frozenset[str]()
    if job.force or job.replaces:
        text, replaces, kept = _take_out_written(space, job, text)
        parsed = ParsedNote(NoteText(text))
    facts = _find_needs(space, job, parsed, job.explicit)
    needs = facts.needs
    if job.force and not job.explicit:  # what stubs need, and what Companion wrote once
        stub = _find_needs(space, job, parsed, explicit=False)
        keys = replaces | {need.key for need in stub.needs}
        needs = tuple(
            need for need in _find_needs(space, job, parsed, True).needs if need.key in keys
        )
    if job.again:
        to_ask = SortedNeeds(tuple(need for need in needs if need.key == job.again.need.key))
        unfilled = tuple[str, ...]()
    else:
        to_ask = sort_needs(space, job.path, needs, retry=job.retry, again=replaces)
        unfilled = (*_describe_kept(job, kept), *facts.unfilled, *to_ask.unfilled)
    return Task(
        data,
        parsed,
        facts.skipped,
        to_ask.needs,
        unfilled,
        replaces,
        to_ask.pending,
        settings_version=version,
    )


_parse = lru_cache(maxsize=64)(ParsedNote.decode)  # it is read again before it is written


def read_task(space: Workspace, job: Job) -> Task | None:
    """Return the task for the note as it is now; None if the note is left alone.

    Raises JournalError.
    """
    try:
        task = examine_note(space, job, partial(read_note, space.root))
    except NoteError:
        return None
    return None if task.skipped else task


def is_written(space: Workspace, job: Job, proposal: Proposal) -> bool:
    """Return whether a value is written at once: nothing flags it, and the settings allow it.

    Who has what Companion wrote replaced (--force) has decided on that. Only background jobs leave
    a value alone that waits for somebody.
    """
    flags = set(proposal.flags) - ({"replaces"} if job.force else set())
    if job.propose or flags or (job.background and proposal.waits):
        return False
    return space.config.review_mode(job.path, proposal.kind) == "write"


def _describe_kept(job: Job, kept_keys: Iterable[str]) -> list[str]:
    """Return in words which of the needs that the job asks for are not replaced."""
    if job.section or job.kind or job.requests:
        return []
    keys = (key for key in sorted(kept_keys) if not key.startswith(f"{CALLOUT}:section:"))
    kinds = ", ".join(dict.fromkeys(key.partition(":")[0] for key in keys))
    return [f"{kinds}: what Companion wrote was edited since, so it stays"] if kinds else []


def _find_needs(space: Workspace, job: Job, parsed: ParsedNote, explicit: bool) -> Facts:
    rules = space.rules
    facts = find_facts(parsed, rules, explicit=explicit, section=job.section)
    needs: Iterable[Need] = facts.needs
    if job.requests:  # the empty callouts, which the user put there to be filled
        needs = (n for n in needs if n.kind == CALLOUT and find_callout(parsed, n) is not None)
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


# --- what Companion wrote, to be replaced


def _take_out_written(
    space: Workspace, job: Job, text: str
) -> tuple[str, frozenset[str], frozenset[str]]:
    """Return the text without what Companion wrote for the needs whose values are replaced.

    And the keys of the needs that are open in it for that, and of those whose text was edited since
    and stays. Everything else that the same changes wrote stays, too.
    """

    def find_keys(text: str) -> frozenset[str]:
        try:
            facts = _find_needs(space, job, ParsedNote(NoteText(text)), explicit=True)
        except NoteRefused:
            return frozenset()
        return frozenset(need.key for need in facts.needs)

    journal = space.journal
    changes = [c for c in journal.changes(job.path) if (c.state, c.kind) == ("done", "enrich")]
    keys = job.replaces or {key for change in changes for key in change.needs}
    before, opened = find_keys(text), set[str]()
    for key in sorted(keys - before):
        new = text if key in find_keys(text) else _open(journal, changes, text, key, find_keys)
        if new is not None:
            text = new
            opened.add(key)
    return text, frozenset(opened), frozenset(keys - before - opened)


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
            if opened is not None:
                return opened
    return None


def _was_continued(text: str, edit: Edit) -> bool:
    """Return whether lines were added below a callout that the edit removes, as part of it.

    Companion puts a blank line below a new callout if there is none.
    """
    block = split_lines(text[edit.start : edit.end])
    if not any(line.startswith("> [!ai]") for line in block) or not block[-1].strip():
        return False
    below = split_lines(text[edit.end :])[:1]
    return any(line.strip() for line in below)
