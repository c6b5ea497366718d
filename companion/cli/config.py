"""companion config: read and change settings, of all vaults or of one; comments stay."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from companion.cli.output import Output
from companion.cli.session import VAULT_PATH, debug_option, join_options
from companion.config import config_file, load_config
from companion.config.edit import (
    SECRET,
    as_toml,
    find_losses,
    find_setting,
    plan_edit,
    without_secrets,
    write_edit,
)
from companion.config.load import vault_file
from companion.config.settings import Setting, all_settings, value_of
from companion.errors import UsageError
from companion.private_files import write_private
from companion.vault.paths import resolve_vault

_NEW_FILE = "# Settings of Callout Companion; companion config get lists all, with what they do.\n"


def _complete_setting(_ctx: click.Context, _param: click.Parameter, typed: str) -> list[str]:
    return [each.name for each in all_settings() if each.name.startswith(typed)]


_for_vault = join_options(
    click.option(
        "--vault",
        "root",
        type=VAULT_PATH,
        callback=lambda _ctx, _option, named: named and resolve_vault(named),
        help="This vault's own settings, which override the common ones.",
    ),
    debug_option,
)
_replace_option = click.option(
    "--replace", is_flag=True, help="Do not ask before something is private no more."
)
_name_argument = click.argument("name", shell_complete=_complete_setting)
_values_argument = click.argument("values", nargs=-1, required=True, metavar="VALUE...")


@click.group()
def config() -> None:
    """Show and change settings.

    They apply to all vaults or to one. Comments in the file stay. companion config get lists the
    names: endpoint.model is model under [endpoint].
    """


@config.command()
@click.argument("name", required=False, shell_complete=_complete_setting)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@_for_vault
def get(name: str | None, as_json: bool, root: Path | None) -> int:
    """Print the value of a setting, or all of them.

    Values are shown as they apply: with the environment and, for a vault, its own settings. The key
    is never shown, only whether it is set. If NAME has no value, the exit status is 1.
    """
    output = Output(as_json=as_json)
    settings = list(all_settings()) if name is None else [find_setting(name)]
    current = load_config(root)
    values = {setting.name: value_of(current, setting.name) for setting in settings}
    for each, value in values.items():
        if isinstance(value, str | Path):
            values[each] = without_secrets(str(value))
    if as_json:
        output.print_json(values)
    elif name is None:
        for setting in settings:
            value = as_toml(values[setting.name])
            line = f"{setting.name} = {value}" if value else f"# {setting.name} ="
            output.say(f"{line}  # {setting.description}")
    elif values[name] is None or (name == SECRET and not values[name]):
        output.warn(f"{name} is not set ({settings[0].description})")
        return 1
    else:
        value = values[name]
        shown = value if isinstance(value, str) else as_toml(value)
        click.echo("set, and not shown" if name == SECRET else shown)
    return 0


@config.command("set")
@_name_argument
@click.argument("values", nargs=-1, metavar="[VALUE]...")
@click.option("--default", "removes", is_flag=True, help="Take it out of the file.")
@_replace_option
@_for_vault
def set_(name: str, values: Sequence[str], removes: bool, replace: bool, root: Path | None) -> None:
    """Set a setting to a value.

    VALUE is text, a number, true or false, or a TOML value. A list takes several, in place of those
    it has; companion config add keeps these. The key is asked for, or read from standard input, so
    that it stays out of your shell's history.
    """
    setting = find_setting(name)
    if removes == bool(values) and (removes or name != SECRET):
        raise UsageError(f"give {name} a value, or --default to take it out of the file")
    if name == SECRET and values:
        raise UsageError(
            "the key would stay in the shell's history; leave it out, and it is asked for"
        )
    value = None
    if not removes:
        value = _read_key() if name == SECRET else _read_value(setting, values)
    _write(setting, value, root, replace=replace)


@config.command()
@_name_argument
@_values_argument
@_for_vault
def add(name: str, values: Sequence[str], root: Path | None) -> None:
    """Add values to a list, such as private.folders."""
    setting, now = _own_list(name, root)
    _write(setting, list(dict.fromkeys((*now, *values))), root)


@config.command()
@_name_argument
@_values_argument
@_replace_option
@_for_vault
def remove(name: str, values: Sequence[str], replace: bool, root: Path | None) -> None:
    """Remove values from a list."""
    setting, now = _own_list(name, root)
    if missing := [each for each in values if each not in now]:
        raise UsageError(f"{name} has no {missing[0]}; it has: {', '.join(now) or 'nothing'}")
    _write(setting, [each for each in now if each not in values], root, replace=replace)


@config.command()
@_for_vault
def edit(root: Path | None) -> None:
    """Edit the settings file, and check it.

    It opens in your editor. If something in it is wrong, you are told, and nothing is asked or
    written until it is put right.
    """
    file = config_file() if root is None else vault_file(root)
    if not file.exists():
        own = "" if root is None else f"\nvault = {as_toml(root)}\n"
        write_private(file, f"{_NEW_FILE}{own}".encode())
    click.edit(filename=str(file))
    load_config(root)
    Output().say(f"{file} is valid.")


def _own_list(name: str, root: Path | None) -> tuple[Setting, list[str]]:
    """Return the setting, and its values in the file. Raises UsageError if it takes no list."""
    setting = find_setting(name)
    if not setting.is_list:
        raise UsageError(f"{name} takes one value: {setting.description}; use companion config set")
    now = value_of(plan_edit(root, {}).config, name) or ()
    adds_up = root is not None and name.startswith(("ignore.", "private."))
    common = value_of(plan_edit(None, {}).config, name) if adds_up else ()
    return setting, [each for each in now if each not in common]


def _read_key() -> str:
    if sys.stdin.isatty():
        key = click.prompt("API key (not shown)", hide_input=True, err=True)
    else:
        key = sys.stdin.readline()
    if not key.strip():
        raise UsageError("no key was entered; nothing was written")
    return str(key).strip()


def _read_value(setting: Setting, values: Sequence[str]) -> Any:
    """Return the value that the words stand for: of TOML, else a list, a path or a text."""
    if len(values) > 1 and not setting.is_list:
        raise UsageError(f"{setting.name} takes one value: {setting.description}")
    try:
        parsed = tomllib.loads(f"value = {values[0]}")["value"]
    except tomllib.TOMLDecodeError:
        parsed = values[0]
    if setting.is_list:
        return parsed if isinstance(parsed, list) else list(values)
    if setting.name == "vault":
        return str(Path(values[0]).expanduser().absolute())
    return parsed


def _write(setting: Setting, value: Any, root: Path | None, *, replace: bool = True) -> None:
    """Write the value, and print what has changed.

    replace: do not ask, even if something is then read or sent that was left alone.

    Raises UsageError if the value is refused, or nobody can be asked.
    """
    output, before = Output(), plan_edit(root, {}).config
    try:
        planned = plan_edit(root, {setting.name: value})
    except UsageError as error:
        raise UsageError(f"{error}. {setting.name}: {setting.description}") from None
    if not replace and (losses := find_losses(planned, before)):
        output.warn(f"No longer private, or left alone: {'; '.join(losses)}")
        if not output.can_ask:
            raise UsageError("nothing was written; --replace does it, companion config add adds")
        if not click.confirm("Is that what you want?", err=True):
            output.warn("Nothing was written.")
            return
    planned = write_edit(lambda: plan_edit(root, {setting.name: value}))
    for line in planned.changed or [f"Nothing to change: {planned.file} already says so."]:
        output.say(line)
