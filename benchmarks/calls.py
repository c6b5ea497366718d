"""How many calls a note takes, and tokens beside the note, where an endpoint takes JSON.

    python -m benchmarks.calls VAULT [--limit 20] [--stub]

Notes of the vault get empty description, aliases and tags, in memory, and need a callout: all four
are asked for. The endpoint is the light embedded model's, told to Companion as somebody else's;
with --stub, for many notes, one that answers by the schema at once, its answers not checked.
Tokens are those of the default model, which counts Chinese as other large ones do: of the messages
sent, in its own frame, and of the note's prose. The JSON schema is no part of its prompt; what the
schema's text would add where an endpoint counts it is shown. Fails when a note takes more calls
than one (second tries for answers that are unfit are apart), or more than 600 tokens beside its
prose.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple
from urllib.request import Request, urlopen

from benchmarks.quality.figures import Row
from benchmarks.quality.page import table
from benchmarks.quality.references import choose_notes
from benchmarks.quality.tags import without
from benchmarks.stub_endpoint import running_stub
from companion.config import Config
from companion.enrich.asker import Asker
from companion.enrich.context.excerpt import excerpt
from companion.enrich.context.vault_context import VaultContext
from companion.enrich.workspace import Workspace, open_workspace
from companion.errors import NoteRefused
from companion.llm.catalog import model_path
from companion.llm.client import Check, Client
from companion.llm.embedded import EmbeddedServer
from companion.llm.endpoint import Endpoint
from companion.llm.request import Question
from companion.llm.response import Answer
from companion.note.facts import find_facts
from companion.note.needs import DESCRIPTION, Need
from companion.note.parsed_note import ParsedNote
from companion.note.text import NoteText
from companion.prompts import PromptContext as Shown

MODEL = "smollm2-135m"
CONTEXT = 8192  # tokens: what the model was trained for
SHORT = 512  # tokens: nothing is asked of the model that counts
LONGEST = 4000  # bytes of a note, at most so many tokens: with all else they fit in the context
PROPERTIES = (DESCRIPTION, "aliases", "tags")
MOST = 600  # tokens beside the prose


class Observed(Client):
    """A client that remembers what it was asked. questions: those that are no second tries."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self.questions: list[Question] = []

    def ask(self, question: Question, check: Check | None = None) -> Answer:
        """Return the model's answer; see Client."""
        if not any(message["role"] == "assistant" for message in question.messages):
            self.questions.append(question)
        return super().ask(question, check)


class Taken(NamedTuple):
    """Calls, and the tokens of the first: in all, of its parts, and of the schema beside it."""

    calls: int
    second_tries: int
    prompt: int
    prose: int
    system: int
    choices: int
    schema: int

    @property
    def beside(self) -> int:
        """The tokens of the prompt that are not the note's prose."""
        return self.prompt - self.prose


def main() -> int:
    assert __doc__
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("vault", type=Path)
    parser.add_argument("--limit", type=int, default=20, help="so many notes, always the same")
    parser.add_argument("--stub", action="store_true", help="no model answers: for many notes")
    options = parser.parse_args()
    root, counted = options.vault.resolve(), Config().endpoint.model
    with (
        tempfile.TemporaryDirectory() as home,
        serve_stub() if options.stub else serve(MODEL, CONTEXT) as endpoint,
        serve(counted, SHORT) as counter,
    ):
        os.environ["COMPANION_HOME"] = home
        config = configure(endpoint)
        with open_workspace(config, root) as workspace:
            taken = list(measure(workspace, options.limit, counter))
    if not taken:
        sys.exit("no note of the vault can be asked about")
    shown = table(f"{len(taken)} notes", HEADS, list(rows(taken)))
    print(f"# {root.name}, {config.endpoint.model}, tokens of {counted}\n\n{shown}")
    return any(each.calls != 1 or each.beside > MOST for each in taken)


@contextmanager
def serve_stub() -> Iterator[Endpoint]:
    """Lend the endpoint of a stub."""
    with running_stub() as stub:
        yield Endpoint(base_url=stub.base_url, model="stub")


@contextmanager
def serve(model: str, context: int) -> Iterator[Endpoint]:
    """Lend an embedded model's endpoint."""
    path = model_path(model)
    if path is None:
        sys.exit(f"{model} is not on this machine; companion model pull {model} fetches it")
    server = EmbeddedServer(path, model, context_tokens=context, slots=1, threads=1)
    with server, server.lease() as endpoint:
        yield endpoint


