"""Values of stubs: what is written, what waits and what is not, and how much of it is true.

    python -m benchmarks.stubs VAULT... [--cases]
    python -m benchmarks.stubs VAULT... --collect [--minutes N] [--out FILE]

`answers/stubs.jsonl` has what the default model answered about 60 stubs with hardly any text, to
the program as it was before it knew what other notes say (`before`) and to a later one (`today`),
and a label for each sentence that came of it, given by reading before it was looked up which of the
two it is from. What came of the answers `before` is in the file; those to `today` are read and
checked once more, by the program as it is now. So are those of `more_stubs.jsonl` and
`test_stubs.jsonl`, and of the other files of labelled sentences: for each of them a table says what
would be written, if a small model's callouts were, from which similarity of every sentence on. If
the prompts change, other answers are needed. Words of other notes that stand in for a callout are
`quoted`; they need no label, for their author wrote them. VAULT: the public vaults that the stubs
are from. --cases: print each sentence with its label. --collect: ask the model about stubs that no
other file has.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.collect_answers import collect, fresh_home, make_parser, open_server, read_rows
from benchmarks.quality.answers import needs_of, take_away_text
from benchmarks.quality.figures import Row
from benchmarks.quality.languages import own_notes
from benchmarks.quality.page import table
from benchmarks.quality.references import choose_notes
from benchmarks.written_answers import RecordingClient, ReplayClient, read_file
from companion.config import load_config
from companion.enrich.asker import Asker
from companion.enrich.context import VaultContext
from companion.enrich.excerpt import excerpt
from companion.enrich.outcome import NoteAnswers
from companion.enrich.similar import open_similar
from companion.enrich.words import find_sentences, width
from companion.enrich.workspace import open_workspace
from companion.llm.embedded import EmbeddedServer
from companion.note.needs import CALLOUT, DESCRIPTION, Need
from companion.note.parsed_note import ParsedNote
from companion.note.sanitize_inline import without_links

EXAMPLES = Path(__file__).parents[1] / "examples" / "vault"
NEW = "test_stubs"
FILES = ("stubs", "more_stubs", NEW, "short_sentences", "sentences")
SHORT = 400  # letters of a note that is asked about with its text
EACH, OTHERS = {"ours": 40}, 14  # stubs of a vault, at most
PROGRAMS = ("before", "today")
OUTCOMES = ("quoted", "written", "proposed", "not written")
THRESHOLDS = tuple(number / 20 for number in range(8, 16))
LABELS = {"t": "true", "f": "false", "e": "empty", "?": "without a label", "a": "the author's"}
CURVE = (
    "written",
    *LABELS.values(),
    *(f"waiting, {LABELS[letter]}" for letter in "tfe"),
    "bad",
    "of a half",
    "of the other",
)


class Stub(NamedTuple):
    """What came of a need of a stub. reason: why it waits, or why there is no value.

    sentences: those of the model; none where the note's own sentence is better. labels: a letter
    of LABELS for each. similarity: the least one that a sentence has to what was shown; 0 where it
    is not known.
    """

    file: str
    field: str
    program: str
    note: str
    outcome: str
    reason: str
    sentences: Sequence[str]
    labels: str
    similarity: float

    @property
    def half(self) -> int:
        """The half of the notes that it belongs to, 0 or 1: always the same."""
        return sha256(self.note.encode()).digest()[0] % 2


class Question(NamedTuple):
    """A need of a stub, and what asks for it. note: the vault's name and the path in it."""

    note: str
    shown: str
    asker: Asker
    view: ParsedNote
    need: Need


