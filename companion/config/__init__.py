"""Configuration: one file, three environment variables, and the folders of what is kept."""

from companion.config.config import Config
from companion.config.folders import APP, common_state_folder, config_folder, state_folder
from companion.config.load import load_config

__all__ = [
    "APP",
    "Config",
    "common_state_folder",
    "config_folder",
    "load_config",
    "state_folder",
]
