"""The page to read: the table, then the worst and the best cases."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from benchmarks.quality.answers import Answered
from benchmarks.quality.figures import Callout, Column, Row

CASES = 10


def table(title: str, heads: Sequence[str], rows: Sequence[Row]) -> str:
    """Return the rows as a Markdown table, padded so that it reads well as it is."""
    lines = [[title, *heads], *([name, *cells] for name, cells in rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(heads) + 1)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join(_line(line, widths) for line in (lines[0], rule, *lines[1:]))


def description_cases(model: Column, first: Column) -> Iterator[str]:
    """Yield the worst and the best descriptions, and where the first sentence was better."""
    pairs = [pair for pair in zip(model, first, strict=True) if pair[0].text]
    by_cosine = sorted(pairs, key=lambda pair: pair[0].cosine)
    behind = sorted(pairs, key=lambda pair: pair[0].cosine - pair[1].cosine)
    for title, chosen in (
        ("Farthest from the author's", by_cosine[:CASES]),
        ("Closest to the author's", by_cosine[::-1][:CASES]),
        ("Most behind the first sentence", behind[:CASES]),
    ):
        yield f"\n## {title}\n"
        for mine, theirs in chosen:
            yield f"### {mine.note.path}\n"
            yield f"- author: {mine.note.description}"
            yield f"- model ({mine.cosine:.2f}): {mine.text}"
            yield f"- first sentence ({theirs.cosine:.2f}): {theirs.text}\n"


def callout_cases(made: Sequence[Callout]) -> Iterator[str]:
    """Yield the worst and some of the best callouts in full."""
    ordered = sorted(made, key=badness, reverse=True)
    for title, chosen in (
        ("The worst", ordered[:CASES]),
        ("The best", ordered[::-1][:CASES]),
    ):
        yield f"\n## {title}\n"
        for callout in chosen:
            yield f"### {callout.answer.note.path}\n"
            yield f"- {callout.words} words; not in the note: {', '.join(callout.absent) or '-'}"
            yield f"- longest run copied ({len(callout.copied)}): {' '.join(callout.copied)}\n"
            yield callout.answer.text + "\n"


def rejected_cases(answers: Iterable[Answered]) -> Iterator[str]:
    """Yield what was rejected, and what is not the model's own, with the reasons."""
    lines = [
        f"- {answer.note.path}, {answer.kind}: {answer.rejected or answer.remark}"
        for answer in answers
        if answer.rejected or answer.remark
    ]
    yield from ["\n## Rejected, or not the model's own\n", *lines] if lines else []


def badness(callout: Callout) -> float:
    """Return how bad the callout is by what can be counted: names, copies, length."""
    outside = max(60 - callout.words, callout.words - 200, 0)
    return len(callout.absent) + max(0, len(callout.copied) - 9) + outside / 20


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [cells[0].ljust(widths[0])]
    padded += [cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)]
    return f"| {' | '.join(padded)} |"
