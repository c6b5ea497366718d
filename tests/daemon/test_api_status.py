import logging
from unittest.mock import Mock

import pytest

from companion.app.vault import Vault
from companion.config import state_folder
from companion.daemon.access import new_code
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
from tests.daemon.conftest import Served
from tests.daemon.test_guard import assert_is_problem


def test_an_etag_holds_until_something_changes(server: Served) -> None:
    tag = server.get("/status").headers["etag"]
    assert server.get("/status", If_None_Match=tag).status == 304
    assert server.get("/status", If_None_Match=f'"x", {tag}').status == 304
    server.post("/pause")
    assert server.get("/status", If_None_Match=tag).status == 200


def test_pauses_and_resumes(server: Served) -> None:
    assert server.post("/pause").json["paused"] is True
    assert server.get("/status").json["paused"]
    assert server.post("/resume").json["paused"] is False


def test_refuses_an_answer_to_the_backlog(server: Served) -> None:
    for answer in ({}, {"fill": 1}, {"fill": True, "notes": -1}):
        assert server.post("/backlog", answer).status == 422, answer


def test_head_is_get_without_a_body(server: Served) -> None:
    got, head = server.get("/status"), server.ask("HEAD", "/api/v1/status")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == got.headers["content-length"]


BODIES = {
    "none": (b"", 400),
    "not JSON": (b"no json", 400),
    "half of it": (b"{", 400),
    "two": (b"{}{}", 400),
    "byte order mark": (b"\xef\xbb\xbf{}", 400),
    "utf-16": ("{}".encode("utf-16"), 400),
    "not utf-8": (b'{"a": "\xff"}', 400),
    "lone surrogate": (b'{"a": "\\ud800"}', 400),
    "encoded surrogate": (b'{"a": "\xed\xa0\x80"}', 400),
    "not a number": (b'{"a": NaN}', 400),
    "infinity": (b'{"a": -Infinity}', 400),
    "a name twice": (b'{"a": 1, "a": 2}', 400),
    "a name twice, deeper": (b'{"b": [{"a": 1, "a": 1}]}', 400),
    "nested 5,000 deep": (b"[" * 5000 + b"]" * 5000, 400),
    "objects 5,000 deep": (b'{"a":' * 5000 + b"1" + b"}" * 5000, 400),
    "opened 500,000 times": (b"[" * 500_000, 400),
    "a number of 5,000 digits": (b'{"a": ' + b"9" * 5000 + b"}", 400),
    "null": (b"null", 422),
    "a list": (b"[]", 422),
    "JSON in a string": (b'"{}"', 422),
    "unknown name": (b'{"vault": "x"}', 422),
    "a setting": (b'{"base_url": "http://evil.example"}', 422),
}


def test_refuses_bodies(server: Served) -> None:
    for label, (body, status) in BODIES.items():
        answer = server.post("/pause", body)
        assert answer.status == status, label
        assert_is_problem(answer, status)
        assert ("errors" in answer.json) == (status == 422), label
    assert not server.get("/status").json["paused"]


QUERIES = {
    "unknown": ("?x=1", 422),
    "token": ("?token=x", 422),
    "no name": ("?=", 422),
    "no value": ("?x", 400),
    "no escape": ("?%zz=1", 400),
    "not utf-8": ("?x=%ff", 400),
    "surrogate": ("?x=%ed%a0%80", 400),
    "empty": ("?", 200),
}


def test_reads_queries_strictly(server: Served) -> None:
    for label, (query, status) in QUERIES.items():
        assert server.get(f"/status{query}").status == status, label


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
        monkeypatch.setattr(Vault, "status", Mock(side_effect=error))
        answer = server.get("/status")
        assert_is_problem(answer, status)
        assert answer.json["detail"] == str(error)


UNFORESEEN = [
    pytest.param(ValueError("the secret text of my note"), id="value"),
    pytest.param(RecursionError("the secret text of my note"), id="recursion"),
    pytest.param(OSError(36, "the secret text of my note"), id="system"),
]


@pytest.mark.parametrize("error", UNFORESEEN)
def test_tells_nobody_what_was_not_foreseen(
    server: Served,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(Vault, "status", Mock(side_effect=error))
    with caplog.at_level(logging.DEBUG):
        answer = server.get("/status")
    assert_is_problem(answer, 500)
    assert "secret" not in answer.body.decode() + caplog.text
    assert "Traceback" not in answer.body.decode() + caplog.text
    assert f"{type(error).__name__} at " in caplog.text and "mock.py:" in caplog.text


def test_a_code_opens_once(server: Served) -> None:
    code = new_code(state_folder(server.daemon.root))
    server.token = "none"
    assert_is_problem(server.post("/pair", {"code": "wrong"}), 403)
    made = server.post("/pair", {"code": code}).json
    assert (made["name"], made["scope"]) == ("Obsidian", "all")
    spent = server.post("/pair", {"code": code})
    assert_is_problem(spent, 403)
    assert "already used" in spent.json["detail"]
    assert_is_problem(server.post("/pair", {"code": 1}), 422)
    assert_is_problem(server.post("/pair", b"x"), 400)
    server.token = made["token"]
    [listed] = server.get("/tokens").json["tokens"]
    assert (listed["id"], listed["used_at"] is None) == (made["id"], False)
    assert server.post(f"/tokens/{made['id']}/revoke").status == 200
    assert server.get("/status").status == 401


def test_wrong_codes_cost_their_sender_time_and_the_owner_nothing(server: Served) -> None:
    code = new_code(state_folder(server.daemon.root))
    server.post("/pair", {"code": "wrong"})
    answers = [server.post("/pair", {"code": "wrong"}) for _ in range(8)]
    assert_is_problem(answers[-1], 429)
    waits = [int(each.headers.get("retry-after", 0)) for each in answers]
    assert waits == [0, 0, 2, 4, 8, 16, 32, 64]
    assert server.post("/pair", {"code": code}).status == 200


def test_presence_is_reported(server: Served) -> None:
    body = {"client": "obsidian-1", "open": ["Stub.md", "A/Done.md"]}
    told = {"expires_in": 45, "to_do": ["Stub.md"], "asked": []}
    assert server.post("/presence", body).json == told
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
