"""The folders of our own files, and the configuration that is read from them.

The common settings are in `config.toml`. A vault after the first has its own in our folder, not in
the vault: people who can write to the vault must not choose where its notes are sent.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from platformdirs import user_config_path, user_state_path
from pydantic import ValidationError

from companion.config.settings import Config
from companion.errors import UsageError
from companion.private_files import read_if_there
from companion.vault.ignore import WHOLE, folder_key
from companion.vault.obsidian import SETTINGS

APP = "callout-companion"
Tables = Mapping[str, Any]

ENDPOINT_VARIABLES = ("COMPANION_BASE_URL", "COMPANION_MODEL", "COMPANION_API_KEY")
_ENDPOINT = ("base_url", "model", "api_key")  # what those variables set, in their order
_GUARDS = ("ignore", "private")  # tables whose lists keep notes from being read or sent


def config_folder() -> Path:
    """Return the folder of `config.toml`, `vault-settings/`, `prompts/` and `token`.

    It is COMPANION_HOME if that is set, and the common state's folder is the same; else it is where
    the platform says.
    """
    return _home() or user_config_path(APP, appauthor=False)


def common_state_folder() -> Path:
    """Return the folder of the state that all vaults share, such as the daily budget."""
    return _home() or user_state_path(APP, appauthor=False)


def state_folder(root: Path) -> Path:
    """Return the folder of one vault's state: journal, index, lock."""
    return common_state_folder() / "vaults" / f"{root.name or 'vault'}-{vault_digest(root)}"


def vault_digest(root: Path) -> str:
    """Return the digest of the vault's path in our file names: 12 hexadecimal digits."""
    return sha256(str(root).encode("utf-8", "surrogateescape")).hexdigest()[:12]


def config_file() -> Path:
    """Return the file of the settings that all vaults have in common."""
    return config_folder() / "config.toml"


def vault_file(root: Path) -> Path:
    """Return the file of the vault's own settings, which need not exist. root: its real path."""
    return config_folder() / "vault-settings" / f"{state_folder(root).name}.toml"


def vaults_with_settings() -> Iterator[tuple[Path, Tables]]:
    """Yield each vault that has settings of its own, and these; broken files are left out."""
    for file in sorted((config_folder() / "vault-settings").glob("*.toml")):
        try:
            tables = read_tables(file)
        except UsageError:
            continue
        if isinstance(root := tables.get("vault"), str):
            yield Path(root), tables


def first_vault(common: Tables) -> Path | None:
    """Return the real path of the vault that the common settings name; None if they name none."""
    if isinstance(vault := common.get("vault"), str):
        with suppress(RuntimeError, OSError):  # for a home that is not there; for links in a loop
            return Path(vault).expanduser().resolve()
    return None


def load_config(root: Path | None = None, *, allow_moved: bool = False) -> Config:
    """Return the configuration; the environment overrides the file.

    root: the real path of a vault, whose settings go over the common ones; None: only these.

    Raises UsageError if a file is no TOML, a key is unknown or wrong, or, unless allow_moved, a
    vault seems to have been moved: the common settings might send what its own keep back.
    """
    own = {} if root is None else read_tables(vault_file(root))
    common = read_tables(config_file())
    if root is not None and not own and not allow_moved:
        _refuse_moved(root, common)
    tables = merge_tables(common, own)
    endpoint = tables.setdefault("endpoint", {})
    if isinstance(endpoint, dict):
        tables["endpoint"] = endpoint | _read_environment(endpoint.get("base_url"))
    try:
        return Config.model_validate(tables)
    except ValidationError as error:
        files = [*([vault_file(root)] if root is not None and own else []), config_file()]
        raise UsageError(describe_errors(error, *files)) from None


def with_private_around(root: Path, config: Config) -> Config:
    """Return the configuration with what vaults around the one at root keep private, too.

    These are their tags, their properties, and their folders that are in this vault, as paths in
    it; WHOLE if it is in one of them. So what they keep from models on other machines does not go
    there from here. root: its real path. Raises UsageError if their settings cannot be used.
    """
    first, private = first_vault(read_tables(config_file())), config.private
    for around in root.parents:
        # before Python 3.14, Path.is_dir raises an error where a sandbox forbids to look
        has_obsidian = os.path.isdir(around / SETTINGS)  # noqa: PTH112
        if not (around == first or has_obsidian or vault_file(around).exists()):
            continue
        theirs, above = load_config(around, allow_moved=True).private, root.relative_to(around)
        folders = [_find_below(above.parts, folder.split("/")) for folder in theirs.folders]
        marks = dict[str, tuple[str, ...]]()
        for name, text in dict.fromkeys((*private.marks, *theirs.marks)):
            marks[name] = (*marks.get(name, ()), text)
        added = {
            "folders": tuple(dict.fromkeys((*private.folders, *filter(None, folders)))),
            "tags": tuple(dict.fromkeys((*private.tags, *theirs.tags))),
            "properties": marks,
        }
        private = private.model_copy(update=added)
    return config if private is config.private else config.model_copy(update={"private": private})


