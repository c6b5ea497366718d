"""The first question of companion init: which model is to write, of what this machine has."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import click
from rich.filesize import decimal

from companion.cli.output import Output
from companion.config import Config
from companion.doctor.machine import DiscoveredServer, Machine, list_models, recommend_model
from companion.errors import UsageError
from companion.llm.catalog import Model, model_path
from companion.llm.endpoint import Endpoint


class EndpointChoice(NamedTuple):
    """Which model to ask, and where. base_url None: the embedded model."""

    base_url: str | None
    model: str
    api_key: str = ""


class _Offer(NamedTuple):
    """A line to choose. take: asks what else is to be known; None keeps what is configured."""

    words: str
    take: Callable[[], EndpointChoice | None]
    model: str = ""
    base_url: str | None = None


def ask_for_model(config: Config, machine: Machine, output: Output) -> EndpointChoice | None:
    """Say what this machine has, ask which model is to write; None keeps what is configured.

    Enter takes what is configured, else what is recommended.
    """
    _say_what_is_here(machine, output)
    offers = _find_offers(config, machine)
    output.say("Which model shall write?", style="bold")
    for number, offer in enumerate(offers, 1):
        output.say(f"  {number}  {offer.words}")
    default = 1
    if not is_chosen(config):
        model, server, reason = recommend_model(machine)
        at = server.base_url if server else None
        default += [(offer.model, offer.base_url) for offer in offers].index((model, at))
        output.say(f"Recommended: {default}, {model}: {reason}.")
    numbers = click.IntRange(1, len(offers))
    chosen = click.prompt("Number", type=numbers, default=default, err=True)
    return offers[chosen - 1].take()


def is_chosen(config: Config) -> bool:
    """Return whether the configuration names a model or an endpoint."""
    return bool({"base_url", "model"} & config.endpoint.model_fields_set)


def _say_what_is_here(machine: Machine, output: Output) -> None:
    memory = machine.memory
    output.say(
        f"This machine has {memory.total / 1e9:.1f} GB of memory, {memory.free / 1e9:.1f} GB of it"
        f" free, and {machine.free_disk / 1e9:.0f} GB free on the disk where models go."
    )
    for server in machine.servers:
        models = ", ".join(server.models) if server.models else "no model yet"
        output.say(f"{server.name} answers at {server.base_url}: {models}.")
    if not machine.servers:
        output.say("Neither Ollama nor LM Studio answers here.")


def _find_offers(config: Config, machine: Machine) -> list[_Offer]:
    offers = []
    if is_chosen(config):
        offers.append(_Offer(f"as configured: {_describe_configured(config)}", lambda: None))
    for model in _embedded(config, machine):
        take = partial(EndpointChoice, None, model.name)
        offers.append(_Offer(_describe_embedded(model), take, model.name))
    recommended = recommend_model(machine)
    for server in machine.servers:
        if server.models:
            first = recommended.model if recommended.server == server else server.models[0]
            take = partial(_ask_for_model_of, server, first)
            offers.append(_Offer(_describe_server(server), take, first, server.base_url))
    offers.append(
        _Offer("another OpenAI-compatible endpoint, here or elsewhere", _ask_for_endpoint)
    )
    return offers


def _embedded(config: Config, machine: Machine) -> list[Model]:
    """Return the models of the catalogue to offer, but for the configured one."""
    configured = config.endpoint.model if is_chosen(config) and config.is_embedded else ""
    return [model for model in machine.offers() if model.name != configured]


def _describe_configured(config: Config) -> str:
    if config.is_embedded:
        return f"{config.endpoint.model}, the embedded model"
    return f"{config.endpoint.model} at {config.remote_endpoint().address}"


def _describe_embedded(model: Model) -> str:
    here = "on this machine already" if model_path(model.name) else "to be fetched once"
    size = decimal(model.size or 0)
    measured = model.tier.measured if model.tier else ""
    quality = "" if measured else "; what it writes was not measured yet"
    return f"{model.name}, embedded: nothing leaves this machine ({size}, {here}){quality}"


def _describe_server(server: DiscoveredServer) -> str:
    named = ", ".join(server.models[:3]) + (", …" if len(server.models) > 3 else "")
    return f"{server.name}, found on this machine: {named}"


def _ask_for_model_of(server: DiscoveredServer, first: str) -> EndpointChoice:
    return EndpointChoice(server.base_url, _ask_for_name(server.models, first))


def _ask_for_name(models: tuple[str, ...], first: str = "") -> str:
    if len(models) == 1:
        return models[0]
    if models:
        default = first or models[0]
        return str(click.prompt("Model", type=click.Choice(models), default=default, err=True))
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
