"""What Companion itself wrote into a note and nobody edited since."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from companion.enrich.words import find_tokens
from companion.enrich.workspace import Workspace
from companion.errors import NoteChanged, NoteRefused
from companion.note.edit import Edit, apply_edits
from companion.note.facts import Facts, find_facts
from companion.note.needs import CALLOUT, Need, find_callout
from companion.note.parsed_note import ParsedNote
from companion.note.sections import Section
from companion.note.text import NoteText, split_lines
from companion.vault.inverse import find_inverse
from companion.vault.journal import AskedNeed, Change, Journal


class Own(NamedTuple):
    """A note's text without what Companion wrote.

    keys: the needs that are open again. left: what stays, since it was edited.
    """

    text: str
    keys: frozenset[str]
    left: tuple[str, ...]


def take_own_out(
    journal: Journal, path: str, text: str, find_keys: Callable[[str], Set[str]]
) -> Own:
    """Return the text of the note without Companion's changes that nobody edited since.

    find_keys: the needs that would be asked for in a text. A change stays whose needs are not
    all among them: it would be taken out, and nothing put in its place.
    """
    keys: set[str] = set()
    left = []
    for change in journal.changes(path):
        if change.state != "done" or change.kind != "enrich":
            continue
        if change.taken:
            left.append(f"change {change.id} was taken back in part, so the rest stays")
            continue
        inverse = _find_inverse(journal, change, text)
        if inverse is None:
            left.append(f"what change {change.id} wrote was edited since, so it stays")
            continue
        without = apply_edits(text, inverse)
        if find_keys(without) >= set(change.needs):
            keys.update(change.needs)
            text = without
        else:
            left.append(f"what change {change.id} wrote is not asked for here, so it stays")
    return Own(text, frozenset(keys), tuple(left))


def _find_inverse(journal: Journal, change: Change, text: str) -> list[Edit] | None:
    """Return the edits that take the change out of text; None where it was edited since."""
    try:
        inverse = find_inverse(journal, change, text)
    except NoteChanged:
        return None
    return None if any(_goes_on(text, edit) for edit in inverse) else inverse


def _goes_on(text: str, edit: Edit) -> bool:
    """Whether a callout that the edit takes out has lines below that were added to it since.

    Companion puts a blank line below a new callout, where none is.
    """
    block = split_lines(text[edit.start : edit.end])
    if not any(line.startswith("> [!ai]") for line in block) or not block[-1].strip():
        return False
    below = split_lines(text[edit.end :])[:1]
    return any(line.strip() for line in below)


_TAG = re.compile(r"(?<!\S)#[^\s#]+")


class NoteRewritten(NoteChanged):
    """Little is left of the note that the model was asked about; its answer is of no use."""


def require_same_note(asked: bytes, now: bytes, path: str) -> None:
    """Raise NoteRewritten when most of what the model was asked about has gone from the note.

    Of its lines, and of the words of its body: stubs made from one template share most lines.
    """
    for parts in (_lines, _words):
        old = parts(asked)
        if len(old & parts(now)) * 2 < len(old):
            reason = "it was rewritten while the model was thinking; enrich it again"
            raise NoteRewritten(reason, path)


def _lines(data: bytes) -> set[str]:
    return {line.strip() for line in data.decode("utf-8", "replace").splitlines()} - {""}


def _words(data: bytes) -> set[str]:
    """Return the words of the note's body, without those of tags."""
    return set(find_tokens(_TAG.sub("", NoteText.decode(data).body)))


_WHY_LEFT = {
    "written": "filled once and taken out again",
    "rejected": "asked for once, without a usable answer",
    "nothing": "asked for once, and there was nothing to say",
}


class Job(NamedTuple):
    """One note to work on. path: vault-relative, with `/`.

    explicit: the user wants it to have a description and a callout, even if it is no stub.
    retry: ask again what was asked before. force: write anew what Companion wrote and nobody
    edited since. section: a callout in this one, and nothing else. dry_run: write nothing.
    requests: fill the empty callouts that stand in it, and nothing else. again: ask for what was
    rejected before, and nothing else; what was filled beside it may hide that the note is a stub.
    """

    path: str
    explicit: bool = False
    retry: bool = False
    force: bool = False
    section: Section | None = None
    dry_run: bool = False
    requests: bool = False
    again: bool = False


