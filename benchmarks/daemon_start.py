"""How long a daemon takes until it is ready, index warm, beside walk and stat of the same vault.

    python -m benchmarks.daemon_start [VAULT] [--quick]

On a copy of the vault; without one, on a made vault of 6,591 notes. All in one run, in turns, with
the files in the page cache; medians. The ratio is of the daemon itself, in this process, from
Daemon.start() until it has looked over the vault; the process as a whole, which loads Python and
its packages first, is shown beside it. Exit status 1 when the limit is exceeded.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from benchmarks.daemon_process import DaemonProcess
from benchmarks.made_vault import copy_vault, fresh_folder, set_home, stub_tables
from benchmarks.results import make_parser, print_table, report, timed
from benchmarks.scan import walk_and_stat
from benchmarks.stub_endpoint import running_stub
from companion.config import load_config
from companion.daemon.daemon import Daemon
from companion.enrich.configured_model import open_spending
from companion.enrich.workspace import open_workspace
from companion.vault.watch import Watch

NOTES, LIMIT = 6_591, 4.0


def main() -> int:
    parser = make_parser(__doc__)
    parser.add_argument("vault", nargs="?", type=Path)
    options = parser.parse_args()
    rounds = 2 if options.quick else 9
    with fresh_folder() as folder, running_stub() as stub:
        vault = copy_vault(options.vault, folder / "vault", NOTES)
        set_home(folder / "home", stub_tables(stub.base_url, notes_a_day=0))
        start_here(vault)
        time.sleep(3)  # the index takes no note for known that is younger than 2 seconds
        start_here(vault)
        ways: dict[str, Callable[[], float]] = {
            "walk": lambda: timed(lambda: walk_and_stat(vault)),
            "watch": lambda: watch_here(vault),
            "scan": lambda: scan_here(vault),
            "daemon": lambda: start_here(vault),
            "imports": time_imports,
            "process": lambda: start_process(vault),
        }
        taken: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(rounds):
            for name, way in ways.items():
                taken[name].append(way())
        return judge({name: median(seconds) * 1e3 for name, seconds in taken.items()}, rounds)


def judge(ms: dict[str, float], rounds: int) -> int:
    """Print how long it all took, in milliseconds; return the exit status."""
    times = {name: f"{each / ms['walk']:.1f} times" for name, each in ms.items()}
    ratio = ms["daemon"] / ms["walk"]
    print(f"medians of {rounds}, milliseconds\n")
    print_table(
        [
            ("walk and stat", f"{ms['walk']:.1f}", ""),
            ("every folder watched", f"{ms['watch']:.1f}", times["watch"]),
            ("warm scan, all facts used", f"{ms['scan']:.1f}", times["scan"]),
            ("Daemon.start() until ready", f"{ms['daemon']:.1f}", times["daemon"]),
            ("the whole process, until it says ready", f"{ms['process']:.1f}", ""),
            ("  of it Python and imports", f"{ms['imports']:.1f}", ""),
        ]
    )
    return report({f"ready after {ratio:.1f} times, at most {LIMIT:g}": ratio <= LIMIT})


def watch_here(vault: Path) -> float:
    """Return the seconds until every folder is watched."""
    watch = Watch(vault, lambda _: None)
    seconds = timed(watch.start)
    watch.stop()
    return seconds


def scan_here(vault: Path) -> float:
    """Return the seconds of a scan of a vault that was just opened, with all facts used."""
    with open_workspace(load_config(), vault) as space:
        return timed(lambda: list(space.scan().notes.values()))


def start_here(vault: Path) -> float:
    """Return the seconds that a new daemon takes in this process."""
    config = load_config()
    with open_workspace(config, vault) as space, open_spending(config, vault) as spending:
        daemon = Daemon(space, spending)
        # its own event: asking status() again and again would take the time of what is measured
        ready = daemon.reconciler.ready
        began = time.perf_counter()
        daemon.start()
        ready.wait(60)
        seconds = time.perf_counter() - began
        daemon.stop()
        return seconds


def start_process(vault: Path) -> float:
    """Return the seconds from the start of `companion serve` until its status says ready."""
    daemon = DaemonProcess(vault)
    try:
        daemon.wait_ready(pause=0.01)
        return time.perf_counter() - daemon.spawned_at
    finally:
        daemon.stop()


def time_imports() -> float:
    """Return the seconds that Python takes to load what the daemon is made of."""
    command = [sys.executable, "-c", "import companion.daemon.process, companion.daemon.app"]
    return timed(lambda: subprocess.run(command, check=True))


if __name__ == "__main__":
    sys.exit(main())
