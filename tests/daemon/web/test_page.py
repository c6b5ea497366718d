"""The page's addresses: who gets to its shell, its session and its views, and who does not."""

from __future__ import annotations

import html
import json
import re
from datetime import datetime
from http.cookies import SimpleCookie
from typing import Literal
from unicodedata import normalize
from urllib.parse import quote

import pytest

from companion.app.tokens import rotate_token
from companion.config import state_folder
from companion.daemon.access import Sessions, new_code
from companion.daemon.guard import PAGE, SHELL
from companion.daemon.web.pages import STATIC_FILES
from companion.note.needs import Need
from companion.store.proposal import NewProposal, ProposalState
from companion.store.proposals import Selection
from tests.daemon.attack_fixture import AttackedDaemon, Headers, attacked, daemon_fixture, fake
from tests.daemon.caller import JSON, Answer, make_request
from tests.daemon.conftest import Served
from tests.daemon.daemon_fixture import FILLED, STUB
from tests.daemon.fake_daemon import make_fault
from tests.daemon.test_attacks import HOSTS, ORIGINS, TWICE

__all__ = ["attacked", "daemon_fixture", "fake"]

VIEWS = [
    "/page/inbox",
    "/page/inbox/more",
    "/page/inbox/count",
    "/page/proposals/1",
    "/page/now",
    "/page/history",
    "/page/vault",
    "/page/spending",
]
ACTIONS = [
    "/page/pause",
    "/page/resume",
    "/page/runs/20261125-104412-3f9a/cancel",
    "/page/undo",
    "/page/estimate",
    "/page/decide",
    "/page/refresh",
]


def _get(attacked: AttackedDaemon, path: str, headers: Headers) -> Answer:
    return attacked.send(make_request("GET", path, headers))


def _post(attacked: AttackedDaemon, path: str, headers: Headers, value: object = None) -> Answer:
    body = json.dumps({} if value is None else value).encode()
    return attacked.send(make_request("POST", path, {**headers, "Content-Type": JSON}, body))


def _all(attacked: AttackedDaemon, headers: Headers) -> list[Answer]:
    seen = [_get(attacked, path, headers) for path in VIEWS]
    return seen + [_post(attacked, path, headers) for path in ACTIONS]


def _without(headers: Headers, name: str) -> Headers:
    return {key: value for key, value in headers.items() if key != name}


def test_every_address_of_the_page_is_attacked_here(attacked: AttackedDaemon) -> None:
    rules = {str(rule) for rule in attacked.app.url_map.iter_rules()}
    pages = {rule for rule in rules if rule.startswith(PAGE)}
    listed = {path.replace("20261125-104412-3f9a", "<name>") for path in (*VIEWS, *ACTIONS)}
    pages = {re.sub(r"<int.*>", "1", rule) for rule in pages}
    assert pages == listed


def test_the_page_itself_gets_in(attacked: AttackedDaemon) -> None:
    answers = _all(attacked, attacked.page_headers)
    assert {answer.status for answer in answers} == {200, 404, 422}
    assert "script-src 'self'" in answers[0].headers["content-security-policy"]
    assert answers[0].headers["cache-control"] == "no-store"
    attacked.post("/pause")


def test_it_says_since_when_the_endpoint_fails(server: Served) -> None:
    fault = server.daemon.fault = make_fault()
    answer = server.send(make_request("GET", "/page/now", server.page_headers))
    since = datetime.fromtimestamp(fault.since).strftime("%Y-%m-%d %H:%M")
    assert answer.status == 200
    assert f"{fault.reason} (since {since}, tried 1 times)".encode() in answer.body


@pytest.mark.parametrize("name", ["server.port", ""])
@pytest.mark.parametrize("fault", ["config.toml is no valid TOML (at line 3)", ""])
def test_it_says_what_became_of_changed_settings(server: Served, name: str, fault: str) -> None:
    server.daemon.settings_to_restart_for = (name,) if name else ()
    server.daemon.settings_fault = fault
    answer = server.send(make_request("GET", "/page/now", server.page_headers))
    said = answer.body.decode()
    assert answer.status == 200
    assert ("<code>server.port</code>" in said) is bool(name)
    assert (f"until this is mended: {fault}" in said) is bool(fault)
    assert ("What keeps it from working" in said) is bool(fault)


