"""Tokens a second of the embedded model through our path, against llama.cpp driven directly.

Ours: client, openai package, HTTP, server in a child process at low priority. Directly: the same
model in a process of its own with the same settings and prompts, asked in-process, no HTTP. They
take turns, so that both meet the same load. Prints one JSON object; the ratio must be 0.8 or more.

    python -m benchmarks.embedded_speed [--model smollm2-135m] [--notes 6] [--words 60]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from companion.llm.catalog import DEFAULT_MODEL
from companion.llm.client import Client
from companion.llm.download import pull_model
from companion.llm.embedded import EmbeddedServer
from companion.llm.request import Question

CONTEXT = 2048
SYSTEM = "You write notes for a personal knowledge base. Be plain and precise. " * 8
TOPICS = ["perplexity", "tokenizers", "attention", "gradient descent", "embeddings", "sampling"]
SCHEMA = {
    "type": "object",
    "properties": {"words": {"type": "array", "items": {"enum": TOPICS}}},
    "required": ["words"],
}


def question(n: int, words: int, repeated: int = 6) -> dict[str, Any]:
    """Return request n: the JSON schema makes every answer about as long as the others.

    repeated: how often the note says the same, in some 25 tokens each.
    """
    topic = TOPICS[n % len(TOPICS)]
    array = {"type": "array", "items": {"enum": TOPICS}, "minItems": words, "maxItems": words}
    schema = {**SCHEMA, "properties": {"words": array}}
    text = f"Note {n} is on {topic}: what it is, how it works and where it is used. " * repeated
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": text}]
    return {"messages": messages, "schema": schema}


def direct(path: str) -> None:
    """Answer the questions on standard input with llama.cpp in this process."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path, params.n_ctx, params.port = path, CONTEXT, 0
    params.load_mode = xllamacpp.llama_load_mode.LLAMA_LOAD_MODE_NONE
    params.cache_ram_mib, params.cache_idle_slots = 0, False
    server = xllamacpp.Server(params)
    for line in sys.stdin:
        asked = json.loads(line)
        start = time.perf_counter()
        reply = server.handle_chat_completions(
            {
                "messages": asked["messages"],
                "max_tokens": 1000,
                "temperature": 0.2,
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "answer", "strict": True, "schema": asked["schema"]},
                },
            }
        )
        tokens = reply["usage"]["completion_tokens"]
        print(json.dumps([tokens, time.perf_counter() - start]), flush=True)


def ask(client: Client, n: int, words: int, repeated: int = 6) -> tuple[int, float]:
    """Return the tokens written and the seconds taken, through our path."""
    asked = question(n, words, repeated)
    start = time.perf_counter()
    answer = client.ask(Question(asked["messages"], 1000, asked["schema"]))
    return answer.usage.output_tokens, time.perf_counter() - start


def in_turns(path: Path, notes: int, words: int) -> dict[str, float]:
    """Return tokens a second of both, note by note in turns after a first one to warm up."""
    command = [sys.executable, "-m", "benchmarks.embedded_speed", "--direct", str(path)]
    child = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert child.stdin and child.stdout
    ours, directly = [0.0, 0.0], [0.0, 0.0]
    with EmbeddedServer(path, context_tokens=CONTEXT, slots=1) as server, Client(server) as client:
        for n in range(notes + 1):
            print(json.dumps(question(n, words)), file=child.stdin, flush=True)
            theirs = json.loads(child.stdout.readline())
            mine = ask(client, n, words)
            if n:
                directly = [a + b for a, b in zip(directly, theirs, strict=True)]
                ours = [a + b for a, b in zip(ours, mine, strict=True)]
    child.stdin.close()
    child.wait()
    speed, reference = ours[0] / ours[1], directly[0] / directly[1]
    return {"ours": speed, "direct": reference, "ratio": speed / reference}


def notes_a_minute(path: Path, slots: int, notes: int, words: int) -> float:
    """Return how many notes a minute so many slots serve, all of them kept busy."""
    with (
        EmbeddedServer(path, context_tokens=CONTEXT, slots=slots) as server,
        Client(server) as client,
        ThreadPoolExecutor(slots) as pool,
    ):
        list(pool.map(lambda n: ask(client, n, words), range(slots)))
        start = time.perf_counter()
        list(pool.map(lambda n: ask(client, n, words), range(slots, slots + notes)))
        return 60 * notes / (time.perf_counter() - start)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--notes", type=int, default=6)
    parser.add_argument("--words", type=int, default=15, help="some 60 tokens an answer")
    parser.add_argument("--direct", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.direct:
        direct(options.direct)
        return
    path = pull_model(options.model, lambda _done, _total: None)
    figures: dict[str, Any] = {
        "model": options.model,
        **in_turns(path, options.notes, options.words),
    }
    for slots in (1, 2):
        per_minute = notes_a_minute(path, slots, options.notes, options.words)
        figures[f"notes_a_minute_with_{slots}_slots"] = per_minute
    print(json.dumps({k: round(v, 2) if isinstance(v, float) else v for k, v in figures.items()}))


if __name__ == "__main__":
    main()
