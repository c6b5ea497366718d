"""A real HTTP server that plays a provider's Batch API, and what goes wrong there."""

import json
import random
import re
import threading
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from tests.llm.fake_endpoint import Server

Answer = Callable[[dict[str, Any]], dict[str, Any]]
"""Returns the chat completion that answers a request's body."""
Refuse = Callable[[dict[str, Any]], str]
"""Returns why the model refuses a request's body; empty: it does not."""


class Faults(NamedTuple):
    """What goes wrong, each with its share. seed: of what happens where.

    lost: connections that break, half of them after the request was done. failing: lines with
    error 500. expired: lines without an answer. doubled: lines that come twice. waits: how often a
    batch is looked at before it is done.
    """

    lost: float = 0.0
    failing: float = 0.0
    expired: float = 0.0
    doubled: float = 0.0
    waits: int = 0
    seed: int = 1


class FakeBatches:
    """The Batch API at `url`, if it exists. paid: answers, counted by what was asked.

    chats: whether it answers ordinary calls, too. refuse: what it refuses, in both.
    """

    def __init__(self, answer: Answer, faults: Faults | None = None) -> None:
        self.answer = answer
        self.faults = faults or Faults()
        self.random = random.Random(self.faults.seed)
        self.files: dict[str, tuple[str, bytes]] = {}
        self.batches: dict[str, dict[str, Any]] = {}
        self.paid: Counter[str] = Counter()
        self.exists = True
        self.chats = False
        self.chat_bodies: list[dict[str, Any]] = []
        self.refuse: Refuse = lambda body: ""
        self.lock = threading.RLock()
        self._server = Server(_Handler)
        self._server.fake = self
        self.url = f"{self._server.address}/v1"

    def close(self) -> None:
        self._server.close()

    def add_file(self, name: str, data: bytes) -> dict[str, Any]:
        id_ = f"file-{len(self.files)}-{self.random.getrandbits(32):x}"
        self.files[id_] = (name, data)
        return {"id": id_, "object": "file", "filename": name, "bytes": len(data)}

    def add_batch(self, body: dict[str, Any]) -> dict[str, Any]:
        assert body["endpoint"] == "/v1/chat/completions"
        id_ = f"batch_{len(self.batches)}"
        lines = self.files[body["input_file_id"]][1].splitlines()
        counts = {"total": len(lines), "completed": 0, "failed": 0}
        batch = {
            **body,
            "id": id_,
            "status": "in_progress",
            "left": self.faults.waits,
            "request_counts": counts,
        }
        self.batches[id_] = batch
        return batch

    def chat(self, body: dict[str, Any]) -> tuple[int, Any]:
        self.chat_bodies.append(body)
        if why := self.refuse(body):
            return 400, {"error": {"message": why}}
        self.paid[body["messages"][-1]["content"]] += 1
        return 200, self.answer(body)

    def look(self, id_: str) -> dict[str, Any]:
        batch = self.batches[id_]
        if batch["status"] == "in_progress":
            batch["left"] -= 1
            if batch["left"] < 0:
                self._work(batch)
        return batch

    def cancel(self, id_: str) -> tuple[int, Any]:
        batch = self.batches[id_]
        if batch["status"] == "completed":
            return 409, {"error": {"message": "Cannot cancel a completed batch."}}
        batch["status"] = "cancelled"
        return 200, batch

    def _work(self, batch: dict[str, Any]) -> None:
        questions = self.files[batch["input_file_id"]][1].splitlines()
        good, bad = [], []
        for question in map(json.loads, questions):
            line: dict[str, Any] = {"id": "x", "custom_id": question["custom_id"], "error": None}
            chance = self.random.random()
            if chance < self.faults.expired:
                error = {"code": "batch_expired", "message": "too late"}
                bad.append({**line, "response": None, "error": error})
                continue
            if chance < self.faults.expired + self.faults.failing:
                body: dict[str, Any] = {"error": {"message": "boom"}}
                bad.append({**line, "response": {"status_code": 500, "body": body}})
                continue
            if why := self.refuse(question["body"]):
                body = {"error": {"message": why}}
                bad.append({**line, "response": {"status_code": 400, "body": body}})
                continue
            self.paid[question["body"]["messages"][-1]["content"]] += 1
            body = self.answer(question["body"])
            good.append({**line, "response": {"status_code": 200, "body": body}})
            if self.random.random() < self.faults.doubled:
                good.append(good[-1])
        self.random.shuffle(good)
        batch["status"] = "expired" if self.faults.expired else "completed"
        answered = len({line["custom_id"] for line in good})
        batch["request_counts"].update(completed=answered, failed=len(bad))
        for key, lines in (("output_file_id", good), ("error_file_id", bad)):
            if lines:
                data = "".join(f"{json.dumps(line)}\n" for line in lines).encode()
                batch[key] = self.add_file("output.jsonl", data)["id"]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        self._perform()

    def do_POST(self) -> None:
        self._perform()

    def do_DELETE(self) -> None:
        self._perform()

    def _perform(self) -> None:
        data = self.rfile.read(int(self.headers.get("content-length") or 0))
        fake = self.server.fake
        with fake.lock:
            is_lost = fake.random.random() < fake.faults.lost
            if is_lost and fake.random.random() < 0.5:
                self._hang_up()
                return
            status, body = self._answer(fake, data)
        if is_lost:
            self._hang_up()
            return
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _answer(self, fake: FakeBatches, data: bytes) -> tuple[int, Any]:
        parts = urlsplit(self.path if fake.exists else "/")
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        match [self.command, *parts.path.removeprefix("/v1/").split("/")]:
            case ["POST", "files"]:
                name, content = _read_form(data)
                return 200, fake.add_file(name, content)
            case ["GET", "files"]:
                listed = [{"id": id_, "filename": name} for id_, (name, _) in fake.files.items()]
                return 200, _page(listed, query)
            case ["GET", "files", id_, "content"] if id_ in fake.files:
                return 200, fake.files[id_][1]
            case ["DELETE", "files", id_] if id_ in fake.files:
                del fake.files[id_]
                return 200, {"id": id_, "deleted": True}
            case ["POST", "batches"]:
                return 200, fake.add_batch(json.loads(data))
            case ["GET", "batches"]:
                return 200, _page(list(fake.batches.values()), query)
            case ["GET", "batches", id_] if id_ in fake.batches:
                return 200, fake.look(id_)
            case ["POST", "chat", "completions"] if fake.chats:
                return fake.chat(json.loads(data))
            case ["POST", "batches", id_, "cancel"] if id_ in fake.batches:
                return fake.cancel(id_)
        return 404, {"error": {"message": "not found"}}

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.close()

    def log_message(self, *_: object) -> None:
        pass


def _page(listed: list[dict[str, Any]], query: dict[str, str]) -> dict[str, Any]:
    ids = [each["id"] for each in listed]
    start = ids.index(query["after"]) + 1 if query.get("after") in ids else 0
    end = start + min(3, int(query.get("limit", "20")))  # small, so that there are many pages
    return {"object": "list", "data": listed[start:end], "has_more": end < len(listed)}


def _read_form(data: bytes) -> tuple[str, bytes]:
    """Return the name and the content of the file in a multipart form."""
    boundary = data.partition(b"\r\n")[0]
    for part in data.split(boundary):
        head, _, content = part.partition(b"\r\n\r\n")
        if found := re.search(rb'filename="([^"]*)"', head):
            return found[1].decode(), content.removesuffix(b"\r\n")
    raise AssertionError("no file in the form")
