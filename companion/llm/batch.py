"""The lines of batch files: questions for an engine that answers them later, and its answers.

The format is that of OpenAI's Batch API (https://platform.openai.com/docs/api-reference/batch),
which vLLM's `run-batch` and other engines read and write, too.
"""

from __future__ import annotations

import json
import secrets
from typing import Any, NamedTuple

from companion.errors import AnswerError
from companion.llm.answers import Answer, JsonSchema, make_answer, parse_json, read_completion
from companion.llm.client import Check, Client
from companion.llm.endpoint import Endpoint
from companion.llm.request import Question

_URL = "/v1/chat/completions"


class QuestionInBatch(AnswerError):
    """The question is a line of a batch, and has no answer yet. id: of the line."""

    def __init__(self, where: str, id_: str) -> None:
        super().__init__(where)
        self.id = id_


class BatchClient(Client):
    """A client that makes lines of a file instead of calls. Every question raises QuestionInBatch.

    where: how messages name the file. lines: by their ids, for the caller to take; an id reveals
    nothing about the note.
    """

    def __init__(self, endpoint: Endpoint, where: str) -> None:
        super().__init__(endpoint)
        self.lines: dict[str, bytes] = {}
        self._where = where

    def ask(self, question: Question, check: Check | None = None) -> Answer:
        """Add a line with the question. Raises QuestionInBatch, and what check raises."""
        if check:
            check()
        question, id_ = question.in_mode(self.capabilities.modes[0]), secrets.token_hex(12)
        body = self.capabilities.body_for(question, self.settings)
        line = {"custom_id": id_, "method": "POST", "url": _URL, "body": body}
        self.lines[id_] = json.dumps(line, ensure_ascii=False).encode() + b"\n"
        raise QuestionInBatch(self._where, id_)


class AnswerLine(NamedTuple):
    """A line of an answer file. body: the model's reply, as JSON. failure: why there is none."""

    id: str
    body: Any
    failure: str = ""

    def to_answer(self, schema: JsonSchema, endpoint: Endpoint) -> Answer:
        """Return the answer of a line that is no failure. Raises NoAnswer."""
        return make_answer(read_completion(self.body), schema, endpoint)


def read_line(line: bytes) -> AnswerLine | None:
    """Return the answer in a line of an answer file; None if the line is not one."""
    data = parse_json(line)
    if not (isinstance(data, dict) and isinstance(data.get("custom_id"), str)):
        return None
    response, error = data.get("response"), data.get("error")
    if isinstance(error, dict):
        error = error.get("code") or error.get("message")
    body, status = None, ""
    if isinstance(response, dict):
        body, status = response.get("body"), f"error {response.get('status_code', 200)}"
    failure = ""
    if status != "error 200" or read_completion(body).problem:
        failure = " ".join(str(error or status or "no response").split())[:200]
    return AnswerLine(data["custom_id"], body, failure)
