"""Asked again for what has an open, a refused or a rejected proposal: is any call made?

    python -m benchmarks.asked_again [--quick]

A third of the notes are asked about with the checks on, so that what the stub says is rejected;
what is proposed for another third is refused; the rest stays open. Then all of them are asked for
three times: by the command line alone, and by the daemon, which is killed and started anew twice
between. At last some are asked for with --retry, so that the count is seen to count. Exit status 1
when a call was made before that, a proposal changed its state, or a note was touched.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.daemon_process import COMPANION, DaemonProcess, run_companion
from benchmarks.made_vault import FOLDER_OF, note, open_journal, path_of, stubbed_vault
from benchmarks.results import make_parser, print_table, report
from benchmarks.stub_endpoint import Stub

RUNS = 3


def main() -> int:
    options = make_parser(__doc__).parse_args()
    folders = 3 if options.quick else 20
    with stubbed_vault(folders * FOLDER_OF, proposes=True) as (vault, stub):
        names = [f"./{number:03}" for number in range(folders)]  # digits alone are an id
        rejected, refused, waiting = names[::3], names[1::3], names[2::3]
        ask = ("--propose", "--yes")
        run_companion(vault, "enrich", *rejected, *ask, check=True, COMPANION_CHECKS="on")
        # what is flagged: sentences of the notes' own, in place of rejected answers
        run_companion(vault, "refuse", *rejected, "--flagged", check=True)
        run_companion(vault, "enrich", *refused, *waiting, *ask, check=True)
        run_companion(vault, "refuse", *refused, check=True)
        return judge(vault, folders * FOLDER_OF, stub)


def judge(vault: Path, notes: int, stub: Stub) -> int:
    """Ask again, print what came of it, and return the exit status."""
    first, states = stub.count_calls(), count_states(vault)
    calls = ask_again(vault, stub)
    after = count_states(vault)
    touched = sum((vault / path_of(n)).read_text("utf-8") != note(n, "") for n in range(notes))
    run_companion(vault, "enrich", "./000", "./001", "--retry", "--propose", "--yes", check=True)
    retried = stub.count_calls() - first - sum(calls.values())
    print_table(
        [
            ("notes", notes, ""),
            ("calls of the first time", first, ""),
            *((f"proposals {state}", number, "") for state, number in sorted(states.items())),
            *((f"calls: {what}", number, "wanted: 0") for what, number in calls.items()),
            ("notes touched", touched, "wanted: 0"),
            (f"calls with --retry, of {2 * FOLDER_OF} notes", retried, "more than 0"),
        ]
    )
    promises = {
        "nothing is open, refused or rejected": {"open", "refused", "rejected"} <= states.keys(),
        "a call was made again": not any(calls.values()),
        "a proposal changed its state": states == after,
        "a note was touched": not touched,
        "calls are not counted": retried > 0,
    }
    return report(promises)


def ask_again(vault: Path, stub: Stub) -> dict[str, int]:
    """Return how many calls each run made, and each start of the daemon."""
    calls: dict[str, int] = {}

    def counted(what: str, do: Callable[[], object]) -> None:
        before = stub.count_calls()
        do()
        calls[what] = stub.count_calls() - before

    def run() -> None:
        run_companion(vault, "enrich", ".", "--yes", check=True)

    counted("run 1, without a daemon", run)
    for number in range(2, RUNS + 1):
        daemon = DaemonProcess(vault, COMPANION)
        counted(f"start {number - 1} of the daemon", partial(settle, daemon))
        counted(f"run {number}, by the daemon", run)
        daemon.kill()
    return calls


def settle(daemon: DaemonProcess) -> None:
    """Wait until the daemon has looked over the vault and finds nothing to do."""
    daemon.wait_filled(120)
    time.sleep(1)  # longer than it takes to begin with a note


def count_states(vault: Path) -> Counter[str]:
    """Return how many proposals are in which state."""
    with open_journal(vault) as journal:
        return Counter(each.state for each in journal.proposals.select())


if __name__ == "__main__":
    sys.exit(main())
