"""Similar notes, and the tags and note types that they suggest.

The ten most similar notes that have values vote, weighted by their similarity. A value with most of
the votes is taken; where none has, the model chooses, and sees theirs first. Notes are similar when
they share rare words and links (the cosine of their TF-IDF weights), or lie in one folder.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from heapq import nlargest
from itertools import pairwise
from math import log, sqrt
from pathlib import PurePosixPath
from sys import intern
from threading import RLock

from companion.enrich.context.vault_context import VaultContext
from companion.enrich.workspace import Workspace
from companion.errors import NoteError
from companion.language.words import find_tokens, fold_accents, is_unspaced
from companion.note.link_names import without_extension
from companion.note.needs import Need
from companion.note.note import ParsedNote
from companion.note.text import NoteText
from companion.prompts import Field
from companion.store.proposals import Proposal
from companion.vault.files import NoteFile, read_file

FEWEST = 25
"""How many notes with a value there must be for notes to be compared at all."""

# Tried on a half of the tags of three public vaults: on the other half, 89 to 97% of the values
# taken are their author's.
_VOTERS = 10
_NEEDED = 0.6  # of the votes
_SAME_FOLDER = 0.4  # added to the similarity of notes in one folder

_LETTERS = 300  # of a note's text: more takes longer, and tags get no better
_LINK_LETTERS = 900  # in which its links are looked for
_OF_TITLE = 3  # times that a word of the title counts
_STEM = 7  # letters in which the forms of a word agree
_TAG = re.compile(r"(?<!\w)#[\w/-]+")
_LINK = re.compile(r"\[\[([^\]|#]*)")

Terms = Sequence[str]
"""The words of a note, and the targets of its links; each as often as it counts."""


def find_terms(path: str, body: str) -> Terms:
    """Return the terms of a note's title and of the beginning of its text.

    Tags, callouts and quotes are left out: they are the words of others, or of Companion.
    """
    lines = (line for line in body.splitlines() if not line.lstrip().startswith(">"))
    text = _TAG.sub("", " ".join(lines))
    links = [f"[[{target.strip().casefold()}" for target in _LINK.findall(text[:_LINK_LETTERS])]
    title = _find_words(PurePosixPath(path).stem)
    words = _find_words(" ".join(text.split())[:_LETTERS])
    return tuple(map(intern, (*title * _OF_TITLE, *words, *links)))


def _find_words(text: str) -> list[str]:
    """Return the beginnings of the words of text, and the character pairs of unspaced scripts."""
    tokens = find_tokens(text)
    words = [fold_accents(each)[:_STEM] for each in tokens if len(each) > 1]
    return words + [a + b for a, b in pairwise(tokens) if is_unspaced(a) and is_unspaced(b)]


class TermIndex:
    """The terms of some notes, to find those that are similar to another one."""

    def __init__(self, notes: Mapping[str, Terms]) -> None:
        self._number = len(notes)
        self._used = Counter(term for terms in notes.values() for term in set(terms))
        self._notes: dict[str, list[tuple[str, float]]] = defaultdict(list)  # by term
        for path, terms in notes.items():
            for term, weight in self._weigh(terms).items():
                self._notes[term].append((path, weight))

    def compare(self, terms: Terms) -> Mapping[str, float]:
        """Return how similar the notes that share a term are to one with these, 0 to 1."""
        scores: dict[str, float] = defaultdict(float)
        for term, weight in self._weigh(terms).items():
            for path, other in self._notes.get(term, ()):
                scores[path] += weight * other
        return scores

    def _weigh(self, terms: Terms) -> Mapping[str, float]:
        """Return the weight of each term; the sum of their squares is 1."""
        weights = {
            term: (1 + log(times)) * log((1 + self._number) / (self._used[term] or 1))
            for term, times in Counter(terms).items()
        }
        length = sqrt(sum(weight**2 for weight in weights.values())) or 1.0
        return {term: weight / length for term, weight in weights.items()}


class SimilarNotes:
    """Suggests values for properties of the notes of one vault. Safe to use from any thread."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._lock = RLock()
        self._context: VaultContext | None = None
        self._values: dict[object, Mapping[str, Sequence[str]]] = {}  # of the context
        self._indexes: dict[object, TermIndex] = {}  # of the context
        self._terms: dict[NoteFile, Terms] = {}  # of notes as they were when they were read

    def choose(
        self,
        context: VaultContext,
        path: str,
        parsed: ParsedNote,
        fields: Mapping[Need, Field],
        *,
        is_small: bool = False,
    ) -> tuple[list[Proposal], Mapping[str, Sequence[str]]]:
        """Return the proposals that similar notes decide for needs, each with its field.

        And the values that similar notes have, the likeliest first, by the name of the field.
        is_small: the model is small, whose choice is mostly wrong; it is not asked where similar
        notes have values, but agree too little.
        """
        decided, likely = list[Proposal](), dict[str, Sequence[str]]()
        for need, field in fields.items():
            if field.is_link:
                nearest = self.find_nearest(context, path, parsed)
                likely[field.name] = list(map(without_extension, filter(context.may_tell, nearest)))
            elif field.vocabulary == "vault":
                votes = self.vote(context, path, parsed, need.kind)
                likely[field.name] = sorted(votes, key=lambda value: (-votes[value], value))
                if chosen := [value for value in likely[field.name] if votes[value] >= _NEEDED]:
                    value = chosen[: field.max_items] if field.is_list else chosen[0]
                    remark = f"{need.kind} as in similar notes"
                    decided.append(Proposal(path, need, value, remark=remark))
                elif votes and is_small:
                    why = f"similar notes have no {need.kind} in common"
                    decided.append(Proposal(path, need, None, "rejected", reason=why))
        return decided, likely

    def vote(
        self, context: VaultContext, path: str, parsed: ParsedNote, name: str
    ) -> Mapping[str, float]:
        """Return the share of the votes that each value of the property has.

        Values that the note has elsewhere, such as tags in its text, are left out. Empty where too
        few notes have one.
        """
        of_all = path in context.withheld
        with self._lock:
            self._follow(context)
            values = self._authors_values(context, name, of_all)
            if len(values) < FEWEST:
                return {}
            index = self._index_of(context, (name, of_all), values)
        folder, has = path.rpartition("/")[0], {tag.casefold() for tag in parsed.likely_tags}
        near = {
            other: score + _SAME_FOLDER * (other.rpartition("/")[0] == folder)
            for other, score in index.compare(find_terms(path, parsed.note.body)).items()
            if other != path
        }
        nearest = nlargest(_VOTERS, near, key=lambda other: near[other])
        total = sum(near[other] for other in nearest)
        shares: dict[str, float] = defaultdict(float)
        for other in nearest:
            for value in values[other]:
                if value.casefold() not in has:
                    shares[value] += near[other] / total
        return shares

    def find_nearest(self, context: VaultContext, path: str, parsed: ParsedNote) -> list[str]:
        """Return the ten notes most similar to the note, by their paths."""
        with self._lock:
            self._follow(context)
            index = self._index_of(context, None, context.scan.notes)
        scores = dict(index.compare(find_terms(path, parsed.note.body)))
        scores.pop(path, None)
        return nlargest(_VOTERS, scores, key=lambda other: scores[other])

    def _follow(self, context: VaultContext) -> None:
        if context is not self._context:
            self._values.clear()
            self._indexes.clear()
            files = set(context.scan.files.values())
            self._terms = {file: each for file, each in self._terms.items() if file in files}
            self._context = context

    def _authors_values(
        self, context: VaultContext, name: str, of_all: bool
    ) -> Mapping[str, Sequence[str]]:
        """Return the values of the property by note, without those that Companion filled.

        of_all: also of private notes, for private ones only.
        """
        if (name, of_all) not in self._values:
            filled = self._workspace.journal.filled_notes(name)
            values = context.property_values(name, of_all).items()
            self._values[name, of_all] = {p: each for p, each in values if p not in filled}
        return self._values[name, of_all]

    def _index_of(self, context: VaultContext, key: object, paths: Iterable[str]) -> TermIndex:
        if key not in self._indexes:
            files = {path: context.scan.files[path] for path in paths if path in context.scan.files}
            for file in files.values():
                if file not in self._terms:
                    self._terms[file] = self._read_terms(file)
            self._indexes[key] = TermIndex({p: self._terms[file] for p, file in files.items()})
        return self._indexes[key]

    def _read_terms(self, file: NoteFile) -> Terms:
        try:
            data = read_file(f"{self._workspace.root}/{file.path}", file.size)
            return find_terms(file.path, NoteText.decode(data).body) if data else ()
        except (OSError, NoteError):
            return ()
