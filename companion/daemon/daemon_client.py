"""The command line's client of a running daemon: over HTTP, on this machine only."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

from companion import __version__
from companion.daemon.api.change_schemas import Undo, UndoMade
from companion.daemon.api.proposal_schemas import DecisionsMade, Forgotten, ProposalMade
from companion.daemon.api.run_request_schemas import LONGEST_WAIT, request_object
from companion.daemon.api.run_schemas import RunProgress, RunShape
from companion.daemon.api.status_schemas import StatusShape
from companion.daemon.client_runs import RunRequest
from companion.daemon.guard import MAX_BODY
from companion.daemon.problem import Problem, error_class
from companion.enrich.run import NoteDecision, Result
from companion.errors import CompanionError, ConsentMissing, NoteError, NotThere, UsageError
from companion.vault.proposal import Acceptance, GivenValue

if TYPE_CHECKING:  # few commands need them, and pydantic takes a while to make them
    from companion.config import Config
    from companion.daemon.api.program_schemas import AgentAcceptance, AgentProposal, AgentUndo

M = TypeVar("M", bound=BaseModel)

_HOST = "127.0.0.1"
_TIMEOUT = 30.0  # seconds, besides the time that an answer may be delayed
_SHORT_TIMEOUT = 8.0  # seconds for requests that take some milliseconds
_WAIT = 2  # seconds that an answer about a run may be delayed; then its reason to wait is shown
_PAUSE = 0.2  # seconds between two requests if the daemon delays no answer
_LAST_REQUESTS = 2  # without a result, until a cancelled run has reported what it was writing


class DaemonGone(CompanionError):
    """The daemon does not answer."""


class DaemonRefused(CompanionError):
    """The daemon refuses a request; the message is its own. status: HTTP's; kind: its type."""

    def __init__(self, detail: str, status: int, kind: str = "") -> None:
        super().__init__(detail)
        self.status = status
        self._kind = kind

    def to_error(self) -> CompanionError:
        """Return the error that this would be without a daemon, or itself."""
        error = NotThere if self.status == HTTPStatus.NOT_FOUND else error_class(self._kind)
        if error and issubclass(error, NotThere | UsageError | NoteError | ConsentMissing):
            return error(str(self))
        return self


class ReportedResult(NamedTuple):
    """The result for a note, without the note's texts. diff: None if it is unchanged.

    counted: whether it is one of the run's total; other notes were named, and skipped at the start.
    """

    result: Result
    diff: str | None
    counted: bool


