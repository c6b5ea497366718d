"""Seconds of the embedded model beside busy cores: threads for the free ones, against all cores.

    python -m benchmarks.embedded_beside [--model smollm2-135m] [--busy 1] [--rounds 3]

Each round asks a new prompt of some 1,400 tokens for 40, in three ways in turn, the server of each
started anew: `as before`, with a thread for each core at niceness 10; `now`, with threads and
niceness for the cores that are free as the server starts; and `started idle`, with a thread for
each core, as it would be where others became busy later. There the seconds are those of the second
call, before which the server starts again. Beside other work than the busy loops the figures are
too high; the load average is printed with them.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from benchmarks.embedded_speed import ask
from companion.llm import embedded
from companion.llm.catalog import DEFAULT_MODEL
from companion.llm.client import Client
from companion.llm.download import pull_model
from companion.llm.embedded import EmbeddedServer, count_all_cores

LOOP = "while True: pass"
WORDS = 10  # some 40 tokens an answer


@contextmanager
def busy(cores: int) -> Iterator[None]:
    """Keep so many cores busy with programs of the usual priority."""
    loops = [subprocess.Popen([sys.executable, "-c", LOOP]) for _ in range(cores)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def measure(path: Path, way: str, number: int) -> dict[str, Any]:
    """Return the seconds of a call, and the threads that the server had in it."""
    cores = count_all_cores()
    fixed = cores if way == "as before" else None
    with ExitStack() as patches:
        if way != "now":
            idle = patch.object(embedded, "count_free_cores", lambda *_, **__: float(cores))
            patches.enter_context(idle)
            patches.enter_context(patch.object(embedded, "_NICENESS_BUSY", 10))
        server = EmbeddedServer(path, context_tokens=4096, slots=1, threads=fixed)
        with server, Client(server) as client:
            for n in range(2 if way == "started idle" else 1):
                tokens, seconds = ask(client, number + 100 * n, WORDS, repeated=40)
            return {"seconds": seconds, "tokens out": tokens, "threads": server.threads}


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--busy", type=int, default=1, help="cores, by a loop each")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    path = pull_model(options.model, lambda _done, _total: None)
    found: dict[str, list[dict[str, Any]]] = {}
    with busy(options.busy):
        time.sleep(1)
        for number in range(options.rounds):
            for way in ("as before", "now", "started idle"):
                found.setdefault(way, []).append(measure(path, way, number))
                print(way, found[way][-1], os.getloadavg()[0], file=sys.stderr, flush=True)
    figures: dict[str, Any] = {"model": options.model, "busy": options.busy}
    for way, each in found.items():
        seconds = statistics.median(one["seconds"] for one in each)
        figures[way] = {"seconds": round(seconds, 1), "threads": [o["threads"] for o in each]}
    print(json.dumps({**figures, "load": round(os.getloadavg()[0], 1)}))


if __name__ == "__main__":
    main()