def main() -> int:
    parser = make_parser(__doc__, NEW)
    parser.add_argument("--cases", action="store_true")
    parser.add_argument("--collect", action="store_true")
    options = parser.parse_args()
    if options.collect:
        collect_answers(options)
        return 0
    rows = [row | {"file": name} for name in FILES for row in read_file(name)]
    stubs = [make_stub(row, row) for row in rows if row.get("program") == "before"]
    with fresh_home(), own_stubs() as ours, own_notes() as notes:
        for vault in (ours, EXAMPLES, notes, *options.vaults):
            stubs += try_again(vault.resolve(), [row for row in rows if is_answer(row)])
    heads = ["stubs", "sentences", *LABELS.values()]
    print(table("callouts", heads, list(count(stubs))), end="\n\n")
    found = [each for each in stubs if each.file == FILES[0] and each.reason]
    reasons = Counter((each.program, each.outcome, each.reason) for each in found)
    for (program, outcome, reason), times in sorted(reasons.items()):
        print(f"{program}, {outcome}, {times} times: {reason}")
    answered = [each for each in stubs if each.outcome != "quoted"]
    for name, field in sorted({(each.file, each.field) for each in answered}):
        found = [each for each in answered if (each.file, each.field) == (name, field)]
        print(f"\n{table(f'{name}, {field}', CURVE, list(draw_curve(found)))}")
    for stub in sorted(stubs) if options.cases else ():
        print(f"\n{stub.file}, {stub.field}, {stub.outcome}, {stub.similarity:.2f}: {stub.note}")
        for label, sentence in zip(stub.labels, stub.sentences, strict=True):
            print(f"    {label}  {sentence}")
    return 0


def collect_answers(options: argparse.Namespace) -> None:
    """Ask the model about more stubs, and append what came of each need to the file."""
    known = {(row["note"], row["field"]) for row in read_rows(options)}
    with ExitStack() as stack:
        stack.enter_context(fresh_home())
        roots = [stack.enter_context(own_stubs()), EXAMPLES, stack.enter_context(own_notes())]
        vaults = [find_questions(stack, root) for root in (*roots, *options.vaults)]
        turns = chain.from_iterable(chain.from_iterable(zip_longest(*vaults, fillvalue=())))
        questions = sorted(turns, key=lambda question: question.need.kind)  # callouts first
        server = stack.enter_context(open_server(options))
        left = (each for each in questions if (each.note, each.need.kind) not in known)
        collect(options, left, lambda question: ask(question, server), 1)


@contextmanager
def own_stubs() -> Iterator[Path]:
    """Lend the vault `ours`, whose notes stand in the files of more stubs."""
    with tempfile.TemporaryDirectory(prefix="companion-stubs-") as folder:
        for row in (*read_file("more_stubs"), *read_file(NEW)):
            if "source" in row:
                note = Path(folder, row["note"])
                note.parent.mkdir(parents=True, exist_ok=True)
                note.write_text(f"---\ndescription:\n---\n\n{row['source']}", encoding="utf-8")
        yield Path(folder).resolve() / "ours"


def find_questions(stack: ExitStack, root: Path) -> list[list[Question]]:
    """Return what is asked about stubs of a vault that no other file of answers has.

    A note with more than a few sentences is asked about without its text.
    """
    seen = {row["note"] for name in FILES if name != NEW for row in read_file(name)}
    config = load_config()
    space = stack.enter_context(open_workspace(config, root.resolve()))
    asker = Asker(space, VaultContext(space.scan()))
    found: list[list[Question]] = []
    for note in choose_notes(root.resolve(), config, "all", described=False):
        name = f"{root.name}/{note.path}"
        if name in seen or len(found) == EACH.get(root.name, OTHERS):
            continue
        is_short = width(excerpt(note.view.lines, None)) < SHORT
        view = note.view if is_short else take_away_text(note.view)
        needs = needs_of(note.view, space.rules, (CALLOUT, DESCRIPTION))
        needs = sorted(needs, key=lambda need: need.kind)
        calls, *_ = asker.plan(note.path, view, needs)
        if any(each.need.kind == CALLOUT for call in calls for each in call.asks):
            shown = "whole" if is_short else "backlinks"
            found.append([Question(name, shown, asker, view, need) for need in needs])
    return found


def ask(question: Question, server: EmbeddedServer) -> dict[str, Any]:
    """Return the answer, and what it came to, as a row of the file, yet without labels."""
    path = question.note.partition("/")[2]
    client = RecordingClient(server)
    with client:
        made = question.asker.ask(path, question.view, [question.need], client)
        described = describe(made)
        return {
            "note": question.note,
            "shown": question.shown,
            "field": question.need.kind,
            "answers": client.answers,
            "text": described["text"],
            "labels": "",
        }


def is_answer(row: dict[str, Any]) -> bool:
    """Return whether a row has an answer to the program as it is now, or nearly so."""
    return "labels" in row and row.get("program") != "before"


