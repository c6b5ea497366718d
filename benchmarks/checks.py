"""How often the checks would reject what people wrote themselves, by check, and how long they take.

python -m benchmarks.checks VAULT... takes the descriptions of the vaults' notes for a model's
answers, on the notes without them, and for callouts the paragraphs the notes begin with. A model
is told to end with a full stop; where people did not, one is added. Descriptions that repeat the
title alone are counted apart. Prints every false alarm, and what the checks miss of the
descriptions that benchmarks.spoiled made bad. Fails when all checks together reject 2% of the
descriptions or more.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from statistics import median
from typing import NamedTuple

from benchmarks.quality.references import Reference, find_references
from benchmarks.spoiled import find_missed
from companion.enrich.answers.parse_answer import Limits, read_value
from companion.enrich.checks import CHECKS
from companion.enrich.checks.checked_answer import CheckedAnswer, Fault
from companion.enrich.checks.shape import whole_sentences
from companion.errors import AnswerError
from companion.language.detection import NoteLanguages
from companion.language.words import count_unspaced, read_paragraphs, width
from companion.prompts import Prompts, load_prompts
from companion.vault.ignore import IgnoreRules

ALLOWED = 0.02
APART = ("title", "copied")  # counted apart; what the paragraphs of a note are
ANY = Limits(None, frozenset(), lambda _target: None)
WORDY = 60  # letters of a description that is worth being made bad
CALLOUT = (340, 1400)  # letters of the paragraphs that pass for one


class Note(NamedTuple):
    """A note of a vault, without its description, and the language a model would be told."""

    reference: Reference
    language: str | None


class Alarm(NamedTuple):
    """An answer of a person's that a check would have rejected."""

    note: str
    text: str
    fault: Fault


class Measured(NamedTuple):
    """The alarms and how long the checks took. title_alone: answers with nothing but the title."""

    looked_at: int
    title_alone: int
    alarms: list[Alarm]
    seconds: list[float]
    language_seconds: list[float]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("vaults", type=Path, nargs="+", metavar="VAULT")
    vaults = parser.parse_args().vaults
    notes = [note for vault in vaults for note in read_vault(vault)]
    prompts = load_prompts()
    described = measure(
        [note for note in notes if note.reference.description], prompts, answer_with_description
    )
    print_rates("descriptions", described)
    print_missed([answer for note in notes if (answer := answer_with_description(note, prompts))])
    before = memory_in_use()
    print_rates(
        "callouts, from paragraphs of notes", measure(notes, prompts, answer_with_paragraphs)
    )
    after = memory_in_use()
    print(f"memory in all {after:.0f} MB, {after - before:.0f} MB since the descriptions")
    wrong = len({alarm.note for alarm in described.alarms if alarm.fault.kind not in APART})
    return wrong >= ALLOWED * max(described.looked_at, 1)


def read_vault(vault: Path) -> list[Note]:
    root = vault.resolve()
    found = find_references(root, IgnoreRules(), described=False)
    languages = NoteLanguages(root, [note.path for note in found])
    return [Note(note, languages.of(note.path, note.view)) for note in found]


def answer_with_description(note: Note, prompts: Prompts) -> CheckedAnswer | None:
    """Return the note's description as a model's answer, with a full stop; None if it has none."""
    text = note.reference.description
    if text and text.rstrip("\"'”’»)）」』")[-1:] not in tuple(".!?…。！？"):
        text += "。" if count_unspaced(text) else "."
    return _make_answer(note, prompts, "description", text) if text else None


def answer_with_paragraphs(note: Note, prompts: Prompts) -> CheckedAnswer | None:
    """Return the paragraphs the note begins with as a callout; None where they are too short."""
    taken: list[str] = []
    for paragraph in read_paragraphs(note.reference.view)[:3]:
        if sum(map(width, [*taken, paragraph])) <= CALLOUT[1]:
            taken.append(paragraph)
    if sum(map(width, taken)) < CALLOUT[0] or not taken[-1].endswith((".", "。")):
        return None
    return _make_answer(note, prompts, "callout", "\n\n".join(taken))


def measure(
    notes: Sequence[Note],
    prompts: Prompts,
    make_answer: Callable[[Note, Prompts], CheckedAnswer | None],
) -> Measured:
    measured = Measured(0, 0, [], [], [])
    looked_at = title_alone = 0
    for note in notes:
        if not (answer := make_answer(note, prompts)):
            continue
        looked_at += 1
        title_alone += CHECKS["title"](answer) is not None
        measured.alarms.extend(_find_alarms(note.reference, answer, measured))
    return measured._replace(looked_at=looked_at, title_alone=title_alone)


def print_rates(what: str, measured: Measured) -> None:
    """Print the alarms, and the rates: of each check, and of all together."""
    alarms = [alarm for alarm in measured.alarms if alarm.fault.kind not in APART]
    for note, text, fault in alarms:
        print(f"{fault.kind}: {note}: {fault.reason}\n    {text[:160]!r}")
    total = max(measured.looked_at, 1)
    counts = Counter(alarm.fault.kind for alarm in alarms)
    print(f"\n{measured.looked_at} {what}; {measured.title_alone} say no more than the title")
    for kind in CHECKS:
        if kind not in APART:
            print(f"  {kind:12} {counts[kind]:4} {counts[kind] / total:7.2%}")
    wrong = len({alarm.note for alarm in alarms})
    print(f"  {'together':12} {wrong:4} {wrong / total:7.2%}")
    for name, times in (
        ("all but language", measured.seconds),
        ("language", measured.language_seconds),
    ):
        print(f"  {name}: median {median(times) * 1e3:.2f} ms, most {max(times) * 1e3:.1f} ms")
    print()


def print_missed(answers: Sequence[CheckedAnswer]) -> None:
    """Print what the checks miss of the descriptions when they are made bad on purpose."""
    wordy = [
        answer for answer in answers if width(answer.text) >= WORDY and not CHECKS["title"](answer)
    ]
    made, missed = find_missed(wordy, Random(5))
    for text in missed:
        print(f"missed: {text[:160]}")
    kinds = Counter(text.partition(":")[0] for text in missed)
    print(f"{made} made bad on purpose; {len(missed)} get through: {dict(kinds)}\n")


def memory_in_use() -> float:
    """Return the memory this process has resident, in megabytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def _find_alarms(note: Reference, answer: CheckedAnswer, measured: Measured) -> Iterator[Alarm]:
    """Yield the alarms of each check; add the seconds they took to measured."""
    spent = 0.0
    for kind, check in CHECKS.items():
        began = time.perf_counter()
        fault = check(answer)
        took = time.perf_counter() - began
        if kind == "language":
            measured.language_seconds.append(took)
        else:
            spent += took
        if fault:
            yield Alarm(note.path, answer.text, fault)
    measured.seconds.append(spent)


def _make_answer(note: Note, prompts: Prompts, name: str, text: str) -> CheckedAnswer | None:
    field = prompts.fields[name]
    try:
        value = read_value(field, text, ANY)
        value = whole_sentences(value) if isinstance(value, str) else value
    except AnswerError:
        return None
    text = value if isinstance(value, str) else "\n".join(value)
    view, title = note.reference.view, note.reference.title
    words, told = "\n".join(read_paragraphs(view)), prompts.instructions(field)
    return CheckedAnswer(field, text, text, title, view.note.text, words, told, note.language)


if __name__ == "__main__":
    sys.exit(main())
