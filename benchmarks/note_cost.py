"""The processor time that a note takes outside the model call, in all our processes, by step.

The stub endpoint's is beside it: none of ours, but it needs the same cores.

    python -m benchmarks.note_cost [--notes 600] [--at-once 32]

Against the stub endpoint, journal and fsync on, on the vault of benchmarks.throughput. Processor
time, not time on the clock, so that it holds on a machine that is busy: the median of five runs.
The time of a step is without that of the steps within it. Linux only.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

from benchmarks.throughput import run_notes
from companion.enrich import enricher, note_writer
from companion.enrich.asker import Asker
from companion.enrich.enricher import Enricher
from companion.enrich.plan_worker import Planner
from companion.llm.budget import Budget
from companion.llm.client import Client
from companion.llm.transport import Transport
from companion.vault.journal import Journal
from companion.vault.journal_db import Database
from companion.vault.proposals import ProposalStore

RUNS, DELAY = 5, 0.05
STEPS: list[tuple[str, Any, str]] = [
    ("read the note", note_writer.NoteWriter, "read"),
    ("its needs", enricher, "prepare_task"),
    ("its needs", note_writer, "prepare_task"),
    ("context, prompts, checks", Asker, "ask"),
    ("question and answer", Client, "_complete"),
    ("the wire", Transport, "post"),
    ("reservation", Budget, "reserve"),
    ("reservation", Budget, "_settle"),
    ("proposals made", Enricher, "_store"),
    ("proposals stored", ProposalStore, "add"),
    ("plan, in this process", Planner, "plan"),
    ("journal, in the note's thread", Journal, "begin"),
    ("journal, in the note's thread", Journal, "done"),
    ("note written", note_writer, "write_note"),
    ("the rest of the note's thread", Enricher, "enrich"),
    ("journal's own thread", Database, "_commit"),
]


class Clock:
    """Adds up the processor time of steps; from any thread."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._local = threading.local()

    def timed(self, name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        """Return work, which adds its own time to the step from now on."""

        def step(*args: Any, **options: Any) -> Any:
            outer = getattr(self._local, "inner", 0.0)
            self._local.inner = 0.0
            began = time.thread_time()
            try:
                return work(*args, **options)
            finally:
                taken = time.thread_time() - began
                with self._lock:
                    self.seconds[name] += taken - self._local.inner
                self._local.inner = outer + taken

        return step


@contextmanager
def steps_timed() -> Iterator[Clock]:
    """Time the steps while the block runs."""
    clock = Clock()
    with ExitStack() as patches:
        for name, owner, attribute in STEPS:
            timed = clock.timed(name, getattr(owner, attribute))
            patches.enter_context(patch.object(owner, attribute, timed))
        yield clock


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--notes", type=int, default=600)
    parser.add_argument("--at-once", type=int, default=32)
    options = parser.parse_args()
    runs = [measure(options.notes, options.at_once) for _ in range(RUNS)]
    names = dict.fromkeys(name for run in runs for name in run)
    print(f"milliseconds a note, medians of {RUNS} runs, {options.at_once} at once\n")
    for name in names:
        found = [run.get(name, 0.0) * 1e3 for run in runs]
        print(f"{name:32} {median(found):6.2f}   ({min(found):.2f} to {max(found):.2f})")
    return 0


def measure(notes: int, at_once: int) -> dict[str, float]:
    """Return the seconds a note of each step, and of this process and its planning children."""
    with steps_timed() as clock:
        began = [0.0, 0.0, 0.0]

        def start() -> None:
            clock.seconds.clear()
            began[:] = processor_times()

        done = run_notes(at_once, notes, DELAY, start, processor_times)
    own, planned, stub = (after - before for after, before in zip(done.at_end, began, strict=True))
    steps = {name: clock.seconds[name] for name, _, _ in STEPS}
    steps["all of this process"] = own
    steps["planning children"] = planned
    steps["together"] = own + planned
    steps["the stub endpoint"] = stub
    return {name: seconds / done.notes for name, seconds in steps.items()}


def processor_times() -> list[float]:
    """Return the seconds of this process, of its planning children, and of the stub (proc(5))."""
    ticks = {"plan_worker": 0, "stub_endpoint": 0}
    for path in Path("/proc/self/task").glob("*/children"):
        for pid in path.read_text().split():
            words = Path(f"/proc/{pid}/cmdline").read_text()
            for name in ticks:
                if name in words:
                    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                    ticks[name] += int(fields[11]) + int(fields[12])
    a_second = os.sysconf("SC_CLK_TCK")
    return [time.process_time(), *(number / a_second for number in ticks.values())]


if __name__ == "__main__":
    sys.exit(main())
