"""What a run comes to, as the user sees it: a line a note, and a sum at the end."""

from __future__ import annotations

import re
from collections import Counter
from threading import Event

from companion.cli.show import Show, one_line
from companion.enrich.result import Result
from companion.llm.answer import Usage
from companion.note.diff import diff_lines

# so begins the reason why a note was skipped for --section
_NO_SECTION = re.compile(r"no heading reads|\d+ headings read")
_MARKS = {"enriched": "✓", "unchanged": "·", "skipped": "-", "failed": "✗"}
_OWN_MARK = "~"  # enriched, with nothing of the model's
_STYLES = {"enriched": "green", "unchanged": "dim", "skipped": "dim", "failed": "red"}


class Tally:
    """The results of a run. with_diff: show what changes in each note, too; dry_run always does."""

    def __init__(self, show: Show, with_diff: bool, dry_run: bool = False) -> None:
        self.show = show
        self.with_diff = with_diff or dry_run
        self.dry_run = dry_run
        self.counts: Counter[str] = Counter()
        self._unanswered = 0
        self._lacks_section = False

    def add(self, result: Result, diff: str | None = None) -> None:
        """Report a result and count it. diff: as it was made elsewhere; None: of its texts."""
        self.counts[result.status] += 1
        self._unanswered += result.is_unanswered
        self._lacks_section |= bool(_NO_SECTION.match(result.reason))
        self.report(result, diff)

    def report(self, result: Result, diff: str | None = None) -> None:
        """Say what became of a note, without counting it."""
        changed = ""
        if self.with_diff:
            lines = diff_lines(result.path, result.old, result.new) if diff is None else diff
            changed = "".join(lines)
        if self.show.as_json:
            self.show.object(result_object(result, dry_run=self.dry_run, diff=changed or None))
            return
        mark, style = _MARKS[result.status], _STYLES[result.status]
        if result.is_unanswered:
            mark, style = _OWN_MARK, "yellow"
        reason = _reason_of(result)
        self.show.say(f"{mark} {one_line(result.path)}{reason and f': {reason}'}", style=style)
        for need, _, remark in result.filled:
            self.show.say(f"    {need.kind:<12} {need.reason}{f' ({remark})' if remark else ''}")
        for reason in result.left:
            self.show.say(f"    left         {reason}", style="dim")
        if changed:
            self.show.diff(changed)

    def say_nothing_to_do(self, left: Counter[str]) -> None:
        """Say that no note needs anything. left: how many are left alone, by the reason."""
        but = ", but for what is left alone:" if left else "."
        self.show.say(f"Nothing to do: no note here needs anything{but}")
        for reason, number in left.most_common():
            self.show.say(f"  {number:>5,}  {reason}")

    def sum_up(self, jobs: int, usage: Usage, run: str, cancelled: Event) -> None:
        """Say what the run came to.

        jobs: the notes it was over. run: its name, to take it back by; empty: it changed nothing.
        """
        names = {"enriched": "would be enriched"} if self.dry_run else {}
        words = [f"{n} {names.get(s, s)}" for s in _MARKS if (n := self.counts[s])]
        if self._unanswered:
            words[0] += f" ({self._unanswered} with nothing of the model's)"
        if not_begun := jobs - self.counts.total():
            words.append(f"{not_begun} not done")
        tokens = f"{usage.input_tokens:,} tokens in{_cached(usage)}, {usage.output_tokens:,} out"
        stopped = "Stopped: " if cancelled.is_set() else ""
        self.show.say()
        nothing = "; nothing was written" if self.dry_run else ""
        self.show.say(f"{stopped}{', '.join(words)}{nothing}. {tokens}.", style="bold")
        if run:
            self.show.say(f"To take it all back: companion undo --run {run}")

    def status(self, cancelled: Event, stopped: int) -> int:
        """Return the exit status. stopped: that of a run which a signal ended."""
        if cancelled.is_set():
            return stopped
        return 1 if self.counts["failed"] or self._unanswered or self._lacks_section else 0


def _reason_of(result: Result) -> str:
    """Return what to say beside the note."""
    if result.ends_run:  # that is said at the end, and not for each of the notes under way
        return "the run ended here, as is said below"
    if result.fallback:
        kinds = ", ".join(result.fallback)
        return f"no answer could be used for {kinds}; the note's own sentence stands in"
    return result.reason


def _cached(usage: Usage) -> str:
    if not usage.cached_tokens:
        return ""
    return f" ({usage.cached_tokens / usage.input_tokens:.0%} of them from the cache)"


def result_object(result: Result, *, dry_run: bool, diff: str | None) -> dict[str, object]:
    """Return the JSON object of a result. diff: where it is wanted and the note changes."""
    changes = [
        {"kind": need.kind, "heading": need.heading, "text": value}
        for need, value, _ in result.filled
    ]
    usage = result.usage
    return {
        "path": result.path,
        "status": result.status,
        "changes": changes,
        "reason": result.reason or None,
        "left": list(result.left),
        "dry_run": dry_run,
        "diff": diff,
        "change": result.change,
        "fallback": list(result.fallback),
        "usage": {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens},
    }
