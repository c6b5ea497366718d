"""companion model: the models that run on this machine, fetching them, and which to recommend."""

from __future__ import annotations

from pathlib import Path

import click
from rich.filesize import decimal

from companion.cli.output import Output
from companion.config import Config, load_config
from companion.llm.catalog import (
    CATALOG,
    DEFAULT_MODEL,
    find_model,
    is_on_hub,
    model_path,
    pull_model,
)


@click.group()
def model() -> None:
    """List and fetch models that run on this machine."""


@model.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a model.")
def list_(as_json: bool) -> None:
    """List models, and which are on this machine."""
    output = Output(as_json=as_json)
    for each in CATALOG:
        where = model_path(each.name)
        if as_json:
            path = str(where) if where else None
            output.print_json({"name": each.name, "bytes": each.size, "path": path})
        state = "on this machine" if where else "not fetched"
        output.say(f"{each.name:<18} {decimal(each.size or 0):>8}  {state:<16} {each.title}")


@model.command()
@click.argument("name", required=False)
def pull(name: str | None) -> None:
    """Download a model, or resume its download.

    Without NAME, it is the configured one. NAME is one from `companion model list`, or a GGUF file
    at Hugging Face: owner/repository/file.gguf.
    """
    config = load_config()
    name = name or (config.endpoint.model if config.is_embedded else DEFAULT_MODEL)
    path = model_path(name) or _pull(name, Output())
    Output().say(str(path))


def fetch_model(config: Config, output: Output) -> None:
    """Download the embedded model if it is configured and not on this machine yet.

    Raises UsageError (no such model), EndpointError (no source answers, no space left).
    """
    if config.is_model_missing:
        _pull(config.endpoint.model, output)


def fetch_model_of(root: Path, output: Output) -> None:
    """Download the embedded model of the vault at root, like fetch_model."""
    fetch_model(load_config(root), output)


def _pull(name: str, output: Output) -> Path:
    model = find_model(name)
    size = f" ({decimal(model.size)}, once)" if model.size else ""
    output.warn(f"Fetching the model {name}{size}")
    with output.download(name) as tell:
        return pull_model(name, tell)


def recommend_model() -> str:
    """Return the embedded model that suits the machine: the largest that fits, a general one.

    General models invent less than the default one (Vectara's published rates). One that is on this
    machine already is preferred; where Hugging Face does not answer, the default one.
    """
    import psutil

    free = psutil.virtual_memory().available
    fitting = [each for each in CATALOG if each.hub and 0 < each.free_memory <= free]
    if here := [each.name for each in fitting if model_path(each.name)]:
        return here[-1]
    hub = fitting[-1].hub if fitting else None
    return fitting[-1].name if hub and is_on_hub(hub) else DEFAULT_MODEL
