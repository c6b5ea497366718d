"""companion prompt: exactly what would be sent to the model for a note."""

from __future__ import annotations

import json
from pathlib import Path

import click

from companion.cli.output import Output
from companion.cli.prompt_trial import Other, describe_value, try_prompts
from companion.cli.session import NotePathType, common_options, open_session, resolve_path
from companion.enrich.asker import Asker
from companion.enrich.context import VaultContext
from companion.enrich.excerpt import CUT
from companion.enrich.model import ASK_FROM, describe_endpoint, model_facts
from companion.enrich.model_calls import ModelCall
from companion.enrich.outcome import Rejected
from companion.enrich.similar import open_similar
from companion.enrich.task import Job, prepare_task
from companion.enrich.workspace import Workspace
from companion.errors import NoteRefused, UsageError
from companion.note.outline import Section
from companion.vault.files import skip_reason
from companion.vault.write import read_note


@click.command()
@click.argument("note", type=NotePathType(), metavar="NOTE")
@click.option("--section", metavar="HEADING", help="As for a callout under this heading.")
@click.option(
    "--try",
    "notes",
    type=click.IntRange(1, ASK_FROM),
    metavar="N",
    help="Ask, and show what comes of it, for the first N notes of NOTE that need anything.",
)
@click.option("--model", metavar="NAME", help="With --try: compare with this model.")
@click.option(
    "--prompts",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="With --try: compare with these prompts, in place of the vault's _companion/prompts.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a call.")
@common_options
def prompt(
    note: str,
    section: str | None,
    notes: int | None,
    model: str | None,
    prompts: Path | None,
    as_json: bool,
    vault: Path | None,
) -> int:
    """Output exactly what would be sent to the model for NOTE, and to which endpoint.

    It is what `companion enrich NOTE` would send. Nothing is sent now, but with --try: then NOTE
    may be a folder, the model is asked, and what it gives is shown with its tokens and seconds.
    Nothing is written or kept. A model or prompts to compare with are asked for the same notes.
    """
    output = Output(as_json=as_json)
    if notes is None and (model or prompts):
        raise UsageError("--model and --prompts compare; say for how many notes, as --try 5")
    if notes and section is not None:
        raise UsageError("--section and --try do not go together; leave one of them out")
    with open_session(vault, [note], output=output, read_only=True) as workspace:
        path = resolve_path(workspace, note)
        if notes:
            return try_prompts(workspace, output, path, notes, Other(prompts, model))
        _show(workspace, output, path, section)
    return 0


def _show(workspace: Workspace, output: Output, path: str, section: str | None) -> None:
    """Print the calls for the note at path. Raises UsageError, NoteError."""
    if (workspace.root / path).is_dir():
        raise UsageError(f"{path or '.'} is a folder; name a note, or ask for 5 with --try 5")
    if reason := skip_reason(workspace.root, path, workspace.ignore):
        output.warn(f"{path}: nothing would be sent, for it is left alone: {reason}")
        return
    where = None if section is None else Section(section)
    job = Job(path, explicit=True, retry=True, section=where)
    try:
        task = prepare_task(workspace, job, read_note(workspace.root, path).data)
    except NoteRefused as error:
        raise NoteRefused(error.reason, path, error.line) from None
    needs = (*task.needs, *(need for need, _ in task.proposed))
    if task.skipped or not needs:
        why = task.skipped or "it needs nothing"
        output.warn(f"{path}: nothing would be sent: {why}")
        return
    with open_similar(workspace, sends=False) as similar:
        known, model = VaultContext(workspace.scan()), model_facts(workspace.config)
        asker = Asker(workspace, known, model, similar)
        calls, outcomes = asker.plan(path, task.parsed, needs)
    for outcome in outcomes:
        if outcome.asked:  # or would be: why it cannot be
            output.warn(describe_value(outcome))
            continue
        found = "" if isinstance(outcome, Rejected) else "similar notes have "
        output.warn(f"{outcome.need.kind}: no model is asked; {found}{describe_value(outcome)}")
    shown = [message["content"] for call in calls for message in call.messages]
    if any(text.count(CUT) > task.parsed.note.text.count(CUT) for text in shown):
        output.warn(
            f"{path}: it is too long for the model; “{CUT}” stands where something is left out"
        )
    for call in calls:
        _print_call(call, output, describe_endpoint(workspace.config))


def _print_call(call: ModelCall, output: Output, endpoint: str) -> None:
    if output.as_json:
        output.print_json({"messages": call.messages, "schema": call.schema})
        return
    output.say(f"To {endpoint}", style="bold")
    for message in call.messages:
        output.say(f"\n{message['role']}:", style="bold cyan")
        output.say(message["content"])
    if call.schema:
        output.say("\nanswer must fit:", style="bold cyan")
        output.say(json.dumps(call.schema, ensure_ascii=False, indent=2))
