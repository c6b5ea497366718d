"""The trial in companion init: the model is loaded, answers, and writes for one note."""

from __future__ import annotations

import os
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import click
from pydantic import SecretStr
from rich.filesize import decimal

from companion.app.model_trial import (
    CORRECT_ADDRESS,
    Cancelled,
    ModelNotStarted,
    ModelTrial,
    open_model_trial,
)
from companion.cli.model import fetch_model, print_trial
from companion.cli.output import Output, one_line
from companion.config import Config
from companion.doctor.machine import find_shortage
from companion.doctor.model_probe import advice_on_thinking
from companion.errors import CompanionError, EndpointError
from companion.llm.catalog import find_model, list_models
from companion.note.text import split_lines

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
            said = split_lines(probed.answer.strip())[0].strip()
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
        return Verdict(shown=print_trial(tried, title, self.output))


def above(config: Config) -> str:
    """Return the name of the model one tier up, if there is memory for it; empty if not."""
    name = config.endpoint.model if config.is_embedded else ""
    models = (listed.model for listed in list_models())
    larger = next((each.name for each in models if each.tier and each.tier.below == name), "")
    endpoint = config.endpoint.model_copy(update={"model": larger})
    is_short = name and larger and find_shortage(config.model_copy(update={"endpoint": endpoint}))
    return "" if not name or is_short else larger


def below(config: Config) -> str:
    """Return the smaller model to try after the configured one; empty if there is none."""
    if not config.is_embedded:
        return ""
    tier = find_model(config.endpoint.model).tier
    return tier.below if tier else ""


def _with_key_of_environment(config: Config) -> Config:
    """Return the configuration with the environment's API key, if the file has none."""
    table = config.endpoint
    key = os.environ.get("COMPANION_API_KEY", "")
    elsewhere = os.environ.get("COMPANION_BASE_URL") not in (None, "", table.base_url)
    if config.is_embedded or table.api_key.get_secret_value() or not key or elsewhere:
        return config
    keyed = table.model_copy(update={"api_key": SecretStr(key)})
    return config.model_copy(update={"endpoint": keyed})
