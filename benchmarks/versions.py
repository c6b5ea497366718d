"""Commands of this version and of earlier ones, measured in turn against one stub endpoint.

An earlier version is checked out beside this one and runs with the packages of this environment.
0.1 needs `pip install ahocorasick-rs lingua-language-detector` besides. Only the command line is
used, which all versions have.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks.made_vault import set_home
from benchmarks.stub_endpoint import running_stub

ROOT = Path(__file__).parents[1]
FIRST = "1952adddcf"  # 0.1.0, which was never tagged
SETTLED = 3.2  # seconds; settings that were written just now are read at each look, as nobody's are
NOTE = """---
aliases:
  - name {number}
tags:
  - subject/part
description:
created: 2024-01-01
---

# Note {number}

#status/postponed

Some sentences of prose about a subject. They go on for a while, as sentences do.

## Heading

- one
- two
"""


class Measured(NamedTuple):
    """A `companion enrich` of a whole vault.

    start: seconds until its first question. seconds: from then on to its end. cpu: seconds of
    processor time, with its child processes.
    """

    start: float
    seconds: float
    cpu: float


def make_options(doc: str | None) -> argparse.ArgumentParser:
    """Return a parser of what all comparisons take: `against`, commits, and `rounds`."""
    assert doc
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--against", nargs="*", metavar="COMMIT", help="else 0.1")
    parser.add_argument("--rounds", type=int, default=3)
    return parser


@contextmanager
def open_versions(against: list[str] | None) -> Iterator[Mapping[str, Path]]:
    """Check the commits out; yield the folder of each by its name, this version's as `now`."""
    folders = {"now": ROOT}
    names = {ref: ref for ref in against} if against else {"0.1": FIRST}
    with tempfile.TemporaryDirectory() as parent, ExitStack() as stack:
        for name, ref in names.items():
            folder = Path(parent, name.replace("/", "-"))
            _git("worktree", "add", "--detach", str(folder), ref)
            stack.callback(_git, "worktree", "remove", "--force", str(folder))
            folders[name] = folder
        yield folders


def compare(
    versions: Mapping[str, Path], rounds: int, measure: Callable[[Path], float]
) -> dict[str, list[float]]:
    """Return what measure gives for each version's folder, by its name: all of them each round."""
    figures: dict[str, list[float]] = {name: [] for name in versions}
    for _ in range(rounds):
        for name, tree in versions.items():
            figures[name].append(measure(tree))
    return figures


def ratios_in_turn(figures: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Return this version's figure divided by each earlier one's, the median of all rounds."""
    now = figures["now"]
    return {
        name: median(ours / theirs for ours, theirs in zip(now, found, strict=True))
        for name, found in figures.items()
        if name != "now"
    }


def _git(*words: str) -> str:
    done = subprocess.run(["git", "-C", str(ROOT), *words], check=True, capture_output=True)
    return done.stdout.decode().strip()


def measure_enrich(tree: Path, at_once: int, notes: int, delay: float) -> Measured:
    """Fill a vault of so many notes by the version in tree. delay: of the endpoint, seconds."""
    with tempfile.TemporaryDirectory() as folder, running_stub(delay) as stub:
        endpoint = {"base_url": stub.base_url, "model": "stub", "concurrency": at_once}
        set_home(Path(folder, "home"), {"endpoint": endpoint})
        vault = Path(folder, "vault")
        (vault / ".obsidian").mkdir(parents=True)
        for number in range(notes):
            (vault / f"Note {number}.md").write_text(NOTE.format(number=number))
        time.sleep(SETTLED)
        command = [sys.executable, "-P", "-m", "companion", "enrich", str(vault), "--json"]
        began = time.time()
        environment = {**os.environ, "PYTHONPATH": str(tree)}
        pipe = subprocess.PIPE
        with subprocess.Popen(
            command, cwd=tree, env=environment, stdout=pipe, stderr=subprocess.DEVNULL
        ) as process:
            assert process.stdout
            results = [json.loads(line) for line in process.stdout]
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        ended = time.time()
        filled = sum(result.get("status") == "enriched" for result in results)
        assert filled == notes, f"{filled} of {notes} notes filled, status {process.returncode}"
        first = min(call.began for call in stub.calls())
        return Measured(first - began, ended - first, used.ru_utime + used.ru_stime)
