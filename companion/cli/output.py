"""What people see: words, colours only on a terminal, diffs, progress."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from companion.enrich.result import Result
from companion.llm.response import Usage
from companion.note.line_diff import diff_lines
from companion.note.text import split_lines

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # a note must not steer the terminal
_DIFF_STYLES = {"+": "green", "-": "red", "@": "cyan"}


class _Console(Console):
    """One that leaves it to the command line what becomes of it when its reader has gone."""

    def on_broken_pipe(self) -> None:
        """Raise the BrokenPipeError again; rich would end the program with status 1."""
        raise


class Show:
    """Prints to people on the standard output, warnings and progress on the standard error.

    as_json: only JSON objects go to the standard output, one a line.
    """

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self.out = _Console(highlight=False, soft_wrap=True)
        self.err = _Console(stderr=True, highlight=False, soft_wrap=True)

    def say(self, text: str = "", style: str = "") -> None:
        """Print a line for people; nothing with as_json."""
        if not self.as_json:
            self.out.print(Text(_harmless(text), style=style))

    def warn(self, text: str) -> None:
        """Print a line on the standard error."""
        self.err.print(Text(_harmless(text), style="yellow"))

    def object(self, value: dict[str, Any]) -> None:
        """Print an object as one line of JSON."""
        click.echo(json.dumps(value, ensure_ascii=False))

    def diff(self, text: str) -> None:
        """Print a unified diff: coloured on a terminal, else byte for byte, as patch takes it."""
        if not self.out.is_terminal:
            click.echo(text, nl=False)
            return
        for line in split_lines(text):
            style = "bold" if line.startswith(("---", "+++")) else _DIFF_STYLES.get(line[0], "")
            self.out.print(Text(_harmless(line.rstrip("\r\n")), style=style))

    @contextmanager
    def progress(self, what: str, total: int) -> Iterator[Progress]:
        """Show a progress bar on the standard error, if that is a terminal; task 0 is the bar."""
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        quiet = not self.err.is_terminal
        with Progress(*columns, console=self.err, disable=quiet, transient=True) as progress:
            progress.add_task(what, total=total)
            yield progress


def count(number: int, noun: str) -> str:
    """Return `1 note`, `2 notes`, `1,200 notes`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def one_line(name: str) -> str:
    """Return a file's name on one line: what ends lines in it is shown as `\\n` or `\\r`."""
    return name.replace("\r", "\\r").replace("\n", "\\n")


def local_time(seconds: float) -> str:
    """Return the Unix time on the user's clock, with its offset: `2026-11-25 10:44 +0100`."""
    return time.strftime("%Y-%m-%d %H:%M %z", time.localtime(seconds))


def tell_of_backlog(notes: int, cost: str) -> str:
    """Return in words how many notes wait for the user to agree; cost: as the daemon has it."""
    many = "note, which lay here before, waits" if notes == 1 else "notes, which lay here before or"
    waits = f"{notes:,} {many}" + ("" if notes == 1 else " came at once, wait")
    return f"{waits} for your answer{f': {cost}' if cost else '.'}"


def _harmless(text: str) -> str:
    return _CONTROL.sub("\ufffd", text)


# so begins the reason why a note was skipped for --section
_NO_SECTION = re.compile(r"no heading reads|\d+ headings read")
_MARKS = {"enriched": "✓", "unchanged": "·", "skipped": "-", "failed": "✗"}
_OWN_MARK = "~"  # enriched, with nothing of the model's
_STYLES = {"enriched": "green", "unchanged": "dim", "skipped": "dim", "failed": "red"}


