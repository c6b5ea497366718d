"""Which notes, and which of their needs, a command is about: by field, tag, property and time."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from companion.errors import NoteError, UsageError
from companion.llm.catalog import is_same_model
from companion.note.exclusions import has_value
from companion.note.parsed_note import ParsedNote
from companion.note.tags import is_tag
from companion.note.text import NoteText
from companion.prompts import Prompts, find_field
from companion.store.proposal import Proposal
from companion.vault.write import read_note


class NoteFilter(NamedTuple):
    """Criteria for notes, which match all that are set. None: any.

    kind: of their needs, which others are left out of. tag: without `#`; one nested in it is one,
    too. with_property: its name, or `name=value`. modified_since: Unix time, seconds.
    """

    kind: str | None = None
    tag: str | None = None
    with_property: str | None = None
    modified_since: float | None = None

    def keeps(self, root: Path, path: str) -> bool:
        """Return whether the note fits; one that cannot be read now does not.

        It is read only if a tag or a property is asked for.
        """
        try:
            since = self.modified_since
            if since is not None and (root / path).stat().st_mtime < since:
                return False
            if self.tag is None and self.with_property is None:
                return True
            parsed = ParsedNote(NoteText.decode(read_note(root, path, settle=0).data))
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


def make_filter(
    tag: str | None,
    with_property: str | None,
    modified_since: float | None,
    kind: str | None = None,
) -> NoteFilter:
    """Return the filter for what the user typed. Raises UsageError if a name is empty."""
    if tag is not None:
        name = tag.removeprefix("#").strip("/")
        if not is_tag(name):
            raise UsageError(f"{tag or 'an empty text'} is no tag; write status/postponed")
        tag = name
    if with_property is not None and not with_property.partition("=")[0].strip():
        raise UsageError("--property takes a name, or name=value, as status=postponed")
    return NoteFilter(kind, tag, with_property, modified_since)


class Criteria(NamedTuple):
    """Which texts to rewrite: those that match every criterion given.

    made_since: Unix time, seconds. made_by: the name of a model. prompt_changed: what was asked
    for with other instructions than are asked with now. kind: of the need.
    """

    made_since: float | None = None
    made_by: str | None = None
    prompt_changed: bool = False
    kind: str | None = None

    def fits(self, proposal: Proposal) -> bool:
        """Return whether the proposal matches, ignoring the prompt."""
        return (self.made_by is None or is_same_model(self.made_by, proposal.model)) and (
            self.made_since is None or proposal.made_at >= self.made_since
        )


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
