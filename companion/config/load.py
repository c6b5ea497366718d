"""The configuration, read from its files and the environment."""

from __future__ import annotations

import os
import shlex
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from companion.config.folders import config_folder
from companion.config.settings import Config
from companion.config.toml_file import describe_errors, read_tables
from companion.config.vault_settings import find_moved, merge_tables, vault_file
from companion.errors import UsageError


def config_file() -> Path:
    """Return the file of the settings that all vaults have in common."""
    return config_folder() / "config.toml"


def load_config(root: Path | None = None, *, allow_moved: bool = False) -> Config:
    """Return the configuration; the environment overrides the file.

    root: the real path of a vault, whose own settings go over the common ones; None: only these.
    allow_moved: accept a vault whose own settings seem to have been left behind.

    Raises UsageError: a file is no TOML, or a key in it is unknown or has a wrong value; or the
    vault seems to have been moved, so that the common settings might send what its own keep back.
    """
    own = {} if root is None else read_tables(vault_file(root))
    common = read_tables(config_file())
    if root is not None and not own and not allow_moved:
        _refuse_moved(root, common.get("vault"))
    tables = merge_tables(common, own)
    endpoint = tables.setdefault("endpoint", {})
    if isinstance(endpoint, dict):
        tables["endpoint"] = endpoint | _read_environment(endpoint.get("base_url"))
    try:
        return Config.model_validate(tables)
    except ValidationError as error:
        file_of = partial(_file_of, own=own, root=root)
        raise UsageError(describe_errors(error, file_of, " or the environment")) from None


def _refuse_moved(root: Path, configured: object) -> None:
    """Raise UsageError if settings of the vault's own seem to have been left behind."""
    if isinstance(configured, str) and Path(configured).expanduser().resolve() == root:
        return
    if moved := find_moved(root):
        old, file = moved
        typed = shlex.quote(str(root))
        raise UsageError(
            f"{root} has no settings of its own, but {old}, which is not there any more, has some"
            f" in {file}. If this is that vault, moved, copy them by companion config edit --vault"
            f" {typed}; else companion init {typed} sets this one up"
        )


def _file_of(name: str, own: dict[str, Any], root: Path | None) -> Path:
    """Return the file that sets the setting: the vault's own where that has it."""
    found: Any = own
    for part in name.split("."):
        if not isinstance(found, dict) or part not in found:
            break
        found = found[part]
    return vault_file(root) if root is not None and found is not own else config_file()


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
