"""What the daemon costs while there is nothing to do: CPU time, memory, wake-ups.

    python -m benchmarks.daemon_idle [VAULT] [--minutes 10] [--page] [--quick]

On a copy of the vault; without one, on a made vault of 6,591 notes. The daemon fills three notes
first, so that all is loaded that it works with; those are its notes of the day, so it has nothing
to do once it has encoded all notes, to compare them. Counts begin when 30 seconds have taken under
0.4% of a core; all are of the daemon's process alone (an embedded model, which does not run here,
has its own). --page: with the page open in Chromium, in its Now, which nobody touches. Linux only.
Exit status 1 when a limit is exceeded.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from itertools import pairwise
from pathlib import Path
from statistics import median
from subprocess import PIPE
from typing import NamedTuple

from benchmarks.daemon_process import running_daemon
from benchmarks.inbox import address_of
from benchmarks.made_vault import copy_vault, fresh_folder, name_of, note, set_home, stub_tables
from benchmarks.results import cpu_seconds, make_parser, print_table, report
from benchmarks.stub_endpoint import running_stub

NOTES, FILLED = 6_591, 3
CPU, MEGABYTES = 0.005, 150  # of one core; 10^6 bytes
WINDOW = 10.0  # seconds
CALM = 30.0  # seconds without work, before counts begin
AT_WORK = 0.004  # of one core, over these: it has something to do yet


class Used(NamedTuple):
    """What a process used so far. cpu: seconds; switches: the times that it waited and woke."""

    at: float
    cpu: float
    switches: int

    def share_since(self, then: Used) -> float:
        """Return the share of a core that it used since then."""
        return (self.cpu - then.cpu) / (self.at - then.at)


def main() -> int:
    parser = make_parser(__doc__)
    parser.add_argument("vault", nargs="?", type=Path)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--page", action="store_true")
    options = parser.parse_args()
    seconds = 5.0 if options.quick else options.minutes * 60
    with fresh_folder() as folder, running_stub() as stub:
        vault = copy_vault(options.vault, folder / "vault", NOTES)
        for number in range(FILLED):
            (vault / f"{name_of(number)}.md").write_text(note(number, ""), encoding="utf-8")
        tables = stub_tables(stub.base_url, notes_a_day=FILLED, settle_seconds=1)
        set_home(folder / "home", tables)
        with running_daemon(vault) as daemon:
            daemon.wait_until(lambda status: status.background.notes_today == FILLED, 30)
            with open_page(vault) if options.page else nullcontext():
                if options.quick:
                    time.sleep(1)
                else:
                    wait_idle(daemon.pid)
                used = watch(daemon.pid, seconds)
            memory = read_memory(daemon.pid)
            notes = daemon.wait_ready().notes
        print(f"{notes} notes, {seconds / 60:.1f} minutes, {stub.count_calls()} calls\n")
    return judge(used, memory)


@contextmanager
def open_page(vault: Path) -> Iterator[None]:
    """Keep the page open in Chromium."""
    address = address_of(vault).replace("/#", "/now#")
    words = ["node", "e2e-tests/keep-page-open.js", address]
    plugin = Path(__file__).parents[1] / "obsidian-plugin"
    with subprocess.Popen(words, cwd=plugin, stdin=PIPE, stdout=PIPE, text=True) as browser:
        assert browser.stdin and browser.stdout
        if browser.stdout.readline() != "open\n":
            raise SystemExit("the page did not open")
        yield
        browser.stdin.close()


def wait_idle(pid: int) -> None:
    """Return once the process has used next to nothing for a while."""
    share = 1.0
    while share > AT_WORK:
        before = read_used(pid)
        time.sleep(CALM)
        share = read_used(pid).share_since(before)


def watch(pid: int, seconds: float) -> list[Used]:
    """Return what the process had used by and by."""
    used = [read_used(pid)]
    until = used[0].at + seconds
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(WINDOW, left))
        used.append(read_used(pid))
    return used


def read_used(pid: int) -> Used:
    """Return what the process used until now, without its children."""
    switches = sum(
        int(line.split()[1])
        for task in Path(f"/proc/{pid}/task").iterdir()
        for line in (task / "status").read_text().splitlines()
        if line.startswith("voluntary_ctxt_switches")
    )
    return Used(time.monotonic(), cpu_seconds(pid), switches)


def read_memory(pid: int) -> dict[str, float]:
    """Return megabytes by the names that the kernel gives them."""
    text = "".join(Path(f"/proc/{pid}/{name}").read_text() for name in ("status", "smaps_rollup"))
    lines = (line.split() for line in text.splitlines())
    return {words[0]: int(words[1]) * 1024 / 1e6 for words in lines if words[-1] == "kB"}


def judge(used: list[Used], memory: dict[str, float]) -> int:
    """Print what it cost; return the exit status."""
    seconds = used[-1].at - used[0].at
    share = used[-1].share_since(used[0])
    windows = [now.share_since(then) for then, now in pairwise(used)]
    wakes = (used[-1].switches - used[0].switches) / seconds
    print_table(
        [
            ("CPU, share of one core", f"{share:.3%}", f"under {CPU:.1%}"),
            (f"  median of {len(windows)} windows of {WINDOW:g} s", f"{median(windows):.3%}", ""),
            ("  highest of them", f"{max(windows):.3%}", "a look over the vault"),
            ("wake-ups a second", f"{wakes:.1f}", ""),
            ("memory at the end, MB (VmRSS)", f"{memory['VmRSS:']:.1f}", f"under {MEGABYTES}"),
            ("  of it its own (PSS)", f"{memory['Pss:']:.1f}", ""),
            ("  highest since the start (VmHWM)", f"{memory['VmHWM:']:.1f}", ""),
        ]
    )
    promises = {"CPU": share < CPU, "memory": memory["VmRSS:"] < MEGABYTES}
    return report(promises)


if __name__ == "__main__":
    sys.exit(main())
