"""The options by which history and undo choose changes: field, model, and when they were made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

import click

from companion.cli.times import TIME_FORMATS, parse_time
from companion.enrich.note_filter import find_kind
from companion.errors import UsageError
from companion.prompts import Prompts
from companion.vault.journal import Change

F = TypeVar("F", bound=Callable[..., Any])


class ChangeFilter(NamedTuple):
    """What is asked of changes; those fit that fit all that is given. None: any.

    since, until: Unix time, seconds. kind: of one of the needs that they filled. model: that
    wrote for them.
    """

    since: float | None = None
    until: float | None = None
    kind: str | None = None
    model: str | None = None

    def keeps(self, change: Change) -> bool:
        """Return whether the change fits."""
        kinds = {need.partition(":")[0] for need in change.needs}
        return (
            (self.since is None or change.made_at >= self.since)
            and (self.until is None or change.made_at <= self.until)
            and (self.kind is None or self.kind in kinds)
            and (self.model is None or self.model in change.model.split(", "))
        )


ANY_CHANGE = ChangeFilter()


def change_options(command: F) -> F:
    """Add the options; the command gets them as keyword arguments for read_change_filter."""
    for option in (
        click.option("--model", metavar="NAME", help="Only what this model wrote."),
        click.option("--field", metavar="NAME", help="Only changes that filled this field."),
        click.option("--until", metavar="WHEN", help="Only changes until then."),
        click.option("--since", metavar="WHEN", help=f"All changes since then, {TIME_FORMATS}."),
    ):
        command = option(command)
    return command


def read_change_filter(prompts: Prompts, typed: Mapping[str, str | None]) -> ChangeFilter:
    """Return the filter that the options stand for. Raises UsageError if one names nothing."""
    since, until = (
        None if (when := typed[name]) is None else parse_time(when) for name in ("since", "until")
    )
    if since is not None and until is not None and until < since:
        raise UsageError(f"--until {typed['until']} lies before --since {typed['since']}")
    return ChangeFilter(since, until, find_kind(prompts, typed["field"]), typed["model"])
