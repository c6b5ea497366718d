"""The notes that a property such as `related` or `up` links to, learnt from the vault.

Similar notes, and what these link to, are ranked by the score that predicts the author's own links
best.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from companion.enrich.context.nearest_neighbours import (
    NearestNeighbours,
    Rule,
    Suggestion,
    by_share,
    learn_rules,
)
from companion.enrich.context.note_vectors import NoteVectors
from companion.enrich.context.vault_context import VaultContext
from companion.errors import NoteError
from companion.note.link_names import without_extension
from companion.note.text import NoteText
from companion.prompts import Field
from companion.store.vectors import Floats, find_largest

_NEAREST = 30  # notes that may be linked to, beside what similar notes link to
_PROPOSED = 3  # links at most, where nothing could be learnt

_SCORERS: Sequence[Callable[[float, float], float]] = (
    lambda alike, share: share,
    lambda alike, share: alike,
    lambda alike, share: alike + share,
)
"""What speaks for a link: how alike the notes are, and the share of similar notes that link."""


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
        paths, self._linking = vectors.table(list(self._targets))
        targets = [self._targets[path] for path in paths]
        most = field.max_items or 1
        self._neighbours = NearestNeighbours(paths, self._linking, targets, field.name, most, ())
        self._scorer, self.rule = self._learn(paths, paths if left_out is None else left_out)

    def suggest(self, path: str, text: str, vector: Floats) -> Suggestion:
        """Return the notes to link to in the note at path, which holds text; see Suggestion."""
        pairs = self._score(path, text, vector, self._table.compare(vector))
        scores = {note: self._scorer(*pair) for note, pair in pairs.items()}
        ranked, most = by_share(scores), self._field.max_items or 1
        if self.rule is None:
            reason = "too few notes have it, or they agree too little, to learn from"
            return Suggestion(None, tuple(ranked[: min(most, _PROPOSED)]), reason)
        chosen = (note for note in ranked if scores[note] >= self.rule.least)
        reason = f"no note is similar enough for {self._field.name} in this vault"
        return Suggestion(tuple(chosen)[:most], tuple(ranked), reason)

    def _score(
        self, path: str, text: str, vector: Floats, similar: Floats
    ) -> Mapping[str, tuple[float, float]]:
        """Return what speaks for each note that may be linked to. similar: of all in the table."""
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
            note: (float(similar[row]), shares.get(note, 0.0))
            for note in notes
            if (row := self._rows.get(note)) is not None
        }

    def _learn(
        self, paths: Sequence[str], left_out: Sequence[str]
    ) -> tuple[Callable[[float, float], float], Rule | None]:
        """Return the best score and its threshold; None if none is good enough."""
        root = self._context.scan.notes.root

        def rank(path: str, vector: Floats, similar: Floats) -> list[dict[str, float]]:
            body = ""  # without properties, whose links are what is to be found
            with suppress(OSError, NoteError):
                body = NoteText.decode((root / path).read_bytes()).body
            pairs = self._score(path, body, vector, similar)
            return [{note: scorer(*pairs[note]) for note in pairs} for scorer in _SCORERS]

        authors, most = {path: self._targets[path] for path in paths}, self._field.max_items or 1
        rules = learn_rules(authors, self._linking, self._table, left_out, rank, most)
        fit = [(rule, scorer) for rule, scorer in zip(rules, _SCORERS, strict=False) if rule]
        if not fit:
            return _SCORERS[-1], None
        rule, scorer = max(fit, key=lambda each: each[0].score)
        return scorer, rule