@pytest.mark.parametrize("path", sorted(SHELL))
def test_the_shell_needs_no_session_and_holds_nothing(attacked: AttackedDaemon, path: str) -> None:
    answer = _get(attacked, path, {"Host": f"127.0.0.1:{attacked.port}"})
    assert answer.status == 200 and b"Stub" not in answer.body
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert b"style=" not in answer.body and b"<script>" not in answer.body


def test_a_link_from_anywhere_leads_to_the_shell_alone(attacked: AttackedDaemon) -> None:
    link: Headers = {
        "Host": f"127.0.0.1:{attacked.port}",
        "Sec-Fetch-Site": "cross-site",
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-Dest": "document",
    }
    assert _get(attacked, "/", link).status == 200
    for path in (*VIEWS, f"/static/{STATIC_FILES[0]}"):
        assert _get(attacked, path, {**attacked.page_headers, **link}).status == 403, path
    for change in ({"Sec-Fetch-Dest": "iframe"}, {"Sec-Fetch-Mode": "cors"}):
        assert _get(attacked, "/", {**link, **change}).status == 403, change
    assert _post(attacked, "/", link).status in (401, 403, 405)


def test_static_files_are_those_of_the_page(attacked: AttackedDaemon) -> None:
    host: Headers = {"Host": f"127.0.0.1:{attacked.port}"}
    for name in STATIC_FILES:
        assert _get(attacked, f"/static/{name}", host).status == 200, name
    for name in ("pages.py", "..", "now.html", "page.js/", ".."):
        assert _get(attacked, f"/static/{name}", host).status == 404, name


def test_a_code_opens_one_session(attacked: AttackedDaemon) -> None:
    open_page = _without(attacked.page_headers, "Authorization")
    code = new_code(state_folder(attacked.daemon.root), purpose="page")
    for wrong in ({"code": "AAAA-AAAA"}, {"code": ""}, {}, {"code": code, "x": 1}):
        assert _post(attacked, "/api/v1/session", open_page, wrong).status in (403, 422)
    answer = _post(attacked, "/api/v1/session", open_page, {"code": code})
    assert answer.status == 200
    assert _post(attacked, "/api/v1/session", open_page, {"code": code}).status == 403
    session = {**open_page, "Authorization": f"Bearer {answer.json['token']}"}
    assert _get(attacked, "/page/now", session).status == 200


def _spoiled(attacked: AttackedDaemon) -> dict[str, Headers]:
    headers = attacked.page_headers
    session = str(headers["Authorization"]).removeprefix("Bearer ")
    expires, nonce, mac = session.split(".")
    tokens = attacked.access.tokens
    values = {
        "nothing": "",
        "not signed": f"{expires}.{nonce}.{'0' * 64}",
        "later": f"{int(expires) + 1}.{nonce}.{mac}",
        "another nonce": f"{expires}.{'0' * 32}.{mac}",
        "twice": f"{session}, Bearer {session}",
        "the API's token": attacked.token,
        "another port's": Sessions(attacked.daemon.root, tokens, attacked.port + 1).open(),
        "another vault's": Sessions(attacked.daemon.root / "A", tokens, attacked.port).open(),
        "an old one": Sessions(attacked.daemon.root, tokens, attacked.port, lambda: 0.0).open(),
        "longer": f"{session}0",
        "quoted": f'"{session}"',
    }
    return {what: {**headers, "Authorization": f"Bearer {value}"} for what, value in values.items()}


def test_no_spoiled_session_gets_in(attacked: AttackedDaemon) -> None:
    nothing = {"no session": _without(attacked.page_headers, "Authorization")}
    for what, headers in {**_spoiled(attacked), **nothing}.items():
        assert {answer.status for answer in _all(attacked, headers)} == {401}, what
    attacked.assert_nobody_came_in()


def test_a_session_ends_with_the_token(attacked: AttackedDaemon) -> None:
    headers = attacked.page_headers
    assert _get(attacked, "/page/now", headers).status == 200
    attacked.token = rotate_token()
    assert {answer.status for answer in _all(attacked, headers)} == {401}
    attacked.outside = attacked.look_outside()


