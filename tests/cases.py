"""Golden cases: pages in Markdown that show notes, each case a row of a test.

A section (`## `) has blocks of `diff`, in which `@@ label` begins a case. A line with a blank or
nothing before it is in the note before and after, one with `-` before only, one with `+` after
only; `! ` says what comes of it otherwise, in which `...` may stand for any words. `→` is a tab,
and `·` at the end of a line a blank.
"""

import re
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

VARIANTS: dict[str, Callable[[str], str]] = {
    "as written": lambda note: note,
    "CRLF": lambda note: note.replace("\n", "\r\n"),
    "CR": lambda note: note.replace("\n", "\r"),
    "BOM": lambda note: "\ufeff" + note,
    "no final newline": lambda note: note.removesuffix("\n"),
}
"""The ways one note can be written."""

_BLOCK = re.compile(r"^~~~~diff\n(.*?)^~~~~$", re.MULTILINE | re.DOTALL)


class Case(NamedTuple):
    """A note before and after, and what else is told of it, line by line."""

    before: str
    after: str
    told: list[str]


def cases(
    page: str, section: str, frame: str = "{}", ways: Collection[str] = VARIANTS
) -> pytest.MarkDecorator:
    """Run a test for each case of a section.

    page: from the folder of the tests. frame: of which each note is the part `{}`. ways: the
    variants with which each case runs.
    """
    text = (Path(__file__).parent / page).read_text(encoding="utf-8")
    [found] = re.findall(rf"^## {re.escape(section)}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    rows = [
        pytest.param(_vary(case, frame, VARIANTS[name]), id=f"{label}, {name}")
        for block in _BLOCK.findall(found)
        for label, case in _read(block)
        for name in ways
        if name != "no final newline" or not case.before.endswith("\n\n")
    ]
    assert rows, f"{page}: {section}"
    return pytest.mark.parametrize("case", rows)


def _vary(case: Case, frame: str, variant: Callable[[str], str]) -> Case:
    """Return the case in the frame. A note without line ends gets `\\n`, and the mark it has."""
    before, after = (frame.replace("{}", text) for text in case[:2])
    varied = variant(after) if "\n" in before else variant("") + after
    return Case(variant(before), varied, case.told)


def _read(block: str) -> Iterator[tuple[str, Case]]:
    """Yield the cases of a block by their labels."""
    for part in block.removeprefix("@@ ").split("\n@@ "):
        label, *lines = part.removesuffix("\n").replace("→", "\t").split("\n")
        lines = [re.sub("·+$", lambda match: " " * len(match[0]), line) or " " for line in lines]
        before, after = (
            "".join(f"{line[1:]}\n" for line in lines if line[0] in marks) for marks in (" -", " +")
        )
        yield label, Case(before, after, [line[2:] for line in lines if line[0] == "!"])


def is_told(message: str, told: str) -> bool:
    """Return whether a message is what a case tells, in which `...` stands for any words."""
    return re.fullmatch(re.escape(told).replace(re.escape("..."), ".*"), message) is not None
