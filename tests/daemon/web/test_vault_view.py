"""The page's list of what is outdated, and asking for it anew."""

from __future__ import annotations

import json
import re
from html import unescape

import pytest

from companion.note.needs import CALLOUT, Need
from companion.store.proposal import NewProposal
from companion.store.proposals import Selection
from tests.daemon.attack_fixture import AttackedDaemon, attacked, daemon_fixture, fake
from tests.daemon.caller import JSON, Answer, make_request
from tests.daemon.daemon_fixture import STUB, DaemonFixture, eventually

__all__ = ["attacked", "daemon_fixture", "fake"]

PATH = 'Bread/"Q" & <b>.md'
BREAD = "Flour is the base. Water is added. Salt gives taste. Yeast makes it rise."
ASKED = "\n## Dough\n\n> [!ai] What is dough?\n\n## Rye\n\n> [!ai] Why rye?\n"
NOTE = STUB.replace("Text of mine.", BREAD) + ASKED
ALL = {"description", "callout", "callout “Dough”", "callout “Rye”"}
OPEN = Selection(states=("open",))


def view(attacked: AttackedDaemon, query: str = "") -> str:
    request = make_request("GET", f"/page/vault{query}", attacked.page_headers)
    answer = attacked.send(request)
    assert answer.status == 200
    return answer.body.decode()


def refresh(attacked: AttackedDaemon, body: object) -> Answer:
    headers = {**attacked.page_headers, "Content-Type": JSON}
    return attacked.send(make_request("POST", "/page/refresh", headers, json.dumps(body).encode()))


def bodies(shown: str) -> dict[str, dict[str, int]]:
    """Return what the buttons send, by what they are about."""
    button = r'data-post="/page/refresh" data-body="([^"]*)" aria-label="[^:]*: ([^"]*?) of '
    return {unescape(what): json.loads(unescape(body)) for body, what in re.findall(button, shown)}


def test_what_waits_in_the_inbox_is_neither_to_do_nor_filled(attacked: AttackedDaemon) -> None:
    keeper = attacked.daemon_fixture
    keeper.note("Rye/Note.md", STUB)
    keeper.rescan()
    need = Need("description", None, None, "property", "empty description")
    top = Need(CALLOUT, None, None, "top", "no AI callout at the top")
    new = [NewProposal("Rye/Note.md", need, "Rye."), NewProposal("Rye/Note.md", top, ["Rye."])]
    attacked.daemon.proposals.add(new)
    row = re.search(r"(?s)folder=Rye\">.*?</tr>", view(attacked))
    assert row
    cells = [re.sub(r"<[^>]*>", "", cell).strip() for cell in row[0].split("<td>")[1:]]
    assert cells == ["1", "0", "1", "", "0%", "0%"]


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
    attacked.daemon.notes._outdated = None  # some seconds go by
    return keeper


def test_is_listed_and_asked_for_anew(attacked: AttackedDaemon, outdated: DaemonFixture) -> None:
    shown, before = view(attacked), outdated.read(PATH)
    assert "50% of the sentences it was made from are gone" in shown and "<b>" not in shown
    assert set(bodies(shown)) == set(bodies(view(attacked, "?folder=Bread"))) == ALL
    assert not bodies(view(attacked, "?folder=A"))

    outdated.model.says(description="Better.")
    sent = bodies(shown)["description"]
    assert b"will wait in the inbox" in refresh(attacked, sent).body
    eventually(lambda: set(bodies(view(attacked))) == ALL - {"description"})
    [made] = attacked.daemon.proposals.select(OPEN)
    assert (made.path, made.text, made.flags) == (PATH, "Better.", ("replaces",))
    assert outdated.read(PATH) == before
    assert b"There is nothing to ask for" in refresh(attacked, sent).body


def test_one_callout_of_several_is_asked_for(
    attacked: AttackedDaemon, outdated: DaemonFixture
) -> None:
    refresh(attacked, bodies(view(attacked))["callout “Dough”"])
    eventually(lambda: attacked.daemon.proposals.select(OPEN))
    assert [each.heading for each in attacked.daemon.proposals.select(OPEN)] == ["Dough"]
    assert set(bodies(view(attacked))) == ALL - {"callout “Dough”"}


BAD: list[tuple[dict[str, object], int, str]] = [
    ({}, 422, "proposal"),
    ({"proposal": 0}, 422, "proposal"),
    ({"proposal": "1"}, 422, "proposal"),
    ({"proposal": 1, "path": "Stub.md"}, 422, "path"),
    ({"proposal": 999}, 404, "there is no proposal 999"),
]


def test_what_cannot_be_asked_for_is_said(attacked: AttackedDaemon) -> None:
    for body, status, words in BAD:
        answer = refresh(attacked, body)
        assert (answer.status, words in answer.body.decode()) == (status, True), body
    assert attacked.daemon_fixture.model.calls() == 0
