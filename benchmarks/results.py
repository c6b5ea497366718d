"""Results of benchmarks: times that work takes, tables of figures, and promises; their options."""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence


def make_parser(doc: str | None) -> argparse.ArgumentParser:
    """Return a parser of the option that most benchmarks have. doc: the module's docstring."""
    assert doc
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a few seconds, to see that it works")
    return parser


def timed(work: Callable[[], object]) -> float:
    """Return how many seconds the work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has taken, without its children.

    It is read from the process's clock (clock_getcpuclockid(3)), as Linux numbers it.
    """
    return time.clock_gettime(~pid << 3 | 2)


def tally(asked: Counter[str]) -> str:
    """Return how often notes were asked about: `1: 498, 2: 2` for two of them twice."""
    return list_counts(Counter(asked.values())) or "none"


def list_counts(counts: Mapping[str, int] | Mapping[int, int]) -> str:
    """Return the counts by what is counted, in its order: `open: 3, refused: 1`."""
    return ", ".join(f"{what}: {number}" for what, number in sorted(counts.items()))


def print_table(rows: Sequence[tuple[str, object, str]]) -> None:
    """Print names, figures, and what is wanted of them."""
    shown = [f"{figure:.3f}" if isinstance(figure, float) else str(figure) for _, figure, _ in rows]
    wide, broad = max(len(name) for name, _, _ in rows), max(map(len, shown))
    for (name, _, wanted), figure in zip(rows, shown, strict=True):
        print(f"{name:{wide}}  {figure:>{broad}}  {wanted}".rstrip())


def report(promises: Mapping[str, bool]) -> int:
    """Return the exit status, once it was said which promises do not hold.

    promises: whether each holds, by what it is called where it does not.
    """
    broken = "; ".join(what for what, holds in promises.items() if not holds)
    print(f"\nbroken: {broken}" if broken else "\nall promises hold")
    return 1 if broken else 0
