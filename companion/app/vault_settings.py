"""The settings of one vault that one can change by a click, in the plugin."""

from __future__ import annotations

from functools import partial
from typing import Any

from companion.app.types.status import (
    IgnoredNotes,
    PrivateNotes,
    SettingsChange,
    SettingsShape,
)
from companion.config.edit import SettingsEdit, find_losses, plan_for_vault, write_edit
from companion.config.settings import Config, value_of
from companion.enrich.workspace import Workspace
from companion.errors import TakesOut, UsageError
from companion.prompts import find_field

_LISTS = {  # settings whose lists and mappings add up, by what they are in a SettingsChange
    "private.folders": ("private", "folders"),
    "private.tags": ("private", "tags"),
    "private.properties": ("private", "properties"),
    "ignore.folders": ("ignored", "folders"),
    "ignore.tags": ("ignored", "tags"),
    "ignore.patterns": ("ignored", "globs"),
    "ignore.fields": ("ignored", "fields"),
}


def show_settings(space: Workspace) -> SettingsShape:
    """Return the settings of the vault, without what a vault around it keeps private."""
    config = space.source.own
    fields = _find_filled(space, config)
    lists: dict[str, dict[str, Any]] = {"private": {}, "ignored": {}}
    for setting, (group, name) in _LISTS.items():
        lists[group][name] = _as_json(value_of(config, setting))
    return SettingsShape(
        fields=fields,
        modes={kind: config.review_mode("", kind) for kind in fields},
        folder_modes=config.review.folders,
        private=PrivateNotes(**lists["private"]),
        ignored=IgnoredNotes(**lists["ignored"]),
        background=config.background.enabled is not False,
        notes_a_day=config.background.notes_a_day,
    )


def change_settings(space: Workspace, change: SettingsChange) -> None:
    """Write a change of settings into the vault's settings, and follow it.

    Raises UsageError if a value is wrong; TakesOut if something would no longer be private or left
    alone, unless that is what the change says.
    """
    edit = write_edit(partial(_plan, space, change))
    if edit.changed:
        space.refresh()


def _plan(space: Workspace, change: SettingsChange) -> SettingsEdit:
    before = plan_for_vault(space.root, {}).config
    settings = _name_settings(space, before, change)
    edit = plan_for_vault(space.root, settings)
    for setting in _LISTS.keys() & settings.keys():
        if _as_json(value_of(edit.config, setting)) != _requested(change, setting):
            raise UsageError(
                f"{setting} has an entry for all vaults, which companion config remove takes out"
            )
    if not change.replace and (losses := find_losses(edit, before)):
        raise TakesOut(f"no longer private, or left alone: {'; '.join(losses)}")
    return edit


def _name_settings(space: Workspace, before: Config, change: SettingsChange) -> dict[str, Any]:
    """Return the values of the settings that change, by name."""
    settings: dict[str, Any] = {}
    is_filled = _find_filled(space, before)
    if unknown := {*(change.fields or ()), *(change.modes or ())} - is_filled.keys():
        names = ", ".join(is_filled)
        raise UsageError(f"there is no field {min(unknown)}; the fields are {names}")
    if change.fields is not None:
        is_filled |= change.fields
        kinds = [kind for kind, is_on in is_filled.items() if is_on]
        settings["notes.fields"] = None if all(is_filled.values()) else kinds
    if change.modes is not None:
        settings["review.fields"] = {**before.review.fields, **change.modes}
    if change.folder_modes is not None:
        modes = {**before.review.folders, **change.folder_modes}
        settings["review.folders"] = {name: mode for name, mode in modes.items() if mode}
    if change.background is not None:
        settings["background.enabled"] = change.background
    if change.notes_a_day is not None:
        settings["background.notes_a_day"] = change.notes_a_day
    for setting in _LISTS:
        if (requested := _requested(change, setting)) is not None:
            settings[setting] = requested
    return settings


def _requested(change: SettingsChange, setting: str) -> Any:
    """Return what a list or mapping is to be, None if it stays as it is."""
    group, name = _LISTS[setting]
    return getattr(getattr(change, group), name, None)


def _find_filled(space: Workspace, config: Config) -> dict[str, bool]:
    """Return whether each field that there is a prompt for is filled, by its property."""
    fields, listed = space.prompts.fields.values(), config.notes.fields
    filled = fields if listed is None else [find_field(fields, name) for name in listed]
    return {field.fills: field in filled for field in fields}


def _as_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: list(each) for name, each in value.items()}
    return list(value)
