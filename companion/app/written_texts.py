"""The texts that Companion wrote and nobody has edited: to be rewritten, or outdated."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from companion.app.types import proposals
from companion.app.types.coverage import Outdated, OutdatedPage, OutdatedQuery
from companion.app.types.runs import RunOptions
from companion.enrich.new_proposals import hash_sentences, prompt_fingerprint
from companion.enrich.task import Job, revert
from companion.enrich.workspace import Workspace
from companion.errors import NoteError
from companion.llm.catalog import is_same_model
from companion.note.needs import Need
from companion.store.proposal import Proposal, ProposalState
from companion.store.proposal_store import ALL, Selection
from companion.vault.files import is_in, skip_reason

_OUTDATED_SHARE = 0.33  # of the sentences that a text was made from: if more have changed
# What was found to be outdated is shown again for so many seconds, and for so many times the time
# that it took to find.
_FRESH, _REST = 5.0, 50
_DECIDED: tuple[ProposalState, ...] = ("open", "accepted")


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


def _is_meant(space: Workspace, options: RunOptions, proposal: Proposal) -> bool:
    """Return whether the text is to be rewritten: it matches the options."""
    if options.made_since is not None and proposal.made_at < options.made_since:
        return False
    if options.made_by is not None and not is_same_model(options.made_by, proposal.model):
        return False
    need = proposal.place or Need(proposal.kind, proposal.heading, None, "", "")
    prompts = space.prompts.for_note(proposal.path)
    return not options.prompt_changed or proposal.prompt != prompt_fingerprint(prompts, need)


def find_outdated(space: Workspace, paths: Sequence[str] | None = None) -> Iterator[Outdated]:
    """Yield texts that Companion wrote, nobody edited, and whose source has changed a lot.

    A lot is _OUTDATED_SHARE of the sentences that it was made from. paths: notes and folders; None:
    all. The notes are those of the last scan.
    """
    remembered = space.journal.notes.all()
    written_sha256 = {change.id: change.after_sha256 for change in space.journal.changes()}
    for each in find_written(space, paths):
        fingerprint = remembered.get(each.path)
        is_as_written = fingerprint and fingerprint.sha256 == written_sha256.get(each.change or 0)
        if is_as_written or not each.sentences:
            continue
        try:
            now = set(hash_sentences(space.read_note(each.path)))
        except NoteError:
            continue
        share = len({*each.sentences} - now) / len(each.sentences)
        if share > _OUTDATED_SHARE and _find_unedited(space, each.path, frozenset([each.need])):
            yield Outdated(**vars(proposals.Proposal.of(each)), changed_share=round(share, 2))


class _OutdatedAtTime(NamedTuple):
    """Outdated texts. until: when to search again, by the monotonic clock. newest: the newest
    change and proposal at the time. scan: the number of the last scan then.
    """

    texts: list[Outdated]
    until: float
    newest: tuple[int, int]
    scan: int


class RecentlyOutdated:
    """The outdated texts of a vault, as of a recent scan. Safe to use from any thread.

    count_scans: returns how many scans there were.
    """

    def __init__(self, space: Workspace, count_scans: Callable[[], int]) -> None:
        self._space = space
        self._count_scans = count_scans
        self._outdated: _OutdatedAtTime | None = None

    def page(self, query: OutdatedQuery) -> OutdatedPage:
        """Return a page of outdated texts, by path; it may be some seconds old."""
        texts = self._find(query.folder)
        end = query.after + query.limit
        more = end if end < len(texts) else None
        return OutdatedPage(texts=texts[query.after : end], next=more, total=len(texts))

    def as_of(self) -> int:
        """Return the number of the scan that a page goes by now."""
        outdated = self._outdated
        if outdated and time.monotonic() <= outdated.until:
            return outdated.scan
        return self._count_scans()

    def _find(self, folder: str) -> list[Outdated]:
        """Return the outdated texts in the folder, by path.

        They may be some seconds old, in a large vault a minute, since everything written has to be
        checked.
        """
        journal = self._space.journal
        newest_proposal = next((each.id for each in journal.proposals.select(ALL, 1)), 0)
        newest = journal.newest(), newest_proposal
        outdated, scan = self._outdated, self.as_of()
        if outdated is None or (outdated.newest, outdated.scan) != (newest, scan):
            began, scan = time.monotonic(), self._count_scans()
            texts = sorted(find_outdated(self._space), key=lambda each: each.path)
            took = time.monotonic() - began
            until = began + took + max(_FRESH, _REST * took)
            outdated = self._outdated = _OutdatedAtTime(texts, until, newest, scan)
        return [each for each in outdated.texts if is_in(each.path, folder)]


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
