"""Callouts of stubs: what is written, what waits and what is not, and how much of it is true.

    python -m benchmarks.stubs VAULT... [--cases]

`answers/stubs.jsonl` has what the default model answered about 60 stubs with hardly any text, to
the program as it was before it knew what other notes say (`before`) and to a later one (`today`),
and a label for each sentence that came of it, given by reading before it was looked up which of the
two it is from. What came of the answers `before` is in the file; those to `today` are read and
checked once more, by the program as it is now; further rows say what would be written from which
similarity of every sentence on. If the prompts change, other answers are needed. VAULT: the public
vaults that the stubs are from. --cases: print each sentence with its label.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.quality.answers import take_away_text
from benchmarks.quality.figures import Row
from benchmarks.quality.page import table
from benchmarks.quality.references import choose_notes
from benchmarks.written_answers import ANSWERS, OneAnswerClient
from companion.config import load_config
from companion.enrich.asker import Asker
from companion.enrich.context import VaultContext
from companion.enrich.outcome import NoteAnswers
from companion.enrich.similar import open_similar
from companion.enrich.words import find_sentences
from companion.enrich.workspace import open_workspace
from companion.errors import AnswerError
from companion.llm.request import Message
from companion.llm.response import Answer
from companion.note.facts import find_facts
from companion.note.needs import CALLOUT
from companion.note.sanitize_inline import without_links

EXAMPLES = Path(__file__).parents[1] / "examples" / "vault"
PROGRAMS = ("before", "today")
OUTCOMES = ("written", "proposed", "not written")
THRESHOLDS = (0.4, 0.5, 0.6, 0.7, 0.8)
LABELS = {"t": "true", "f": "false", "e": "empty", "?": "without a label"}


class Stub(NamedTuple):
    """What came of the callout of a stub. reason: why it waits, or why there is none.

    labels: a letter of LABELS for each sentence. similarity: the least one that a sentence has to
    what was shown; 0 where it is not known.
    """

    program: str
    note: str
    outcome: str
    reason: str
    sentences: Sequence[str]
    labels: str
    similarity: float


class ReplayClient(OneAnswerClient):
    """A client that gives the answers that a model gave, in their order."""

    def __init__(self, answers: Sequence[str]) -> None:
        super().__init__("")
        self._answers = iter(answers)

    def ask_text(
        self, messages: Sequence[Message], max_tokens: int, longest_copy: int | None = None
    ) -> Answer:
        """Return the next answer. Raises AnswerError after the last one."""
        self._text = next(self._answers, "")
        if not self._text:
            raise AnswerError("the model was not asked so often when it answered")
        return super().ask_text(messages, max_tokens, longest_copy)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("vaults", type=Path, nargs="*", metavar="VAULT")
    parser.add_argument("--cases", action="store_true")
    options = parser.parse_args()
    lines = (ANSWERS / "stubs.jsonl").read_text(encoding="utf-8").split("\n")
    rows = [json.loads(line) for line in lines if line]
    stubs = [make_stub(row, row) for row in rows if row["program"] == "before"]
    with tempfile.TemporaryDirectory(prefix="companion-stubs-") as home:
        os.environ["COMPANION_HOME"] = home
        for vault in (EXAMPLES, *options.vaults):
            stubs += try_again(vault.resolve(), [row for row in rows if row["program"] == "today"])
    print(table("callouts", ["stubs", "sentences", *LABELS.values()], list(count(stubs))))
    print()
    reasons = Counter((each.program, each.outcome, each.reason) for each in stubs if each.reason)
    for (program, outcome, reason), times in sorted(reasons.items()):
        print(f"{program}, {outcome}, {times} times: {reason}")
    for stub in sorted(stubs) if options.cases else ():
        print(f"\n{stub.program}, {stub.outcome}: {stub.note}")
        for label, sentence in zip(stub.labels, stub.sentences, strict=True):
            print(f"    {label}  {sentence}")
    return 0


def try_again(root: Path, rows: Sequence[dict[str, Any]]) -> Iterator[Stub]:
    """Yield what the program makes of the answers in the rows about notes of the vault."""
    config = load_config()
    with open_workspace(config, root) as space, open_similar(space) as similar:
        asker = Asker(space, VaultContext(space.scan()), similar)
        notes = {each.path: each for each in choose_notes(root, config, "all", described=False)}
        for row in rows:
            vault, _, path = row["note"].partition("/")
            if vault == root.name:
                view = notes[path].view
                found = find_facts(view, space.rules, explicit=True).needs
                need = next(n for n in found if n.kind == CALLOUT and n.where != "request")
                view = view if row["shown"] == "whole" else take_away_text(view)
                made = asker.ask(path, view, [need], ReplayClient(row["answers"]))
                yield make_stub(row, row | describe(made))


def describe(made: NoteAnswers) -> dict[str, Any]:
    """Return the outcome of a note's one need, its reason and its text, as a row has them."""
    for accepted in made.accepted:
        value, flags = accepted.filling.value, ", ".join(accepted.flags)
        return {
            "outcome": "proposed" if flags else "written",
            "reason": flags,
            "text": [value] if isinstance(value, str) else value,
            "similarity": min((each.similarity for each in accepted.evidence), default=0),
        }
    return {"outcome": "not written", "reason": made.rejected[0].reason, "text": []}


def make_stub(labelled: dict[str, Any], made: dict[str, Any]) -> Stub:
    """Return what came of a stub, with the labels that the same sentences have in labelled."""
    known = dict(zip(split(labelled["text"]), labelled["labels"], strict=True))
    sentences = split(made["text"])
    labels = "".join(known.get(each, "?") for each in sentences)
    reason = re.sub(r"\d+", "N", re.sub("“[^”]*”", "“…”", made["reason"]))
    similarity = made.get("similarity", 0)
    return Stub(
        made["program"], made["note"], made["outcome"], reason, sentences, labels, similarity
    )


def split(text: Sequence[str]) -> list[str]:
    """Return the sentences of a callout, without links."""
    return list(find_sentences([without_links(line) for line in text]))


def count(stubs: Sequence[Stub]) -> Iterator[Row]:
    """Yield how many stubs and sentences there are, by program and outcome, and by similarity."""
    for program in PROGRAMS:
        for outcome in OUTCOMES:
            found = [each for each in stubs if (each.program, each.outcome) == (program, outcome)]
            yield count_labels(f"{program}, {outcome}", found)
    for least in THRESHOLDS:
        found = [each for each in stubs if each.similarity >= least]
        yield count_labels(f"today, from {least:.1f} on", found)


def count_labels(name: str, stubs: Sequence[Stub]) -> Row:
    """Return a row with the number of stubs, of their sentences, and of each label of these."""
    labels = Counter("".join(each.labels for each in stubs))
    counts = (len(stubs), labels.total(), *(labels[letter] for letter in LABELS))
    return name, [str(number) for number in counts]


if __name__ == "__main__":
    sys.exit(main())
