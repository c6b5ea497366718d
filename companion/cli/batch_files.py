"""companion batch export and import: questions in a file, which other engines answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import click

from companion.app.jobs import choose_jobs, count_left_alone
from companion.app.types.results import NoteResult
from companion.app.types.runs import Mode, RunOptions
from companion.cli.filters import join_options
from companion.cli.output import Output, count, one_line
from companion.cli.run_report import RunReport
from companion.cli.session import (
    NOTE_PATH,
    common_options,
    open_session,
    resolve_paths,
    say_which_vault,
)
from companion.enrich.asker import Asker
from companion.enrich.batch_calls import BatchMaker, BatchReader
from companion.enrich.context import VaultContext
from companion.enrich.run import new_run
from companion.enrich.similar import SimilarNotes, open_similar
from companion.enrich.task import Job
from companion.enrich.vault_settings import Reader
from companion.enrich.workspace import Workspace
from companion.errors import UsageError
from companion.llm.batch_api import read_line
from companion.private_files import new_private
from companion.vault.paths import is_in_vault

job_options = join_options(
    click.argument("paths", nargs=-1, type=NOTE_PATH, metavar="[PATH]..."),
    click.option("--all", "every", is_flag=True, help="In a folder: every note, not only stubs."),
    click.option(
        "--force", is_flag=True, help="Ask again for what Companion wrote, nobody edited."
    ),
    click.option("--retry", is_flag=True, help="Ask again what was undone, deleted or rejected."),
    click.option(
        "--limit",
        type=click.IntRange(min=1),
        metavar="N",
        help="At most N notes that need anything.",
    ),
)
"""Adds the arguments that say which notes are asked about, as in companion enrich."""


def read_job_options(
    paths: list[str], *, every: bool, force: bool, retry: bool, limit: int | None
) -> RunOptions:
    """Return what is asked for in which notes; all of it becomes proposals."""
    mode: Mode = "replace" if force else "fill"
    return RunOptions(paths=paths, all=every, mode=mode, retry=retry, limit=limit, propose=True)


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--local", is_flag=True, help="Private notes, too: the engine is on this machine.")
@job_options
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

    FILE is a new one outside the vault. PATH are notes and folders, as in companion enrich; without
    one, it is the whole vault. What is in FILE is not asked elsewhere until companion batch import
    has its answers, or companion batch cancel FILE gives it up. Nothing is sent. Private notes are
    left out without --local, for nobody knows where FILE goes.
    """
    output = Output(as_json=as_json)
    target = resolve_file(file)
    reader: Reader = "here" if local else "elsewhere"
    with open_session(vault, paths, output=output, reader=reader, from_daemon=True) as workspace:
        if is_in_vault(workspace.root, target):
            raise UsageError(f"{file} is in the vault; name a file outside of it")
        requested_paths = resolve_paths(workspace.root, paths)[0] if paths else [""]
        say_which_vault(workspace.root, output)
        vault_context = VaultContext(scan := workspace.scan())
        chosen = read_job_options(requested_paths, **options)
        jobs, skipped = choose_jobs(workspace, scan, chosen)
        report = RunReport(output)
        if not as_json:
            for result in skipped:
                report.print_result(NoteResult.of(result))
        if jobs:
            with open_similar(workspace) as similar:
                asker = Asker(workspace, vault_context, similar)
                exported = _Export(asker, report)
                exported.write(target, jobs)
                return int(exported.counts["failed"] > 0)
        report.say_nothing_to_do(
            {} if chosen.all else count_left_alone(workspace, scan, chosen.paths)
        )
        return 0


