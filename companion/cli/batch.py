"""companion batch: ask about many notes at once, at a provider, or by files for other engines."""

from __future__ import annotations

from pathlib import Path

import click

from companion.cli.batch_files import export, import_, resolve_file
from companion.cli.batch_provider import collect, open_submission, submit
from companion.cli.output import Output, count, one_line
from companion.cli.session import common_options, open_session
from companion.enrich.workspace import Workspace
from companion.errors import UsageError
from companion.vault.batches import Batch


@click.group()
def batch() -> None:
    """Ask about many notes at once: at a provider, or by files for other engines.

    submit and collect use the Batch API of the configured endpoint, at half the price at OpenAI
    and others. export and import do the same by files, in the format of that API, which vLLM's
    run-batch and other engines take, too. What comes back waits for your decision; nothing is
    written into a note.
    """


for _command in (submit, collect, export, import_):
    batch.add_command(_command)


@batch.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a batch.")
@common_options
def status(as_json: bool, vault: Path | None) -> None:
    """List the batches of the vault, and how many of their questions are answered.

    It asks nobody: companion batch collect says how far the provider is.
    """
    output = Output(as_json=as_json)
    with open_session(vault, output=output, read_only=True) as workspace:
        store = workspace.journal.batches
        batches = store.all()
        for each in batches:
            counts = store.count(each.id)
            where = each.provider.address if each.provider else each.file
            step = each.provider.step if each.provider and each.state == "out" else each.state
            if as_json:
                file = None if each.provider else each.file
                shape = {"batch": each.id, "file": file, "state": step}
                output.print_json({**shape, **counts._asdict()})
                continue
            words = [f"{number:,} {name}" for name, number in counts._asdict().items() if number]
            output.say(f"{each.id}  {one_line(where)} [{step}]: {', '.join(words) or 'empty'}")
        if not batches:
            output.say("No batches.")


@batch.command()
@click.argument("batch", metavar="FILE|NAME")
@common_options
def cancel(batch: str, vault: Path | None) -> None:
    """Give up what is not answered yet of a batch: it may be asked elsewhere again.

    Named is the file that companion batch export wrote, or the name that companion batch status
    lists. A provider is told to stop; companion batch collect then takes what it had answered. A
    file stays; an answer that is imported all the same is taken where nobody was asked meanwhile.
    """
    output = Output()
    with open_session(vault, output=output) as workspace:
        found = _find_batch(workspace, batch)
        if found.provider is None:
            given_up = workspace.journal.batches.cancel(found.id)
        else:
            with open_submission(workspace) as submission:
                given_up = submission.cancel(found)
            if not given_up:
                output.say(f"The provider stops {found.id}; companion batch collect ends it.")
                return
        output.say(f"{count(given_up, 'question')} of {batch} given up.")


def _find_batch(workspace: Workspace, named: str) -> Batch:
    """Return the newest batch of that name or file. Raises UsageError if there is none."""
    path = str(resolve_file(Path(named)))
    batches = workspace.journal.batches.all()
    found = [each for each in batches if named == each.id or path == each.file]
    if not found:
        raise UsageError(f"{named} is no batch of this vault; companion batch status lists them")
    return found[-1]
