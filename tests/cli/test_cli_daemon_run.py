"""Commands where a daemon runs: a run that does not come to its end, status, codes and tokens."""

import os
import re
import signal
import threading
from collections.abc import Callable, Iterator

import pytest

from companion.app.connection import Connection, M
from companion.app.engine.run_progress import EngineRun
from companion.app.remote_vault import RemoteRun
from companion.app.types.runs import RunOptions, RunShape
from companion.daemon.api.vault_routes import show_progress
from tests.cli.serving import PATIENCE, QUIET, Serving, serving, wait_until
from tests.cli.user import FILLED, KEY, SAYS, STUB, Process, User, answer_by_schema
from tests.daemon.test_api_runs import make_result
from tests.llm.fake_endpoint import error

posix = pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
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


@posix
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
        lambda served: [
            served.connection().post(f"/runs/{run}/cancel", RunShape, {})
            for run in served.client().status().runs
        ],
        "somebody else cancelled the run, or stopped the daemon",
        id="another client",
    ),
]


@posix
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


@pytest.fixture
def twice(served: Serving) -> Serving:
    """The same, whose model answers once more after a while."""
    served.user.fake.script = lambda seen, n: answer_by_schema(seen, SAYS)._replace(
        delay=(0.0, 1.0, _SLOW)[min(n, 2)]
    )
    return served


@posix
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_it_ends_when_its_command_is_ended(served: Serving, number: int) -> None:
    process = served.user.start("enrich", ".")
    read_first(process)
    process.send_signal(number)
    out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 128 + number
    assert ("Stopped: 1 enriched, 3 not done." in out) is (number == signal.SIGTERM)
    assert served.client().status().runs == []


class Answers(Connection):
    """Answers about a run. before, after: are called with each answer."""

    def __init__(
        self, run: EngineRun, before: Callable[[], object], after: Callable[[], object]
    ) -> None:
        self._run, self._before, self._after = run, before, after

    def get(self, path: str, model: type[M], timeout: float = 0) -> M:
        self._before()
        progress = show_progress(self._run, int(path.partition("since=")[2].partition("&")[0] or 0))
        self._after()
        return model.model_validate(vars(progress))


def test_what_was_being_written_is_told_after_the_end() -> None:
    run = EngineRun("r", RunOptions(paths=["A.md"]), total=1)
    run.end("cancelled")

    def write() -> None:
        if not run.results:
            run.add(make_result("A.md"))

    followed = RemoteRun(Answers(run, bool, write), RunShape.model_validate(run))
    followed.is_cancelled = True
    assert [result.path for result in followed] == ["A.md"]


@posix
def test_a_new_token_ends_the_session(twice: Serving) -> None:
    process = twice.user.start("enrich", ".")
    read_first(process)
    assert twice.user.run("plugin", "token", "rotate").status == 0
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1 and "does not open this daemon" in err and "try again" in err
    assert "companion undo --run" in out
    assert len(twice.client().status().runs) == 1, "what was begun goes on"


@posix
def test_why_calls_wait_their_turn_is_said(user: User) -> None:
    """A limit a minute: the run waits, and fails nobody; whoever waits can be stopped."""
    user.configure(QUIET.replace("[background]", "requests_a_minute = 1\n[background]"))
    user.note("A.md")
    user.note("B.md")
    why = "at most 1 request a minute (requests_a_minute)"
    told = user.vault.parent / "told.txt"
    with serving(user) as served, told.open("w") as stderr:
        process = user.start("enrich", ".", stderr=stderr)
        wait_until(lambda: served.client().status().rate_limit, "a call waits")
        assert f"waits        {why}\n" in user.run("status").out
        [run] = served.client().status().runs
        client = served.connection()
        wait_until(lambda: client.get(f"/runs/{run}", RunShape).waits == why, "the run says so")
        wait_until(lambda: f"Waiting: {why}" in told.read_text(), "the terminal, too")
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == 130 and "Stopped: 1 enriched, 1 not done." in out
        wait_until(lambda: not served.client().status().rate_limit, "nobody waits")
    assert user.calls() == 1


@pytest.fixture
def vault_served(user: User) -> Iterator[Serving]:
    """A daemon of a vault with a stub and a note that is left alone; it does what it is asked."""
    user.configure(QUIET)
    user.note("Stub.md")
    user.note("Skipped.md", STUB.replace("created", "ai: false\ncreated"))
    with serving(user) as daemon:
        wait_until(lambda: daemon.client().status().ready, "looked over")
        yield daemon


def test_status_says_what_it_waits_for(vault_served: Serving) -> None:
    user = vault_served.user
    user.fake.play(error(401, f"bad key {KEY}"))
    assert user.run("enrich", "Stub.md").status == 1
    told = user.run("status").out
    assert re.search(r"waits        The .* does not accept the key.*\(since .*, tried again", told)
    assert user.run("status", "--json").objects[0]["fault"]["kind"] and KEY not in told
    user.says()
    assert user.run("service", "resume").status == user.run("enrich", "Stub.md").status == 0
    assert "waits" not in user.run("status").out
