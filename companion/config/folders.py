"""The folders of our own files: in COMPANION_HOME if that is set, else where the platform says."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

from platformdirs import user_config_path, user_state_path

APP = "callout-companion"


def config_folder() -> Path:
    """Return the folder of `config.toml`, `vault-settings/`, `prompts/` and `token`."""
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
