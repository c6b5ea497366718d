"""Make small faults in the code, one at a time, and count how many the tests notice.

    pip install --group mutants
    python -m benchmarks.mutants [--count 200] [--seed 1] [--again FILE] [PATH...]

The mutants are Cosmic Ray's: comparisons, `and` and `or`, constants, conditions; and a return
without its value. They are drawn at random from the modules that may damage a note or let somebody
in; PATH names others. First the test files about its module are run for each one; then, for those
that nothing noticed yet, tests that run its line. Interrupt the first round, and those that were
tried till then are the sample.
Exit status 1 when fewer than 95% are noticed. mutants.jsonl, or --out, gets a JSON line a mutant.

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
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, TextIO

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
PATIENCE = 300.0  # seconds for the tests of one mutant
FILES = 4  # that are about a module; others may import it too
FIRST, MOST = 12, 160  # test functions that run a line: those run before the others, and in all
EXAMPLES = 25  # of each property test, to find out which lines it runs
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
    parser.add_argument("--again", type=Path, help="test those of this file that were not noticed")
    parser.add_argument("--out", type=Path, default=Path("mutants.jsonl"))
    options = parser.parse_args()
    chosen = _read(options.again) if options.again else _draw(options)
    with options.out.open("a", encoding="utf-8") as out:
        by, left = _first_round(chosen, out)
        tried = len(by) + len(left)
        print(f"{len(left)} of {tried} are left for the second round", flush=True)
        by += _second_round(left, out)
    if wrong := _run(_pytest(sorted({test for test in by if "::" in test})), None):
        print(f"{wrong} also fails without a fault, so these figures say nothing")
        return 1
    print(f"{len(by)} of {tried} noticed: {len(by) / max(1, tried):.1%}")
    return len(by) < ENOUGH * tried


def _read(file: Path) -> list[Mutant]:
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    return [Mutant(*row["mutant"]) for row in rows if not row["noticed"]]


def _draw(options: argparse.Namespace) -> list[Mutant]:
    every = [mutant for path in _modules(options.places) for mutant in _mutants(path)]
    chosen = random.Random(options.seed).sample(every, min(options.count, len(every)))
    print(f"{len(every)} mutants, of which {len(chosen)} are tried", flush=True)
    return chosen


def _first_round(chosen: Sequence[Mutant], out: TextIO) -> tuple[list[str], list[Mutant]]:
    """Return the tests that noticed a mutant, and the mutants that the module's own do not."""
    by: list[str] = []
    left: list[Mutant] = []
    with suppress(KeyboardInterrupt):
        for mutant in chosen:
            test, diff = _try(mutant, [_own_files(mutant.path)])
            if test:
                by.append(test)
                _report(mutant, test, diff, out)
            else:
                left.append(mutant)
                print(f"{mutant.path}:{mutant.line} {mutant.kind} left", flush=True)
    return by, left


def _second_round(left: Sequence[Mutant], out: TextIO) -> list[str]:
    """Return the tests that noticed a mutant."""
    covered = _tests_by_line({mutant.path for mutant in left}) if left else {}
    by = []
    for mutant in left:
        test, diff = _try(mutant, _tests_of_line(mutant, covered))
        _report(mutant, test, diff, out)
        by += [test] if test else []
    return by


def _report(mutant: Mutant, by: str, diff: str, out: TextIO) -> None:
    """Say which test noticed the mutant, or that none did, and write it down."""
    row = {"mutant": mutant, "noticed": bool(by), "by": by, "diff": diff}
    print(json.dumps(row, ensure_ascii=False), file=out, flush=True)
    verdict = f"noticed by {by}" if by else f"NOT NOTICED\n{diff}"
    print(f"{mutant.path}:{mutant.line} {mutant.kind} {verdict}", flush=True)


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


