"""Make small faults in the code, one at a time, and count how many the tests notice.

    pip install --group mutants
    python -m benchmarks.mutants [--count 200] [--seed 1] [PATH...]

The mutants are Cosmic Ray's: comparisons, `and` and `or`, constants, conditions; and a return
without its value. They are drawn at random from the modules that may damage a note or let somebody
in; PATH names others. For each, the test files are run that are nearest to its module. Interrupt
it, and those that were tried till then are the sample. Exit status 1 when fewer than 90% are
noticed.

It changes the files of this checkout while it runs, and puts each back: run it in a copy.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from cosmic_ray.ast import get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Operator
from cosmic_ray.plugins import get_operator, operator_names
from parso.grammar import load_grammar

ROOT = Path(__file__).parents[1]
PLACES = (
    "companion/note",
    "companion/vault",
    "companion/enrich/apply.py",
    "companion/daemon/app.py",
    "companion/daemon/access.py",
)
FLIPS = (
    "Eq_NotEq|NotEq_Eq|Lt_GtE|Lt_LtE|LtE_Gt|LtE_Lt|Gt_LtE|Gt_GtE|GtE_Lt|GtE_Gt|Is_IsNot|IsNot_Is"
)
KINDS = re.compile(
    rf"core/(ReplaceComparisonOperator_({FLIPS})|ReplaceAndWithOr|ReplaceOrWithAnd"
    r"|ReplaceTrueWithFalse|ReplaceFalseWithTrue|NumberReplacer|AddNot)\Z"
)
_IMPORT = re.compile(r"^ *from ((?:companion|tests)[\w.]*) import (\([^)]*\)|.*)", re.MULTILINE)
ENOUGH = 0.9  # of the mutants
PATIENCE = 300.0  # seconds for the tests of one mutant
TESTS = 8  # test files run for each mutant
TOO_SLOW = "the tests never end"


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
    options = parser.parse_args()
    every = [mutant for path in _modules(options.places) for mutant in _mutants(path)]
    chosen = random.Random(options.seed).sample(every, min(options.count, len(every)))
    print(f"{len(every)} mutants, of which {len(chosen)} are tried", flush=True)
    by, tried = [], 0
    with suppress(KeyboardInterrupt):
        for mutant in chosen:
            test, diff = _try(mutant, _nearest(mutant.path)[:TESTS])
            tried += 1
            by += [test] if test else []
            verdict = f"noticed by {test}" if test else f"NOT NOTICED\n{diff}"
            print(f"{mutant.path}:{mutant.line} {mutant.kind} {verdict}", flush=True)
    if wrong := _run(_pytest(sorted({test for test in by if "::" in test})), None):
        print(f"{wrong} also fails without a fault, so these figures say nothing")
        return 1
    print(f"{len(by)} of {tried} noticed: {len(by) / max(1, tried):.1%}")
    return len(by) < ENOUGH * tried


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


@cache
def _nearest(path: str) -> list[str]:
    """Return the test files, the nearest to the module first.

    Those named for it, or for what it is a part of, as `sanitize` for `sanitize_inline`; then by
    the length of the shortest chain of imports that leads to it, those last that start daemons.
    """
    distance, todo = {path: 0}, [path]
    for here in todo:
        for user in _users().get(here, ()):
            if user not in distance:
                distance[user] = distance[here] + 1
                todo.append(user)
    tests = [user for user in distance if Path(user).name.startswith("test_")]

    def order(test: str) -> tuple[bool, bool, int, str]:
        name = Path(test).stem.removeprefix("test_")
        is_named_for = f"{Path(path).stem}_".startswith(f"{name}_")
        return not is_named_for, test.startswith("tests/daemon"), distance[test], test

    return sorted(tests, key=order)


@cache
def _users() -> dict[str, list[str]]:
    """Return the files that import each file."""
    users: dict[str, list[str]] = {}
    for file in sorted([*ROOT.glob("companion/**/*.py"), *ROOT.glob("tests/**/*.py")]):
        for module, names in _IMPORT.findall(file.read_text("utf-8")):
            for each in (module, *(f"{module}.{name}" for name in re.findall(r"\w+", names))):
                if (found := ROOT / f"{each.replace('.', '/')}.py").is_file():
                    imported = found.relative_to(ROOT).as_posix()
                    users.setdefault(imported, []).append(file.relative_to(ROOT).as_posix())
    return users


def _try(mutant: Mutant, tests: Sequence[str]) -> tuple[str, str]:
    """Return which of the tests notices the mutant, empty if none does; and its diff."""
    path = ROOT / mutant.path
    code = path.read_text("utf-8")
    changed = mutate_code(code, mutant.operator(), mutant.occurrence)
    assert changed is not None, mutant
    lines = zip(code.split("\n"), changed.split("\n"), strict=False)
    diff = "\n".join(f"-{a}\n+{b}" for a, b in lines if a != b)
    if not tests:
        return "", diff
    try:
        path.write_text(changed, "utf-8")
        failure = _run(_pytest(tests), PATIENCE)
    finally:
        path.write_text(code, "utf-8")
    if failure and not failure.startswith("tests/"):  # is it the mutant, or is it always so?
        failure = "" if _run(_pytest(tests), PATIENCE) else failure
    return failure, diff


def _pytest(tests: Sequence[str]) -> list[str]:
    usual = ["-x", "-q", "-p", "no:cacheprovider"]
    return ["-m", "pytest", *usual, "--no-header", "--tb=no", *tests]


def _run(arguments: Sequence[str], patience: float | None) -> str:
    """Return the first test that fails, or how Python ends otherwise; empty if all is well."""
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=patience,
        )
    except subprocess.TimeoutExpired:
        return TOO_SLOW
    if not done.returncode:
        return ""
    found = re.search(r"^(?:FAILED|ERROR) ([^\s\[]+)", done.stdout.decode(), re.MULTILINE)
    return found[1] if found else f"exit status {done.returncode}"


if __name__ == "__main__":
    raise SystemExit(main())