class DaemonClient:
    """A client of the daemon on a port. Every method may raise DaemonGone and DaemonRefused."""

    def __init__(self, port: int, token: str) -> None:
        self._port = port
        self._headers = {
            "Host": f"{_HOST}:{port}",
            "Authorization": f"Bearer {token}",
            "Companion-Version": __version__,
        }

    def status(self, within: float = _SHORT_TIMEOUT) -> StatusShape:
        """Return the daemon's state. within: seconds, after which it counts as gone."""
        return self._ask("GET", "/status", StatusShape, timeout=within)

    def start_run(self, request: RunRequest) -> RunShape:
        """Start a run and return it."""
        return self._ask("POST", "/runs", RunShape, request_object(request))

    def run(self, run: str) -> RunShape:
        """Return the run of that id, with its progress."""
        return self._ask("GET", f"/runs/{run}", RunShape)

    def follow(
        self, run: str, *, diff: bool = False, tell: Callable[[str], object] = bool
    ) -> Iterator[ReportedResult]:
        """Yield the run's results as they come, until it is over; run() returns how it ended.

        diff: with the diffs. tell: called with the reason whenever the run waits for a new one.
        """
        number, requests_left, last_reason = 0, _LAST_REQUESTS, ""
        while True:
            requested_at = time.monotonic()
            query = f"since={number}&wait={_WAIT}&diff={str(diff).lower()}"
            progress = self._ask("GET", f"/runs/{run}?{query}", RunProgress)
            if progress.waits not in ("", last_reason):
                tell(last_reason := progress.waits)
            for result in progress.results:
                yield ReportedResult(result.to_result(), result.diff, result.counted)
            if not progress.results:
                requests_left -= progress.state in ("cancelled", "failed")
                if progress.state == "done" or not requests_left:
                    return
                time.sleep(max(0.0, _PAUSE - (time.monotonic() - requested_at)))
            number = progress.next

    def finish_run(
        self, request: RunRequest, progress: Callable[[int, int], None] | None = None
    ) -> list[Result]:
        """Have a run done, and return its results. progress: called with how many of how many.

        Raises what ended it early; what was answered by then is kept.
        """
        run, results, done = self.start_run(request), list[Result](), 0
        try:
            for each in self.follow(run.id):
                results.append(each.result)
                done += each.counted
                if progress:
                    progress(done, run.total)
        except BaseException:
            with suppress(CompanionError):
                self.cancel(run.id)
            raise
        if fault := ended_early(self.run(run.id)):
            raise fault
        return results

    def require_model_of(self, config: Config) -> None:
        """Raise UsageError if the daemon asks another model than these settings name."""
        status = self.status()
        address = "" if config.is_embedded else config.remote_endpoint().address
        if (status.endpoint, status.model) == (address, config.endpoint.model):
            return
        from companion.enrich.model import describe_endpoint

        theirs = f"at {status.endpoint}" if status.endpoint else "(the embedded model)"
        raise UsageError(
            f"this command would ask {describe_endpoint(config)}; but the daemon that runs for "
            f"this vault (pid {status.pid}) asks {status.model} {theirs}. Give both the same"
            " settings, or stop the daemon"
        )

    def cancel(self, run: str) -> RunShape:
        """Cancel the run."""
        return self._ask("POST", f"/runs/{run}/cancel", RunShape, {})

    def undo(self, change: int, run: str | None = None) -> UndoMade:
        """Undo the change. run: the run that the undo belongs to."""
        return self._ask("POST", f"/changes/{change}/undo", UndoMade, Undo(run=run).model_dump())

    def decide(
        self,
        *,
        accept: Iterable[Acceptance] = (),
        refuse: Iterable[int] = (),
        undo: Iterable[int] = (),
        run: str | None = None,
    ) -> list[NoteDecision]:
        """Decide on proposals; return what became of their notes. accept: name one state each."""
        wishes = [{"id": wish.id, "text": wish.text, "state": wish.states[0]} for wish in accept]
        body = {"accept": wishes, "refuse": [*refuse], "undo": [*undo], "run": run}
        made = self._ask("POST", "/proposals/decide", DecisionsMade, body)
        return [each.to_decision() for each in made.notes]

    def propose(self, path: str, given: GivenValue, script: str) -> ProposalMade:
        """Propose a value for a script."""
        body = {"script": script, "path": path, **given._asdict()}
        return self._ask("POST", "/scripts/propose", ProposalMade, body)

    def propose_as(self, proposal: AgentProposal) -> ProposalMade:
        """Propose a value for an agent."""
        return self._ask("POST", "/agents/propose", ProposalMade, proposal.model_dump())

    def accept_as(self, acceptance: AgentAcceptance) -> DecisionsMade:
        """Accept proposals for an agent."""
        return self._ask("POST", "/agents/accept", DecisionsMade, acceptance.model_dump())

    def undo_as(self, undo: AgentUndo) -> DecisionsMade:
        """Take back a change for an agent."""
        return self._ask("POST", "/agents/undo", DecisionsMade, undo.model_dump())

    def forget(self, paths: Sequence[str]) -> int:
        """Delete what is kept of the text of notes and folders; return for how many proposals."""
        return self._ask("POST", "/proposals/forget", Forgotten, {"paths": [*paths]}).proposals

    def pause(self) -> StatusShape:
        """Stop background work."""
        return self._ask("POST", "/pause", StatusShape, {}, _SHORT_TIMEOUT)

    def resume(self) -> StatusShape:
        """Resume background work."""
        return self._ask("POST", "/resume", StatusShape, {}, _SHORT_TIMEOUT)

    def release(self) -> StatusShape:
        """Have the daemon stand aside for this process, unless a run goes on."""
        return self._ask("POST", "/release", StatusShape, {}, _SHORT_TIMEOUT)

    def answer_backlog(self, *, fill: bool, notes: int) -> StatusShape:
        """Answer whether the backlog is filled. notes: how many notes the user was told it has."""
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
            # The daemon would close the connection in the middle, and its answer could get lost.
            raise DaemonRefused(f"a request to the daemon has at most {MAX_BODY:,} bytes", 413)
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
        places = "; ".join(f"{place.where}: {place.what}" for place in problem.errors)
        words = f"{problem.detail} ({places})" if places else problem.detail
        raise DaemonRefused(words, status, problem.type)


class RemoteDecisions:
    """Decides on proposals as Decisions does, by a daemon; those of one call at once.

    Every method may raise DaemonGone and DaemonRefused.
    """

    def __init__(self, daemon: DaemonClient) -> None:
        self._daemon = daemon

    def accept(
        self, wanted: Iterable[Acceptance], *, run: str | None = None
    ) -> Iterator[NoteDecision]:
        """Have the proposals written into their notes, as changes of this run."""
        yield from self._daemon.decide(accept=wanted, run=run)

    def refuse(self, ids: Iterable[int]) -> Iterator[NoteDecision]:
        """Have the proposals refused."""
        yield from self._daemon.decide(refuse=ids)

    def undo(self, ids: Iterable[int], run: str | None = None) -> Iterator[NoteDecision]:
        """Have decisions taken back, as changes of this run."""
        yield from self._daemon.decide(undo=ids, run=run)


def ended_early(run: RunShape) -> CompanionError | None:
    """Return what ended a run before all its notes were worked on; None if nothing did."""
    if run.fault:
        return CompanionError(run.fault)
    if run.state == "cancelled":
        return CompanionError(
            "somebody else cancelled the run, or stopped the daemon; what was written stays, "
            "and the same command does the rest"
        )
    return None
