"""What is known of the vault's notes, for clients that ask."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from companion.daemon.state import Listing, Wanted
from companion.enrich.draft import Job, draft_note
from companion.enrich.report import Report
from companion.enrich.workspace import Workspace
from companion.errors import NoteError
from companion.note.fillable import why_unfillable
from companion.note.needs import Facts, property_names
from companion.vault.files import skip_reason
from companion.vault.index import Scan
from companion.vault.locate import relative_path
from companion.vault.write import read_note


class Notes:
    """The notes of one vault. scan: gives what is known of them now. From any thread."""

    def __init__(self, space: Workspace, scan: Callable[[], Scan]) -> None:
        self._space = space
        self._scan = scan

    def page(self, wanted: Wanted, folder: str = "", after: str = "", limit: int = 100) -> Listing:
        """Return notes of the folder in the order of their paths, from the one after `after`.

        Raises NotThere, UsageError: the folder is not there, or outside the vault.
        """
        where = [resolve_path(self._space.root, folder)] if folder else []
        report = Report(self._space, self._scan(), where)
        found = [(path, facts) for path, facts in report.all() if _is(facts, wanted)]
        if wanted == "all":
            found += [(path, Facts()) for path in report.others]
        found.sort(key=lambda entry: entry[0])
        page = [entry for entry in found if entry[0] > after][:limit]
        more = bool(page) and page[-1][0] != found[-1][0]
        return Listing(page, page[-1][0] if more else None, len(found))

    def look_at(self, path: str) -> Facts:
        """Return what the note at path needs, and what in it is left alone and why, as it is now.

        Raises NotThere, UsageError: it is not there, or outside the vault.
        """
        path = resolve_path(self._space.root, path)
        if reason := skip_reason(self._space.root, path, self._space.ignore):
            return Facts(skipped=reason)
        try:
            data = read_note(self._space.root, path).data
            draft = draft_note(self._space, Job(path), data)
        except NoteError as error:
            return Facts(skipped=error.reason)
        why = draft.skipped or why_unfillable(draft.view, property_names(draft.needs))
        return Facts(needs=() if why else draft.needs, left=draft.left, skipped=why)


def resolve_path(root: Path, path: str) -> str:
    """Return the vault-relative path as it is on the disk; empty for the vault itself.

    Raises UsageError: it is not there, or outside the vault.
    """
    return relative_path(root, path, root) if path else ""


def _is(facts: Facts, wanted: Wanted) -> bool:
    if facts.skipped is not None:
        return wanted in ("skipped", "all")
    if facts.needs:
        return wanted in ("to-do", "all")
    return wanted == "all" or (wanted == "left" and bool(facts.left))
