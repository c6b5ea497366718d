"""companion prompt --try: the answers of models for some notes; none of them is kept."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from companion.app.prompt_trial import Tried, TriedValue, open_prompt_trial
from companion.app.types.results import Usage
from companion.cli.interrupts import stop_on_signals
from companion.cli.model import fetch_model
from companion.cli.output import Output, count, one_line


def try_prompts(
    root: Path, output: Output, note: str, notes: int, prompts: Path | None, model: str | None
) -> int:
    """Ask for the first notes that need something, print what came of it; return the exit status.

    note: the note or folder, as it was typed. prompts, model: to compare with, if any.

    Raises UsageError, PromptError, EndpointError.
    """
    totals: dict[str, list[Tried]] = {}
    fetch = partial(fetch_model, output=output)
    with (
        open_prompt_trial(root, note, prompts, model, fetch, output.warn) as trial,
        stop_on_signals(output, trial.close) as stop,
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
        output.warn("nothing was asked, for none of these notes needs anything")
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
        f"{written} of {count(len(values), 'value')}, {usage.input_tokens:,} tokens in{cached},"
        f" {usage.output_tokens:,} out, {sum(each.seconds for each in tried):.1f} s"
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
