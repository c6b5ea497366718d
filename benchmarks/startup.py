"""How long `companion --version` takes beside `python -c "import click"`, whole processes."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from statistics import median

from benchmarks.results import timed

RUNS = 21
LIMIT = 3.0


def main() -> int:
    ours, reference = [], []
    for _ in range(RUNS):
        reference.append(timed(partial(_run, "-c", "import click")))
        ours.append(timed(partial(_run, "-m", "companion", "--version")))
    ratio = median(ours) / median(reference)
    print(
        f"companion --version {median(ours) * 1000:.0f} ms, "
        f"import click {median(reference) * 1000:.0f} ms: ratio {ratio:.2f}, at most {LIMIT}"
    )
    return ratio > LIMIT


def _run(*words: str) -> None:
    subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main())
