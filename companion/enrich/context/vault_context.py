"""The context of a prompt: what the vault knows about a note, and the note itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from os.path import relpath
from typing import NamedTuple

from companion.language.detection import NoteLanguages
from companion.llm.endpoint import estimate_tokens
from companion.load_once import LockedProperty, load_once
from companion.note.callouts import find_heading
from companion.note.link_names import (
    LinkNames,
    NotePaths,
    file_name,
    is_safe,
    without_extension,
)
from companion.note.links import Links
from companion.note.needs import Need, find_empty_callouts
from companion.note.note import ParsedNote
from companion.prompts import Ask, Field, PromptContext, Prompts, make_ask
from companion.vault.files import NoteFile
from companion.vault.notes import Scan

_OFFERED = 60  # values of a vocabulary that a prompt offers at most
_OFFERED_TOKENS = 100  # about what they may take together
_LINKABLE = 20  # notes that a prompt offers for links at most
_LIKELY = 8  # values of similar notes that come first
_TAG_SIGNS = re.compile("[-_]")  # which stand for blanks in a tag


class VaultContext:
    """The names and the vocabularies of a vault, from one scan of it.

    is_guarded: for agents, which might learn about private notes by trying out links, aliases and
    tags that only those have: these count as unknown. All other values in use may be chosen, not
    only those that a prompt has room for.
    """

    def __init__(self, scan: Scan, *, is_guarded: bool = False) -> None:
        self.scan = scan
        self._is_guarded = is_guarded
        self._make_names = load_once(self._read_names)
        self._count_usage = load_once(scan.vocabulary)

    def names(self, path: str) -> LinkNames:
        """Return what links in the note at path may point to.

        Links in a private note may point to private notes; links in others must not reveal these.
        """
        return self._make_names(path in self.withheld and not self._is_guarded)

    def _read_names(self, of_all: bool) -> LinkNames:
        hidden = frozenset[str]() if of_all else self.withheld
        if self._is_guarded:
            hidden = frozenset(path for path in self.paths if not self.may_tell(path))
        is_shared = not (hidden or of_all)
        return self._make_names(True) if is_shared else LinkNames(self._titles(), hidden)

    def _titles(self) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        for path, names in self.scan.names():  # pathlib would be slow
            yield path, file_name(path), names

    @LockedProperty
    def withheld(self) -> frozenset[str]:
        """The paths of the notes that no other note may reveal; see Scan.withheld_notes."""
        return self.scan.withheld_notes()

    @LockedProperty
    def links(self) -> Links:
        """Who links where. The first use may read notes."""
        return Links(self.scan.link_targets(), NotePaths(self.paths))

    def may_tell(self, path: str) -> bool:
        """Return whether other notes may reveal what the note says."""
        facts = self.scan.notes.get(path)
        return facts is not None and facts.skipped is None and path not in self.withheld

    def neighbours(self, path: str, text: str) -> frozenset[str]:
        """Return the notes linked from the note at path, with this text, or to it; no `.md`."""
        linked_notes = (*self.links.linked_in(text, path), *self.links.linking_to(path))
        return frozenset(map(without_extension, linked_notes))

    @LockedProperty
    def taken(self) -> frozenset[str]:
        """The titles and aliases, casefolded: none of them is a good alias for another note."""
        return frozenset(
            name.casefold()
            for path, title, aliases in self._titles()
            if not self._is_guarded or self.may_tell(path)
            for name in (title, *aliases)
        )

    @LockedProperty
    def languages(self) -> NoteLanguages:
        """The languages of the notes."""
        return NoteLanguages(self.scan.notes.root, self.paths)

    def resolver(
        self, field: Field, path: str, offered: Collection[str] | None = None
    ) -> Callable[[str], str | None]:
        """Return a function that finds the note that a link in the field's value means.

        path: of the note that the value is for. offered: the only targets that a callout may link
        to; None: any.
        """
        names = self.names(path)
        if field.kind == "prose" and offered is not None:
            return lambda target: name if (name := names.resolve(target)) in offered else None
        if field.is_link:

            def find_link(text: str) -> str | None:
                note = self.linked_note(text, path)
                return self.link_to(note, path) if note else None

            return find_link
        return names.resolve

    def link_to(self, path: str, source: str) -> str | None:
        """Return a link in the note at source to the note at path, as the vault writes links.

        path: without `.md`. None: no link can lead there, or none is allowed.
        """
        target = self.names(source).target_of(path)
        way = self.scan.rules.obsidian.link_format
        if target is None or way == "shortest":
            return target and f"[[{target}]]"
        if way == "relative":
            path = relpath(path, source.rpartition("/")[0] or ".").replace("\\", "/")
        return f"[[{path}]]" if is_safe(path) else f"[[{target}]]"

    def linked_note(self, text: str, source: str) -> str | None:
        """Return the path, without `.md`, of the only note that a link or a name means.

        source: the note that it is in, which it must not mean.
        """
        target = text.strip().removeprefix("[[").removesuffix("]]").partition("|")[0]
        names = self.names(source)
        path = names.only_note(target.partition("#")[0]) or names.only_note(target)
        return None if path == without_extension(source) else path

    @LockedProperty
    def paths(self) -> Sequence[str]:
        """The paths of the vault's notes."""
        return list(self.scan.notes)

    def vocabulary(
        self,
        fields: Sequence[Field],
        path: str,
        text: str,
        likely: Mapping[str, Sequence[str]] | None = None,
    ) -> Mapping[str, Sequence[str]]:
        """Return the values in use for each of the fields that chooses from them, by its name.

        As many as a prompt has room for, at least one. likely: the values that similar notes have,
        by field, which come first; then those whose words are in the text, then the most used ones.
        path: the note's; values that only private notes use are not offered to others.
        """
        offered, folded = dict[str, Sequence[str]](), text.casefold()
        for field in fields:
            near = (likely or {}).get(field.name, ())
            if field.is_link:
                offered[field.name] = self._offer_notes(path, text, near)
            elif field.vocabulary == "vault" and field.property:
                offered[field.name] = self._offer_values(field.property, path, folded, near)
        return offered

    def _offer_values(
        self, name: str, path: str, folded: str, likely: Iterable[str]
    ) -> Sequence[str]:
        """Return the values in use of the property; folded: the note's text, casefolded."""
        used = self._usage_counts(name, path in self.withheld and not self._is_guarded)
        if self._is_guarded:
            return sorted(used)
        named = {v for v in used if _TAG_SIGNS.sub(" ", v.rpartition("/")[2]).casefold() in folded}
        ranked = sorted(used, key=lambda v: (v not in named, -used[v], v))
        first = [value for value in likely if value in used][:_LIKELY]
        ranked = list(dict.fromkeys([*first, *ranked]))[:_OFFERED]
        costs = accumulate(estimate_tokens(value) + 1 for value in ranked)  # 1: the comma
        fitting = sum(cost <= _OFFERED_TOKENS for cost in costs)
        return ranked[: max(1, fitting)]

    def _offer_notes(self, path: str, text: str, likely: Iterable[str]) -> list[str]:
        """Return the notes to link to: those linked with the note, and those similar to it."""
        names = self.names(path)
        notes = filter(None, map(names.only_note, (*sorted(self.neighbours(path, text)), *likely)))
        targets = filter(None, map(names.target_of, notes))
        return list(dict.fromkeys(targets))[:_OFFERED]

    def offer_links(self, path: str, text: str) -> dict[str, NoteFile]:
        """Return the notes that a callout may link to, by the targets of the links.

        Those that the text mentions come first, then those linked with the note at path; only notes
        that others may tell of.
        """
        names, offered = self.names(path), dict[str, NoteFile]()
        mentioned = (each.paths for each in names.find_mentions(text))
        only = (next(iter(paths)) for paths in mentioned if len(paths) == 1)
        linked = sorted(self.neighbours(path, text))
        for note in dict.fromkeys((*only, *linked)):
            target, file = names.target_of(note), f"{note}.md"
            is_other = file != path and file in self.scan.files and self.may_tell(file)
            if target and is_other and len(offered) < _LINKABLE:
                offered[target] = self.scan.files[file]
        return offered

    def property_values(self, name: str, of_all: bool) -> Mapping[str, Sequence[str]]:
        """Return the values of the property by the paths of the notes that have any.

        of_all: of private notes, too.
        """
        return {
            path: values
            for path, values in self.scan.values(name)
            if of_all or path not in self.withheld
        }

    def is_used(self, field: Field, value: str) -> bool:
        """Return whether a note has the value in the field's property; case does not matter."""
        used = self._usage_counts(field.property or "", of_all=not self._is_guarded)
        return value.casefold() in (each.casefold() for each in used)

    def _usage_counts(self, name: str, of_all: bool) -> Mapping[str, int]:
        """Return how many notes use each value of the property; of_all: private ones, too."""
        return self._count_usage(name, frozenset() if of_all else self.withheld)


