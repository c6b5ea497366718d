"""JSON over HTTP with a running daemon, on this machine only."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from companion import __version__
from companion.app.operation import Operation
from companion.app.problem import Problem
from companion.errors import CompanionError

M = TypeVar("M", bound=BaseModel)

MAX_BODY = 1024 * 1024  # bytes of a request

LONGEST_WAIT = 25  # seconds that an answer may be delayed until there is something to tell

_HOST = "127.0.0.1"
_TIMEOUT = 30.0  # seconds, besides the time that an answer may be delayed
SHORT_TIMEOUT = 8.0  # seconds for requests that take some milliseconds


class DaemonGone(CompanionError):
    """The daemon does not answer."""


class DaemonRefused(CompanionError):
    """The daemon refuses a request itself; the message is the daemon's. status: HTTP's."""

    def __init__(self, detail: str, status: int) -> None:
        super().__init__(detail)
        self.status = status


class Connection:
    """Sends requests to the daemon on a port, and reads its answers.

    Every method may raise DaemonGone, DaemonRefused, and errors that the daemon answers with.
    """

    def __init__(self, port: int, token: str) -> None:
        self._port = port
        self._headers = {
            "Host": f"{_HOST}:{port}",
            "Authorization": f"Bearer {token}",
            "Companion-Version": __version__,
        }

    def get(self, path: str, model: type[M], timeout: float = _TIMEOUT + LONGEST_WAIT) -> M:
        """Return what the daemon has at the path, below `/api/v1`. timeout: seconds."""
        return self._ask("GET", path, model, None, timeout)

    def post(
        self, path: str, model: type[M], body: object, timeout: float = _TIMEOUT + LONGEST_WAIT
    ) -> M:
        """Post the body as JSON to the daemon's path; return its answer."""
        data = body.model_dump_json() if isinstance(body, BaseModel) else json.dumps(body)
        if len(data.encode()) > MAX_BODY:
            # The daemon would close the connection in the middle, and its answer could get lost.
            raise DaemonRefused(f"a request to the daemon has at most {MAX_BODY:,} bytes", 413)
        return self._ask("POST", path, model, data.encode(), timeout)

    def ask(self, operation: Operation, arguments: Sequence[object]) -> BaseModel:
        """Return the daemon's answer to an operation of a vault."""
        path, answer = operation.address(arguments), operation.answer
        if operation.verb == "GET":
            timeout = SHORT_TIMEOUT if operation.is_quick else _TIMEOUT + LONGEST_WAIT
            return self.get(path, answer, timeout)
        models = [each for each in arguments if isinstance(each, BaseModel)]
        return self.post(path, answer, models[0] if models else {})

    def events(self, name: str, model: type[M]) -> Iterator[M]:
        """Yield the data of the events of that name, as they come, until the daemon is gone."""
        last: dict[str, str] = {}
        while True:
            connection = HTTPConnection(_HOST, self._port, timeout=_TIMEOUT)
            try:
                connection.request("GET", "/api/v1/events", headers=self._headers | last)
                response = connection.getresponse()
                if response.status != HTTPStatus.OK:
                    self._read(response.status, response.read(), model)
                event = {}
                for line in response:
                    field, _, value = line.decode().rstrip("\n").partition(": ")
                    event[field] = value
                    if line == b"\n" and "id" in event:
                        last = {"Last-Event-ID": event["id"]}
                        if event["event"] == name:
                            yield model.model_validate_json(event["data"])
                        event = {}
            except (OSError, HTTPException) as error:
                raise DaemonGone(
                    f"the daemon has ended ({error or type(error).__name__})"
                ) from None
            finally:
                connection.close()

    def _ask(self, method: str, path: str, model: type[M], data: bytes | None, timeout: float) -> M:
        headers = self._headers | ({} if data is None else {"Content-Type": "application/json"})
        # A connection per request: they are rare, and an idle connection may be closed any time.
        connection = HTTPConnection(_HOST, self._port, timeout=timeout)
        try:
            connection.request(method, f"/api/v1{path}", data, headers)
            response = connection.getresponse()
            status, answer = response.status, response.read()
        except TimeoutError:
            raise DaemonGone(
                f"the daemon on port {self._port} runs, but gave no answer within {timeout:g} s: "
                "it hangs, or the machine is overloaded; if that continues, end its process, "
                "and start it again with `companion serve`"
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
                f"what answers on port {self._port} is not a daemon of this version of Companion; "
                "restart `companion serve`"
            ) from None
        if error := problem.to_error():
            raise error
        if status == HTTPStatus.UNAUTHORIZED:
            problem.detail += (
                " If companion plugin token rotate made a new one in the meantime, try again."
            )
        places = "; ".join(f"{place.where}: {place.what}" for place in problem.errors)
        raise DaemonRefused(f"{problem.detail} ({places})" if places else problem.detail, status)
