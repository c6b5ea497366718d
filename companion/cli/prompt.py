"""companion prompt: exactly what would be sent to the model for a note."""

from __future__ import annotations

import json
from pathlib import Path

import click

from companion.cli.output import Output
from companion.cli.session import NotePathType, common_options, open_session, resolve_path
from companion.enrich.asker import Asker
from companion.enrich.context import VaultContext
from companion.enrich.excerpt import CUT
from companion.enrich.model import describe_endpoint, model_facts
from companion.enrich.outcome import Accepted, Rejected
from companion.enrich.similar import open_similar
from companion.enrich.task import Job, Task, prepare_task
from companion.enrich.workspace import Workspace
from companion.errors import NoteRefused, UsageError
from companion.note.sections import Section
from companion.vault.files import skip_reason
from companion.vault.write import read_note


@click.command()
@click.argument("note", type=NotePathType(), metavar="NOTE")
@click.option("--section", metavar="HEADING", help="As for a callout under this heading.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a call.")
@common_options
def prompt(note: str, section: str | None, as_json: bool, vault: Path | None) -> None:
    """Output exactly what would be sent to the model for NOTE, and to which endpoint.

    It is what `companion enrich NOTE` would send. Nothing is sent now.
    """
    output = Output(as_json=as_json)
    with open_session(vault, [note], output=output, read_only=True) as workspace:
        path = resolve_path(workspace, note)
        if (workspace.root / path).is_dir():
            raise UsageError(
                f"{note} is a folder; name a note, for it is shown what is sent of one"
            )
        if reason := skip_reason(workspace.root, path, workspace.ignore):
            output.warn(f"{path}: nothing would be sent, for it is left alone: {reason}")
            return
        where = None if section is None else Section(section)
        task = _prepare(workspace, Job(path, explicit=True, retry=True, section=where))
        needs = (*task.needs, *(need for need, _ in task.proposed))
        if task.skipped or not needs:
            why = task.skipped or "it needs nothing"
            output.warn(f"{path}: nothing would be sent: {why}")
            return
        with open_similar(workspace, sends=False) as similar:
            known, model = VaultContext(workspace.scan()), model_facts(workspace.config)
            asker = Asker(workspace, known, model, similar)
            chosen = asker.choose_values(path, task.parsed, needs)
            calls, unaskable = asker.plan_calls(path, task.parsed, needs)
    for remark in (*map(_describe, chosen.outcomes), *(each.reason for each in unaskable)):
        output.warn(remark)
    shown = [message["content"] for call in calls for message in call.messages]
    if any(text.count(CUT) > task.parsed.note.text.count(CUT) for text in shown):
        output.warn(
            f"{path}: it is too long for the model; “{CUT}” stands where something is left out"
        )
    for call in calls:
        if as_json:
            output.print_json({"messages": call.messages, "schema": call.schema})
            continue
        output.say(f"To {describe_endpoint(workspace.config)}", style="bold")
        for message in call.messages:
            output.say(f"\n{message['role']}:", style="bold cyan")
            output.say(message["content"])
        if call.schema:
            output.say("\nanswer must fit:", style="bold cyan")
            output.say(json.dumps(call.schema, ensure_ascii=False, indent=2))


def _describe(outcome: Accepted | Rejected) -> str:
    """Return in words what similar notes decided."""
    found = f"{outcome.need.kind}: no model is asked; "
    if isinstance(outcome, Rejected):
        return found + outcome.reason
    value = outcome.filling.value
    return f"{found}similar notes have {value if isinstance(value, str) else ', '.join(value)}"


def _prepare(workspace: Workspace, job: Job) -> Task:
    """Return what is to be done to the note. Raises NoteError, which names the note."""
    try:
        return prepare_task(workspace, job, read_note(workspace.root, job.path).data)
    except NoteRefused as error:
        raise NoteRefused(error.reason, job.path, error.line) from None
