"""Which notes a command is about, by path, tag, property and time, and what they need."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from companion.app.types.notes import ScanOptions
from companion.enrich.needs_to_ask import leave_out_asked
from companion.enrich.workspace import Workspace
from companion.errors import NoteError, UsageError
from companion.note.exclusions import has_value
from companion.note.facts import Facts
from companion.note.needs import Need
from companion.note.parsed_note import ParsedNote
from companion.note.tags import is_tag
from companion.prompts import Prompts, find_field
from companion.vault.files import is_in_any, skip_reason
from companion.vault.index import Scan
from companion.vault.write import read_note

if TYPE_CHECKING:
    from companion.app.types.proposals import ProposalFilter


def needs_of_kind(needs: tuple[Need, ...], kind: str | None) -> tuple[Need, ...]:
    """Return the needs of this kind; None: all."""
    return needs if kind is None else tuple(need for need in needs if need.kind == kind)


class NoteFilter(NamedTuple):
    """Criteria for notes, which match all that are set. None: any.

    kind: of the needs to keep. tag: without `#`; nested tags match, too. with_property: its name,
    or `name=value`. modified_since: Unix time, seconds.
    """

    kind: str | None = None
    tag: str | None = None
    with_property: str | None = None
    modified_since: float | None = None

    def keeps(self, root: Path, path: str) -> bool:
        """Return whether the note matches; one that cannot be read now does not.

        It is read only if a tag or a property is given.
        """
        try:
            since = self.modified_since
            if since is not None and (root / path).stat().st_mtime < since:
                return False
            if self.tag is None and self.with_property is None:
                return True
            parsed = ParsedNote.decode(read_note(root, path, settle=0).data)
        except (NoteError, OSError):
            return False
        if self.tag is not None and not parsed.has_tag(self.tag):
            return False
        if self.with_property is None:
            return True
        name, is_valued, value = map(str.strip, self.with_property.partition("="))
        if is_valued:
            return has_value(parsed.properties, name, value)
        return parsed.properties.key_of(name) is not None


ANY_NOTE = NoteFilter()


def make_filter(space: Workspace, only: ScanOptions | ProposalFilter) -> NoteFilter:
    """Return the filter for what the user typed. Raises UsageError if it names nothing."""
    tag, with_property = only.tag, only.property
    if tag is not None:
        name = tag.removeprefix("#").strip("/")
        if not is_tag(name):
            raise UsageError(
                f"{tag or 'an empty text'} is not a tag; write it like status/postponed"
            )
        tag = name
    if with_property is not None and not with_property.partition("=")[0].strip():
        raise UsageError("--property takes a name, or name=value, as status=postponed")
    kind = find_kind(space.prompts, only.field)
    return NoteFilter(kind, tag, with_property, only.modified_since)


def find_kind(prompts: Prompts, field: str | None) -> str | None:
    """Return the kind of the needs that the field fills: its property, or `callout`.

    field: the name of a field, or of its property; None for all of them.

    Raises UsageError if there is no such field.
    """
    if field is None:
        return None
    if match := find_field(prompts.all_fields(), field):
        return match.fills
    names = sorted({each.name for each in prompts.all_fields()})
    raise UsageError(f"there is no field {field}; the fields are {', '.join(names)}")


class ScanPart:
    """The part of a scan that the named paths select; without any, all of it.

    notes: those that need something, or in which something is left alone. others: the notes with
    nothing to report. looked_at: how many notes were read. only: which of the notes.
    """

    def __init__(
        self, workspace: Workspace, scan: Scan, paths: Sequence[str], only: NoteFilter = ANY_NOTE
    ) -> None:
        self.notes: dict[str, Facts] = {}
        self.skipped: dict[str, str] = {}
        self.others: list[str] = []
        self.looked_at = 0
        latest, folders = workspace.journal.proposals.latest_of_all(), paths or [""]
        for path, reported in scan.notes.with_reports():
            if not is_in_any(path, folders):
                continue
            self.looked_at += 1
            facts = reported or (scan.notes[path] if path in paths else Facts())
            needs = needs_of_kind(facts.needs, only.kind)
            is_reported = facts.skipped is not None or needs or facts.unfilled or path in paths
            if is_reported and not only.keeps(workspace.root, path):
                continue
            if facts.skipped is not None:
                self.skipped[path] = facts.skipped
            elif is_reported:
                if path in latest:
                    open_needs = leave_out_asked(workspace, path, needs, latest=latest[path])
                    unfilled = (*facts.unfilled, *open_needs.all_unfilled)
                    needs, facts = open_needs.needs, facts._replace(unfilled=unfilled)
                self.notes[path] = facts._replace(needs=needs)
            else:
                self.others.append(path)
        if only._replace(kind=None) == ANY_NOTE:  # else nobody knows whether they fit
            skipped = scan.skipped.items()
            self.skipped.update((path, why) for path, why in skipped if is_in_any(path, folders))
        for path in set(paths) - set(scan.notes) - set(scan.skipped):
            if os.path.isfile(workspace.root / path):  # noqa: PTH113 (False of a name too long)
                why = skip_reason(workspace.root, path, workspace.ignore)
                self.skipped[path] = why or "it is not part of the vault"

    def all(self) -> Iterator[tuple[str, Facts]]:
        """Yield every note that needs something, has something left alone, or is skipped."""
        yield from self.notes.items()
        for path, reason in self.skipped.items():
            yield path, Facts(skipped=reason)
