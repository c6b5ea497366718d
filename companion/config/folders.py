"""Where configuration and state lie: COMPANION_HOME where that is set, else the platform's."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

from platformdirs import user_config_path, user_state_path

APP = "callout-companion"


def config_folder() -> Path:
    """Return the folder of `config.toml`, `prompts/` and `token`."""
    return _home() or user_config_path(APP, appauthor=False)


def state_folder(root: Path) -> Path:
    """Return the folder of what is kept for one vault: journal, index, lock."""
    digest = sha256(str(root).encode("utf-8", "surrogateescape")).hexdigest()[:12]
    return common_state_folder() / "vaults" / f"{root.name or 'vault'}-{digest}"


def common_state_folder() -> Path:
    """Return the folder of what is kept for all vaults together: what was spent."""
    return _home() or user_state_path(APP, appauthor=False)


def _home() -> Path | None:
    home = os.environ.get("COMPANION_HOME")
    return Path(home).expanduser().absolute() if home else None
