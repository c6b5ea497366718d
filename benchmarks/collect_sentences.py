"""Ask the embedded model about stubs and notes, and keep its answers with how sure it was.

    python -m benchmarks.collect_sentences VAULT... [--model NAME] [--minutes N] [--out FILE]

A callout and a description of each note of which other notes tell, its text taken away, and a
callout of each of the others, as the product asks for them. The vaults and our own notes in six
languages take turns, in an order that is arbitrary and always the same. Only first answers, as they
came. Each is appended to FILE at once, with what was asked, and the natural logarithm of the
probability of each token; what FILE has is not asked again.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any, NamedTuple

import httpx2

from benchmarks.collect_answers import collect, fresh_home, make_parser, open_server, read_rows
from benchmarks.quality.answers import needs_of, take_away_text
from benchmarks.quality.languages import CODES, own_notes
from benchmarks.quality.references import choose_notes
from companion.config import Config, load_config
from companion.enrich.asker import Asker
from companion.enrich.context import VaultContext
from companion.enrich.model_calls import ModelCall
from companion.enrich.workspace import open_workspace
from companion.llm.embedded import EmbeddedServer
from companion.llm.request import Capabilities
from companion.note.needs import CALLOUT, DESCRIPTION

EACH = 80  # notes of a vault looked at
SHOWN = {"backlinks": (CALLOUT, DESCRIPTION), "whole": (CALLOUT,)}


class Planned(NamedTuple):
    """A question about a note. note: the vault's name and the path in it. shown: see Shown."""

    note: str
    field: str
    shown: str
    call: ModelCall


def main() -> int:
    options = make_parser(__doc__, "sentences").parse_args()
    with own_notes() as ours, fresh_home():
        questions = plan(options.vaults, ours)
    known = {(row["note"], row["field"], row["shown"]) for row in read_rows(options)}
    with open_server(options) as server:
        left = (each for each in questions if each[:3] not in known)
        collect(options, left, lambda question: ask(question, server), 2)
    return 0


def plan(vaults: list[Path], ours: Path) -> list[Planned]:
    """Return the questions: of the vaults and the languages in turn."""
    config = load_config()
    rows = [list(plan_vault(vault.resolve(), config)) for vault in vaults]
    own = {name: list(plan_vault(ours, config, f"{name}/")) for name in CODES}
    rows.append(own.pop("English"))
    rows.append([group for groups in zip(*own.values(), strict=False) for group in groups])
    order = chain.from_iterable(zip_longest(*rows))
    return [question for group in order for question in group or ()]


def plan_vault(root: Path, config: Config, under: str = "") -> Iterator[list[Planned]]:
    """Yield what is asked about each note: without its text, where other notes tell enough."""
    with open_workspace(config, root) as workspace:
        asker = Asker(workspace, VaultContext(workspace.scan()))
        notes = choose_notes(root, config, "all", described=False)
        for note in [each for each in notes if each.path.startswith(under)][:EACH]:
            for shown, kinds in SHOWN.items():
                view = note.view if shown == "whole" else take_away_text(note.view)
                needs = needs_of(note.view, workspace.rules, kinds)
                calls, *_ = asker.plan(note.path, view, needs)
                if any(call.asks[0].need.kind == CALLOUT for call in calls):
                    name = f"{root.name}/{note.path}"
                    yield [Planned(name, call.asks[0].need.kind, shown, call) for call in calls]
                    break


def ask(question: Planned, server: EmbeddedServer) -> dict[str, Any]:
    """Return the answer as a row of the file."""
    call = question.call
    with server.lease() as endpoint:
        body = Capabilities("text").body_for(call.question, endpoint) | {"logprobs": True}
        reply = httpx2.post(
            f"{endpoint.base_url}/chat/completions",
            json=body,
            headers={"Authorization": f"Bearer {endpoint.api_key}"},
            timeout=endpoint.timeout,
            trust_env=False,
        )
    choice = reply.raise_for_status().json()["choices"][0]
    return {
        "note": question.note,
        "field": question.field,
        "shown": question.shown,
        "finish": choice["finish_reason"],
        "answer": choice["message"]["content"],
        "tokens": [
            (each["token"], round(max(each["logprob"], -math.inf), 3))
            for each in choice["logprobs"]["content"]
        ],
        "messages": call.question.messages,
    }


if __name__ == "__main__":
    sys.exit(main())
