"""What a run did: each note's result as it comes, the sum at the end, and the exit status."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from companion.app.types.results import NoteResult
from companion.cli.output import Output, one_line
from companion.enrich.model import ASK_FROM
from companion.enrich.run import Result
from companion.enrich.selection import JobOptions, count_left_alone
from companion.enrich.workspace import Workspace
from companion.llm.response import Usage
from companion.note.diff import diff_lines
from companion.vault.index import Scan
from companion.vault.paths import LinkOutOfVault, PathUnreadable

AGREE = f"--yes to send them all, or --limit {ASK_FROM} for a part"
_MARKS = {
    "enriched": "✓",
    "proposed": "?",
    "refused": "-",
    "unchanged": "·",
    "skipped": "-",
    "failed": "✗",
}
_FALLBACK_MARK = "~"  # enriched, but with nothing that the model wrote
_STYLES = {"enriched": "green", "proposed": "yellow", "failed": "red"}

# The keys of a result's JSON object, and which members of theirs it has.
_JSON: dict[str, Any] = {
    "path": True,
    "status": True,
    "changes": {"__all__": {"kind", "heading", "text"}},
    "reason": True,
    "left": True,
    "dry_run": True,
    "diff": True,
    "change": True,
    "fallback": True,
    "proposals": True,
    "usage": {"input_tokens", "output_tokens"},
}


class RunReport:
    """Prints and counts the results of a run.

    with_diff: print what changes in each note, too; a dry run always does.
    """

    def __init__(self, output: Output, with_diff: bool = False, dry_run: bool = False) -> None:
        self.output = output
        self.with_diff = with_diff or dry_run
        self.dry_run = dry_run
        self.counts: Counter[str] = Counter()
        self.usage = Usage()
        self._unanswered = self._waiting = 0
        self._lacks_heading = False

    def read(self, result: Result) -> NoteResult:
        """Return a result of this process, with its diff if that is to be printed."""
        lines = diff_lines(result.path, result.old, result.new) if self.with_diff else ()
        return NoteResult.of(result, diff="".join(lines) or None)

    def add(self, result: NoteResult) -> None:
        """Print a result and count it."""
        self.counts[result.status] += 1
        self.usage += Usage(**result.usage.model_dump())
        self._unanswered += result.is_unanswered
        self._lacks_heading |= result.lacks_heading
        waits = result.status == "proposed" or (self.dry_run and result.status == "enriched")
        self._waiting += waits and result.usage.calls > 0
        self.print_result(result)

    def print_result(self, result: NoteResult) -> None:
        """Print what became of a note, without counting it."""
        if self.output.as_json:
            members = result.model_dump(include=_JSON) | {"dry_run": self.dry_run}
            self.output.print_json({key: members[key] for key in _JSON})
            return
        mark, style = _MARKS[result.status], _STYLES.get(result.status, "dim")
        if result.is_unanswered:
            mark, style = _FALLBACK_MARK, "yellow"
        reason = result.reason or ""
        if result.ends_run:  # said once at the end, not for each of the notes in progress
            reason = "the run ended here, as is said below"
        elif result.fallback:
            waits = "is proposed" if result.status == "proposed" else "stands in"
            reason = (
                f"no answer could be used for {', '.join(result.fallback)}; the note's own sentence"
                f" {waits}"
            )
        told = ": ".join(filter(None, (one_line(result.path), reason)))
        self.output.say(f"{mark} {told}", style=style)
        for filled in result.changes:
            remark = f" ({filled.remark})" if filled.remark else ""
            self.output.say(f"    {filled.kind:<12} {filled.reason}{remark}")
        for reason in result.left:
            self.output.say(f"    left         {reason}", style="dim")
        if result.diff:
            self.output.print_diff(result.diff)

    def print_refused(self, refused: Sequence[LinkOutOfVault | PathUnreadable]) -> bool:
        """Print what was named and cannot be used; return whether any of it cannot be read."""
        for error in refused:
            if isinstance(error, PathUnreadable):
                self.print_result(NoteResult(path=error.path, status="failed", reason=error.reason))
            else:
                why = "a symbolic link that leads out of the vault"
                self.print_result(NoteResult(path=error.path, status="skipped", reason=why))
        return any(isinstance(error, PathUnreadable) for error in refused)

    def say_nothing_to_do(
        self, workspace: Workspace, scan: Scan, paths: Sequence[str], choice: JobOptions
    ) -> None:
        """Say that no note needs anything, and how many are left alone, by reason."""
        reasons = Counter[str]()
        if not choice.every:  # else each of them was named
            reasons = count_left_alone(workspace, scan, paths)
        end = ", except what is left alone:" if reasons else "."
        self.output.say(f"Nothing to do: no note here needs anything{end}")
        for reason, number in reasons.most_common():
            self.output.say(f"  {number:>5,}  {reason}")

    def sum_up(self, jobs: int, usage: Usage, run: str, *, stopped: bool) -> None:
        """Print how many notes had which result, and the tokens used.

        jobs: how many notes the run was given. stopped: whether the user ended it.
        """
        names = {"enriched": "would be enriched"} if self.dry_run else {}
        if self._unanswered:
            names["proposed"] = f"proposed ({self._unanswered} with nothing of the model's)"
        words = [f"{n} {names.get(s, s)}" for s in _MARKS if (n := self.counts[s])]
        if not_begun := jobs - self.counts.total():
            words.append(f"{not_begun} not done")
        cached = ""
        if usage.cached_tokens:
            cached = f" ({usage.cached_tokens / usage.input_tokens:.0%} of them from the cache)"
        tokens = f"{usage.input_tokens:,} tokens in{cached}, {usage.output_tokens:,} out"
        start = "Stopped: " if stopped else ""
        nothing = "; nothing was written" if self.dry_run else ""
        self.output.say(f"\n{start}{', '.join(words)}{nothing}. {tokens}.", style="bold")
        if self.counts["proposed"]:
            self.output.say("To look through what is proposed: companion review")
        if self._waiting:
            self.output.say(f"To write it without asking again: companion apply --run {run}")
        if self.counts["enriched"] and not self.dry_run:
            self.output.say(f"To take it all back: companion undo --run {run}")

    @property
    def exit_status(self) -> int:
        """The exit status of a run that nobody interrupted."""
        return 1 if self.counts["failed"] or self._unanswered or self._lacks_heading else 0
