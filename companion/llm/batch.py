"""The lines of batch files: questions for an engine that answers them later, and its answers.

The format is that of OpenAI's Batch API (https://platform.openai.com/docs/api-reference/batch),
which vLLM's `run-batch` and other engines read and write, too.
"""

from __future__ import annotations

import json
import secrets
from typing import NamedTuple

from companion.errors import AnswerError
from companion.llm.client import Check, Client, make_answer
from companion.llm.endpoint import Endpoint
from companion.llm.endpoint_errors import error_for_reply
from companion.llm.request import Question
from companion.llm.response import (
    Answer,
    JsonSchema,
    Reply,
    read_completion,
    remove_surrogates,
)

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

    def _ask(self, question: Question, check: Check | None) -> Answer:
        if check:
            check()
        body = self.capabilities.body_for(question, self.settings)
        del body["stream"]  # of single calls
        id_ = secrets.token_hex(12)
        line = {"custom_id": id_, "method": "POST", "url": _URL, "body": body}
        self.lines[id_] = json.dumps(line, ensure_ascii=False).encode() + b"\n"
        raise QuestionInBatch(self._where, id_)


class AnswerLine(NamedTuple):
    """A line of an answer file. reply: None if the question was not answered; error says why."""

    id: str
    reply: Reply | None
    error: str = ""

    @property
    def failure(self) -> str:
        """Why the line holds no answer of a model; empty if it does."""
        if self.reply is None or self.reply.status != 200:
            return self.error or f"error {self.reply.status if self.reply else 'unknown'}"
        return read_completion(self.reply).problem and "the line holds no answer"

    def to_answer(self, schema: JsonSchema | None, endpoint: Endpoint) -> Answer:
        """Return the answer of a line that is no failure. Raises AnswerError, EndpointError."""
        assert self.reply
        if self.reply.status != 200:
            raise error_for_reply(self.reply, endpoint)
        return make_answer(read_completion(self.reply), schema, endpoint, 0)


def read_line(line: bytes) -> AnswerLine | None:
    """Return the answer in a line of an answer file; None if the line is not one."""
    try:
        data = remove_surrogates(json.loads(line))
    except (ValueError, RecursionError):
        return None
    if not (isinstance(data, dict) and isinstance(data.get("custom_id"), str)):
        return None
    response, error = data.get("response"), data.get("error") or ""
    if isinstance(error, dict):
        error = error.get("code") or error.get("message") or "an error"
    error = " ".join(str(error).split())[:200]
    if not isinstance(response, dict):
        return AnswerLine(data["custom_id"], None, error or "no response")
    status, body = response.get("status_code", 200), json.dumps(response.get("body"))
    reply = Reply(status if isinstance(status, int) else 500, {}, body.encode())
    return AnswerLine(data["custom_id"], reply, error)
