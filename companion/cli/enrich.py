"""companion enrich: fill what notes need; and the report of any run, to its exit status."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from companion.app.types.runs import NoteResult, RunOptions, Usage
from companion.app.vault import Vault
from companion.cli.output import Output, count, one_line
from companion.cli.session import (
    NOTE_PATH,
    StopSignals,
    common_options,
    filter_options,
    open_session_vault,
    resolve_paths,
    work_options,
)
from companion.errors import CompanionError, ConsentMissing, ModelNotFetched, UsageError

if TYPE_CHECKING:
    from companion.app.run import Run


@click.command()
@click.argument("paths", nargs=-1, type=NOTE_PATH, metavar="PATH...")
@click.option(
    "--dry-run", is_flag=True, help="Ask, show a diff and keep the answers; write nothing."
)
@click.option("--propose", is_flag=True, help="Ask and keep the answers for you to decide on.")
@click.option("--diff", is_flag=True, help="Show what changes in each note.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a note.")
@work_options
@click.option("--section", metavar="HEADING", help="Put a callout under this heading of a note.")
@filter_options
@click.option(
    "--yes", "agreed", is_flag=True, help="Do not ask before many notes are sent elsewhere."
)
@common_options
def enrich(
    paths: Sequence[str],
    as_json: bool,
    force: bool,
    diff: bool,
    dry_run: bool,
    vault: Path | None,
    **options: Any,
) -> int:
    """Fill the notes that need it.

    It fills empty properties, adds missing AI callouts, and answers questions. A note that you name
    as PATH gets a description and a callout even if it is not a stub; in a folder, only the notes
    that `companion scan` lists are filled.

    Before it sends more than 50 notes to another machine, it tells you what that may cost, and
    asks. A script needs --yes.
    """
    if not paths:
        raise UsageError("name a note or a folder; . is the whole vault")
    output = Output(as_json=as_json)
    report = RunReport(output, dry_run=dry_run)
    with open_session_vault(vault, paths, output=output) as opened:
        chosen = RunOptions.of(
            paths=resolve_paths(opened.root, paths),
            mode="replace" if force else "fill",
            diff=diff or dry_run,
            dry_run=dry_run,
            **options,
        )
        run = report.start(opened, chosen)
        if run is None:
            return 0
        with StopSignals(output, run.cancel, run.break_off) as interruption:
            report.follow(run)
    return interruption.exit_status or report.exit_status


_MARKS = {
    "enriched": "✓",
    "proposed": "?",
    "refused": "-",
    "unchanged": "·",
    "skipped": "-",
    "failed": "✗",
}
_STYLES = {"enriched": "green", "proposed": "yellow", "failed": "red"}

# The keys of a result's JSON object, and which of their members it has.
_JSON: dict[str, Any] = {
    "path": True,
    "status": True,
    "changes": {"__all__": {"kind", "heading", "text"}},
    "reason": True,
    "left": True,
    "dry_run": True,
    "diff": True,
    "change": True,
    "proposals": True,
    "usage": {"input_tokens", "output_tokens"},
}


class RunReport:
    """Starts a run, and prints and counts its results."""

    def __init__(self, output: Output, dry_run: bool = False) -> None:
        self.output = output
        self.dry_run = dry_run
        self.counts: Counter[str] = Counter()
        self.usage = Usage()
        self._waiting = self._to_decide = 0

    def start(self, vault: Vault, options: RunOptions) -> Run | None:
        """Return the run; None if it is large, and the user does not agree to its cost.

        A model that runs on this machine is fetched first. Raises UsageError if nobody can be
        asked.
        """
        while True:
            try:
                return vault.run(options)
            except ModelNotFetched:
                from companion.cli.model import fetch_model_of

                fetch_model_of(vault.root, self.output)
            except ConsentMissing as cost:
                if not _agrees_to_send(cost, self.output):
                    self.output.warn("nothing was sent")
                    return None
                options = options.model_copy(update={"agreed": True})

    def follow(self, run: Run, what: str = "Enriching") -> None:
        """Carry out the run, and print its results as they come, and the totals at the end.

        what: the heading of the progress. Then raises the error that ended it early, if there was
        one.
        """
        if run.warning:
            self.output.warn(run.warning)
        fault = None
        with self.output.progress(what, run.total) as bar:
            try:
                for result in run:
                    if result.counted:
                        self.add(result)
                        bar.advance()
                    else:
                        self.print_result(result)
            except CompanionError as error:
                fault = error
        if run.total or not fault:
            self.sum_up(run)
        if fault:
            raise fault

    def add(self, result: NoteResult) -> None:
        """Print a result and count it."""
        self.counts[result.status] += 1
        self.usage += result.usage
        waits = result.status == "proposed" or (self.dry_run and result.status == "enriched")
        self._waiting += waits and result.usage.calls > 0
        self._to_decide += len(result.proposals) > len(result.changes)
        self.print_result(result)

    def print_result(self, result: NoteResult) -> None:
        """Print the result of a note, without counting it."""
        if self.output.as_json:
            members = result.model_dump(include=_JSON) | {"dry_run": self.dry_run}
            self.output.print_json({key: members[key] for key in _JSON})
            return
        mark, style = _MARKS[result.status], _STYLES.get(result.status, "dim")
        reason = result.reason or ""
        if result.ends_run:  # printed once at the end, not for each note in progress
            reason = "the run ended here, for the reason below"
        told = ": ".join(filter(None, (one_line(result.path), reason)))
        self.output.say(f"{mark} {told}", style=style)
        for filled in result.changes:
            remark = f" ({filled.remark})" if filled.remark else ""
            self.output.say(f"    {filled.kind:<12} {filled.reason}{remark}")
        for reason in result.left:
            self.output.say(f"    left         {reason}", style="dim")
        if result.diff:
            self.output.print_diff(result.diff)

    def say_nothing_to_do(self, left_alone: Mapping[str, int]) -> None:
        """Print that no note needs anything, and how many are left alone, by reason."""
        end = ", except what is left alone:" if left_alone else "."
        self.output.say(f"Nothing to do: no note here needs anything{end}")
        for reason, number in Counter(left_alone).most_common():
            self.output.say(f"  {number:>5,}  {reason}")
        if not left_alone:
            self.output.say(
                "companion scan says what it looks for; a note that you name is filled, and all in"
                " a folder by --all."
            )

    def sum_up(self, run: Run) -> None:
        """Print how many notes had which result, and the tokens used."""
        if not run.total:
            self.say_nothing_to_do(run.left_alone)
            return
        usage = run.usage
        names = {"enriched": "would be enriched"} if self.dry_run else {}
        words = [f"{n} {names.get(s, s)}" for s in _MARKS if (n := self.counts[s])]
        if not_begun := run.total - self.counts.total():
            words.append(f"{not_begun} not done")
        tokens = f"{count(usage.input_tokens, 'token')} in, {usage.output_tokens:,} out"
        start = "Stopped: " if run.is_cancelled else ""
        nothing = "; nothing was written" if self.dry_run else ""
        self.output.say(f"\n{start}{', '.join(words)}{nothing}. {tokens}.", style="bold")
        if self._to_decide:
            self.output.say("To look through what is proposed: companion review")
        if self._waiting:
            self.output.say(f"To write it without asking again: companion apply --run {run.id}")
        if self.counts["enriched"] and not self.dry_run:
            self.output.say(f"To take it all back: companion undo --run {run.id}")

    @property
    def exit_status(self) -> int:
        """The exit status of a run that nobody interrupted."""
        return int(self.counts["failed"] > 0)


def _agrees_to_send(cost: ConsentMissing, output: Output) -> bool:
    """Print what a run would cost elsewhere, and return whether the user agrees."""
    from companion.app.run import ASK_FROM

    output.warn(str(cost))
    if not output.can_ask:
        raise UsageError(
            "nothing was sent, since nobody is here to agree; add --yes to send them all, or"
            f" --limit {ASK_FROM} for a part"
        )
    return click.confirm("Go on?", err=True)
