"""The task for a note: which of its needs are asked for, and why others are not."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import NamedTuple

from companion.config import Config
from companion.enrich.result import OpenProposal
from companion.enrich.revert import RevertedText, revert_needs, revert_own_changes
from companion.enrich.words import find_tokens
from companion.enrich.workspace import Workspace
from companion.errors import NoteChanged, NoteRefused
from companion.note.facts import Facts, find_facts
from companion.note.needs import CALLOUT, Need, find_callout
from companion.note.outline import Section
from companion.note.parsed_note import ParsedNote
from companion.note.tags import without_tags
from companion.note.text import NoteText
from companion.store.lost_changes import find_loss
from companion.store.proposal import LatestProposal, NewProposal


class Again(NamedTuple):
    """What to ask for once more. wish: what the user wants otherwise, in their words; empty:
    nothing. texts: what was proposed, by the keys of the needs.
    """

    wish: str
    texts: tuple[tuple[str, str], ...]


class Job(NamedTuple):
    """One note to work on, and how. path: vault-relative, with `/`.

    explicit: the user wants it to have a description and a callout, even if it is no stub.
    retry: ask again what was asked before, unless its proposal is still open. force: replace what
    Companion wrote and nobody edited since. section: ask for a callout in this one, and nothing
    else. dry_run: write nothing. requests: fill the empty callouts that stand in it, and nothing
    else. rejected_only: ask for what was rejected before, and nothing else; what was filled beside
    it may hide that the note is a stub. propose: write nothing; what is asked for waits for a
    decision. background: nobody asked for it. rewrite: the keys of needs that Companion filled, to
    ask for once more what it wrote for them, where nobody edited that since. kind: of the needs to
    ask for; None: of all. again: what to ask for once more, and nothing else.
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

    data: its bytes. parsed: its text; for --force, without what Companion wrote. skipped: why it
    is left alone. needs: what to ask for. unfilled: what is not asked for, and why. reopened: the
    keys of needs that Companion filled before, and that are open in parsed only to be filled again.
    proposed: needs that are not asked for, as they have an open proposal, or one that was lost in a
    sync conflict and opens again (its state is accepted), or are asked in a batch.
    read_at: Unix time, seconds. settings_version: of the settings by which it was examined.
    """

    data: bytes
    parsed: ParsedNote
    skipped: str | None
    needs: tuple[Need, ...]
    unfilled: tuple[str, ...]
    reopened: frozenset[str] = frozenset()
    proposed: tuple[tuple[Need, LatestProposal], ...] = ()
    read_at: float = field(default_factory=time.time)
    settings_version: int = 0

    @property
    def all_needs(self) -> tuple[Need, ...]:
        """The needs to ask for, and those that have a proposal."""
        return (*self.needs, *(need for need, _ in self.proposed))


def prepare_task(workspace: Workspace, job: Job, data: bytes) -> Task:
    """Return the task for the note that holds data.

    Raises NoteRefused: its text leaves a doubt, or the section is not there. JournalError.
    """
    parsed, version = ParsedNote.decode(data), workspace.settings.version
    explicit = job.explicit or job.rejected_only
    reverted = RevertedText(parsed.note.text, frozenset(), ())
    if job.force or job.rewrite:
        reverted = revert(workspace, job, parsed.note.text)
        parsed = ParsedNote(NoteText(reverted.text))
        explicit = job.explicit or bool(reverted.keys or job.rewrite)
    facts = _find_needs(workspace, job, parsed, explicit)
    needs, unfilled = facts.needs, (*reverted.unfilled, *facts.unfilled)
    if (job.force or job.rewrite) and not job.explicit:
        keys = set(reverted.keys)  # what Companion wrote once
        if job.force:  # to replace it, what stubs need, too
            stub = _find_needs(workspace, job, parsed, explicit=False)
            keys.update(need.key for need in stub.needs)
        needs = tuple(need for need in needs if need.key in keys)
    to_ask = leave_out_asked(workspace, job, needs, reverted.keys)
    unfilled = to_ask.unfilled if job.rewrite else (*unfilled, *to_ask.unfilled)
    task = Task(data, parsed, facts.skipped, to_ask.needs, unfilled, reverted.keys, to_ask.proposed)
    if job.again:
        keys = {key for key, _ in job.again.texts}
        needs = tuple(need for need in task.all_needs if need.key in keys)
        task = replace(task, needs=needs, proposed=())
    return replace(task, settings_version=version)


def revert(workspace: Workspace, job: Job, text: str) -> RevertedText:
    """Return the text without what Companion wrote that the job is to rewrite or replace."""
    keys_of = partial(_find_keys, workspace, job)
    if job.rewrite:
        return revert_needs(workspace.journal, job.path, text, job.rewrite, keys_of)
    return revert_own_changes(workspace.journal, job.path, text, keys_of)


class NeedsToAsk(NamedTuple):
    """The needs of a note, sorted by whether they are asked for.

    needs: those to ask for. before: those that were asked for before, and are not again. proposed:
    as in Task. Both with what is known of each. unset: those that the settings leave out.
    """

    needs: tuple[Need, ...]
    before: tuple[tuple[Need, LatestProposal], ...]
    proposed: tuple[tuple[Need, LatestProposal], ...]
    unset: tuple[Need, ...] = ()

    @property
    def unfilled(self) -> tuple[str, ...]:
        """Why needs are not asked for, except those that have an open proposal."""
        by_reason: dict[str, list[str]] = {}
        for need in self.unset:
            by_reason.setdefault(_UNSET, []).append(_name(need))
        for need, latest in self.before:
            if "new-value" in latest.flags:
                why = f"asked for once; {latest.reason}"
            elif latest.state == "accepted" or latest.change is not None:
                why = "filled once and taken out again"
            else:
                why = "asked for once, without a usable answer"
                if latest.state == "refused":
                    why = "proposed once, and refused"
                elif _is_nothing(latest):
                    why = "asked for once, and there was nothing to say"
                why += f" ({latest.reason})" if latest.reason else ""
            why += "; name the note, or use --retry, to ask again"
            by_reason.setdefault(why, []).append(_name(need))
        for need, latest in self.proposed:
            if latest.state == "asked":
                why = f"asked in the batch {latest.reason}; companion batch cancel gives it up"
                by_reason.setdefault(why, []).append(_name(need))
        return tuple(f"{', '.join(names)}: {why}" for why, names in by_reason.items())

    @property
    def all_unfilled(self) -> tuple[str, ...]:
        """Why needs are not asked for, also those that have an open proposal."""
        open_needs = (need for need, latest in self.proposed if latest.state == "open")
        lost = ", ".join(
            _name(need) for need, latest in self.proposed if latest.state == "accepted"
        )
        why = f"{lost}: {LOST}; companion enrich proposes it again, without a call"
        return (*self.unfilled, *describe_proposed(open_needs), *([why] if lost else []))


def leave_out_asked(
    workspace: Workspace,
    job: Job,
    needs: Iterable[Need],
    reopened: Set[str] = frozenset(),
    latest: Mapping[str, LatestProposal] | None = None,
) -> NeedsToAsk:
    """Return which needs to ask for, and why others are not: they were asked for before.

    What was filled in another note of the same name, or before the note was rewritten, does not
    count.

    reopened: keys of needs to ask for, ignoring past proposals. latest: the latest proposals for
    the note, by key, from a query for all notes; None: they are looked up.
    """
    if latest is None:
        latest = workspace.journal.proposals.latest(job.path)
    is_another = cache(partial(_is_another, workspace, job.path))  # needs may share a change
    open_needs, unset = list[Need](), list[Need]()
    before, proposed = list[tuple[Need, LatestProposal]](), list[tuple[Need, LatestProposal]]()
    for need in needs:
        previous = latest.get(need.key)
        is_unset = need.where != "request" and workspace.config.is_unfilled(job.path, need.kind)
        if is_unset and (previous is None or previous.state != "open"):
            unset.append(need)
        elif previous is not None and previous.state in ("open", "asked"):
            proposed.append((need, previous))
        elif (
            previous is None
            or need.key in reopened
            or (previous.change is not None and is_another(previous.change))
        ):
            open_needs.append(need)
        elif lost := _find_lost(workspace, job.path, previous):
            proposed.append((need, lost))
        elif job.retry:
            open_needs.append(need)
        else:
            before.append((need, previous))
    return NeedsToAsk(tuple(open_needs), tuple(before), tuple(proposed), tuple(unset))


def _find_lost(workspace: Workspace, path: str, latest: LatestProposal) -> LatestProposal | None:
    """Return the proposal to open again, whose value a sync conflict removed; None: it did not.

    It is flagged, and waits, unless the conflict is certain and it is lost for the first time.
    """
    if latest.state != "accepted" or latest.change is None or not latest.has_value:
        return None
    loss = find_loss(workspace.root, workspace.journal, path, latest.change)
    if loss is None:
        return None
    changes = workspace.journal.changes(path)
    times = sum(latest.id in each.proposals and each.state == "done" for each in changes)
    if loss == "certain" and times == 1:
        return latest
    return latest._replace(flags=tuple(dict.fromkeys((*latest.flags, "lost"))))


def describe_proposed(needs: Iterable[Need]) -> Iterator[str]:
    """Yield why needs with an open proposal are not asked for; nothing if there are none."""
    if names := ", ".join(map(_name, needs)):
        yield f"{names}: proposed already; companion review shows it"


def _name(need: Need) -> str:
    if need.kind != CALLOUT:
        return need.kind
    return f"callout “{need.question or need.heading or 'AI'}”"


def is_written(
    config: Config, job: Job, kind: str, proposal: OpenProposal | NewProposal | LatestProposal
) -> bool:
    """Return whether a value is written at once: nothing flags it and the settings accept it.

    kind: of its need. One that waits is left to wait by background jobs only.
    """
    if job.propose or proposal.flags or config.review_mode(job.path, kind) == "propose":
        return False
    return not (job.background and proposal.waits)


def was_rejected(latest: LatestProposal | None) -> bool:
    """Return whether the answer was rejected."""
    return latest is not None and latest.state == "rejected" and not _is_nothing(latest)


def _is_nothing(latest: LatestProposal) -> bool:
    """Return whether the model answered that it has nothing to say."""
    return latest.rejection == "nothing" and "new-value" not in latest.flags


def _find_needs(workspace: Workspace, job: Job, parsed: ParsedNote, explicit: bool) -> Facts:
    rules = workspace.rules.for_note(job.path)
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


def _is_another(workspace: Workspace, path: str, change: int) -> bool:
    """Return whether the note is not the one that the change was made in; False if not known.

    Little of the old one is left then, and little stood in it: more than in a file that a sync
    client has written in part.
    """
    if (images := workspace.journal.images(change)) is None:
        return False
    try:
        now = (workspace.root / path).read_bytes()
        return is_rewritten(images[0], now) and is_rewritten(now, images[0])
    except (OSError, NoteRefused):
        return False


LOST = "lost in a sync conflict"
_UNSET = "not filled in this folder, by the settings (notes.unfilled)"
REWRITTEN = "the note was rewritten since it was asked about; enrich it again"


class NoteRewritten(NoteChanged):
    """Most of what the model was asked about is gone from the note; its answer is of no use."""


def is_rewritten(source: bytes | None, now: bytes) -> bool:
    """Return whether most of what the model was asked about is gone from the note.

    That is most of its lines, or of the words of its body: stubs from one template share lines.
    source: what it was asked about; None where that is not known any more.
    """
    if source is None or source == now:
        return False
    parts = zip(_find_parts(source), _find_parts(now), strict=True)
    return any(len(old & new) * 2 < len(old) for old, new in parts)


def _find_parts(data: bytes) -> Iterator[set[str]]:
    """Yield the lines of the note, then the words of its body, without those of tags."""
    yield {line.strip() for line in data.decode("utf-8", "replace").splitlines()} - {""}
    yield set(find_tokens(without_tags(NoteText.decode(data).body)))
