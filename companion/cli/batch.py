"""companion batch: ask about many notes through files, which another engine answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import click

from companion.app.batches import export_questions, read_answers
from companion.app.open_vault import open_space
from companion.app.types.runs import RunOptions
from companion.cli.enrich import RunReport
from companion.cli.output import Output, count
from companion.cli.session import (
    NOTE_PATH,
    common_options,
    find_session_vault,
    resolve_paths,
    work_options,
)


@click.group()
def batch() -> None:
    """Ask about many notes at once, through files.

    They have the format of OpenAI's Batch API, which other providers, vLLM's run-batch and other
    engines read, too. The answers wait for your decision; nothing is written into a note.
    """


@batch.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("paths", nargs=-1, type=NOTE_PATH, metavar="[PATH]...")
@click.option("--local", is_flag=True, help="Include private notes: the engine runs here.")
@work_options
@common_options
def export(
    file: Path, paths: Sequence[str], local: bool, vault: Path | None, force: bool, **options: Any
) -> int:
    """Write questions about notes into a file.

    FILE is a new file outside the vault. PATH is a note or folder, as in companion enrich; without
    one, the whole vault is meant. Nothing is sent. Until companion batch import has the answers,
    other runs do not ask the same questions, unless you name the note or use --retry. Private notes
    are left out without --local, because nobody knows where FILE goes.
    """
    output, target = Output(), file.parent.resolve() / file.name
    root, report = find_session_vault(vault, paths, output), RunReport(output)
    with open_space(root, reader="here" if local else "elsewhere", tell=output.warn) as space:
        chosen = RunOptions.of(
            paths=resolve_paths(root, paths) if paths else [""],
            mode="replace" if force else "fill",
            propose=True,
            **options,
        )
        run = export_questions(space, target, chosen)
        with output.progress("Exporting", run.total) as bar:
            for result in run:
                if result.counted:
                    report.counts[result.status] += 1
                    bar.advance()
                if result.reason or result.left:
                    report.print_result(result)
        if not run.total:
            report.say_nothing_to_do(run.left_alone)
        elif not target.exists():
            output.say("No question is to be asked, so there is no file.", style="bold")
        else:
            number = count(target.read_bytes().count(b"\n"), "question")
            model = space.config.endpoint.model
            output.say(f"{number} for {model} written to {target}", style="bold")
            output.say("With the answers: companion batch import ANSWERS")
    return int(report.counts["failed"] > 0)


@batch.command("import")
@click.argument("file", type=click.File("rb"))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a question.")
@common_options
def import_(file: BinaryIO, as_json: bool, vault: Path | None) -> int:
    """Read the answers to what batch export wrote.

    They are checked like any others, and become proposals that wait for your decision. FILE may
    have some of the answers, in any order. Lines that answer no open question of this vault are
    skipped, and you are told.
    """
    output, unknown = Output(as_json=as_json), 0
    root, report = find_session_vault(vault, (), output), RunReport(output)
    with open_space(root, tell=output.warn) as space:
        for each in read_answers(space, file):
            if each:
                report.add(each)
            unknown += each is None
    if unknown:
        output.warn(
            f"{count(unknown, 'line')} left out: no question of this vault waits for that answer"
            " (it was answered before, asked again since, or is not from this vault)"
        )
    words = [f"{report.counts[status]:,} {status}" for status in sorted(report.counts)]
    tokens = f"{count(report.usage.input_tokens, 'token')} in, {report.usage.output_tokens:,} out"
    output.say(f"{', '.join(words) or 'no answers'}. {tokens}.", style="bold")
    return int(bool(report.counts["failed"]))