@dataclass
class _Export:
    """One export, as the user sees it. counts: of the notes' results, and of what is asked."""

    asker: Asker
    report: RunReport
    counts: Counter[str] = field(default_factory=Counter)

    def write(self, file: Path, jobs: Sequence[Job]) -> None:
        """Write the file, and print what is in it. Raises UsageError, JournalError."""
        name, journal = new_run(), self.asker.workspace.journal
        try:
            with new_private(file) as opened:
                journal.batches.begin(name, str(file), self.asker.model._asdict())
                self._write_lines(name, file, jobs, opened)
                if not self.counts["calls"]:
                    raise _NothingToAsk
                journal.flush()  # before anybody can have the file
            journal.batches.finish(name)
        except _NothingToAsk:
            journal.batches.cancel(name)
        except BaseException:
            journal.batches.cancel(name)
            raise
        notes, calls, failed = (self.counts[key] for key in ("notes", "calls", "failed"))
        if self.report.output.as_json:
            where = str(file) if calls else None
            self.report.output.print_json(
                {"batch": name, "file": where, "notes": notes, "calls": calls, "failed": failed}
            )
        if not calls:
            self.report.output.say("Nothing to ask, so there is no file.")
            return
        self.report.output.say(
            f"{count(calls, 'question')} about {count(notes, 'note')} for"
            f" {self.asker.model.name} are in {file}",
            style="bold",
        )
        self.report.output.say("With the answers: companion batch import ANSWERS")
        self.report.output.say(f"To give it up:    companion batch cancel {file}")

    def _write_lines(self, name: str, file: Path, jobs: Sequence[Job], opened: IO[bytes]) -> None:
        maker = BatchMaker(self.asker, name, str(file))
        with self.report.output.progress("Exporting", len(jobs)) as bar:
            if self.asker.similar:
                self.asker.similar.progress = bar.add_below("Comparing notes")
            for job in jobs:
                planned = maker.make(job)
                self.asker.workspace.journal.batches.add(name, planned.calls)
                opened.writelines(planned.lines)
                self.counts["calls"] += len(planned.calls)
                self.counts["notes"] += bool(planned.calls)
                result = planned.result
                self.counts[result.status] += 1
                has_more = result.reason or result.left or not planned.calls
                if not self.report.output.as_json and has_more:
                    self.report.print_result(NoteResult.of(result))
                bar.advance()


class _NothingToAsk(Exception):
    """No call was made, so that no file is to be left."""


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a question.")
@common_options
def import_(file: Path, as_json: bool, vault: Path | None) -> int:
    """Take the answers to what batch export wrote.

    They are checked as any others, and become proposals, which wait for your decision. FILE may
    have a part of the answers, in any order; what is in it twice, or was imported before, changes
    nothing. Lines that answer no question of this vault are left out, and said.
    """
    output = Output(as_json=as_json)
    with (
        open_session(vault, output=output, from_daemon=True) as workspace,
        open_similar(workspace) as similar,
    ):
        say_which_vault(workspace.root, output)
        report, reader = RunReport(output), open_reader(workspace, similar)
        number, refused = 0, Counter[bool]()
        try:
            for number, line in _read_lines(file):
                answer = read_line(line)
                if answer and (call := workspace.journal.batches.call(answer.id)):
                    report.add(NoteResult.of(reader.take(call, answer)))
                    continue
                why = "it is no line of answers"
                if answer:
                    why = f"{one_line(answer.id)[:80]} is no question of this vault's batches"
                if not refused[answer is None]:  # once of each kind, as of a wrong file all are
                    output.warn(f"line {number}: {why}; it is left out, as are others like it")
                refused[answer is None] += 1
        finally:
            workspace.journal.flush()
    if refused:
        output.warn(f"{count(refused.total(), 'line')} of {number:,} left out")
    words = [f"{report.counts[status]:,} {status}" for status in sorted(report.counts)]
    tokens = f"{report.usage.input_tokens:,} tokens in, {report.usage.output_tokens:,} out"
    output.say(f"{', '.join(words) or 'no answers'}. {tokens}.", style="bold")
    return int(bool(refused or report.counts["failed"]))


def open_reader(workspace: Workspace, similar: SimilarNotes | None) -> BatchReader:
    """Return what takes the answers to questions of batches, with the vault as it is now."""
    vault_context = VaultContext(workspace.scan())
    return BatchReader(workspace, lambda model: Asker(workspace, vault_context, similar, model))


def _read_lines(file: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of the file that are not blank, with their numbers. Raises UsageError."""
    try:
        with file.open("rb") as opened:
            for number, line in enumerate(opened, 1):
                if line.strip():
                    yield number, line
    except OSError as error:
        raise UsageError(f"{file} cannot be read ({error.strerror}); allow it") from None


def resolve_file(file: Path) -> Path:
    """Return the absolute path of a file that need not be there, its folder's links followed."""
    return file.parent.resolve() / file.name
