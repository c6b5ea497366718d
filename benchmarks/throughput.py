"""Notes a second against an endpoint that takes 200 ms, journal and fsync on.

python -m benchmarks.throughput makes its own vault. Ideal is notes at once / 0.2 s. Says too how
many commits and fsyncs a note takes.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from threading import Event
from typing import Any, NamedTuple

from benchmarks.stub_endpoint import running_stub
from companion.config import Config
from companion.enrich.asker import Asker
from companion.enrich.context import VaultContext
from companion.enrich.enricher import Enricher
from companion.enrich.model import open_client
from companion.enrich.run import new_run, run_jobs
from companion.enrich.task import Job
from companion.enrich.workspace import open_workspace

DELAY = 0.2
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


def main() -> int:
    failed = False
    for at_once, share in ((32, 0.9), (64, 0.8)):
        ratios = []
        for _ in range(3):
            seconds, notes, commits = run_once(at_once)
            ratios.append(notes / seconds / (at_once / DELAY))
            print(
                f"{at_once} at once: {notes} notes in {seconds:.2f} s, "
                f"{notes / seconds:.0f} a second, {ratios[-1]:.0%} of ideal; "
                f"{commits / notes:.2f} journal commits and 1 fsync a note"
            )
        print(f"{at_once} at once: median {median(ratios):.0%}, wanted {share:.0%}")
        failed = failed or median(ratios) < share
    return failed


def run_once(at_once: int) -> tuple[float, int, int]:
    """Return the seconds, the notes, and the commits of the journal."""
    done = run_notes(at_once, at_once * 20, DELAY, lambda: None, lambda: None)
    return done.seconds, done.notes, done.commits


class Done(NamedTuple):
    """A run that is over. at_end: what was measured when its last note was written."""

    seconds: float
    notes: int
    commits: int
    at_end: Any


def run_notes(
    at_once: int,
    notes: int,
    delay: float,
    start: Callable[[], object],
    end: Callable[[], object],
) -> Done:
    """Fill so many notes but one, which comes first: it loads what is loaded on first use.

    delay: of the endpoint, seconds. start, end: called before and after the notes that count.
    """
    with tempfile.TemporaryDirectory() as folder, running_stub(delay) as stub:
        os.environ["COMPANION_HOME"] = f"{folder}/home"
        vault = Path(folder, "vault")
        vault.mkdir()
        for number in range(notes):
            (vault / f"Note {number}.md").write_text(NOTE.format(number=number))
        settings = {"base_url": stub.base_url, "model": "stub", "concurrency": at_once}
        config = Config.model_validate({"endpoint": settings})
        time.sleep(0.1)  # so that no note is young, and read_note need not wait
        with open_workspace(config, vault) as workspace, open_client(config, Event()) as client:
            asker = Asker(workspace, VaultContext(workspace.scan()))
            enricher = Enricher(asker, client, new_run())
            enricher.enrich(Job("Note 0.md"))
            jobs = [Job(f"Note {number}.md") for number in range(1, notes)]
            before = workspace.journal.commits
            start()
            began = time.perf_counter()
            results = list(run_jobs(jobs, enricher.enrich, at_once, Event()))
            seconds = time.perf_counter() - began
            at_end = end()
            assert all(result.status == "enriched" for result in results), results[0]
            return Done(seconds, len(jobs), workspace.journal.commits - before, at_end)


if __name__ == "__main__":
    sys.exit(main())
