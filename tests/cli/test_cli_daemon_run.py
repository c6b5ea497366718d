"""A run at the vault's daemon that does not come to its end: Ctrl-C, and what others do."""

from __future__ import annotations

import os
import re
import signal
import threading
from collections.abc import Callable, Iterator

import pytest

from companion.app.connection import M
from companion.daemon.api.run_schemas import RunProgress
from companion.daemon.client_runs import Run, RunRequest
from companion.daemon.daemon_client import DaemonClient
from companion.errors import ConsentMissing
from tests.cli.serving import PATIENCE, QUIET, Serving, serving, wait_until
from tests.cli.user import FILLED, SAYS, STUB, Process, User, answer_by_schema
from tests.daemon.fake_daemon import make_result
from tests.llm.fake_endpoint import error

pytestmark = pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
_SLOW = 60.0  # seconds that nobody waits for


@pytest.fixture
def served(user: User) -> Iterator[Serving]:
    """A daemon of a vault with four stubs, whose model answers but once."""
    user.configure(QUIET)
    for name in "ABCD":
        user.note(f"{name}.md")
    user.fake.script = lambda seen, n: answer_by_schema(seen, SAYS)._replace(delay=_SLOW * (n > 0))
    with serving(user) as daemon:
        yield daemon


def is_under_way(served: Serving) -> bool:
    """Whether one note is done, and the next one asked for."""
    return "filled" in served.log and served.user.calls() >= 2


def test_ctrl_c_ends_the_run_at_the_daemon(served: Serving) -> None:
    user, may_answer = served.user, threading.Event()
    user.fake.script = lambda seen, n: (
        may_answer.wait(PATIENCE * (n > 0)),
        answer_by_schema(seen, SAYS),
    )[1]
    process = user.start("enrich", ".")
    wait_until(lambda: is_under_way(served), "under way")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, err
    assert err.startswith("Stopping: the daemon finishes the calls under way, and keeps what is")
    assert "Stopped: 1 enriched, 3 not done." in out and "companion undo --run" in out
    assert served.client().status().runs == [] and "Traceback" not in err
    may_answer.set()
    wait_until(lambda: not served.client().status().in_hand, "the calls are answered")
    assert sorted(map(user.read, ("A.md", "B.md", "C.md", "D.md"))) == [STUB] * 3 + [FILLED]
    assert "3 enriched" in user.run("enrich", ".").out and user.calls() == 4


ENDERS = [
    pytest.param(lambda served: served.stop(), "does not answer|somebody else", id="SIGTERM"),
    pytest.param(lambda served: served.stop(signal.SIGKILL), "does not answer", id="SIGKILL"),
    pytest.param(
        lambda served: [served.client().cancel(run) for run in served.client().status().runs],
        "somebody else cancelled the run, or stopped the daemon",
        id="another client",
    ),
]


@pytest.mark.parametrize(("end", "words"), ENDERS)
def test_others_end_the_run(served: Serving, end: Callable[[Serving], object], words: str) -> None:
    process = served.user.start("enrich", ".")
    read_first(process)
    wait_until(lambda: is_under_way(served), "under way")
    end(served)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1 and err.count("\n") == 1 and re.search(words, err), err
    assert "1 enriched, 3 not done." in out and "companion undo --run" in out


def read_first(process: Process) -> None:
    """Return when the first note is told to be done."""
    assert process.stdout and process.stdout.readline().startswith("✓ ")


