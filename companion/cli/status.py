"""companion status: how the daemon of the vault stands."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from companion.cli.session import common_options, require_running
from companion.cli.show import Show, count, local_time, tell_of_backlog
from companion.daemon.api.status_shape import StatusShape

_ANSWER = " Say so with companion backlog"


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@common_options
def status(as_json: bool, vault: Path | None) -> None:
    """Show what the daemon is doing, what it did today, and what keeps it from working."""
    show = Show(as_json=as_json)
    now = require_running(vault).status()
    if as_json:
        show.object(now.model_dump())
        return
    for name, said in _lines(now):
        show.say(f"{name:<12} {said}")


def _lines(now: StatusShape) -> list[tuple[str, str]]:
    lines = [
        ("daemon", f"pid {now.pid}, version {now.version}, since {_local(now.started_at)}"),
        ("vault", f"{now.vault}: {_vault(now)}"),
        ("model", now.model + (f" at {now.endpoint}" if now.endpoint else ", on this machine")),
        ("background", _background(now)),
        ("today", _today(now)),
    ]
    if (backlog := now.background.backlog).notes:
        lines.append(("backlog", f"{tell_of_backlog(backlog.notes, backlog.cost)}{_ANSWER}"))
    if now.fault:
        since = f"since {_local(now.fault.since)}, tried again in {now.retry_in} s"
        lines.append(("waits", f"{now.fault.reason} ({since})"))
    if now.polls:
        lines.append(("polls", now.polls))
    if now.in_hand:
        lines.append(("works on", ", ".join(now.in_hand)))
    if now.runs:
        lines.append(("runs", ", ".join(now.runs)))
    return lines


def _local(iso: str) -> str:
    return local_time(datetime.fromisoformat(iso).timestamp())


def _vault(now: StatusShape) -> str:
    if now.vault_missing:
        return "it is not there just now; the daemon goes on when it is back"
    if not now.ready:
        return "it is being looked over"
    opened = f", {count(now.open_notes, 'note')} open in Obsidian" if now.open_notes else ""
    return (
        f"{count(now.notes, 'note')}, {now.to_do:,} to work on, {now.skipped:,} left alone{opened}"
    )


def _background(now: StatusShape) -> str:
    work = now.background
    asked = f"{work.notes_today:,} of {work.notes_a_day:,} notes asked about today"
    done = f"{asked}, {work.waiting:,} waiting"
    return f"{f'off: {work.off}' if work.off else 'on'} ({done})"


def _today(now: StatusShape) -> str:
    spent = now.today
    notes = count(spent.notes, "note")
    tokens = f"{notes} enriched, {spent.input_tokens:,} tokens in, {spent.output_tokens:,} out"
    if spent.tokens_a_day is not None:
        tokens += f" (limit {spent.tokens_a_day:,})"
    if spent.dollars is None:
        return f"{tokens}, price not known"
    limit = "" if spent.dollars_a_day is None else f" (limit ${spent.dollars_a_day:,.2f})"
    return f"{tokens}, ${spent.dollars:,.4f}{limit}"
