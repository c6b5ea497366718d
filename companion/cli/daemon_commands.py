"""Commands about a daemon: status, open, plugin pair, service pause and resume."""

from __future__ import annotations

import html
import json
import shlex
import webbrowser
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import click

from companion.app.open_vault import open_vault
from companion.app.runtime_file import find_daemon
from companion.app.types.coverage import OftenRefused
from companion.app.types.status import Status
from companion.cli.output import Output, count, describe_backlog, local_time
from companion.cli.session import (
    choose_served_vault,
    choose_vault,
    common_options,
    describe_missing_daemon,
    require_served,
)
from companion.config import load_config, state_folder
from companion.daemon.access import new_code, new_page_address
from companion.errors import NotThere
from companion.private_files import write_private

_PAIRING_SECONDS = 120.0  # that a code to pair with is valid
_REDIRECT = """<!doctype html>
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0; url={address}">
<title>Companion</title>
<p><a href="{address}">Open the page</a></p>
"""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@common_options
def pair(as_json: bool, vault: Path | None) -> None:
    """Print a code to pair the Obsidian plugin with.

    It lets the plugin talk to this vault's daemon. It works once, for this vault only. A new code
    cancels the one before.
    """
    output = Output(as_json=as_json)
    root = choose_vault(vault, load_config())
    state = state_folder(root)
    code = new_code(state, _PAIRING_SECONDS)
    if as_json:
        output.print_json({"code": code, "seconds": _PAIRING_SECONDS, "vault": str(root)})
    output.say(code, style="bold")
    minutes = f"{_PAIRING_SECONDS / 60:g}"
    output.say(f"For the vault {root}, within {minutes} minutes. It works once.")
    output.say("Type it in Obsidian: Settings, Callout Companion, Pair.")
    if find_daemon(state) is None:
        output.warn("No daemon of this vault runs yet; start it first: companion serve")


@click.command()
@common_options
def pause(vault: Path | None) -> None:
    """Pause background work, until you resume it.

    It stays paused until `companion service resume`, even after a restart. What you ask for
    yourself is still done.
    """
    require_served(vault).pause()
    Output().say("Background work is paused; companion service resume starts it again.")


@click.command()
@common_options
def resume(vault: Path | None) -> None:
    """Resume background work.

    An endpoint that failed is tried again at once.
    """
    off = require_served(vault).resume().background.off
    Output().say(f"Background work is still off: {off}" if off else "Background work is resumed.")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--watch", is_flag=True, help="Show it again whenever it changes.")
@common_options
def status(as_json: bool, watch: bool, vault: Path | None) -> None:
    """Show what runs, what stops it, and today's cost.

    If no daemon runs, it shows what is set up, what was spent today and what waits for you, and
    exits with status 1. `--watch` shows it again whenever it changes; with `--json`, one object a
    line.
    """
    output = Output(as_json=as_json)
    root = choose_served_vault(vault)
    with open_vault(root, read_only=True, tell=output.warn) as opened:
        for now in opened.watch() if watch else [opened.status()]:
            if watch and output.out.is_terminal:
                click.clear()
            _print_status(now, output, as_json=as_json)
        for each in opened.taught().refused if now.running and not as_json else ():
            output.say(
                f"{'refused':<12} {each.kind} in {each.folder}: the last {each.times} proposals; to"
                f" stop filling it there: {_unfilled_command(each)}"
            )
    if not now.running:
        raise NotThere(describe_missing_daemon(root))


def _unfilled_command(refused: OftenRefused) -> str:
    folder = json.dumps(refused.folder, ensure_ascii=False)
    tables = f'{{ {folder} = ["{refused.kind}"] }}'
    return f"companion config set notes.unfilled {shlex.quote(tables)}"


def _print_status(now: Status, output: Output, *, as_json: bool) -> None:
    if as_json:
        output.print_json(now.model_dump())
    for name, text in _describe(now):
        output.say(f"{name:<12} {text}")