class EmbeddedText(NamedTuple):
    """A note with the text of what it embeds.

    note: with the lines of the embeds after its own. text: only these lines. files: the files that
    they are from. unread: the embeds that are left out, and why, in words.
    """

    note: ParsedNote
    text: str = ""
    files: tuple[NoteFile, ...] = ()
    unread: tuple[str, ...] = ()


class PromptNote(NamedTuple):
    """A note as prompts show it.

    prompts: the prompts for the note. context: what they show of it, except its text. language:
    what to write in; None: nothing shows it. sources: the files that the prompts quote.
    """

    path: str
    prompts: Prompts
    parsed: ParsedNote
    needs: Sequence[Need]
    context: PromptContext
    language: str | None
    embedded: EmbeddedText
    sources: Sequence[NoteFile] = ()

    @property
    def whole(self) -> ParsedNote:
        """The note with what it embeds."""
        return self.embedded.note

    @property
    def text(self) -> str:
        """The text of the note, then that of what it embeds."""
        return f"{self.parsed.note.text}\n\n{self.embedded.text}"

    def ask_for(self, need: Need) -> Ask:
        """Return how a prompt asks for the need."""
        return make_ask(need, self.prompts.field_of(need.kind), 1)

    def find_question_lines(self) -> list[int]:
        """Return the lines that questions and callouts of sections are in, in the whole note."""
        lines, callouts = [], find_empty_callouts(self.parsed)
        for need in self.needs:
            if need.where == "request" and (need.question or need.heading):
                if callout := callouts.get(need.key):
                    lines.append(callout.first)
            elif (section := need.section) and need.heading:
                lines.append(find_heading(self.parsed.lines, section))
        return lines
