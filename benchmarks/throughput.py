"""Notes a second at an endpoint that takes 200 ms, and the processor time of a note, beside 0.1's.

    python -m benchmarks.throughput [--against COMMIT...] [--rounds 3]

Runs `companion enrich` on vaults of its own, in turn with 0.1, journal and fsync on. Ideal is notes
at once / 0.2 s, from the first question to the end of the command. Processor time is that of all
processes of the command, without the stub's, on many notes less that on few, so that no start
counts. Exit status 1: it is slower than an earlier version, or takes more.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks.results import report
from benchmarks.versions import (
    compare,
    make_options,
    measure_enrich,
    open_versions,
    ratios_in_turn,
)

DELAY = 0.2
AT_ONCE = 4, 32, 64
ROUNDS_OF = 20  # notes, by notes at once
EQUAL = 0.97  # of the other's throughput: two runs of one version differ as much
FEW, MANY = 40, 640  # notes whose processor time is compared


def main() -> int:
    options = make_options(__doc__).parse_args()
    promises = {}
    with open_versions(options.against) as versions:
        for at_once in AT_ONCE:
            shares = compare(versions, options.rounds, partial(measure, at_once))
            for name, found in shares.items():
                rounds = ", ".join(f"{share:.0%}" for share in found)
                print(f"{at_once:2} at once, {name:8} {median(found):4.0%} of ideal ({rounds})")
            for name, ratio in ratios_in_turn(shares).items():
                print(f"{at_once:2} at once, in turn {ratio:.2f} of {name}'s, wanted 1")
                promises[f"{at_once} at once as fast as {name}"] = ratio >= EQUAL
        for at_once in AT_ONCE[:2]:
            costs = compare(versions, options.rounds, partial(measure_cost, at_once))
            for name, found in costs.items():
                print(f"{at_once:2} at once, {name:8} {median(found):.2f} ms a note")
            for name, ratio in ratios_in_turn(costs).items():
                print(f"{at_once:2} at once, in turn {ratio:.2f} of {name}'s processor time")
                promises[f"{at_once} at once in {name}'s time"] = ratio <= 1 / EQUAL
    return report(promises)


def measure_cost(at_once: int, tree: Path) -> float:
    """Return the milliseconds of processor time a note of the version in tree."""
    few, many = (measure_enrich(tree, at_once, notes, DELAY).cpu for notes in (FEW, MANY))
    return (many - few) / (MANY - FEW) * 1e3


def measure(at_once: int, tree: Path) -> float:
    """Return the share of the ideal that the version in tree reaches."""
    notes = at_once * ROUNDS_OF
    return notes / measure_enrich(tree, at_once, notes, DELAY).seconds / (at_once / DELAY)


if __name__ == "__main__":
    sys.exit(main())
