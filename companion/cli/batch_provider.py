"""companion batch submit and collect: the Batch API of the configured endpoint."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path

import click

from companion.cli.output import Output, count, show_progress
from companion.cli.run_report import RunReport
from companion.cli.session import (
    NotePathType,
    common_options,
    open_session,
    resolve_paths,
    say_which_vault,
)
from companion.enrich.asker import Asker
from companion.enrich.batch_calls import BatchReader
from companion.enrich.context import VaultContext
from companion.enrich.cost import describe_cost, needs_agreement
from companion.enrich.model import ASK_FROM, ModelFacts, model_facts, open_spending
from companion.enrich.run import new_run
from companion.enrich.selection import JobOptions, choose_jobs, count_left_alone, limit_jobs
from companion.enrich.similar import SimilarNotes, open_similar
from companion.enrich.submission import BATCH_SHARE, Submission, SubmissionMaker
from companion.enrich.task import Job
from companion.enrich.workspace import Workspace
from companion.errors import UsageError
from companion.llm.batch_api import ENDED, BatchApi, ProviderBatch
from companion.vault.batches import Batch


@contextmanager
def open_submission(workspace: Workspace) -> Iterator[Submission]:
    """Open the Batch API of the configured endpoint. Raises UsageError where there is none."""
    config = workspace.config
    if config.is_embedded:
        raise UsageError(
            "the embedded model has no Batch API; set base_url under [endpoint], or use companion"
            " batch export"
        )
    with (
        open_spending(config, share=BATCH_SHARE) as spending,
        BatchApi(config.remote_endpoint()) as api,
    ):
        yield Submission(workspace, api, spending)


@click.command()
@click.argument("paths", nargs=-1, type=NotePathType(), metavar="[PATH]...")
@click.option("--all", "every", is_flag=True, help="In a folder: every note, not only stubs.")
@click.option("--force", is_flag=True, help="Ask anew for what Companion wrote, nobody edited.")
@click.option("--retry", is_flag=True, help="Ask again what was undone, deleted or rejected.")
@click.option(
    "--limit", type=click.IntRange(min=1), metavar="N", help="At most N notes that need anything."
)
@click.option("--yes", is_flag=True, help="Begin a large run at a remote endpoint unasked.")
@common_options
def submit(
    paths: Sequence[str],
    every: bool,
    force: bool,
    retry: bool,
    limit: int | None,
    yes: bool,
    vault: Path | None,
) -> int:
    """Send the questions about notes to the endpoint's Batch API, which answers within a day.

    PATH are notes and folders, as in companion enrich; without one, it is the whole vault. As
    there, it says first what more than 50 notes may cost, and asks. What an earlier call could
    not send is sent, too, and nothing is sent twice. companion batch collect takes the answers.
    """
    output = Output()
    choice = JobOptions(every=every, force=force, retry=retry, propose=True)
    with (
        open_session(vault, paths, output=output) as workspace,
        open_submission(workspace) as submission,
        open_similar(workspace) as similar,
    ):
        wanted = resolve_paths(workspace, paths)[0] if paths else [""]
        say_which_vault(workspace.root, output)
        scan = workspace.scan()
        asker = Asker(workspace, VaultContext(scan), model_facts(workspace.config), similar)
        jobs, skipped = choose_jobs(workspace, scan, wanted, choice)
        report = RunReport(output, with_diff=False)
        for result in skipped:
            report.print_result(result)
        jobs = limit_jobs(workspace, jobs, limit)
        submission.prepare()
        if jobs and (yes or _is_agreed(workspace, asker, jobs, output)):
            _make(workspace, asker, jobs, report, similar)
        sent = sum(submission.send(each) for each in submission.list())
        if sent:
            output.say(f"{sent} sent. With the answers: companion batch collect", style="bold")
        elif not jobs:
            left = Counter[str]() if every else count_left_alone(workspace, scan, wanted)
            report.say_nothing_to_do(left)
        return int(report.counts["failed"] > 0)


def _is_agreed(workspace: Workspace, asker: Asker, jobs: Sequence[Job], output: Output) -> bool:
    """Whether the notes may be sent, after telling what that may cost. Raises UsageError."""
    if not needs_agreement(workspace, jobs):
        return True
    output.warn(describe_cost(workspace, asker, jobs, BATCH_SHARE))
    if not output.can_ask:
        raise UsageError(
            "nothing was sent, for nobody is here to agree; say --yes to send them all, or"
            f" --limit {ASK_FROM} for a part"
        )
    return click.confirm("Go on?", err=True)


def _make(
    workspace: Workspace,
    asker: Asker,
    jobs: Sequence[Job],
    report: RunReport,
    similar: SimilarNotes | None,
) -> None:
    """Store what is to be sent, and print what is decided without."""
    address = workspace.config.remote_endpoint().address
    maker = SubmissionMaker(workspace, asker, new_run(), address)
    with report.output.progress("Preparing", len(jobs)) as progress:
        if similar:
            similar.progress = partial(show_progress, progress, "Comparing notes")
        for result in maker.make(jobs):
            report.counts[result.status] += 1
            if result.reason or result.left:
                report.print_result(result)
            progress.advance(progress.task_ids[0])


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a question.")
@common_options
def collect(as_json: bool, vault: Path | None) -> int:
    """Take the answers to what companion batch submit sent, as far as they are there.

    They are checked as any others, and become proposals, which wait for your decision. What
    failed or expired is asked for again by the next run. The provider's files are deleted.
    """
    output = Output(as_json=as_json)
    with (
        open_session(vault, output=output) as workspace,
        open_submission(workspace) as submission,
        open_similar(workspace) as similar,
    ):
        report = RunReport(output, with_diff=False)

        @cache
        def reader() -> BatchReader:
            known = VaultContext(workspace.scan())

            def make_asker(model: ModelFacts) -> Asker:
                return Asker(workspace, known, model, similar)

            return BatchReader(workspace, make_asker)

        submission.prepare()
        batches = submission.list()
        for each in batches:
            submission.send(each)
        for each in submission.list():
            found = submission.look_up(each)
            for result in submission.collect(each, found, reader):
                report.add(result)
            _describe(each, found, output)
        if not batches:
            output.say("No batches at the provider.")
        return int(report.counts["failed"] > 0)


def _describe(batch: Batch, found: ProviderBatch | None, output: Output) -> None:
    """Print how far the provider is with the batch."""
    if found is None:
        return
    if found.failure:
        output.warn(f"{batch.id}: the provider refused it: {found.failure}")
    elif found.status not in ENDED:
        output.say(f"{batch.id}: {found.status}, {found.done:,} of {found.total:,} answered")
    else:
        output.say(f"{batch.id}: {found.status}, {count(found.total, 'question')}")
