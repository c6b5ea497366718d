"""A provider's Batch API, OpenAI's or a compatible one, and the lines of its files.

https://platform.openai.com/docs/api-reference/batch. vLLM's `run-batch` and other engines read and
write the same files.
"""

from __future__ import annotations

import json
import logging
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count, islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from companion.errors import AnswerError, EndpointError
from companion.llm.attempts import RETRIES, EndpointSource, retry_delay
from companion.llm.budget import Budget
from companion.llm.client import Check, Client, make_answer
from companion.llm.endpoint import Endpoint
from companion.llm.endpoint_errors import (
    CallFailed,
    EndpointDown,
    ErrorReply,
    ModelMissing,
    NotAnEndpoint,
    RateLimited,
    error_for_reply,
    unusable_answer_error,
)
from companion.llm.request import REJECTED, Question
from companion.llm.response import (
    Answer,
    JsonSchema,
    Reply,
    read_completion,
    remove_surrogates,
)

if TYPE_CHECKING:
    from openai import OpenAI

    from companion.llm.transport import Transport

_URL: Final = "/v1/chat/completions"
_MAX_FILE = 512 * 1024 * 1024  # bytes
_TIMEOUT = 600.0  # seconds for a file
_PAGE = 100  # batches in a part of a list
_MOST_LISTED = 10_000  # that are looked through: some servers begin their list again and again
_EXPORT = "companion batch export writes a file that other engines answer"
_KEY = "companion"  # of the metadata by which a batch is found again
_log = logging.getLogger(__name__)
_ENDED = ("completed", "failed", "expired", "cancelled")


class GoneAtProvider(EndpointError):
    """The provider has no such batch, or no longer."""


class ProviderBatch(NamedTuple):
    """A batch as the provider has it. files: the ids of its files of answers and of errors.

    failure: what is wrong with the whole batch; empty if nothing is. done, total: its questions;
    answered: those of the done ones that a model answered.
    """

    id: str
    status: str
    files: tuple[str, ...] = ()
    failure: str = ""
    done: int = 0
    total: int = 0
    answered: int = 0

    @property
    def has_ended(self) -> bool:
        """Whether it no longer changes."""
        return self.status in _ENDED


class BatchApi:
    """The batches at one endpoint; close() it at the end.

    The openai package makes the calls, with its own retries: calls that time out, break or are
    refused for now, and as Retry-After says. All methods raise
    EndpointError or AnswerError when that fails, too.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint.model_copy(update={"timeout": max(endpoint.timeout, _TIMEOUT)})
        self._opened: Transport | None = None

    def upload(self, name: str, data: bytes) -> str:
        """Return the id of a new file of questions."""
        form = (name, data, "application/jsonl")
        with self._calls() as api:
            return api.files.create(file=form, purpose="batch").id

    def create(self, file: str, key: str) -> ProviderBatch:
        """Return a new batch of the file's questions. key: by which find() finds it.

        If a connection breaks, it first checks whether the batch exists.
        """
        for attempt in count():
            if attempt and (batch := self.find(key)):
                return batch
            try:
                with self._calls(retries=0) as api:
                    made = api.batches.create(
                        completion_window="24h",
                        endpoint=_URL,
                        input_file_id=file,
                        metadata={_KEY: key},
                    )
                    return _read_batch(made.to_dict())
            except (EndpointDown, RateLimited):
                if attempt >= RETRIES:
                    raise
            time.sleep(retry_delay(attempt))
        raise AssertionError("unreachable")

    def find(self, key: str) -> ProviderBatch | None:
        """Return the batch that was created with the key; None if there is none."""
        with self._calls() as api:
            for each in islice(api.batches.list(limit=_PAGE), _MOST_LISTED):
                if (each.metadata or {}).get(_KEY) == key:
                    return _read_batch(each.to_dict())
        return None

    def get(self, id_: str) -> ProviderBatch:
        """Return the batch as it is now."""
        with self._calls() as api:
            return _read_batch(api.batches.retrieve(id_).to_dict())

    def cancel(self, id_: str) -> None:
        """Ask the provider to stop the batch; answers already given stay, and are billed."""
        with self._calls() as api:
            api.batches.cancel(id_)

    def read_file(self, file: str) -> bytes | None:
        """Return the content of a file; None if it is not there, as they expire."""
        with self._calls(may_be_gone=True) as api:
            return api.files.content(file).content
        return None

    def find_files(self, name: str) -> list[str]:
        """Return the ids of the files that were uploaded under this name."""
        with self._calls() as api:
            files = islice(api.files.list(purpose="batch", limit=_PAGE), _MOST_LISTED)
            return [each.id for each in files if each.filename == name]

    def delete_file(self, file: str) -> None:
        """Delete a file; it is not an error if it is gone."""
        with self._calls(may_be_gone=True) as api:
            api.files.delete(file)

    def close(self) -> None:
        """Close the connections."""
        if self._opened:
            self._opened.close()

    def __enter__(self) -> BatchApi:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _calls(self, retries: int = RETRIES, *, may_be_gone: bool = False) -> Iterator[OpenAI]:
        """Lend the package's client; its errors are raised as ours. may_be_gone: ignore a 404."""
        from companion.llm.transport import Transport

        self._opened = self._opened or Transport(self.endpoint, _MAX_FILE)
        no_batches = f"The endpoint {self.endpoint.address} {{}}; {_EXPORT}"
        try:
            with self._opened.client(retries) as api:
                yield api
        except CallFailed as failure:
            raise failure.to_error(self.endpoint) from None
        except ErrorReply as error:
            status = error.reply.status
            if may_be_gone and status == 404:
                return
            if status in (404, 405) and error.path.endswith(("/files", "/batches")):
                said = f"has no Batch API (error {status})"
                raise NotAnEndpoint(no_batches.format(said)) from None
            if status == 404:
                raise GoneAtProvider(f"{self.endpoint.address} has no such batch") from None
            raise error_for_reply(error.reply, self.endpoint) from None
        except (AttributeError, TypeError, ValueError):  # the package reads whatever comes as asked
            said = "does not answer as the Batch API does"
            raise NotAnEndpoint(no_batches.format(said)) from None


