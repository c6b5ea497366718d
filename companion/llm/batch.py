"""The lines of batch files: questions and answers in the JSONL format of OpenAI's Batch API.

https://platform.openai.com/docs/api-reference/batch/request-input; vLLM's `run-batch` and other
engines read and write the same.
"""

from __future__ import annotations

import json
import secrets
from typing import Any, NamedTuple

from companion.llm.client import read_answer
from companion.llm.endpoint import Endpoint
from companion.llm.endpoint_errors import error_for_reply, unusable_answer_error
from companion.llm.request import REJECTED, Capabilities, Question
from companion.llm.response import Answer, JsonSchema, Reply, read_completion

URL = "/v1/chat/completions"


def make_line(id_: str, question: Question, endpoint: Endpoint) -> bytes:
    """Return the line of a file that asks the question, with its end.

    It asks for JSON by the schema, or as the endpoint's settings say.
    """
    capabilities = Capabilities(endpoint.json)
    if question.schema:
        mode = (*capabilities.modes, "schema")[0]
        question = question._replace(mode=mode, schema_in_prompt=mode == "object")
    limit = capabilities.output_limit(question, endpoint)
    body = capabilities.body_for(question._replace(max_tokens=limit), endpoint)
    line = {"custom_id": id_, "method": "POST", "url": URL, "body": body}
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def new_id() -> str:
    """Return an id for a line, which tells nothing of its note."""
    return secrets.token_hex(12)


class AnswerLine(NamedTuple):
    """A line of an answer file. reply: None where the line was not worked on, and error says why.

    error: empty, or such as `batch_expired`.
    """

    id: str
    reply: Reply | None
    error: str = ""

    @property
    def is_asked_again(self) -> bool:
        """Whether the same question may well be answered another time."""
        return self.reply is None or self.reply.status not in (200, 413, *REJECTED)

    def read_answer(self, schema: JsonSchema | None, endpoint: Endpoint, limit: int) -> Answer:
        """Return the answer. limit: the tokens that it could have had.

        Raises AnswerError, EndpointError.
        """
        if self.reply is None:
            raise unusable_answer_error(endpoint, f"is missing from the batch ({self.error})")
        if self.reply.status != 200:
            raise error_for_reply(self.reply, endpoint)
        return read_answer(read_completion(self.reply), schema, endpoint, limit)


def read_line(line: bytes) -> AnswerLine | None:
    """Return what a line of an answer file says; None where it is no such line."""
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        return None
    id_ = data.get("custom_id") if isinstance(data, dict) else None
    if not isinstance(id_, str):
        return None
    response, error = data.get("response"), _describe(data.get("error"))
    if not isinstance(response, dict):
        return (
            AnswerLine(id_, None, error or "no response") if "response" in data or error else None
        )
    status = response.get("status_code", 200)
    if error and not response.get("body"):
        return AnswerLine(id_, None, error)
    body = json.dumps(response.get("body")).encode()
    return AnswerLine(id_, Reply(status if isinstance(status, int) else 500, {}, body), error)


def read_id(line: bytes) -> str:
    """Return the id of a line that asks a question."""
    return str(json.loads(line)["custom_id"])


def _describe(error: Any) -> str:
    """Return the code or message of a line's error, in one line; empty: none."""
    if not error:
        return ""
    if isinstance(error, dict):
        error = error.get("code") or error.get("message") or "an error"
    return " ".join(str(error).split())[:200]
