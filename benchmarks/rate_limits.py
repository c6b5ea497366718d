"""Whether limits a minute hold, and how much of them is used: one process with 64 threads.

python -m benchmarks.rate_limits [WINDOWS] takes 60 s a window, 3 unless told otherwise. A stub of
an endpoint counts requests and tokens as they arrive. Three endpoints at once: requests
limited by the settings, requests and tokens by what the stub reports in its headers. For each: the
most within any 60 s, and how much of the whole was used.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Literal, NamedTuple

from companion.llm.budget import Budget
from companion.llm.client import Client
from companion.llm.endpoint import Endpoint
from companion.llm.endpoint_errors import Cancelled
from companion.llm.request import Question

WINDOW = 60.0  # seconds
THREADS = 64
ASK = [{"role": "user", "content": "What is this note about? " * 10}]
MAX_TOKENS = 100


class Case(NamedTuple):
    """What is limited to how much a minute, and by whom."""

    name: str
    kind: Literal["requests", "tokens"]
    limit: int
    is_reported: bool = False


CASES = [
    Case("requests, set", "requests", 300),
    Case("requests, reported", "requests", 300, is_reported=True),
    Case("tokens, reported", "tokens", 30_000, is_reported=True),
]


class Stub:
    """An endpoint that counts what arrives: at which time, how much of the limited kind."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.seen: list[tuple[float, int]] = []
        self.url = ""

    async def start(self) -> None:
        """Listen on a free port."""
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0, backlog=512)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                await reader.readexactly(length)
                read, written = random.randint(30, 70), random.randint(20, 80)
                amount = 1 if self.case.kind == "requests" else read + written
                self.seen.append((time.monotonic(), amount))
                headers = self._report()
                await asyncio.sleep(random.uniform(0.05, 0.5))
                message = {"role": "assistant", "content": "It is."}
                usage = {"prompt_tokens": read, "completion_tokens": written}
                choices = [{"index": 0, "finish_reason": "stop", "message": message}]
                body = json.dumps({"choices": choices, "usage": usage}).encode()
                start = f"HTTP/1.1 200 OK\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
                writer.write(start.encode() + body)
                await writer.drain()
        writer.close()

    def _report(self) -> str:
        """Return the headers that say how much is left, as OpenAI writes them."""
        if not self.case.is_reported:
            return ""
        now, kind, limit = time.monotonic(), self.case.kind, self.case.limit
        recent = itertools.takewhile(lambda each: each[0] > now - WINDOW, reversed(self.seen))
        within = list(recent)
        left = max(0, limit - sum(amount for _, amount in within))
        reset = WINDOW - (now - within[0][0])  # until all is there: that of the newest
        return (
            f"x-ratelimit-limit-{kind}: {limit}\r\nx-ratelimit-remaining-{kind}: {left}\r\n"
            f"x-ratelimit-reset-{kind}: {reset:.3f}s\r\n"
        )

    def most(self) -> int:
        """Return the most that arrived within any window."""
        most, total, first = 0, 0, 0
        for at, amount in self.seen:
            total += amount
            while self.seen[first][0] <= at - WINDOW:
                total -= self.seen[first][1]
                first += 1
            most = max(most, total)
        return most

    def used(self, windows: int) -> float:
        """Return the share of the limits that was used in so many windows from the first call."""
        end = self.seen[0][0] + windows * WINDOW
        return sum(n for at, n in self.seen if at < end) / (windows * self.case.limit)


async def measure(windows: int) -> list[Stub]:
    """Return the stubs, after so many windows."""
    stubs = [Stub(case) for case in CASES]
    with tempfile.TemporaryDirectory() as folder:
        started = []
        for number, stub in enumerate(stubs):
            await stub.start()
            case = stub.case
            limit = 0 if case.is_reported else case.limit
            file = str(Path(folder, str(number), "spending.sqlite3"))
            command = [sys.executable, "-m", "benchmarks.rate_limits", "ask", stub.url, file]
            command += [str(limit)]
            started.append(subprocess.Popen(command, stdin=subprocess.PIPE))
        try:
            await asyncio.sleep(windows * WINDOW + 5)
        finally:
            for process in started:
                process.kill()
                process.wait()
    return stubs


def ask(url: str, file: str, limit: int) -> None:
    """Ask from many threads, until the process is ended."""
    endpoint = Endpoint(base_url=url, model="stub", requests_a_minute=limit or None)

    def go_on() -> None:
        with suppress(Cancelled):
            while True:
                client.ask(Question(ASK, MAX_TOKENS))

    client = Client(endpoint, budget=Budget(Path(file)))
    for _ in range(THREADS):
        threading.Thread(target=go_on, daemon=True).start()
    sys.stdin.read()


def main() -> int:
    """Print a line a case; return 1 if a limit was exceeded or less than 95% of it used."""
    windows = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    is_well = True
    for stub in asyncio.run(measure(windows)):
        case, most, used = stub.case, stub.most(), stub.used(windows)
        print(f"{case.name:28} most in 60 s {most:6,} of {case.limit:6,}   used {used:6.1%}")
        is_well &= most <= case.limit and used >= 0.95
    return int(not is_well)


if __name__ == "__main__":
    if sys.argv[1:2] == ["ask"]:
        ask(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    else:
        sys.exit(main())
