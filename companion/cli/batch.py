"""companion batch: ask about many notes at once, at a provider or through files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from companion.app.batches import Batches, BatchRun, UnknownLine, open_batches
from companion.app.open_vault import stand_aside
from companion.app.types.runs import NoteResult, RunOptions
from companion.cli.enrich import RunReport, agrees_to_send, show_waits
from companion.cli.filters import work_options
from companion.cli.output import Output, count, one_line
from companion.cli.session import (
    NOTE_PATH,
    common_options,
    find_session_vault,
    resolve_paths,
    say_which_vault,
)
from companion.errors import ConsentMissing


@click.group()
def batch() -> None:
    """Ask about many notes at once, in a batch.

    submit and collect use the Batch API of the configured endpoint, at half the price at OpenAI and
    others. export and import do the same through files, in the format of that API, which vLLM's
    run-batch and other engines also read. The answers wait for your decision; nothing is written
    into a note.
    """


_paths = click.argument("paths", nargs=-1, type=NOTE_PATH, metavar="[PATH]...")


@batch.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--local", is_flag=True, help="Include private notes: the engine runs here.")
@_paths
@work_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@common_options
def export(
    file: Path,
    paths: Sequence[str],
    local: bool,
    as_json: bool,
    vault: Path | None,
    **options: Any,
) -> int:
    """Write questions about notes into a file.

    FILE is a new file outside the vault. PATH is a note or folder, as in companion enrich; without
    one, the whole vault is meant. The questions in FILE are not asked elsewhere until companion
    batch import has their answers, or companion batch cancel FILE gives them up. Nothing is sent.
    Private notes are left out without --local, because nobody knows where FILE goes.
    """
    output, target = Output(as_json=as_json), _resolve_file(file)
    reader = "here" if local else "elsewhere"
    with _open(vault, output, paths, reader=reader) as batches:
        run = batches.export(target, _read_options(batches, output, paths, **options))
        report = _follow(run, output, "Exporting")
        failed = report.counts["failed"]
        if as_json and run.total:
            where = str(target) if run.calls else None
            told = {"batch": run.id, "file": where, "notes": run.notes, "calls": run.calls}
            output.print_json(told | {"failed": failed})
        if run.calls:
            output.say(
                f"{count(run.calls, 'question')} about {count(run.notes, 'note')} for"
                f" {run.model} written to {target}",
                style="bold",
            )
            output.say("With the answers: companion batch import ANSWERS")
            output.say(f"To give it up:    companion batch cancel {target}")
        elif run.total:
            why = "No question was written" if failed else "Nothing needs to be asked"
            output.say(f"{why}, so there is no file and no batch.", style="bold")
            output.say("The lines above say why, note by note, and what would help.")
            if report.counts["proposed"]:
                output.say("To look through what is proposed: companion review")
    return int(failed > 0)


@batch.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a question.")
@common_options
def import_(file: Path, as_json: bool, vault: Path | None) -> int:
    """Read the answers to what batch export wrote.

    They are checked like any others, and become proposals that wait for your decision. FILE may
    have some of the answers, in any order; answers that come twice, or were imported before, change
    nothing. Lines that answer no question of this vault are skipped, and you are told.
    """
    output = Output(as_json=as_json)
    report, unknown_lines = RunReport(output), Counter[bool]()
    with _open(vault, output) as batches:
        say_which_vault(batches.root, output)
        for each in batches.read_answers(file):
            if not isinstance(each, UnknownLine):
                report.add(each)
                continue
            why = "it is not a line of answers"
            if each.id is not None:
                why = f"{one_line(each.id)[:80]} is not a question from this vault's batches"
            if not unknown_lines[each.id is None]:  # once of each kind, as of a wrong file all are
                output.warn(f"line {each.number}: {why}; it is left out, as are others like it")
            unknown_lines[each.id is None] += 1
    if unknown_lines:
        output.warn(f"{count(unknown_lines.total(), 'line')} of {batches.lines:,} left out")
    words = [f"{report.counts[status]:,} {status}" for status in sorted(report.counts)]
    tokens = f"{count(report.usage.input_tokens, 'token')} in, {report.usage.output_tokens:,} out"
    output.say(f"{', '.join(words) or 'no answers'}. {tokens}.", style="bold")
    return int(bool(unknown_lines or report.counts["failed"]))


@batch.command()
@_paths
@work_options
@click.option("--yes", is_flag=True, help="Do not ask before many notes are sent elsewhere.")
@common_options
def submit(paths: Sequence[str], yes: bool, vault: Path | None, **options: Any) -> int:
    """Send questions to the endpoint's Batch API.

    It answers within a day. PATH is a note or folder, as in companion enrich; without one, the
    whole vault is meant. For more than 50 notes, you are told what they may cost, and asked. The
    first note is asked about at once, at the usual price, to see what the model accepts. Questions
    that an earlier call could not send are sent, too, and nothing is sent twice. companion batch
    collect fetches the answers.
    """
    output = Output()
    with _open(vault, output, paths) as batches:
        chosen = _read_options(batches, output, paths, agreed=yes, **options)
        try:
            run = batches.submit(chosen)
        except ConsentMissing as cost:
            if not agrees_to_send(cost, output):
                return 0
            run = batches.submit(chosen.model_copy(update={"agreed": True}))
        report = _follow(run, output, "Preparing")
        with batches.at_provider() as provider:
            sent = provider.send()
        if sent:
            output.say(f"{sent} sent. With the answers: companion batch collect", style="bold")
    return int(report.counts["failed"] > 0)


@batch.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a question.")
@common_options
def collect(as_json: bool, vault: Path | None) -> int:
    """Fetch the answers to what batch submit sent.

    It fetches the answers that are ready. They are checked like any others, and become proposals
    that wait for your decision. Questions that failed or expired are asked again by the next run.
    The provider's files are deleted.
    """
    output = Output(as_json=as_json)
    report, has_batches = RunReport(output), False
    with _open(vault, output) as batches, batches.at_provider() as provider:
        provider.send()
        for each in provider.collect():
            has_batches = True
            if isinstance(each, NoteResult):
                report.add(each)
                continue
            name, there = each
            if there.failure:
                output.warn(f"{name}: {there.failure}")
                continue
            far = f"{there.done:,} of {there.total:,} answered"
            far = count(there.total, "question") if there.has_ended else far
            output.say(f"{name}: {there.status}, {far}")
    if not has_batches:
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


@batch.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a batch.")
@common_options
def status(as_json: bool, vault: Path | None) -> None:
    """List the vault's batches, and their answers.

    It shows how many of their questions are answered. It asks no provider; companion batch collect
    does.
    """
    output = Output(as_json=as_json)
    with open_batches(find_session_vault(vault, (), output), read_only=True) as batches:
        shapes = batches.all()
    for each in shapes:
        if as_json:
            output.print_json(each.model_dump())
        names = ("out", "answered", "failed", "cancelled")
        words = [f"{number:,} {name}" for name in names if (number := getattr(each, name))]
        where = f"{one_line(each.where)} ({_STEPS[each.state]})"
        output.say(f"{each.batch}  {where}: {', '.join(words)}")
    if not shapes:
        output.say("No batches.")


@batch.command()
@click.argument("batch", metavar="FILE|NAME")
@common_options
def cancel(batch: str, vault: Path | None) -> None:
    """Give up the unanswered questions of a batch.

    They may then be asked elsewhere. Give the file that companion batch export wrote, or the name
    that companion batch status shows. A provider is told to stop; companion batch collect then
    fetches the answers it had. A file stays; answers that you import later are used for notes that
    were not asked about in the meantime.
    """
    output = Output()
    with _open(vault, output) as batches:
        name, questions = batches.cancel(batch, _resolve_file(Path(batch)))
    if questions is None:
        output.say(f"The provider stops {name}; companion batch collect ends it.")
    else:
        output.say(f"{count(questions, 'question')} of {batch} given up.")


@contextmanager
def _open(
    vault: Path | None, output: Output, paths: Sequence[str] = (), **options: Any
) -> Iterator[Batches]:
    """Open the batches of the vault, while its daemon stands aside; options: open_batches'."""
    root = find_session_vault(vault, paths, output)
    if patience := stand_aside(root):
        output.say("The daemon stands aside until this is done.", style="dim")
    with open_batches(root, patience=patience, tell=output.warn, **options) as batches:
        yield batches


def _read_options(
    batches: Batches, output: Output, paths: Sequence[str], *, force: bool, **options: Any
) -> RunOptions:
    """Return which needs of which notes to ask for, all as proposals. Prints which vault it is."""
    requested_paths = resolve_paths(batches.root, paths)[0] if paths else [""]
    say_which_vault(batches.root, output)
    mode = "replace" if force else "fill"
    return RunOptions.of(paths=requested_paths, mode=mode, propose=True, **options)


def _follow(run: BatchRun, output: Output, what: str) -> RunReport:
    """Carry out the run, and print the results of notes without a question."""
    report = RunReport(output)
    output.warn(*run.warnings)
    with output.progress(what, run.total) as bar:
        run.tell = show_waits(output, bar)
        for result in run:
            if result.counted:
                report.counts[result.status] += 1
                bar.advance()
            if not output.as_json and (result.reason or result.left):
                report.print_result(result)
    if not run.total:
        report.say_nothing_to_do(run.left_alone)
    return report


def _resolve_file(file: Path) -> Path:
    """Return the absolute path of a file that may not exist, its folder's links followed."""
    return file.parent.resolve() / file.name
