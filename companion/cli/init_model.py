"""The model in companion init: chosen by options or questions, and tried on a note."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import click
from pydantic import SecretStr
from rich.filesize import decimal

from companion.app.trials import (
    CORRECT_ADDRESS,
    Cancelled,
    ModelNotStarted,
    ModelTrial,
    NoteTrial,
    open_model_trial,
)
from companion.cli.model import fetch_model
from companion.cli.output import Output, one_line
from companion.config import Config
from companion.config.edit_settings import Choices, EndpointChoice
from companion.doctor.machine import (
    Machine,
    advice_on_thinking,
    below,
    find_shortage,
    list_served_models,
    recommend_model,
)
from companion.errors import CompanionError, EndpointError, UsageError
from companion.llm.catalog import DEFAULT_MODEL, find_model, model_path
from companion.llm.endpoint import Endpoint


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
            if Endpoint.at(base_url).parts.path in ("", "/"):
                there += "; and its address usually ends in /v1"
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


SLOW = 60.0  # seconds for a note; a model that takes longer is too much for the machine


class Verdict(NamedTuple):
    """The result of a trial. too_much: why the model is too much for the machine; empty if not.

    go_on: whether to write the configuration. shown: whether the user saw an answer to judge by.
    """

    too_much: str = ""
    go_on: bool = True
    shown: bool = False


@dataclass(frozen=True)
class Trial:
    """Tries models on the vault at root. note: the note to write for; None to choose one.

    asks: whether there is a terminal for questions. One of the user's notes goes to another machine
    only if they named it, or agree.
    """

    root: Path
    output: Output
    note: str | None
    asks: bool

    def __call__(self, config: Config) -> Verdict:
        """Fetch the model if it is missing, show what it writes for a note, and ask the user.

        Raises EndpointError or AnswerError if it does not answer, and nobody can be asked.
        """
        config = _with_key_of_environment(config)
        try:
            if below(config) and (too_little := find_shortage(config)):
                return Verdict(too_little)
            return self._ask(config) if self._fetch(config) else Verdict()
        except CompanionError as error:
            if isinstance(error, ModelNotStarted) and below(config):
                return Verdict(str(error))
            if isinstance(error, EndpointError):
                words = str(error).replace(CORRECT_ADDRESS, "name another address")
                error = EndpointError(words)
            if not self.asks:
                self.output.warn(
                    "Nothing was written. Try again with another --endpoint or --model, or with"
                    " --no-test, which does not ask the model."
                )
                raise error
            self.output.warn(str(error))
            question = (
                "Keep this choice anyway? If not, run companion init again with another address."
            )
            return Verdict(go_on=click.confirm(question, default=False, err=True))

    def _fetch(self, config: Config) -> bool:
        """Fetch an embedded model that is not here, and return whether the model can be asked."""
        name = config.endpoint.model
        if self.asks and config.is_model_missing:
            size = find_model(name).size
            told = f" ({decimal(size)})" if size else ""
            if not click.confirm(f"Fetch {name}{told} now?", default=True, err=True):
                self.output.say("companion model pull fetches it later; the first run does, too.")
                return False
        fetch_model(config, self.output)
        return True

    def _ask(self, config: Config) -> Verdict:
        self.output.say(f"Asking {config.describe_endpoint()}")
        with open_model_trial(self.root, config) as trial:
            with self.output.waiting("Waiting for its first answer"):
                probed = trial.probe()
            said = probed.answer.strip().splitlines()[0].strip()
            said = said if len(said) <= 40 else f"{said[:40]}…"
            self.output.say(f"It answered within {probed.seconds:.1f} s: {said}")
            if probed.thinks and (means := advice_on_thinking(config)):
                self.output.warn(f"About this model: {means}.")
            verdict = self._write(config, trial)
        if verdict.shown and self.asks:
            return Verdict(go_on=click.confirm("Set it up like this?", default=True, err=True))
        return verdict

    def _write(self, config: Config, trial: ModelTrial) -> Verdict:
        """Show what it would write for a note, if one may be sent there; nothing is written."""
        needs_consent = config.is_remote and self.note is None
        if needs_consent and not self.asks:
            return Verdict()

        def may_send(path: str) -> bool:
            where = f"{one_line(path)} to {config.endpoint.address}"
            question = f"Send {where}, to see what it would write?"
            return not needs_consent or click.confirm(question, default=False, err=True)

        shown = nullcontext() if needs_consent else self.output.waiting("Trying it on a note")
        try:
            with shown:
                tried = trial.write(self.note, may_send, SLOW if below(config) else None)
        except (EndpointError, Cancelled):
            raise
        except CompanionError as error:  # the vault's own faults do not tell against the model
            self.output.warn(f"No note was tried: {error}")
            return Verdict()
        if tried and tried.result is None:
            return Verdict(f"it takes over {SLOW:g} seconds for {one_line(tried.path)}")
        if tried is None:
            return Verdict()
        name = one_line(tried.path)
        title = f"What it would write in {name}, which stays as it is ({tried.seconds:.1f} s):"
        return Verdict(shown=_print_trial(tried, title, self.output))


def _print_trial(tried: NoteTrial, title: str, output: Output) -> bool:
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
    for reason in (*result.unfilled, *([result.reason] if result.status != "enriched" else [])):
        output.warn(f"Not written: {reason}")
    return True


def _with_key_of_environment(config: Config) -> Config:
    """Return the configuration with the environment's API key, if the file has none."""
    table = config.endpoint
    key = os.environ.get("COMPANION_API_KEY", "")
    elsewhere = os.environ.get("COMPANION_BASE_URL") not in (None, "", table.base_url)
    if config.is_embedded or table.api_key.get_secret_value() or not key or elsewhere:
        return config
    keyed = table.model_copy(update={"api_key": SecretStr(key)})
    return config.model_copy(update={"endpoint": keyed})
