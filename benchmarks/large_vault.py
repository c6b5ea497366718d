"""A large vault, made of a smaller one; and the daemon on it.

    python -m benchmarks.large_vault VAULT FOLDER [--notes 100000] [--daemon]

The first copy is the vault itself. In the others, each in a folder of its own, every note has the
number of its copy in its name, and so have the targets of its wikilinks. Settings in hidden folders
are copied once; only Markdown files are multiplied. A folder that exists is taken as it is.

--daemon measures `companion serve` there: how long until it is ready, and what it takes while there
is nothing to do. Comparing notes is off, for the encoder would be busy for long with so many. Linux
only. Exit status 1 when a limit is exceeded, or a question is asked without leave.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import time
from collections.abc import Iterator
from itertools import count, islice, pairwise
from pathlib import Path
from statistics import median

from benchmarks.daemon_idle import read_memory, read_used, watch
from benchmarks.daemon_process import DaemonProcess, running_daemon
from benchmarks.made_vault import fresh_folder, set_home, stub_tables
from benchmarks.results import print_table, report
from benchmarks.stub_endpoint import running_stub

_TARGET = re.compile(r"(\[\[[^\]\[|#\n]+)")
NOTES, BURST, PROPOSALS = 100_000, 20_000, 50_000
READY, CPU = 3.0, 0.005  # seconds; of one core
IDLE, QUIET, LONGEST = 120.0, 3.0, 300.0  # seconds
QUIET_CPU = 0.02  # of one core, in a window of QUIET seconds
_WIDTH = 512  # numbers of a vector of the built-in encoder
Rows = list[tuple[str, object, str]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("vault", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--notes", type=int, default=NOTES)
    parser.add_argument("--daemon", action="store_true", help="measure the daemon on it")
    options = parser.parse_args()
    if not options.folder.exists():
        print(multiply(options.vault, options.folder, options.notes), "notes")
    return measure_daemon(options.folder.resolve()) if options.daemon else 0


def multiply(vault: Path, folder: Path, notes: int) -> int:
    """Write so many notes into the new folder; return how many there are."""
    sources = [path.relative_to(vault) for path in sorted(markdown_files(vault))]
    if not sources:
        raise SystemExit(f"{vault} has no notes to multiply; name the folder of a vault")
    folder.mkdir(parents=True)
    if (settings := vault / ".obsidian").is_dir():
        shutil.copytree(settings, folder / ".obsidian")
    copies = ((number, path) for number in count() for path in sources)
    written = 0
    for number, path in islice(copies, notes):
        target = folder / place(path, number)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(rename_targets((vault / path).read_bytes(), number))
        written += 1
    return written


def markdown_files(vault: Path) -> Iterator[Path]:
    """Yield the notes outside of hidden folders."""
    for path in vault.rglob("*.md"):
        hidden = any(part.startswith(".") for part in path.relative_to(vault).parts)
        if path.is_file() and not hidden:
            yield path


def place(path: Path, number: int) -> Path:
    """Return where the copy of that number has the note."""
    return Path(f"Copy {number:02}", path.with_stem(f"{path.stem} {number:02}")) if number else path


def rename_targets(note: bytes, number: int) -> bytes:
    """Return the note with its wikilinks leading to notes of the same copy."""
    if not number:
        return note
    text = note.decode("utf-8", "surrogateescape")
    return _TARGET.sub(rf"\1 {number:02}", text).encode("utf-8", "surrogateescape")


def measure_daemon(vault: Path) -> int:
    """Measure the daemon on the vault; return the exit status."""
    with fresh_folder() as folder, running_stub() as stub:
        home, broken = folder / "home", list[str]()
        for measure in (measure_start, measure_idle):
            set_home(home, stub_tables(stub.base_url, backlog="ask"))
            rows, faults = measure(vault)
            rows += [("questions asked", stub.count_calls(), "wanted: 0")]
            print_table(rows)
            print(flush=True)
            broken += faults + (["asked without leave"] if stub.count_calls() else [])
    return report(dict.fromkeys(broken, False))


def measure_start(vault: Path) -> tuple[Rows, list[str]]:
    """Measure until it is ready: without an index, and then three times with one."""
    taken, cpu = [], []
    for _ in range(4):
        daemon = DaemonProcess(vault)
        try:
            daemon.wait_ready(pause=0.01)
            taken.append(time.perf_counter() - daemon.spawned_at)
            cpu.append(read_used(daemon.pid).cpu)
            settle(daemon.pid)
        finally:
            daemon.stop()
    warm = median(taken[1:])
    rows: Rows = [
        ("ready after the first start, s", taken[0], ""),
        ("ready after a start, index warm, s", warm, f"under {READY:g}"),
        ("  of it processor time", median(cpu[1:]), ""),
    ]
    return rows, [] if warm < READY else ["ready after its start"]


def measure_idle(vault: Path) -> tuple[Rows, list[str]]:
    """Measure what it takes while there is nothing to do."""
    with running_daemon(vault) as daemon:
        settle(daemon.pid)
        used = watch(daemon.pid, IDLE)
        memory = read_memory(daemon.pid)
        status = daemon.wait_ready()
    share = used[-1].share_since(used[0])
    windows = [now.share_since(then) for then, now in pairwise(used)]
    rows: Rows = [
        ("notes", status.notes, ""),
        ("  of them waiting for an answer", status.background.backlog.notes, ""),
        ("idle, share of a core", f"{share:.3%}", f"under {CPU:.1%}"),
        ("  highest of 10 s", f"{max(windows):.3%}", ""),
        ("memory, MB (VmRSS)", memory["VmRSS:"], ""),
        ("  highest since the start (VmHWM)", memory["VmHWM:"], ""),
    ]
    return rows, [] if share < CPU else ["idle"]


def settle(pid: int) -> float:
    """Wait until the process does nothing; return since when, on the monotonic clock."""
    until = time.monotonic() + LONGEST
    while time.monotonic() < until:
        then = read_used(pid)
        time.sleep(QUIET)
        if read_used(pid).share_since(then) < QUIET_CPU:
            return then.at
    raise SystemExit(f"the daemon is still busy after {LONGEST:g} s")


if __name__ == "__main__":
    sys.exit(main())
