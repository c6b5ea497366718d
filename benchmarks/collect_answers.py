"""Ask an embedded model for descriptions and callouts of many notes, and keep its answers.

    python -m benchmarks.collect_answers VAULT... [--model NAME] [--minutes N] [--tokens N]
        [--threads N] [--out FILE]

Only first answers, as they came, before any check has seen them. The notes are taken in turn from
the vaults and from our own in six languages, in an order that is arbitrary and always the same, so
that a run may end at any time. Each answer is appended to FILE at once; what FILE has is not asked
again. Those in `answers/labelled.jsonl` were labelled by reading; `benchmarks.ablation` measures
the checks on them.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from unittest.mock import patch

from benchmarks.quality.answers import needs_of
from benchmarks.quality.languages import CODES, own_notes
from benchmarks.quality.options import BUILD
from benchmarks.quality.references import Reference, choose_notes
from companion.config import Config, load_config
from companion.enrich.asker import Asker
from companion.enrich.configured_model import ModelFacts, model_facts
from companion.enrich.context.vault_context import VaultContext
from companion.enrich.model_calls import ModelCall
from companion.enrich.workspace import open_workspace
from companion.errors import AnswerError
from companion.llm.catalog import DEFAULT_MODEL, model_path
from companion.llm.client import Client
from companion.llm.embedded import EmbeddedServer
from companion.note.needs import CALLOUT, DESCRIPTION

Q = TypeVar("Q")
EACH = 60  # notes of a vault, or of a language, at most
LEAST = 40  # characters of a vault's note: in some vaults half of the notes are empty


class Planned(NamedTuple):
    """A question about a note. note: the vault's name and the path in it."""

    note: str
    field: str
    call: ModelCall


def main() -> int:
    parser = make_parser(__doc__, "collected")
    parser.add_argument("--tokens", type=int, default=350, help="of a note that are shown")
    options = parser.parse_args()
    with own_notes() as ours, fresh_home():
        questions = list(plan(options, ours))
    known = {(row["note"], row["field"]) for row in read_rows(options)}
    with open_server(options) as server, Client(server) as client:
        left = (each for each in questions if each[:2] not in known)
        collect(options, left, lambda question: ask(question, client), 1)
    return 0


def make_parser(doc: str | None, out: str) -> argparse.ArgumentParser:
    """Return a parser of what both programs that collect answers take. out: the file's name."""
    parser = argparse.ArgumentParser(description=doc)
    parser.add_argument("vaults", type=Path, nargs="+", metavar="VAULT")
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--out", type=Path, default=BUILD / f"{out}.jsonl")
    return parser


@contextmanager
def fresh_home() -> Iterator[None]:
    """Have Companion's files in a folder of their own for a while."""
    with (
        tempfile.TemporaryDirectory(prefix="companion-collect-") as home,
        patch.dict(os.environ, COMPANION_HOME=home),
    ):
        yield


def open_server(options: argparse.Namespace) -> EmbeddedServer:
    """Return the server of the model, which starts with the first question."""
    path = model_path(options.model)
    assert path, f"companion model pull {options.model}"
    return EmbeddedServer(path, options.model, threads=options.threads)


def collect(
    options: argparse.Namespace,
    questions: Iterable[Q],
    ask: Callable[[Q], dict[str, Any]],
    at_once: int,
) -> None:
    """Ask the questions, until the time is over; each row goes into the file at once."""
    until = time.monotonic() + options.minutes * 60
    options.out.parent.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(at_once) as pool, options.out.open("a", encoding="utf-8") as out:

        def work(question: Q) -> None:
            if time.monotonic() < until:
                print(json.dumps(ask(question), ensure_ascii=False), file=out, flush=True)

        list(pool.map(work, questions))
    print(f"{len(read_rows(options))} answers of {options.model}")


def read_rows(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Return what the file has of the model; all, where it does not say whose it is."""
    lines = options.out.read_text(encoding="utf-8").split("\n") if options.out.exists() else []
    rows = [json.loads(line) for line in lines if line]
    return [row for row in rows if row.get("model", options.model) == options.model]


def plan(options: argparse.Namespace, ours: Path) -> Iterator[Planned]:
    """Yield the questions: of the vaults and the languages in turn, as long as any has one."""
    config = load_config()
    facts = model_facts(config)._replace(name=options.model, prose_tokens=options.tokens)
    vaults = [plan_vault(vault.resolve(), config, facts) for vault in options.vaults]
    own = list(plan_vault(ours, config, facts))
    languages = cycle(
        [[q for q in own if q[0].note.startswith(f"notes/{name}/")] for name in CODES]
    )
    left = [list(each) for each in vaults]
    while any(left):
        for vault in left:
            for source in (vault, next(languages)):
                yield from source.pop(0) if source else ()


def plan_vault(root: Path, config: Config, facts: ModelFacts) -> Iterator[list[Planned]]:
    """Yield what is asked about each note: a description, and of every other note a callout."""
    with open_workspace(config, root) as workspace:
        asker = Asker(workspace, VaultContext(workspace.scan()), model=facts)
        notes = choose_notes(root, config, "all", described=False)
        told = [note for note in notes if root.name == "notes" or tells_something(note)]
        for number, note in enumerate(told[:EACH]):
            kinds = (DESCRIPTION, CALLOUT) if number % 2 == 0 else (DESCRIPTION,)
            needs = needs_of(note.view, workspace.rules, kinds)
            calls, *_ = asker.plan(note.path, note.view, needs)
            yield [
                Planned(f"{root.name}/{note.path}", call.asks[0].need.kind, call) for call in calls
            ]


def tells_something(note: Reference) -> bool:
    text = "".join(line.visible for line in note.view.lines if line.kind == "text")
    return len("".join(text.split())) >= LEAST


def ask(question: Planned, client: Client) -> dict[str, Any]:
    """Return the answer as a row of the file; error: why there is none."""
    call, began = question.call, time.perf_counter()
    answer = error = ""
    try:
        answer = client.ask(call.question).text
    except AnswerError as failed:
        error = str(failed)
    return {
        "note": question.note,
        "field": question.field,
        "model": client.settings.model,
        "answer": answer,
        "error": error,
        "seconds": round(time.perf_counter() - began, 1),
    }


if __name__ == "__main__":
    sys.exit(main())