def _own_files(path: str) -> list[str]:
    """Return the test files about the module: named for it or for what it is a part of, as
    `sanitize` for `sanitize_inline`, or importing it.
    """
    stem, module = Path(path).stem, path.removesuffix(".py").replace("/", ".")
    files = sorted(ROOT.glob(f"{_folders_of(path)[0]}/test_*.py"))
    named = [file for file in files if f"{stem}_".startswith(f"{file.stem.removeprefix('test_')}_")]
    uses = re.compile(rf"^(?:from|import) {re.escape(module)}\b", re.MULTILINE)
    users = [file for file in files if file not in named]
    users = [file for file in users if uses.search(file.read_text("utf-8"))]
    return [file.relative_to(ROOT).as_posix() for file in [*named, *users][:FILES]]


def _tests_of_line(mutant: Mutant, covered: dict[tuple[str, int], list[str]]) -> list[list[str]]:
    """Return the tests for what the module's own did not notice: some that run its line.

    If none does, since it runs on import only, some that run others of the module.
    """
    own = tuple(_own_files(mutant.path))
    tests = covered.get((mutant.path, mutant.line)) or sorted(
        {test for (path, _), tests in covered.items() if path == mutant.path for test in tests}
    )
    others = [test for test in tests if not test.startswith(own)] if own else tests
    some = random.Random(mutant.line).sample(others, min(MOST, len(others)))
    return [some[:FIRST], some[FIRST:]]


def _tests_by_line(paths: set[str]) -> dict[tuple[str, int], list[str]]:
    """Return the test functions that run each line; from one run of the packages' tests."""
    data, config = ROOT / ".coverage.mutants", ROOT / ".coverage.mutants.ini"
    files = "\n  ".join(sorted(paths))
    config.write_text(f"[run]\ndynamic_context = test_function\ninclude =\n  {files}\n", "utf-8")
    folders = sorted({folder for path in paths for folder in _folders_of(path)})
    command = ["-m", "coverage", "run", f"--rcfile={config}", f"--data-file={data}"]
    os.environ["MUTANTS_EXAMPLES"] = str(EXAMPLES)
    _run([*command, *_pytest(folders), "--maxfail=1000"], None)
    del os.environ["MUTANTS_EXAMPLES"]
    config.unlink()
    read = CoverageData(str(data))
    read.read()
    return {
        (path, line): sorted(filter(None, map(_node, contexts)))
        for path in paths
        for line, contexts in read.contexts_by_lineno(str(ROOT / path)).items()
    }


def _folders_of(path: str) -> list[str]:
    """Return the folders whose tests are about the module."""
    package = Path(path).parts[1]
    users = {"note": "enrich", "vault": "cli", "enrich": "cli"}
    more = [f"tests/{users[package]}"] if package in users else []
    return [f"tests/{package}", *more]


@cache
def _node(context: str) -> str | None:
    """Return the name that pytest has for a test function that coverage names; None if unknown."""
    module, *names = [part for part in context.split(".") if part and part != "tests"] or [""]
    for file in ROOT.glob(f"tests/**/{module}.py"):
        if names and f"def {names[-1]}(" in file.read_text("utf-8"):
            return "::".join([file.relative_to(ROOT).as_posix(), *names])
    return None


def _try(mutant: Mutant, rounds: Iterable[Sequence[str]]) -> tuple[str, str]:
    """Return which test notices the mutant, empty if none does; and its diff."""
    path = ROOT / mutant.path
    code = path.read_text("utf-8")
    changed = mutate_code(code, mutant.operator(), mutant.occurrence)
    assert changed is not None, mutant
    lines = zip(code.split("\n"), changed.split("\n"), strict=False)
    diff = "\n".join(f"-{a}\n+{b}" for a, b in lines if a != b)
    for tests in filter(None, rounds):
        try:
            path.write_text(changed, "utf-8")
            failure = _run(_pytest(tests), PATIENCE)
        finally:
            path.write_text(code, "utf-8")
        if failure.startswith("tests/") or (failure and not _run(_pytest(tests), PATIENCE)):
            return failure, diff
    return "", diff


def _pytest(tests: Sequence[str]) -> list[str]:
    usual = ["-x", "-q", "-p", "no:cacheprovider", "-p", "benchmarks.mutants_plugin"]
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
