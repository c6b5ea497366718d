"""Obsolete settings: each is named once, with what replaces it, and has no effect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

GONE = {
    "endpoint.tokens_a_minute": "the limit of tokens a minute is the one that the endpoint reports",
    "background.rescan_seconds": "the whole vault is scanned every 5 minutes",
    "similar.choose": "similar notes choose if they can; similar.model = none ends that",
    "callout.from_title": "a title is enough, unless endpoint.small says that the model is small",
    "callout.fold": "the fold is as most callouts in the vault have it; fold three by hand",
    "ignore.max_kilobytes": "notes over 1,024 kB are left alone",
    "callout.section_fold": "under a heading the fold is as most in the vault have it, else +",
    "review.outdated_share": "a text is outdated once a third of its sentences have changed",
    "agents.folders": "agents accept nothing while it is there, and in any folder without it",
    "notes.quote_others": "other notes are quoted unless notes.own_sentence is false",
    "endpoint.temperature": "it is 0.2, and left out where the model takes none",
    "endpoint.retries": "a failed call is made up to 3 times more",
    "endpoint.max_output_tokens": "8,192 more than needed, if the model thinks",
    "endpoint.input_price": "it counts until endpoint.price = [2, 10], say, gives both prices",
    "endpoint.output_price": "it counts until endpoint.price = [2, 10], say, gives both prices",
    "notes.examples": "the author's style and corrections show how to write",
    "similar.base_url": "the built-in encoder compares notes, or similar.model at endpoint.base_url"
    " once this is taken out",
    "similar.enabled": 'false counts until similar.model = "none" takes its place',
    "similar.api_key": "similar.model is asked with endpoint.api_key",
}
"""By name, what happens instead of the setting."""

_PRICES = ("endpoint.input_price", "endpoint.output_price")
_EFFECTIVE = (*_PRICES, "similar.enabled")  # what they say still counts
# What a setting that is gone kept from being done stays undone while it is in a file.
_HELD_BACK = {
    "agents.folders": ("agents", "may_accept"),
    "similar.base_url": ("similar", "model"),
}


def find_gone(tables: Mapping[str, Any]) -> list[str]:
    """Return the names of obsolete settings in the tables, in the order of GONE."""
    return [name for name in GONE if _has_setting(tables, name)]


def without_gone(tables: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tables without obsolete settings."""
    kept = dict(tables)
    for name in find_gone(tables):
        table, _, gone = name.partition(".")
        kept[table] = {key: value for key, value in kept[table].items() if key != gone}
    return kept


def find_removable(tables: Mapping[str, Any]) -> list[str]:
    """Return the obsolete settings whose removal allows nothing that they prevented."""
    return [name for name in find_gone(tables) if name not in (*_HELD_BACK, *_EFFECTIVE)]


def with_gone_effects(merged: Mapping[str, Any], *files: Mapping[str, Any]) -> dict[str, Any]:
    """Return the merged tables with what obsolete settings in the files said, where that still
    counts, and without anything that they prevented.
    """
    kept = dict(merged)
    said = {
        name: tables[name.partition(".")[0]][name.partition(".")[2]]
        for tables in files
        for name in _EFFECTIVE
        if _has_setting(tables, name)
    }
    for name, (table, key) in _HELD_BACK.items():
        is_there = any(name in find_gone(tables) for tables in files)
        if is_there and isinstance(kept.get(table), Mapping):
            kept[table] = {each: value for each, value in kept[table].items() if each != key}
    endpoint, similar = kept.get("endpoint"), kept.get("similar")
    if isinstance(endpoint, dict) and not said.keys().isdisjoint(_PRICES):
        kept["endpoint"] = {"price": [said.get(name, 0) for name in _PRICES]} | endpoint
    if isinstance(similar, dict) and said.get("similar.enabled") is False:
        kept["similar"] = similar | {"model": "none"}
    return kept


def describe_gone(name: str) -> str:
    """Return in words that the setting no longer exists, and what happens instead."""
    return f"the setting {name} is gone: {GONE[name]}"


def describe_obsolete(tables: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each obsolete setting in the tables, and whether to take it out."""
    ends = dict.fromkeys(find_removable(tables), "; take it out")
    return [describe_gone(name) + ends.get(name, "") for name in find_gone(tables)]


def _has_setting(tables: Mapping[str, Any], name: str) -> bool:
    table, _, key = name.partition(".")
    return isinstance(tables.get(table), Mapping) and key in tables[table]
