"""5,000 notes change at once, by a git checkout: is one missed, is one enriched twice?

    python -m benchmarks.daemon_burst [--notes 5000] [--quick]

The daemon runs on one branch, whose notes have their description; the other one's are stubs. The
settle time is 10 seconds, so that the queue can be looked at before work begins; the vault is
looked over every 30 seconds (the default is 300). Without git the files are written one by one.
Exit status 1 when a note is missed, or asked or written twice.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from benchmarks.daemon_process import DaemonProcess, running_daemon
from benchmarks.made_vault import count_filled, note, path_of, read_changes, stubbed_vault
from benchmarks.results import make_parser, print_table, report, tally
from benchmarks.stub_endpoint import Call
from companion.daemon.reconciler import RESCAN_SECONDS

SETTLE = 10  # seconds
DESCRIPTION = "What it is about."
FULL, STUBS = "full", "stubs"


def main() -> int:
    parser = make_parser(__doc__)
    parser.add_argument("--notes", type=int, default=5000)
    options = parser.parse_args()
    notes = 300 if options.quick else options.notes
    with stubbed_vault(notes, description=DESCRIPTION, settle_seconds=SETTLE) as (vault, stub):
        way = prepare(vault, notes)
        with running_daemon(vault) as daemon:
            time.sleep(3)  # so that nothing of the start is taken for an event
            began = time.monotonic()
            change_all(vault, notes)
            changed = time.monotonic()
            looked = wait_queued(daemon, notes)
            right = time.monotonic()
            daemon.wait_filled(RESCAN_SECONDS + 60 + notes / 10)
            filled = time.monotonic()
        print(f"{notes} notes changed by {way} in {changed - began:.2f} s\n")
        times = right - changed if looked else None, filled - began
        return judge(vault, notes, stub.calls(), times)


def prepare(vault: Path, notes: int) -> str:
    """Make the two branches; return in words how the notes will be changed."""
    if not shutil.which("git"):
        return "writing them"
    git(vault, "init", "--quiet", "--initial-branch", FULL)
    git(vault, "add", "--all")
    git(vault, "commit", "--quiet", "--message", FULL)
    git(vault, "checkout", "--quiet", "-b", STUBS)
    write_stubs(vault, notes)
    git(vault, "commit", "--quiet", "--all", "--message", STUBS)
    git(vault, "checkout", "--quiet", FULL)
    return "git checkout"


def change_all(vault: Path, notes: int) -> None:
    if shutil.which("git"):
        git(vault, "checkout", "--quiet", STUBS)
    else:
        write_stubs(vault, notes)


def write_stubs(vault: Path, notes: int) -> None:
    for number in range(notes):
        (vault / path_of(number)).write_text(note(number, ""), encoding="utf-8")


def git(vault: Path, *words: str) -> None:
    """Run git, whatever the user's configuration is."""
    settings = ("user.name=Benchmark", "user.email=benchmark@localhost", "commit.gpgsign=false")
    options = [part for setting in settings for part in ("-c", setting)]
    subprocess.run(["git", *options, *words], cwd=vault, check=True)


def wait_queued(daemon: DaemonProcess, notes: int) -> bool:
    """Wait until the queue is right: all notes wait; return whether it was seen so."""
    until = time.monotonic() + SETTLE
    while time.monotonic() < until:
        status = daemon.status()
        if status and status.background.waiting == status.to_do == notes:
            return True
        time.sleep(0.05)
    return False


def judge(vault: Path, notes: int, calls: list[Call], times: tuple[float | None, float]) -> int:
    """Print what came of it; return the exit status."""
    right, filled_after = times
    rows = Counter(change.path for change in read_changes(vault))
    missed = notes - count_filled(vault, notes)
    asked = Counter(call.note for call in calls)
    print_table(
        [
            ("the queue was right, s after the last file", right or "not seen", f"settle {SETTLE}"),
            ("all filled, s after the first", filled_after, ""),
            (
                "notes a second, when the settle time was over",
                (notes / (filled_after - SETTLE)),
                "",
            ),
            ("missed", missed, "wanted: 0"),
            ("notes written twice", sum(n > 1 for n in rows.values()), "wanted: 0"),
            ("calls of a note, and of how many notes", tally(asked), ""),
        ]
    )
    promises = {
        "the queue was not right within the settle time": right is not None,
        "notes were missed": not missed,
        "notes were enriched twice": set(rows.values()) == {1},
        "calls were paid twice": set(asked.values()) == {1} and len(asked) == notes,
    }
    return report(promises)


if __name__ == "__main__":
    sys.exit(main())
