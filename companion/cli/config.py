"""companion config: read and change settings, of all vaults or of one; comments stay."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import click

from companion.cli.output import Output, edit_text
from companion.cli.session import VaultPathType, debug_option
from companion.config import config_file, load_config
from companion.config.edit_settings import (
    PlannedSettings,
    SettingValue,
    change_settings,
    plan_settings,
    plan_text,
    write_planned,
)
from companion.config.load import Tables, describe_gone_settings, read_tables, vault_file
from companion.config.reference import (
    SECRETS,
    Setting,
    all_settings,
    as_toml,
    find_setting,
    reference,
    value_of,
    without_secrets,
)
from companion.errors import UsageError
from companion.private_files import read_if_there, write_private
from companion.vault.paths import find_vault, resolve_vault, vault_option_for

_TEMPLATE = """\
# Settings of Callout Companion. Commented lines show the defaults; unset: see there.

"""

_for_vault = click.option(
    "--vault",
    "root",
    type=VaultPathType(),
    callback=lambda _ctx, _option, named: named and resolve_vault(named),
    help="This vault's own settings, which override the common ones.",
)


def _complete_setting(_ctx: click.Context, _param: click.Parameter, typed: str) -> list[str]:
    return [each.name for each in all_settings() if each.name.startswith(typed)]


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
@debug_option
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
        return 0
    if name is None:
        for each, value in values.items():
            if each in SECRETS:
                output.say(f"# {each}: {'set, and not shown' if value else 'not set'}")
            else:
                output.say(f"# {each} =" if value is None else f"{each} = {as_toml(value)}")
        return 0
    value = values[name]
    if value is None or (name in SECRETS and not value):
        output.warn(f"{name} is not set ({settings[0].description})")
        return 1
    shown = value if isinstance(value, str) else as_toml(value)
    click.echo("set, and not shown" if name in SECRETS else shown)
    return 0


@config.command("set")
@click.argument("name", shell_complete=_complete_setting)
@click.argument("values", nargs=-1, metavar="[VALUE]...")
@click.option("--default", "removes", is_flag=True, help="Take it out of the file.")
@_for_vault
@debug_option
def set_(name: str, values: Sequence[str], removes: bool, root: Path | None) -> None:
    """Set a setting to a value.

    VALUE is text, a number, true or false, or a TOML value. A list takes several: companion config
    set ignore.folders Journal "Old notes". The key is asked for, or read from standard input, so
    that it stays out of your shell's history.
    """
    setting = find_setting(name)
    is_secret = setting.name in SECRETS
    if removes == bool(values) and (removes or not is_secret):
        raise UsageError(f"give {name} a value, or --default to take it out of the file")
    if is_secret and values:
        raise UsageError(
            "the key would stay in the shell's history; leave it out, and it is asked for, or read"
            " from standard input"
        )
    if removes:
        candidates: list[SettingValue] = [None]
    elif is_secret:
        candidates = [_read_key()]
    else:
        candidates = list(_candidates(setting, values))
    planned = change_settings(lambda: _plan_first(setting, candidates, root))
    output = Output()
    for line in planned.changed or [f"Nothing to change: {planned.file} already says so."]:
        output.say(line)
    here = find_vault(Path.cwd())
    if root is None and name != "vault" and here and vault_file(here).is_file():
        option = vault_option_for(Path.cwd())
        output.warn(f"This is for all vaults; --vault {option} sets it for {here} alone.")


@config.command()
@_for_vault
@debug_option
def edit(root: Path | None) -> None:
    """Edit the settings file, and check it first.

    It opens in your editor, and is checked before it is saved. If there is no file yet, it has all
    settings, commented out. If something in it is wrong, the file stays as it was, and your text is
    kept beside it.
    """
    output = Output()
    file, common = _file_of(root)
    before = (read_if_there(file) or b"").decode("utf-8-sig")
    typed = before or _TEMPLATE + reference(commented=True) + "\n"
    if root is not None and not before:
        typed = f"vault = {as_toml(root)}\n\n{typed}"
    while (edited := edit_text(typed, ".toml")) is not None:
        typed = edited if "\r\n" not in before else edited.replace("\n", "\r\n")
        try:
            planned = plan_text(file, typed, common)
        except UsageError as error:
            if sys.stdin.isatty():
                output.warn(str(error))
                if click.confirm("Edit it again?", default=True, err=True):
                    continue
            kept = file.with_name(f"{file.name}.rejected")
            write_private(kept, typed.encode())
            raise UsageError(f"{error}; what you typed is in {kept}") from None
        write_planned(planned)
        output.say(f"Written to {file}." if planned.changed else "Nothing was changed.")
        output.warn(*describe_gone_settings(file))
        return
    output.say("Nothing was changed.")


def _file_of(root: Path | None) -> tuple[Path, Tables]:
    """Return the file of the settings, and the tables that its settings override."""
    if root is None:
        return config_file(), {}
    return vault_file(root), read_tables(config_file())


def _read_key() -> str:
    if sys.stdin.isatty():
        key = click.prompt("API key (not shown)", hide_input=True, err=True)
    else:
        key = sys.stdin.readline()
    if not key.strip():
        raise UsageError("no key was entered; nothing was written")
    return str(key).strip()


def _candidates(setting: Setting, values: Sequence[str]) -> Iterator[SettingValue]:
    """Yield the possible meanings of the words: a TOML value, else a text, else a list."""
    if len(values) == 1:
        with suppress(tomllib.TOMLDecodeError):
            parsed: SettingValue = tomllib.loads(f"value = {values[0]}")["value"]
            if not setting.is_list or isinstance(parsed, list):
                yield parsed
        if not setting.is_list:
            yield values[0]
            return
    if not setting.is_list:
        raise UsageError(f"{setting.name} takes one value: {setting.description}")
    yield list(values)


def _plan_first(
    setting: Setting, candidates: Sequence[SettingValue], root: Path | None
) -> PlannedSettings:
    """Return the edit for the first of the values that the setting accepts.

    Raises UsageError if it accepts none of them.
    """
    file, common = _file_of(root)
    fixed: dict[str, SettingValue] = {} if root is None else {"vault": str(root)}
    if root is not None and setting.name == "vault":
        raise UsageError(f"the settings in {file} are those of {root}; they name no other vault")
    refused: UsageError | None = None
    for value in candidates:
        try:
            planned = plan_settings(file, fixed | {setting.name: value}, common)
        except UsageError as error:
            refused = error
            continue
        meant = value_of(planned.config, setting.name)
        if isinstance(value, str) and isinstance(meant, bool | int | float | Path):
            # "yes" for true; a path counts from here
            meant = str(meant.expanduser().absolute()) if isinstance(meant, Path) else meant
            if setting.name not in SECRETS:
                return plan_settings(file, fixed | {setting.name: meant}, common)
        return planned
    assert refused
    raise UsageError(f"{refused}. {setting.name}: {setting.description}")
