"""How long `companion --version` takes beside `python -c "import click"`, whole processes."""

from __future__ import annotations

import subprocess
import sys
import time
from statistics import median

RUNS = 21
LIMIT = 3.0


def main() -> int:
    ours, reference = [], []
    for _ in range(RUNS):
        reference.append(seconds([sys.executable, "-c", "import click"]))
        ours.append(seconds([sys.executable, "-m", "companion", "--version"]))
    ratio = median(ours) / median(reference)
    print(
        f"companion --version {median(ours) * 1000:.0f} ms, "
        f"import click {median(reference) * 1000:.0f} ms: ratio {ratio:.2f}, at most {LIMIT}"
    )
    return ratio > LIMIT


def seconds(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