@dataclass(frozen=True)
class Draft:
    """A note as it was read, and what is to be done to it.

    data: its bytes. view: its text, for --force without what Companion wrote. skipped: why it
    is left alone. needs: what to ask for. left: what is not asked for, and why. own: the needs
    that Companion filled before, and that are open in view only to be filled anew.
    """

    data: bytes
    view: ParsedNote
    skipped: str | None
    needs: tuple[Need, ...]
    left: tuple[str, ...]
    own: frozenset[str] = frozenset()


def draft_note(workspace: Workspace, job: Job, data: bytes) -> Draft:
    """Return what is to be done to the note that holds data.

    Raises NoteRefused: its text leaves a doubt, or the section is not there. JournalError.
    """
    view = ParsedNote(NoteText.decode(data))
    if not job.force:
        facts = _find(workspace, job, view, job.explicit or job.again)
        needs, left = leave_asked(workspace, job, facts.needs)
        return Draft(data, view, facts.skipped, needs, (*facts.left, *left))
    own = take_own_out(
        workspace.journal, job.path, view.note.text, partial(_find_keys, workspace, job)
    )
    view = ParsedNote(NoteText(own.text))
    facts = _find(workspace, job, view, job.explicit or bool(own.keys))
    needs = facts.needs if job.explicit else _usual_or_own(workspace, job, view, facts, own)
    needs, left = leave_asked(workspace, job, needs, own.keys)
    return Draft(data, view, facts.skipped, needs, (*own.left, *facts.left, *left), own.keys)


def leave_asked(
    workspace: Workspace, job: Job, needs: Iterable[Need], but: frozenset[str] = frozenset()
) -> tuple[tuple[Need, ...], tuple[str, ...]]:
    """Return the needs to ask for, and the reasons why others are not: they were asked before.

    but: needs to ask for in any case.
    """
    asked = {} if job.retry else workspace.journal.asked(job.path)
    open_needs: list[Need] = []
    left: dict[str, list[str]] = {}
    for need in needs:
        if need.key not in asked or need.key in but:
            open_needs.append(need)
        else:
            left.setdefault(_why_left(asked[need.key]), []).append(_name(need))
    again = "name the note, or use --retry, to ask again"
    return tuple(open_needs), tuple(
        f"{', '.join(names)}: {why}; {again}" for why, names in left.items()
    )


def is_rejected(asked: AskedNeed | None) -> bool:
    """Return whether the answer to what was asked could not be used."""
    return asked is not None and asked.outcome in ("rejected", "proposed")


def _why_left(asked: AskedNeed) -> str:
    if asked.outcome == "proposed":
        return f"asked for once; {asked.reason}"
    return _WHY_LEFT[asked.outcome] + (f" ({asked.reason})" if asked.reason else "")


def _name(need: Need) -> str:
    if need.kind != CALLOUT:
        return need.kind
    return f"callout “{need.question or need.heading or 'AI'}”"


def _find(workspace: Workspace, job: Job, view: ParsedNote, explicit: bool) -> Facts:
    facts = find_facts(view, workspace.rules, explicit=explicit, section=job.section)
    if job.requests:
        return facts._replace(needs=tuple(n for n in facts.needs if _is_asked(view, n)))
    if job.again:
        asked = workspace.journal.asked(job.path)
        return facts._replace(needs=tuple(n for n in facts.needs if is_rejected(asked.get(n.key))))
    if job.section is None:
        return facts
    return facts._replace(needs=tuple(_in_section(view, facts.needs, job.section)))


def _find_keys(workspace: Workspace, job: Job, text: str) -> frozenset[str]:
    """Return what the job would ask for, were this the note's text and the note named."""
    try:
        facts = _find(workspace, job, ParsedNote(NoteText(text)), explicit=True)
    except NoteRefused:
        return frozenset()
    return frozenset(need.key for need in facts.needs)


def _is_asked(view: ParsedNote, need: Need) -> bool:
    """Whether the need is an empty callout, which the user put there to be filled."""
    return need.kind == CALLOUT and find_callout(view, need) is not None


def _in_section(view: ParsedNote, needs: Iterable[Need], section: Section) -> Iterator[Need]:
    """Yield the needs of callouts in the section, which may be the first H1's: the top part."""
    for need in needs:
        if need.where == "section" or find_callout(view, need) in view.section_callouts(section):
            yield need


def _usual_or_own(
    workspace: Workspace, job: Job, view: ParsedNote, facts: Facts, own: Own
) -> tuple[Need, ...]:
    """Return the needs of a note nobody named: what stubs need, and what Companion wrote once."""
    usual = {need.key for need in _find(workspace, job, view, explicit=False).needs}
    return tuple(need for need in facts.needs if need.key in usual | own.keys)
