"""Vault: what needs work and why, by folder; what is outdated; what is left alone and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Set
from dataclasses import dataclass, field

from flask import Response

from companion.app.types.base import FolderPath, Id, Sent
from companion.daemon.api.routing import Resource, the_daemon
from companion.daemon.client_runs import RunRequest
from companion.daemon.web import said, show
from companion.enrich.note_filter import Criteria
from companion.enrich.selection import JobOptions
from companion.errors import NotThere
from companion.note.facts import Facts
from companion.note.needs import CALLOUT, DESCRIPTION
from companion.vault.paths import PathNotFound

vault_view = Resource("vault")

_LISTED = 200  # notes of a folder that are listed, and outdated texts


class VaultQuery(Sent):
    """Which folder is shown; empty: all of them."""

    folder: FolderPath = ""


class OutdatedText(Sent):
    """What is to be asked for again: what became of this proposal, and nothing else of its note."""

    proposal: Id


@dataclass
class FolderCounts:
    """What the notes of a folder need, without those that are left alone.

    open: how many lack a value, by kind; also where one waits in the inbox, or was refused.
    reasons: why notes need something. to_do: notes to be asked about. waiting: notes with
    proposals that wait.
    """

    notes: int = 0
    open: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    to_do: int = 0
    waiting: int = 0

    def add(self, facts: Facts, proposed: Set[str], unfilled: Set[str]) -> None:
        """Count a note. proposed, unfilled: the kinds of what waits for it, and what it lacks."""
        self.notes += 1
        self.to_do += bool(facts.needs)
        self.waiting += bool(proposed)
        self.open.update(unfilled | proposed)
        self.reasons.update({need.reason for need in facts.needs})

    def filled(self, kind: str) -> int:
        """Return how many notes lack no value of this kind."""
        return self.notes - self.open[kind]


@vault_view.reads("/vault")
def show_vault(query: VaultQuery) -> Response:
    """Show the folders of the vault, or the notes of one of them."""
    try:
        found = the_daemon().notes.select("all", query.folder)
    except PathNotFound:
        found = []
    proposed, unfilled = _find_proposed_kinds(), the_daemon().notes.unfilled()
    folders: dict[str, FolderCounts] = {}
    left, to_do = Counter[str](), list[tuple[str, Facts]]()
    for path, facts in found:
        if facts.skipped is not None:
            left[facts.skipped] += 1
            continue
        folders.setdefault(path.rpartition("/")[0], FolderCounts()).add(
            facts, proposed.get(path, set()), unfilled.get(path, set())
        )
        left.update(facts.unfilled)
        if facts.needs:
            to_do.append((path, facts))
    outdated = the_daemon().notes.recently_outdated(query.folder)
    return show(
        "vault.html",
        folder=query.folder,
        folders=dict(sorted(folders.items())),
        kinds={DESCRIPTION: "descriptions", CALLOUT: "callouts"},
        outdated=outdated[:_LISTED],
        more_outdated=max(0, len(outdated) - _LISTED),
        left=left.most_common(),
        to_do=to_do[:_LISTED] if query.folder else [],
        more=max(0, len(to_do) - _LISTED) if query.folder else 0,
    )


def _find_proposed_kinds() -> dict[str, set[str]]:
    """Return the kinds of what waits in the inbox for notes that lack it, by the note's path."""
    proposed: dict[str, set[str]] = {}
    for path, asked in the_daemon().proposals.latest_of_all().items():
        for key, latest in asked.items():
            if latest.state == "open" and "replaces" not in latest.flags:
                kind = CALLOUT if key.startswith(f"{CALLOUT}:") else key
                proposed.setdefault(path, set()).add(kind)
    return proposed


@vault_view.does("/refresh")
def refresh(body: OutdatedText) -> Response:
    """Ask again for an outdated text of a note; the answer is a proposal beside the old text."""
    daemon = the_daemon()
    if (written := daemon.proposals.get(body.proposal)) is None:
        raise NotThere(f"there is no proposal {body.proposal}")
    rewrite = Criteria(kind=written.kind, need=written.need)
    run = daemon.start_run(RunRequest([written.path], JobOptions(rewrite=rewrite)))
    if not run.total:
        return said("There is nothing to ask for: it was edited, or is proposed already.")
    return said("Asked again. The answer will wait in the inbox.")
