"""The page's inbox with 5,000 open proposals: how quick it is, and that it loses nothing.

    python -m benchmarks.inbox [--quick]

A stub answers for 2,500 stubs of two needs each, and all answers wait for a decision. Chromium then
measures the first paint, a decision until the next proposal stands there, and the longest task
while it scrolls. At last 1,000 proposals are accepted over the API, in batches of 20,
while another program appends lines to the same notes: no line may be lost, and each proposal is
accepted or reported with a reason. Exit status 1 when a limit is exceeded. Needs `make dev`.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
import time
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.daemon_process import read_objects, run_companion, running_daemon
from benchmarks.made_vault import path_of, stubbed_vault
from benchmarks.results import make_parser, print_table, report

PROPOSALS, ACCEPTED, BATCH = 5_000, 1_000, 20
PAINT, DECISION, PAUSE = 300.0, 50.0, 200.0  # milliseconds
_PLUGIN = Path(__file__).parents[1] / "obsidian-plugin"
_LINE = "\nA line by another program, number {}.\n"


class PageClient:
    """Speaks to the page as its own scripts do. address: of `companion open --print`."""

    def __init__(self, address: str) -> None:
        place = urlsplit(address)
        self._host, self._port = "127.0.0.1", place.port
        self._headers = {
            "Origin": f"http://{place.netloc}",
            "Content-Type": "application/json",
        }
        code = place.fragment.removeprefix("code=")
        body = self._send("POST", "/session", {"code": code})
        self._headers["Authorization"] = f"Bearer {json.loads(body)['token']}"

    def decide(self, ids: list[int]) -> dict[str, Any]:
        """Accept the proposals; return what the page got."""
        accept = {"accept": [{"id": each} for each in ids]}
        answer: dict[str, Any] = json.loads(self._send("POST", "/proposals/decide", accept))
        return answer

    def read(self, path: str) -> bytes:
        """Return what the page fetches there."""
        return self._send("GET", path)

    def _send(self, method: str, path: str, value: object = None) -> bytes:
        connection = HTTPConnection(self._host, self._port, timeout=120)
        data = None if method == "GET" else json.dumps(value)
        connection.request(method, f"/api/v1{path}", data, self._headers)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        if answer.status >= 300:
            raise SystemExit(f"{path}: {answer.status} {body.decode()}")
        return body


def main() -> int:
    options = make_parser(__doc__).parse_args()
    proposals, accepted = (400, 100) if options.quick else (PROPOSALS, ACCEPTED)
    with stubbed_vault(proposals // 2, at_once=8, proposes=True, enabled=False) as (vault, _):
        print(run_companion(vault, "enrich", ".", "--all", "--yes")[-200:])
        with running_daemon(vault):
            measured = measure(address_of(vault))
            ids = open_ids(vault)
            client = PageClient(address_of(vault))
            kept, states = accept_beside_writer(vault, client, ids[:accepted])
    return judge(len(ids), measured, kept, states)


def address_of(vault: Path) -> str:
    """Return the address that opens the page, once."""
    return run_companion(vault, "open", "--print").strip()


def open_ids(vault: Path) -> list[int]:
    """Return the open proposals, in a random order."""
    ids = [each["id"] for each in read_objects(vault, "proposals")]
    random.Random(16).shuffle(ids)
    return ids


def measure(address: str) -> dict[str, float]:
    """Return what Chromium measured, in milliseconds."""
    words = ["node", "e2e-tests/measure-inbox.js", address]
    done = subprocess.run(words, cwd=_PLUGIN, capture_output=True, text=True, check=True)
    measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return measured


def accept_beside_writer(
    vault: Path, client: PageClient, ids: list[int]
) -> tuple[tuple[int, int], dict[str, int]]:
    """Accept the proposals; return how many lines were written and kept, and the states."""
    stop, written = threading.Event(), dict[str, list[str]]()

    def write() -> None:
        chosen, number = random.Random(17), 0
        while not stop.is_set():
            path, line = path_of(chosen.randrange(len(ids))), _LINE.format(number)
            with (vault / path).open("a", encoding="utf-8") as file:
                file.write(line)
            written.setdefault(path, []).append(line)
            number += 1
            time.sleep(0.005)

    writer = threading.Thread(target=write)
    writer.start()
    states: dict[str, int] = {}
    try:
        for begin in range(0, len(ids), BATCH):
            answer = client.decide(ids[begin : begin + BATCH])
            for each in (each for note in answer["notes"] for each in note["decided"]):
                states[str(each["state"])] = states.get(str(each["state"]), 0) + 1
    finally:
        stop.set()
        writer.join()
    texts = {path: (vault / path).read_text(encoding="utf-8") for path in written}
    total = sum(map(len, written.values()))
    kept = sum(line in texts[path] for path, lines in written.items() for line in lines)
    return (total, kept), states


def judge(
    proposals: int, measured: dict[str, float], lines: tuple[int, int], states: dict[str, int]
) -> int:
    """Print what was measured; return the exit status."""
    total, kept = lines
    print_table(
        [
            ("open proposals", proposals, ""),
            ("first paint, ms, median of 20", measured["paint"], f"under {PAINT:g}"),
            ("decision until the next one, ms", measured["decision"], f"under {DECISION:g}"),
            ("longest task while scrolling, ms", measured["pause"], f"under {PAUSE:g}"),
            ("rows made at once, after scrolling", measured["shown"], ""),
            ("accepted beside a writer, by state", json.dumps(states), "open ones were reported"),
            ("lines of the other program, kept", f"{kept} of {total}", "all"),
        ]
    )
    promises = {
        "first paint": measured["paint"] < PAINT,
        "decision": measured["decision"] < DECISION,
        "scrolling": measured["pause"] < PAUSE,
        "lines": kept == total > 0,
    }
    return report(promises)


if __name__ == "__main__":
    sys.exit(main())
