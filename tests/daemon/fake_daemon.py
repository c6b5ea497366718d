"""A daemon that answers from memory: what its HTTP API needs of it, and no more."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from hashlib import sha256
from itertools import count, starmap
from pathlib import Path

import pytest

from companion.app.engine.circuit_breaker import EndpointFault
from companion.app.engine.engine import Engine
from companion.app.engine.runs import Run, Runs
from companion.app.local_notes import LocalNotes
from companion.app.local_vault import LocalVault
from companion.app.outbox import Outbox
from companion.app.types.base import iso_time
from companion.app.types.changes import Change, ChangePage, ChangeQuery
from companion.app.types.notes import Note, NoteState
from companion.app.types.runs import RunOptions
from companion.app.types.status import BackgroundWork, BacklogState, Fault, SpentToday, Status
from companion.daemon.daemon import Daemon
from companion.enrich.plan import Filling
from companion.enrich.result import Result
from companion.errors import NotThere
from companion.llm.response import Usage
from companion.note.diff import diff_lines
from companion.note.facts import Facts
from companion.note.needs import Need
from companion.store.outbox_row import OutboxRow

NEED = Need("description", None, None, "property", "the property is empty")
NOTES = {
    "A/Done.md": Facts(),
    "A/Stub.md": Facts(needs=(NEED,)),
    "Left.md": Facts(unfilled=("description: asked for once, without a usable answer",)),
    "Skipped.md": Facts(skipped="ai: false"),
    "Stub.md": Facts(needs=(NEED, Need("callout", "Why", "Why?", "request", "it asks"))),
}
COST = "3 notes would be sent to m"
OLD, NEW = "---\ndescription:\n---\n", "---\ndescription: Yes.\n---\n"


class FakeDaemon(Daemon):
    """Answers from NOTES; a run waits until the test gives it results, unless it is told to."""

    def __init__(self, root: Path) -> None:
        self.root, self.state = root, root
        self._ids = count(1)
        self.engine = FakeEngine()
        self.is_paused = False
        self.fault: EndpointFault | None = None
        self.settings_to_restart_for: tuple[str, ...] = ()
        self.settings_fault = ""
        self.fails_with: Exception | None = None
        self.open: dict[str, list[str]] = {}
        self.notes = FakeNotes()
        self.vault = FakeVault(self.status)
        self.outbox = FakeOutbox()

    def status(self) -> Status:
        self._fail()
        return Status(
            version="0",
            running=True,
            pid=1,
            started_at=iso_time(1_700_000_000.0),
            vault="vault",
            vault_missing=False,
            ready=True,
            paused=self.is_paused,
            polls="",
            endpoint="",
            model="m",
            is_embedded=True,
            is_remote=False,
            modes={"description": "write", "callout": "propose"},
            folder_modes={},
            fault=Fault.model_validate(self.fault) if self.fault else None,
            retry_in=1 if self.fault else 0,
            rate_limit="",
            background=BackgroundWork(
                off="",
                waiting=0,
                notes_today=0,
                notes_a_day=100,
                backlog=BacklogState(cost=COST),
            ),
            today=SpentToday(
                notes=3,
                input_tokens=1,
                output_tokens=2,
                dollars=None,
                is_free=False,
                tokens_a_day=None,
                dollars_a_day=None,
            ),
            proposals=0,
            notes=len(NOTES),
            to_do=2,
            skipped=1,
            open_notes=sum(map(len, self.open.values())),
            in_hand=[],
            waiting={"interactive": 0},
            runs=[run.id for run in self.engine.runs.active()],
            newest_change=3,
            settings_changed=bool(self.settings_to_restart_for),
            settings_to_restart_for=self.settings_to_restart_for,
            settings_fault=self.settings_fault,
        )

    def start_run(self, options: RunOptions) -> Run:
        for path in options.paths:
            if path:
                _require(path)
        name = f"20261125-104412-{next(self._ids):04x}"
        run = Run(name, options, max(1, len(options.paths)))
        self.engine.runs.add(run)
        run.usage = Usage(20, 10, 2, 8)
        return run

    def pause(self) -> None:
        self.is_paused = True

    def resume(self) -> None:
        self.is_paused = False

    def report_presence(self, client: str, paths: Iterable[str]) -> list[str]:
        self.open[client] = list(paths)
        return [path for path in self.open[client] if path == "Stub.md"]

    def _fail(self) -> None:
        if self.fails_with is not None:
            raise self.fails_with


class FakeNotes(LocalNotes):
    """NOTES."""

    def __init__(self) -> None:
        self.last = lambda: pytest.fail("there is no scan")

    def _show(self, scan: object, entries: Iterable[tuple[str, Facts]]) -> list[Note]:
        return list(starmap(Note.of, entries))

    def select(self, state: NoteState, folder: str = "") -> list[tuple[str, Facts]]:
        prefix = f"{folder}/" if folder else ""
        notes = NOTES.items()
        return [(p, facts) for p, facts in notes if p.startswith(prefix) and _is(facts, state)]

    def note(self, path: str) -> Note:
        _require(path)
        return Note.of(path, NOTES[path])


class FakeOutbox(Outbox):
    """Edits of a run for one note."""

    def __init__(self) -> None:
        pass

    def rows_of(self, paths: Collection[str]) -> list[OutboxRow]:
        rows = OutboxRow("Stub.md", "run-1", id=3, state="waiting")
        return [rows] if "Stub.md" in paths else []


class FakeEngine(Engine):
    """Does nothing."""

    def __init__(self) -> None:
        self.runs = Runs()

    def cancel(self, run: Run, *, break_off: bool = False) -> None:
        run.end("cancelled")


class FakeVault(LocalVault):
    """One change, whatever its id. status: returns the daemon's."""

    def __init__(self, status: Callable[[], Status]) -> None:
        self._status = status

    def changes(self, query: ChangeQuery) -> ChangePage:
        return ChangePage(changes=[self.change(1)], next=None)

    def change(self, id: int) -> Change:
        return Change(
            id=id,
            run="run",
            path="Stub.md",
            kind="enrich",
            state="done",
            made_at=1_700_000_000.0,
            needs=["description"],
            model="m",
            note="",
            undoes=None,
            undone_by=None,
            left=[],
            decided_by="setting",
            diff="".join(diff_lines("Stub.md", OLD, NEW)),
        )


def _require(path: str) -> None:
    if path not in NOTES:
        raise NotThere(f"there is no {path} in the vault")


def make_result(path: str) -> Result:
    """Return the result of a note that was enriched."""
    filled = (Filling(NEED, "Yes.", "shortened"),)
    usage = Usage(10, 5, 1, 4)
    left = ("aliases: left",)
    return Result(path, "enriched", "", filled, left, usage, OLD, NEW, change=3)


def make_fault() -> EndpointFault:
    """Return what is wrong with an endpoint that is down."""
    return EndpointFault(
        "down", "the endpoint does not answer", time.time(), time.monotonic() + 5, 1
    )


def digest(text: str) -> str:
    """Return the SHA-256 of a text, as the API has it."""
    return sha256(text.encode()).hexdigest()


def _is(facts: Facts, wanted: NoteState) -> bool:
    if wanted == "all":
        return True
    states = {
        "to-do": bool(facts.needs),
        "left": bool(facts.unfilled),
        "skipped": bool(facts.skipped),
    }
    return states[wanted]
