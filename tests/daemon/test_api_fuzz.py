"""The OpenAPI document is true, whatever is sent: no server error, and no undocumented answer.

Only before a release, as requests made of 31 schemas take a minute: tests/daemon/conftest.py.
"""

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, assume, settings
from schemathesis.config import SchemathesisConfig

from companion.app.types.base import LARGEST
from companion.daemon.app import describe_api
from tests.daemon.attack_fixture import AttackedDaemon, attack
from tests.daemon.daemon_fixture import eventually, open_daemon_fixture
from tests.llm.fake_endpoint import FakeEndpoint

EXAMPLES = int(os.environ.get("COMPANION_API_EXAMPLES", "5"))  # of every address
NOTES = ("Stub.md", "A/Stub.md", "A", "out.md", "loop.md", "inner/Stub.md", ".trash/Gone.md")

# Notes and runs of a right form need not be there: 422 is the answer then, too.
CHECKS = {
    "negative_data_rejection": {
        "expected-statuses": ["400", "401", "403", "404", "405", "413", "415", "421", "422", "431"]
    },
    "positive_data_acceptance": {"expected-statuses": ["2xx", "403", "404", "409", "422"]},
}
CONFIG = SchemathesisConfig.from_dict({"checks": CHECKS})
schema = schemathesis.openapi.from_dict(describe_api(), config=CONFIG)


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AttackedDaemon]:
    """A daemon with runs and changes that can be asked for."""
    with ExitStack() as stack:
        monkeypatch = stack.enter_context(pytest.MonkeyPatch.context())
        monkeypatch.setenv("COMPANION_CHECKS", "off")
        endpoint = stack.enter_context(closing(FakeEndpoint()))
        folder = tmp_path_factory.mktemp("busy")
        fixture = stack.enter_context(open_daemon_fixture(folder, endpoint, monkeypatch))
        attacked = stack.enter_context(attack(fixture))
        for path in ("A", "Stub.md"):
            attacked.post("/runs", {"paths": [path]})
        eventually(lambda: all(run.is_over for run in list(attacked.daemon.runs.values())))
        yield attacked
        for run in attacked.daemon.active_runs():
            run.cancel()


@schema.parametrize()
@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
def test_no_server_error_and_no_undocumented_answer(
    case: schemathesis.Case[Any], busy: AttackedDaemon
) -> None:
    # an empty list in a query is not sent, so that a name that makes it invalid may be lost
    assume(all(value not in ([], {}, None) for value in (case.query or {}).values()))
    _name_what_is_there(case, busy)
    answer = case.call(
        base_url=f"http://127.0.0.1:{busy.port}",
        headers={"Authorization": f"Bearer {busy.token}"},
        timeout=60,
    )
    busy.asked += 1
    if answer.status_code not in (413, 431):  # the server itself refuses what is too large
        case.validate_response(answer)
    busy.assert_tells_nothing(answer.content)


def _name_what_is_there(case: schemathesis.Case[Any], busy: AttackedDaemon) -> None:
    """Put in the place of good names, which nobody guesses, those of what there is."""
    runs = [run.id for run in list(busy.daemon.runs.values())]
    parts: list[Any] = [case.path_parameters, case.query, case.body]
    for named in parts:
        for field, value in list(named.items()) if isinstance(named, dict) else ():
            turn = len(str(value)) + busy.asked
            is_word = isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9_-]{1,64}", value)
            if is_word and field in ("path", "folder"):
                named[field] = NOTES[turn % len(NOTES)]
            if is_word and named is parts[0] and "/runs/" in case.path:
                named[field] = runs[turn % len(runs)]
            if field in ("change", "id") and isinstance(value, int) and 0 < value <= LARGEST:
                named[field] = turn % 3 + 1
            if field == "paths" and value == [""]:
                named[field] = [NOTES[turn % len(NOTES)]]
