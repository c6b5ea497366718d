"""companion model: the models that can run on this machine, fetching them, and trying them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import click
from rich.filesize import decimal

from companion.app.trials import NoteTrial, open_model_trial
from companion.cli.output import Output, one_line
from companion.cli.session import NOTE_PATH, common_options, load_vault, warn_of_restart
from companion.config import Config, load_config
from companion.config.edit_settings import Choices, EndpointChoice, change_settings, find_place
from companion.errors import NotThere, UsageError
from companion.llm.catalog import DEFAULT_MODEL, find_model, list_models, model_path
from companion.vault.paths import relative_path


@click.group()
def model() -> None:
    """List, fetch and try models."""


@model.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a model.")
def list_(as_json: bool) -> None:
    """List models, and which are on this machine."""
    output = Output(as_json=as_json)
    for listed in list_models():
        name, size, where = listed.model.name, listed.model.size, listed.path
        if as_json:
            path = str(where) if where else None
            output.print_json({"name": name, "bytes": size, "path": path})
        state = "on this machine" if where else "not fetched"
        tier = listed.model.tier
        measured = "; not measured yet" if tier and not tier.measured else ""
        output.say(
            f"{name:<18} {decimal(size) if size else '?':>8}  {state:<16}"
            f" {listed.model.title}{measured}"
        )


@model.command()
@click.argument("name", required=False)
def pull(name: str | None) -> None:
    """Download a model, or resume its download.

    It is downloaded once. Without NAME, it is the configured one. NAME is one from `companion model
    list`, or a GGUF file at Hugging Face: owner/repository/file.gguf.
    """
    output = Output()
    name = name or _configured_name(load_config())
    path = model_path(name) or _pull(name, output)
    output.say(str(path))


@model.command()
@click.argument("name", required=False)
def path(name: str | None) -> None:
    """Print where a model's file is.

    Without NAME, the configured model's.
    """
    name = name or _configured_name(load_config())
    if (path := model_path(name)) is None:
        raise NotThere(f"the model {name} is not on this machine; companion model pull fetches it")
    click.echo(str(path))


@model.command("try")
@click.argument("name")
@click.argument("notes", nargs=-1, type=NOTE_PATH, metavar="[NOTE]...")
@common_options
def try_(name: str, notes: Sequence[str], vault: Path | None) -> None:
    """Compare a model with yours on notes of the vault.

    Both write for the same notes, or for one that needs something, and nothing is kept. Then you
    choose. NAME is one from `companion model list`, a GGUF file here or at Hugging Face, or another
    model of the configured API.
    """
    output = Output()
    root, config = load_vault(vault, notes)
    # the models' words are compared, so that a sentence of the note is no answer
    words = config.notes.model_copy(update={"own_sentence": False})
    config = config.model_copy(update={"notes": words})
    configs = [config, _with_model(config, name)]
    paths: list[str | None] = [relative_path(root, note, Path.cwd()) for note in notes] or [None]
    trials: list[dict[str, NoteTrial]] = []
    for each in configs:
        fetch_model(each, output)
        output.say(f"Asking {each.describe_endpoint()}")
        tried = _try_on_notes(root, each, paths, output)
        trials.append({trial.path: trial for trial in tried})
        if not trials[-1]:
            raise NotThere("no note was tried; name one that needs something")
        paths = list(trials[-1])
    for path in trials[-1]:  # which the first model wrote for, too
        output.say(f"\n{one_line(path)}", style="bold")
        for each, by_path in zip(configs, trials, strict=True):
            trial = by_path[path]
            print_trial(trial, f"{each.endpoint.model} ({trial.seconds:.1f} s):", output)
    output.say("\nThe notes stay as they are.")
    _choose(root, configs, output)


def _with_model(config: Config, name: str) -> Config:
    """Return the configuration with a model on this machine, or another one of its API."""
    endpoint = config.endpoint
    try:
        endpoint = endpoint.model_copy(update={"base_url": None, "model": find_model(name).name})
    except UsageError:
        if config.is_embedded:
            raise
        endpoint = endpoint.model_copy(update={"model": name})
    if endpoint == config.endpoint:
        raise UsageError(f"{name} is the model in use; name another one to compare it with")
    return config.model_copy(update={"endpoint": endpoint})


def _try_on_notes(
    root: Path, config: Config, paths: Sequence[str | None], output: Output
) -> Iterator[NoteTrial]:
    """Yield the model's results for each note; for None, for one that needs something."""

    def may_send(path: str) -> bool:
        if not config.is_remote or None not in paths:
            return True
        if not output.can_ask:
            raise UsageError(f"name the notes that may go to {config.endpoint.address}")
        where = f"{one_line(path)} to {config.endpoint.address}"
        return click.confirm(f"Send {where}?", default=False, err=True)

    with open_model_trial(root, config) as trial:
        for path in paths:
            if tried := trial.write(path, may_send, None):
                output.say(f"  {one_line(tried.path)}: {tried.seconds:.1f} s")
                yield tried


