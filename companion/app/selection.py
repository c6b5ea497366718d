"""What a command is about: notes by path, tag, property and time, their needs, and texts.

The texts are those that Companion wrote and nobody has edited: to be rewritten, or outdated.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from companion.app.types.notes import ScanOptions
from companion.app.types.proposals import ProposalFilter
from companion.app.types.runs import RunOptions
from companion.enrich.needs_to_ask import leave_out_asked
from companion.enrich.new_proposals import hash_sentences, prompt_fingerprint
from companion.enrich.task import Job, revert
from companion.enrich.workspace import Workspace
from companion.errors import NoteError, UsageError
from companion.llm.catalog import is_same_model
from companion.note.exclusions import has_value
from companion.note.facts import Facts
from companion.note.needs import Need
from companion.note.parsed_note import ParsedNote
from companion.note.tags import is_tag
from companion.prompts import Prompts, find_field
from companion.store.proposal import Proposal, ProposalState
from companion.store.proposal_store import Selection
from companion.vault.files import is_in_any, skip_reason
from companion.vault.index import Scan
from companion.vault.write import read_note


def needs_of_kind(needs: tuple[Need, ...], kind: str | None) -> tuple[Need, ...]:
    """Return the needs of this kind; None: all."""
    return needs if kind is None else tuple(need for need in needs if need.kind == kind)


class NoteFilter(NamedTuple):
    """Criteria for notes, which match all that are set. None: any.

    kind: of the needs to keep. tag: without `#`; nested tags match, too. with_property: its name,
    or `name=value`. modified_since: Unix time, seconds.
    """

    kind: str | None = None
    tag: str | None = None
    with_property: str | None = None
    modified_since: float | None = None

    def keeps(self, root: Path, path: str) -> bool:
        """Return whether the note matches; one that cannot be read now does not.

        It is read only if a tag or a property is given.
        """
        try:
            since = self.modified_since
            if since is not None and (root / path).stat().st_mtime < since:
                return False
            if self.tag is None and self.with_property is None:
                return True
            parsed = ParsedNote.decode(read_note(root, path, settle=0).data)
        except (NoteError, OSError):
            return False
        if self.tag is not None and not parsed.has_tag(self.tag):
            return False
        if self.with_property is None:
            return True
        name, is_valued, value = map(str.strip, self.with_property.partition("="))
        if is_valued:
            return has_value(parsed.properties, name, value)
        return parsed.properties.key_of(name) is not None


ANY_NOTE = NoteFilter()


def make_filter(space: Workspace, only: ScanOptions | ProposalFilter) -> NoteFilter:
    """Return the filter for what the user typed. Raises UsageError if it names nothing."""
    tag, with_property = only.tag, only.property
    if tag is not None:
        name = tag.removeprefix("#").strip("/")
        if not is_tag(name):
            raise UsageError(
                f"{tag or 'an empty text'} is not a tag; write it like status/postponed"
            )
        tag = name
    if with_property is not None and not with_property.partition("=")[0].strip():
        raise UsageError("--property takes a name, or name=value, as status=postponed")
    kind = find_kind(space.prompts, only.field)
    return NoteFilter(kind, tag, with_property, only.modified_since)


def find_kind(prompts: Prompts, field: str | None) -> str | None:
    """Return the kind of the needs that the field fills: its property, or `callout`.

    field: the name of a field, or of its property; None for all of them.

    Raises UsageError if there is no such field.
    """
    if field is None:
        return None
    if match := find_field(prompts.all_fields(), field):
        return match.fills
    names = sorted({each.name for each in prompts.all_fields()})
    raise UsageError(f"there is no field {field}; the fields are {', '.join(names)}")


class ScanPart:
    """The part of a scan that the named paths select; without any, all of it.

    notes: those that need something, or in which something is left alone. others: the notes with
    nothing to report. looked_at: how many notes were read. only: which of the notes.
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
            needs = needs_of_kind(facts.needs, only.kind)
            is_reported = facts.skipped is not None or needs or facts.unfilled or path in paths
            if is_reported and not only.keeps(workspace.root, path):
                continue
            if facts.skipped is not None:
                self.skipped[path] = facts.skipped
            elif is_reported:
                if path in latest:
                    open_needs = leave_out_asked(workspace, path, needs, latest=latest[path])
                    unfilled = (*facts.unfilled, *open_needs.all_unfilled)
                    needs, facts = open_needs.needs, facts._replace(unfilled=unfilled)
                self.notes[path] = facts._replace(needs=needs)
            else:
                self.others.append(path)
        if only._replace(kind=None) == ANY_NOTE:  # else nobody knows whether they fit
            skipped = scan.skipped.items()
            self.skipped.update((path, why) for path, why in skipped if is_in_any(path, folders))
        for path in set(paths) - set(scan.notes) - set(scan.skipped):
            if os.path.isfile(workspace.root / path):  # noqa: PTH113 (False of a name too long)
                why = skip_reason(workspace.root, path, workspace.ignore)
                self.skipped[path] = why or "it is not part of the vault"

    def all(self) -> Iterator[tuple[str, Facts]]:
        """Yield every note that needs something, has something left alone, or is skipped."""
        yield from self.notes.items()
        for path, reason in self.skipped.items():
            yield path, Facts(skipped=reason)