def _find_below(above: Sequence[str], folder: Sequence[str]) -> str:
    """Return a folder as a path below another one; WHOLE if it has that in it, empty if elsewhere.

    Both: parts of paths in the same vault.
    """
    shared = min(len(above), len(folder))
    if any(folder_key(above[n]) != folder_key(folder[n]) for n in range(shared)):
        return ""
    return "/".join(folder[shared:]) or WHOLE


def find_restart_settings(then: Config, now: Config) -> list[str]:
    """Return the settings that differ, and that a daemon follows only after a restart."""
    is_changed = {
        "vault": then.vault != now.vault,
        "server.port": then.server != now.server,
        "endpoint.concurrency": then.concurrency != now.concurrency,
    }
    return [name for name, changed in is_changed.items() if changed]


def read_tables(file: Path) -> dict[str, Any]:
    """Return the tables of a TOML file; none if it does not exist.

    Raises UsageError if it cannot be read, or is not TOML.
    """
    return parse_tables(read_if_there(file) or b"", file)


def parse_tables(data: bytes, file: Path) -> dict[str, Any]:
    """Return the tables of TOML in UTF-8, with or without a byte order mark.

    file: the name for messages. Raises UsageError.
    """
    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{file} is not valid TOML: {error}; correct that line") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is not valid UTF-8 ({error.reason}); save it as UTF-8") from None


def merge_tables(common: Tables, own: Tables) -> dict[str, Any]:
    """Return the settings of a vault: its own over the common ones.

    A vault with an address or model of its own takes no address, model or key from the common ones,
    so that no note goes where its settings do not say, and no key elsewhere. The lists in [ignore]
    and [private] add up, for the same reason, and so do the values of private properties.
    """
    merged: dict[str, Any] = dict(common)
    named, under = own.get("endpoint"), merged.get("endpoint")
    has_own = isinstance(named, dict) and {"base_url", "model"} & named.keys()
    if has_own and isinstance(under, dict):
        merged["endpoint"] = {key: value for key, value in under.items() if key not in _ENDPOINT}
    for name, table in own.items():
        under = merged.get(name)
        if isinstance(table, dict) and isinstance(under, dict):
            merged[name] = under | table
            if name in _GUARDS:
                merged[name] |= {
                    key: _add_up(under[key], table[key]) for key in under.keys() & table.keys()
                }
        else:
            merged[name] = table
    return merged


def _add_up(common: object, own: Any) -> Any:
    """Return a list or mapping of what is left alone with what the common settings name, too."""
    if isinstance(common, list) and isinstance(own, list):
        return common + [each for each in own if each not in common]
    if isinstance(common, dict) and isinstance(own, dict):
        values = {name: [common[name], own[name]] for name in common.keys() & own.keys()}
        return common | own | {name: _flatten(both) for name, both in values.items()}
    return own


def _flatten(values: list[object]) -> list[object]:
    """Return the values, and the items of those that are lists."""
    return [item for each in values for item in (each if isinstance(each, list) else [each])]


def describe_errors(error: ValidationError, *files: Path) -> str:
    """Return a line for each wrong setting, in TOML's terms; never its value, which may be a key.

    files: that set the settings.
    """
    lines = []
    where = " or ".join(map(str, files))
    for problem in error.errors(include_input=False, include_url=False):
        name = ".".join(map(str, problem["loc"])) or "the file"
        if problem["type"] == "extra_forbidden":
            lines.append(f"{where}: unknown setting {name}; see companion config get")
            continue
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "path_type":
            message = "this has to be a path"
        message = message.replace("Input should be", "this has to be").replace("tuple", "list")
        also = " or the environment" if name.startswith("endpoint") else ""
        lines.append(f"{where}{also}: {name}: {message}")
    return "\n".join(lines)


def _home() -> Path | None:
    home = os.environ.get("COMPANION_HOME")
    return Path(home).expanduser().absolute() if home else None


def _refuse_moved(root: Path, common: Tables) -> None:
    """Raise UsageError if a vault that is gone left its own settings, and may be this one."""
    if first_vault(common) == root:
        return
    for old, _ in vaults_with_settings():
        # a parent that is not there: it may be on a drive that is away
        if not old.exists() and (old.name == root.name or old.parent.is_dir()):
            raise UsageError(
                f"{root} has no settings of its own, but {old}, which is not there any more, has"
                f" some in {vault_file(old)}. If this is that vault, moved, copy them to"
                f" {vault_file(root)}; else remove that file, or set this one up by companion init"
            )


def _read_environment(base_url: object) -> dict[str, object]:
    """Return the settings of the endpoint that the environment sets.

    base_url: the file's. If the environment sets another one, the file's key is not used: it is not
    meant for that address.
    """
    values = ((os.environ.get(name) or "").strip() for name in ENDPOINT_VARIABLES)
    named = zip(_ENDPOINT, values, strict=True)
    settings: dict[str, object] = {name: value for name, value in named if value}
    if "base_url" in settings and settings["base_url"] != base_url:
        settings.setdefault("api_key", "")
    return settings