def test_a_program_on_another_port_gets_nothing_that_opens_the_page(
    attacked: AttackedDaemon,
) -> None:
    """A browser sends the cookies of a host to all its ports (RFC 6265, section 8.5)."""
    host = f"127.0.0.1:{attacked.port}"
    page: Headers = {"Host": host, "Origin": f"http://{host}", "Companion-Page": "1"}
    code = new_code(state_folder(attacked.daemon.root), purpose="page")
    answer = _post(attacked, "/api/v1/session", page, {"code": code})
    cookies = SimpleCookie(answer.headers.get("set-cookie"))
    page["Cookie"] = "; ".join(f"{name}={each.value}" for name, each in cookies.items())
    assert {seen.status for seen in _all(attacked, page)} == {401}
    attacked.assert_nobody_came_in()


def test_the_session_opens_the_api_as_well(attacked: AttackedDaemon) -> None:
    for address in attacked.addresses:
        if address.method == "GET":
            assert attacked.send(address.request(attacked.page_headers)).status != 401, address
    for what, headers in _spoiled(attacked).items():
        if what != "the API's token":
            attacked.assert_kept_out(attacked.addresses[0].request(headers), {401, 400}, what)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", None])
def test_no_form_is_taken(attacked: AttackedDaemon, kind: str | None) -> None:
    typed = {} if kind is None else {"Content-Type": kind}
    for path in ACTIONS:
        request = make_request("POST", path, {**attacked.page_headers, **typed}, b"{}")
        assert attacked.send(request).status == 415, path
    attacked.assert_nobody_came_in()


def test_no_other_host_or_origin_gets_to_the_page(attacked: AttackedDaemon) -> None:
    hosts = [{"Host": attacked.fill([] if host is None else host)} for host in [*HOSTS, *TWICE]]
    origins = [{name: attacked.fill(value) for name, value in row.items()} for row in ORIGINS]
    for row in [*hosts, *origins]:
        answers = _all(attacked, {**attacked.page_headers, **row})
        assert {answer.status for answer in answers} <= {400, 403, 421}, row
    attacked.assert_nobody_came_in()


NASTY = (
    "<script>alert(1)</script><img src=x onerror=alert(1)> [x](javascript:alert(1)) \"'`{{913*977}}"
)


def test_what_notes_and_models_say_is_text_wherever_it_is_shown(attacked: AttackedDaemon) -> None:
    path = "<b onclick=alert(1)>&quot;.md"
    attacked.daemon_fixture.note(path, f"---\ndescription:\n---\n# {NASTY}\n\n{'x' * 300_000}\n")
    need = Need("description", None, None, "property", NASTY)
    place = Need("callout", NASTY, NASTY, "top", NASTY)
    evidence = {"sentence": NASTY, "shown": NASTY, "similarity": 0.5}
    new = [
        NewProposal(path, need, NASTY, flags=("unsupported",), model=NASTY, remark=NASTY),
        NewProposal(
            path,
            place,
            ["x" * 300_000, NASTY],
            evidence=[evidence],
        ),
    ]
    ids = attacked.daemon.proposals.add(new)
    paths = ["/page/inbox", "/page/inbox/more", *(f"/page/proposals/{each}" for each in ids)]
    for shown in (*paths, *VIEWS):
        answer = _get(attacked, shown, attacked.page_headers)
        assert answer.status in (200, 404), shown
        for part in (b"<script>alert", b"<img", b"<b onclick", b'href="javascript', b"892001"):
            assert part not in answer.body, (shown, part)
    assert b"&lt;script&gt;alert(1)" in _get(attacked, "/page/inbox", attacked.page_headers).body
    (attacked.daemon_fixture.vault / path).unlink()
    attacked.daemon.proposals.forget([path], "")


def test_a_name_does_not_read_as_another(attacked: AttackedDaemon) -> None:
    path = "Rye/a\u202egnp.md.md"
    attacked.daemon_fixture.note(path)
    attacked.daemon_fixture.run(path)
    attacked.daemon_fixture.note("Oats\u200b/Note.md")
    attacked.daemon_fixture.rescan()
    need = Need("tags", None, None, "property", "empty tags")
    attacked.daemon.proposals.add([NewProposal(path, need, ["a"])])
    shown = [_get(attacked, each, attacked.page_headers).body.decode() for each in VIEWS]
    for body in (
        *shown,
        _get(attacked, "/page/vault?folder=Rye", attacked.page_headers).body.decode(),
    ):
        assert "\u202e" not in body and "\u200b" not in body
    assert sum("<bdi>Rye/a&lt;U+202E&gt;gnp.md.md</bdi>" in body for body in shown) == 4
    answer = _post(attacked, "/page/decide", attacked.page_headers, {"accept": [{"id": 1}]})
    assert "\u202e" not in answer.json["said"]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("other", ["NFC", "NFD"])
