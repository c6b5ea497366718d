"""The configuration: its files, three environment variables, and the folders of our own files."""

from companion.config.load import (
    APP,
    common_state_folder,
    config_file,
    config_folder,
    load_config,
    state_folder,
    vault_digest,
)
from companion.config.settings import Config

__all__ = [
    "APP",
    "Config",
    "common_state_folder",
    "config_file",
    "config_folder",
    "load_config",
    "state_folder",
    "vault_digest",
]
