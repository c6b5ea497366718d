"""companion prompt --try: what models give for some notes, of which nothing is kept."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from threading import Event
from typing import Any, NamedTuple

from companion.app.jobs import choose_jobs
from companion.app.prompt import describe_value
from companion.app.types.runs import RunOptions
from companion.cli.interrupts import stop_on_signals
from companion.cli.model import fetch_model
from companion.cli.output import Output, count, one_line
from companion.config import config_folder
from companion.enrich.asker import Asker
from companion.enrich.context import VaultContext
from companion.enrich.model import describe_endpoint, open_client
from companion.enrich.note_guard import NoteGuard
from companion.enrich.outcome import Accepted, NoteAnswers, Rejected
from companion.enrich.similar import open_similar
from companion.enrich.task import Job, prepare_task
from companion.enrich.vault_settings import VaultSettings
from companion.enrich.workspace import Workspace
from companion.errors import NoteError
from companion.llm.client import Client
from companion.llm.endpoint_errors import Cancelled
from companion.llm.response import Usage
from companion.prompts import load_prompts
from companion.vault.files import skip_reason
from companion.vault.write import read_note


def try_prompts(
    workspace: Workspace,
    output: Output,
    path: str,
    notes: int,
    prompts: Path | None,
    model: str | None,
) -> int:
    """Ask for the first notes that need something, print what came of it; return the exit status.

    Nothing is written, and no answer is kept; only what the calls cost is counted. path: the note
    or folder, vault-relative; empty for the vault. prompts, model: to compare with, if any.

    Raises UsageError, PromptError, EndpointError.
    """
    spaces = {"as configured": workspace, **_change_space(workspace, prompts, model)}
    scan, cancelled = workspace.scan(), Event()
    jobs, _ = choose_jobs(workspace, scan, RunOptions(paths=[path], retry=True))
    totals: dict[str, list[_Tried]] = {}

    def close() -> None:
        cancelled.set()
        for side in sides:
            side.client.close()

    with (
        _open_sides(spaces, VaultContext(scan), output, cancelled) as sides,
        stop_on_signals(output, close) as stop,
    ):
        results = ((job.path, _try_note(sides, job, output, job.path == path)) for job in jobs)
        try:
            for name, tried in islice((each for each in results if each[1]), notes):
                _print_tried(name, tried, output)
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


class _Side(NamedTuple):
    """One of the two that are compared. name: in words, how it is set up."""

    name: str
    asker: Asker
    client: Client


class _Tried(NamedTuple):
    """What a side gave for a note. seconds: how long that took."""

    side: str
    answers: NoteAnswers
    seconds: float


def _change_space(
    workspace: Workspace, folder: Path | None, model: str | None
) -> dict[str, Workspace]:
    """Return the vault with another model, or the prompts of a folder in place of its own.

    It is named for what is other about it; nothing if that is nothing.
    """
    prompts, names = None, []
    if model:
        names.append(f"model {model}")
    if folder:
        names.append(f"prompts in {folder}")
        types = dict(workspace.ignore.obsidian.property_types)
        prompts = load_prompts(config_folder() / "prompts", folder, types=types)
    if not names:
        return {}

    def adapt(own: VaultSettings) -> VaultSettings:
        config = own.config
        if model:
            endpoint = config.endpoint.model_copy(update={"model": model})
            config = config.model_copy(update={"endpoint": endpoint})
        return own.with_model(config, prompts or own.prompts)

    return {" and ".join(names): replace(workspace, adapt=adapt)}


@contextmanager
def _open_sides(
    spaces: Mapping[str, Workspace], vault_context: VaultContext, output: Output, cancelled: Event
) -> Iterator[list[_Side]]:
    """Open the models that are asked. Those that differ in prompts alone share a client."""
    with ExitStack() as opened:
        sides: list[_Side] = []
        for name, space in spaces.items():
            if sides and space.config is sides[0].asker.workspace.config:
                client = sides[0].client
            else:
                fetch_model(space.config, output)
                client = opened.enter_context(open_client(space.config, cancelled, space=space))
            similar = opened.enter_context(open_similar(space, sends=False))
            sides.append(_Side(name, Asker(space, vault_context, similar), client))
            output.say(f"{name}: {describe_endpoint(space.config)}", style="bold")
        yield sides


def _try_note(sides: Sequence[_Side], job: Job, output: Output, is_named: bool) -> list[_Tried]:
    """Return what the sides give for the note; nothing where it needs nothing or is left alone."""
    tried = []
    for side in sides:
        space = side.asker.workspace
        space.refresh()
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
        if task.all_needs:
            start = time.monotonic()
            guard = NoteGuard(space, job, task, lambda: job.path, Event())
            try:
                answers = side.asker.ask(
                    job.path, task.parsed, task.all_needs, side.client, guard=guard
                )
            except NoteError as error:
                output.warn(str(error))
                return []
            tried.append(_Tried(side.name, answers, time.monotonic() - start))
    return tried


def _print_tried(path: str, tried: Sequence[_Tried], output: Output) -> None:
    """Print the answers for a note: each need, and below it what each side gave."""
    if output.as_json:
        for each in tried:
            output.print_json({"path": path, **_object(each)})
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


def _sum_up(tried: Sequence[_Tried]) -> str:
    """Return in words the outcomes for the needs, and their cost."""
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
