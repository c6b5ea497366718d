"""companion init: choose the vault and the model, try it, and write the configuration."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from companion.app.backlog import may_ask
from companion.app.tokens import ensure_token
from companion.cli.init_model import Trial, choose_by_options, choose_by_questions
from companion.cli.output import Output
from companion.cli.plugin import NEXT_IN_OBSIDIAN, install_plugin
from companion.cli.service import ask_about_backlog, start_with_session
from companion.cli.session import VaultPathType, debug_option
from companion.config import Config, load_config
from companion.config.edit_settings import (
    Choices,
    EndpointChoice,
    PlannedSettings,
    SettingsPlace,
    change_settings,
    find_place,
)
from companion.config.load import ENDPOINT_VARIABLES
from companion.doctor.machine import above, below, inspect_machine
from companion.errors import CompanionError, UsageError
from companion.vault.obsidian import find_registered_vaults
from companion.vault.paths import find_vault, relative_path, resolve_vault

_NEXT = """
Next:
  companion scan      what needs work in this vault, and why; changes nothing
  companion serve     {serves}
  companion doctor    checks everything, and says how to fix problems"""
_COMPARES = "                      shows what a larger model writes beside this one"


@click.command()
@click.argument("vault", required=False, type=VaultPathType())
@click.option(
    "--embedded", is_flag=True, default=None, help="The model that Companion runs on this machine."
)
@click.option("--endpoint", "base_url", metavar="URL", help="An OpenAI-compatible API instead.")
@click.option("--model", metavar="NAME", help="The model's name there, or the embedded one's.")
@click.option("--api-key-env", metavar="VAR", help="The environment variable that holds its key.")
@click.option(
    "--background/--no-background", default=None, help="Fill stubs by itself, or only when asked."
)
@click.option(
    "--backlog",
    type=click.Choice(["ask", "all", "new"]),
    help="Notes that were there before: ask first, fill all, or only new ones.",
)
@click.option(
    "--review/--no-review",
    default=None,
    help="Let its texts wait for your review, or write them at once.",
)
@click.option(
    "--note", metavar="NOTE", help="The note to try the model on, even if that sends it elsewhere."
)
@click.option(
    "--service/--no-service",
    default=None,
    help="Start companion serve now and at every login, or not.",
)
@click.option("--no-plugin", is_flag=True, help="Leave the Obsidian plugin out of the vault.")
@click.option("--no-test", is_flag=True, help="Neither fetch the model nor ask it anything.")
@click.option("--yes", is_flag=True, help="Ask nothing; keep the settings that no option names.")
@debug_option
def init(
    vault: Path | None,
    note: str | None,
    service: bool | None,
    no_plugin: bool,
    no_test: bool,
    yes: bool,
    **chosen: Any,
) -> int:
    """Set up a vault: choose a model, and try it.

    VAULT is a vault's folder; else the vault you are in, or one that Obsidian lists. On a terminal
    it asks, and Enter takes what it recommends; with options, or --yes, it asks nothing. The model
    is tried on one of your notes: its answer is shown and not written. If the model is too much for
    this machine, it tries a smaller one. A note goes to another machine only if you name it, or
    agree.

    Settings that it does not ask about stay as they are in the file, with their comments. A second
    vault gets its own file and port. The Obsidian plugin is also installed in the vault, as by
    companion plugin install.
    """
    output = Output()
    asks = not yes and output.can_ask and all(option is None for option in chosen.values())
    root = resolve_vault(vault or _choose_vault(output, asks=asks))
    if note is not None:
        note = relative_path(root, note, Path.cwd())
    trial = None if no_test else Trial(root, output, note, asks)
    return _Init(root, output, asks)(chosen, trial, not no_plugin, service)


@dataclass(frozen=True)
class _Init:
    """Sets up one vault. asks: whether there is a terminal for questions."""

    root: Path
    output: Output
    asks: bool

    def __call__(
        self, options: dict[str, Any], trial: Trial | None, plugin: bool, service: bool | None
    ) -> int:
        """Set the vault up, and return the exit status. Nothing is written until the model answers.

        options: as choose_by_options takes them. trial: ask the model first. plugin, service:
        install it; None: ask. If that fails, it is only a warning.
        """
        # raises UsageError for an invalid file, with every error in it
        load_config(self.root, allow_moved=True)
        self._warn_of_surprises()
        place = find_place(self.root)
        if self.asks:
            with self.output.waiting("Looking at this machine"):
                machine = inspect_machine()
            choices = choose_by_questions(place.config, machine, self.output)
        else:
            choices = choose_by_options(place.config, **options)
        tried = self._try(place, choices, trial)
        if tried is None:
            self.output.warn("Nothing was written; run companion init again to choose differently.")
            return 1
        ensure_token()
        planned = change_settings(lambda: find_place(self.root).plan(tried))
        self._sum_up(planned)
        installed = plugin and self._install_plugin(planned.config)
        self._ask_about_backlog(planned.config)
        runs = self._start_with_session(service)
        serves = "fills notes as you save them"
        if planned.config.background.enabled is False:
            serves = "answers the plugin"
        elif planned.config.review.mode == "propose":
            serves = "proposes values for notes as you save them"
        until = "companion service uninstall stops that" if runs else "until you stop it"
        self.output.say(_NEXT.format(serves=f"{serves}, {until}"))
        if larger := above(planned.config):
            self.output.say(f"  companion model try {larger}\n{_COMPARES}")
        if installed:
            self.output.say(NEXT_IN_OBSIDIAN)
        return 0

    def _warn_of_surprises(self) -> None:
        """Warn if the folder is not a vault of its own, or the environment overrides the file."""
        if (around := find_vault(self.root)) != self.root:
            where = f"it is in the vault {around}" if around else "no .obsidian folder is in it"
            self.output.warn(f"{self.root} is not an Obsidian vault: {where}; continuing anyway")
        elif (outer := find_vault(self.root.parent)) not in (None, self.root):
            self.output.warn(
                f"{self.root} is in the vault {outer}, which has its notes, too; set up one of"
                " them, or name it in the other's ignore.folders"
            )
        if names := [name for name in ENDPOINT_VARIABLES if os.environ.get(name)]:
            win = "wins" if len(names) == 1 else "win"
            self.output.warn(
                f"{', '.join(names)} in the environment {win} over the file's settings"
            )

    def _try(self, place: SettingsPlace, choices: Choices, trial: Trial | None) -> Choices | None:
        """Return what to write, with a model that suits this machine; None to write nothing."""
        while (planned := place.plan(choices)).changed and trial:
            verdict = trial(planned.config)
            if not verdict.too_much:
                return choices if verdict.go_on else None
            tried, smaller = planned.config.endpoint.model, below(planned.config)
            self.output.warn(f"{tried} is too much for this machine: {verdict.too_much}.")
            self.output.warn(f"Trying {smaller} instead.")
            choices = choices._replace(endpoint=EndpointChoice(None, smaller))
        return choices

    def _sum_up(self, planned: PlannedSettings) -> None:
        if planned.changed:
            self.output.say(f"\nWritten to {planned.file}:", style="bold")
            for line in planned.changed:
                self.output.say(f"  {line}")
        else:
            self.output.say(f"Nothing to change: {planned.file} already says so.")
        config = planned.config
        if config.background.enabled is False:
            self.output.say("Notes are filled only when you ask for it.")
        elif config.is_remote:
            where = config.endpoint.address
            self.output.say(
                f"While companion serve runs, notes are sent to {where} automatically;"
                " --no-background stops that."
            )

    def _ask_about_backlog(self, config: Config) -> None:
        """Ask whether existing notes are to be filled, if somebody is there to answer."""
        try:
            if self.asks and may_ask(config):
                ask_about_backlog(self.root, self.output)
        except click.Abort:
            self.output.warn("\nThey are left alone; companion service backlog asks again.")
        except CompanionError as error:
            self.output.warn(
                f"{error}; companion service backlog asks about the notes that are there now."
            )

    def _install_plugin(self, config: Config) -> bool:
        try:
            install_plugin(self.root, config, self.output, again=False)
        except CompanionError as error:
            self.output.warn(f"The plugin was not installed: {error}.")
            self.output.say("companion plugin install does it later.")
            return False
        return True

    def _start_with_session(self, starts: bool | None) -> bool:
        """Start the daemon at login from now on, if the user agrees; return whether it does.

        starts: None: ask, if somebody is there, the system can do it, and it is not done yet.
        """
        from companion.daemon import installed_service, service_manager

        try:
            if starts is None and self.asks and not installed_service.find_service(self.root):
                with suppress(CompanionError):
                    service_manager.find_manager().require()
                    question = "Start the daemon now, and whenever you log in?"
                    starts = click.confirm(question, default=True, err=True)
            return bool(starts) and start_with_session(self.root, self.output)
        except click.Abort:
            self.output.warn("\nTo start it yourself: companion serve.")
        except CompanionError as error:
            self.output.warn(f"The daemon will not start at login: {error}.")
        return False


def _choose_vault(output: Output, *, asks: bool) -> Path:
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
