"""What decides which notes need work, and which are left alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Rules:
    """Which notes are candidates, what is filled in them, and which are left alone.

    fields: properties to fill. triggers: those of them that make a note a candidate where they are
    empty. postponed_tags: without `#`. postponed_properties: name and value.
    skip_tags, skip_properties: notes with one of these are left alone. private_tags,
    private_properties: the same where is_remote, for the endpoint is on another machine.
    vocabulary: properties whose values count.
    """

    fields: tuple[str, ...] = ("description", "aliases", "tags", "note-type")
    callout: bool = True
    postponed_tags: tuple[str, ...] = ("status/postponed",)
    postponed_properties: tuple[tuple[str, str], ...] = (("status", "postponed"),)
    skip_tags: tuple[str, ...] = ()
    skip_properties: tuple[tuple[str, str], ...] = ()
    private_tags: tuple[str, ...] = ()
    private_properties: tuple[tuple[str, str], ...] = ()
    is_remote: bool = False
    vocabulary: tuple[str, ...] = ("tags", "note-type")
    triggers: tuple[str, ...] = ("description",)

    def is_mark(self, tag: str) -> bool:
        """Return whether the tag, or one it is nested in, marks a note for us: no vocabulary."""
        return f"{tag.casefold()}/".startswith(self._marking_tags)

    @cached_property
    def _marking_tags(self) -> tuple[str, ...]:
        private = self.private_tags if self.is_remote else ()
        tags = (*self.postponed_tags, *self.skip_tags, *private)
        return tuple(f"{tag.lstrip('#').casefold()}/" for tag in tags)

    @cached_property
    def marks(self) -> frozenset[tuple[str, str]]:
        """The properties that do, with their values, both casefolded."""
        private = self.private_properties if self.is_remote else ()
        marks = (*self.postponed_properties, *self.skip_properties, *private)
        return frozenset((name.casefold(), value.casefold()) for name, value in marks)
