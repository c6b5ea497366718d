"""companion init: the vault, the model, the plugin, and one sample."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import click
from pydantic import SecretStr
from rich.filesize import decimal

from companion.app.open_vault import open_vault
from companion.app.types.runs import RunOptions, Selection
from companion.app.vault import Vault
from companion.cli.model import fetch_model, recommend_model
from companion.cli.output import Output, one_line
from companion.cli.plugin import NEXT_IN_OBSIDIAN, install_plugin
from companion.cli.session import VAULT_PATH, debug_option
from companion.config import Config, load_config
from companion.config.edit import SettingsEdit, plan_for_vault, write_edit
from companion.config.load import ENDPOINT_VARIABLES
from companion.doctor import ask_model
from companion.errors import CompanionError, UsageError
from companion.llm.catalog import CATALOG, DEFAULT_MODEL, find_model, model_path
from companion.llm.local_server import SERVERS, complete_address, list_served_models
from companion.vault.obsidian import find_registered_vaults
from companion.vault.paths import find_vault, resolve_vault

_NEXT = """
Next:
  companion scan             what needs work in this vault, and why; changes nothing
  companion enrich Note.md   fill a note
  companion serve            fill notes as you save them, until you stop it
  companion service install  the same, whenever you log in
  companion doctor           check everything, and say how to fix problems"""

_SAMPLES = 5  # notes that are tried, until one shows something
_USUAL = 2000  # bytes of a note with a few sentences


@click.command()
@click.argument("vault", required=False, type=VAULT_PATH)
@click.option("--embedded", is_flag=True, help="The model that Companion runs on this machine.")
@click.option("--endpoint", "base_url", metavar="URL", help="An OpenAI-compatible API instead.")
@click.option("--model", metavar="NAME", help="The model's name there, or the embedded one's.")
@click.option("--api-key-env", metavar="VAR", help="The environment variable that holds its key.")
@click.option(
    "--background/--no-background", default=None, help="Fill stubs by itself, or only when asked."
)
@click.option("--no-plugin", is_flag=True, help="Leave the Obsidian plugin out of the vault.")
@click.option("--no-test", is_flag=True, help="Neither fetch the model nor ask it anything.")
@click.option("--yes", is_flag=True, help="Ask nothing; keep the settings that no option names.")
@debug_option
def init(
    vault: Path | None,
    embedded: bool,
    base_url: str | None,
    model: str | None,
    api_key_env: str | None,
    background: bool | None,
    no_plugin: bool,
    no_test: bool,
    yes: bool,
) -> None:
    """Set up a vault: choose a model, and try it.

    VAULT is a vault's folder; else the vault you are in, or one that Obsidian lists. On a terminal
    it asks, and Enter takes what it recommends; with options, or --yes, it asks nothing. Then the
    model is asked what it would write in one of your notes, which stays as it is. A note goes to
    another machine only if you agree.

    Settings that it does not ask about stay as they are in the file, with their comments. A second
    vault gets its own file and port.
    """
    output = Output()
    asks = output.can_ask and not (yes or embedded or base_url or model or background is not None)
    root = resolve_vault(vault or _choose_vault(output, asks=asks))
    config = load_config(root, allow_moved=True)  # raises UsageError for an invalid file
    if find_vault(root) != root:
        output.warn(f"{root} is not an Obsidian vault: no .obsidian folder is in it")
    if names := [name for name in ENDPOINT_VARIABLES if os.environ.get(name)]:
        output.warn(f"Before the file's settings come those of {', '.join(names)}")
    if asks:
        choose = partial(_ask_for_model, config, output)
    else:
        choose = partial(_choose_by_options, config, embedded, base_url, model, api_key_env)
    settings = _choose_model(root, choose, output, asks=asks, tries=not no_test)
    if asks:
        background = _ask_about_background(plan_for_vault(root, settings).config)
    if background is not None:
        settings["background.enabled"] = background
    planned = write_edit(lambda: plan_for_vault(root, settings))
    _print_edit(planned, output)
    has_plugin = not no_plugin and _install_plugin(root, output)
    if not no_test and (asks or not planned.config.is_remote):
        _show_sample(root, planned.config, output)
    output.say(_NEXT + (f"\n{NEXT_IN_OBSIDIAN}" if has_plugin else ""))


def _print_edit(edit: SettingsEdit, output: Output) -> None:
    if edit.changed:
        output.say(f"\nWritten to {edit.file}:", style="bold")
        output.say("\n".join(f"  {line}" for line in edit.changed))
    else:
        output.say(f"Nothing to change: {edit.file} already says so.")


def _install_plugin(root: Path, output: Output) -> bool:
    """Install the plugin; return whether it is in the vault now."""
    try:
        install_plugin(root, output)
    except CompanionError as error:
        output.warn(f"The plugin was not installed: {error}; companion plugin install does it.")
        return False
    return True


def _choose_model(
    root: Path, choose: Callable[[], dict[str, Any]], output: Output, *, asks: bool, tries: bool
) -> dict[str, Any]:
    """Return the settings of the model that is chosen, and answers; on a fault, asks again.

    Raises CompanionError if nobody can be asked. tries: fetch the model, and ask it one word.
    """
    while True:
        try:
            settings = choose()
            planned = plan_for_vault(root, settings)
            if tries:
                _ask_one_word(planned.config, output)
            return settings
        except CompanionError as error:
            if not asks:
                raise
            output.warn(str(error))


def _ask_one_word(config: Config, output: Output) -> None:
    """Fetch the model if it is missing, and see that it answers. Raises CompanionError."""
    fetch_model(config, output)
    endpoint, key = config.endpoint, os.environ.get("COMPANION_API_KEY", "")
    with output.waiting(f"Asking {config.describe_endpoint()}"):
        if key and not (config.is_embedded or endpoint.key or os.environ.get("COMPANION_BASE_URL")):
            keyed = endpoint.model_copy(update={"api_key": SecretStr(key)})
            config = config.model_copy(update={"endpoint": keyed})
        ask_model(config)
    output.say(f"{endpoint.model} answers.")


def _endpoint_settings(
    config: Config, base_url: str | None, model: str, key: str = ""
) -> dict[str, Any]:
    """Return the settings of a model. The key in the file stays only if the address does.

    base_url: None for the embedded model. key: empty for none, or the one in the file.
    """
    settings: dict[str, Any] = {"endpoint.base_url": base_url, "endpoint.model": model}
    if key or base_url is None or base_url != config.endpoint.base_url:
        settings["endpoint.api_key"] = key or None
    return settings


def _choose_by_options(
    config: Config,
    embedded: bool,
    base_url: str | None,
    model: str | None,
    api_key_env: str | None,
) -> dict[str, Any]:
    """Return the settings of the model in the options; of the embedded one if the file names none.

    Raises UsageError if they contradict each other, or say too little.
    """
    if embedded and base_url is not None:
        raise UsageError("give --embedded or --endpoint, not both")
    if base_url is None:
        if api_key_env is not None:
            raise UsageError("--api-key-env needs --endpoint, whose key it is")
        if model is None and not embedded and _is_chosen(config):
            return {}
        return _endpoint_settings(config, None, find_model(model or DEFAULT_MODEL).name)
    key = os.environ.get(api_key_env, "").strip() if api_key_env else ""
    if api_key_env and not key:
        raise UsageError(f"the environment variable {api_key_env} holds no key; set it first")
    base_url = complete_address(base_url)
    models = [model] if model else list_served_models(base_url)
    if len(models) != 1:
        there = f"; it has: {', '.join(models)}" if models else ""
        raise UsageError(f"--endpoint needs --model, its name there{there}")
    return _endpoint_settings(config, base_url, models[0], key)


def _is_chosen(config: Config) -> bool:
    """Return whether the configuration names a model or an endpoint."""
    return bool({"base_url", "model"} & config.endpoint.model_fields_set)


def _ask_for_model(config: Config, output: Output) -> dict[str, Any]:
    """Print which models there are, ask which should write, and return its settings.

    They are empty if what is configured stays.
    """
    offers: list[tuple[str, dict[str, Any]]] = []
    if _is_chosen(config):
        offers.append((f"as configured: {config.describe_endpoint()}", {}))
    for server, address in SERVERS:
        for model in list_served_models(address):
            settings = _endpoint_settings(config, address, model)
            offers.append((f"{model}, in {server} on this machine", settings))
    recommended = recommend_model()
    for each in sorted(CATALOG, key=lambda model: model.name != recommended):
        here = "on this machine already" if model_path(each.name) else "to be fetched once"
        words = f"{each.title} ({decimal(each.size or 0)}, {here}); nothing leaves this machine"
        if each.name == recommended or (each.parameters or 0) >= 1:  # smaller ones are for tests
            offers.append((words, _endpoint_settings(config, None, each.name)))
    output.say("Which model should write?", style="bold")
    last = len(offers) + 1
    for number, (words, _) in enumerate(offers, 1):
        output.say(f"  {number}  {words}")
    output.say(f"  {last}  another OpenAI-compatible API, here or elsewhere, by its address")
    number = click.prompt("Number", type=click.IntRange(1, last), default=1, err=True)
    return _ask_for_address(config) if number == last else offers[number - 1][1]


def _ask_for_address(config: Config) -> dict[str, Any]:
    typed = click.prompt("Its base URL, such as https://api.example.com/v1", err=True)
    base_url = complete_address(typed)
    models = list_served_models(base_url)
    if models:
        click.echo(f"It has: {', '.join(models)}", err=True)
    first = models[0] if models else None
    model = click.prompt("Model, by its name there", default=first, err=True)
    question = "API key (not shown; empty for none)"
    key = click.prompt(question, hide_input=True, default="", show_default=False, err=True)
    return _endpoint_settings(config, base_url, model.strip(), key.strip())


def _ask_about_background(config: Config) -> bool:
    """Ask whether stubs are filled by themselves; no default if notes leave this machine."""
    where = ""
    if config.is_remote:
        where = f", up to {config.background.notes_a_day} a day, sent to {config.endpoint.address}"
    question = f"May `companion serve` fill stubs by itself, soon after you stop typing{where}?"
    default = config.background.enabled
    default = True if default is None and not where else default
    return click.confirm(question, default=default, err=True)


def _show_sample(root: Path, config: Config, output: Output) -> None:
    """Show what the model would write in one note; nothing is written.

    Tries up to five notes, those with a few sentences first, and asks before one goes elsewhere.
    """
    try:
        with open_vault(root, tell=output.warn) as vault:
            for path in _choose_samples(vault):
                if config.is_remote and not click.confirm(
                    f"Send {one_line(path)} to {config.endpoint.address}, to see what it writes?",
                    err=True,
                ):
                    return
                with output.waiting(f"Trying it on {one_line(path)}"):
                    run = vault.run(RunOptions(paths=[path], dry_run=True, diff=True, agreed=True))
                    [result] = [each for each in run if each.path == path]
                if result.diff:
                    output.say(f"What it would write in {one_line(path)}, which stays as it is:")
                    output.print_diff(result.diff)
                    return
        output.say("No note was found to show what it writes; companion enrich NOTE does.")
    except (CompanionError, click.Abort) as error:  # the set-up is done
        output.warn(f"No sample can be shown: {error or 'interrupted'}")


def _choose_samples(vault: Vault) -> Iterator[str]:
    """Yield the notes to try: those that need something, else any; the usual in length first."""
    report = vault.scan(Selection())
    paths = [path for path, note in report.notes.items() if note.needs]
    if not paths:
        files = (file.relative_to(vault.root) for file in vault.root.rglob("*.md"))
        shown = (path for path in files if not any(part.startswith(".") for part in path.parts))
        paths = [path for each in shown if (path := each.as_posix()) not in report.skipped]
    yield from sorted(paths, key=lambda p: abs((vault.root / p).stat().st_size - _USUAL))[:_SAMPLES]


def _choose_vault(output: Output, *, asks: bool) -> Path:
    """Return the vault around the current folder, or one that Obsidian lists; the user chooses.

    Raises UsageError if there is none, or there are several to choose from and nobody to ask.
    """
    around = find_vault(Path.cwd())
    listed = [each.root for each in find_registered_vaults()]
    roots = list(dict.fromkeys([*([around] if around else []), *listed]))
    if not roots:
        raise UsageError(
            "Obsidian lists no vault on this machine; name its folder: companion init FOLDER"
        )
    if len(roots) == 1 or (around and not asks):
        output.say(f"The vault: {roots[0]}")
        return roots[0]
    if not asks:
        names = ", ".join(map(str, roots))
        raise UsageError(f"Obsidian lists {len(roots)} vaults; name one: {names}")
    output.say("Vaults:", style="bold")
    for number, root in enumerate(roots, 1):
        output.say(f"  {number}  {root}")
    chosen = click.prompt("Number", type=click.IntRange(1, len(roots)), default=1, err=True)
    return roots[chosen - 1]
