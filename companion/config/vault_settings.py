"""The settings of one vault over the common ones: a file for each vault but the first.

The file lies in our own folder, not in the vault: whoever can write into a vault that is shared
must not choose where its notes are sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from companion.config.folders import config_folder, state_folder
from companion.config.toml_file import read_tables
from companion.errors import UsageError

Tables = Mapping[str, Any]

_ENDPOINT = frozenset({"base_url", "model", "api_key"})
_GUARDS = ("ignore", "private")  # tables whose lists keep notes from being read or sent


def vault_file(root: Path) -> Path:
    """Return the file of the vault's own settings, which need not exist. root: its real path."""
    return _folder() / f"{state_folder(root).name}.toml"


def vault_files() -> list[Path]:
    """Return the files of all vaults that have settings of their own."""
    return sorted(_folder().glob("*.toml"))


def vaults_with_settings() -> Iterator[tuple[Path, Tables]]:
    """Yield each vault that has settings of its own, and these; broken files are left out."""
    for file in vault_files():
        try:
            tables = read_tables(file)
        except UsageError:
            continue
        if isinstance(root := tables.get("vault"), str):
            yield Path(root), tables


def find_moved(root: Path) -> tuple[Path, Path] | None:
    """Return a vault that is gone, of the same name as root, and the file of its settings."""
    for vault, _ in vaults_with_settings():
        if vault.name == root.name and vault != root and not vault.exists():
            return vault, vault_file(vault)
    return None


def merge_tables(common: Tables, own: Tables) -> dict[str, Any]:
    """Return the settings of a vault: its own over the common ones.

    Address, model and key belong together: with its own address or model, a vault takes none of
    the three from the common settings, so that no note goes to an endpoint that its settings do
    not name. The lists in [ignore] and [private] add up, for the same reason.
    """
    merged = dict(common)
    for name, table in own.items():
        under = common.get(name)
        if not isinstance(table, dict) or not isinstance(under, dict):
            merged[name] = table
            continue
        if name == "endpoint" and {"base_url", "model"} & set(table):
            under = {key: value for key, value in under.items() if key not in _ENDPOINT}
        adds = name in _GUARDS
        merged[name] = {
            **under,
            **{key: _add(under.get(key), value) if adds else value for key, value in table.items()},
        }
    return merged


def _add(common: Any, own: Any) -> Any:
    """Return both lists, or both tables, as one; where they are neither, the vault's own value."""
    if isinstance(common, list) and isinstance(own, list):
        return common + [value for value in own if value not in common]
    if isinstance(common, dict) and isinstance(own, dict):
        return common | own
    return own


def _folder() -> Path:
    return config_folder() / "vault-settings"
