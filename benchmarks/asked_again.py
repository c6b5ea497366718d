"""Asked again for what has an open, a refused or a rejected proposal: is any call made?

    python -m benchmarks.asked_again [--quick]

A third of the notes are asked about with the checks on, so that what the stub says is rejected;
what is proposed for another third is refused; the rest stays open. Then all of them are asked for
three times: by the command line alone, and by the daemon, which is killed and started anew twice
between. At last some are asked for with --retry, so that the count is seen to count. Exit status 1
when a call was made before that, a proposal changed its state, or a note was touched.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from benchmarks.daemon_process import (
    COMPANION,
    FOLDER_OF,
    DaemonProcess,
    fresh_folder,
    make_parser,
    make_vault,
    note,
    path_of,
    print_table,
    report,
    set_home,
    stub_tables,
)
from benchmarks.stub_endpoint import Stub, running_stub
from companion.config import state_folder
from companion.vault.journal import Journal

CHECKED = {"COMPANION_CHECKS": "on"}
RUNS = 3


def main() -> int:
    options = make_parser(__doc__).parse_args()
    folders = 3 if options.quick else 20
    with fresh_folder() as folder, running_stub() as stub:
        vault = make_vault(folder / "vault", folders * FOLDER_OF)
        settings = stub_tables(stub.base_url) | {"review": {"mode": "propose"}}
        set_home(folder / "home", settings)
        names = [f"./{number:03}" for number in range(folders)]  # digits alone are an id
        rejected, refused, waiting = names[::3], names[1::3], names[2::3]
        run_companion(vault, ["enrich", *rejected, "--propose", "--yes"], CHECKED)
        run_companion(vault, ["refuse", *rejected, "--flagged"])  # sentences of the notes' own
        run_companion(vault, ["enrich", *refused, *waiting, "--propose", "--yes"])
        run_companion(vault, ["refuse", *refused])
        return judge(vault, folders * FOLDER_OF, stub)


def judge(vault: Path, notes: int, stub: Stub) -> int:
    """Ask again, print what came of it, and return the exit status."""
    first, states = stub.count_calls(), count_states(vault)
    calls = ask_again(vault, stub)
    after = count_states(vault)
    touched = sum((vault / path_of(n)).read_text("utf-8") != note(n, "") for n in range(notes))
    run_companion(vault, ["enrich", "./000", "./001", "--retry", "--propose", "--yes"])
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
    return report([name for name, kept in promises.items() if not kept])


def ask_again(vault: Path, stub: Stub) -> dict[str, int]:
    """Return how many calls each run made, and each start of the daemon."""
    calls: dict[str, int] = {}

    def counted(what: str, do: Callable[[], object]) -> None:
        before = stub.count_calls()
        do()
        calls[what] = stub.count_calls() - before

    def run() -> None:
        run_companion(vault, ["enrich", ".", "--yes"])

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


def run_companion(
    vault: Path, words: Sequence[str], environment: Mapping[str, str] | None = None
) -> None:
    """Run a command to its end. Raises CalledProcessError if it fails."""
    subprocess.run(
        [sys.executable, *COMPANION, *words, "--vault", str(vault)],
        cwd=vault,
        env={**os.environ, "PYTHONPATH": str(Path.cwd()), **(environment or {})},
        stdout=subprocess.DEVNULL,
        check=True,
    )


def count_states(vault: Path) -> Counter[str]:
    """Return how many proposals are in which state."""
    with Journal(state_folder(vault) / "journal.sqlite3", read_only=True) as journal:
        return Counter(each.state for each in journal.proposals.select())


if __name__ == "__main__":
    sys.exit(main())
