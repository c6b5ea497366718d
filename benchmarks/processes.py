"""Several processes at work on one vault, and some of them killed: what is asked, torn or lost?

    python -m benchmarks.processes [--quick]

First two commands and a daemon fill the same notes at once, with a stub that counts. Then two, and
then three commands do, and are killed with -9 at random moments and started again, until nothing is
left. Exit status 1 when a note is not filled exactly once, or torn, a change stays pending, or,
without kills, a need is asked for twice.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from benchmarks.daemon_process import DaemonProcess, run_companion
from benchmarks.made_vault import count_filled, open_journal, stubbed_vault
from benchmarks.proposals_kill import is_sound
from benchmarks.results import make_parser, print_table, report
from benchmarks.stub_endpoint import Stub

NOTES, KILLS = 200, 20


def main() -> int:
    parser = make_parser(__doc__)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    notes, kills = (60, 4) if options.quick else (NOTES, KILLS)
    chance = random.Random(options.seed)
    faults: dict[str, bool] = {}
    with stubbed_vault(notes, 0.05, settle_seconds=1) as (vault, stub):
        daemon = DaemonProcess(vault)
        commands = [start(vault) for _ in range(2)]
        for each in commands:
            each.wait()
        daemon.wait_filled(120)
        daemon.stop()
        faults |= judge("two commands and a daemon", vault, notes, stub, at_most=0)
    for number in (2, 3):
        with stubbed_vault(notes, 0.05) as (vault, stub):
            lost = work_and_kill(vault, number, kills, chance)
            faults |= judge(f"{number} commands, {kills} kills", vault, notes, stub, at_most=lost)
    return report(faults)


def start(vault: Path) -> subprocess.Popen[bytes]:
    words = (sys.executable, "-m", "companion", "enrich", ".", "--yes", "--vault", str(vault))
    null = subprocess.DEVNULL
    return subprocess.Popen(words, cwd=vault, stdin=null, stdout=null, stderr=null)


def work_and_kill(vault: Path, number: int, kills: int, chance: random.Random) -> int:
    """Have so many commands fill the vault; return how many calls kills may have cost."""
    commands = [start(vault) for _ in range(number)]
    for _ in range(kills):
        time.sleep(chance.uniform(0.2, 1.5))
        victim = chance.randrange(number)
        commands[victim].kill()
        commands[victim].wait()
        commands[victim] = start(vault)
    for each in commands:
        each.wait()
    run_companion(vault, "enrich", ".", "--yes")
    return kills * 6  # as many as one has under way


def judge(name: str, vault: Path, notes: int, stub: Stub, at_most: int) -> dict[str, bool]:
    """Print what came of it; return the promises that do not hold."""
    with open_journal(vault) as journal:
        changes = journal.changes()
        torn = sum(not is_sound(vault, each, journal) for each in range(notes))
        claims = journal.claims.count()
    written = Counter((c.path, need) for c in changes if c.state == "done" for need in c.needs)
    asked = Counter(call.note for call in stub.calls())
    twice = sum(count - 1 for count in asked.values())
    once, pending = count_filled(vault, notes), sum(c.state == "pending" for c in changes)
    print(f"\n{name}\n")
    print_table(
        [
            ("notes filled exactly once", once, f"wanted: {notes}"),
            ("torn notes", torn, "wanted: 0"),
            ("needs written twice", sum(n > 1 for n in written.values()), "wanted: 0"),
            ("calls more than one a note", twice, f"wanted: at most {at_most}"),
            ("changes left pending", pending, "wanted: 0"),
            ("claims left", claims, ""),
        ]
    )
    return {
        f"{name}: a note was not filled once": once == notes,
        f"{name}: torn": torn == 0,
        f"{name}: written twice": max(written.values(), default=0) <= 1,
        f"{name}: asked twice": twice <= at_most,
        f"{name}: pending": pending == 0,
    }


if __name__ == "__main__":
    sys.exit(main())