class Tally:
    """The results of a run. with_diff: show what changes in each note, too; dry_run always does."""

    def __init__(self, show: Show, with_diff: bool, dry_run: bool = False) -> None:
        self.show = show
        self.with_diff = with_diff or dry_run
        self.dry_run = dry_run
        self.counts: Counter[str] = Counter()
        self._unanswered = 0
        self._lacks_section = False

    def add(self, result: Result, diff: str | None = None) -> None:
        """Report a result and count it. diff: as it was made elsewhere; None: of its texts."""
        self.counts[result.status] += 1
        self._unanswered += result.is_unanswered
        self._lacks_section |= bool(_NO_SECTION.match(result.reason))
        self.report(result, diff)

    def report(self, result: Result, diff: str | None = None) -> None:
        """Say what became of a note, without counting it."""
        changed = ""
        if self.with_diff:
            lines = diff_lines(result.path, result.old, result.new) if diff is None else diff
            changed = "".join(lines)
        if self.show.as_json:
            self.show.object(result_object(result, dry_run=self.dry_run, diff=changed or None))
            return
        mark, style = _MARKS[result.status], _STYLES[result.status]
        if result.is_unanswered:
            mark, style = _OWN_MARK, "yellow"
        reason = _reason_of(result)
        self.show.say(f"{mark} {one_line(result.path)}{reason and f': {reason}'}", style=style)
        for need, _, remark in result.filled:
            self.show.say(f"    {need.kind:<12} {need.reason}{f' ({remark})' if remark else ''}")
        for reason in result.left:
            self.show.say(f"    left         {reason}", style="dim")
        if changed:
            self.show.diff(changed)

    def say_nothing_to_do(self, left: Counter[str]) -> None:
        """Say that no note needs anything. left: how many are left alone, by the reason."""
        but = ", but for what is left alone:" if left else "."
        self.show.say(f"Nothing to do: no note here needs anything{but}")
        for reason, number in left.most_common():
            self.show.say(f"  {number:>5,}  {reason}")

    def sum_up(self, jobs: int, usage: Usage, run: str, cancelled: Event) -> None:
        """Say what the run came to.

        jobs: the notes it was over. run: its name, to take it back by; empty: it changed nothing.
        """
        names = {"enriched": "would be enriched"} if self.dry_run else {}
        words = [f"{n} {names.get(s, s)}" for s in _MARKS if (n := self.counts[s])]
        if self._unanswered:
            words[0] += f" ({self._unanswered} with nothing of the model's)"
        if not_begun := jobs - self.counts.total():
            words.append(f"{not_begun} not done")
        tokens = f"{usage.input_tokens:,} tokens in{_cached(usage)}, {usage.output_tokens:,} out"
        stopped = "Stopped: " if cancelled.is_set() else ""
        self.show.say()
        nothing = "; nothing was written" if self.dry_run else ""
        self.show.say(f"{stopped}{', '.join(words)}{nothing}. {tokens}.", style="bold")
        if run:
            self.show.say(f"To take it all back: companion undo --run {run}")

    def status(self, cancelled: Event, stopped: int) -> int:
        """Return the exit status. stopped: that of a run which a signal ended."""
        if cancelled.is_set():
            return stopped
        return 1 if self.counts["failed"] or self._unanswered or self._lacks_section else 0


def _reason_of(result: Result) -> str:
    """Return what to say beside the note."""
    if result.ends_run:  # that is said at the end, and not for each of the notes under way
        return "the run ended here, as is said below"
    if result.fallback:
        kinds = ", ".join(result.fallback)
        return f"no answer could be used for {kinds}; the note's own sentence stands in"
    return result.reason


def _cached(usage: Usage) -> str:
    if not usage.cached_tokens:
        return ""
    return f" ({usage.cached_tokens / usage.input_tokens:.0%} of them from the cache)"


_JSON_FIELDS: dict[str, Any] = {  # of ResultShape, and `dry_run`, in the order they are printed
    "path": True,
    "status": True,
    "changes": {"__all__": {"kind", "heading", "text"}},
    "reason": True,
    "left": True,
    "dry_run": True,
    "diff": True,
    "change": True,
    "fallback": True,
    "usage": {"input_tokens", "output_tokens"},
}


def result_object(result: Result, *, dry_run: bool, diff: str | None) -> dict[str, object]:
    """Return the JSON object of a result: a part of the API's ResultShape, and dry_run.

    diff: the unified diff, None if it is not wanted or the note does not change.
    """
    # not at the top: other commands print no result, and need none of the API's models
    from companion.daemon.api.run_schemas import ResultShape
    from companion.daemon.client_runs import RunEntry

    shape = ResultShape.of(RunEntry(0, result), lambda result: diff)
    values = shape.model_dump(include=_JSON_FIELDS)
    return {name: dry_run if name == "dry_run" else values[name] for name in _JSON_FIELDS}