def configure(endpoint: Endpoint) -> Config:
    """Return the default configuration with the endpoint for one that somebody else runs."""
    told = {
        "base_url": endpoint.base_url,
        "api_key": endpoint.api_key,
        "model": endpoint.model,
        "timeout": endpoint.timeout,
    }
    return Config.model_validate({"endpoint": told})


def measure(workspace: Workspace, limit: int, counter: Endpoint) -> Iterator[Taken]:
    """Yield what each of so many notes took, and say on standard error how far it is."""
    config = workspace.config
    asker = Asker(workspace, VaultContext(workspace.scan()))
    endpoint = config.endpoint
    for number, (path, view) in enumerate(islice(choose(workspace), limit), 1):
        began, client = time.perf_counter(), Observed(endpoint)
        with closing(client):
            asker.ask(path, view, find_needs(view, workspace), client)
        prose = str(Shown("", excerpt(view.lines, None)).values()["prose"])
        print(f"{number}: {time.perf_counter() - began:.0f} s, {client.usage}", file=sys.stderr)
        yield count(client, prose, counter)


def choose(workspace: Workspace) -> Iterator[tuple[str, ParsedNote]]:
    """Yield paths and notes that lack all four, in an order that is arbitrary, always the same."""
    for note in choose_notes(workspace.root, workspace.config, "all", described=False):
        view = make_empty(note.view)
        if view and len(find_needs(view, workspace)) == 1 + len(PROPERTIES):
            yield note.path, view


def make_empty(view: ParsedNote) -> ParsedNote | None:
    """Return the note with the properties empty; None where it is too long, or it cannot be."""
    if len(view.note.text.encode()) > LONGEST:
        return None
    missing = [name for name in PROPERTIES if not view.property_keys(name)]
    try:
        for name in PROPERTIES:
            view = without(view, name)
        lines, text = "".join(f"{name}:\n" for name in missing), view.note.text
        start = view.note.frontmatter.start if view.note.frontmatter else view.note.body_start
        added = lines if view.note.frontmatter else f"---\n{lines}---\n"
        return ParsedNote(NoteText(text[:start] + added + text[start:]))
    except NoteRefused:
        return None


def find_needs(view: ParsedNote, workspace: Workspace) -> list[Need]:
    """Return those of the four needs that the product finds, were the note named."""
    needs = find_facts(view, workspace.rules, explicit=True).needs
    return [need for need in needs if need.kind in PROPERTIES or need.where == "top"]


def count(client: Observed, prose: str, endpoint: Endpoint) -> Taken:
    """Return what was asked, counted as the endpoint's model does."""
    messages, schema = client.questions[0].messages, client.questions[0].schema or {}
    system, user = (message["content"] for message in messages)
    assert prose in user
    tags = schema["properties"].get("tags", {"items": {"enum": []}})  # a vault may have none
    choices = ", ".join(tags["items"]["enum"])
    prompt = post(endpoint, "apply-template", {"messages": messages})["prompt"]
    parts = (prompt, prose, system, choices, json.dumps(schema, ensure_ascii=False))
    calls = len(client.questions)
    return Taken(
        calls, client.usage.calls - calls, *(count_tokens(endpoint, part) for part in parts)
    )


def count_tokens(endpoint: Endpoint, text: str) -> int:
    """Return how many tokens the text is for the endpoint's model."""
    body = {"content": text, "parse_special": True}
    return len(post(endpoint, "tokenize", body)["tokens"])


def post(endpoint: Endpoint, what: str, body: dict[str, Any]) -> dict[str, Any]:
    """Return what llama.cpp says beside the API that all have."""
    headers = {
        "Authorization": f"Bearer {endpoint.api_key}",
        "Content-Type": "application/json",
    }
    address = f"{endpoint.address.removesuffix('/v1')}/{what}"
    with urlopen(Request(address, json.dumps(body).encode(), headers)) as answer:
        return dict(json.load(answer))


HEADS = ("median", "most", "promised")


def rows(taken: Sequence[Taken]) -> Iterator[Row]:
    """Yield the figures, and what is promised of them."""
    for name, figures, promised in (
        ("calls", [each.calls for each in taken], "1"),
        ("second tries", [each.second_tries for each in taken], ""),
        ("tokens of the prompt", [each.prompt for each in taken], ""),
        ("beside the note's prose", [each.beside for each in taken], f"{MOST}"),
        ("- tags to choose from", [each.choices for each in taken], ""),
        ("- system message", [each.system for each in taken], ""),
        ("- all else", [each.beside - each.choices - each.system for each in taken], ""),
        ("JSON schema, if it counts", [each.schema for each in taken], ""),
    ):
        yield name, [f"{median(figures):.0f}", str(max(figures)), promised]


if __name__ == "__main__":
    sys.exit(main())
