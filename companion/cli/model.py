"""companion model: the models that can run on this machine, and fetching them."""

from __future__ import annotations

from pathlib import Path

import click
from rich.filesize import decimal

from companion.cli.output import Output
from companion.config import Config, load_config
from companion.errors import NotThere
from companion.llm.catalog import DEFAULT_MODEL, find_model, list_models, model_path


@click.group()
def model() -> None:
    """List and fetch models."""


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
