"""The choices of companion init: which model, and what is filled in the background."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import click
from rich.filesize import decimal

from companion.cli.output import Output
from companion.config import Config
from companion.config.edit_settings import SettingValue
from companion.doctor.model_servers import DiscoveredServer, discover_servers, list_models
from companion.errors import UsageError
from companion.llm.catalog import DEFAULT_MODEL, find_model, model_path
from companion.llm.endpoint import Endpoint


class EndpointChoice(NamedTuple):
    """Which model to ask, and where. base_url None: the embedded model."""

    base_url: str | None
    model: str
    api_key: str = ""


class Choices(NamedTuple):
    """What the user chose; None leaves the setting as it is in the file."""

    endpoint: EndpointChoice | None = None
    background: bool | None = None
    backlog: str | None = None

    def settings(self, config: Config) -> dict[str, SettingValue]:
        """Return the settings to change in the file, whose content is config.

        An API key is kept only if the address stays the same.
        """
        changed: dict[str, SettingValue] = {}
        if self.endpoint is not None:
            base_url, model, key = self.endpoint
            changed |= {"endpoint.base_url": base_url, "endpoint.model": model}
            if key or base_url is None or base_url != config.endpoint.base_url:
                changed["endpoint.api_key"] = key or None
        if self.background is not None:
            changed["background.enabled"] = self.background
        if self.backlog is not None:
            changed["background.backlog"] = self.backlog
        return changed


class Options(NamedTuple):
    """The options of companion init that choose something."""

    embedded: bool
    base_url: str | None
    model: str | None
    api_key_env: str | None
    background: bool | None
    backlog: str | None

    @property
    def choose_anything(self) -> bool:
        """Whether any of them was given."""
        return self != (False, None, None, None, None, None)


def choose_by_options(options: Options, config: Config) -> Choices:
    """Return what the options say; the embedded model if neither they nor the file name one.

    Raises UsageError if they contradict each other, or say too little.
    """
    embedded, base_url, model, api_key_env, background, backlog = options
    if embedded and base_url is not None:
        raise UsageError("give --embedded or --endpoint, not both")
    if model is not None and not embedded and base_url is None:
        raise UsageError("--model needs --embedded, or --endpoint with its URL")
    if api_key_env is not None and base_url is None:
        raise UsageError("--api-key-env needs --endpoint, whose key it is")
    if model is not None and not model.strip():
        raise UsageError("--model needs a name")
    if base_url is not None:
        Endpoint(base_url, "")  # raises UsageError for an invalid address
        key = os.environ.get(api_key_env, "").strip() if api_key_env else ""
        if api_key_env and not key:
            raise UsageError(f"the environment variable {api_key_env} holds no key; set it first")
        model = model.strip() if model else _only_model(base_url)
        return Choices(EndpointChoice(base_url, model, key), background, backlog)
    if embedded or not is_chosen(config):
        return Choices(
            EndpointChoice(None, find_model(model or DEFAULT_MODEL).name), background, backlog
        )
    return Choices(None, background, backlog)


def choose_by_questions(config: Config, output: Output) -> Choices:
    """Ask which model is to write, and whether in the background, and return the answers."""
    endpoint = _ask_for_model(config, output)
    base_url = config.endpoint.base_url if endpoint is None else endpoint.base_url
    return Choices(endpoint, _ask_for_background(base_url, config))


def is_chosen(config: Config) -> bool:
    """Return whether the configuration names a model or an endpoint."""
    return bool({"base_url", "model"} & config.endpoint.model_fields_set)


def _only_model(base_url: str) -> str:
    found = list_models(base_url) or ()
    if len(found) != 1:
        there = f"; it has: {', '.join(found)}" if found else ""
        raise UsageError(f"--endpoint needs --model, its name there{there}")
    return found[0]


def _ask_for_model(config: Config, output: Output) -> EndpointChoice | None:
    offers: list[tuple[str, Callable[[], EndpointChoice | None]]] = []
    if is_chosen(config):
        offers.append((f"as configured: {_describe_configured(config)}", lambda: None))
    if not (is_chosen(config) and config.is_embedded and config.endpoint.model == DEFAULT_MODEL):
        offers.append((_describe_embedded(), lambda: EndpointChoice(None, DEFAULT_MODEL)))
    for server in discover_servers():
        if server.models:
            offers.append((_describe_server(server), partial(_ask_for_model_of, server)))
        else:
            output.say(f"{server.name} answers at {server.base_url}, but has no model yet.")
    offers.append(("another OpenAI-compatible endpoint, here or elsewhere", _ask_for_endpoint))
    output.say("Which model shall write?", style="bold")
    for number, (words, _) in enumerate(offers, 1):
        output.say(f"  {number}  {words}")
    numbers = click.IntRange(1, len(offers))
    chosen = click.prompt("Number", type=numbers, default=1, err=True)
    return offers[chosen - 1][1]()


def _describe_configured(config: Config) -> str:
    if config.is_embedded:
        return f"{config.endpoint.model}, the embedded model"
    return f"{config.endpoint.model} at {config.remote_endpoint().address}"


def _describe_embedded() -> str:
    size = decimal(find_model(DEFAULT_MODEL).size or 0)
    here = "on this machine already" if model_path(DEFAULT_MODEL) else "to be fetched once"
    return f"{DEFAULT_MODEL}, embedded: nothing leaves this machine ({size}, {here})"


def _describe_server(server: DiscoveredServer) -> str:
    named = ", ".join(server.models[:3]) + (", …" if len(server.models) > 3 else "")
    return f"{server.name}, found on this machine: {named}"


def _ask_for_model_of(server: DiscoveredServer) -> EndpointChoice:
    return EndpointChoice(server.base_url, _ask_for_name(server.models))


def _ask_for_name(models: tuple[str, ...]) -> str:
    if len(models) == 1:
        return models[0]
    if models:
        return str(click.prompt("Model", type=click.Choice(models), default=models[0], err=True))
    return str(click.prompt("Model, as it is called there", value_proc=_check_name, err=True))


def _ask_for_endpoint() -> EndpointChoice:
    base_url = click.prompt(
        "Its base URL, as https://api.example.com/v1", value_proc=_check_address, err=True
    )
    model = _ask_for_name(list_models(base_url) or ())
    key = click.prompt(
        "API key (not shown; empty for none)",
        hide_input=True,
        default="",
        show_default=False,
        err=True,
    )
    return EndpointChoice(base_url, model, key.strip())


def _check_address(typed: str) -> str:
    try:
        Endpoint(typed.strip(), "")
    except UsageError as error:
        raise click.BadParameter(str(error)) from None
    return typed.strip()


def _check_name(typed: str) -> str:
    if not typed.strip():
        raise click.BadParameter("a model needs a name")
    return typed.strip()


def _ask_for_background(base_url: str | None, config: Config) -> bool:
    """Ask whether stubs are filled in the background; no default where notes leave this machine."""
    click.echo("`companion serve` can fill stubs by itself, soon after you stop typing.", err=True)
    default = config.background.enabled
    if base_url is not None and not (endpoint := Endpoint(base_url, "")).is_local:
        click.echo(
            f"Notes would be sent to {endpoint.address} by themselves, up to"
            f" {config.background.notes_a_day} a day.",
            err=True,
        )
    elif default is None:
        default = True
    return click.confirm("Shall it?", default=default, err=True)
