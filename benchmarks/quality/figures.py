"""From answers to figures: what each is worth, and the means over all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import mean, median
from typing import NamedTuple

from benchmarks.quality.answers import Answered
from benchmarks.quality.embedding import Embedding, cosines
from benchmarks.quality.first_sentence import first_sentence
from benchmarks.quality.language import language_of, language_of_note
from benchmarks.quality.measures import absent_names, find_names, longest_copied, rouge_l, words
from benchmarks.quality.references import Reference
from companion.llm.response import Usage

Row = tuple[str, list[str]]
FAR = 0.5  # cosine below which a description is another one


class Description(NamedTuple):
    """A description and how close it comes to the author's. text: empty where it was rejected."""

    note: Reference
    text: str
    cosine: float
    rouge: float


@dataclass(frozen=True)
class Callout:
    """A callout. copied: its longest run of words from the note. absent: names and numbers."""

    answer: Answered
    words: int
    copied: list[str]
    absent: list[str]


Column = Sequence[Description]


def describe(
    notes: Sequence[Reference], texts: Sequence[str], embedding: Embedding
) -> list[Description]:
    """Return the texts, measured as descriptions of the notes."""
    pairs = [(text, note.description) for note, text in zip(notes, texts, strict=True)]
    close = cosines(pairs, embedding)
    return [
        Description(note, text, cosine, rouge_l(text, note.description))
        for note, text, cosine in zip(notes, texts, close, strict=True)
    ]


def baselines(notes: Sequence[Reference], embedding: Embedding) -> dict[str, list[Description]]:
    """Return what can be had without a model, by name, and the authors' own words to compare."""
    texts: dict[str, Callable[[Reference], str]] = {
        "first sentence": lambda note: first_sentence(note.view),
        "title": lambda note: note.title,
        "people": lambda note: note.description,
    }
    return {
        name: describe(notes, [text(note) for note in notes], embedding)
        for name, text in texts.items()
    }


def better_of(one: Column, other: Column) -> list[Description]:
    """Return for each note the description that is closer to the author's."""
    return [max(pair, key=lambda each: each.cosine) for pair in zip(one, other, strict=True)]


def description_rows(columns: dict[str, list[Description]]) -> list[Row]:
    """Return the figures of each column: of what was written, and over how many notes."""
    written = {name: [each for each in c if each.text] for name, c in columns.items()}
    rows: dict[str, Callable[[list[Description]], str]] = {
        "notes with one": lambda c: str(len(c)),
        "mean cosine": lambda c: _number(mean(each.cosine for each in c)),
        "median cosine": lambda c: _number(median(each.cosine for each in c)),
        f"cosine below {FAR}": lambda c: _share(each.cosine < FAR for each in c),
        "mean ROUGE-L": lambda c: _number(mean(each.rouge for each in c)),
        "characters, median": lambda c: f"{median(len(each.text) for each in c):.0f}",
        "in the note's language": lambda c: _share(is_right_language(d.text, d.note) for d in c),
        "names and numbers in the note": lambda c: known_names([(d.text, d.note) for d in c]),
    }
    return [
        (name, [figure(column) if column else "-" for column in written.values()])
        for name, figure in rows.items()
    ]


def measure_callout(answer: Answered) -> Callout:
    """Return the callout with what can be counted in it."""
    note, text = answer.note, answer.text
    copied = longest_copied(text, source_of(note))
    return Callout(answer, len(words(text)), copied, absent_names(text, source_of(note)))


def callout_rows(made: Sequence[Callout]) -> list[Row]:
    """Return the figures over all callouts that were not rejected."""
    figures = {
        "callouts": str(len(made)),
        "words, median": f"{median(c.words for c in made):.0f}",
        "60 to 200 words": _share(60 <= c.words <= 200 for c in made),
        "longest run copied, words": str(max(len(c.copied) for c in made)),
        "with 10 words or more copied": _share(len(c.copied) >= 10 for c in made),
        "names and numbers not in the note, each": _number(mean(len(c.absent) for c in made)),
        "in the note's language": _share(
            is_right_language(c.answer.text, c.answer.note) for c in made
        ),
    }
    return [(name, [figure]) for name, figure in figures.items()]


def run_rows(answers: Sequence[Answered]) -> list[Row]:
    """Return what the run took, and what was rejected; tokens, calls, seconds are of a note."""
    notes = list({answer.note.path: answer for answer in answers}.values())
    own = [answer for answer in answers if answer.remark]
    figures = {
        "rejected": _share(bool(answer.rejected) for answer in answers),
        "not the model's own (a remark in the history)": f"{len(own) / len(answers):.0%}",
        "calls": _number(mean(answer.calls for answer in notes)),
        "tokens in": f"{mean(answer.usage.input_tokens for answer in notes):.0f}",
        "tokens in from the cache": _share_cached(notes),
        "tokens out": f"{mean(answer.usage.output_tokens for answer in notes):.0f}",
        "seconds, median": f"{median(answer.seconds for answer in notes):.1f}",
    }
    return [(name, [figure]) for name, figure in figures.items()]


def source_of(note: Reference) -> str:
    """Return all that a name in an answer may come from: title, properties, text."""
    text = [line.visible for line in note.view.lines if line.kind != "comment"]
    return "\n".join([note.title, note.view.note.yaml, *text])


def is_right_language(text: str, note: Reference) -> bool:
    """Return whether the text is in the note's language, as far as one can tell."""
    found = language_of(text)
    return not found or language_of_note(note.view, note.title) in ("", found)


def known_names(texts: Sequence[tuple[str, Reference]]) -> str:
    """Return which share of the names and numbers in the texts occur in their notes."""
    there = sum(len(find_names(text)) for text, _ in texts)
    absent = sum(len(absent_names(text, source_of(note))) for text, note in texts)
    return f"{1 - absent / there:.1%}" if there else "-"


def _share_cached(notes: Iterable[Answered]) -> str:
    took = sum((answer.usage for answer in notes), Usage())
    return f"{took.cached_tokens / took.input_tokens:.0%}" if took.input_tokens else "-"


def _share(values: Iterable[bool]) -> str:
    counted = list(values)
    return f"{sum(counted) / len(counted):.1%}"


def _number(value: float) -> str:
    return f"{value:.3f}"
