import logging
from unittest.mock import Mock

import pytest

from companion.daemon.daemon import Daemon
from companion.errors import (
    AnswerError,
    ChangeNotInNote,
    CompanionError,
    ConsentMissing,
    EndpointError,
    JournalError,
    NoteBusy,
    NoteChanged,
    NoteRefused,
    NoteUnwritable,
    UsageError,
    VaultLocked,
)
from tests.daemon.caller import assert_is_problem
from tests.daemon.conftest import Served
from tests.daemon.daemon_fixture import DaemonFixture


def test_pauses_and_resumes(server: Served) -> None:
    assert server.post("/pause").json["paused"] is True
    assert server.get("/status").json["paused"]
    assert server.post("/resume").json["paused"] is False


def test_refuses_an_answer_to_the_backlog(server: Served) -> None:
    for answer in ({}, {"fill": 1}, {"fill": True, "notes": -1}):
        assert server.post("/backlog", answer).status == 422, answer


BODIES = {
    "none": b"",
    "not JSON": b"no json",
    "two": b"{}{}",
    "byte order mark": b'\xef\xbb\xbf{"fill": false}',
    "not utf-8": b'{"fill": false, "a": "\xff"}',
    "lone surrogate": b'{"a": "\\ud800"}',
    "not a number": b'{"fill": NaN}',
    "nested 5,000 deep": b"[" * 5000 + b"]" * 5000,
    "opened 500,000 times": b"[" * 500_000,
    "a number of 5,000 digits": b'{"notes": ' + b"9" * 5000 + b"}",
    "null": b"null",
    "a list": b"[]",
    "unknown name": b'{"fill": false, "vault": "x"}',
    "a setting": b'{"fill": false, "base_url": "http://evil.example"}',
}


def test_refuses_bodies(server: Served) -> None:
    for body in BODIES.values():
        answer = server.post("/backlog", body)
        assert_is_problem(answer, 422)
        assert answer.json["errors"]


def test_refuses_unknown_names_in_a_query(server: Served) -> None:
    assert_is_problem(server.get("/changes?x=1"), 422)


ERRORS = {
    "usage": (UsageError("no such note"), 422),
    "refused": (NoteRefused("it is torn", "A.md", 3), 422),
    "gone": (ChangeNotInNote("gone", "A.md"), 409),
    "changed": (NoteChanged("changed", "A.md"), 409),
    "busy": (NoteBusy("busy", "A.md"), 409),
    "unwritable": (NoteUnwritable("disk full", "A.md"), 409),
    "not agreed": (ConsentMissing("60 notes would be sent"), 409),
    "endpoint": (EndpointError("down"), 503),
    "journal": (JournalError("locked"), 503),
    "locked": (VaultLocked("locked"), 503),
    "answer": (AnswerError("nothing usable"), 422),
    "other": (CompanionError("something"), 422),
}


def test_says_errors_in_their_own_words(server: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    for error, status in ERRORS.values():
        monkeypatch.setattr(Daemon, "status", Mock(side_effect=error))
        answer = server.get("/status")
        assert_is_problem(answer, status)
        assert answer.json["detail"] == str(error)


def test_tells_nobody_what_was_not_foreseen(
    server: Served,
    daemon_fixture: DaemonFixture,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    error = ValueError("the secret text of my note")
    monkeypatch.setattr(Daemon, "status", Mock(side_effect=error))
    with caplog.at_level(logging.INFO):
        answer = server.get("/status")
    assert_is_problem(answer, 500)
    assert "secret" not in answer.body.decode() + caplog.text
    assert "unexpected ValueError" in caplog.text and "mock.py:" in caplog.text
    daemon_fixture.log.truncate(0)  # that line was looked for


def test_presence_is_reported(server: Served) -> None:
    body = {"client": "obsidian-1", "open": ["Stub.md", "A/Done.md"]}
    assert server.post("/presence", body).json == {}
    assert server.daemon.presence.open_paths() == {"Stub.md", "A/Done.md"}


PRESENCES = {
    "no client": {"client": "", "open": []},
    "long client": {"client": "x" * 65, "open": []},
    "no notes": {"client": "x"},
    "not a list": {"client": "x", "open": "Stub.md"},
    "the vault": {"client": "x", "open": [""]},
    "too many": {"client": "x", "open": ["a.md"] * 1001},
}


def test_refuses_presence(server: Served) -> None:
    for body in PRESENCES.values():
        assert_is_problem(server.post("/presence", body), 422)
    assert not server.daemon.presence.open_paths()
