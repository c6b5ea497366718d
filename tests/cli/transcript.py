"""A transcript: a Markdown page whose indented blocks are sessions at the command line.

A line with `$ ` is a command, the lines below it are what it prints: those of the standard error
with `! ` before them, and at the end `# status 1` where it is not 0. `< ` is what somebody types.
What differs from run to run is replaced: `RUN1`, `TIME`, `PORT`, `/home/me`. A line with `...`
stands for any lines, or none.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

_COMMAND = re.compile(r"    \$ ?(.*)")
_HERE = re.compile(r"<<(\S+)$")


class Step(NamedTuple):
    """A command, its further lines, what is typed, and what is printed. Lines count from 0."""

    command: str
    text: str
    typed: list[str]
    shown: list[str]
    start: int
    end: int


class Section(NamedTuple):
    """What follows a heading of level 2: a session in a vault of its own.

    before: how many of its steps stand at the head of the page.
    """

    title: str
    steps: list[Step]
    before: int


def read_sections(file: Path) -> list[Section]:
    """Return the sections, each begun by the steps that stand before the first one."""
    lines = file.read_text(encoding="utf-8").split("\n")
    starts = [n for n, line in enumerate(lines) if line.startswith("## ")] + [len(lines)]
    before = list(_read_steps(lines, 0, starts[0]))
    return [
        Section(lines[start][3:], [*before, *_read_steps(lines, start, end)], len(before))
        for start, end in pairwise(starts)
    ]


def _read_steps(lines: list[str], start: int, end: int) -> Iterator[Step]:
    while start < end:
        if match := _COMMAND.match(lines[start]):
            step = _read_step(lines, start, end, match[1])
            yield step
            start = step.end
        else:
            start += 1


def _read_step(lines: list[str], start: int, end: int, command: str) -> Step:
    at, text, typed = start + 1, "", []
    if here := _HERE.search(command):
        while lines[at].strip() != here[1]:
            text += f"{lines[at][4:]}\n"
            at += 1
        at += 1
    while at < end and f"{lines[at]} ".startswith("    < "):
        typed.append(lines[at][6:])
        at += 1
    stop = at
    while stop < end and not _COMMAND.match(lines[stop]):
        if lines[stop] and not lines[stop].startswith("    "):
            break
        stop += 1
    while stop > at and not lines[stop - 1].strip():
        stop -= 1
    return Step(command, text, typed, [line[4:] for line in lines[at:stop]], start, stop)


def is_as_shown(expected: Sequence[str], lines: Sequence[str]) -> bool:
    """Return whether the lines are the expected ones, of which `...` stands for any lines."""
    pattern = "".join(
        r"(?:.*\n)*?" if line == "..." else f"{re.escape(line)}\n" for line in expected
    )
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in lines)) is not None


def write_shown(file: Path, title: str, shown: list[list[str]]) -> None:
    """Put what the steps of the section printed into the file, where it says something else."""
    lines = file.read_text(encoding="utf-8").split("\n")
    [steps] = [section.steps for section in read_sections(file) if section.title == title]
    for step, told in reversed(list(zip(steps, shown, strict=True))):
        if not is_as_shown(step.shown, told):
            lines[step.end - len(step.shown) : step.end] = [f"    {line}".rstrip() for line in told]
    file.write_text("\n".join(lines), encoding="utf-8")
