"""Values and links of the notes most similar to a note, and how far to trust them.

A k-nearest-neighbours classifier: each value has the share of the most similar notes that have it,
weighted by their similarity. The share needed to use a value is learnt from the notes themselves,
leaving each out in turn.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from hashlib import sha256
from math import sqrt
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from companion.enrich.context.note_vectors import NoteTable
    from companion.store.vectors import Floats, VectorTable

FEWEST = 25
"""How many notes with a value there must be for notes to be compared at all."""

NEIGHBOURS = 10
"""How many of the most similar notes decide what a note gets."""

# Chosen on half of the notes of four vaults; benchmarks/similar.py reports the other half.
_POWER = 4  # of the similarity, by which notes count
_SAME_FOLDER = 0.4  # added to the similarity of notes in one folder
_MORE_NEIGHBOURS = 30  # for what the model chooses from
_BETA = 0.5  # under 1: that a value is right counts for more than that none is missed
_PRECISION = 0.6  # of the values that a rule chooses; it has to hold for the lower bound
_DEVIATIONS = 1.645  # standard deviations below the mean, for a bound that holds 95 times in 100

_SAMPLE = 300  # notes at most that are left out in turn
_AT_ONCE = 50  # of them
_SECONDS = 3.0  # for that, at most


class Suggestion(NamedTuple):
    """What similar notes suggest for a property of a note.

    chosen: the values to fill in; None: there is too little to learn from, and a model has to
    choose. candidates: all that similar notes have, the likeliest first. reason: why no more.
    """

    chosen: tuple[str, ...] | None
    candidates: tuple[str, ...]
    reason: str = ""


NOTHING_LEARNT = Suggestion(None, (), "too few notes have one")


@dataclass(frozen=True)
class Rule:
    """The share from which a value is used.

    precision, recall: the results in the vault itself, for `notes` that were left out in turn.
    """

    least: float
    precision: float
    recall: float
    notes: int

    @property
    def score(self) -> float:
        """The F measure, weighted towards precision."""
        beta = _BETA**2
        return (1 + beta) * self.precision * self.recall / (beta * self.precision + self.recall)


class NearestNeighbours:
    """The notes that have values for one property: their vectors, folders and values.

    name: the property's. most: the most values a note may have. left_out: the notes that are left
    out in turn to learn the rule; None: any.
    """

    def __init__(
        self,
        paths: Sequence[str],
        table: VectorTable | NoteTable,
        values: Sequence[Sequence[str]],
        name: str,
        most: int,
        left_out: Collection[str] | None = None,
    ) -> None:
        self._paths = {path: row for row, path in enumerate(paths)}
        self._table = table
        self._values = values
        self._name = name
        self._most = most
        self._folders: dict[str, list[int]] = defaultdict(list)
        for path, row in self._paths.items():
            self._folders[path.rpartition("/")[0]].append(row)
        theirs = dict(zip(paths, values, strict=True))
        left_out = paths if left_out is None else left_out
        [self.rule] = learn_rules(
            theirs, table, table, left_out, lambda path, _, near: [self._rank(path, near)], most
        )

    def __len__(self) -> int:
        return len(self._paths)

    def suggest(self, path: str, vector: Floats, has: Set[str] = frozenset()) -> Suggestion:
        """Return what the notes most similar to the vector suggest for the note at path.

        has: casefolded values that the note has elsewhere, such as tags in its text.
        """
        near = self._find_near(path, self._table.compare(vector), _MORE_NEIGHBOURS)
        shares, more = self._share(near[:NEIGHBOURS]), self._share(near)
        new = [value for value in by_share(shares) if value.casefold() not in has]
        rest = [value for value in by_share(more) if value.casefold() not in has]
        candidates = tuple(dict.fromkeys([*new, *rest]))
        if self.rule is None:
            return Suggestion(None, candidates, "similar notes agree too little")
        least = self.rule.least
        if chosen := tuple(value for value in new[: self._most] if shares[value] >= least):
            return Suggestion(chosen, candidates)
        best = f"the commonest, {new[0]}, has {shares[new[0]]:.0%}" if new else "they have no other"
        reason = (
            f"nothing for {self._name} is common enough among the {NEIGHBOURS} most similar notes:"
            f" {best}, and {least:.0%} are needed in this vault"
        )
        return Suggestion((), candidates, reason)

    def describe(self) -> str:
        """Return in words what was learnt."""
        if self.rule is None:
            return (
                f"compared notes with a value: {len(self._paths):,}, too few or too mixed to learn"
                " from; the model chooses"
            )
        return (
            f"compared notes with a value: {len(self._paths):,}; one is taken where"
            f" {self.rule.least:.0%} of the {NEIGHBOURS} most similar notes have it. Of"
            f" {self.rule.notes} notes left out in turn, {self.rule.precision:.0%} of the values"
            f" so chosen are their author's, and {self.rule.recall:.0%} of the author's are found"
        )

    def rank(self, path: str, vector: Floats) -> dict[str, float]:
        """Return the share of the most similar notes that have each value, the largest first."""
        return self._rank(path, self._table.compare(vector))

    def _rank(self, path: str, similar: Floats) -> dict[str, float]:
        shares = self._share(self._find_near(path, similar, NEIGHBOURS))
        return {value: shares[value] for value in by_share(shares)}

    def _find_near(self, path: str, similar: Floats, number: int) -> list[tuple[int, float]]:
        """Return the rows of the most similar notes except the one at path, and their weights.

        similar: the similarity of each row, which is changed.
        """
        from companion.store.vectors import find_largest

        similar[self._folders.get(path.rpartition("/")[0], [])] += _SAME_FOLDER
        own = self._paths.get(path)
        if own is not None:
            similar[own] = -1
        rows = [row for row in find_largest(similar, number + 1) if row != own][:number]
        return [(row, max(0.0, float(similar[row])) ** _POWER) for row in rows]

    def _share(self, near: Sequence[tuple[int, float]]) -> dict[str, float]:
        """Return the weighted share of the notes that each value has."""
        total = sum(weight for _, weight in near) or 1.0
        shares: dict[str, float] = defaultdict(float)
        for row, weight in near:
            for value in self._values[row]:
                shares[value] += weight / total
        return shares


Rank = Callable[[str, "Floats", "Floats"], Sequence[Mapping[str, float]]]
"""Returns the scores of the values that a note may have, for each way to score them.

