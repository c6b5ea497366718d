"""The choices of companion init: the vault, the model, and background work."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import click
from rich.filesize import decimal

from companion.cli.output import Output
from companion.config import Config
from companion.config.edit_settings import Choices, EndpointChoice
from companion.doctor.machine import Machine, list_served_models, recommend_model
from companion.errors import UsageError
from companion.llm.catalog import DEFAULT_MODEL, find_model, model_path
from companion.llm.endpoint import Endpoint
from companion.vault.obsidian import find_registered_vaults
from companion.vault.paths import find_vault


def choose_vault(output: Output, *, asks: bool) -> Path:
    """Return the vault around the current folder, or one that Obsidian lists; the user chooses.

    Raises UsageError if there is none, or there are several to choose from and nobody to ask.
    """
    remarks = {each.root: ", open now" if each.is_open else "" for each in find_registered_vaults()}
    if around := find_vault(Path.cwd()):
        remarks.pop(around, None)
        remarks = {around: ", where you are", **remarks}
    roots = list(remarks)
    if not roots:
        raise UsageError(
            "Obsidian lists no vault on this machine; name its folder: companion init FOLDER"
        )
    if len(roots) == 1 or (around and not asks):
        which = "where you are" if around else "that Obsidian lists"
        output.say(f"The vault {which}: {roots[0]}")
        return roots[0]
    if not asks:
        names = ", ".join(map(str, roots))
        raise UsageError(f"Obsidian lists {len(roots)} vaults; name one: {names}")
    output.say("Vaults:", style="bold")
    for number, root in enumerate(roots, 1):
        output.say(f"  {number}  {root}{remarks[root]}")
    chosen = click.prompt("Number", type=click.IntRange(1, len(roots)), default=1, err=True)
    return roots[chosen - 1]


def choose_by_options(
    config: Config,
    *,
    embedded: bool | None,
    base_url: str | None,
    model: str | None,
    api_key_env: str | None,
    **others: Any,
) -> Choices:
    """Return the choices in the options; the embedded model if neither they nor the file name one.

    others: of Choices. Raises UsageError if they contradict each other, or say too little.
    """
    if embedded and base_url is not None:
        raise UsageError("give --embedded or --endpoint, not both")
    if model is not None and not embedded and base_url is None:
        raise UsageError("--model needs --embedded, or --endpoint with its URL")
    if api_key_env is not None and base_url is None:
        raise UsageError("--api-key-env needs --endpoint, whose key it is")
    if model is not None and not model.strip():
        raise UsageError("--model needs a name")
    if base_url is not None:
        Endpoint.at(base_url)  # raises UsageError for an invalid address
        key = os.environ.get(api_key_env, "").strip() if api_key_env else ""
        if api_key_env and not key:
            raise UsageError(f"the environment variable {api_key_env} holds no key; set it first")
        models = [model.strip()] if model else list_served_models(base_url) or ()
        if len(models) != 1:
            there = f"; it has: {', '.join(models)}" if models else ""
            raise UsageError(f"--endpoint needs --model, its name there{there}")
        return Choices(EndpointChoice(base_url, models[0], key), **others)
    if embedded or not _is_chosen(config):
        return Choices(EndpointChoice(None, find_model(model or DEFAULT_MODEL).name), **others)
    return Choices(**others)


def choose_by_questions(config: Config, machine: Machine, output: Output) -> Choices:
    """Ask which model should write, and whether in the background, and return the answers.

    There is no default for the background if notes leave this machine.
    """
    endpoint = _ask_for_model(config, machine, output)
    base_url = config.endpoint.base_url if endpoint is None else endpoint.base_url
    click.echo("`companion serve` can fill stubs by itself, soon after you stop typing.", err=True)
    default = config.background.enabled
    if base_url is not None and not (there := Endpoint.at(base_url)).is_local:
        most = config.background.notes_a_day
        words = f"Notes would be sent to {there.address} automatically, up to {most} a day."
        click.echo(words, err=True)
    elif default is None:
        default = True
    background, review = click.confirm("Should it?", default=default, err=True), None
    if background:
        click.echo(
            "Texts that you did not ask for can wait until you have looked at them.", err=True
        )
        waits = config.review.mode == "propose"
        review = click.confirm("Should they wait for your review?", default=waits, err=True)
    return Choices(endpoint, background, review=review)


class _Offer(NamedTuple):
    """A line to choose. take: asks for the rest; returns None to keep what is configured."""

    words: str
    take: Callable[[], EndpointChoice | None]
    model: str = ""
    base_url: str | None = None


def _ask_for_model(config: Config, machine: Machine, output: Output) -> EndpointChoice | None:
    """Print what this machine has, and ask which model should write; None keeps what is configured.

    Enter takes what is configured, else what is recommended.
    """
    memory = machine.memory
    output.say(
        f"This machine has {memory.total / 1e9:.1f} GB of memory, {memory.free / 1e9:.1f} GB of it"
        f" free, and {machine.free_disk / 1e9:.0f} GB free on the disk where models go."
    )
    for server in machine.servers:
        output.say(
            f"{server.name} answers at {server.base_url}:"
            f" {', '.join(server.models) or 'no model yet'}."
        )
    if not machine.servers:
        output.say("Neither Ollama nor LM Studio answers here.")
    offers = _find_offers(config, machine)
    output.say("Which model should write?", style="bold")
    for number, offer in enumerate(offers, 1):
        output.say(f"  {number}  {offer.words}")
    default = 1
    if not _is_chosen(config):
        model, place, reason = recommend_model(machine)
        at = place.base_url if place else None
        default += [(offer.model, offer.base_url) for offer in offers].index((model, at))
        output.say(f"Recommended: {default}, {model}: {reason}.")
    numbers = click.IntRange(1, len(offers))
    chosen = click.prompt("Number", type=numbers, default=default, err=True)
    return offers[chosen - 1].take()


def _is_chosen(config: Config) -> bool:
    """Return whether the configuration names a model or an endpoint."""
    return bool({"base_url", "model"} & config.endpoint.model_fields_set)


def _find_offers(config: Config, machine: Machine) -> list[_Offer]:
    offers = []
    configured = ""
    if _is_chosen(config):
        where = ", the embedded model"
        if not config.is_embedded:
            where = f" at {config.endpoint.address}"
        offers.append(_Offer(f"as configured: {config.endpoint.model}{where}", lambda: None))
        configured = config.endpoint.model if config.is_embedded else ""
    for model in machine.offers():
        if model.name != configured:
            here = "on this machine already" if model_path(model.name) else "to be fetched once"
            is_measured = model.tier and model.tier.measured
            words = f"{model.name}, embedded: nothing leaves this machine"
            seconds = machine.estimate_seconds(model)
            lasts = f"; about {seconds:.0f} s a note" if seconds else ""
            words += f" ({decimal(model.size or 0)}, {here}{lasts})"
            words += "" if is_measured else "; what it writes was not measured yet"
            offers.append(_Offer(words, partial(EndpointChoice, None, model.name), model.name))
    recommended = recommend_model(machine)
    for server in machine.servers:
        if server.models:
            first = recommended.model if recommended.server == server else server.models[0]
            take = partial(_choose_model, server.base_url, server.models, first)
            named = ", ".join(server.models[:3]) + (", …" if len(server.models) > 3 else "")
            words = f"{server.name}, found on this machine: {named}"
            offers.append(_Offer(words, take, first, server.base_url))
    offers.append(
        _Offer("another OpenAI-compatible endpoint, here or elsewhere", _ask_for_endpoint)
    )
    return offers


def _choose_model(base_url: str, models: tuple[str, ...], first: str = "") -> EndpointChoice:
    """Return one of the models at the address: the only one, or the one that the user names."""
    if len(models) == 1:
        return EndpointChoice(base_url, models[0])
    if models:
        default = first or models[0]
        name = click.prompt("Model", type=click.Choice(models), default=default, err=True)
    else:
        name = click.prompt("Model, by its name there", value_proc=_check_name, err=True)
    return EndpointChoice(base_url, str(name))


def _ask_for_endpoint() -> EndpointChoice:
    base_url = click.prompt(
        "Its base URL, such as https://api.example.com/v1", value_proc=_check_address, err=True
    )
    chosen = _choose_model(base_url, list_served_models(base_url) or ())
    key = click.prompt(
        "API key (not shown; empty for none)",
        hide_input=True,
        default="",
        show_default=False,
        err=True,
    )
    return chosen._replace(api_key=key.strip())


def _check_address(typed: str) -> str:
    try:
        Endpoint.at(typed.strip())
    except UsageError as error:
        raise click.BadParameter(str(error)) from None
    return typed.strip()


def _check_name(typed: str) -> str:
    if not typed.strip():
        raise click.BadParameter("a model needs a name")
    return typed.strip()
