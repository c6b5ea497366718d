"""How many answers written by hand, bad and good ones, would reach a note.

    python -m benchmarks.written_answers [VAULT...]

The answers in `answers/` are by people who had seen the prompts and the notes, but not the checks.
Each is handled as a model's answer for its note: one of our own in six languages, or one of the
vaults given (obsidian-help-en, 7wate-zh, kepano). A retry gets the same answer. Prints every bad
answer that would be written, as it would be, and every good one that would not.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.quality.answers import open_answering
from benchmarks.quality.figures import Row
from benchmarks.quality.languages import own_notes
from benchmarks.quality.page import table
from benchmarks.quality.references import find_references
from companion.config import load_config
from companion.errors import AnswerError
from companion.llm.attempts import EndpointSource
from companion.llm.client import Check, Client
from companion.llm.endpoint import Endpoint
from companion.llm.request import Question
from companion.llm.response import Answer, Usage
from companion.vault.ignore import IgnoreRules

ANSWERS = Path(__file__).parent / "answers"
GOOD = "good"


class Written(NamedTuple):
    """An answer written by hand. note: the vault's name and the path in it. kind: the fault."""

    note: str
    field: str
    kind: str
    answer: str


class Outcome(NamedTuple):
    """The value that would be written for an answer, or the reason why none would."""

    written: Written
    value: str
    rejected: str


class OneAnswerClient(Client):
    """A client that gives the same answer to every question."""

    def __init__(self, text: str) -> None:
        super().__init__(Endpoint(base_url="http://localhost:9/v1", model="nobody"))
        self._text = text

    def ask(self, question: Question, check: Check | None = None) -> Answer:
        """Return the answer."""
        return Answer(self._text, {}, Usage())


class RecordingClient(Client):
    """A client that keeps the model's answers, empty ones where there is none."""

    def __init__(self, source: EndpointSource) -> None:
        super().__init__(source)
        self.answers: list[str] = []

    def ask(self, question: Question, check: Check | None = None) -> Answer:
        """Return the model's answer; see Client."""
        self.answers.append("")
        answer = super().ask(question, check)
        self.answers[-1] = answer.text
        return answer


class ReplayClient(OneAnswerClient):
    """A client that gives the answers that a model gave, in their order."""

    def __init__(self, answers: Sequence[str]) -> None:
        super().__init__("")
        self._answers = iter(answers)

    def ask(self, question: Question, check: Check | None = None) -> Answer:
        """Return the next answer. Raises AnswerError after the last one."""
        self._text = next(self._answers, "")
        if not self._text:
            raise AnswerError("the model was not asked so often when it answered")
        return super().ask(question, check)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("vaults", type=Path, nargs="*", metavar="VAULT")
    vaults = parser.parse_args().vaults
    with own_notes() as ours:
        outcomes = [each for vault in (ours, *vaults) for each in try_answers(vault.resolve())]
    kinds = dict.fromkeys(outcome.written.kind for outcome in outcomes)
    print(table("kind", ["answers", "written"], [row(kind, outcomes) for kind in kinds]))
    for written, value, rejected in outcomes:
        if (written.kind == GOOD) != bool(value):
            print(f"\n{written.kind}, {written.field}, {written.note}: {written.answer!r}")
            print(f"    {value!r}" if value else f"    {rejected}")
    return 0


def try_answers(root: Path) -> Iterator[Outcome]:
    """Yield the outcome of each answer for a note of the vault."""
    notes = {note.path: note for note in find_references(root, IgnoreRules(), described=False)}
    with open_answering(load_config(), root, None) as answering:
        asker = answering.asker()
        for written in read_written():
            vault, _, path = written.note.partition("/")
            if vault != root.name or path not in notes:
                continue
            note = notes[path]
            needs = answering.needs_of(note, [written.field])[:1]
            made = asker.ask(path, note.view, needs, OneAnswerClient(written.answer))
            for need in needs:
                fillings = [each.filling for each in made.accepted]
                filled = next((f for f in fillings if f.need == need and not f.remark), None)
                reasons = {each.need: each.reason for each in made.rejected}
                value = filled.value if filled else ""
                text = value if isinstance(value, str) else "\n".join(value)
                yield Outcome(written, text, reasons.get(need, "the note's own sentence"))


def read_file(name: str) -> list[dict[str, Any]]:
    """Return the rows of a file of answers."""
    lines = (ANSWERS / f"{name}.jsonl").read_text(encoding="utf-8").split("\n")
    return [json.loads(line) for line in lines if line]


def read_written() -> Iterator[Written]:
    """Yield all answers in `answers/` that were written by hand."""
    for file in sorted([*ANSWERS.glob("bad*.jsonl"), *ANSWERS.glob("good*.jsonl")]):
        for line in file.read_text(encoding="utf-8").splitlines():
            yield Written(**json.loads(line))


def row(kind: str, outcomes: Sequence[Outcome]) -> Row:
    """Return a row of the table: the number of answers of the kind, and of those written."""
    values = [outcome.value for outcome in outcomes if outcome.written.kind == kind]
    return kind, [str(len(values)), str(sum(map(bool, values)))]


if __name__ == "__main__":
    sys.exit(main())
