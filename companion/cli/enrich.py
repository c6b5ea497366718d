"""companion enrich: fill what the notes need."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from companion.app.types.runs import Mode, RunOptions
from companion.cli.filters import filter_options, parse_time, work_options
from companion.cli.interrupts import StopSignals, exit_on_signals
from companion.cli.output import Output
from companion.cli.run_report import RunReport
from companion.cli.session import (
    NOTE_PATH,
    common_options,
    describe_unusable,
    open_session_vault,
    resolve_paths,
    say_which_vault,
)


@click.command()
@click.argument("paths", nargs=-1, required=True, type=NOTE_PATH, metavar="PATH...")
@click.option(
    "--dry-run", is_flag=True, help="Ask, show a diff and keep the answers; write nothing."
)
@click.option("--propose", is_flag=True, help="Ask and keep the answers for you to decide on.")
@click.option("--diff", is_flag=True, help="Show what changes in each note.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a note.")
@work_options
@click.option("--section", metavar="HEADING", help="Put a callout under this heading of a note.")
@filter_options
@click.option("--made-since", metavar="WHEN", help="Rewrite what it wrote since then.")
@click.option("--made-by", metavar="MODEL", help="Rewrite what this model wrote.")
@click.option("--prompt-changed", is_flag=True, help="Rewrite values of an older prompt.")
@click.option(
    "--yes", "agreed", is_flag=True, help="Do not ask before many notes are sent elsewhere."
)
@common_options
def enrich(paths: Sequence[str], as_json: bool, vault: Path | None, **options: Any) -> int:
    """Fill the notes that need it.

    It fills empty properties, adds missing AI callouts, and answers questions. A note that you name
    as PATH gets a description and a callout even if it is not a stub; in a folder, only the notes
    that `companion scan` lists are filled.

    Before it sends more than 50 notes to another machine, it tells you what that may cost, and
    asks. A script needs --yes.

    --made-since, --made-by and --prompt-changed ask again for what Companion wrote and nobody has
    edited, and for nothing else. The new text waits beside the old one until you decide.
    """
    output = Output(as_json=as_json)
    report = RunReport(output, dry_run=options["dry_run"])
    with open_session_vault(vault, paths, output=output) as opened, exit_on_signals():
        named, errors = resolve_paths(opened.root, paths)
        chosen = _read_options(named, **options)
        say_which_vault(opened.root, output)
        unusable = list(describe_unusable(errors))
        for result in unusable:
            report.print_result(result)
        run = report.agree(opened, chosen)
        if run is None:
            return 0
        with StopSignals(output, run.cancel, run.give_up) as interruption:
            report.follow(run)
    has_failed = any(result.status == "failed" for result in unusable)
    return interruption.exit_status or report.exit_status or int(has_failed)


def _read_options(
    paths: list[str],
    *,
    force: bool,
    modified_since: str | None,
    made_since: str | None,
    diff: bool,
    dry_run: bool,
    **options: Any,
) -> RunOptions:
    is_rewrite = made_since or options["made_by"] or options["prompt_changed"]
    mode: Mode = "rewrite" if is_rewrite else "replace" if force else "fill"
    return RunOptions.of(
        paths=paths,
        mode=mode,
        modified_since=parse_time(modified_since),
        made_since=parse_time(made_since),
        diff=diff or dry_run,
        dry_run=dry_run,
        **options,
    )
