from __future__ import annotations

import pytest

from tests.daemon.conftest import Served
from tests.daemon.fake_daemon import OLD, digest
from tests.daemon.test_guard import assert_is_problem

HASHES = {"base_sha256": digest(OLD), "new_sha256": "0" * 64}


def test_lists_notes_with_their_needs(server: Served) -> None:
    page = server.get("/notes").json
    assert (page["total"], page["after"]) == (2, None)
    assert [note["path"] for note in page["notes"]] == ["A/Stub.md", "Stub.md"]
    assert page["notes"][1] == {
        "path": "Stub.md",
        "needs": [
            {"kind": "description", "heading": None, "reason": "the property is empty"},
            {"kind": "callout", "heading": "Why", "reason": "it asks"},
        ],
        "left": [],
        "skipped": None,
    }


FILTERS = [
    pytest.param("?filter=left", ["Left.md"], id="left"),
    pytest.param("?filter=skipped", ["Skipped.md"], id="skipped"),
    pytest.param("?filter=all&folder=A", ["A/Done.md", "A/Stub.md"], id="folder"),
    pytest.param("?filter=all&after=Left.md", ["Skipped.md", "Stub.md"], id="after"),
    pytest.param("?filter=all&limit=1", ["A/Done.md"], id="limit"),
    pytest.param("?folder=", ["A/Stub.md", "Stub.md"], id="the vault"),
]


@pytest.mark.parametrize(("query", "paths"), FILTERS)
def test_filters_notes(server: Served, query: str, paths: list[str]) -> None:
    page = server.get(f"/notes{query}").json
    assert [note["path"] for note in page["notes"]] == paths


def test_pages_lead_through_all_notes(server: Served) -> None:
    seen, after = [], ""
    while after is not None:
        page = server.get(f"/notes?filter=all&limit=2&after={after}").json
        seen += [note["path"] for note in page["notes"]]
        after = page["after"]
    assert seen == ["A/Done.md", "A/Stub.md", "Left.md", "Skipped.md", "Stub.md"]


def test_looks_at_one_note(server: Served) -> None:
    assert server.get("/notes?path=Skipped.md").json["skipped"] == "ai: false"
    assert server.get("/notes?path=A%2FStub.md").json["path"] == "A/Stub.md"
    assert_is_problem(server.get("/notes?path=Nowhere.md"), 404)


def test_says_what_is_wrong_with_a_number(server: Served) -> None:
    for number, words in (("-1", "greater than or equal to 1"), ("x", "not a whole number")):
        (place,) = server.get(f"/notes?limit={number}").json["errors"]
        assert words in place["what"]


REFUSED = [
    pytest.param("/notes?filter=some", id="filter"),
    pytest.param("/notes?limit=0", id="none at all"),
    pytest.param("/notes?limit=1001", id="too many"),
    pytest.param("/notes?limit=1.0", id="a fraction"),
    pytest.param("/notes?limit=+5", id="a blank"),
    pytest.param("/notes?limit=%2B5", id="a sign"),
    pytest.param("/notes?limit=1_0", id="Python's digits"),
    pytest.param("/notes?limit=%D9%A1", id="Arabic digits"),
    pytest.param("/notes?limit=05", id="a zero before"),
    pytest.param("/notes?limit=-1", id="less than none"),
    pytest.param("/notes?limit=", id="nothing"),
    pytest.param("/notes?limit=5&limit=6", id="twice"),
    pytest.param("/notes?path=", id="no path"),
    pytest.param("/notes?path=Stub.md&limit=5", id="a path and more"),
    pytest.param("/changes?before=0", id="before the first"),
    pytest.param("/changes?before=9007199254740992", id="before nothing"),
    pytest.param("/changes?run=../x", id="run"),
]


@pytest.mark.parametrize("path", REFUSED)
def test_refuses_queries(server: Served, path: str) -> None:
    answer = server.get(path)
    assert_is_problem(answer, 422)
    assert answer.json["errors"][0]["where"].startswith("query")


def test_lists_changes_newest_first(server: Served) -> None:
    page = server.get("/changes?limit=2").json
    assert [change["id"] for change in page["changes"]] == [3, 2]
    assert page["before"] == 2
    rest = server.get("/changes?limit=2&before=2").json
    assert ([change["id"] for change in rest["changes"]], rest["before"]) == ([1], None)
    assert server.get("/changes?run=run-2").json["changes"][0]["id"] == 2
    assert server.get("/changes?path=Other.md").json["changes"] == []


def test_a_change_is_as_in_history(server: Served) -> None:
    change = server.get("/changes/3").json
    assert change.pop("diff").startswith("--- a/Stub.md\n+++ b/Stub.md\n")
    assert change == {
        "id": 3,
        "run": "run-3",
        "path": "Stub.md",
        "kind": "enrich",
        "state": "done",
        "made_at": "2023-11-14T22:13:23Z",
        "needs": ["description"],
        "model": "m",
        "note": "",
        "undoes": None,
        "undone_by": None,
        "left": [],
    }
    assert server.get("/changes/1").json["diff"] is None


UNKNOWN = ["/changes/4", "/changes/0", "/changes/-1", "/changes/x", "/changes/9007199254740992"]


@pytest.mark.parametrize("path", [*UNKNOWN, "/changes/" + "9" * 900])
def test_unknown_changes_are_not_found(server: Served, path: str) -> None:
    assert_is_problem(server.get(path), 404)
    assert_is_problem(server.post(f"{path}/undo"), 404)


def test_undoes_a_change(server: Served) -> None:
    assert server.post("/changes/3/undo").json == {
        "change": 4,
        "path": "Stub.md",
        "left": ["callout"],
        "reason": "edited since",
    }
    assert server.daemon.fake_history.journal[-1].undoes == 3
    assert server.post("/changes/3/undo", {"run": "20261125-104412-3f9a"}).status == 200


def test_an_editor_undoes_a_change(server: Served) -> None:
    made = server.post("/changes/3/undo", {"apply": "client", "text": "x"}).json
    offer = made["offer"]
    assert (made["left"], made["reason"]) == ([], None)
    assert offer["edits"] == [{"start": 16, "end": 16, "text": " Yes.", "place": None}]
    assert len(server.daemon.fake_history.journal) == 3
    assert server.post("/changes/3/applied", HASHES).json == {"change": 4}


UNDOS = [
    pytest.param("undo", {"apply": "client"}, id="no text"),
    pytest.param("undo", {"text": "x"}, id="text for the daemon"),
    pytest.param("undo", {"apply": "client", "text": "x", "run": "a"}, id="run for a client"),
    pytest.param("undo", {"run": "a b"}, id="run"),
    pytest.param("applied", {}, id="no hashes"),
    pytest.param("applied", HASHES | {"base_sha256": "0" * 63}, id="short"),
    pytest.param("applied", HASHES | {"base_sha256": "A" * 64}, id="capitals"),
    pytest.param("applied", HASHES | {"new_sha256": "0" * 64 + "\n"}, id="a line end"),
]


@pytest.mark.parametrize(("verb", "body"), UNDOS)
def test_refuses_undo(server: Served, verb: str, body: object) -> None:
    assert_is_problem(server.post(f"/changes/3/{verb}", body), 422)
    assert len(server.daemon.fake_history.journal) == 3
