"""Rewrites of texts that Companion wrote and nobody edited, and the outdated ones among these."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

from companion.enrich.new_proposals import hash_sentences, prompt_fingerprint
from companion.enrich.revert import revert_needs
from companion.enrich.selection import Criteria
from companion.enrich.task import Job, find_keys
from companion.enrich.workspace import Workspace
from companion.errors import NoteError
from companion.note.needs import Need
from companion.store.proposal import Proposal, ProposalState
from companion.store.proposals import Selection
from companion.vault.files import skip_reason

_OUTDATED_SHARE = 0.33  # of the sentences that a text was made from: if more have changed
_DECIDED: tuple[ProposalState, ...] = ("open", "accepted")


class Outdated(NamedTuple):
    """A text whose source has changed a lot. share: of its sentences, 0 to 1."""

    proposal: Proposal
    share: float


def find_rewrites(space: Workspace, paths: Sequence[str], criteria: Criteria) -> list[Job]:
    """Return a job for each note in which something is to be rewritten; it waits as a proposal.

    paths: notes and folders; `""`: the vault. What already has an open proposal is left out.
    """
    kinds_by_path: dict[str, set[str]] = {}
    for each in find_written(space, paths, criteria):
        kinds_by_path.setdefault(each.path, set()).add(each.need)
    jobs = []
    for path, keys in kinds_by_path.items():
        if unedited := _find_unedited(space, path, frozenset(keys)):
            jobs.append(Job(path, retry=True, propose=True, rewrite=unedited))
    return jobs


def find_outdated(space: Workspace, paths: Sequence[str] | None = None) -> Iterator[Outdated]:
    """Yield texts that Companion wrote, nobody edited, and whose source has changed a lot.

    A lot is _OUTDATED_SHARE of the sentences that it was made from. paths: notes and
    folders; None: all. The notes are as of the last scan.
    """
    remembered = space.journal.notes.all()
    written = {change.id: change.after_sha256 for change in space.journal.changes()}
    for each in find_written(space, paths, Criteria()):
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
    space: Workspace, paths: Sequence[str] | None, criteria: Criteria
) -> Iterator[Proposal]:
    """Yield the proposals that were accepted last for their need, and that fit the criteria.

    Left out are those for whose need there is an open one.
    """
    seen = set[tuple[str, str]]()
    for each in space.journal.proposals.select(Selection(paths, criteria.kind, _DECIDED)):
        if (each.path, each.need) in seen:
            continue
        seen.add((each.path, each.need))
        if each.state != "accepted" or not criteria.fits(each):
            continue
        if criteria.prompt_changed:
            need = each.place or Need(each.kind, each.heading, None, "", "")
            if each.prompt == prompt_fingerprint(space.prompts.for_note(each.path), need):
                continue
        yield each


def _find_unedited(space: Workspace, path: str, keys: frozenset[str]) -> frozenset[str]:
    """Return the keys of those needs whose text in the note is as Companion wrote it."""
    if skip_reason(space.root, path, space.ignore):
        return frozenset()
    try:
        text = space.read_note(path).note.text
        keys_of = partial(find_keys, space, Job(path))
        reverted = revert_needs(space.journal, path, text, keys, keys_of)
    except NoteError:
        return frozenset()
    return reverted.keys
