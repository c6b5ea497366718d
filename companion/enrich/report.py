"""What a scan found, as people and programs are told: needs and why, what is left and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from companion.enrich.draft import Job, leave_asked
from companion.enrich.workspace import Workspace
from companion.note.needs import Facts, Need
from companion.vault.files import skip_reason
from companion.vault.index import Scan


class Report:
    """The part of a scan that concerns the paths the user named; all of it for none.

    others: the notes of it of which there is nothing to say.
    """

    def __init__(self, workspace: Workspace, found: Scan, wanted: Sequence[str]) -> None:
        self.notes: dict[str, Facts] = {}
        self.skipped: dict[str, str] = {}
        self.others: list[str] = []
        asked = workspace.journal.all_asked()
        for path, facts in found.notes.items():
            if not _is_wanted(path, wanted):
                continue
            if facts.skipped is not None:
                self.skipped[path] = facts.skipped
            elif facts.needs or facts.left or path in wanted:
                self.notes[path] = _without_asked(workspace, path, facts, path in asked)
            else:
                self.others.append(path)
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
