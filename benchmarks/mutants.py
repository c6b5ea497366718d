"""Make small faults in the code, one at a time, and count how many the tests notice.

    pip install --group mutants
    python -m benchmarks.mutants [--count 200] [--seed 1] [--again FILE] [PATH...]

The mutants are Cosmic Ray's: comparisons, `and` and `or`, constants, conditions; and a return
without its value. They are drawn at random from the modules that may damage a note or let somebody
in; PATH names others. For each one the tests that run its line are run; where none does, those of
its package.
Exit status 1 when fewer than 95% are noticed. FILE gets a JSON line a mutant.

It changes the files of this checkout while it runs, and puts each back: run it in a copy.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from cosmic_ray.ast import get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Operator
from cosmic_ray.plugins import get_operator, operator_names
from coverage import CoverageData
from parso.grammar import load_grammar

ROOT = Path(__file__).parents[1]
PLACES = (
    "companion/note",
    "companion/vault",
    "companion/enrich/plan.py",
    "companion/enrich/task.py",
    "companion/daemon/guard.py",
    "companion/daemon/work_queue.py",
    "companion/daemon/tokens.py",
)
FLIPS = (
    "Eq_NotEq|NotEq_Eq|Lt_GtE|Lt_LtE|LtE_Gt|LtE_Lt|Gt_LtE|Gt_GtE|GtE_Lt|GtE_Gt|Is_IsNot|IsNot_Is"
)
KINDS = re.compile(
    rf"core/(ReplaceComparisonOperator_({FLIPS})|ReplaceAndWithOr|ReplaceOrWithAnd"
    r"|ReplaceTrueWithFalse|ReplaceFalseWithTrue|NumberReplacer|AddNot)\Z"
)
ENOUGH = 0.95  # of the mutants
PATIENCE = 300.0  # seconds for the tests of one mutant; one that never ends is noticed
FIRST = 12  # test functions that are run before the others: most faults are noticed at once


class ReplaceReturn(Operator):
    """Replaces what a function returns by None."""

    def mutation_positions(self, node: Any) -> Iterator[tuple[Any, Any]]:
        if node.type == "return_stmt" and node.children[1].get_code().strip() != "None":
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        node.children[1:] = load_grammar().parse(" None").children[:1]
        return node

    @classmethod
    def examples(cls) -> tuple[()]:
        return ()


class Mutant(NamedTuple):
    """One fault. line: counted from 1. occurrence: of the operator in the module."""

    path: str
    kind: str
    occurrence: int
    line: int

    def operator(self) -> Operator:
        """Return Cosmic Ray's operator, or ours."""
        return ReplaceReturn() if self.kind == "return" else get_operator(self.kind)()