def test_a_large_run_at_a_remote_endpoint(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    user.configure(QUIET)
    for number in range(51):
        user.note(f"{number}.md")
    elsewhere = user.fake.url.replace("127.0.0.1", "0.0.0.0")  # no loopback address, and yet here
    user.environment["COMPANION_BASE_URL"] = elsewhere
    monkeypatch.setenv("COMPANION_BASE_URL", elsewhere)
    with serving(user) as served:
        with pytest.raises(ConsentMissing, match=r"^51 notes would be sent to m at "):
            served.client().start_run(RunRequest([""]))
        assert not user.calls()
        assert user.run("enrich", ".").status == 2 and user.calls() == 0
        assert user.run("enrich", ".", "--yes", "--dry-run").status == 0 and user.calls() == 51


@pytest.fixture
def twice(served: Serving) -> Serving:
    """The same, whose model answers once more after a while."""
    served.user.fake.script = lambda seen, n: answer_by_schema(seen, SAYS)._replace(
        delay=(0.0, 1.0, _SLOW)[min(n, 2)]
    )
    return served


def test_it_goes_on_when_nobody_reads_on(served: Serving) -> None:
    user, may_answer = served.user, threading.Event()
    user.fake.script = lambda seen, n: (
        may_answer.wait(PATIENCE * (n > 0)),
        answer_by_schema(seen, SAYS),
    )[1]
    process = user.start("enrich", ".")
    read_first(process)
    assert process.stdout
    process.stdout.close()
    may_answer.set()
    assert process.wait(PATIENCE) == 0
    assert {user.read(f"{name}.md") for name in "ABCD"} == {FILLED}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_it_ends_when_its_command_is_ended(served: Serving, number: int) -> None:
    process = served.user.start("enrich", ".")
    read_first(process)
    process.send_signal(number)
    out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 128 + number
    assert ("Stopped: 1 enriched, 3 not done." in out) is (number == signal.SIGTERM)
    assert served.client().status().runs == []


class LateClient(DaemonClient):
    """Asks about a cancelled run whose one result comes between the first answer and the next."""

    def __init__(self) -> None:
        self.run_ = Run("r", RunRequest(["A.md"]), total=1)
        self.run_.end("cancelled")

    def get(self, path: str, model: type[M], timeout: float = 0) -> M:
        number = int(path.partition("since=")[2].partition("&")[0])
        told = RunProgress.since(self.run_, number, None)
        if not self.run_.entries:
            self.run_.add(make_result("A.md"))
        return model.model_validate(vars(told))


def test_what_was_being_written_is_told_after_the_end() -> None:
    assert [result.path for result in LateClient().follow("r")] == ["A.md"]


class WaitingClient(DaemonClient):
    """Asks about a run that waits, for one thing and then for another, and ends."""

    def __init__(self) -> None:
        self.run_ = Run("r", RunRequest(["A.md"]), total=1)
        self.waits = ["no quota", "no quota", "", "no quota", "slow"]

    def get(self, path: str, model: type[M], timeout: float = 0) -> M:
        if self.waits:
            self.run_.waits = self.waits.pop(0)
        elif not self.run_.is_over:
            self.run_.add(make_result("A.md"))
        number = int(path.partition("since=")[2].partition("&")[0])
        return model.model_validate(vars(RunProgress.since(self.run_, number, None)))


def test_what_it_waits_for_is_told_once() -> None:
    told: list[str] = []
    assert [result.path for result in WaitingClient().follow("r", tell=told.append)] == ["A.md"]
    assert told == ["no quota", "slow"]


def test_what_keeps_the_daemon_from_working_is_said(user: User) -> None:
    user.configure(QUIET.replace("enabled = false", 'backlog = "all"\nsettle_seconds = 1'))
    user.fake.play(error(503))
    for name in "ABCD":
        user.note(f"{name}.md")
    with serving(user) as served:
        wait_until(lambda: served.client().status().fault, "the background meets the fault")
        run = served.client().start_run(RunRequest(["A.md"]))
        wait_until(lambda: served.client().run(run.id).waits, "it waits")
        told: list[str] = []

        def mend(said: str) -> None:
            told.append(said)
            user.says()
            user.run("service", "resume")

        following = served.client().follow(run.id, tell=mend)
        assert [result.status for result in following] == ["enriched"]
        assert "error 503" in told[0]


def test_a_new_token_ends_the_session(twice: Serving) -> None:
    process = twice.user.start("enrich", ".")
    read_first(process)
    assert twice.user.run("plugin", "token", "rotate").status == 0
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1 and "does not open this daemon" in err and "try again" in err
    assert "companion undo --run" in out
    assert len(twice.client().status().runs) == 1, "what was begun goes on"


def test_why_calls_wait_their_turn_is_said(user: User) -> None:
    """A limit a minute: the run waits, and fails nobody; whoever waits can be stopped."""
    user.configure(QUIET.replace("retries = 0", "requests_a_minute = 1"))
    user.note("A.md")
    user.note("B.md")
    why = "at most 1 request a minute (requests_a_minute)"
    told = user.vault.parent / "told.txt"
    with serving(user) as served, told.open("w") as stderr:
        process = user.start("enrich", ".", stderr=stderr)
        wait_until(lambda: served.client().status().rate_limit, "a call waits")
        assert f"waits        {why}\n" in user.run("status").out
        [run] = served.client().status().runs
        wait_until(lambda: served.client().run(run).waits == why, "the run says so")
        wait_until(lambda: f"The daemon waits: {why}" in told.read_text(), "the terminal, too")
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == 130 and "Stopped: 1 enriched, 1 not done." in out
        wait_until(lambda: not served.client().status().rate_limit, "nobody waits")
    assert user.calls() == 1