def try_again(root: Path, rows: Sequence[dict[str, Any]]) -> Iterator[Stub]:
    """Yield what the program makes of the answers in the rows about notes of the vault."""
    config = load_config()
    with open_workspace(config, root) as space, open_similar(space) as similar:
        asker = Asker(space, VaultContext(space.scan()), similar)
        notes = {each.path: each for each in choose_notes(root, config, "all", described=False)}
        for row in rows:
            vault, _, path = row["note"].partition("/")
            if vault == root.name and path in notes:
                view = notes[path].view
                need = needs_of(view, space.rules, [row.get("field", CALLOUT)])[0]
                view = view if row["shown"] == "whole" else take_away_text(view)
                client = ReplayClient(row.get("answers") or [row.get("answer", "")])
                made = asker.ask(path, view, [need], client)
                yield make_stub(row, row | describe(made))


def describe(made: NoteAnswers) -> dict[str, Any]:
    """Return the outcome of a note's one need, its reason and its text, as a row has them."""
    for accepted in made.accepted:
        value, flags = accepted.filling.value, ", ".join(accepted.flags)
        if not accepted.by_model:
            return {"outcome": "quoted", "text": [each.sentence for each in accepted.evidence]}
        if accepted.filling.need.kind == CALLOUT:
            flags = flags or "small-model"  # of which the callouts always wait
        is_own = accepted.filling.need.kind == DESCRIPTION and accepted.filling.remark
        return {
            "outcome": "the note's own" if is_own else "proposed" if flags else "written",
            "reason": flags,
            "text": [] if is_own else [value] if isinstance(value, str) else value,
            "similarity": min((each.similarity for each in accepted.evidence), default=0),
        }
    return {"outcome": "not written", "reason": made.rejected[0].reason, "text": []}


def make_stub(labelled: dict[str, Any], made: dict[str, Any]) -> Stub:
    """Return what came of a stub, with the labels that the same sentences have in labelled."""
    texts = labelled["text"] if "text" in labelled else labelled["answer"].split("\n")
    known = dict(zip(split(texts), labelled["labels"], strict="text" in labelled))
    sentences = split(made["text"])
    if made["outcome"] == "quoted":
        known = dict.fromkeys(sentences, "a")
    reason = re.sub(r"\d+", "N", re.sub("“[^”]*”", "“…”", made.get("reason", "")))
    return Stub(
        made["file"],
        made.get("field", CALLOUT),
        made.get("program", "today"),
        made["note"],
        made["outcome"],
        reason,
        sentences,
        "".join(known.get(each, "?") for each in sentences),
        made.get("similarity", 0),
    )


def split(text: Sequence[str]) -> list[str]:
    """Return the sentences of a callout, without links."""
    return list(find_sentences([without_links(line) for line in text]))


def count(stubs: Sequence[Stub]) -> Iterator[Row]:
    """Yield how many stubs of the first file, and sentences, there are by program and outcome."""
    for program in PROGRAMS:
        for outcome in OUTCOMES:
            found = [
                each
                for each in stubs
                if (each.file, each.program, each.outcome) == (FILES[0], program, outcome)
            ]
            labels = count_labels(found)
            counts = (len(found), labels.total(), *(labels[letter] for letter in LABELS))
            yield f"{program}, {outcome}", [str(number) for number in counts]


def draw_curve(stubs: Sequence[Stub]) -> Iterator[Row]:
    """Yield what would be written, and what would wait, from each similarity on."""
    made = [each for each in stubs if each.program == "today" and each.sentences]
    for least in THRESHOLDS:
        written = [each for each in made if each.similarity >= least]
        waiting = [each for each in made if each.similarity < least]
        halves = [[each for each in written if each.half == half] for half in (0, 1)]
        cells = [str(count_labels(written)[letter]) for letter in LABELS]
        cells += [str(count_labels(waiting)[letter]) for letter in "tfe"]
        bad = [say_bad(count_labels(found)) for found in (written, *halves)]
        yield f"{least:.2f}", [str(len(written)), *cells, *bad]


def say_bad(labels: Counter[str]) -> str:
    """Return how many of the sentences with a label are not true, and their share."""
    total = labels["t"] + (bad := labels["f"] + labels["e"])
    return f"{bad} of {total}, {bad / total:.0%}" if total else "none"


def count_labels(stubs: Sequence[Stub]) -> Counter[str]:
    """Return how often each label is given to a sentence."""
    return Counter("".join(each.labels for each in stubs))


if __name__ == "__main__":
    sys.exit(main())
