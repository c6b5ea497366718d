"""Which notes and needs are meant, and what a scan found in them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from companion.app.types.notes import Note, ScanReport, Selection
from companion.enrich.due_needs import find_to_do
from companion.enrich.workspace import Workspace
from companion.errors import NoteError, UsageError
from companion.note.facts import Facts
from companion.note.needs import Need
from companion.note.note import ParsedNote
from companion.note.tags import is_tag
from companion.prompts import Prompts, find_field
from companion.vault.files import is_in_any, skip_reason
from companion.vault.notes import Scan
from companion.vault.paths import spelled_path
from companion.vault.write import read_note


def find_notes(space: Workspace, scan: Scan, selection: Selection) -> ScanReport:
    """Return what the selected notes need, and what is left alone.

    Raises UsageError if a path does not exist, or an option names nothing.
    """
    kind, tag = find_kind(space.prompts, selection.field), read_tag(selection.tag)
    paths = [spelled_path(space.root, path) for path in selection.paths]
    return report_notes(space, scan, paths, kind, tag)


def report_notes(
    space: Workspace,
    scan: Scan,
    paths: Sequence[str],
    kind: str | None = None,
    tag: str | None = None,
) -> ScanReport:
    """Return what the notes at or below the paths need, and what is left alone.

    Without paths: all. kind: of the needs, tag: of the notes; None: any.
    """
    selected, skipped, looked_at = dict[str, Note](), dict[str, str](), 0
    latest, folders = space.journal.proposals.latest_of_all(), paths or [""]
    for path, reported in scan.notes.with_reports():
        if not is_in_any(path, folders):
            continue
        looked_at += 1
        facts = reported or (scan.notes[path] if path in paths else Facts())
        needs = needs_of_kind(facts.needs, kind)
        if not (facts.skipped is not None or needs or facts.unfilled or path in paths):
            continue
        if not has_tag(space.root, path, tag):
            continue
        if facts.skipped is not None:
            skipped[path] = facts.skipped
        else:
            to_do = find_to_do(space, path, needs, latest.get(path, {}))
            unfilled = (*facts.unfilled, *to_do.all_unfilled)
            selected[path] = Note.of(path, facts._replace(needs=to_do.needs, unfilled=unfilled))
    if tag is None:  # else nobody knows whether they have it
        skipped |= {path: why for path, why in scan.skipped.items() if is_in_any(path, folders)}
    for path in set(paths) - set(scan.notes) - set(scan.skipped):
        if os.path.isfile(space.root / path):  # noqa: PTH113 (False of a name too long)
            why = skip_reason(space.root, path, space.ignore)
            skipped[path] = why or "it is not part of the vault"
    return ScanReport(notes=selected, skipped=skipped, looked_at=looked_at)


def needs_of_kind(needs: tuple[Need, ...], kind: str | None) -> tuple[Need, ...]:
    """Return the needs of this kind; None: all."""
    return needs if kind is None else tuple(need for need in needs if need.kind == kind)


def has_tag(root: Path, path: str, tag: str | None) -> bool:
    """Return whether the note has the tag, or one nested in it; None: any note has.

    A note that cannot be read now has none.
    """
    if tag is None:
        return True
    try:
        return ParsedNote.decode(read_note(root, path, settle=0).data).has_tag(tag)
    except (NoteError, OSError):
        return False


def read_tag(typed: str | None) -> str | None:
    """Return the tag that somebody typed, without `#`. Raises UsageError if it is none."""
    if typed is None:
        return None
    tag = typed.removeprefix("#").strip("/")
    if not is_tag(tag):
        named = typed or "an empty text"
        raise UsageError(f"{named} is not a tag; write it like status/postponed")
    return tag


def find_kind(prompts: Prompts, field: str | None) -> str | None:
    """Return the kind of the needs that the field fills: its property, or `callout`.

    field: the name of a field, or of its property; None for all of them.

    Raises UsageError if there is no such field.
    """
    if field is None:
        return None
    if match := find_field(prompts.fields.values(), field):
        return match.fills
    names = sorted({each.name for each in prompts.fields.values()})
    raise UsageError(f"there is no field {field}; the fields are {', '.join(names)}")
