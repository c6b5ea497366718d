"""Start-up, scans, and the daemon's latency and idle cost, in turn with 0.1.

    python -m benchmarks.in_turn [--against COMMIT...] [--rounds 3] [--notes 6591] [--idle 60]

On a made vault without stubs, with a stub endpoint and without the encoder, which 0.1 has not got;
commands as whole processes. A cold scan is the first one with a new home folder, the warm ones
follow. The daemon fills one note, then notes that are saved one after the other, then it rests.
Linux only. Exit status 1 where a figure is worse than an earlier version's.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks.made_vault import make_vault, note, path_of, set_home, stub_tables
from benchmarks.results import cpu_seconds, print_table, report
from benchmarks.stub_endpoint import running_stub
from benchmarks.versions import ROOT, SETTLED, make_options, open_versions

WORSE = 1.1  # two runs of one version differ by less
SETTLE = 1.0  # seconds that a note must be unchanged; the default is 30
REST = 10.0  # seconds until the daemon is at rest
SAVED = 5  # notes
LONGEST = 120.0  # seconds that a note may take


class Figures(NamedTuple):
    """What one version took: seconds, and megabytes of memory that its process held at most."""

    start_up: float
    cold_scan: float
    warm_scan: float
    scan_memory: float
    latency: float
    idle_cpu: float
    idle_memory: float


def main() -> int:
    parser = make_options(__doc__)
    parser.add_argument("--notes", type=int, default=6591)
    parser.add_argument("--idle", type=float, default=60.0, help="seconds")
    options = parser.parse_args()
    with open_versions(options.against) as versions:
        rounds = [
            {name: measure(tree, options) for name, tree in versions.items()}
            for _ in range(options.rounds)
        ]
    rows, promises = list[tuple[str, object, str]](), {}
    for name in versions:
        for figure in Figures._fields:
            taken = median(getattr(each[name], figure) for each in rounds)
            ratio = median(getattr(e["now"], figure) / getattr(e[name], figure) for e in rounds)
            rows.append((f"{name}: {figure}", taken, "" if name == "now" else f"now {ratio:.2f}"))
            promises[f"{figure} no worse than {name}'s"] = ratio <= WORSE
    print_table(rows)
    return report(promises)


def measure(tree: Path, options: argparse.Namespace) -> Figures:
    """Return the figures of the version in tree."""
    with tempfile.TemporaryDirectory() as folder, running_stub() as stub:
        tables = stub_tables(stub.base_url, settle_seconds=SETTLE)
        if tree != ROOT:  # 0.1, which fills old notes without asking
            del tables["background"]["backlog"]
        set_home(Path(folder, "home"), tables)
        vault = make_vault(Path(folder, "vault"), options.notes, "What it is about.")
        run(tree, "scan", str(make_vault(Path(folder, "other"), 1)))  # compiles the modules
        time.sleep(SETTLED)
        start_up = median(run(tree, "--version").seconds for _ in range(5))
        cold = run(tree, "scan", str(vault))
        warm = [run(tree, "scan", str(vault)) for _ in range(3)]
        save(vault, options.notes)
        with running_daemon(tree, vault) as pid:
            wait_filled(vault, options.notes)
            time.sleep(REST)
            latencies = [fill(vault, options.notes + number) for number in range(1, SAVED + 1)]
            time.sleep(REST)
            before = cpu_seconds(pid)
            time.sleep(options.idle)
            idle = cpu_seconds(pid) - before
            memory = held_memory(pid)
    return Figures(
        start_up,
        cold.seconds,
        median(each.seconds for each in warm),
        max(each.memory for each in (cold, *warm)),
        median(latencies) - SETTLE,
        idle,
        memory,
    )


class Command(NamedTuple):
    """What a command took: seconds, and megabytes at most."""

    seconds: float
    memory: float


def run(tree: Path, *words: str) -> Command:
    """Run a command of the version in tree, to its end."""
    began = time.perf_counter()
    process = spawn(tree, *words)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, f"{words}: status {process.returncode}"
    return Command(time.perf_counter() - began, used.ru_maxrss / 1024)


def spawn(tree: Path, *words: str) -> subprocess.Popen[bytes]:
    """Start a command of the version in tree."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "companion", *words],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": ""},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@contextmanager
def running_daemon(tree: Path, vault: Path) -> Iterator[int]:
    """Run a daemon of the version in tree; yield its process id."""
    process = spawn(tree, "serve", "--vault", str(vault), "--port", "0")
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(30)


def save(vault: Path, number: int) -> None:
    """Save a stub, as the next note."""
    file = vault / path_of(number)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(note(number, ""), encoding="utf-8")


def fill(vault: Path, number: int) -> float:
    """Return the seconds from the save of a stub to the filled note on the disk."""
    began = time.perf_counter()
    save(vault, number)
    wait_filled(vault, number)
    return time.perf_counter() - began


def wait_filled(vault: Path, number: int) -> None:
    """Wait until the note is longer than its stub."""
    file, until = vault / path_of(number), time.monotonic() + LONGEST
    while file.stat().st_size <= len(note(number, "")):
        assert time.monotonic() < until, f"{file.name} was not filled in {LONGEST:g} s"
        time.sleep(0.001)


def held_memory(pid: int) -> float:
    """Return how many megabytes of memory a process holds (proc(5))."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


if __name__ == "__main__":
    sys.exit(main())