def _choose(root: Path, configs: Sequence[Config], output: Output) -> None:
    """Ask which model to keep, and save that; if nobody can be asked, print how to."""
    now, other = (each.endpoint for each in configs)
    if not output.can_ask:
        moves = now.base_url and other.base_url is None
        how = "init --embedded --model" if moves else "config set endpoint.model"
        output.say(f"To go on with the second one: companion {how} {other.model}")
        return
    if not click.confirm(f"Use {other.model} from now on, instead of {now.model}?", err=True):
        output.say(f"{now.model} stays.")
        return
    choice = EndpointChoice(other.base_url, other.model)
    planned = change_settings(lambda: find_place(root).plan(Choices(endpoint=choice)))
    output.say("\n".join(planned.changed))
    warn_of_restart(root, output)


_IS_QUOTED = """\
  (This only shows how the model writes. In your notes a callout quotes your own sentences, or is
  left out where too few sum the note up, unless notes.own_sentence is false.)"""


def print_trial(tried: NoteTrial, title: str, output: Output) -> bool:
    """Print below the title the model's results for a note; return whether there were any."""
    name, result = one_line(tried.path), tried.result
    output.say(f"\n{title}", style="bold")
    if result is None or result.status == "skipped":
        output.warn(f"{name} is left alone: {result.reason if result else 'it took too long'}")
        return False
    if result.status != "enriched" and not tried.waiting:
        output.warn(f"For {name} it gave nothing that could be used: {result.reason}")
        return False
    output.print_diff(tried.diff)
    for each in tried.waiting:
        value = each.value if isinstance(each.value, str) else "; ".join(each.value or ())
        output.say(f"{each.kind}, to wait for your decision:")
        output.say(f"  {value}")
        if tried.is_quoted(each):
            output.say(_IS_QUOTED)
    for reason in (*result.unfilled, *([result.reason] if result.status != "enriched" else [])):
        output.warn(f"Not written: {reason}")
    return True


def fetch_model(config: Config, output: Output) -> None:
    """Download the embedded model if it is configured and not on this machine yet.

    Raises UsageError (no such model), EndpointError (no source answers, no space left).
    """
    if config.is_model_missing:
        _pull(config.endpoint.model, output)


def fetch_model_of(root: Path, output: Output) -> None:
    """Download the embedded model of the vault at root, like fetch_model."""
    fetch_model(load_config(root), output)


def _configured_name(config: Config) -> str:
    return config.endpoint.model if config.is_embedded else DEFAULT_MODEL


def _pull(name: str, output: Output) -> Path:
    from companion.llm.download import pull_model

    model = find_model(name)
    size = f" ({decimal(model.size)}, once)" if model.size else ""
    output.warn(f"Fetching the model {name}{size}")
    try:
        with output.download(name) as tell:
            return pull_model(name, tell)
    except KeyboardInterrupt:
        output.warn("The part that was downloaded is kept; the next try continues from there.")
        raise
