"""How many of a small model's false sentences the measures of evidence flag.

    python -m benchmarks.unsupported VAULT... [--answers NAME]

The sentences of `answers/short_sentences.jsonl`, labelled by reading, are compared with what the
note and its vault tell; VAULT: those that they are from. NAME:
`sentences`, for the answers to the longer prompt of before. Three measures:
the similarity to the closest sentence; the share of words, by their stems, that nothing told has;
and the mean logarithm of the probability of the tokens. Thresholds are chosen on half of the notes,
and the shares are those of the other half; so is what the product would write of the answers.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from hashlib import sha256
from itertools import accumulate
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple

from benchmarks.quality.answers import needs_of, take_away_text
from benchmarks.quality.figures import Row
from benchmarks.quality.languages import own_notes
from benchmarks.quality.page import table
from benchmarks.quality.references import Reference, find_references
from benchmarks.written_answers import ANSWERS, OneAnswerClient
from companion.config import load_config
from companion.enrich.answers.evidence import find_evidence
from companion.enrich.asker import Asker
from companion.enrich.context.excerpt import read_subject_texts
from companion.enrich.context.similar import open_similar
from companion.enrich.context.vault_context import VaultContext
from companion.enrich.workspace import open_workspace
from companion.language.words import find_sentences, find_stems
from companion.llm.encoder import BuiltInEncoder
from companion.note.needs import Rules
from companion.vault.ignore import IgnoreRules

_SHARES = (0.05, 0.1, 0.2, 0.3, 0.5)
_LABELS = {"t": "true", "f": "false", "e": "empty"}
_MEASURES = ("similarity", "own words", "confidence")


class Measured(NamedTuple):
    """An answer. labels: a letter for each sentence. measures: of each; a low one is flagged.

    field: what was asked for. is_written: whether the product would write it.
    """

    field: str
    is_tuned_on: bool
    labels: str
    measures: Sequence[tuple[float, ...]]
    is_written: bool

    @property
    def is_true(self) -> bool:
        """Whether all labelled sentences are true."""
        return set(self.labels) == {"t"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("vaults", type=Path, nargs="+", metavar="VAULT")
    parser.add_argument("--answers", default="short_sentences", metavar="NAME")
    options = parser.parse_args()
    file = ANSWERS / f"{options.answers}.jsonl"
    with own_notes() as ours:
        answers = [
            each
            for vault in (ours, *options.vaults)
            for each in measure_vault(vault.resolve(), file)
        ]
    shares = [f"{share:.0%}" for share in _SHARES]
    for name in _MEASURES:
        print(table(f"flagged by {name}", shares, list(rows(answers, name))), end="\n\n")
    columns = ["answers", "all true", "written", "written, not all true"]
    done = [written(answers, field) for field in ("description", "callout")]
    print(table("of the other half", columns, done))
    return 0


def measure_vault(root: Path, file: Path) -> Iterator[Measured]:
    """Yield the answers in the file about notes of the vault."""
    notes = {each.path: each for each in find_references(root, IgnoreRules(), described=False)}
    config, encoder = load_config(), BuiltInEncoder()
    with open_workspace(config, root) as space, open_similar(space) as similar:
        asker = Asker(space, VaultContext(space.scan()), similar)
        for line in file.read_text(encoding="utf-8").split("\n"):
            row = json.loads(line) if line else {"note": "/"}
            vault, _, path = row["note"].partition("/")
            if vault == root.name and path in notes:
                yield measure(row, notes[path], asker, encoder)
    encoder.close()


def measure(
    row: dict[str, Any], note: Reference, asker: Asker, encoder: BuiltInEncoder
) -> Measured:
    """Return the answer, measured."""
    view = note.view if row["shown"] == "whole" else take_away_text(note.view)
    needs = needs_of(note.view, Rules(), [row["field"]])[:1]
    made = asker.ask(note.path, view, needs, OneAnswerClient(row["answer"]))
    told = read_subject_texts(view, asker.describe(note.path, view, needs))
    sentences = list(find_sentences(row["answer"].split("\n")))[: len(row["labels"])]
    known = set(find_stems("\n".join(told)))
    measures = [
        (evidence.similarity, -share_of_own(sentence, known), confidence(sentence, row["tokens"]))
        for sentence in sentences
        for evidence in find_evidence([sentence], told, encoder)[:1]
    ]
    is_written = any(not each.flags and not each.fallback_for for each in made.accepted)
    is_tuned_on = bool(sha256(row["note"].encode()).digest()[0] % 2)
    return Measured(row["field"], is_tuned_on, row["labels"], measures, is_written)


def share_of_own(sentence: str, known: set[str]) -> float:
    """Return the share of the stems of the sentence that nothing told has."""
    stems = find_stems(sentence)
    return sum(stem not in known for stem in stems) / max(1, len(stems))


def confidence(sentence: str, tokens: Sequence[tuple[str, float]]) -> float:
    """Return the mean logarithm of the probability of the tokens in the sentence."""
    text = "".join(token for token, _ in tokens)
    start = text.find(sentence)
    ends = accumulate(len(token) for token, _ in tokens)
    inside = [
        probability
        for end, (token, probability) in zip(ends, tokens, strict=True)
        if start < end and end - len(token) < start + len(sentence)
    ]
    return mean(inside) if inside and start >= 0 else 0.0


def rows(answers: Sequence[Measured], name: str) -> Iterator[Row]:
    """Yield the shares that the measure flags, of each label."""
    place = _MEASURES.index(name)
    tuned = sorted(values_of(answers, place, "t", is_tuned_on=True))
    thresholds = [tuned[int(share * len(tuned))] for share in _SHARES]
    yield "threshold", [f"{each:.2f}" for each in thresholds]
    for label, word in _LABELS.items():
        found = values_of(answers, place, label, is_tuned_on=False)
        flagged = [sum(one < least for one in found) / len(found) for least in thresholds]
        yield f"{word} ({len(found)})", [f"{share:.0%}" for share in flagged]


def values_of(
    answers: Sequence[Measured], place: int, label: str, *, is_tuned_on: bool
) -> list[float]:
    """Return a measure of all sentences with the label in one half of the answers."""
    return [
        measures[place]
        for answer in answers
        if answer.is_tuned_on == is_tuned_on
        for letter, measures in zip(answer.labels, answer.measures, strict=True)
        if letter == label
    ]


def written(answers: Sequence[Measured], field: str) -> Row:
    """Return how many answers of the second half are true, and how many would be written."""
    found = [each for each in answers if each.field == field and not each.is_tuned_on]
    done = [each for each in found if each.is_written]
    counts = (len(found), sum(each.is_true for each in found), len(done))
    return field, [*map(str, counts), str(sum(not each.is_true for each in done))]


if __name__ == "__main__":
    sys.exit(main())
