"""A client that asks each question once: answers are kept in a folder, by what was asked."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

from companion.errors import AnswerError
from companion.llm.attempts import EndpointSource
from companion.llm.client import Check, Client
from companion.llm.endpoint import Endpoint
from companion.llm.request import TEMPERATURE, Question
from companion.llm.response import Answer, NoAnswer, NoCompletion, Usage


class CachedClient(Client):
    """A client whose answers are kept; also that there is none that can be used.

    asked: how many questions were put so far. took, seconds: what the answers took in all, when
    the model gave them. Not for several threads at once.
    """

    def __init__(self, source: Endpoint | EndpointSource, folder: Path) -> None:
        super().__init__(source)
        self._folder = folder
        self.asked = 0
        self.took = Usage()
        self.seconds = 0.0

    def ask(self, question: Question, check: Check | None = None) -> Answer:
        """Return the model's answer; see Client."""
        ask = super().ask
        return self._recall(self._file(question), lambda: ask(question, check))

    def _file(self, question: Question) -> Path:
        asked = [
            [dict(message) for message in question.messages],
            question.schema,
            question.max_tokens,
            self.settings.model,
            TEMPERATURE,
            *([] if question.longest_copy is None else [question.longest_copy]),
        ]
        digest = sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
        return self._folder / digest[:2] / f"{digest}.json"

    def _recall(self, file: Path, ask: Callable[[], Answer]) -> Answer:
        self.asked += 1
        if file.exists():
            kept = json.loads(file.read_text(encoding="utf-8"))
        else:
            kept = self._take(ask)
            _keep(file, kept)
        usage = Usage(*kept["usage"])  # three numbers in old files: no cached_tokens
        self.took += usage
        self.seconds += kept["seconds"]
        if kept["error"]:
            raise NoAnswer(AnswerError(kept["error"]), usage)
        return Answer(kept["text"], kept["data"], usage)

    def _take(self, ask: Callable[[], Answer]) -> dict[str, Any]:
        """Return what is to be kept. What concerns the endpoint, not this answer, is raised."""
        began, before = time.perf_counter(), self.usage
        answer, error = Answer("", {}, Usage()), ""
        try:
            answer = ask()
        except NoCompletion:
            raise
        except AnswerError as failed:
            error = str(failed)
        after = self.usage
        return {
            "text": answer.text,
            "data": answer.data,
            "usage": [
                after.input_tokens - before.input_tokens,
                after.output_tokens - before.output_tokens,
                after.calls - before.calls,
                after.cached_tokens - before.cached_tokens,
            ],
            "error": error,
            "seconds": time.perf_counter() - began,
        }


def _keep(file: Path, kept: dict[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps(kept, ensure_ascii=False), encoding="utf-8")
    partial.replace(file)
