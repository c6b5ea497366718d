"""companion init: choose the vault and the model, try it, and write the configuration."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click
from pydantic import SecretStr
from rich.filesize import decimal

from companion.cli.backlog import ask_about_backlog, say_cost_of_backlog
from companion.cli.init_choices import Options, choose_by_options, choose_by_questions
from companion.cli.model import fetch_model
from companion.cli.output import Output
from companion.cli.plugin import NEXT_IN_OBSIDIAN, install_plugin
from companion.cli.session import VaultPathType
from companion.config import Config, config_folder, load_config, state_folder
from companion.config.edit_settings import (
    PlannedSettings,
    SettingValue,
    plan_settings,
    write_planned,
)
from companion.daemon.runtime_file import find_daemon
from companion.daemon.tokens import ensure_token
from companion.doctor.model_probe import advice_on_thinking, probe_model
from companion.enrich.model import describe_endpoint
from companion.errors import CompanionError, UsageError
from companion.llm.catalog import find_model, model_path
from companion.note.text import split_lines
from companion.vault.paths import find_vault, open_vault

_VARIABLES = ("COMPANION_BASE_URL", "COMPANION_MODEL", "COMPANION_API_KEY")
_NEXT = """
Next:
  companion scan      what needs work in this vault, and why; changes nothing
  companion serve     {serves}, until you stop it
  companion doctor    checks everything, and says how to mend what is wrong"""


@click.command()
@click.argument("vault", type=VaultPathType())
@click.option("--embedded", is_flag=True, help="The model that Companion runs on this machine.")
@click.option("--endpoint", "base_url", metavar="URL", help="An OpenAI-compatible API instead.")
@click.option("--model", metavar="NAME", help="The model's name there, or the embedded one's.")
@click.option("--api-key-env", metavar="VAR", help="The environment variable that holds its key.")
@click.option(
    "--background/--no-background", default=None, help="Fill stubs by itself, or only when asked."
)
@click.option(
    "--backlog",
    type=click.Choice(["ask", "all", "new"]),
    help="Of notes that lay there before: ask first, fill all, or only new ones.",
)
@click.option("--no-plugin", is_flag=True, help="Leave the Obsidian plugin out of the vault.")
@click.option("--no-test", is_flag=True, help="Neither fetch the model nor ask it anything.")
@click.option("--yes", is_flag=True, help="Ask nothing; what is not said is left as it is.")
@click.option("--debug", is_flag=True, expose_value=False, help="Show tracebacks of errors.")
def init(
    vault: Path,
    embedded: bool,
    base_url: str | None,
    model: str | None,
    api_key_env: str | None,
    background: bool | None,
    backlog: str | None,
    no_plugin: bool,
    no_test: bool,
    yes: bool,
) -> int:
    """Set Companion up for VAULT: choose a model, try it, and write the configuration.

    On a terminal it asks; with options, or --yes, it asks nothing. Settings that it does not ask
    about stay as they are in the file, with their comments. The Obsidian plugin goes into the
    vault, too, as by companion plugin install.
    """
    output = Output()
    options = Options(embedded, base_url, model, api_key_env, background, backlog)
    asks = not yes and not options.choose_anything and sys.stdin.isatty() and output.err.is_terminal
    return _Init(open_vault(vault), output, asks)(options, not no_test, not no_plugin)


class _Init:
    """Sets up one vault. asks: whether there is a terminal to ask on."""

    def __init__(self, root: Path, output: Output, asks: bool) -> None:
        self.root = root
        self.output = output
        self.asks = asks
        self.file = config_folder() / "config.toml"

    def __call__(self, options: Options, tries: bool, plugin: bool) -> int:
        """Set the vault up, and return the exit status. Nothing is written until the model answers.

        tries: ask the model first. plugin: install it; if that fails, it is only a warning.
        """
        load_config()  # raises UsageError for an invalid file, with every error in it
        self._warn_of_surprises()
        planned = self._plan(options)
        if planned.changed and tries and not self._try(planned.config):
            self.output.warn("Nothing was written.")
            return 1
        ensure_token()
        write_planned(planned)
        self._sum_up(planned)
        installed = plugin and self._install_plugin(planned.config)
        self._ask_about_backlog(planned.config)
        is_off = planned.config.background.enabled is False
        serves = "answers the plugin" if is_off else "fills notes as you save them"
        self.output.say(_NEXT.format(serves=serves))
        if installed:
            self.output.say(NEXT_IN_OBSIDIAN)
        return 0

    def _warn_of_surprises(self) -> None:
        """Warn if the folder is no vault of its own, or if the environment overrides the file."""
        if (around := find_vault(self.root)) != self.root:
            where = f"it lies in the vault {around}" if around else "no .obsidian folder is in it"
            self.output.warn(f"{self.root} is no vault of Obsidian's: {where}; going on with it")
        if names := [name for name in _VARIABLES if os.environ.get(name)]:
            win = "wins" if len(names) == 1 else "win"
            self.output.warn(
                f"{', '.join(names)} in the environment {win} over the file's settings"
            )

    def _plan(self, options: Options) -> PlannedSettings:
        try:
            str(self.root).encode()
        except UnicodeEncodeError:
            raise UsageError("the vault's path is not valid UTF-8; rename its folder") from None
        config = plan_settings(self.file, {}).config
        if self.asks:
            choices = choose_by_questions(config, self.output)
        else:
            choices = choose_by_options(options, config)
        same = config.vault is not None and config.vault.expanduser().resolve() == self.root
        vault: dict[str, SettingValue] = {} if same else {"vault": str(self.root)}
        return plan_settings(self.file, vault | choices.settings(config))

    def _try(self, config: Config) -> bool:
        """Ask the model, and return whether to go on: it answered, or the user says so."""
        config = _with_key_of_environment(config)
        try:
            if not self._fetch(config):
                return True
            self.output.say(f"Asking {describe_endpoint(config)}")
            probed = probe_model(config)
        except CompanionError as error:
            if not self.asks:
                self.output.warn("Nothing was written; --no-test goes on without asking the model.")
                raise
            self.output.warn(str(error))
            return click.confirm("Keep this choice all the same?", default=False, err=True)
        self.output.say(f"It answered within {probed.seconds:.1f} s: {_first_words(probed.answer)}")
        if probed.thinks and (means := advice_on_thinking(config)):
            self.output.warn(f"About this model: {means}.")
        return True

    def _fetch(self, config: Config) -> bool:
        """Fetch an embedded model that is not here, and return whether the model can be asked."""
        name = config.endpoint.model
        if self.asks and config.is_embedded and model_path(name) is None:
            size = find_model(name).size
            told = f" ({decimal(size)})" if size else ""
            if not click.confirm(f"Fetch {name}{told} now?", default=True, err=True):
                self.output.say("companion model pull fetches it later; the first run does, too.")
                return False
        fetch_model(config, self.output)
        return True

    def _sum_up(self, planned: PlannedSettings) -> None:
        if planned.changed:
            self.output.say(f"\nWritten to {self.file}:", style="bold")
            for line in planned.changed:
                self.output.say(f"  {line}")
            if find_daemon(state_folder(self.root)):
                self.output.warn("The vault's daemon runs with its old settings; start it again.")
        else:
            self.output.say(f"Nothing to change: {self.file} says so already.")
        config = planned.config
        if config.background.enabled is False:
            self.output.say("Notes are filled only when you ask for it.")
        elif config.is_remote:
            where = config.remote_endpoint().address
            self.output.say(
                f"While companion serve runs, notes are sent to {where} by themselves;"
                " --no-background ends that."
            )

    def _ask_about_backlog(self, config: Config) -> None:
        """Ask whether notes that are there already are filled, or print what that may cost."""
        try:
            if self.asks:
                ask_about_backlog(config, self.root, self.output)
            elif config.background.backlog == "all" and config.background.enabled is not False:
                say_cost_of_backlog(config, self.root, self.output)
        except click.Abort:
            self.output.warn("\nThey are left alone; companion backlog asks again.")
        except CompanionError as error:
            self.output.warn(f"{error}; companion backlog asks about the notes that lie there now.")

    def _install_plugin(self, config: Config) -> bool:
        """Install the plugin, and return whether that worked."""
        try:
            install_plugin(self.root, config, self.output)
        except CompanionError as error:
            self.output.warn(f"The plugin was not installed: {error}.")
            self.output.say("companion plugin install does it later.")
            return False
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


def _first_words(answer: str) -> str:
    first = split_lines(answer.strip())[0].strip()
    return first if len(first) <= 40 else f"{first[:40]}…"
