"""companion batch: ask about many notes at once, at a provider, or by files for other engines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial
from itertools import chain
from pathlib import Path
from threading import Event
from typing import Any

import click
from pydantic import BaseModel

from companion.app.jobs import choose_jobs, count_left_alone
from companion.app.types.results import NoteResult
from companion.cli.batch_files import (
    export,
    import_,
    job_options,
    open_reader,
    read_job_options,
    resolve_file,
)
from companion.cli.output import Output, count, one_line
from companion.cli.run_report import AGREE, RunReport
from companion.cli.session import common_options, open_session, resolve_paths, say_which_vault
from companion.enrich.asker import Asker
from companion.enrich.context import VaultContext
from companion.enrich.cost import describe_cost, needs_agreement
from companion.enrich.enricher import Enricher
from companion.enrich.model import open_client, open_spending
from companion.enrich.run import new_run
from companion.enrich.similar import open_similar
from companion.enrich.submission import BATCH_SHARE, Submission, ask_first, make_submissions
from companion.enrich.task import Job
from companion.enrich.workspace import Workspace
from companion.errors import NotThere, UsageError
from companion.llm.batch_api import ENDED, BatchApi


@click.group()
def batch() -> None:
    """Ask about many notes at once, in a batch.

    submit and collect use the Batch API of the configured endpoint, at half the price at OpenAI
    and others. export and import do the same by files, in the format of that API, which vLLM's
    run-batch and other engines take, too. What comes back waits for your decision; nothing is
    written into a note.
    """


for _command in (export, import_):
    batch.add_command(_command)


@batch.command()
@job_options
@click.option("--yes", is_flag=True, help="Begin a large run at a remote endpoint unasked.")
@common_options
def submit(paths: Sequence[str], yes: bool, vault: Path | None, **options: Any) -> int:
    """Send questions to the endpoint's Batch API.

    It answers within a day. PATH are notes and folders, as in companion enrich; without one, it is
    the whole vault. As there, it says first what more than 50 notes may cost, and asks. The first
    note is asked about at once, at the usual price: that shows what the model takes. What an
    earlier call could not send is sent, too, and nothing is sent twice. companion batch collect
    takes the answers.
    """
    output = Output()
    with (
        open_session(vault, paths, output=output, from_daemon=True) as workspace,
        open_submission(workspace) as submission,
        open_similar(workspace) as similar,
    ):
        requested_paths = resolve_paths(workspace.root, paths)[0] if paths else [""]
        say_which_vault(workspace.root, output)
        scan = workspace.scan()
        asker = Asker(workspace, VaultContext(scan), similar)
        chosen = read_job_options(requested_paths, **options)
        jobs, skipped = choose_jobs(workspace, scan, chosen)
        report = RunReport(output)
        for result in skipped:
            report.print_result(NoteResult.of(result))
        submission.prepare()
        is_agreed = yes or not needs_agreement(workspace, jobs)
        if jobs and not is_agreed:
            is_agreed = output.agrees(describe_cost(asker, jobs, BATCH_SHARE), AGREE)
        if jobs and is_agreed:
            _prepare(asker, jobs, report)
        sent = sum(submission.send(each) for each in submission.list())
        if sent:
            output.say(f"{sent} sent. With the answers: companion batch collect", style="bold")
        elif not jobs:
            report.say_nothing_to_do(
                {} if chosen.all else count_left_alone(workspace, scan, chosen.paths)
            )
        return int(report.counts["failed"] > 0)


def _prepare(asker: Asker, jobs: Sequence[Job], report: RunReport) -> None:
    """Store what is to be sent, and print what became of notes that need no batch."""
    config, run = asker.workspace.config, new_run()
    with report.output.progress("Preparing", len(jobs)) as bar:
        if asker.similar:
            asker.similar.progress = bar.add_below("Comparing notes")
        with open_client(config, Event()) as client:
            first = ask_first(Enricher(asker, client, run), client, jobs)
        capabilities = client.capabilities
        if not capabilities.modes:  # it takes no JSON
            facts = asker.model._replace(mode="plain")
            asker = Asker(asker.workspace, asker.vault_context, asker.similar, facts)
        rest = make_submissions(asker, run, first.rest, capabilities)
        for result in chain(first.results, rest):
            report.counts[result.status] += 1
            if result.reason or result.left:
                report.print_result(NoteResult.of(result))
            bar.advance()


@batch.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a question.")
@common_options
def collect(as_json: bool, vault: Path | None) -> int:
    """Take the answers to what batch submit sent.

    As many as are there are taken. They are checked as any others, and become proposals, which wait
    for your decision. What failed or expired is asked for again by the next run. The provider's
    files are deleted.
    """
    output = Output(as_json=as_json)
    with (
        open_session(vault, output=output, from_daemon=True) as workspace,
        open_submission(workspace) as submission,
        open_similar(workspace) as similar,
    ):
        report = RunReport(output)
        reader = cache(partial(open_reader, workspace, similar))
        submission.prepare()
        batches = submission.list()
        for each in batches:
            submission.send(each)
        for each in submission.list():
            at_provider = submission.look_up(each)
            for result in submission.collect(each, at_provider, reader):
                report.add(NoteResult.of(result))
            if at_provider is None:
                continue
            if at_provider.failure:
                output.warn(f"{each.id}: the provider refused it: {at_provider.failure}")
                continue
            far = f"{at_provider.done:,} of {at_provider.total:,} answered"
            if at_provider.status in ENDED:
                far = count(at_provider.total, "question")
            output.say(f"{each.id}: {at_provider.status}, {far}")
        if not batches:
            output.say("No batches at the provider.")
        return int(report.counts["failed"] > 0)


_STEPS = {
    "making": "being written",
    "out": "waits for its answers",
    "cancelled": "given up",
    "ready": "not sent yet",
    "sending": "being sent",
    "sent": "at the provider",
    "collected": "answers taken",
    "done": "done",
}


class BatchShape(BaseModel):
    """A batch, as in `companion batch status --json`.

    file: where its questions are; null: at a provider. state: `making`, `out` or `cancelled`; of
    what is out at a provider, the step that it has reached. The numbers are of questions.
    """

    batch: str
    file: str | None
    state: str
    out: int
    answered: int
    failed: int
    cancelled: int


@batch.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a batch.")
@common_options
def status(as_json: bool, vault: Path | None) -> None:
    """List the vault's batches, and their answers.

    It counts how many of their questions are answered. It asks nobody: companion batch collect says
    how far the provider is.
    """
    output = Output(as_json=as_json)
    with open_session(vault, output=output, read_only=True) as workspace:
        store = workspace.journal.batches
        counted = [(each, store.count(each.id)) for each in store.all()]
        batches = [(each, counts) for each, counts in counted if any(counts)]  # others have no file
        for each, counts in batches:
            where = each.provider.address if each.provider else each.file
            step = each.provider.step if each.provider and each.state == "out" else each.state
            if as_json:
                shape = BatchShape(
                    batch=each.id,
                    file=None if each.provider else each.file,
                    state=step,
                    **counts._asdict(),
                )
                output.print_json(shape.model_dump())
            words = [f"{number:,} {name}" for name, number in counts._asdict().items() if number]
            output.say(f"{each.id}  {one_line(where)} ({_STEPS[step]}): {', '.join(words)}")
        if not batches:
            output.say("No batches.")


@batch.command()
@click.argument("batch", metavar="FILE|NAME")
@common_options
def cancel(batch: str, vault: Path | None) -> None:
    """Give up what is not answered yet of a batch.

    It may then be asked elsewhere. Named is the file that companion batch export wrote, or the name
    that companion batch status lists. A provider is told to stop; companion batch collect then
    takes what it had answered. A file stays; an answer that is imported all the same is taken where
    nobody was asked meanwhile.
    """
    output = Output()
    with open_session(vault, output=output, from_daemon=True) as workspace:
        path, batches = str(resolve_file(Path(batch))), workspace.journal.batches
        named = [each for each in batches.all() if batch == each.id or path == each.file]
        if not named:
            raise NotThere(f"{batch} is no batch of this vault; companion batch status lists them")
        match = named[-1]
        if match.provider is None:
            given_up = batches.cancel(match.id)
        else:
            with open_submission(workspace) as submission:
                given_up = submission.cancel(match)
            if not given_up:
                output.say(f"The provider stops {match.id}; companion batch collect ends it.")
                return
        output.say(f"{count(given_up, 'question')} of {batch} given up.")


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
        open_spending(config, share=BATCH_SHARE, space=workspace) as spending,
        BatchApi(config.endpoint) as api,
    ):
        yield Submission(workspace, api, spending)
