"""The daemon as its HTTP API and `companion serve` see it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from companion.daemon.health import Fault
from companion.daemon.runs import Offer, Order, Run, Runs
from companion.note.needs import Facts
from companion.vault.journal import Change

Wanted = Literal["to-do", "left", "skipped", "all"]


class Listing(NamedTuple):
    """A page of notes. after: the path to go on from; None at the end. total: of all pages."""

    notes: list[tuple[str, Facts]]
    after: str | None
    total: int


class Background(NamedTuple):
    """Background work. off: why there is none; empty when there is."""

    off: str
    waiting: int
    notes_today: int
    notes_a_day: int


class Today(NamedTuple):
    """What was spent today, in all vaults; dollars: None where the price is not known."""

    input_tokens: int
    output_tokens: int
    dollars: float | None
    tokens_a_day: int | None
    dollars_a_day: float | None


@dataclass(frozen=True)
class Status:
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
    fault: Fault | None
    retry_in: float
    background: Background
    today: Today
    notes: int
    to_do: int
    skipped: int
    open_notes: int
    in_hand: list[str]
    waiting: dict[str, int]
    runs: list[str]
    newest_change: int


class Daemon:
    """One vault's daemon. Every method may be called from any thread."""

    root: Path
    state: Path
    runs: Runs

    def status(self) -> Status:
        """Return how things stand."""
        raise NotImplementedError

    def notes(self, wanted: Wanted, folder: str = "", after: str = "", limit: int = 100) -> Listing:
        """Return notes of the folder in the order of their paths, from the one after `after`."""
        raise NotImplementedError

    def look_at(self, path: str) -> Facts:
        """Return what the note at path needs if it is named, or why it is left alone, as it is now.

        Raises UsageError: it is not there, or outside the vault.
        """
        raise NotImplementedError

    def start_run(self, order: Order) -> Run:
        """Return the new run, queued. Raises UsageError: a path is not there or outside the vault,
        or the order cannot be carried out.
        """
        raise NotImplementedError

    def cancel_run(self, run: Run) -> None:
        """Cancel the run: what is being written is finished, nothing further is begun."""
        raise NotImplementedError

    def offer_again(self, run: Run, path: str, text: str) -> Offer:
        """Return the run's edits for the text that the editor shows now; no model is asked.

        Raises NoteError: they have no place in it any more. UsageError: the run has none.
        """
        raise NotImplementedError

    def confirm(self, run: Run, path: str, base_sha256: str, new_sha256: str) -> int:
        """Return the id of the change, journaled, that the client made of an offer.

        Raises UsageError: nothing of that kind was offered.
        """
        raise NotImplementedError

    def changes(
        self, path: str | None, run: str | None, before: int | None, limit: int
    ) -> list[Change]:
        """Return changes, newest first."""
        raise NotImplementedError

    def change(self, number: int) -> Change | None:
        """Return the change of that id."""
        raise NotImplementedError

    def change_texts(self, change: Change) -> tuple[str, str] | None:
        """Return the note before and after the change; None when its images were pruned."""
        raise NotImplementedError

    def undo(self, change: Change, run: str | None = None) -> int:
        """Return the id of the change that took this one back. Raises NoteError."""
        raise NotImplementedError

    def offer_undo(self, change: Change, text: str) -> Offer:
        """Return the edits that take the change out of a text in an editor. Raises NoteError."""
        raise NotImplementedError

    def confirm_undo(self, change: Change, base_sha256: str, new_sha256: str) -> int:
        """Return the id of the undo, journaled, that the client made. Raises UsageError."""
        raise NotImplementedError

    def pause(self) -> None:
        """Stop background work at once, until resume(), also across restarts."""
        raise NotImplementedError

    def resume(self) -> None:
        """Let background work go on, and try a failing endpoint again now."""
        raise NotImplementedError

    def report_presence(self, client: str, paths: Iterable[str]) -> list[str]:
        """Take down which notes the client has open; return those of them that wait for edits."""
        raise NotImplementedError
