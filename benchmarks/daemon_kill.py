"""Kill -9 of the daemon, again and again, while it works on a batch of notes in the background.

    python -m benchmarks.daemon_kill [--quick]

It is started anew after each kill, and left alone after the last. The endpoint is a stub of 50 ms
that knows which note each call was about. Exit status 1 when a note is not enriched exactly once,
or torn, or when a call was paid twice that was not in flight at a kill.
"""

from __future__ import annotations

import random
import sys
import time
from bisect import bisect_right
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from benchmarks.daemon_process import DaemonProcess, running_daemon
from benchmarks.made_vault import (
    count_filled,
    name_of,
    note,
    number_of,
    open_journal,
    path_of,
    stubbed_vault,
)
from benchmarks.results import make_parser, print_table, report, tally
from benchmarks.stub_endpoint import Call, Stub
from companion.store.journal import Change, Journal

DELAY, AT_ONCE = 0.05, 4
BACKGROUND = AT_ONCE - 1  # one of them is kept for clicks
STARTS = 1.5  # seconds within which a daemon is killed while it starts
LONGEST = 0.5  # seconds from an answer of the stub to the note on the disk, at most


class Kill(NamedTuple):
    """A kill: at some moment between these two; Unix time, seconds."""

    before: float
    after: float


def main() -> int:
    parser = make_parser(__doc__)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    notes, kills = (60, 6) if options.quick else (500, 50)
    chance = random.Random(options.seed)
    with stubbed_vault(notes, DELAY, at_once=AT_ONCE, settle_seconds=1) as (vault, stub):
        made: list[Kill] = []
        while len(made) < kills:
            left = notes - count_filled(vault, notes)
            works = 2 * left * DELAY / BACKGROUND / (kills - len(made))  # they end with the work
            made.append(kill_one(vault, stub, len(made), works, chance))
        with running_daemon(vault) as daemon:
            left = daemon.wait_until(lambda status: status.ready, 60).to_do
            daemon.wait_filled(120)
        print(f"{notes} notes, {kills} kills; {left} notes were left for after the last\n")
        return judge(vault, notes, stub.calls(), made)


def kill_one(vault: Path, stub: Stub, number: int, works: float, chance: random.Random) -> Kill:
    """Start a daemon and kill it: each fifth while it starts, the others while they work."""
    daemon, asked = DaemonProcess(vault), stub.count_calls()
    if number % 5 == 4:
        time.sleep(chance.uniform(0, STARTS))
    else:
        until = time.monotonic() + 10
        while stub.count_calls() == asked and time.monotonic() < until:
            time.sleep(0.005)
        time.sleep(chance.uniform(0, works))
    before = time.time()
    daemon.kill()
    return Kill(before, time.time())


def judge(vault: Path, notes: int, calls: list[Call], kills: list[Kill]) -> int:
    """Print what came of it; return the exit status."""
    with open_journal(vault) as journal:
        changes = journal.changes()[::-1]
        torn = [n for n in range(notes) if not is_whole(vault, n, changes, journal)]
    rows = Counter(change.path for change in changes if change.state == "done")
    once = count_filled(vault, notes)
    made_at = {change.path: change.made_at for change in changes if change.state == "done"}
    lost = find_lost(calls, kills, made_at)
    asked = Counter(call.note for call in calls)
    twice = len(calls) - len(asked)
    late = sum(made_at.get(path, 0) < call.began for call in calls for path in paths(call))
    waited = [call for call in lost if is_waiting(call, kills)]
    most = max(Counter(life_of(call, kills) for call in lost).values(), default=0)
    again = sum(n - 1 for n in Counter((c.note, life_of(c, kills)) for c in calls).values())
    old = [after for call in lost if (after := age_at_kill(call, kills))]
    kinds = Counter(change.state for change in changes)
    print_table(
        [
            ("notes enriched exactly once", once, f"wanted: {notes}"),
            ("torn notes", len(torn), "wanted: 0"),
            ("calls of a note, and of how many notes", tally(asked), ""),
            ("calls paid again", twice, f"at most the {len(lost)} in flight at a kill"),
            ("  of those in flight, waiting at the endpoint", len(waited), ""),
            ("  answered, not written yet", len(old), f"{max(old, default=0) * 1e3:.0f} ms before"),
            ("  at one kill, at most", most, f"at most {BACKGROUND} at once"),
            ("asked twice in one life of the daemon", again, "wanted: 0"),
            ("asked again after it was filled (own write)", late, "wanted: 0"),
            (
                "kills with a call in flight",
                len({life_of(c, kills) for c in lost}),
                f"of {len(kills)}",
            ),
            ("changes left pending", kinds["pending"], "wanted: 0"),
            ("changes taken back by recovery", kinds["abandoned"], ""),
        ]
    )
    promises = {
        "a note was not enriched once": once == notes and set(rows.values()) == {1},
        "torn": not torn,
        "pending": not kinds["pending"],
        "a call was paid twice": twice <= len(lost) and most <= BACKGROUND and not again,
        "a call was lost that was not in flight": max(old, default=0) < LONGEST,
        "own writes were asked about": not late,
    }
    return report(promises)


def is_whole(vault: Path, number: int, changes: list[Change], journal: Journal) -> bool:
    """Whether the note is what its one change made of what it was, to the byte."""
    mine = [c for c in changes if c.path == path_of(number) and c.state == "done"]
    images = journal.images(mine[-1].id) if mine else None
    now = (vault / path_of(number)).read_bytes()
    return images == (note(number, "").encode(), now)


def find_lost(calls: list[Call], kills: list[Kill], made_at: dict[str, float]) -> list[Call]:
    """Return the calls under way at a kill: the daemon that made them did not write the note."""
    return [
        call
        for call in calls
        for path in paths(call)
        if (life := life_of(call, kills)) < len(kills) and kills[life].after < made_at.get(path, 0)
    ]


def paths(call: Call) -> list[str]:
    return [path_of(number_of(call.note))] if call.note.startswith(name_of(0)[:-5]) else []


def life_of(call: Call, kills: list[Kill]) -> int:
    """Return the number of the daemon that made the call, from 0."""
    return bisect_right([kill.after for kill in kills], call.began)


def is_waiting(call: Call, kills: list[Kill]) -> bool:
    """Whether the endpoint had not answered when the daemon was killed."""
    return call.ended is None or call.ended >= kills[life_of(call, kills)].before


def age_at_kill(call: Call, kills: list[Kill]) -> float:
    """Return how long before the kill the call was answered, in seconds; 0: it was not."""
    return (
        0.0 if is_waiting(call, kills) else kills[life_of(call, kills)].before - (call.ended or 0)
    )


if __name__ == "__main__":
    sys.exit(main())