_OUTDATED_SHARE = 0.33  # of the sentences that a text was made from: if more have changed
_DECIDED: tuple[ProposalState, ...] = ("open", "accepted")


class Outdated(NamedTuple):
    """A text whose source has changed a lot. share: of its sentences, 0 to 1."""

    proposal: Proposal
    share: float


def find_rewrites(space: Workspace, options: RunOptions, kind: str | None) -> list[Job]:
    """Return a job for each note in which something is to be rewritten; it waits as a proposal.

    kind: of the needs; None: all. Needs that already have an open proposal are left out.
    """
    kinds_by_path: dict[str, set[str]] = {}
    for each in find_written(space, options.paths, kind):
        if _is_meant(space, options, each):
            kinds_by_path.setdefault(each.path, set()).add(each.need)
    jobs = []
    for path, keys in kinds_by_path.items():
        if unedited := _find_unedited(space, path, frozenset(keys)):
            jobs.append(Job(path, retry=True, propose=True, rewrite=unedited))
    return jobs


def _is_meant(space: Workspace, options: RunOptions, written: Proposal) -> bool:
    """Return whether the text is to be rewritten: it matches the options."""
    if options.made_since is not None and written.made_at < options.made_since:
        return False
    if options.made_by is not None and not is_same_model(options.made_by, written.model):
        return False
    need = written.place or Need(written.kind, written.heading, None, "", "")
    prompts = space.prompts.for_note(written.path)
    return not options.prompt_changed or written.prompt != prompt_fingerprint(prompts, need)


def find_outdated(space: Workspace, paths: Sequence[str] | None = None) -> Iterator[Outdated]:
    """Yield texts that Companion wrote, nobody edited, and whose source has changed a lot.

    A lot is _OUTDATED_SHARE of the sentences that it was made from. paths: notes and folders; None:
    all. The notes are those of the last scan.
    """
    remembered = space.journal.notes.all()
    written = {change.id: change.after_sha256 for change in space.journal.changes()}
    for each in find_written(space, paths):
        fingerprint = remembered.get(each.path)
        is_as_written = fingerprint and fingerprint.sha256 == written.get(each.change or 0)
        if is_as_written or not each.sentences:
            continue
        try:
            now = set(hash_sentences(space.read_note(each.path)))
        except NoteError:
            continue
        share = len({*each.sentences} - now) / len(each.sentences)
        if share > _OUTDATED_SHARE and _find_unedited(space, each.path, frozenset([each.need])):
            yield Outdated(each, share)


def find_written(
    space: Workspace, paths: Sequence[str] | None, kind: str | None = None
) -> Iterator[Proposal]:
    """Return the latest accepted proposal for each need; none for needs with an open one."""
    latest: dict[tuple[str, str], Proposal] = {}
    for each in space.journal.proposals.select(Selection(paths, kind, _DECIDED)):
        latest.setdefault((each.path, each.need), each)
    return (each for each in latest.values() if each.state == "accepted")


def _find_unedited(space: Workspace, path: str, keys: frozenset[str]) -> frozenset[str]:
    """Return the keys of those needs whose text in the note is still what Companion wrote."""
    if skip_reason(space.root, path, space.ignore):
        return frozenset()
    try:
        text = space.read_note(path).note.text
        reverted = revert(space, Job(path, rewrite=keys), text)
    except NoteError:
        return frozenset()
    return reverted.keys
