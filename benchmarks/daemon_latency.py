"""From the save of a stub to the filled note on the disk: what is beyond settle time and model.

    python -m benchmarks.daemon_latency [VAULT] [--model smollm2-135m | --stub] [--quick]

A daemon in a process of its own, on a copy of the vault (without one, on a made vault of 1,000
notes); ten notes are saved, one after the other. How the time of the model is known: in the
daemon's process there is a stopwatch around companion.llm.connection.Connection.send, the one HTTP
call to the model's server, and nothing else is changed. A first note, which starts the embedded
model's server and loads the model, does not count. Exit status 1 when the median is too long.
"""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from benchmarks.daemon_process import DaemonProcess, running_daemon
from benchmarks.made_vault import (
    copy_vault,
    fresh_folder,
    note,
    path_of,
    read_changes,
    set_home,
    stub_tables,
)
from benchmarks.results import make_parser, print_table, report
from benchmarks.stub_endpoint import running_stub
from companion.llm.connection import Connection

NOTES, DELAY, LIMIT = 1_000, 0.2, 1.0
FIRST = 50_000  # numbers of notes that no vault here has
LONGEST = 600.0  # seconds for one note
LOOK = 0.005  # seconds between two looks at the note, which is how far the figures are out
STOPWATCH = "--stopwatch"


class Timing(NamedTuple):
    """What became of one note; Unix time, seconds. calls: when each began and ended."""

    saved: float
    filled: float
    journaled: float
    calls: list[tuple[float, float]]

    @property
    def model(self) -> float:
        """The seconds in which a call was under way."""
        total, until = 0.0, 0.0
        for began, ended in sorted(self.calls):
            total += max(0.0, ended - max(began, until))
            until = max(until, ended)
        return total


def main() -> int:
    parser = make_parser(__doc__)
    parser.add_argument("vault", nargs="?", type=Path)
    parser.add_argument("--model", default="smollm2-135m", help="an embedded one")
    parser.add_argument("--stub", action="store_true", help="a stub endpoint of 0.2 s instead")
    parser.add_argument("--settle", type=float, default=1.0, help="seconds; the default is 30")
    options = parser.parse_args()
    notes = 3 if options.quick else 10
    with fresh_folder() as folder, running_stub(DELAY) if options.stub else nullcontext() as stub:
        vault = copy_vault(options.vault, folder / "vault", NOTES)
        tables = stub_tables(stub.base_url if stub else "", settle_seconds=options.settle)
        if not stub:
            tables["endpoint"] = {"model": options.model}
        set_home(folder / "home", tables)
        log = folder / "calls"
        program = ("-m", "benchmarks.daemon_latency", STOPWATCH, str(log))
        with running_daemon(vault, program) as daemon:
            seen = daemon.wait_ready()
            print(f"{seen.notes} notes, {seen.to_do} to do, {'stub' if stub else options.model}")
            measured = [measure(vault, daemon, FIRST + number, log) for number in range(notes + 1)]
            lines = [daemon.log.count(f"{path_of(FIRST + n)}: filled") for n in range(notes + 1)]
        return judge(measured[1:], lines, options.settle)


def measure(vault: Path, daemon: DaemonProcess, number: int, log: Path) -> Timing | None:
    """Return how one note fared; None: it was not filled (the model's answer was no good)."""
    file, known = vault / path_of(number), len(read_calls(log))
    file.parent.mkdir(parents=True, exist_ok=True)
    text = note(number, "")
    file.write_text(text, encoding="utf-8")
    saved = time.time()
    filled = wait_changed(file, daemon)
    calls = read_calls(log)[known:]
    if filled is None:
        return None
    daemon.wait_filled(10)
    changes = [change for change in read_changes(vault) if change.path == path_of(number)]
    return Timing(saved, filled, changes[-1].made_at, calls)


def wait_changed(file: Path, daemon: DaemonProcess) -> float | None:
    """Return when the note grew; its size is asked, since opening it would be in the way."""
    size, until = file.stat().st_size, time.time() + LONGEST
    asked = time.time()
    while time.time() < until:
        if file.stat().st_size != size:
            return time.time()
        time.sleep(LOOK)
        if time.time() - asked > 2:
            asked, status = time.time(), daemon.status()
            if status and status.ready and not status.in_hand and f"{file.name}: " in daemon.log:
                return None
    return None


def judge(measured: list[Timing | None], lines: list[int], settle: float) -> int:
    """Print where the time went; return the exit status."""
    timings = [timing for timing in measured if timing]
    if not timings:
        return report({"no note was filled": False})
    beyond = [timing.filled - timing.saved - settle - timing.model for timing in timings]
    picked = [timing.calls[0][0] - timing.saved - settle for timing in timings]
    written = [timing.filled - timing.journaled for timing in timings]
    print_table(
        [
            ("notes filled", f"{len(timings)} of {len(measured)}", "the others: no usable answer"),
            ("save to filled note, s", median(t.filled - t.saved for t in timings), "medians"),
            ("  settle time", settle, ""),
            ("  model", median(timing.model for timing in timings), ""),
            ("  calls a note", median(len(timing.calls) for timing in timings), ""),
            ("beyond settle time and model, s", median(beyond), f"under {LIMIT:g}"),
            ("  longest", max(beyond), ""),
            ("  settle time over to first call", median(picked), ""),
            ("  journal begun to note on the disk", median(written), ""),
            ("lines in the log a note", median(lines), ""),
        ]
    )
    return report({"it takes too long": median(beyond) < LIMIT})


def read_calls(log: Path) -> list[tuple[float, float]]:
    """Return when each call began and ended."""
    text = log.read_text() if log.exists() else ""
    return [(began, ended) for began, ended in map(json.loads, text.splitlines())]


def serve_with_stopwatch(log: Path, words: list[str]) -> None:
    """Be `companion`, and write down when each call of the model began and ended."""
    send = Connection.send

    def timed(connection: Connection, *arguments: Any, **options: Any) -> Any:
        began = time.time()
        try:
            return send(connection, *arguments, **options)
        finally:
            line = json.dumps([began, time.time()]) + "\n"
            fd = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            os.write(fd, line.encode())
            os.close(fd)

    setattr(Connection, "send", timed)  # noqa: B010 (mypy refuses the assignment)
    sys.argv = ["companion", *words]
    from companion.cli import main as companion

    companion()


if __name__ == "__main__":
    if sys.argv[1:2] == [STOPWATCH]:
        serve_with_stopwatch(Path(sys.argv[2]), sys.argv[3:])
    sys.exit(main())
