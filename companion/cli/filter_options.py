"""The options by which commands choose notes: field, tag, property, and time of the last edit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from companion.cli.times import TIME_FORMATS, parse_time
from companion.enrich.note_filter import NoteFilter, find_kind
from companion.errors import UsageError
from companion.note.tags import is_tag
from companion.prompts import Prompts

F = TypeVar("F", bound=Callable[..., Any])


def filter_options(command: F) -> F:
    """Add the options; the command gets them as keyword arguments for read_filter."""
    for option in (
        click.option(
            "--modified-since", metavar="WHEN", help=f"Only notes edited since, {TIME_FORMATS}."
        ),
        click.option(
            "--property", "with_property", metavar="NAME[=VALUE]", help="Only notes that have it."
        ),
        click.option("--tag", metavar="TAG", help="Only notes with this tag, or one nested in it."),
        click.option("--field", metavar="NAME", help="Only this field, as description or callout."),
    ):
        command = option(command)
    return command


def read_filter(prompts: Prompts, typed: Mapping[str, str | None]) -> NoteFilter:
    """Return the filter that the options stand for.

    Raises UsageError if one of them names nothing.
    """
    tag, named, since = typed["tag"], typed["with_property"], typed["modified_since"]
    if tag is not None:
        tag = tag.removeprefix("#").strip("/")
        if not is_tag(tag):
            raise UsageError(f"{typed['tag'] or 'an empty text'} is no tag; write status/postponed")
    if named is not None and not named.partition("=")[0].strip():
        raise UsageError("--property takes a name, or name=value, as status=postponed")
    modified_since = None if since is None else parse_time(since)
    return NoteFilter(find_kind(prompts, typed["field"]), tag, named, modified_since)
