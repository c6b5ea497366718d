"""What each check of answers is worth, on answers that were labelled by reading.

    python -m benchmarks.ablation VAULT... [--half tune|report|all] [--without CHECK]... [--show]

The answers in `answers/labelled.jsonl` came from models (see benchmarks.collect_answers), and were
labelled before any check had seen them; the README there says what the labels mean. Each is handled
as a model's answer for its note, which is one of our own or in one of the vaults. Prints for each
check how many bad answers it finds, how many of them only it, how many good ones it costs, and its
lines, with those of its lists. The half `tune` is to decide by, the half `report` for figures: a
note belongs to one or the other. --without: as if there were no such check. --show: the bad answers
that are let through, and the good ones that are not.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

from benchmarks.check_lines import count_lines
from benchmarks.quality.answers import open_answering
from benchmarks.quality.languages import own_notes
from benchmarks.quality.page import table
from benchmarks.quality.references import Reference, choose_notes
from benchmarks.written_answers import ANSWERS, OneAnswerClient
from companion.config import load_config
from companion.enrich.answers import accept
from companion.enrich.asker import Asker
from companion.enrich.checks import CHECKS
from companion.enrich.checks.checked_answer import CheckedAnswer
from companion.note.needs import Need

FILE = ANSWERS / "labelled.jsonl"
GOOD, CUT = "good", "cut off"
UNREAD = "value"  # no check: there is no value in the answer


class Labelled(NamedTuple):
    """An answer and its label. note: the vault's name and the path in it."""

    note: str
    field: str
    model: str
    answer: str
    label: str
    second: str

    @property
    def is_good(self) -> bool | None:
        """Whether it may go into a note; None: the readings differ, or only its end is bad."""
        labels = {self.label, self.second}
        if labels == {GOOD}:
            return True
        return None if labels & {GOOD, CUT} else False


class Found(NamedTuple):
    """The checks that find a fault in an answer. half: of its note."""

    labelled: Labelled
    half: str
    checks: frozenset[str]


def main() -> int:
    options = parse()
    left_out = set(options.without)
    with own_notes() as ours:
        found = [each for root in (ours, *options.vaults) for each in find_all(root.resolve())]
    found = [
        each._replace(checks=each.checks - left_out)
        for each in found
        if options.half in ("all", each.half)
    ]
    print(table(f"{options.half}: check", COLUMNS, [*rows(found, left_out)]))
    for each in found if options.show else ():
        if each.labelled.is_good == bool(each.checks):
            print(f"\n{each.labelled.label} {sorted(each.checks)} {each.labelled.note}")
            print(f"    {each.labelled.answer[:300]!r}")
    return 0


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("vaults", type=Path, nargs="*", metavar="VAULT")
    parser.add_argument("--half", choices=("tune", "report", "all"), default="tune")
    parser.add_argument("--without", action="append", default=[], choices=CHECKS)
    parser.add_argument("--show", action="store_true")
    return parser.parse_args()


def read_labelled() -> list[Labelled]:
    """Return the labelled answers."""
    lines = FILE.read_text(encoding="utf-8").splitlines()
    return [Labelled(**json.loads(line)) for line in lines]


def find_all(root: Path) -> Iterator[Found]:
    """Yield what the checks find in the answers for notes of the vault.

    Callouts that are not asked for, as the notes tell too little, are left out.
    """
    config = load_config()
    notes = {f"{root.name}/{n.path}": n for n in choose_notes(root, config, "all", described=False)}
    with open_answering(config, root, None) as answering:
        asker = answering.asker()
        for labelled in read_labelled():
            note = notes.get(labelled.note)
            needs = answering.needs_of(note, [labelled.field])[:1] if note else []
            checks = find_faults(asker, note, needs, labelled.answer) if note else None
            if note and checks is not None:
                yield Found(labelled, note.part, checks)


def find_faults(
    asker: Asker, note: Reference, needs: Sequence[Need], answer: str
) -> frozenset[str] | None:
    """Return the checks that find a fault in the answer, each asked by itself.

    None: the needs are not asked for.
    """
    seen: list[CheckedAnswer] = []
    with patch.object(accept, "find_fault", seen.append):
        given = asker.ask(note.path, note.view, needs, OneAnswerClient(answer))
    if any(each.kind == "too little" for each in given.rejected):
        return None
    if not seen or not answer:
        return frozenset([UNREAD])
    return frozenset(name for name, check in CHECKS.items() if check(seen[0]))


COLUMNS = ["bad found", "only it", "good lost", "only it", "lines", "of lists"]


def rows(found: Sequence[Found], left_out: set[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield a row for each check, and one for all together."""
    for name in (UNREAD, *(name for name in CHECKS if name not in left_out)):
        by_it = [each for each in found if name in each.checks]
        counts = []
        for good in (False, True):
            mine = [each for each in by_it if each.labelled.is_good is good]
            counts += [len(mine), sum(len(each.checks) == 1 for each in mine)]
        yield name, [*map(str, counts), *map(str, count_lines(name))]
    for good, what in ((False, "bad"), (True, "good")):
        of_kind = [each for each in found if each.labelled.is_good is good]
        stopped = sum(bool(each.checks) for each in of_kind)
        yield f"{what} answers: {len(of_kind)}", [f"{stopped} stopped", *[""] * 5]


if __name__ == "__main__":
    sys.exit(main())