def _describe(now: Status) -> Iterator[tuple[str, str]]:
    """Yield the lines about the status, each with its name."""
    work = now.background
    so_far = f"{work.notes_today:,} of {work.notes_a_day:,} notes asked about today"
    switch = f"off: {work.off}" if work.off else "on"
    if now.started_at:
        since = f"since {_local_time_of(now.started_at)}"
        yield "daemon", f"pid {now.pid}, version {now.version}, {since}"
        yield "vault", f"{now.vault}: {_describe_vault(now)}"
    yield "model", now.model + (f" at {now.endpoint}" if now.endpoint else ", on this machine")
    yield "background", f"{switch} ({so_far}, {work.waiting:,} waiting)"
    yield "today", _describe_today(now)
    if now.proposals:
        yield "proposals", f"{now.proposals:,} to review; companion review shows them"
    for text in _describe_settings(now):
        yield "settings", text
    if (backlog := work.backlog).notes:
        waiting = describe_backlog(backlog.notes, backlog.cost)
        yield "backlog", f"{waiting} Say so with companion service backlog"
    if now.fault:
        since = f"since {_local_time_of(now.fault.since)}, tried again in {now.retry_in} s"
        yield "waits", f"{now.fault.reason} ({since})"
    optional = {
        "waits": now.rate_limit,
        "polls": now.polls,
        "works on": ", ".join(now.in_hand),
        "runs": ", ".join(now.runs),
    }
    yield from ((name, text) for name, text in optional.items() if text)


def _describe_settings(now: Status) -> Iterator[str]:
    if now.settings_fault:
        yield f"nothing is asked or written: {now.settings_fault}"
    if names := ", ".join(now.settings_to_restart_for):
        yield f"{names}: changed; takes effect when the daemon restarts"


def _local_time_of(iso: str) -> str:
    return local_time(datetime.fromisoformat(iso).timestamp())


def _describe_vault(now: Status) -> str:
    if now.vault_missing:
        return "it is not available right now; the daemon continues when it is back"
    if not now.ready:
        return "it is being scanned"
    opened = f", {count(now.open_notes, 'note')} open in Obsidian" if now.open_notes else ""
    return (
        f"{count(now.notes, 'note')}, {now.to_do:,} to work on, {now.skipped:,} left alone{opened}"
    )


def _describe_today(now: Status) -> str:
    spent = now.today
    notes = count(spent.notes, "note")
    tokens = f"{notes} enriched, {spent.input_tokens:,} tokens in, {spent.output_tokens:,} out"
    if spent.tokens_a_day is not None:
        tokens += f" (limit {spent.tokens_a_day:,})"
    if spent.is_free and not spent.dollars:
        return f"{tokens}, which cost nothing on this machine"
    if spent.dollars is None:
        return f"{tokens}, price not known"
    limit = "" if spent.dollars_a_day is None else f" (limit ${spent.dollars_a_day:,.2f})"
    return f"{tokens}, ${spent.dollars:,.4f}{limit}"


@click.command(name="open")
@click.option("--print", "only_print", is_flag=True, help="Print the address instead.")
@common_options
def open_page(only_print: bool, vault: Path | None) -> None:
    """Open the daemon's page in your browser.

    The address can be used once, within a minute; afterwards the tab stays signed in until it is
    closed, for twelve hours at most, or until its token is revoked (`companion plugin token`).
    """
    root = choose_vault(vault, load_config())
    state = state_folder(root)
    daemon = find_daemon(state)
    if daemon is None:
        raise NotThere(describe_missing_daemon(root))
    address = new_page_address(state, daemon.port)
    if only_print:
        click.echo(address)
        return
    # in a file, since the arguments of a program are shown to every user of the machine
    file = state / "open.html"
    write_private(file, _REDIRECT.format(address=html.escape(address)).encode())
    output = Output()
    if webbrowser.open(file.as_uri()):
        output.say(f"The page of {root} is open in your browser.")
    else:
        output.warn("No browser could be started; companion open --print prints the address.")
