"""How long a scan of a vault takes beside a plain read of it, and how much memory.

    python -m benchmarks.scan VAULT

All in one run, in turns, with the files in the page cache; medians of five. Exit status 1 when a
limit is exceeded.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from io import FileIO
from pathlib import Path
from statistics import median

from benchmarks.results import timed
from companion.note.facts import read_facts
from companion.note.needs import Rules
from companion.vault.ignore import IgnoreRules
from companion.vault.index import Index
from companion.vault.notes import Notes
from companion.vault.obsidian import read_obsidian_settings
from companion.vault.paths import resolve_vault

ROUNDS = 5
COLD, WARM, MEGABYTES = 10, 4, 150
RULES = Rules()


def main() -> int:
    if sys.argv[1] == "--memory":
        return print_peak_memory(resolve_vault(Path(sys.argv[2])))
    root = resolve_vault(Path(sys.argv[1]))
    with tempfile.TemporaryDirectory() as folder:
        times, notes = measure(root, Path(folder) / "index.sqlite3")
    peak = peak_memory(root)
    rows = [
        ("system calls of a read", times["bare"], None, None),
        ("plain read", times["read"], None, None),
        ("cold scan", times["cold"], times["cold"] / times["read"], COLD),
        ("walk and stat", times["stat"], None, None),
        ("warm scan", times["warm"], times["warm"] / times["stat"], WARM),
        ("warm scan, all facts used", times["used"], times["used"] / times["stat"], WARM),
    ]
    print(f"{notes} notes, medians of {ROUNDS}\n")
    print(f"{'':26} {'ms':>8} {'µs a note':>10} {'ratio':>6} {'limit':>6}")
    for name, seconds, ratio, limit in rows:
        figures = f"{ratio:6.1f} {limit:6}" if ratio and limit else ""
        print(f"{name:26} {seconds * 1e3:8.1f} {seconds / notes * 1e6:10.1f} {figures}")
    print(f"{'peak memory, MB':26} {peak:8.1f} {'':10} {'':6} {MEGABYTES:6}")
    exceeded = [name for name, _, ratio, limit in rows if ratio and limit and ratio > limit]
    if peak > MEGABYTES:
        exceeded.append("peak memory")
    print("\nover the limit: " + ", ".join(exceeded) if exceeded else "\nwithin the limits")
    return 1 if exceeded else 0


def measure(root: Path, file: Path) -> tuple[dict[str, float], int]:
    """Return the median seconds of each way to go through the vault, and its notes."""
    ways: dict[str, Callable[[], object]] = {
        "bare": lambda: read_barely(root),
        "read": lambda: read_plainly(root),
        "cold": lambda: scan_anew(root, file),
        "stat": lambda: walk_and_stat(root),
        "warm": lambda: scan(root, file),
        "used": lambda: list(scan(root, file).values()),
    }
    read_plainly(root)  # into the page cache
    notes = len(scan(root, file))
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            taken[name].append(timed(way))
    return {name: median(seconds) for name, seconds in taken.items()}, notes


def markdown_files(root: Path) -> Iterator[os.DirEntry[str]]:
    """Yield what ends in .md below root, hidden folders aside, as the simplest program would."""
    pending = [str(root)]
    while pending:
        with os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    if not entry.name.startswith("."):
                        pending.append(entry.path)
                elif entry.name.endswith(".md"):
                    yield entry


def read_plainly(root: Path) -> int:
    """Return how many bytes the notes have, by reading them."""
    total = 0
    for entry in markdown_files(root):
        with open(entry.path, "rb") as note:  # noqa: PTH123 (Path costs 4 µs more)
            total += len(note.read())
    return total


def read_barely(root: Path) -> int:
    """Return the same with as little Python around the system calls as can be."""
    total = 0
    for entry in markdown_files(root):
        with FileIO(entry.path) as note:
            total += len(note.readall())
    return total


def walk_and_stat(root: Path) -> int:
    """Return how many bytes the notes have, by asking."""
    return sum(entry.stat().st_size for entry in markdown_files(root))


def scan(root: Path, file: Path) -> Notes:
    rules = IgnoreRules(obsidian=read_obsidian_settings(root))
    found = Index(file).scan(root, rules, lambda _, data: read_facts(data, RULES), "benchmark")
    return found.notes


def scan_anew(root: Path, file: Path) -> object:
    file.unlink(missing_ok=True)
    return scan(root, file)


def peak_memory(root: Path) -> float:
    """Return the peak of a process of its own that scans the vault, in megabytes (10^6 bytes)."""
    command = [sys.executable, "-m", "benchmarks.scan", "--memory", str(root)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def print_peak_memory(root: Path) -> int:
    import resource

    with tempfile.TemporaryDirectory() as folder:
        list(scan(root, Path(folder) / "index.sqlite3").values())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6)
    return 0


if __name__ == "__main__":
    sys.exit(main())
