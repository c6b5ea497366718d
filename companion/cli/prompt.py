"""companion prompt: what would be sent to the model for a note."""

from __future__ import annotations

import json
from pathlib import Path

import click

from companion.app.open_vault import name_path
from companion.app.types.notes import NotePrompt, PromptQuery
from companion.cli.output import Output
from companion.cli.session import (
    NOTE_PATH,
    common_options,
    open_session_vault,
)
from companion.errors import UsageError


@click.command()
@click.argument("note", type=NOTE_PATH, metavar="NOTE")
@click.option(
    "--section", metavar="HEADING", help="Show the prompt for a callout under this heading."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a call.")
@common_options
def prompt(note: str, section: str | None, as_json: bool, vault: Path | None) -> None:
    """Show what a model would be sent for a note.

    It prints exactly what `companion enrich NOTE` would send, and where to. Nothing is sent.
    """
    output = Output(as_json=as_json)
    with open_session_vault(vault, [note], output=output) as opened:
        path = name_path(opened, note, Path.cwd())
        if not path or (opened.root / path).is_dir():
            raise UsageError(f"{path or '.'} is a folder; name a note")
        _show(opened.prompt(PromptQuery.of(path=path, section=section)), output)


def _show(prompt: NotePrompt, output: Output) -> None:
    output.warn(*prompt.remarks)
    for call in prompt.calls:
        if output.as_json:
            output.print_json(call.model_dump(by_alias=True))
        output.say(f"To {prompt.endpoint}", style="bold")
        for message in call.messages:
            output.say(f"\n{message['role']}:", style="bold cyan")
            output.say(message["content"])
        if call.answer_schema:
            output.say("\nanswer must fit:", style="bold cyan")
            output.say(json.dumps(call.answer_schema, ensure_ascii=False, indent=2))
