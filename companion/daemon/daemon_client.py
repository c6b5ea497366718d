"""A running daemon, as the command line asks it: over HTTP, on this machine only."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

from companion import __version__
from companion.daemon.api.change_schemas import Undo, UndoMade
from companion.daemon.api.run_schemas import (
    LONGEST_WAIT,
    FilledShape,
    ResultShape,
    RunProgress,
    RunShape,
    request_object,
)
from companion.daemon.api.schemas import StatusShape
from companion.daemon.client_runs import RunRequest
from companion.daemon.guard import MAX_BODY
from companion.daemon.problem import Problem, problem_type
from companion.enrich.plan import Filling
from companion.enrich.result import Result
from companion.errors import CompanionError
from companion.llm.response import Usage
from companion.note.needs import CALLOUT, Need

M = TypeVar("M", bound=BaseModel)

_HOST = "127.0.0.1"
_TIMEOUT = 30.0  # seconds; beside the time that an answer is asked to be held back
_SOON = 8.0  # seconds for what takes a daemon that is well some milliseconds
_HELD = 2  # seconds that an answer about a run is held back, for what it waits for to be told soon
_PAUSE = 0.2  # seconds between two questions when the daemon holds no answer back
_LOOKS = 2  # questions without an answer until a broken-off run has told what it was writing


class DaemonGone(CompanionError):
    """The daemon does not answer."""


class DaemonRefused(CompanionError):
    """The daemon does not do what it was asked. status: HTTP's; the text is the daemon's own.

    kind: the problem's type, where it is one of ours.
    """

    def __init__(self, detail: str, status: int, kind: str = "") -> None:
        super().__init__(detail)
        self.status = status
        self._kind = kind

    def is_about(self, *errors: type[CompanionError]) -> bool:
        """Whether it is one of these errors that kept the daemon from it."""
        return self._kind in map(problem_type, errors)


class ReportedResult(NamedTuple):
    """One note's result, as in a run of our own but for its texts. diff: None if unchanged.

    counted: as one of the run's total; others were asked for, and left alone from the start.
    """

    result: Result
    diff: str | None
    counted: bool


class DaemonClient:
    """Asks the daemon on a port. Every method raises DaemonGone and DaemonRefused."""

    def __init__(self, port: int, token: str) -> None:
        self._port = port
        self._headers = {
            "Host": f"{_HOST}:{port}",
            "Authorization": f"Bearer {token}",
            "Companion-Version": __version__,
        }

    def status(self, within: float = _SOON) -> StatusShape:
        """Return how the daemon stands. within: seconds; one that hangs is found out by it."""
        return self._ask("GET", "/status", StatusShape, timeout=within)

    def start_run(self, request: RunRequest) -> RunShape:
        """Return the new run."""
        return self._ask("POST", "/runs", RunShape, request_object(request))

    def run(self, run: str) -> RunShape:
        """Return how far the run of that id is."""
        return self._ask("GET", f"/runs/{run}", RunShape)

    def follow(
        self, run: str, *, diff: bool = False, tell: Callable[[str], object] = bool
    ) -> Iterator[ReportedResult]:
        """Yield the run's results as they come, until it is over; run() says how it ended.

        tell: called with the reason, each time that another one keeps it from going on.
        """
        number, looks, told = 0, _LOOKS, ""
        while True:
            asked_at = time.monotonic()
            query = f"since={number}&wait={_HELD}&diff={str(diff).lower()}"
            progress = self._ask("GET", f"/runs/{run}?{query}", RunProgress)
            if progress.waits not in ("", told):
                tell(told := progress.waits)
            yield from map(_followed, progress.results)
            if not progress.results:
                looks -= progress.state in ("cancelled", "failed")
                if progress.state == "done" or not looks:
                    return
                time.sleep(max(0.0, _PAUSE - (time.monotonic() - asked_at)))
            number = progress.next

    def cancel(self, run: str) -> RunShape:
        """Cancel the run."""
        return self._ask("POST", f"/runs/{run}/cancel", RunShape, {})

    def undo(self, change: int, run: str | None = None) -> UndoMade:
        """Take the change back."""
        return self._ask("POST", f"/changes/{change}/undo", UndoMade, Undo(run=run).model_dump())

    def pause(self) -> StatusShape:
        """Stop background work."""
        return self._ask("POST", "/pause", StatusShape, {}, _SOON)

    def resume(self) -> StatusShape:
        """Let background work go on."""
        return self._ask("POST", "/resume", StatusShape, {}, _SOON)

    def answer_backlog(self, *, fill: bool, notes: int) -> StatusShape:
        """Say whether the notes that lay there before, so many, are filled."""
        return self._ask("POST", "/backlog", StatusShape, {"fill": fill, "notes": notes})

    def _ask(
        self,
        method: str,
        path: str,
        model: type[M],
        body: object = None,
        timeout: float = _TIMEOUT + LONGEST_WAIT,
    ) -> M:
        data = None if body is None else json.dumps(body).encode()
        if data is not None and len(data) > MAX_BODY:
            # The daemon would hang up in the middle of it, so that its answer could get lost.
            raise DaemonRefused(f"a request to the daemon has at most {MAX_BODY:,} bytes", 413)
        headers = self._headers | ({} if data is None else {"Content-Type": "application/json"})
        # A connection a question: they are rare, and an idle one may be closed any moment.
        connection = HTTPConnection(_HOST, self._port, timeout=timeout)
        try:
            connection.request(method, f"/api/v1{path}", data, headers)
            response = connection.getresponse()
            status, answer = response.status, response.read()
        except TimeoutError:
            raise DaemonGone(
                f"the daemon on port {self._port} runs, but gave no answer within {timeout:g} s: "
                "it hangs, or the machine is overloaded; if it stays so, end its process, and "
                "start it again with `companion serve`"
            ) from None
        except (OSError, HTTPException) as error:
            raise DaemonGone(
                f"the daemon on port {self._port} does not answer ({error or type(error).__name__})"
                "; see its log, or start it with `companion serve`"
            ) from None
        finally:
            connection.close()
        return self._read(status, answer, model)

    def _read(self, status: int, answer: bytes, model: type[M]) -> M:
        try:
            if 200 <= status < 300:
                return model.model_validate_json(answer)
            problem = Problem.model_validate_json(answer)
        except ValidationError:
            raise DaemonGone(
                f"what answers on port {self._port} is no daemon of this version of Companion; "
                "restart `companion serve`"
            ) from None
        if status == HTTPStatus.UNAUTHORIZED:
            problem.detail += " If companion token rotate made a new one meanwhile, go again."
        raise DaemonRefused(_in_words(problem), status, problem.type)


def _in_words(problem: Problem) -> str:
    places = "; ".join(f"{place.where}: {place.what}" for place in problem.errors)
    return f"{problem.detail} ({places})" if places else problem.detail


def _followed(shape: ResultShape) -> ReportedResult:
    result = Result(
        path=shape.path,
        status=shape.status,
        reason=shape.reason or "",
        filled=tuple(map(_filling, shape.changes)),
        left=tuple(shape.left),
        usage=Usage(**shape.usage.model_dump()),
        change=shape.change,
        ends_run=shape.ends_run,
        fallback=tuple(shape.fallback),
    )
    return ReportedResult(result, shape.diff, shape.counted)


def _filling(filled: FilledShape) -> Filling:
    where = "property" if filled.kind != CALLOUT else "section" if filled.heading else "top"
    need = Need(filled.kind, filled.heading, None, where, filled.reason)
    return Filling(need, filled.text, filled.remark)
