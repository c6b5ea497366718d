"""The folders of our own files, and the configuration that is read from them.

The common settings are in `config.toml`. A vault after the first has its own in our folder, not in
the vault: people who can write to the vault must not choose where its notes are sent.
"""

from __future__ import annotations

import os
import shlex
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from platformdirs import user_config_path, user_state_path
from pydantic import ValidationError

from companion.config.reference import describe_obsolete, with_gone_effects, without_gone
from companion.config.settings import Config, PrivateTable
from companion.errors import UsageError
from companion.private_files import read_if_there, write_private
from companion.vault.ignore import WHOLE, folder_key
from companion.vault.obsidian import SETTINGS

APP = "callout-companion"
Tables = Mapping[str, Any]

ENDPOINT_VARIABLES = ("COMPANION_BASE_URL", "COMPANION_MODEL", "COMPANION_API_KEY")
_ENDPOINT = ("base_url", "model", "api_key")  # what those variables set, in their order
_GUARDS = ("ignore", "private")  # tables whose lists keep notes from being read or sent
_EXPECTED = {
    "bool": "true or false",
    "dict": 'pairs, such as { status = "postponed" }',
    "float": "a number",
    "int": "a whole number",
    "model": "settings of its own: begin them with its name in [ ] on a line",
    "path": "the path of a folder, in quotes",
    "string": "a text in quotes, on one line",
    "tuple": 'a list, such as ["one", "two"]',
}


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


def vault_files() -> list[Path]:
    """Return the files of all vaults that have settings of their own."""
    return sorted((config_folder() / "vault-settings").glob("*.toml"))


def vaults_with_settings() -> Iterator[tuple[Path, Tables]]:
    """Yield each vault that has settings of its own, and these; broken files are left out."""
    for file in vault_files():
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
    if root is not None and own and (inode := _read_inode(root)):
        with suppress(UsageError):  # by it the vault is known once it is moved and renamed
            if inode != read_if_there(_inode_file(root)):
                write_private(_inode_file(root), inode)
    tables = merge_tables(common, own)
    endpoint = tables.setdefault("endpoint", {})
    if isinstance(endpoint, dict):
        tables["endpoint"] = endpoint | _read_environment(endpoint.get("base_url"))

    def file_of(name: str) -> Path:
        """Return the file that sets the setting: the vault's own, else the common one."""
        table: Any = own
        for part in name.split("."):
            if not isinstance(table, dict) or part not in table:
                break
            table = table[part]
        return vault_file(root) if root is not None and table is not own else config_file()

    try:
        config = Config.model_validate(tables)
        if own and isinstance(shared := common.get("private"), dict):  # whose values hold, too
            marks = PrivateTable(properties=shared.get("properties", {})).marks
            config = config.model_copy(update={"private": config.private.with_marks(marks)})
        return config
    except ValidationError as error:
        raise UsageError(describe_errors(error, file_of, " or the environment")) from None


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
        added = {
            "folders": tuple(dict.fromkeys((*private.folders, *filter(None, folders)))),
            "tags": tuple(dict.fromkeys((*private.tags, *theirs.tags))),
        }
        private = private.model_copy(update=added).with_marks(theirs.marks)
    return config if private is config.private else config.model_copy(update={"private": private})


def _find_below(above: Sequence[str], folder: Sequence[str]) -> str:
    """Return a folder as a path below another one; WHOLE if it has that in it, empty if elsewhere.

    Both: parts of paths in the same vault.
    """
    shared = min(len(above), len(folder))
    if any(folder_key(above[n]) != folder_key(folder[n]) for n in range(shared)):
        return ""
    return "/".join(folder[shared:]) or WHOLE


def describe_gone_settings(*files: Path) -> list[str]:
    """Return a line for each obsolete setting in the files; none for files that are broken."""
    lines = []
    for file in files:
        with suppress(UsageError):
            lines += [f"{file}: {said}" for said in describe_obsolete(read_tables(file))]
    return lines


def find_restart_settings(then: Config, now: Config) -> list[str]:
    """Return the settings that differ, and that a daemon follows only after a restart."""
    is_changed = {
        "vault": then.vault != now.vault,
        "server.port": then.server != now.server,
        "endpoint.concurrency": then.concurrency != now.concurrency,
        "similar": then.similar != now.similar,
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
    """Return the settings of a vault: its own over the common ones, without what is gone.

    A vault with an address or model of its own takes no address, model or key from the common ones,
    so that no note goes where its settings do not say, and no key elsewhere. The lists in [ignore]
    and [private] add up, for the same reason; load_config adds the values of private properties.
    """
    merged = without_gone(common)
    under = merged.get("endpoint")
    is_other = (
        isinstance(named := own.get("endpoint"), dict) and {"base_url", "model"} & named.keys()
    )
    if is_other and isinstance(under, dict):
        merged["endpoint"] = {key: value for key, value in under.items() if key not in _ENDPOINT}
    for name, table in without_gone(own).items():
        under = merged.get(name)
        if not isinstance(table, dict) or not isinstance(under, dict):
            merged[name] = table
            continue
        merged[name] = {**under, **table}
        for key, value in table.items() if name in _GUARDS else ():
            held_back = under.get(key)
            if isinstance(held_back, list) and isinstance(value, list):
                value = held_back + [each for each in value if each not in held_back]
            elif isinstance(held_back, dict) and isinstance(value, dict):
                value = held_back | value
            merged[name][key] = value
    return with_gone_effects(merged, common, own)


def describe_errors(
    error: ValidationError, file_of: Callable[[str], Path], elsewhere: str = ""
) -> str:
    """Return a line for each wrong setting, in TOML's terms; never its value, which may be a key.

    file_of: returns the file of a setting. elsewhere: where those of the endpoint may come from,
    too.
    """
    lines = []
    for problem in error.errors(include_input=False, include_url=False):
        name = ".".join(str(part) for part in problem["loc"]) or "the file"
        file = file_of(name)
        if problem["type"] == "extra_forbidden":
            lines.append(f"{file}: unknown setting {name}; see companion config get")
            continue
        if expected := _EXPECTED.get(problem["type"].partition("_")[0]):
            message = f"this takes {expected}"
        else:
            message = problem["msg"].removeprefix("Value error, ")
            message = message.replace("Input should be", "this has to be")
        where = f"{file}{elsewhere}" if name.startswith("endpoint") else f"{file}"
        lines.append(f"{where}: {name}: {message}")
    return "\n".join(lines)


def _home() -> Path | None:
    home = os.environ.get("COMPANION_HOME")
    return Path(home).expanduser().absolute() if home else None


def _refuse_moved(root: Path, common: Tables) -> None:
    """Raise UsageError if a vault that is gone left its own settings, and may be this one."""
    if first_vault(common) == root:
        return
    inode = _read_inode(root)
    for old, _ in vaults_with_settings():
        if old == root or old.exists():
            continue
        if old.name == root.name or (inode and inode == read_if_there(_inode_file(old))):
            typed = shlex.quote(str(root))
            raise UsageError(
                f"{root} has no settings of its own, but {old}, which is not there any more, has"
                f" some in {vault_file(old)}. If this is that vault, moved, copy them by companion"
                f" config edit --vault {typed}; else companion init {typed} sets this one up"
            )


def _inode_file(root: Path) -> Path:
    return state_folder(root) / "inode"


def _read_inode(root: Path) -> bytes | None:
    with suppress(OSError):
        return b"%d\n" % root.stat().st_ino
    return None


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
