"""companion enrich: fill what the notes need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from threading import Event
from typing import Any

import click

from companion.app.connection import DaemonRefused
from companion.cli.filters import filter_options, parse_time, read_filter
from companion.cli.interrupts import exit_on_signals, stop_on_signals
from companion.cli.model import fetch_model
from companion.cli.output import Output
from companion.cli.run_report import AGREE, RunReport
from companion.cli.session import (
    NOTE_PATH,
    common_options,
    find_running_daemon,
    open_session,
    resolve_paths,
    say_which_vault,
)
from companion.daemon.api.run_schemas import RunShape
from companion.daemon.client_runs import RunRequest
from companion.daemon.daemon_client import DaemonClient, ended_early
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
from companion.enrich.model import is_model_missing
from companion.enrich.note_filter import Criteria
from companion.enrich.run import Result, new_run, run_jobs
from companion.enrich.selection import JobOptions, choose_jobs
from companion.enrich.task import Job
from companion.enrich.workspace import Workspace
from companion.errors import CompanionError, UsageError
from companion.llm.response import Usage


@click.command()
@click.argument("paths", nargs=-1, required=True, type=NOTE_PATH, metavar="PATH...")
@click.option(
    "--dry-run", is_flag=True, help="Ask, show a diff and keep the answers; write nothing."
)
@click.option("--propose", is_flag=True, help="Ask and keep the answers for you to decide on.")
@click.option("--diff", "with_diff", is_flag=True, help="Show what changes in each note.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a note.")
@click.option("--all", "every", is_flag=True, help="In a folder: every note, not only stubs.")
@click.option("--force", is_flag=True, help="Rewrite what Companion wrote and nobody edited.")
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
    yes: bool,
    vault: Path | None,
    **options: Any,
) -> int:
    """Fill the notes that need it.

    That is empty properties, missing AI callouts, and questions to answer. A PATH that is a note
    gets a description and a callout even if it is no stub. In a folder, only notes that `companion
    scan` lists are worked on; `companion scan` says why.

    Before more than 50 notes are sent to a model on another machine, it says what that may cost
    and asks; where nobody can answer, as in a script, it sends nothing without --yes.

    With --made-since, --made-by or --prompt-changed, what Companion wrote and nobody edited is
    asked for again, and nothing else. It waits beside the old text until you decide.
    """
    output = Output(as_json=as_json)
    report = RunReport(output, with_diff, dry_run)
    running = find_running_daemon(vault, paths)
    with open_session(vault, paths, output=output, read_only=bool(running)) as workspace:
        wanted, refused = resolve_paths(workspace.root, paths)
        choice = _read_choice(workspace, dry_run, options)
        say_which_vault(workspace.root, output)
        output.warn(*find_unused_folders(workspace.config, workspace.root))
        output.warn(*find_unused_prompts(workspace.prompts, workspace.root))
        if not running and (unchecked := find_unchecked()):
            output.warn(unchecked)
        unreadable = report.print_refused(refused)
        asks = workspace.config.is_remote and not yes
        run = _Run(workspace, report, wanted, choice, asks)
        return (run.do_at(running) if running else run.do_here()) or int(unreadable)


def _read_choice(workspace: Workspace, dry_run: bool, options: Mapping[str, Any]) -> JobOptions:
    """Return what is to be done to which notes. Raises UsageError."""
    only, since = read_filter(workspace.prompts, options), options["made_since"]
    rewrite = Criteria(parse_time(since), options["made_by"], options["prompt_changed"])
    return JobOptions(
        every=options["every"],
        force=options["force"],
        retry=options["retry"],
        section=options["section"],
        dry_run=dry_run,
        propose=options["propose"],
        only=only,
        limit=options["limit"],
        rewrite=None if rewrite == Criteria() else rewrite._replace(kind=only.kind),
    )


@dataclass
class _Run:
    """One run over some notes, as the user sees it.

    asks: whether a large run is asked about first, which then begins only where somebody can
    answer.
    """

    workspace: Workspace
    report: RunReport
    wanted: Sequence[str]
    choice: JobOptions
    asks: bool

    def do_here(self) -> int:
        """Do the run in this process, and return the exit status.

        Raises what stops the whole run, after telling what was done.
        """
        known, jobs, skipped = self._choose()
        for result in skipped:
            self.report.print_result(self.report.read(result))
        if not jobs:
            self.report.say_nothing_to_do(self.workspace, known.scan, self.wanted, self.choice)
        if not jobs or not self._may_begin(known, jobs):
            return 0
        output, name, cancelled, fault = self.report.output, new_run(), Event(), None
        with (
            open_enricher(
                self.workspace, known, name, cancelled, can_wait=len(jobs) > 1
            ) as enricher,
            stop_on_signals(
                output, cancelled, enricher.close, lambda: enricher.under_way
            ) as interruption,
        ):
            with output.progress("Enriching", len(jobs)) as bar:
                if enricher.limiter:
                    enricher.limiter.tell = bar.wait
                if enricher.similar:
                    enricher.similar.progress = bar.add_below("Comparing notes")
                at_once = self.workspace.config.concurrency
                try:
                    for each in run_jobs(jobs, enricher.enrich, at_once, cancelled):
                        self.report.add(self.report.read(each))
                        bar.advance()
                except CompanionError as error:
                    fault = error
            self.report.sum_up(len(jobs), enricher.usage, name, stopped=cancelled.is_set())
        if fault:
            raise fault
        return interruption.exit_status or self.report.exit_status

    def do_at(self, daemon: DaemonClient) -> int:
        """Have the daemon do the run, and return the exit status. Raises what stopped it early.

        It is cancelled if this process ends, by a signal.
        """
        if not self._is_ready_for_daemon():
            return 0
        output, cancelled, run = self.report.output, Event(), None

        def cancel() -> None:
            if run:
                with suppress(CompanionError):
                    daemon.cancel(run.id)

        request = RunRequest(self.wanted, self.choice, stops_on_fault=True, agreed=True)
        told = "the daemon finishes the calls under way, and keeps what is answered."
        with (
            exit_on_signals(),
            stop_on_signals(output, cancelled, cancel, finished=told) as interruption,
        ):
            try:
                run = daemon.start_run(request)
                if cancelled.is_set():  # before its id was known
                    cancel()
                usage, fault = self._follow(daemon, run, cancelled)
            except DaemonRefused as refused:
                if refused.status == HTTPStatus.UNPROCESSABLE_ENTITY:
                    raise UsageError(str(refused)) from None
                raise
            except BaseException:
                cancel()
                raise
        if not run.total and not fault:
            scan = self.workspace.scan()
            self.report.say_nothing_to_do(self.workspace, scan, self.wanted, self.choice)
            return 0
        self.report.sum_up(run.total, usage, run.id, stopped=cancelled.is_set())
        if fault:
            raise fault
        return interruption.exit_status or self.report.exit_status

    def _follow(
        self, daemon: DaemonClient, run: RunShape, cancelled: Event
    ) -> tuple[Usage, CompanionError | None]:
        """Print the results as they come; return the tokens used, and what stopped it early."""
        output = self.report.output
        results = daemon.follow(
            run.id,
            diff=self.report.with_diff,
            tell=lambda why: output.warn(f"The daemon waits: {why}"),
        )
        try:
            with output.progress("Enriching", run.total) as bar:
                for result in results:
                    if not result.counted:
                        self.report.print_result(result)
                        continue
                    self.report.add(result)
                    bar.advance()
            over = daemon.run(run.id)
        except CompanionError as error:
            return self.report.usage, error
        is_ours = over.state == "cancelled" and cancelled.is_set() and not over.fault
        return Usage(**over.usage.model_dump()), None if is_ours else ended_early(over)

    def _choose(self) -> tuple[VaultContext, list[Job], list[Result]]:
        """Return the vault, what to work on in it, and what was asked for and is skipped."""
        known = VaultContext(scan := self.workspace.scan())
        self.report.output.warn(*find_unused_marks(self.workspace.config, scan))
        jobs, skipped = choose_jobs(self.workspace, scan, self.wanted, self.choice)
        return known, jobs, skipped

    def _is_ready_for_daemon(self) -> bool:
        """Whether the model is here, and the user, told what it costs, agrees to the run."""
        if self.asks or is_model_missing(self.workspace.config):
            known, jobs, _ = self._choose()
            return not jobs or self._may_begin(known, jobs)
        if count_marks(self.workspace.config):  # else no look is needed
            unused = find_unused_marks(self.workspace.config, self.workspace.scan())
            self.report.output.warn(*unused)
        return True

    def _may_begin(self, known: VaultContext, jobs: Sequence[Job]) -> bool:
        """Fetch the model if need be; whether the user, told what it costs, agrees to a large run.

        Raises UsageError where nobody can be asked.
        """
        fetch_model(self.workspace.config, self.report.output)
        if not self.asks or not needs_agreement(self.workspace, jobs):
            return True
        asker = Asker(self.workspace, known)
        agreed = self.report.output.agrees(describe_cost(asker, jobs), AGREE)
        if not agreed:
            self.report.output.warn("nothing was sent")
        return agreed
