"""companion enrich: fill what the notes need."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import click

from companion.cli.filters import filter_options, parse_time, read_filter
from companion.cli.interrupts import stop_on_signals
from companion.cli.model import fetch_model, is_missing
from companion.cli.output import Output, show_progress, show_wait
from companion.cli.remote_run import run_at_daemon
from companion.cli.run_report import AGREE, RunReport
from companion.cli.session import (
    NotePathType,
    common_options,
    find_running_daemon,
    open_session,
    resolve_paths,
    say_which_vault,
)
from companion.daemon.client_runs import RunRequest
from companion.doctor.unused_settings import (
    count_marks,
    find_unused_folders,
    find_unused_marks,
    find_unused_prompts,
)
from companion.enrich.asker import Asker
from companion.enrich.checks import find_unchecked
from companion.enrich.context import VaultContext
from companion.enrich.cost import describe_cost, needs_agreement
from companion.enrich.enricher import open_enricher
from companion.enrich.model import model_facts
from companion.enrich.note_filter import Criteria
from companion.enrich.run import Result, new_run, run_jobs
from companion.enrich.selection import JobOptions, choose_jobs, count_left_alone, limit_jobs
from companion.enrich.task import Job
from companion.enrich.workspace import Workspace, open_workspace
from companion.errors import CompanionError


@click.command()
@click.argument("paths", nargs=-1, required=True, type=NotePathType(), metavar="PATH...")
@click.option(
    "--dry-run", is_flag=True, help="Ask, show a diff and keep the answers; write nothing."
)
@click.option("--propose", is_flag=True, help="Ask and keep the answers for you to decide on.")
@click.option("--diff", "with_diff", is_flag=True, help="Show what changes in each note.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a note.")
@click.option("--all", "every", is_flag=True, help="In a folder: every note, not only stubs.")
@click.option("--force", is_flag=True, help="Write anew what Companion wrote and nobody edited.")
@click.option("--retry", is_flag=True, help="Ask again what was undone, deleted or rejected.")
@click.option("--section", metavar="HEADING", help="Put a callout under this heading of a note.")
@filter_options
@click.option("--made-since", metavar="WHEN", help="Anew: what Companion wrote since then.")
@click.option("--made-by", metavar="MODEL", help="Anew: what this model wrote.")
@click.option("--prompt-changed", is_flag=True, help="Anew: what was asked for otherwise than now.")
@click.option(
    "--limit", type=click.IntRange(min=1), metavar="N", help="At most N notes that need anything."
)
@click.option("--yes", is_flag=True, help="Begin a large run at a remote endpoint unasked.")
@common_options
def enrich(
    paths: Sequence[str],
    dry_run: bool,
    with_diff: bool,
    as_json: bool,
    limit: int | None,
    yes: bool,
    vault: Path | None,
    **options: Any,
) -> int:
    """Fill what notes need: empty properties, missing AI callouts, questions to answer.

    A PATH that is a note gets a description and a callout even if it is no stub. In a folder,
    only notes that `companion scan` lists are worked on; `companion scan` says why.

    Before more than 50 notes are sent to a model on another machine, it says what that may cost
    and asks; where nobody can answer, as in a script, it sends nothing without --yes.

    With --made-since, --made-by or --prompt-changed, what Companion wrote and nobody edited is
    asked for anew, and nothing else. It waits beside the old text until you decide.
    """
    output = Output(as_json=as_json)
    report = RunReport(output, with_diff, dry_run)
    running = find_running_daemon(vault, paths)
    with open_session(vault, paths, output=output, read_only=bool(running)) as workspace:
        wanted, refused = resolve_paths(workspace, paths)
        choice = _read_choice(workspace, dry_run, options)
        say_which_vault(workspace.root, output)
        output.warn(*find_unused_folders(workspace.config, workspace.root))
        output.warn(*find_unused_prompts(workspace.prompts, workspace.root))
        if not running and (unchecked := find_unchecked()):
            output.warn(unchecked)
        unreadable = report.print_refused(refused)
        run = _Run(workspace, report, asks=not yes)
        if not running:
            return run.work(*run.choose(wanted, choice), limit) or int(unreadable)
        if not run.is_ready(wanted, choice, limit):
            return int(unreadable)
    request = RunRequest(wanted, choice, stops_on_fault=True, limit=limit, agreed=True)
    find_left = partial(run.count_left_again, wanted, choice)
    return run_at_daemon(running, request, report, find_left) or int(unreadable)


def _read_choice(workspace: Workspace, dry_run: bool, options: Mapping[str, Any]) -> JobOptions:
    """Return what is to be done to which notes. Raises UsageError."""
    only, since = read_filter(workspace.prompts, options), options["made_since"]
    anew = Criteria(parse_time(since), options["made_by"], options["prompt_changed"])
    return JobOptions(
        every=options["every"],
        force=options["force"],
        retry=options["retry"],
        section=options["section"],
        dry_run=dry_run,
        propose=options["propose"],
        only=only,
        anew=None if anew == Criteria() else anew._replace(kind=only.kind),
    )


class _Run:
    """One run over some notes, as the user sees it.

    asks: whether a large run at a remote endpoint is asked about first, which then begins only
    where somebody can answer.
    """

    def __init__(self, workspace: Workspace, report: RunReport, *, asks: bool) -> None:
        self.workspace = workspace
        self.config = workspace.config
        self.report = report
        self.output = report.output
        self.asks = asks and self.config.is_remote
        self.name = new_run()
        self.left: Counter[str] = Counter()

    def choose(self, wanted: Sequence[str], choice: JobOptions) -> tuple[list[Job], list[Result]]:
        """Return what to work on, and what was asked for and is skipped."""
        self.known = VaultContext(scan := self.workspace.scan())
        self.output.warn(*find_unused_marks(self.config, scan))
        if not choice.every:  # else each of them is named
            self.left = count_left_alone(self.workspace, scan, wanted)
        return choose_jobs(self.workspace, scan, wanted, choice)

    def count_left_again(self, wanted: Sequence[str], choice: JobOptions) -> Counter[str]:
        """Return how many notes are left alone after a run of the daemon, by reason."""
        if choice.every:
            return Counter()  # each of them was named
        with open_workspace(self.config, self.workspace.root, read_only=True) as workspace:
            return count_left_alone(workspace, workspace.scan(), wanted)

    def work(self, jobs: list[Job], skipped: Sequence[Result], limit: int | None) -> int:
        """Return the exit status. Raises what stops the whole run, after telling what was done."""
        for result in skipped:
            self.report.print_result(result)
        if not jobs:
            self.report.say_nothing_to_do(self.left)
            return 0
        jobs = limit_jobs(self.workspace, jobs, limit)
        fetch_model(self.config, self.output)
        if self.asks and not self.is_agreed(jobs):
            return 0
        cancelled = Event()
        with (
            open_enricher(
                self.workspace, self.known, self.name, cancelled, can_wait=len(jobs) > 1
            ) as enricher,
            stop_on_signals(self.output, cancelled, enricher.close) as interruption,
        ):
            fault = None
            with self.output.progress("Enriching", len(jobs)) as bar:
                if enricher.limiter:
                    enricher.limiter.tell = partial(show_wait, bar, "Enriching")
                if enricher.similar:
                    enricher.similar.progress = partial(show_progress, bar, "Comparing notes")
                try:
                    for each in run_jobs(jobs, enricher.enrich, self.config.concurrency, cancelled):
                        self.report.add(each)
                        bar.advance(bar.task_ids[0])
                except CompanionError as error:
                    fault = error
            self.report.sum_up(len(jobs), enricher.usage, self.name, cancelled)
        if fault:
            raise fault
        return self.report.exit_status(cancelled, interruption.exit_status)

    def is_ready(self, wanted: Sequence[str], choice: JobOptions, limit: int | None) -> bool:
        """Whether the daemon may begin: the model is here, and the user is told what it costs."""
        if not self.asks and not is_missing(self.config):
            if count_marks(self.config):  # else no look is needed
                self.output.warn(*find_unused_marks(self.config, self.workspace.scan()))
            return True
        jobs = limit_jobs(self.workspace, self.choose(wanted, choice)[0], limit)
        if jobs:
            fetch_model(self.config, self.output)
        return not self.asks or self.is_agreed(jobs)

    def is_agreed(self, jobs: Sequence[Job]) -> bool:
        """Whether a run, if it is large, may begin; the user is told what it may cost.

        Raises UsageError where nobody can be asked.
        """
        if not needs_agreement(self.workspace, jobs):
            return True
        asker = Asker(self.workspace, self.known, model_facts(self.config))
        cost = describe_cost(self.workspace, asker, jobs)
        agreed = self.output.agrees(cost, AGREE)
        if not agreed:
            self.output.warn("nothing was sent")
        return agreed
