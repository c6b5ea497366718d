"""Settings of earlier versions: they are named once, with what to do, and have no effect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

GONE = {
    "endpoint.tokens_a_minute": "the limit of tokens a minute is the one that the endpoint reports",
    "background.rescan_seconds": "the whole vault is looked over every 5 minutes",
    "similar.choose": "similar notes choose if they can; similar.enabled = false ends that",
    "callout.from_title": "a title is enough, unless endpoint.small says that the model is small",
    "callout.section_fold": "under a heading the fold is as most in the vault have it, else +",
    "review.outdated_share": "a text is outdated once a third of its sentences have changed",
}
"""By name, what is done in place of the setting."""


def find_gone(tables: Mapping[str, Any]) -> list[str]:
    """Return the names of the settings in the tables that are gone, in the order of GONE."""
    return [name for name in GONE if _has_setting(tables, name)]


def without_gone(tables: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tables without the settings that are gone."""
    kept = dict(tables)
    for name in find_gone(tables):
        table, _, gone = name.partition(".")
        kept[table] = {key: value for key, value in kept[table].items() if key != gone}
    return kept


def describe_gone(name: str) -> str:
    """Return in words that there is no such setting any more, and what is done instead."""
    return f"the setting {name} is gone: {GONE[name]}"


def _has_setting(tables: Mapping[str, Any], name: str) -> bool:
    table, _, key = name.partition(".")
    return isinstance(tables.get(table), Mapping) and key in tables[table]
