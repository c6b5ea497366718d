"""Batches at a stub of the Batch API, killed at random points; and export and import by file.

    python -m benchmarks.batches [NOTES [KILLS]]

Prints how long each step takes, and whether each note has one proposal a need, none is paid for
twice and none is lost. The stub loses connections, fails lines, expires, doubles and reorders.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.made_vault import make_vault
from benchmarks.results import timed
from companion.config import load_config
from companion.enrich.workspace import open_workspace
from tests.cli.batch_runner import run_batch, write_answers
from tests.cli.user import SAYS, answer_by_schema
from tests.llm.fake_batches import FakeBatches, Faults
from tests.llm.fake_endpoint import Seen

FAULTS = Faults(lost=0.05, failing=0.02, expired=0.05, doubled=0.05, waits=2, seed=11)
_LONGEST_RUN = 8.0  # seconds until a kill, at most; of many notes longer, so that it gets on
_SECONDS_A_NOTE = 1 / 2_000


def main(notes: int = 2_000, kills: int = 50) -> None:
    """Measure, and print."""
    with tempfile.TemporaryDirectory() as folder:
        vault, home = make_vault(Path(folder, "vault"), notes), Path(folder, "home")
        home.mkdir()
        fake = FakeBatches(_complete, FAULTS)
        os.environ |= {
            "COMPANION_HOME": str(home),
            "COMPANION_BASE_URL": fake.url,
            "COMPANION_MODEL": "m",
            "COMPANION_CHECKS": "off",
        }
        _measure_files(vault, home, notes)
        os.environ["COMPANION_HOME"] = str(Path(folder, "home2"))
        _measure_provider(vault, fake, notes, kills)
        fake.close()


def _complete(body: dict[str, Any]) -> dict[str, Any]:
    completion: dict[str, Any] = json.loads(answer_by_schema(Seen("", {}, body, 0), SAYS).body)
    return completion


def _measure_files(vault: Path, home: Path, notes: int) -> None:
    questions = home / "questions.jsonl"
    seconds = _run(vault, "export", str(questions))
    print(f"export: {notes / seconds:,.0f} notes a second, {questions.stat().st_size:,} bytes")
    answers = run_batch(questions, lambda body: (200, _complete(body)))
    random.Random(5).shuffle(answers)
    file = write_answers(home / "answers.jsonl", answers)
    seconds = _run(vault, "import", str(file))
    before = _proposals(vault)
    print(f"import: {notes / seconds:,.0f} notes a second; {before.total():,} proposals")
    seconds = _run(vault, "import", str(file))
    same = "the same proposals" if _proposals(vault) == before else "OTHER PROPOSALS"
    print(f"import again: {notes / seconds:,.0f} notes a second; {same}")


def _measure_provider(vault: Path, fake: FakeBatches, notes: int, kills: int) -> None:
    killed, runs = _kill(vault, fake, notes, kills)
    for _ in range(30):
        _run(vault, "submit")
        _run(vault, "collect")
        if len(fake.paid) == notes and not fake.files:
            break
    found = _proposals(vault)
    twice = sum(number > 1 for number in fake.paid.values())
    when = ", ".join(f"{number} of {command}" for command, number in killed.items())
    print(
        f"provider: {killed.total()} of {runs} runs killed ({when}), {len(fake.batches):,} batches"
    )
    print(f"  answers paid for twice: {twice}; notes never answered: {notes - len(fake.paid)}")
    print(
        f"  needs with one open proposal: {sum(n == 1 for n in found.values()):,} of {2 * notes:,}"
    )
    print(f"  files left at the provider: {len(fake.files)}")


def _kill(vault: Path, fake: FakeBatches, notes: int, kills: int) -> tuple[Counter[str], int]:
    """Kill submit and collect in turn, at random points, until the batch is done or it was enough.

    Return how often which was killed, and how many runs there were.
    """
    chance, killed = random.Random(3), Counter[str]()
    longest = max(_LONGEST_RUN, notes * _SECONDS_A_NOTE)
    for number in range(10 * kills):
        if killed.total() == kills or (len(fake.paid) == notes and not fake.files):
            return killed, number
        command = ["submit", "collect"][number % 2]
        process = subprocess.Popen(_command(vault, command), stdout=-3, stderr=-3)
        try:
            process.wait(chance.uniform(0.5, longest))
        except subprocess.TimeoutExpired:
            process.kill()
            killed[command] += 1
        process.wait()
    return killed, 10 * kills


def _run(vault: Path, *arguments: str) -> float:
    """Return how many seconds the command took."""
    command = _command(vault, *arguments)
    return timed(lambda: subprocess.run(command, stdout=-3, stderr=-3, check=False))


def _command(vault: Path, name: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "companion", "batch", name, *arguments, "--vault", str(vault)]


def _proposals(vault: Path) -> Counter[tuple[str, str]]:
    """Return how many open proposals each need of each note has."""
    with open_workspace(load_config(), vault, read_only=True) as space:
        found = space.journal.proposals.select()
    return Counter((each.path, each.need) for each in found if each.state == "open")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
