"""The processor time that a note takes beside the model, in turn with 0.1.

    python -m benchmarks.note_cost [--against COMMIT...] [--rounds 3]

Runs `companion enrich` on few notes and on many, journal and fsync on, and divides the difference,
so that no start counts. All processes of the command count, the stub endpoint does not. Processor
time holds on a busy machine better than time on the clock does. 1: a note takes more than 0.8 of
what it took 0.1, or more than it took another version. Where it goes: `py-spy record --gil`.
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

DELAY = 0.05
AT_ONCE = 4, 32
FEW, MANY = 40, 640
WANTED = {"0.1": 0.8}  # at most, of the other's processor time
EQUAL = 1.03  # two runs of one version differ as much


def main() -> int:
    options = make_options(__doc__).parse_args()
    promises = {}
    with open_versions(options.against) as versions:
        for at_once in AT_ONCE:
            costs = compare(versions, options.rounds, partial(measure, at_once))
            for name, found in costs.items():
                rounds = ", ".join(f"{cost:.2f}" for cost in found)
                print(f"{at_once:2} at once, {name:8} {median(found):.2f} ms a note ({rounds})")
            for name, ratio in ratios_in_turn(costs).items():
                most = WANTED.get(name, EQUAL)
                print(
                    f"{at_once:2} at once, in turn {ratio:.2f} of {name}'s, wanted {most} at most"
                )
                promises[f"{at_once} at once for {most} of {name}'s time"] = ratio <= most
    return report(promises)


def measure(at_once: int, tree: Path) -> float:
    """Return the milliseconds a note of the version in tree."""
    few, many = (measure_enrich(tree, at_once, notes, DELAY).cpu for notes in (FEW, MANY))
    return (many - few) / (MANY - FEW) * 1e3


if __name__ == "__main__":
    sys.exit(main())
