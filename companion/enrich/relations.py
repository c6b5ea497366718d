"""The notes that a property such as `related` or `up` links to, from similar or linked notes.

Which score predicts best, and from what value a note is used, is learnt on the notes in which the
author has filled the property, by leaving out one after the other, as nearest_neighbours.py does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from companion.enrich.context import VaultContext
from companion.enrich.nearest_neighbours import NearestNeighbours, Rule, Suggestion, learn_rules
from companion.enrich.note_vectors import NoteVectors
from companion.errors import NoteError
from companion.note.link_names import without_extension
from companion.note.text import NoteText
from companion.prompts import Field

if TYPE_CHECKING:
    from companion.store.vectors import Floats

_NEAREST = 30  # notes that may be linked to, beside what similar notes link to
_PROPOSED = 3  # notes at most, where nothing could be learnt


class _Score(NamedTuple):
    """The similarity of two notes, and the share of similar notes with the property that link."""

    alike: float
    share: float


_SCORERS: Sequence[Callable[[_Score], float]] = (
    lambda score: score.share,
    lambda score: score.alike,
    lambda score: score.alike + score.share,
)


class Relations:
    """The links that notes of a vault have in one property, and the rule learnt from them.

    values: the links in it, by note. of_all: links may lead to private notes. left_out: the notes
    left out in turn to learn the rule; None: any. Paths of linked notes are without `.md`.
    """

    def __init__(
        self,
        context: VaultContext,
        vectors: NoteVectors,
        field: Field,
        values: Mapping[str, Sequence[str]],
        *,
        of_all: bool = False,
        left_out: Sequence[str] | None = None,
    ) -> None:
        self._context, self._field = context, field
        self._paths, self._table = vectors.table(
            [path for path in context.paths if of_all or path not in context.withheld]
        )
        self._rows = {without_extension(path): row for row, path in enumerate(self._paths)}
        self._targets = {
            path: list(dict.fromkeys(notes))
            for path, links in values.items()
            if (notes := [note for link in links if (note := context.linked_note(link, path))])
        }
        paths, self._labelled = vectors.table(list(self._targets))
        targets = [self._targets[path] for path in paths]
        most = field.max_items or 1
        self._neighbours = NearestNeighbours(paths, self._labelled, targets, field.name, most, ())
        self._scorer, self.rule = self._learn(paths, paths if left_out is None else left_out)

    def suggest(self, path: str, text: str, vector: Floats) -> Suggestion:
        """Return the notes to link to in the note at path, which holds text; see Suggestion."""
        scores = self._score(path, text, vector, self._table.compare(vector))
        ranked = sorted(scores, key=lambda note: (-self._scorer(scores[note]), note))
        most = self._field.max_items or 1
        if self.rule is None:
            reason = "too few notes have it, or they agree too little, to learn from"
            return Suggestion(None, tuple(ranked[: min(most, _PROPOSED)]), reason)
        chosen = (note for note in ranked if self._scorer(scores[note]) >= self.rule.least)
        reason = f"no note is like enough for {self._field.name} in this vault"
        return Suggestion(tuple(chosen)[:most], tuple(ranked), reason)

    def _score(self, path: str, text: str, vector: Floats, similar: Floats) -> Mapping[str, _Score]:
        """Return the scores of the notes that may be linked to. similar: of all compared notes."""
        from companion.store.vectors import find_largest

        shares = self._neighbours.rank(path, vector) if len(self._neighbours) else {}
        nearest = {
            without_extension(self._paths[row]): float(similar[row])
            for row in find_largest(similar, _NEAREST + 1)
        }
        notes = {*shares, *nearest}
        if self._field.source == "links":
            notes = set(self._context.neighbours(path, text))
        notes.discard(without_extension(path))
        return {
            note: _Score(float(similar[row]), shares.get(note, 0.0))
            for note in notes
            if (row := self._rows.get(note)) is not None
        }

    def _learn(
        self, paths: Sequence[str], left_out: Sequence[str]
    ) -> tuple[Callable[[_Score], float], Rule | None]:
        """Return the best score and its threshold; None if none is good enough."""

        def rank(path: str, vector: Floats, similar: Floats) -> list[dict[str, float]]:
            scores = self._score(path, self._read_body(path), vector, similar)
            return [{note: scorer(scores[note]) for note in scores} for scorer in _SCORERS]

        authors, most = {path: self._targets[path] for path in paths}, self._field.max_items or 1
        rules = learn_rules(authors, self._labelled, self._table, left_out, rank, most)
        fit = [(rule, scorer) for rule, scorer in zip(rules, _SCORERS, strict=False) if rule]
        if not fit:
            return _SCORERS[-1], None
        rule, scorer = max(fit, key=lambda each: each[0].score)
        return scorer, rule

    def _read_body(self, path: str) -> str:
        """Return the note without its properties, whose links are what is to be found."""
        try:
            return NoteText.decode((self._context.scan.notes.root / path).read_bytes()).body
        except (OSError, NoteError):
            return ""
