"""How things stand with the daemon, as its status tells it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from companion.daemon.circuit_breaker import EndpointFault
from companion.enrich.selection import ScanReport
from companion.enrich.task import Job, draft_note
from companion.enrich.workspace import Workspace
from companion.errors import NoteError
from companion.note.fillable import why_unfillable
from companion.note.needs import Facts, property_names
from companion.vault.files import skip_reason
from companion.vault.index import Scan
from companion.vault.paths import relative_path
from companion.vault.write import read_note

NoteFilter = Literal["to-do", "left", "skipped", "all"]


class Listing(NamedTuple):
    """A page of notes. after: the path to go on from; None at the end. total: of all pages."""

    notes: list[tuple[str, Facts]]
    after: str | None
    total: int


class BacklogState(NamedTuple):
    """Notes that are not filled unless the user says so. cost: in words, empty until it is known.

    notes: for how many there is no answer yet.
    """

    notes: int = 0
    cost: str = ""


class BackgroundState(NamedTuple):
    """Background work. off: why there is none; empty when there is."""

    off: str
    waiting: int
    notes_today: int
    notes_a_day: int
    backlog: BacklogState = BacklogState()


class Today(NamedTuple):
    """What was done today: notes enriched in this vault, by anybody; and spent in all vaults.

    dollars: None where the price is not known.
    """

    notes: int
    input_tokens: int
    output_tokens: int
    dollars: float | None
    tokens_a_day: int | None
    dollars_a_day: float | None


@dataclass(frozen=True)
class DaemonStatus:
    """The state of the daemon. started_at: Unix time, seconds.

    vault_missing: the vault's folder is not there just now. polls: why it polls the vault,
    empty when it gets events. notes: those that were looked at; to_do: with a need.
    """

    version: str
    pid: int
    started_at: float
    vault: str
    vault_missing: bool
    ready: bool
    paused: bool
    polls: str
    endpoint: str
    model: str
    is_embedded: bool
    is_remote: bool
    fault: EndpointFault | None
    retry_in: float
    background: BackgroundState
    today: Today
    notes: int
    to_do: int
    skipped: int
    open_notes: int
    in_hand: list[str]
    waiting: dict[str, int]
    runs: list[str]
    newest_change: int


class NoteQueries:
    """The notes of one vault. scan: gives what is known of them now. From any thread."""

    def __init__(self, space: Workspace, scan: Callable[[], Scan]) -> None:
        self._space = space
        self._scan = scan

    def page(
        self, wanted: NoteFilter, folder: str = "", after: str = "", limit: int = 100
    ) -> Listing:
        """Return notes of the folder in the order of their paths, from the one after `after`.

        Raises NotThere, UsageError: the folder is not there, or outside the vault.
        """
        where = [resolve_path(self._space.root, folder)] if folder else []
        report = ScanReport(self._space, self._scan(), where)
        found = [(path, facts) for path, facts in report.all() if _is(facts, wanted)]
        if wanted == "all":
            found += [(path, Facts()) for path in report.others]
        found.sort(key=lambda entry: entry[0])
        page = [entry for entry in found if entry[0] > after][:limit]
        more = bool(page) and page[-1][0] != found[-1][0]
        return Listing(page, page[-1][0] if more else None, len(found))

    def read_facts(self, path: str) -> Facts:
        """Return what the note at path needs, and what in it is left alone and why, as it is now.

        Raises NotThere, UsageError: it is not there, or outside the vault.
        """
        path = resolve_path(self._space.root, path)
        if reason := skip_reason(self._space.root, path, self._space.ignore):
            return Facts(skipped=reason)
        try:
            data = read_note(self._space.root, path).data
            draft = draft_note(self._space, Job(path), data)
        except NoteError as error:
            return Facts(skipped=error.reason)
        why = draft.skipped or why_unfillable(draft.view, property_names(draft.needs))
        return Facts(needs=() if why else draft.needs, left=draft.left, skipped=why)


def resolve_path(root: Path, path: str) -> str:
    """Return the vault-relative path as it is on the disk; empty for the vault itself.

    Raises UsageError: it is not there, or outside the vault.
    """
    return relative_path(root, path, root) if path else ""


def _is(facts: Facts, wanted: NoteFilter) -> bool:
    if facts.skipped is not None:
        return wanted in ("skipped", "all")
    if facts.needs:
        return wanted in ("to-do", "all")
    return wanted == "all" or (wanted == "left" and bool(facts.left))
