"""A stub of an OpenAI-compatible endpoint that answers by the schema, after a fixed delay.

For measuring what is ours: no model is involved. Run as `python -m benchmarks.stub_endpoint
SECONDS`; it prints its base URL, and ends when its standard input does. It remembers which note
each call was about, where the note's title is one of benchmarks.daemon_process.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.request import urlopen

MARK = "Zqx"
TEXT = f'{MARK} says what the note is about: it\'s "stubbed", with a colon.'
PROSE = f"{MARK} explains the subject.\n\nIt takes a second {MARK} paragraph."


NAME = re.compile(r"Subject-\d+")


class Call(NamedTuple):
    """A question about a note. began, ended: Unix time, seconds; ended: None while it waits."""

    note: str
    began: float
    ended: float | None


class Stub(NamedTuple):
    """A running stub."""

    base_url: str

    def count_calls(self) -> int:
        """Return how many questions were answered so far."""
        with urlopen(f"{self.base_url}/count") as answer:
            return int(answer.read())

    def calls(self) -> list[Call]:
        """Return every question so far, in the order they came in."""
        with urlopen(f"{self.base_url}/calls") as answer:
            return [Call(*call) for call in json.load(answer)]


@contextmanager
def running_stub(delay: float = 0.0) -> Iterator[Stub]:
    """Run the stub in a process of its own. delay: seconds before each answer.

    From then on nobody checks what it says, for no check would let it pass; it is made inert.
    """
    os.environ["COMPANION_CHECKS"] = "off"
    command = [sys.executable, "-m", "benchmarks.stub_endpoint", str(delay)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout and process.stdin
        try:
            yield Stub(process.stdout.readline().strip())
        finally:
            process.stdin.close()


async def serve(delay: float) -> None:
    """Answer until the standard input ends."""
    calls: list[Call] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                if head.startswith(b"GET"):
                    asked_all = head.startswith(b"GET /v1/calls")
                    body = json.dumps(calls if asked_all else len(calls)).encode()
                else:
                    length = next(
                        int(line.split(b":")[1])
                        for line in head.split(b"\r\n")
                        if line.lower().startswith(b"content-length:")
                    )
                    data = await reader.readexactly(length)
                    body = json.dumps(completion(json.loads(data))).encode()
                    number = len(calls)
                    calls.append(Call(note_of(data), time.time(), None))
                    await asyncio.sleep(delay)
                    calls[number] = calls[number]._replace(ended=time.time())
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                    b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=512)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    os._exit(0)


def note_of(question: bytes) -> str:
    """Return which of the benchmarks' notes the question is about; empty for another note."""
    found = NAME.search(question.decode())
    return found[0] if found else ""


def completion(question: dict[str, Any]) -> dict[str, Any]:
    """Return the body of the answer to a chat completion request."""
    form = question.get("response_format", {}).get("json_schema")
    content = TEXT
    if form:
        schema = form["schema"]["properties"]
        content = json.dumps({name: value_for(name, part) for name, part in schema.items()})
    message = {"role": "assistant", "content": content}
    return {
        "id": "stub",
        "object": "chat.completion",
        "created": 0,
        "model": question["model"],
        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
    }


def value_for(name: str, schema: dict[str, Any]) -> object:
    """Return a value that fits the schema of a field."""
    if schema["type"] == "array":
        return schema["items"].get("enum", [f"{MARK} name"])[:2]
    return PROSE if name.startswith("callout") else schema.get("enum", [TEXT])[0]


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1]) if len(sys.argv) > 1 else 0.0))
