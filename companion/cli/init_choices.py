"""The choices of companion init: which model, and what is filled in the background."""

from __future__ import annotations

import os
from typing import NamedTuple

import click

from companion.cli.init_model import EndpointChoice, ask_for_model, is_chosen
from companion.cli.output import Output
from companion.config import Config
from companion.config.edit_settings import SettingValue
from companion.doctor.machine import Machine, list_models
from companion.errors import UsageError
from companion.llm.catalog import DEFAULT_MODEL, find_model
from companion.llm.endpoint import Endpoint


class Choices(NamedTuple):
    """What the user chose; None leaves the setting as it is in the file."""

    endpoint: EndpointChoice | None = None
    background: bool | None = None
    backlog: str | None = None
    review: bool | None = None

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
        if self.review is not None:
            changed["review.mode"] = "propose" if self.review else "write"
        return changed


class Options(NamedTuple):
    """The options of companion init that choose something."""

    embedded: bool
    base_url: str | None
    model: str | None
    api_key_env: str | None
    background: bool | None
    backlog: str | None
    review: bool | None

    @property
    def choose_anything(self) -> bool:
        """Whether any of them was given."""
        return self != (False, None, None, None, None, None, None)


def choose_by_options(options: Options, config: Config) -> Choices:
    """Return what the options say; the embedded model if neither they nor the file name one.

    Raises UsageError if they contradict each other, or say too little.
    """
    embedded, base_url, model, api_key_env = options[:4]
    others = Choices(None, options.background, options.backlog, options.review)
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
        return others._replace(endpoint=EndpointChoice(base_url, model, key))
    if embedded or not is_chosen(config):
        name = find_model(model or DEFAULT_MODEL).name
        return others._replace(endpoint=EndpointChoice(None, name))
    return others


def choose_by_questions(config: Config, machine: Machine, output: Output) -> Choices:
    """Ask which model is to write, and whether in the background, and return the answers."""
    endpoint = ask_for_model(config, machine, output)
    base_url = config.endpoint.base_url if endpoint is None else endpoint.base_url
    background = _ask_for_background(base_url, config)
    review = _ask_for_review(config) if background else None
    return Choices(endpoint, background, review=review)


def _only_model(base_url: str) -> str:
    found = list_models(base_url) or ()
    if len(found) != 1:
        there = f"; it has: {', '.join(found)}" if found else ""
        raise UsageError(f"--endpoint needs --model, its name there{there}")
    return found[0]


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


def _ask_for_review(config: Config) -> bool:
    """Ask whether what is written unasked waits until the user has looked at it."""
    click.echo("What it writes unasked can wait until you have looked at it.", err=True)
    waits = config.review.mode == "propose"
    return click.confirm("Shall it wait for your review?", default=waits, err=True)