def main() -> int:
    """Draw, test, and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("places", nargs="*", default=PLACES)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--again", type=Path, help="test those of this file that were not noticed")
    parser.add_argument("--out", type=Path, default=Path("mutants.jsonl"))
    options = parser.parse_args()
    if options.again:
        rows = [json.loads(line) for line in options.again.read_text("utf-8").splitlines()]
        chosen = [Mutant(*row["mutant"]) for row in rows if not row["noticed"]]
    else:
        every = [mutant for path in _modules(options.places) for mutant in _mutants(path)]
        chosen = random.Random(options.seed).sample(every, min(options.count, len(every)))
        print(f"{len(every)} mutants, of which {len(chosen)} are tried", flush=True)
    covered = _tests_by_line({mutant.path for mutant in chosen})
    noticed = 0
    with options.out.open("a", encoding="utf-8") as out:
        for number, mutant in enumerate(chosen, 1):
            found, diff = _try(mutant, covered.get((mutant.path, mutant.line), []))
            noticed += found
            print(
                json.dumps({"mutant": mutant, "noticed": found, "diff": diff}), file=out, flush=True
            )
            print(
                f"{number}/{len(chosen)} {'noticed' if found else 'NOT NOTICED'} "
                f"{mutant.path}:{mutant.line} {mutant.kind}",
                flush=True,
            )
            if not found:
                print(diff, flush=True)
    print(f"{noticed} of {len(chosen)} noticed: {noticed / max(1, len(chosen)):.1%}")
    return noticed < ENOUGH * len(chosen)


def _modules(places: Sequence[str]) -> Iterator[str]:
    for place in places:
        path = ROOT / place
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            yield file.relative_to(ROOT).as_posix()


def _mutants(path: str) -> Iterator[Mutant]:
    tree = get_ast((ROOT / path).read_text("utf-8"))
    kinds = [name for name in operator_names() if KINDS.match(name)]
    for kind in [*kinds, "return"]:
        operator = Mutant(path, kind, 0, 0).operator()
        lines = [start[0] for node in _walk(tree) for start, _ in operator.mutation_positions(node)]
        for occurrence, line in enumerate(lines):
            yield Mutant(path, kind, occurrence, line)


def _walk(node: Any) -> Iterator[Any]:
    """Yield the nodes in the order in which Cosmic Ray counts occurrences."""
    yield node
    for child in getattr(node, "children", ()):
        yield from _walk(child)


def _tests_by_line(paths: set[str]) -> dict[tuple[str, int], list[str]]:
    """Return the test functions that run each line; from one run of the packages' tests."""
    data = ROOT / ".coverage.mutants"
    if not data.exists():
        config = ROOT / ".coverage.mutants.ini"
        config.write_text("[run]\ndynamic_context = test_function\nsource = companion\n", "utf-8")
        command = ["-m", "coverage", "run", f"--rcfile={config}", f"--data-file={data}", "-m"]
        _run([*command, "pytest", "-q", "-p", "no:cacheprovider", *sorted(_folders(paths))], None)
        config.unlink()
    found: dict[tuple[str, int], list[str]] = {}
    read = CoverageData(str(data))
    read.read()
    for path in paths:
        for line, contexts in read.contexts_by_lineno(str(ROOT / path)).items():
            tests = sorted(filter(None, map(_node, contexts)))
            found[path, line] = tests
    return found


def _folders(paths: set[str]) -> set[str]:
    return {folder for path in paths for folder in _folders_of(path)}


def _folders_of(path: str) -> list[str]:
    """Return the folders whose tests are about the module."""
    package = Path(path).parts[1]
    more = {"note": ["tests/enrich"], "enrich": ["tests/cli"]}.get(package, [])
    return [f"tests/{package}", *more]


def _node(context: str) -> str | None:
    """Return the name that pytest has for a test function that coverage names."""
    parts = [part for part in context.split(".") if part]
    for size in range(len(parts), 0, -1):
        file = Path(*parts[:size]).with_suffix(".py")
        if (ROOT / file).is_file():
            return "::".join([file.as_posix(), *parts[size:]])
    for file in ROOT.glob(f"tests/**/{parts[0] if parts else ''}.py"):
        return "::".join([file.relative_to(ROOT).as_posix(), *parts[1:]])
    return None


def _try(mutant: Mutant, tests: Sequence[str]) -> tuple[bool, str]:
    """Return whether the tests notice the mutant, and its diff."""
    path = ROOT / mutant.path
    code = path.read_text("utf-8")
    changed = mutate_code(code, mutant.operator(), mutant.occurrence)
    assert changed is not None, mutant
    diff = "\n".join(
        f"-{a}\n+{b}" for a, b in zip(code.split("\n"), changed.split("\n"), strict=False) if a != b
    )
    order = random.Random(mutant.line).sample(tests, len(tests))
    rounds = [order[:FIRST], order[FIRST:]] if order else [_folders_of(mutant.path)]
    try:
        path.write_text(changed, "utf-8")
        return any(_run(_pytest(each), PATIENCE) for each in rounds if each), diff
    finally:
        path.write_text(code, "utf-8")


def _pytest(tests: Sequence[str]) -> list[str]:
    return ["-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--no-header", *tests]


def _run(arguments: Sequence[str], patience: float | None) -> bool:
    """Return whether Python ends with a fault, or not in time."""
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=patience,
        )
    except subprocess.TimeoutExpired:
        return True
    return done.returncode != 0


if __name__ == "__main__":
    raise SystemExit(main())
