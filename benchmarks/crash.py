"""Kill -9 at every step of a write, for five note sizes: how many notes are torn afterwards?

    python -m benchmarks.crash [--quick]

A child writes a note and dies: before every system call of the write, within every write (after
a tenth, half, nine tenths of its bytes), and at random moments. Then recovery runs. Exit status 1
when a note is torn after it.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from benchmarks.results import make_parser
from companion.note.edits import Edit, apply_edits
from companion.store.journal import Change, Journal, write_note
from companion.store.recovery import recover
from companion.vault.write import read_note

SIZES = {"100 B": 100, "5 kB": 5_000, "64 kB": 64_000, "1 MB": 1_000_000, "8 MB": 8_000_000}
PATH = "Note.md"
CALLS = ["open", "fstat", "lstat", "lseek", "read", "write", "ftruncate", "fsync", "close"]
CALLOUT = "\n> [!ai] AI\n> " + "A sentence about the note. " * 30 + "\n"


@dataclass(frozen=True)
class Case:
    """A note, before and after. edit: what turns the one into the other."""

    before: bytes
    after: bytes
    edit: Edit

    def backwards(self) -> Case:
        removed = Edit(self.edit.start, self.edit.start + len(self.edit.text), "")
        return Case(self.after, self.before, removed)


@dataclass
class Figures:
    points: int = 0
    torn_before: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    torn_after: int = 0
    pending_after: int = 0


def make_case(size: int) -> Case:
    head = "---\ndescription: \n---\n\n# Note\n"
    lines = (f"Line {number} of a note that is written to.\n" for number in count())
    text = head
    while len(text) < size:
        text += "".join(next(lines) for _ in range(1 + (size - len(text)) // 60))
    edit = Edit(len(head), len(head), CALLOUT)
    return Case(text.encode(), apply_edits(text, [edit]).encode(), edit)


def write_once(vault: Path, journal: Journal, case: Case) -> None:
    seen = read_note(vault, PATH, settle=0)
    write_note(seen, case.after, journal, Change("run", PATH, "enrich", [case.edit]))


def die_at(at: int, share: float | None) -> None:
    """Have this process killed before its next system call number `at`, counted from 1.

    share: count calls of write only, and die once this share of the bytes is written.
    """
    made = count(1)

    def wrap(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **options: Any) -> Any:
            if (share is None or name == "write") and next(made) == at:
                if share is not None:
                    call(args[0], args[1][: int(len(args[1]) * share)])
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*args, **options)

        return wrapped

    import fcntl

    for name in CALLS:
        setattr(os, name, wrap(name, getattr(os, name)))
    fcntl.fcntl = wrap("fcntl", fcntl.fcntl)


def fork(work: Callable[[], None]) -> int:
    """Return the process id of a child that does the work and exits."""
    if pid := os.fork():
        return pid
    try:
        work()
        os._exit(0)
    finally:
        os._exit(1)


def check(vault: Path, state: Path, case: Case, figures: Figures) -> None:
    """Count the point: recover as the next command would, and look at the note."""
    note, whole = vault / PATH, (case.before, case.after)
    figures.points += 1
    figures.torn_before += note.read_bytes() not in whole
    with Journal(state / "journal.sqlite3") as journal:
        for recovered in recover(vault, journal, state / "aside"):
            seen = figures.outcomes.get(recovered.outcome, 0)
            figures.outcomes[recovered.outcome] = seen + 1
        figures.pending_after += len(journal.pending())
    figures.torn_after += note.read_bytes() not in whole


def die_at_every_call(case: Case, figures: Figures, share: float | None) -> None:
    for at in count(1):
        with fresh_vault(case) as (vault, state):

            def work(vault: Path = vault, state: Path = state, at: int = at) -> None:
                with Journal(state / "journal.sqlite3") as journal:
                    die_at(at, share)
                    write_once(vault, journal, case)

            status = os.waitstatus_to_exitcode(os.waitpid(fork(work), 0)[1])
            if status == 0:
                return
            if status != -signal.SIGKILL:
                raise SystemExit(f"the child failed at call {at}")
            check(vault, state, case, figures)


def die_any_time(case: Case, figures: Figures, points: int) -> None:
    """Kill a child that writes there and back, some time within its first writes."""
    for _ in range(points):
        with fresh_vault(case) as (vault, state):
            ready, started = os.pipe()

            def work(vault: Path = vault, state: Path = state, started: int = started) -> None:
                with Journal(state / "journal.sqlite3") as journal:
                    os.write(started, b"!")
                    for number in count():
                        write_once(vault, journal, case if number % 2 == 0 else case.backwards())

            pid = fork(work)
            os.read(ready, 1)
            time.sleep(random.uniform(0, 0.004 + len(case.before) / 100e6))
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            os.close(ready)
            os.close(started)
            check(vault, state, case, figures)


@contextmanager
def fresh_vault(case: Case) -> Iterator[tuple[Path, Path]]:
    with tempfile.TemporaryDirectory(prefix="companion-crash-") as name:
        vault, state = Path(name).resolve() / "vault", Path(name).resolve() / "state"
        vault.mkdir()
        (vault / PATH).write_bytes(case.before)
        yield vault, state


def main() -> int:
    quick = make_parser(__doc__).parse_args().quick
    total = Figures()
    print(f"{'note':>6} {'way':>7} {'points':>7} {'torn before':>12} {'torn after':>11}  recovery")
    for name, size in SIZES.items():
        if quick and size > 100_000:
            continue
        for way, case in ("grow", make_case(size)), ("shrink", make_case(size).backwards()):
            figures = Figures()
            for share in (None, 0.1, 0.5, 0.9):
                die_at_every_call(case, figures, share)
            die_any_time(case, figures, 5 if quick else 12)
            print(
                f"{name:>6} {way:>7} {figures.points:>7} {figures.torn_before:>12}"
                f" {figures.torn_after:>11}  {figures.outcomes}"
            )
            total.points += figures.points
            total.torn_before += figures.torn_before
            total.torn_after += figures.torn_after
            total.pending_after += figures.pending_after
    print(
        f"{total.points} kills: {total.torn_before} notes torn before recovery,"
        f" {total.torn_after} after; {total.pending_after} changes left pending"
    )
    return 1 if total.torn_after or total.pending_after else 0


if __name__ == "__main__":
    sys.exit(main())