def test_a_note_is_there_by_each_form_of_its_name(
    attacked: AttackedDaemon, form: Literal["NFC", "NFD"], other: Literal["NFC", "NFD"]
) -> None:
    path = normalize(form, "Crème/Brûlée.md")
    attacked.daemon_fixture.note(path)
    attacked.daemon_fixture.run(path)
    need = Need("tags", None, None, "property", "empty tags")
    attacked.daemon.proposals.add([NewProposal(path, need, ["a"])])
    attacked.daemon_fixture.rescan()
    named, folder = quote(normalize(other, path)), quote(normalize(other, "Crème"))
    for place in (f"inbox?path={named}", f"inbox?path={folder}", f"inbox/more?path={named}"):
        assert path in _get(attacked, f"/page/{place}", attacked.page_headers).body.decode(), place
    for place in (f"history?path={named}", f"history?path={folder}", f"vault?folder={folder}"):
        body = _get(attacked, f"/page/{place}", attacked.page_headers).body.decode()
        assert normalize("NFC", "Crème") in normalize("NFC", body.replace("Only", "")), place
        assert "Companion changed nothing" not in body and "no notes here" not in body, place
    for place in (f"proposals?path={named}", f"changes?path={named}", f"notes?folder={folder}"):
        answer = attacked.get(f"/{place}&filter=all" if "notes" in place else f"/{place}").json
        assert answer[place.partition("?")[0]], place
    attacked.daemon.proposals.forget([path], "")


DECIDED = [
    pytest.param(
        {"accept": [{"id": 10**9}]}, 200, '"there is no proposal 1000000000', id="unknown"
    ),
    pytest.param({"accept": [{"id": "1"}]}, 422, "", id="a text"),
    pytest.param({"accept": [{"id": 0}]}, 422, "", id="zero"),
    pytest.param({"accept": [{"id": 1}] * 100_001}, 413, "", id="too many"),
    pytest.param(
        {"accept": [{"id": 1, "text": "x" * 2**20}]}, 413, "A body has at most", id="too long"
    ),
    pytest.param({"take": [1]}, 422, "", id="an unknown word"),
    pytest.param([], 422, "", id="a list"),
]


@pytest.mark.parametrize(("body", "status", "words"), DECIDED)
def test_bad_decisions_are_refused(
    attacked: AttackedDaemon, body: object, status: int, words: str
) -> None:
    answer = _post(attacked, "/page/decide", attacked.page_headers, body)
    assert answer.status == status and words.encode() in answer.body


@pytest.mark.parametrize(
    ("state", "words"),
    [("superseded", b"a newer one took its place"), ("refused", b"it was refused already")],
)
def test_what_another_window_decided_is_not_written(
    attacked: AttackedDaemon, state: ProposalState, words: bytes
) -> None:
    need = Need("description", None, None, "property", "empty description")
    store = attacked.daemon.proposals
    [one] = store.add([NewProposal("Stub.md", need, "A stub.")])
    store.decide([one], state, "user", "")
    answer = _post(attacked, "/page/decide", attacked.page_headers, {"accept": [{"id": one}]})
    assert answer.status == 200 and words in answer.body
    assert answer.json["states"] == {str(one): state}
    attacked.daemon.proposals.forget(["Stub.md"], "")


@pytest.mark.parametrize("query", ["before=9&flagged=false", "before=9&flagged=true&path=A"])
def test_more_proposals_follow_as_the_inbox_is_scrolled(
    attacked: AttackedDaemon, query: str
) -> None:
    answer = _get(attacked, f"/page/inbox/more?{query}", attacked.page_headers)
    assert answer.status == 200, answer.body


def test_every_proposal_is_shown_however_many_are_flagged(attacked: AttackedDaemon) -> None:
    need = Need("description", None, None, "property", "empty description")
    new = [NewProposal(f"{number}.md", need, "A stub.") for number in range(50)]
    flagged = [each._replace(flags=("unsupported",)) for each in new[:40]]
    ids = attacked.daemon.proposals.add([*flagged, *new[40:]])
    left, found = ["/page/inbox"], list[str]()
    while left:
        shown = _get(attacked, left.pop(0), attacked.page_headers).body.decode()
        found += re.findall(r'data-id="(\d+)"', shown)
        left += [html.unescape(more) for more in re.findall(r'data-more="([^"]+)"', shown)]
    assert sorted(map(int, found)) == sorted(ids)
    attacked.daemon.proposals.forget([each.path for each in new], "")


