"""A large vault, made of a smaller one; and the daemon on it.

    python -m benchmarks.large_vault VAULT FOLDER [--notes 100000] [--daemon]

The first copy is the vault itself. In the others, each in a folder of its own, every note has the
number of its copy in its name, and so have the targets of its wikilinks. Settings in hidden folders
are copied once; only Markdown files are multiplied. A folder that exists is taken as it is.

--daemon measures `companion serve` there: how long until it is ready, what it takes while there is
nothing to do, 20,000 notes that become stubs at once, and 50,000 open proposals. It changes the
notes. Comparing notes is off, for the encoder would be busy for long with so many; but it is on
while there is nothing to do, with a made-up vector of each note. Linux only. Exit status 1 when a
limit is exceeded, or a question is asked without leave.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from http.client import HTTPConnection
from itertools import count, islice, pairwise
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.daemon_idle import read_memory, read_used, watch
from benchmarks.daemon_process import DaemonProcess, running_daemon
from benchmarks.inbox import PageClient, address_of
from benchmarks.made_vault import fresh_folder, note, set_home, stub_tables
from benchmarks.results import print_table, report, timed
from benchmarks.stub_endpoint import running_stub
from companion.app.open_vault import find_daemon
from companion.config import load_config, state_folder
from companion.daemon.access import read_token
from companion.enrich.context.similar import open_similar
from companion.enrich.workspace import open_workspace
from companion.llm.encoder import BuiltInEncoder
from companion.store.proposals import Origin, Proposal
from companion.store.vectors import VectorRow, VectorStore, pack_vectors

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
        for measure in (measure_start, measure_idle, measure_burst, measure_inbox):
            compares = measure is measure_idle
            tables = stub_tables(stub.base_url, backlog="ask")
            set_home(home, tables | {"similar": {"model": "" if compares else "none"}})
            if compares:
                add_vectors(vault)
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


def measure_burst(vault: Path) -> tuple[Rows, list[str]]:
    """Measure how long it is busy once 20,000 notes became stubs at once."""
    with running_daemon(vault) as daemon:
        settle(daemon.pid)
        before, before_mb = daemon.wait_ready(), read_memory(daemon.pid)["VmRSS:"]
        began, cpu = time.monotonic(), read_used(daemon.pid).cpu
        written = write_stubs(vault, 0, BURST)
        seconds = time.monotonic() - began
        expected = before.to_do + len(written)
        daemon.wait_until(lambda status: status.to_do >= expected, LONGEST)
        known = time.monotonic() - began
        quiet = settle(daemon.pid) - began
        cpu, memory = read_used(daemon.pid).cpu - cpu, read_memory(daemon.pid)
        backlog = daemon.wait_ready().background.backlog
        first = time.monotonic()
        daemon.status()
        answered = time.monotonic() - first
    held = backlog.notes - before.background.backlog.notes
    rows: Rows = [
        ("notes that became stubs, in s", f"{len(written):,} in {seconds:.1f}", ""),
        ("all known as such, s after the first", known, ""),
        ("quiet, s after the first", quiet, ""),
        ("processor time, s", cpu, ""),
        ("status answered then, s", answered, ""),
        ("memory before and after, MB", f"{before_mb:.0f}, {memory['VmRSS:']:.0f}", ""),
        ("  highest since the start", memory["VmHWM:"], ""),
        ("of them waiting for an answer", held, "all"),
    ]
    return rows, [] if held == len(written) else ["the backlog"]


def measure_inbox(vault: Path) -> tuple[Rows, list[str]]:
    """Measure the first answers about 50,000 open proposals, two for each stub."""
    write_stubs(vault, BURST, PROPOSALS // 2)
    time.sleep(QUIET)  # the index takes no note for known that is younger than 2 seconds
    made = add_proposals(vault)
    daemon = DaemonProcess(vault)
    try:
        daemon.wait_ready(pause=0.01)
        ready, cpu = time.perf_counter() - daemon.spawned_at, read_used(daemon.pid).cpu
        memory = read_memory(daemon.pid)["VmRSS:"]
        client = PageClient(address_of(vault))
        page = [timed(lambda: client.read("/proposals?limit=100")) * 1e3 for _ in range(5)]
        api = [timed(lambda: read_api(vault, "/proposals")) * 1e3 for _ in range(5)]
        settle(daemon.pid)
        now = read_memory(daemon.pid)
        seen = daemon.wait_ready()
    finally:
        daemon.stop()
    rows: Rows = [
        ("open proposals", made, ""),
        ("ready after a start, s", ready, f"under {READY:g}"),
        ("  of it processor time", cpu, ""),
        ("the page's inbox: first, median of 5, ms", both(page), ""),
        ("GET /proposals: first, median of 5, ms", both(api), ""),
        ("notes waiting for an answer", seen.background.backlog.notes, ""),
        ("memory when ready and when quiet, MB", f"{memory:.0f}, {now['VmRSS:']:.0f}", ""),
        ("  highest since the start", now["VmHWM:"], ""),
    ]
    return rows, [] if ready < READY else ["ready with many proposals"]


def write_stubs(vault: Path, begin: int, end: int) -> list[Path]:
    """Make stubs of these notes, in the order of their names; return which."""
    chosen = sorted(vault.glob("Copy */**/*.md"))[begin:end]
    for number, path in enumerate(chosen, begin):
        path.write_text(note(number, ""), encoding="utf-8")
    return chosen


def add_proposals(vault: Path) -> int:
    """Store a proposal for each need of the stubs; return how many."""
    with open_workspace(load_config(), vault) as space:
        found = space.scan().notes.of_interest()
        new = [
            Proposal(path, need, "What it is about.", origin=Origin("stub", "made"), waits=True)
            for path, facts in found
            for need in facts.needs
            if path.startswith("Copy ")
        ][:PROPOSALS]
        for start in range(0, len(new), 1000):
            space.journal.proposals.add(new[start : start + 1000])
    return len(new)


def add_vectors(vault: Path) -> None:
    """Store a vector for each note, so that none is encoded."""
    chance = np.random.default_rng(1)
    with open_workspace(load_config(), vault) as space, open_similar(space) as similar:
        assert similar
        files = space.scan().files
        missing = list(files)
        packed = pack_vectors(chance.standard_normal((len(missing), _WIDTH), np.float32))
        rows: list[VectorRow] = [
            (*files[path], chance.bytes(16), vector)
            for path, vector in zip(missing, packed, strict=True)
        ]
        VectorStore(space.state / "vectors.sqlite3").save(BuiltInEncoder.name, [], rows)


def settle(pid: int) -> float:
    """Wait until the process does nothing; return since when, on the monotonic clock."""
    until = time.monotonic() + LONGEST
    while time.monotonic() < until:
        then = read_used(pid)
        time.sleep(QUIET)
        if read_used(pid).share_since(then) < QUIET_CPU:
            return then.at
    raise SystemExit(f"the daemon is still busy after {LONGEST:g} s")


def both(times: Sequence[float]) -> str:
    """Return the first and the median."""
    return f"{times[0]:.0f}, {median(times):.0f}"


def read_api(vault: Path, path: str) -> bytes:
    """Return what the daemon answers there."""
    place = find_daemon(state_folder(vault))
    assert place
    connection = HTTPConnection("127.0.0.1", place.port, timeout=120)
    headers = {"Authorization": f"Bearer {read_token()}"}
    connection.request("GET", f"/api/v1{path}", headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    assert answer.status == 200, body
    return body


if __name__ == "__main__":
    sys.exit(main())
