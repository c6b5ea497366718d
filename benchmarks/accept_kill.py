"""Kill -9 a command that accepts 10,000 proposals beside a daemon: is one lost, or made twice?

    python -m benchmarks.accept_kill [--quick]

A stub answers for 5,000 stubs of two needs each, and all answers wait for a decision. Then
`companion apply --all` accepts them while a daemon runs, is killed at a random moment and started
anew; so it goes on until nothing is left. Exit status 1 when a note is torn, a need is written
twice, a proposal is neither open nor in its note after a kill, or something is left in the end.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks.daemon_process import DaemonProcess, run_companion
from benchmarks.made_vault import count_filled, open_journal, path_of, stubbed_vault
from benchmarks.proposals_kill import is_sound
from benchmarks.results import list_counts, make_parser, print_table, report
from companion.note.needs import DESCRIPTION
from companion.store.proposals import Selection

NOTES, KILLS = 5_000, 10
LONGEST = 60.0  # seconds from the start of the command until the kill, at most


class Life(NamedTuple):
    """A command from its start to its kill. accepted: proposals in that time.

    torn: notes that are not as one of their changes left them, once the next command has recovered.
    wrong: proposals that are accepted and not in their note, or open and in it.
    """

    accepted: int
    torn: int = 0
    wrong: int = 0


def main() -> int:
    parser = make_parser(__doc__)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    notes, kills = (200, 3) if options.quick else (NOTES, KILLS)
    chance = random.Random(options.seed)
    with stubbed_vault(notes, at_once=8, proposes=True, enabled=False) as (vault, _):
        print(run_companion(vault, "enrich", ".", "--all", "--yes")[-200:])
        daemon = DaemonProcess(vault)
        daemon.wait_ready()
        lives = [accept_and_kill(vault, notes, chance, kills - number) for number in range(kills)]
        began = time.monotonic()
        lives.append(Life(accept_rest(vault)))
        daemon.stop()
        print(f"{notes * 2:,} proposals, {kills} kills; the rest: {time.monotonic() - began:.0f} s")
        return judge(vault, notes, lives)


def accept_and_kill(vault: Path, notes: int, chance: random.Random, left: int) -> Life:
    """Accept all, and kill the command once a part of what is left is accepted."""
    before = count_accepted(vault)
    wanted = before + chance.uniform(0.1, 1) * (notes * 2 - before) / (left + 1)
    words = (sys.executable, "-m", "companion", "apply", "--all", "--vault", str(vault))
    null = subprocess.DEVNULL
    with subprocess.Popen(words, stdin=null, stdout=null, stderr=null) as command:
        until = time.monotonic() + LONGEST
        while count_accepted(vault) < wanted and time.monotonic() < until:
            time.sleep(chance.uniform(0, 0.1))
        command.kill()
    run_companion(vault, "status")  # which recovers
    torn, wrong = look(vault, notes)
    return Life(count_accepted(vault) - before, torn, wrong)


def accept_rest(vault: Path) -> int:
    """Accept what is left; return how many that are."""
    before = count_accepted(vault)
    run_companion(vault, "apply", "--all")
    return count_accepted(vault) - before


def count_accepted(vault: Path) -> int:
    with open_journal(vault) as journal:
        return journal.proposals.count(Selection(states=("accepted",)))


def look(vault: Path, notes: int) -> tuple[int, int]:
    """Return how many notes are torn, and how many proposals are not as their note has them."""
    with open_journal(vault) as journal:
        changed = {change.path for change in journal.changes()}
        numbers = [number for number in range(notes) if path_of(number) in changed]
        torn = sum(not is_sound(vault, number, journal) for number in numbers)
        texts = {path_of(n): (vault / path_of(n)).read_text(encoding="utf-8") for n in range(notes)}
        wrong = sum(
            (each.state == "accepted") != is_in(texts[each.path], each.kind)
            for each in journal.proposals.select()
        )
    return torn, wrong


def is_in(text: str, kind: str) -> bool:
    """Whether the note has what the proposal of this kind says."""
    return "\ndescription:\n" not in text if kind == DESCRIPTION else "> [!ai]" in text


def judge(vault: Path, notes: int, lives: list[Life]) -> int:
    """Print what came of it; return the exit status."""
    with open_journal(vault) as journal:
        states = Counter[str](each.state for each in journal.proposals.select())
        changes = journal.changes()
    written = Counter((c.path, need) for c in changes if c.state == "done" for need in c.needs)
    once = count_filled(vault, notes)
    killed = lives[:-1]
    print_table(
        [
            ("notes filled exactly once", once, f"wanted: {notes}"),
            ("needs written twice", sum(n > 1 for n in written.values()), "wanted: 0"),
            ("torn notes after a kill", sum(life.torn for life in killed), "wanted: 0"),
            (
                "proposals not as their note has them",
                sum(life.wrong for life in killed),
                "wanted: 0",
            ),
            ("proposals by state in the end", list_counts(states), ""),
            ("changes left pending", sum(c.state == "pending" for c in changes), "wanted: 0"),
            ("accepted before a kill, median", median(life.accepted for life in killed), ""),
            ("accepted after the last", lives[-1].accepted, ""),
        ]
    )
    promises = {
        "a note was not filled once": once == notes,
        "written twice": max(written.values(), default=0) <= 1,
        "torn": not any(life.torn for life in killed),
        "a decision is not as the note": not any(life.wrong for life in killed),
        "something is left": states == {"accepted": notes * 2},
    }
    return report(promises)


if __name__ == "__main__":
    sys.exit(main())
