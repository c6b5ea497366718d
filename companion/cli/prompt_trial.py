"""companion prompt --try: what the model writes for some notes, beside another prompt or model."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from threading import Event
from typing import Any, NamedTuple

from companion.cli.interrupts import stop_on_signals
from companion.cli.model import fetch_model
from companion.cli.output import Output, count, one_line
from companion.config import config_folder
from companion.enrich.asker import Asker
from companion.enrich.context import VaultContext
from companion.enrich.model import describe_endpoint, model_facts, open_client
from companion.enrich.outcome import Accepted, NoteAnswers, Rejected
from companion.enrich.selection import JobOptions, choose_jobs
from companion.enrich.similar import open_similar
from companion.enrich.task import Job, prepare_task
from companion.enrich.workspace import Workspace, make_rules
from companion.errors import NoteError
from companion.llm.client import Client
from companion.llm.endpoint_errors import Cancelled
from companion.llm.response import Usage
from companion.prompts import load_prompts
from companion.vault.files import skip_reason
from companion.vault.write import read_note


class Other(NamedTuple):
    """What the configured prompts and model are compared with: a folder, a model, or both."""

    prompts: Path | None = None
    model: str | None = None


class _Side(NamedTuple):
    """One of the two that are compared. name: what is special about it, in words."""

    name: str
    workspace: Workspace
    asker: Asker
    client: Client


class _Tried(NamedTuple):
    """What a side gave for a note. seconds: how long that took."""

    side: str
    answers: NoteAnswers
    seconds: float


def try_prompts(workspace: Workspace, output: Output, path: str, notes: int, other: Other) -> int:
    """Ask for the first notes that need something, print what came of it; return the exit status.

    Nothing is written, and no answer is kept; only what the calls cost is counted. path: the note
    or folder, vault-relative; empty for the vault.

    Raises UsageError, PromptError, EndpointError.
    """
    scan, cancelled = workspace.scan(), Event()
    jobs, _ = choose_jobs(workspace, scan, [path], JobOptions(retry=True))
    totals: dict[str, list[_Tried]] = {}

    def close() -> None:
        for side in sides:
            side.client.close()

    with (
        _open_sides(workspace, VaultContext(scan), output, other, cancelled) as sides,
        stop_on_signals(output, cancelled, close) as stop,
    ):
        results = ((job.path, _try_note(sides, job, output, job.path == path)) for job in jobs)
        try:
            for path, tried in islice((each for each in results if each[1]), notes):
                _print(path, tried, output)
                for each in tried:
                    totals.setdefault(each.side, []).append(each)
        except Cancelled:
            return stop.exit_status
    if not totals:
        output.warn("nothing was asked, for none of these notes needs anything")
    output.say()
    for name, tried in totals.items():
        output.say(f"{name}: {_sum_up(tried)}", style="bold")
    return 0


@contextmanager
def _open_sides(
    workspace: Workspace, known: VaultContext, output: Output, other: Other, cancelled: Event
) -> Iterator[list[_Side]]:
    """Open what is asked: as it is configured, and the other one, if there is one.

    That has another model, or other prompts in place of the vault's own.
    """
    spaces = {"as configured": workspace}
    if other != Other():
        parts = {"model": other.model, "prompts in": other.prompts}
        name = " and ".join(f"{what} {value}" for what, value in parts.items() if value)
        config, prompts = workspace.config, workspace.prompts
        if other.model:
            endpoint = config.endpoint.model_copy(update={"model": other.model})
            config = config.model_copy(update={"endpoint": endpoint})
        if other.prompts:
            prompts = load_prompts(config_folder() / "prompts", other.prompts)
        rules = make_rules(config, prompts)
        spaces[name] = replace(workspace, config=config, prompts=prompts, rules=rules)
    with ExitStack() as opened:
        sides: list[_Side] = []
        for name, space in spaces.items():
            if sides and other.model is None:
                client = sides[0].client
            else:
                fetch_model(space.config, output)
                client = opened.enter_context(open_client(space.config, cancelled))
            similar = opened.enter_context(open_similar(space, sends=False))
            asker = Asker(space, known, model_facts(space.config), similar)
            sides.append(_Side(name, space, asker, client))
            output.say(f"{name}: {describe_endpoint(space.config)}", style="bold")
        yield sides


def _try_note(sides: Sequence[_Side], job: Job, output: Output, is_named: bool) -> list[_Tried]:
    """Return what the sides give for the note; nothing where it needs nothing or is left alone."""
    tried = []
    for side in sides:
        space = side.workspace
        reason = skip_reason(space.root, job.path, space.ignore)
        try:
            if reason is None:
                task = prepare_task(space, job, read_note(space.root, job.path).data)
                reason = task.skipped
        except NoteError as error:
            reason = str(error)
        if reason is not None:
            if is_named:
                output.warn(f"{job.path}: nothing was sent, for it is left alone: {reason}")
            return []
        if needs := (*task.needs, *(need for need, _ in task.proposed)):
            start = time.monotonic()
            answers = side.asker.ask(job.path, task.parsed, needs, side.client)
            tried.append(_Tried(side.name, answers, time.monotonic() - start))
    return tried


def _print(path: str, tried: Sequence[_Tried], output: Output) -> None:
    """Print the answers for a note: each need, and below it what each side gave."""
    if output.as_json:
        for each in tried:
            output.print_json({"path": path, **_object(each)})
        return
    output.say(f"\n{one_line(path)}", style="bold cyan")
    needs = {each.need.key: each.need for side in tried for each in side.answers.outcomes}
    for key, need in needs.items():
        place = need.question or need.heading
        output.say(f"  {need.kind}{f' ({place})' if place else ''}")
        for side in tried:
            for outcome in side.answers.outcomes:
                if outcome.need.key == key:
                    said = describe_value(outcome)
                    if isinstance(outcome, Rejected):
                        said = f"nothing: {said}"
                    elif outcome.flags:
                        said += f" ({', '.join(outcome.flags)})"
                    output.say(f"    {side.side}: {said}")
    for each in tried:
        output.say(f"  {each.side}: {_sum_up([each])}")


def describe_value(outcome: Accepted | Rejected) -> str:
    """Return the value in words; of none, why."""
    if isinstance(outcome, Rejected):
        return outcome.reason
    value = outcome.filling.value
    return value if isinstance(value, str) else ", ".join(value)


def _sum_up(tried: Sequence[_Tried]) -> str:
    """Return in words what came of the needs, and what that took."""
    usage = sum((each.answers.usage for each in tried), Usage())
    written = sum(len(each.answers.accepted) for each in tried)
    needs = sum(len(each.answers.outcomes) for each in tried)
    cached = f" ({usage.cached_tokens:,} from the cache)" if usage.cached_tokens else ""
    return (
        f"{written} of {count(needs, 'value')}, {usage.input_tokens:,} tokens in{cached},"
        f" {usage.output_tokens:,} out, {sum(each.seconds for each in tried):.1f} s"
    )


def _object(tried: _Tried) -> dict[str, Any]:
    usage = tried.answers.usage
    return {
        "side": tried.side,
        "answers": [
            {
                "kind": each.need.kind,
                "heading": each.need.heading,
                "value": each.filling.value if isinstance(each, Accepted) else None,
                "flags": list(each.flags) if isinstance(each, Accepted) else [],
                "reason": each.reason if isinstance(each, Rejected) else None,
            }
            for each in tried.answers.outcomes
        ],
        "input_tokens": usage.input_tokens,
        "cached_tokens": usage.cached_tokens,
        "output_tokens": usage.output_tokens,
        "seconds": round(tried.seconds, 1),
    }
