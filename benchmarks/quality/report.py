"""All that is to be said of a run: tables, then the cases to read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from benchmarks.quality.answers import Answered
from benchmarks.quality.embedding import choose_embedding
from benchmarks.quality.figures import (
    Callout,
    Description,
    baselines,
    better_of,
    callout_rows,
    describe,
    description_rows,
    measure_callout,
    run_rows,
)
from benchmarks.quality.language import language_of
from benchmarks.quality.page import callout_cases, description_cases, rejected_cases, table
from benchmarks.quality.references import Reference
from companion.note.needs import CALLOUT, DESCRIPTION

FIRST, MODEL, OWN, BESIDE = "first sentence", "model", "its own words", "first, same notes"


@dataclass
class Report:
    """What was measured. columns: descriptions by where they come from."""

    answers: list[Answered]
    columns: dict[str, list[Description]] = field(default_factory=dict)
    callouts: list[Callout] = field(default_factory=list)
    embedding: str = ""

    def tables(self) -> Iterator[str]:
        """Yield the tables, in Markdown."""
        if self.columns:
            notes = [each.note for each in self.columns[FIRST]]
            more = [each.note.says_more for each in self.columns[FIRST]]
            yield (
                f"{len(notes)} descriptions that people wrote; cosine: {self.embedding}."
                f" {more.count(False)} say the title and no more."
            )
            yield table("descriptions", list(self.columns), description_rows(self.columns))
            if not all(more):
                kept = {name: _only(column, more) for name, column in self.columns.items()}
                yield table("those that say more", list(kept), description_rows(kept))
        if self.callouts:
            yield table("callouts", [MODEL], callout_rows(self.callouts))
        if self.answers:
            yield table("a note", [MODEL], run_rows(self.answers))

    def cases(self) -> Iterator[str]:
        """Yield the worst and the best cases, in Markdown."""
        yield from rejected_cases(self.answers)
        if MODEL in self.columns:
            yield from description_cases(self.columns[MODEL], self.columns[FIRST])
        if self.callouts:
            yield from callout_cases(self.callouts)


def measure(
    notes: Sequence[Reference], answers: Sequence[Answered], embedding: str | None
) -> Report:
    """Return the measured answers. embedding: its name; None: descriptions are not measured."""
    callouts = [measure_callout(a) for a in answers if a.kind == CALLOUT and a.text]
    report = Report(list(answers), callouts=callouts)
    if embedding is None or not notes:
        return report
    languages = Counter(language_of(note.description) for note in notes)
    chosen = choose_embedding(embedding, languages.most_common(1)[0][0])
    report.embedding = chosen.name
    columns = baselines(notes, chosen)
    made = [answer for answer in answers if answer.kind == DESCRIPTION]
    if made:
        model = describe([a.note for a in made], [a.text for a in made], chosen)
        own = [bool(answer.text) and not answer.remark for answer in made]
        report.columns = {MODEL: model, OWN: _only(model, own), BESIDE: _only(columns[FIRST], own)}
        report.columns["better of both"] = better_of(model, columns[FIRST])
    report.columns |= columns
    return report


def _only(column: Sequence[Description], wanted: Sequence[bool]) -> list[Description]:
    """Return those of the wanted notes; the others as if nothing had been written."""
    pairs = zip(column, wanted, strict=True)
    return [each if keep else each._replace(text="") for each, keep in pairs]
