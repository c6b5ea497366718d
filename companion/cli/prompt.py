"""companion prompt: what would be sent to the model for a note, or its answers for some."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click

from companion.app.open_vault import name_path, open_space
from companion.app.trials import Tried, TriedValue, open_prompt_trial
from companion.app.types.notes import NotePrompt, PromptQuery
from companion.app.types.runs import Usage
from companion.cli.model import fetch_model
from companion.cli.output import Output, count, one_line
from companion.cli.session import (
    NOTE_PATH,
    StopSignals,
    common_options,
    find_session_vault,
    open_session_vault,
)
from companion.errors import UsageError

_MOST = 50  # notes that are tried, as many as are sent without consent


@click.command()
@click.argument("note", type=NOTE_PATH, metavar="NOTE")
@click.option(
    "--section", metavar="HEADING", help="Show the prompt for a callout under this heading."
)
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
        raise UsageError("--model and --prompts compare; add the number of notes, such as --try 5")
    if notes and section is not None:
        raise UsageError("--section and --try do not go together; leave one of them out")
    if notes:
        root = find_session_vault(vault, [note], output)
        return _try_prompts(root, output, note, notes, prompts, model)
    with open_session_vault(vault, [note], output=output, read_only=True) as opened:
        path = name_path(opened, note, Path.cwd())
        if not path or (opened.root / path).is_dir():
            raise UsageError(f"{path or '.'} is a folder; name a note, or try 5 with --try 5")
        _show(opened.prompt(PromptQuery.of(path=path, section=section)), output)
    return 0


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


def _try_prompts(
    root: Path, output: Output, note: str, notes: int, prompts: Path | None, model: str | None
) -> int:
    """Ask about the first notes that need something, print the answers; return the exit status.

    note: the note or folder, as it was typed. prompts, model: to compare with, if any.

    Raises UsageError, PromptError, EndpointError.
    """
    totals: dict[str, list[Tried]] = {}
    fetch = partial(fetch_model, output=output)
    with (
        open_space(root, read_only=True, tell=output.warn) as space,
        open_prompt_trial(space, note, prompts, model, fetch, output.warn) as trial,
        StopSignals(output, trial.close) as stop,
    ):
        for name, endpoint in trial.sides.items():
            output.say(f"{name}: {endpoint}", style="bold")
        for path, tried in trial.first(notes):
            _print_tried(path, tried, output)
            for each in tried:
                totals.setdefault(each.side, []).append(each)
    if stop.exit_status:
        return stop.exit_status
    if not totals:
        output.warn("nothing was asked, since none of these notes needs anything")
    output.say()
    for name, tried in totals.items():
        output.say(f"{name}: {_sum_up(tried)}", style="bold")
    return 0


def _print_tried(path: str, tried: Sequence[Tried], output: Output) -> None:
    """Print the answers for a note: each need, and below it the answer of each side."""
    if output.as_json:
        for each in tried:
            output.print_json({"path": path, **_object(each)})
    output.say(f"\n{one_line(path)}", style="bold cyan")
    needs = {value.need: value for side in tried for value in side.values}
    for key, need in needs.items():
        place = need.question or need.heading
        output.say(f"  {need.kind}{f' ({place})' if place else ''}")
        for side in tried:
            for value in side.values:
                if value.need == key:
                    output.say(f"    {side.side}: {_describe(value)}")
    for each in tried:
        output.say(f"  {each.side}: {_sum_up([each])}")


def _describe(value: TriedValue) -> str:
    if value.value is None:
        return f"nothing: {value.words}"
    return value.words + (f" ({', '.join(value.flags)})" if value.flags else "")


def _sum_up(tried: Sequence[Tried]) -> str:
    """Return in words the outcomes for the needs, and their cost."""
    usage = sum((each.usage for each in tried), Usage())
    values = [value for each in tried for value in each.values]
    written = sum(value.value is not None for value in values)
    cached = f" ({usage.cached_tokens:,} from the cache)" if usage.cached_tokens else ""
    return (
        f"{written} of {count(len(values), 'value')}, {count(usage.input_tokens, 'token')}"
        f" in{cached}, {usage.output_tokens:,} out, {sum(each.seconds for each in tried):.1f} s"
    )


def _object(tried: Tried) -> dict[str, object]:
    names = ("kind", "heading", "value", "flags", "reason")
    return {
        "side": tried.side,
        "answers": [{name: getattr(value, name) for name in names} for value in tried.values],
        "input_tokens": tried.usage.input_tokens,
        "cached_tokens": tried.usage.cached_tokens,
        "output_tokens": tried.usage.output_tokens,
        "seconds": round(tried.seconds, 1),
    }
