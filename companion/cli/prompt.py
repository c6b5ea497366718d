"""companion prompt: what would be sent to the model for a note, or what it gives for some."""

from __future__ import annotations

import json
from pathlib import Path

import click

from companion.app.open_vault import name_path
from companion.app.types.prompt import NotePrompt, PromptQuery
from companion.cli.output import Output
from companion.cli.session import (
    NOTE_PATH,
    common_options,
    find_session_vault,
    open_session_vault,
)
from companion.errors import UsageError

_MOST = 50  # notes that are tried, as many as are sent without consent


@click.command()
@click.argument("note", type=NOTE_PATH, metavar="NOTE")
@click.option("--section", metavar="HEADING", help="As for a callout under this heading.")
@click.option(
    "--try",
    "notes",
    type=click.IntRange(1, _MOST),
    metavar="N",
    help="Ask about the first N notes of NOTE that need anything, and show the answers.",
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
    """Show what a model would be sent for a note.

    It prints exactly what `companion enrich NOTE` would send, and where to. Nothing is sent, except
    with --try: then NOTE may be a folder, the model is asked, and its answers are shown with their
    tokens and seconds. Nothing is written or kept. --model and --prompts ask about the same notes
    again, to compare.
    """
    output = Output(as_json=as_json)
    if notes is None and (model or prompts):
        raise UsageError("--model and --prompts compare; say for how many notes, as --try 5")
    if notes and section is not None:
        raise UsageError("--section and --try do not go together; leave one of them out")
    if notes:
        from companion.cli.prompt_trial import try_prompts  # with all that asks a model

        root = find_session_vault(vault, [note], output)
        return try_prompts(root, output, note, notes, prompts, model)
    with open_session_vault(vault, [note], output=output, read_only=True) as opened:
        path = name_path(opened, note, Path.cwd())
        if not path or (opened.root / path).is_dir():
            raise UsageError(f"{path or '.'} is a folder; name a note, or ask for 5 with --try 5")
        _show(opened.prompt(PromptQuery.of(path=path, section=section)), output)
    return 0


def _show(prompt: NotePrompt, output: Output) -> None:
    """Print the calls, and remarks on them."""
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
