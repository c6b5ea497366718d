"""Which proposals a command is about: by number, note, folder, field or run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from companion.cli.session import resolve_history_path
from companion.enrich.workspace import Workspace
from companion.errors import UsageError
from companion.vault.proposal import Proposal
from companion.vault.proposals import Selection

_MAX_DIGITS = 100  # that are read as a number; Python reads some thousands


class Choice(NamedTuple):
    """What was chosen. unknown: numbers of which there is no proposal, and that in words.

    passed_over: how many are left out since somebody should look at them first.
    """

    proposals: list[Proposal]
    unknown: dict[int, str]
    passed_over: int


def find_paths(workspace: Workspace, typed: Iterable[str]) -> list[str] | None:
    """Return the notes and folders that the user typed, vault-relative; None if there are none.

    A note that was deleted or moved can be named, too.

    Raises UsageError.
    """
    return [resolve_history_path(workspace, path) for path in typed] or None


def sort_by_note(proposals: Iterable[Proposal]) -> list[Proposal]:
    """Return the proposals by their note, and those of a note in the order of their making."""
    return sorted(proposals, key=lambda each: (each.path.casefold(), each.path, each.id))


def choose(
    workspace: Workspace,
    whats: Sequence[str],
    *,
    kind: str | None = None,
    run: str | None = None,
    every: bool = False,
    flagged: bool = False,
) -> Choice:
    """Return the proposals that a script decides on.

    whats: numbers, notes and folders. run: all of that run. every: all that are open. Those with
    flags are left out unless flagged, or unless they are named by number or by their note.

    Raises UsageError if nothing is named, or an argument is unknown.
    """
    named = [bool(whats), run is not None, every]
    if sum(named) != 1:
        raise UsageError("say which ones: numbers, notes or folders; or --run RUN; or --all")
    store = workspace.journal.proposals
    ids = {_read_number(what): what for what in whats if what.isdecimal()}
    numbered = store.get_all(ids)
    paths = find_paths(workspace, (what for what in whats if not what.isdecimal()))
    found: list[Proposal] = []
    if paths or not whats:
        found = store.select(Selection(paths, kind, states=("open",), run=run))
    _require_run(workspace, run)
    notes = {path for path in paths or () if not (workspace.root / path).is_dir()}
    taken = [each for each in found if flagged or not each.flags or each.path in notes]
    known = {each.id for each in numbered}
    chosen = {each.id: each for each in [*numbered, *taken]}
    return Choice(
        sort_by_note(chosen.values()),
        {id_: _no_such(workspace.root, id_, ids[id_]) for id_ in ids if id_ not in known},
        sum(each.id not in chosen for each in found),
    )


def _read_number(typed: str) -> int:
    """Return the number. Raises UsageError if it is too long for one."""
    if len(typed) > _MAX_DIGITS:
        raise UsageError(f"there is no proposal {typed[:20]}…")
    return int(typed)


def _no_such(root: Path, number: int, typed: str) -> str:
    """Return in words that there is no such proposal, and how a file of that name is named."""
    is_file = any((base / typed).exists() for base in (Path.cwd(), root))
    hint = f"; ./{typed} names the file or folder" if is_file else ""
    return f"there is no proposal {number}{hint}"


def _require_run(workspace: Workspace, run: str | None) -> None:
    """Raise UsageError if no proposal was made by this run."""
    if run is not None and not workspace.journal.proposals.count(Selection(run=run)):
        raise UsageError(f"no run {run} proposed anything; companion proposals lists what waits")
