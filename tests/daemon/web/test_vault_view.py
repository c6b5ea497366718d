"""The page's list of what is outdated, and asking for it anew."""

from __future__ import annotations

import json
import re
from html import unescape

import pytest

from tests.daemon.attack_fixture import AttackedDaemon, attacked, daemon_fixture, fake
from tests.daemon.caller import JSON, Answer, make_request
from tests.daemon.daemon_fixture import STUB, DaemonFixture, eventually

__all__ = ["attacked", "daemon_fixture", "fake"]

PATH = 'Bread/"Q" & <b>.md'
BREAD = "Flour is the base. Water is added. Salt gives taste. Yeast makes it rise."
NOTE = STUB.replace("Text of mine.", BREAD)


def view(attacked: AttackedDaemon, query: str = "") -> str:
    request = make_request("GET", f"/page/vault{query}", attacked.page_headers)
    answer = attacked.send(request)
    assert answer.status == 200
    return answer.body.decode()


def refresh(attacked: AttackedDaemon, body: object) -> Answer:
    headers = {**attacked.page_headers, "Content-Type": JSON}
    return attacked.send(make_request("POST", "/page/refresh", headers, json.dumps(body).encode()))


def bodies(shown: str) -> list[dict[str, str]]:
    """Return what the buttons send."""
    found = re.findall(r'data-post="/page/refresh" data-body="([^"]*)"', shown)
    return [json.loads(unescape(each)) for each in found]


@pytest.fixture
def outdated(attacked: AttackedDaemon) -> DaemonFixture:
    """A daemon with one note of which half was written anew since it was filled."""
    keeper = attacked.daemon_fixture
    keeper.note(PATH, NOTE)
    keeper.rescan()
    keeper.run(PATH)
    assert "What is outdated</h2>\n<p>Nothing is." in view(attacked)
    changed = keeper.read(PATH).replace(BREAD[:34], "Quite another thing. And new.")
    keeper.note(PATH, changed)
    keeper.rescan()
    attacked.daemon.notes._outdated = None  # a minute goes by
    return keeper


def test_is_listed_and_asked_for_anew(attacked: AttackedDaemon, outdated: DaemonFixture) -> None:
    shown, before = view(attacked), outdated.read(PATH)
    assert "50% of the sentences it was made from are gone" in shown and "<b>" not in shown
    sent = {"path": PATH, "kind": "description"}
    assert sorted(bodies(shown), key=str) == [{**sent, "kind": "callout"}, sent]
    assert len(bodies(view(attacked, "?folder=Bread"))) == 2
    assert bodies(view(attacked, "?folder=A")) == []

    outdated.model.says(description="Better.")
    assert b"will wait in the inbox" in refresh(attacked, sent).body
    eventually(lambda: [each["kind"] for each in bodies(view(attacked))] == ["callout"])
    [made] = [p for p in attacked.daemon.proposals.select() if p.state == "open"]
    assert (made.path, made.text, made.flags) == (PATH, "Better.", ("replaces",))
    assert outdated.read(PATH) == before
    assert b"There is nothing to ask for" in refresh(attacked, sent).body


BAD = [
    ({}, 422, "path"),
    ({"path": "Gone.md", "kind": "description"}, 422, "Gone.md"),
    ({"path": "../x.md", "kind": "description"}, 422, ""),
    ({"path": "Stub.md", "kind": ""}, 422, "kind"),
    ({"path": "Stub.md", "kind": "x"}, 200, "nothing to ask for"),
    ({"path": "Stub.md", "kind": "callout"}, 200, "nothing to ask for"),
]


def test_what_cannot_be_asked_for_is_said(attacked: AttackedDaemon) -> None:
    for body, status, words in BAD:
        answer = refresh(attacked, body)
        assert (answer.status, words in answer.body.decode()) == (status, True), body
    assert attacked.daemon_fixture.model.calls() == 0
