"""companion enrich: fill what the notes need."""

from __future__ import annotations

import signal
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from types import FrameType
from typing import NamedTuple

import click

from companion.cli.model import fetch_model
from companion.cli.session import common_options, open_session, resolve_path
from companion.cli.show import Show, count
from companion.enrich.asker import Asker
from companion.enrich.cost import forecast
from companion.enrich.draft import Job
from companion.enrich.enricher import Enricher
from companion.enrich.jobs import Choice, choose_jobs
from companion.enrich.known import Known
from companion.enrich.model import is_remote, model_facts, open_client, where_it_goes
from companion.enrich.result import Result
from companion.enrich.run import new_run, run_jobs
from companion.enrich.workspace import Workspace
from companion.errors import CompanionError
from companion.llm.answer import Usage
from companion.llm.client import Client

_ASK_FROM = 50  # notes at a remote endpoint; more are asked about first
_INTERRUPTED = 130
_MARKS = {"enriched": "✓", "unchanged": "·", "skipped": "-", "failed": "✗"}
_STYLES = {"enriched": "green", "unchanged": "dim", "skipped": "dim", "failed": "red"}


class Options(NamedTuple):
    """How a run is shown, and whether it asks first."""

    diff: bool
    yes: bool


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--dry-run", is_flag=True, help="Ask the model and show a diff; write nothing.")
@click.option("--diff", "with_diff", is_flag=True, help="Show what changes in each note.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a note.")
@click.option("--all", "every", is_flag=True, help="In a folder: every note, not only stubs.")
@click.option("--force", is_flag=True, help="Write anew what Companion wrote and nobody edited.")
@click.option("--retry", is_flag=True, help="Ask again what was undone, deleted or rejected.")
@click.option("--section", metavar="HEADING", help="Put a callout under this heading of a note.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most N notes.")
@click.option("--yes", is_flag=True, help="Do not ask before a large run at a remote endpoint.")
@common_options
def enrich(
    paths: Sequence[str],
    dry_run: bool,
    with_diff: bool,
    as_json: bool,
    every: bool,
    force: bool,
    retry: bool,
    section: str | None,
    limit: int | None,
    yes: bool,
    vault: Path | None,
) -> int:
    """Fill what notes need: empty properties, missing AI callouts, questions to answer.

    A PATH that is a note gets a description and a callout even if it is no stub. In a folder,
    only notes that `companion scan` lists are worked on; `companion scan` says why.
    """
    show = Show(as_json=as_json)
    choice = Choice(every=every, force=force, retry=retry, section=section, dry_run=dry_run)
    with open_session(vault, paths, show=show, read_only=dry_run) as workspace:
        wanted = [resolve_path(workspace, path) for path in paths]
        scan = workspace.scan()
        jobs, skipped = choose_jobs(workspace, scan, wanted, choice)
        for result in skipped:
            _report(result, show, with_diff)
        if not jobs:
            show.say("Nothing to do: no note here needs anything.")
            return 0
        run = _Run(workspace, Known(scan), show, Options(with_diff or dry_run, yes))
        return run(jobs[:limit])


class _Run:
    """One run over some notes, as the user sees it."""

    def __init__(self, workspace: Workspace, known: Known, show: Show, options: Options) -> None:
        self.workspace = workspace
        self.asker = Asker(workspace, known, model_facts(workspace.config))
        self.show = show
        self.options = options
        self.name = new_run()
        self.statuses: Counter[str] = Counter()

    def __call__(self, jobs: Sequence[Job]) -> int:
        """Return the exit status. Raises what stops the whole run, after telling what was done."""
        config = self.workspace.config
        fetch_model(config, self.show)
        if not self._is_agreed(jobs):
            self.show.warn("nothing was sent")
            return 0
        cancelled = Event()
        with (
            open_client(config, cancelled) as client,
            _stop_on_ctrl_c(cancelled, client, self.show),
        ):
            fault = self._work(jobs, client, cancelled)
            self._sum_up(len(jobs), client.usage, stopped=cancelled.is_set())
        if fault:
            raise fault
        if cancelled.is_set():
            return _INTERRUPTED
        return 1 if self.statuses["failed"] else 0

    def _work(self, jobs: Sequence[Job], client: Client, cancelled: Event) -> CompanionError | None:
        enricher = Enricher(self.workspace, self.asker, client, self.name)
        concurrency = self.workspace.config.concurrency
        with self.show.progress("Enriching", len(jobs)) as progress:
            try:
                for result in run_jobs(jobs, enricher.enrich, concurrency, cancelled):
                    self.statuses[result.status] += 1
                    _report(result, self.show, self.options.diff)
                    progress.advance(progress.task_ids[0])
            except CompanionError as error:
                return error
        return None

    def _is_agreed(self, jobs: Sequence[Job]) -> bool:
        """Whether a large run at a remote endpoint may begin; asks on a terminal."""
        asks = not self.options.yes and sys.stdin.isatty() and self.show.err.is_terminal
        if len(jobs) <= _ASK_FROM or not asks or not is_remote(self.workspace.config):
            return True
        told = forecast(self.workspace, self.asker, jobs)
        cost = "price not known" if told.price is None else f"about ${told.price:,.2f}"
        self.show.warn(
            f"{count(told.notes, 'note')} would be sent to {where_it_goes(self.workspace.config)}: "
            f"about {told.input_tokens:,} tokens in and {told.output_tokens:,} out, {cost}."
        )
        return click.confirm("Go on?", err=True)

    def _sum_up(self, jobs: int, usage: Usage, stopped: bool) -> None:
        done = self.statuses
        words = [f"{done[status]} {status}" for status in _MARKS if done[status]]
        if not_begun := jobs - sum(done.values()):
            words.append(f"{not_begun} not done")
        tokens = f"{usage.input_tokens:,} tokens in, {usage.output_tokens:,} out"
        self.show.say()
        self.show.say(
            f"{'Stopped: ' if stopped else ''}{', '.join(words)}. {tokens}.", style="bold"
        )
        if self.workspace.journal.changes(run=self.name, limit=1):
            self.show.say(f"To take it all back: companion undo --run {self.name}")


def result_object(result: Result) -> dict[str, object]:
    """Return the JSON object of a result."""
    changes = [
        {"kind": need.kind, "heading": need.heading, "text": value}
        for need, value, _ in result.filled
    ]
    usage = result.usage
    return {
        "path": result.path,
        "status": result.status,
        "changes": changes,
        "reason": result.reason or None,
        "left": list(result.left),
        "change": result.change,
        "usage": {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens},
    }


def _report(result: Result, show: Show, with_diff: bool) -> None:
    if show.as_json:
        show.object(result_object(result))
        return
    said_at_the_end = result.ends_run  # once, not for each of the notes under way
    reason = f": {result.reason}" if result.reason and not said_at_the_end else ""
    line = f"{_MARKS[result.status]} {result.path}{reason}"
    show.say(line, style=_STYLES[result.status])
    for need, _, remark in result.filled:
        show.say(f"    {need.kind:<12} {need.reason}{f' ({remark})' if remark else ''}")
    for reason in result.left:
        show.say(f"    left         {reason}", style="dim")
    if with_diff and result.new != result.old:
        show.diff(result.path, result.old, result.new)


@contextmanager
def _stop_on_ctrl_c(cancelled: Event, client: Client, show: Show) -> Iterator[None]:
    """Let the first Ctrl-C end the run in good order; a second one ends the program."""

    def stop(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, before)
        show.warn(
            "Stopping: what is being written is finished first. Ctrl-C again to quit at once."
        )
        cancelled.set()
        client.close()

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