def test_all_since_yesterday_is_what_the_history_shows(attacked: AttackedDaemon) -> None:
    keeper = attacked.daemon_fixture
    for path in ("Rye/Note.md", "Oats/Note.md"):
        keeper.note(path)
    keeper.run("Rye", "Oats")
    shown = _get(attacked, "/page/history?path=Rye", attacked.page_headers).body.decode()
    assert "Rye/Note.md" in shown and "Oats/Note.md" not in shown
    [body] = re.findall(r'id="undo-all" data-post="/page/undo" data-body="([^"]*)"', shown)
    answer = _post(attacked, "/page/undo", attacked.page_headers, json.loads(html.unescape(body)))
    assert answer.json["said"] == "1 change taken back."
    assert (keeper.read("Rye/Note.md"), keeper.read("Oats/Note.md")) == (STUB, FILLED)
    keeper.rescan()
    vault = _get(attacked, "/page/vault", attacked.page_headers).body.decode()
    rows = {row.partition('"')[0]: row for row in vault.split('href="?folder=')[1:]}
    bars = {name: re.findall(r"</meter> (\d+)%", row)[:2] for name, row in rows.items()}
    assert (bars["Rye"], bars["Oats"]) == (["0", "0"], ["100", "100"])


SAID = [
    pytest.param({"accept": 1}, "Written into A.md.", id="written"),
    pytest.param({"accept": 2}, "Written into 2 notes.", id="written into several"),
    pytest.param({"refuse": 1}, "Refused; it is not asked for again.", id="refused"),
    pytest.param({"refuse": 2}, "2 refused; they are not asked for again.", id="two refused"),
    pytest.param({"undo": 1}, "It waits again, as before.", id="taken back"),
    pytest.param({"undo": 2}, "2 wait again, as before.", id="two taken back"),
]


@pytest.mark.parametrize(("what", "words"), SAID)
def test_a_decision_is_told_of_in_words(
    attacked: AttackedDaemon, what: dict[str, int], words: str
) -> None:
    need = Need("description", None, None, "property", "empty description")
    paths, store = ["A.md", "B.md"], attacked.daemon.proposals
    for path in paths:
        attacked.daemon_fixture.note(path, "---\ndescription:\n---\nA stub.\n")
    ids = store.add([NewProposal(path, need, "What a stub is.") for path in paths])
    [(name, number)] = what.items()
    if name == "undo":
        store.decide(ids, "refused", "user", "")
    wanted = [{"id": each} if name == "accept" else each for each in ids[:number]]
    answer = _post(attacked, "/page/decide", attacked.page_headers, {name: wanted})
    assert answer.json["said"] == words
    for path in paths:
        (attacked.daemon_fixture.vault / path).unlink()
    store.forget(paths, "")


def test_the_sentences_that_nothing_supports_are_shown_with_what_comes_closest(
    attacked: AttackedDaemon,
) -> None:
    need = Need("description", None, None, "property", "empty description")
    evidence = [
        {"sentence": "It grows.", "shown": "It may grow.", "similarity": 0.9, "supported": True},
        {"sentence": "It is old.", "shown": "A stub.", "similarity": 0.2, "supported": False},
    ]
    new = NewProposal("A.md", need, "It grows. It is old.", flags=("unsupported",))
    [one] = attacked.daemon.proposals.add([new._replace(evidence=evidence)])
    row = _get(attacked, "/page/inbox", attacked.page_headers).body.decode()
    row = row[row.index(f'id="proposal-{one}"') :]
    assert re.search(r"look at:.*It is old\..*closest to it: A stub\.", row, re.DOTALL)
    assert "It may grow" not in row
    place = _get(attacked, f"/page/proposals/{one}", attacked.page_headers).body.decode()
    assert "closest to it: It may grow." in place and "It is old" not in place
    attacked.daemon.proposals.forget(["A.md"], "")


def test_an_empty_inbox_says_how_many_notes_need_something(attacked: AttackedDaemon) -> None:
    keeper = attacked.daemon_fixture
    keeper.rescan()
    to_do = attacked.daemon.status().to_do
    assert to_do and not attacked.daemon.proposals.count(Selection(states=("open",)))
    shown = _get(attacked, "/page/inbox", attacked.page_headers).body.decode()
    assert f"need something: {to_do};" in shown
