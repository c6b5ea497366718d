"""What the author teaches: by descriptions of their own, by corrections, and by refusals.

No model is trained: the lessons go into prompts for models that are not small. `companion doctor
forget` deletes the texts of proposals and corrections, and with them the lessons.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from statistics import median
from threading import Lock
from typing import NamedTuple

from companion.enrich.context.backlinks import Backlinks
from companion.enrich.context.vault_context import VaultContext
from companion.enrich.workspace import Workspace
from companion.language.words import count_unspaced, find_tokens
from companion.llm.endpoint import estimate_tokens
from companion.note.needs import DESCRIPTION
from companion.store.proposal import Proposal, ProposedValue
from companion.vault.files import NoteFile, stat_note

_SAMPLE = 100  # notes whose descriptions are read
_FEWEST = 8  # descriptions that tell how the author writes them
_COMMON = 0.5  # the least share that begins alike for prompts to mention it
_EACH = 3  # corrections of a field that a prompt shows
_LOOKED_AT = 60  # corrections among which these are
_LONGEST = 300  # characters of one, before and after
_TOKENS = 400  # of all corrections in a prompt
IN_A_ROW = 5
"""Refusals of a field in a folder, with none accepted since, after which the user is asked."""


class DescriptionStyle(NamedTuple):
    """How the author writes descriptions. opening: the word that most begin with; empty: none."""

    words: int
    is_unspaced: bool
    opening: str

    def __str__(self) -> str:
        """Return it in words, for a prompt."""
        said = f"about {self.words} {'characters' if self.is_unspaced else 'words'}"
        return f"{said}, and most begin with “{self.opening}”" if self.opening else said


class Correction(NamedTuple):
    """What was proposed for a field of a note, and what the author accepted instead."""

    path: str
    kind: str
    was: str
    now: str

    def __str__(self) -> str:
        return f"“{self.was}” became “{self.now}”"


class RefusedField(NamedTuple):
    """A field whose last proposals in a folder were all refused. times: how many."""

    folder: str
    kind: str
    times: int


class Lessons:
    """What the author of a vault teaches. Safe to use from any thread.

    Private notes, and those that are left alone, teach nothing, whichever model is asked.
    """

    def __init__(self, workspace: Workspace, backlinks: Backlinks) -> None:
        self._workspace = workspace
        self._backlinks = backlinks
        self._lock = Lock()  # one thread reads the notes for all that ask at the start
        self._cached_style = lru_cache(maxsize=2)(self._learn_style)

    def style(self, vault: VaultContext) -> DescriptionStyle | None:
        """Return how the author writes descriptions; None: there are too few."""
        with self._lock:
            return self._cached_style(vault)

    def _learn_style(self, vault: VaultContext) -> DescriptionStyle | None:
        step = max(1, len(vault.paths) // _SAMPLE)
        paths, described = vault.paths[::step], self._backlinks.find_described
        own = (each.description for each in described(vault, paths, _SAMPLE, _SAMPLE))
        corrected = (each.now for each, _ in self.corrections(vault, DESCRIPTION))
        return learn_style([*own, *corrected])

    def find_corrections(
        self, vault: VaultContext, names: Mapping[str, str]
    ) -> tuple[dict[str, list[str]], tuple[NoteFile, ...]]:
        """Return the author's latest corrections, in words, by field, and the notes they are from.

        names: of the fields, by what they fill.
        """
        by_field: dict[str, list[str]] = {}
        files: list[NoteFile] = []
        tokens = _TOKENS
        for kind, name in names.items():
            for correction, file in islice(self.corrections(vault, kind), _EACH):
                cost = estimate_tokens(text := str(correction))
                if cost <= tokens:
                    tokens -= cost
                    by_field.setdefault(name, []).append(text)
                    files.append(file)
        return by_field, tuple(files)

    def corrections(
        self, vault: VaultContext, kind: str | None = None
    ) -> Iterator[tuple[Correction, NoteFile]]:
        """Yield the author's corrections with their notes, latest first. kind: None: of any."""
        proposals = self._workspace.journal.proposals.corrected(kind, _LOOKED_AT)
        for each in read_corrections(proposals):
            may_tell = vault.may_tell(each.path)
            file = stat_note(self._workspace.root, each.path) if may_tell else None
            if file and self._workspace.read_source(file):
                yield each, file


def learn_style(descriptions: Sequence[str]) -> DescriptionStyle | None:
    """Return the usual length and beginning of the descriptions; None: there are too few."""
    if len(descriptions) < _FEWEST:
        return None
    words = round(median(len(find_tokens(each)) for each in descriptions))
    is_unspaced = count_unspaced("".join(descriptions)) * 2 > len("".join(descriptions))
    first_words = Counter(each.split()[0] for each in descriptions if each.split())
    [(opening, times)] = first_words.most_common(1)
    is_common = times >= _COMMON * len(descriptions) and not is_unspaced
    return DescriptionStyle(words, is_unspaced, opening if is_common else "")


def read_corrections(proposals: Iterable[Proposal]) -> Iterator[Correction]:
    """Yield the corrections in these proposals, in their order."""
    for each in proposals:
        if each.original is not None and each.value is not None:
            was, now = _as_line(each.original), _as_line(each.value)
            if was != now:
                yield Correction(each.path, each.kind, was, now)


def _as_line(value: ProposedValue) -> str:
    text = value if isinstance(value, str) else ", ".join(filter(None, value))
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def find_refused(workspace: Workspace) -> list[RefusedField]:
    """Return the fields, not turned off yet, that the user may want to stop filling in a folder."""
    streaks: dict[tuple[str, str], int] = {}
    over: set[tuple[str, str]] = set()
    for path, kind, state in workspace.journal.proposals.decided_by_user():
        key = path.rpartition("/")[0], kind
        over |= {key} if state == "accepted" else set()
        if key[0] and key not in over:
            streaks[key] = streaks.get(key, 0) + 1
    unfilled = workspace.config.is_unfilled
    return [
        RefusedField(folder, kind, times)
        for (folder, kind), times in sorted(streaks.items())
        if times >= IN_A_ROW and not unfilled(f"{folder}/x", kind)
    ]