It takes the path of the note, its vector, and the similarities of the notes that it is compared to.
"""


def learn_rules(
    authors: Mapping[str, Sequence[str]],
    vectors: VectorTable | NoteTable,
    compared: VectorTable | NoteTable,
    left_out: Collection[str],
    rank: Rank,
    most: int,
) -> list[Rule | None]:
    """Return, for each way to score values, the rule that suits the notes best; None: none does.

    authors: the values of each note. vectors: of these notes, in their order. compared: of the
    notes that they are compared to. left_out: those left out in turn, as far as time allows. most:
    the most values a note may have.
    """
    rows = {path: row for row, path in enumerate(authors)}
    sample = {path: rows[path] for path in left_out if path in rows}
    if len(rows) < FEWEST or not sample:
        return [None]
    notes, totals = 0, Counter[str]()
    ranked: list[list[tuple[float, bool]]] = []
    for path, vector, similar in _compare(sample, vectors, compared):
        theirs = set(authors[path])
        all_scores = rank(path, vector, similar)
        ranked = ranked or [[] for _ in all_scores]
        for scores, ratings in zip(all_scores, ranked, strict=True):
            ratings += [(scores[value], value in theirs) for value in by_share(scores)[:most]]
        totals.update(theirs)
        notes += 1
    usual = totals.most_common(1)[0][1] / notes  # right, if all notes got the commonest value
    rules = [choose_rule(ratings, totals.total(), notes) for ratings in ranked]
    return [rule if rule and rule.precision >= usual else None for rule in rules]


def _compare(
    rows: Mapping[str, int], vectors: VectorTable | NoteTable, compared: VectorTable | NoteTable
) -> Iterator[tuple[str, Floats, Floats]]:
    """Yield a sample of the notes, as far as time allows, with their vectors and similarities."""
    until = time.monotonic() + _SECONDS
    order = sorted(rows, key=lambda path: sha256(path.encode()).digest())[:_SAMPLE]
    for start in range(0, len(order), _AT_ONCE):
        if start and time.monotonic() > until:
            return
        paths = order[start : start + _AT_ONCE]
        taken = vectors.take([rows[path] for path in paths])
        yield from zip(paths, taken, compared.compare(taken), strict=True)


def choose_rule(shares: Sequence[tuple[float, bool]], authors: int, notes: int) -> Rule | None:
    """Return the rule with the best F measure among those that get enough values right.

    shares: of values, and whether they are the author's. authors: how many values the author gave.
    """
    best: Rule | None = None
    right = 0
    ordered = sorted(shares, reverse=True)
    for taken, (share, is_right) in enumerate(ordered, 1):
        right += is_right
        following = ordered[taken][0] if taken < len(ordered) else 0.0
        if following == share or _lower_bound(right, taken) < _PRECISION:
            continue
        rule = Rule((share + following) / 2, right / taken, right / authors, notes)
        if best is None or rule.score > best.score:
            best = rule
    return best


def _lower_bound(right: int, taken: int) -> float:
    """Return the lower bound of the share that is right, at 95% (Wilson's interval, one-sided)."""
    share, square = right / taken, _DEVIATIONS**2 / taken
    margin = _DEVIATIONS * sqrt((share * (1 - share) + square / 4) / taken)
    return (share + square / 2 - margin) / (1 + square)


def by_share(shares: Mapping[str, float]) -> list[str]:
    """Return the values, the one with the largest share first."""
    return sorted(shares, key=lambda value: (-shares[value], value))
