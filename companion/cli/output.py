"""Printing: lines for people, JSON for programs, diffs and progress, colours only on a terminal."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import click
from rich.console import Console
from rich.padding import Padding
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.text import Text

from companion.errors import UsageError
from companion.note.text import show_hidden, split_lines

_DIFF_STYLES = {"+": "green", "-": "red", "@": "cyan"}
_WORD_STYLES = {"+": "green", "-": "strike red", "=": "", "…": "dim"}
_WORD_MARKS = {"+": ("{+", "+}"), "-": ("[-", "-]")}  # where there are no colours, as git has it


class Output:
    """Prints results on standard output, warnings and progress on standard error.

    as_json: only JSON objects go to standard output, one a line.
    """

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        # by NO_COLOR alone rich would leave bold and dim
        colors: Literal["auto"] | None = None if os.environ.get("NO_COLOR") else "auto"
        self.out = Console(highlight=False, color_system=colors)
        self.err = Console(stderr=True, highlight=False, color_system=colors)
        for console in (self.out, self.err):
            console.soft_wrap = not console.file.isatty()  # a terminal's lines end between words
            if not console.width:  # COLUMNS=0, for unknown; rich would print nothing
                console.width = 80

    @property
    def can_ask(self) -> bool:
        """Whether there is a terminal for questions, with keys and a screen."""
        has_keys = sys.stdin is not None and sys.stdin.isatty()  # None: it is closed
        return has_keys and self.err.is_terminal

    @property
    def is_looked_at(self) -> bool:
        """Whether a person looks at what is printed."""
        return self.out.is_terminal and not self.as_json

    def say(self, text: str = "", style: str = "") -> None:
        """Print a line for people; nothing with as_json."""
        if not self.as_json:
            self.out.print(Text(show_hidden(text), style=style))

    def clip(self, text: str, used: int = 0) -> str:
        """Return the text cut to what fits on a line beside `used` characters."""
        shown = Text(text)
        shown.truncate(max(10, self.out.width - used), overflow="ellipsis")
        return shown.plain

    def warn(self, *texts: str) -> None:
        """Print each text as a line on the standard error."""
        for text in texts:
            self.err.print(Text(show_hidden(text), style="yellow"))

    def print_json(self, value: dict[str, Any]) -> None:
        """Print an object as one line of JSON."""
        click.echo(json.dumps(value, ensure_ascii=False))

    def print_diff(self, text: str) -> None:
        """Print a unified diff: coloured on a terminal, else byte for byte, as patch takes it."""
        if not self.out.is_terminal:
            click.echo(text, nl=False)
            return
        for line in split_lines(text):
            style = "bold" if line.startswith(("---", "+++")) else _DIFF_STYLES.get(line[0], "")
            self.out.print(Text(show_hidden(line.rstrip("\r\n")), style=style))

    def print_word_diff(self, parts: Iterable[tuple[str, str]]) -> None:
        """Print a word diff: coloured, or as git does without colours, `[-old-]{+new+}`."""
        has_colours = self.out.color_system is not None and not self.out.no_color
        shown = Text()
        for mark, text in parts:
            for line in split_lines(text) or ["…\n"]:
                words = show_hidden(line.rstrip("\r\n"))
                start, end = ("", "") if has_colours else _WORD_MARKS.get(mark, ("", ""))
                shown.append(f"{start}{words}{end}" if words else "", style=_WORD_STYLES[mark])
                shown.append("" if words == line else "\n")
        shown.rstrip()
        self.out.print(Padding(shown, (0, 0, 0, 4)))

    @contextmanager
    def waiting(self, what: str) -> Iterator[None]:
        """Show on standard error what is waited for, and for how long, if it is a terminal."""
        with self._show_progress(TimeElapsedColumn()) as progress:
            progress.add_task(what, total=None)
            yield

    @contextmanager
    def progress(self, what: str, total: int = 0) -> Iterator[Bar]:
        """Show a progress bar on the standard error, if that is a terminal."""
        columns = (MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
        with self._show_progress(*columns) as progress:
            yield Bar(progress, what, total)

    @contextmanager
    def download(self, what: str) -> Iterator[Callable[[int, int], None]]:
        """Show the progress of a download, its speed and the time left, if it is a terminal.

        Yields a function that takes the bytes so far and the total.
        """
        columns = (DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
        with self._show_progress(*columns) as progress:
            yield Bar(progress, what, 0).update

    def _show_progress(self, *columns: ProgressColumn) -> Progress:
        start = (TextColumn("{task.description}"), BarColumn())
        quiet = not self.err.is_terminal
        return Progress(*start, *columns, console=self.err, disable=quiet, transient=True)


class Bar:
    """A progress bar. Its methods may be called from any thread."""

    def __init__(self, progress: Progress, what: str, total: int) -> None:
        self._progress, self._task = progress, progress.add_task(what, total=total)

    def advance(self) -> None:
        """Show that one more is done."""
        self._progress.advance(self._task)

    def update(self, done: int, total: int) -> None:
        """Show how many of how many are done."""
        self._progress.update(self._task, completed=done, total=total)


def edit_text(text: str, extension: str) -> str | None:
    """Return the text as the user leaves it in their editor; None if it is unchanged.

    Raises UsageError if the editor does not start or fails.
    """
    try:
        return click.edit(text, extension=extension)
    except click.ClickException as error:
        raise UsageError(
            f"{error.format_message()}; nothing was changed. EDITOR names the editor to start"
        ) from None


def count(number: int, noun: str) -> str:
    """Return `1 note`, `2 notes`, `1,200 notes`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def one_line(name: str) -> str:
    """Return a file's name on one line, with line ends shown as `\\n` or `\\r`."""
    return name.replace("\r", "\\r").replace("\n", "\\n")


def local_time(seconds: float) -> str:
    """Return the Unix time on the user's clock, with its offset: `2026-11-25 10:44 +0100`."""
    return time.strftime("%Y-%m-%d %H:%M %z", time.localtime(seconds))


def describe_backlog(notes: int, cost: str) -> str:
    """Return in words how many notes wait for the user to agree. cost: may be empty."""
    wait = f"{notes:,} notes, which were here before or arrived together, wait"
    if notes == 1:
        wait = "1 note, which was here before, waits"
    return f"{wait} for your answer{f': {cost}' if cost else '.'}"
