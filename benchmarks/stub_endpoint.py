"""A stub of an OpenAI-compatible endpoint that answers by the schema, after a fixed delay.

For measuring what is ours: no model is involved. Run as `python -m benchmarks.stub_endpoint
SECONDS`; it prints its base URL, and ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.request import urlopen

MARK = "Zqx"
TEXT = f'{MARK} says what the note is about: it\'s "stubbed", with a colon.'
PROSE = f"{MARK} explains the subject.\n\nIt takes a second {MARK} paragraph."


class Stub(NamedTuple):
    """A running stub."""

    base_url: str

    def count_calls(self) -> int:
        """Return how many questions were answered so far."""
        with urlopen(f"{self.base_url}/count") as answer:
            return int(answer.read())


@contextmanager
def running_stub(delay: float = 0.0) -> Iterator[Stub]:
    """Run the stub in a process of its own. delay: seconds before each answer."""
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
    calls = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal calls
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                if head.startswith(b"GET"):
                    body = str(calls).encode()
                else:
                    length = next(
                        int(line.split(b":")[1])
                        for line in head.split(b"\r\n")
                        if line.lower().startswith(b"content-length:")
                    )
                    question = json.loads(await reader.readexactly(length))
                    calls += 1
                    await asyncio.sleep(delay)
                    body = json.dumps(completion(question)).encode()
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
