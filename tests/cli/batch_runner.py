"""An engine for batch files: answers each line by asking an endpoint, as offline runners do."""

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

Ask = Callable[[dict[str, Any]], tuple[int, dict[str, Any]]]


def run_batch(questions: Path, ask: Ask) -> list[dict[str, Any]]:
    """Return the lines that answer the file's. ask: returns status and body for a body."""
    lines = questions.read_text(encoding="utf-8").splitlines()
    return [_answer(json.loads(line), ask) for line in lines]


def ask_endpoint(base_url: str) -> Ask:
    """Return what asks an OpenAI-compatible endpoint."""
    opener = build_opener(ProxyHandler({}))

    def ask(body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        data = json.dumps(body).encode()
        headers = {"content-type": "application/json"}
        request = Request(f"{base_url}/chat/completions", data, headers)
        try:
            with opener.open(request) as reply:
                return reply.status, json.loads(reply.read())
        except HTTPError as error:
            return error.code, json.loads(error.read())

    return ask


def write_answers(file: Path, lines: Iterable[dict[str, Any]]) -> Path:
    """Write an answer file, as the Batch API and vLLM's run-batch do."""
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    return file


def _answer(question: dict[str, Any], ask: Ask) -> dict[str, Any]:
    status, body = ask(question["body"])
    response = {"status_code": status, "request_id": "r", "body": body}
    return {"id": "x", "custom_id": question["custom_id"], "response": response, "error": None}


if __name__ == "__main__":  # python -m tests.cli.batch_runner QUESTIONS ANSWERS BASE_URL
    write_answers(Path(sys.argv[2]), run_batch(Path(sys.argv[1]), ask_endpoint(sys.argv[3])))