def _read_batch(answer: dict[str, Any]) -> ProviderBatch:
    data = remove_surrogates(answer)
    counts = data.get("request_counts") or {}
    errors = (data.get("errors") or {}).get("data") or [{}]
    refusal = data.get("status") == "failed" and errors[0].get("message")
    files = (data.get("output_file_id"), data.get("error_file_id"))
    return ProviderBatch(
        str(data.get("id", "")),
        str(data.get("status", "")),
        tuple(each for each in files if isinstance(each, str) and each),
        f"the provider refused it: {refusal}" if refusal else "",
        int(counts.get("completed") or 0) + int(counts.get("failed") or 0),
        int(counts.get("total") or 0),
        int(counts.get("completed") or 0),
    )


class QuestionLine(NamedTuple):
    """A line of a file that asks a question. id: reveals nothing about the note. max_tokens: of the
    answer, which is JSON if is_json.
    """

    id: str
    data: bytes
    max_tokens: int
    is_json: bool


class QuestionInBatch(AnswerError):
    """The question is a line of a batch, and has no answer yet. id: of the line."""

    def __init__(self, where: str, id_: str) -> None:
        super().__init__(where)
        self.id = id_


class BatchClient(Client):
    """A client that makes lines of a file instead of calls. Every question raises QuestionInBatch.

    spending: counts its calls while it still makes some; None: it makes none. where: how messages
    name the file. lines: those made so far, for the caller to take.
    """

    def __init__(self, endpoint: EndpointSource, spending: Budget | None = None) -> None:
        super().__init__(endpoint, budget=spending)
        self.makes_calls = spending is not None
        self.where = ""
        self.lines: list[QuestionLine] = []

    def _ask(self, question: Question, check: Check | None) -> Answer:
        if self.makes_calls:
            try:
                return super()._ask(question, check)
            except (ModelMissing, NotAnEndpoint) as error:
                _log.warning("What the model takes is not known before the batch: %s", error)
                self.makes_calls = False
        if check:
            check()
        limit = self.capabilities.output_limit(question, self.settings)
        body = self.capabilities.body_for(question._replace(max_tokens=limit), self.settings)
        del body["stream"]  # of single calls
        id_, is_json = secrets.token_hex(12), question.schema is not None
        line = {"custom_id": id_, "method": "POST", "url": _URL, "body": body}
        data = json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        self.lines.append(QuestionLine(id_, data, question.max_tokens, is_json))
        raise QuestionInBatch(self.where, id_)


class AnswerLine(NamedTuple):
    """A line of an answer file. reply: None if the line was not processed, and error says why.

    error: empty, or such as `batch_expired`.
    """

    id: str
    reply: Reply | None
    error: str = ""

    @property
    def failure(self) -> str:
        """Why there is no answer, if the same question may have one when it is asked again."""
        if self.reply is None:
            return self.error
        if self.reply.status == 200:
            return read_completion(self.reply).problem and "the line holds no answer"
        is_final = self.reply.status in (413, *REJECTED)
        return "" if is_final else self.error or f"error {self.reply.status}"

    def to_answer(self, schema: JsonSchema | None, endpoint: Endpoint, limit: int) -> Answer:
        """Return the answer. limit: the most tokens it could have.

        Raises AnswerError, EndpointError.
        """
        if self.reply is None:
            raise unusable_answer_error(endpoint, f"is missing from the batch ({self.error})")
        if self.reply.status != 200:
            raise error_for_reply(self.reply, endpoint)
        return make_answer(read_completion(self.reply), schema, endpoint, limit)


def read_line(line: bytes) -> AnswerLine | None:
    """Return the answer in a line of an answer file; None if the line is not one."""
    try:
        data = remove_surrogates(json.loads(line))
    except (ValueError, RecursionError):
        return None
    id_ = data.get("custom_id") if isinstance(data, dict) else None
    if not isinstance(id_, str):
        return None
    response, error = data.get("response"), data.get("error") or ""
    if isinstance(error, dict):
        error = error.get("code") or error.get("message") or "an error"
    error = " ".join(str(error).split())[:200]
    if not isinstance(response, dict):
        is_answer = "response" in data or error
        return AnswerLine(id_, None, error or "no response") if is_answer else None
    status = response.get("status_code", 200)
    if error and not response.get("body"):
        return AnswerLine(id_, None, error)
    body = json.dumps(response.get("body")).encode()
    return AnswerLine(id_, Reply(status if isinstance(status, int) else 500, {}, body), error)


def read_id(line: bytes) -> str:
    """Return the id of a line that asks a question; empty if the line is damaged."""
    with suppress(ValueError, TypeError, LookupError, RecursionError):
        return str(json.loads(line)["custom_id"])
    return ""
