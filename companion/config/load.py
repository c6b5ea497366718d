"""The configuration, read from its file and the environment, and the folders of our own files.

These are in COMPANION_HOME where that is set, else where the platform keeps such files.
"""

from __future__ import annotations

import os
import tomllib
from hashlib import sha256
from pathlib import Path

from platformdirs import user_config_path, user_state_path
from pydantic import ValidationError

from companion.config.settings import Config
from companion.errors import UsageError
from companion.private_files import read_if_there

APP = "callout-companion"
_EXPECTED = {
    "bool": "true or false",
    "dict": 'pairs, as { status = "postponed" }',
    "float": "a number",
    "int": "a whole number",
    "model": "settings of its own: begin them with its name in [ ] on a line",
    "path": "the path of a folder, in quotes",
    "string": "a text in quotes, on one line",
    "tuple": 'a list, as ["one", "two"]',
}


def load_config() -> Config:
    """Return the configuration; the environment overrides the file.

    Raises UsageError: the file is no TOML, or a key in it is unknown or has a wrong value.
    """
    file = config_folder() / "config.toml"
    tables = _read_toml(file)
    endpoint = tables.setdefault("endpoint", {})
    if isinstance(endpoint, dict):
        endpoint.update(_read_environment(endpoint.get("base_url")))
    try:
        return Config.model_validate(tables)
    except ValidationError as error:
        raise UsageError("\n".join(_describe_errors(error, file))) from None


def config_folder() -> Path:
    """Return the folder of `config.toml`, `prompts/` and `token`."""
    return _home() or user_config_path(APP, appauthor=False)


def state_folder(root: Path) -> Path:
    """Return the folder of one vault's state: journal, index, lock."""
    digest = sha256(str(root).encode("utf-8", "surrogateescape")).hexdigest()[:12]
    return common_state_folder() / "vaults" / f"{root.name or 'vault'}-{digest}"


def common_state_folder() -> Path:
    """Return the folder of the state that all vaults share, such as the daily budget."""
    return _home() or user_state_path(APP, appauthor=False)


def _home() -> Path | None:
    home = os.environ.get("COMPANION_HOME")
    return Path(home).expanduser().absolute() if home else None


def _read_toml(file: Path) -> dict[str, object]:
    try:
        return tomllib.loads((read_if_there(file) or b"").decode("utf-8-sig"))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{file} is no valid TOML: {error}; mend that line") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} cannot be read: {error}") from None


def _read_environment(base_url: object) -> dict[str, object]:
    """Return the settings of the endpoint that the environment sets.

    base_url: the file's. With another one, the key of the file is not used: it is not for there.
    """
    variables = {
        "base_url": "COMPANION_BASE_URL",
        "api_key": "COMPANION_API_KEY",
        "model": "COMPANION_MODEL",
    }
    settings: dict[str, object] = {
        key: value for key, name in variables.items() if (value := os.environ.get(name))
    }
    if "base_url" in settings and settings["base_url"] != base_url:
        settings.setdefault("api_key", "")
    return settings


def _describe_errors(error: ValidationError, file: Path) -> list[str]:
    """Return a line for each wrong setting; never its value, which may be the key.

    What a setting expects is said in words of TOML, in place of pydantic's for Python's types.
    """
    lines = []
    for problem in error.errors(include_input=False, include_url=False):
        name = ".".join(str(part) for part in problem["loc"]) or "the file"
        if problem["type"] == "extra_forbidden":
            lines.append(f"{file}: unknown setting {name}; the README lists those there are")
            continue
        if expected := _EXPECTED.get(problem["type"].partition("_")[0]):
            message = f"this takes {expected}"
        else:
            message = problem["msg"].removeprefix("Value error, ")
            message = message.replace("Input should be", "this has to be")
        where = f"{file} or the environment" if name.startswith("endpoint") else f"{file}"
        lines.append(f"{where}: {name}: {message}")
    return lines
