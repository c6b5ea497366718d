"""companion scan: what needs work and why, what is skipped and why. It changes nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from companion.cli.session import common_options, open_session, resolve_path
from companion.cli.show import Show, count
from companion.enrich.draft import Job, leave_asked
from companion.enrich.workspace import Workspace
from companion.note.needs import Facts, Need
from companion.vault.files import skip_reason
from companion.vault.index import Scan

_NAMED = 3  # notes named for each reason to skip, without --skipped


@click.command()
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a note, for programs.")
@click.option("--skipped", "all_skipped", is_flag=True, help="Name every note that is left alone.")
@common_options
def scan(paths: Sequence[str], as_json: bool, all_skipped: bool, vault: Path | None) -> None:
    """Show which notes need work, and why; and which are left alone, and why.

    Without PATH it looks at the whole vault. Nothing is changed and no model is asked.
    """
    show = Show(as_json=as_json)
    with open_session(vault, paths, show=show, read_only=True) as workspace:
        wanted = [resolve_path(workspace, path) for path in paths]
        with show.progress("Reading notes", 0) as progress:
            task = progress.task_ids[0]
            found = workspace.scan(lambda done, of: progress.update(task, completed=done, total=of))
        report = Report(workspace, found, wanted)
    if as_json:
        for path, facts in report.all():
            show.object(as_object(path, facts))
    else:
        _print(report, show, all_skipped)


class Report:
    """The part of a scan that concerns the paths the user named; all of it for none."""

    def __init__(self, workspace: Workspace, found: Scan, wanted: Sequence[str]) -> None:
        self.notes: dict[str, Facts] = {}
        self.skipped: dict[str, str] = {}
        asked = workspace.journal.all_asked()
        for path, facts in found.notes.items():
            if not _is_wanted(path, wanted):
                continue
            if facts.skipped is not None:
                self.skipped[path] = facts.skipped
            elif facts.needs or facts.left or path in wanted:
                self.notes[path] = _without_asked(workspace, path, facts, path in asked)
        self.skipped.update((p, why) for p, why in found.skipped.items() if _is_wanted(p, wanted))
        for path in set(wanted) - set(found.notes) - set(found.skipped):
            if (workspace.root / path).is_file():
                why = skip_reason(workspace.root, path, workspace.ignore)
                self.skipped[path] = why or "it is not part of the vault"
        self.looked_at = sum(_is_wanted(path, wanted) for path in found.notes)

    def all(self) -> Iterator[tuple[str, Facts]]:
        """Yield every note that needs something, is left, or is skipped."""
        yield from self.notes.items()
        for path, reason in self.skipped.items():
            yield path, Facts(skipped=reason)


def as_object(path: str, facts: Facts) -> dict[str, object]:
    """Return the JSON object of a note."""
    needs = [need_object(need) for need in facts.needs]
    return {"path": path, "needs": needs, "skipped": facts.skipped, "left": list(facts.left)}


def need_object(need: Need) -> dict[str, object]:
    """Return the JSON object of a need."""
    return {"kind": need.kind, "heading": need.heading, "reason": need.reason}


def _is_wanted(path: str, wanted: Sequence[str]) -> bool:
    return not wanted or any(
        not name or path == name or path.startswith(f"{name}/") for name in wanted
    )


def _without_asked(workspace: Workspace, path: str, facts: Facts, was_asked: bool) -> Facts:
    if not was_asked:
        return facts
    needs, left = leave_asked(workspace, Job(path), facts.needs)
    return facts._replace(needs=needs, left=(*facts.left, *left))


def _print(report: Report, show: Show, all_skipped: bool) -> None:
    needing = {path: facts for path, facts in report.notes.items() if facts.needs}
    for path, facts in report.notes.items():
        show.say(path, style="bold")
        for need in facts.needs:
            show.say(f"  {need.kind:<12} {need.reason}")
        for reason in facts.left:
            show.say(f"  left         {reason}", style="dim")
        if not facts.needs and not facts.left:
            show.say("  nothing to fill", style="dim")
    if report.skipped:
        show.say(f"\nLeft alone: {count(len(report.skipped), 'note')}", style="bold")
        _print_skipped(report, show, all_skipped)
    show.say(f"\n{count(report.looked_at, 'note')} read, {count(len(needing), 'note')} to work on")


def _print_skipped(report: Report, show: Show, all_skipped: bool) -> None:
    by_reason: defaultdict[str, list[str]] = defaultdict(list)
    for path, reason in report.skipped.items():
        by_reason[reason].append(path)
    for reason, paths in by_reason.items():
        named = paths if all_skipped else paths[:_NAMED]
        more = f" and {len(paths) - len(named)} more" if len(paths) > len(named) else ""
        show.say(f"  {', '.join(named)}{more}: {reason}")
