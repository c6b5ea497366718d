"""Attacks on every route that the API documents: nobody gets in, or out of the vault."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import jsonschema_rs
import pytest

from companion import __version__
from companion.daemon.access import replace_token
from companion.daemon.app import PAGES
from tests.daemon.attack_fixture import AttackedDaemon, Headers, attacked, let_out, look
from tests.daemon.caller import JSON, assert_is_problem, assert_is_secured, make_request
from tests.daemon.daemon_fixture import FILLED, STUB, eventually

__all__ = ["attacked"]


def test_the_same_requests_come_in_without_the_attack(attacked: AttackedDaemon) -> None:
    """Each is answered as the document says, in a vault with a change and proposals."""
    attacked.daemon_fixture.run("Stub.md")
    attacked.daemon_fixture.run("A/Stub.md", propose=True)
    document = attacked.get("/openapi.json").json
    operations = [told for path in document["paths"].values() for told in path.values()]
    assert len({told["operationId"] for told in operations}) == len(operations)
    came_in = 0
    for address, told in zip(attacked.addresses, operations, strict=True):
        assert told["summary"]
        answer = attacked.send(address.request(attacked.headers))
        assert answer.status in {200, 403, 404, 422}, address
        came_in += answer.status == 200
        answers = told["responses"]
        documented = answers.get(str(answer.status), answers["default"])["content"]
        schema = documented[answer.headers["content-type"]]["schema"]
        jsonschema_rs.validate({"components": document["components"], **schema}, answer.json)
    assert came_in >= 15
    references = set(re.findall(r"'#/components/schemas/(\w+)'", str(document)))
    assert references <= set(document["components"]["schemas"])


HOSTS = [
    *(None, "", "127.0.0.1", "localhost", ":PORT", "127.0.0.1:80", "127.0.0.1:0PORT"),
    *("127.0.0.1:PORT/", "127.0.0.1:PORT:PORT", "127.0.0.1 :PORT", "127.0.0.1.:PORT"),
    *("127.0.0.2:PORT", "0x7f000001:PORT", "2130706433:PORT", "0.0.0.0:PORT", "[::1]:PORT"),
    *("localhost.:PORT", "LOCALHOST:PORT", "foo.localhost:PORT", "localhost.example.com:PORT"),
    *("127.0.0.1.nip.io:PORT", "rebind.example:PORT", "127.0.0.1:PORT@evil.example"),
    *("http://127.0.0.1:PORT", "127.0.0.1:PORT, evil.example", "127.0.0.1%3APORT", "null"),
    *("127.0.0.1:PORT, 127.0.0.1:PORT", "127。0。0。1:PORT".encode().decode("latin-1"), "*"),
]


def test_no_other_host_gets_in(attacked: AttackedDaemon) -> None:
    for turn, host in enumerate(HOSTS):
        headers = attacked.headers | {"Host": attacked.fill([] if host is None else host)}
        headers |= {"X-Forwarded-Host": f"localhost:{attacked.port}"}
        for address in attacked.some(turn):
            attacked.assert_kept_out(address.request(headers), {421}, host)
        assert attacked.send(make_request("GET", "/", headers)).status == 421
    attacked.assert_nobody_came_in()


ORIGINS = [
    *("null", "", "*", "https://127.0.0.1:PORT", "http://127.0.0.1", "http://localhost:1"),
    *("http://127.0.0.1:PORT/", "http://127.0.0.1:PORT.evil.example", "http://evil.example:PORT"),
    *("http://[::1]:PORT", "HTTP://LOCALHOST:PORT", "app://obsidian.md", "file://"),
    *("http://127.0.0.1:PORT http://evil.example", "http://127.0.0.1:PORT, http://evil.example"),
]


def test_no_page_of_another_origin_gets_in(attacked: AttackedDaemon) -> None:
    for turn, origin in enumerate(ORIGINS):
        headers = attacked.headers | {"Origin": attacked.fill(origin)}
        for address in attacked.some(turn):
            attacked.assert_kept_out(address.request(headers), {403}, origin)
    attacked.assert_nobody_came_in()


TOKENS = [
    *("", "Bearer", "Bearer ", "Bearer x", "Bearer TOKENx", "Bearer xTOKEN", "Basic TOKEN"),
    *("TOKEN", "Bearer TOKEN, Bearer TOKEN", "Bearer TOKEN TOKEN", "Bearer \u00e4", "Token TOKEN"),
    *("Bearer ImFiYyI.aVbw5Q.bm90IHNpZ25lZCBieSB1cw", "Bearer " + "9" * 5000),
]


def test_nobody_gets_in_without_the_token(attacked: AttackedDaemon) -> None:
    for turn, token in enumerate([None, *TOKENS]):
        headers: Headers = {"Host": f"127.0.0.1:{attacked.port}"}
        if token is not None:
            headers["Authorization"] = attacked.fill(token)
        for address in attacked.some(turn):
            if not address.is_open:
                attacked.assert_kept_out(address.request(headers), {401}, token)
    for target in ("/nowhere", "/api/v1/nowhere", "/api/v1/status?token=" + attacked.token):
        request = make_request("GET", target, {"Host": f"127.0.0.1:{attacked.port}"})
        attacked.assert_kept_out(request, {401}, target)
    attacked.assert_nobody_came_in()


def test_a_session_opens_the_api_until_the_token_is_replaced(attacked: AttackedDaemon) -> None:
    headers = attacked.page_headers
    for address in attacked.addresses:
        if address.method == "GET":
            assert attacked.send(address.request(headers)).status != 401, address
    spoiled = headers | {"Authorization": str(headers["Authorization"])[:-1]}
    attacked.assert_kept_out(attacked.addresses[0].request(spoiled), {401}, "spoiled")
    attacked.token = replace_token()
    attacked.assert_kept_out(attacked.addresses[0].request(headers), {401}, "replaced")
    attacked.outside = attacked.look_outside()


BODIES: list[tuple[dict[str, str], bytes, int]] = [
    ({}, b"{}", 415),
    ({"Content-Type": "text/plain"}, b"{}", 415),
    ({"Content-Type": f"{JSON}x"}, b"{}", 415),
    ({"Content-Type": "application/x-www-form-urlencoded"}, b"a=b", 415),
    ({"Content-Type": JSON, "Content-Encoding": "gzip"}, b"{}", 415),
    ({"Content-Type": JSON}, b" " * (1024 * 1024 + 1), 413),
]


def test_only_json_comes_in(attacked: AttackedDaemon) -> None:
    for turn, (headers, body, status) in enumerate(BODIES):
        for address in attacked.some(turn):
            if address.method == "POST":
                named = attacked.headers | headers
                answer = attacked.send(make_request("POST", address.target, named, body))
                assert answer.status == status, (address, headers)
    attacked.assert_nobody_came_in()


def test_other_methods_are_refused(attacked: AttackedDaemon) -> None:
    for method in ("PUT", "DELETE", "PATCH", "TRACE", "OPTIONS"):
        for address in attacked.addresses:
            request = make_request(method, address.target, attacked.headers)
            attacked.assert_kept_out(request, {405}, (method, address))
    attacked.assert_nobody_came_in()


@pytest.mark.parametrize("path", PAGES)
def test_the_page_needs_no_token_and_holds_nothing(attacked: AttackedDaemon, path: str) -> None:
    answer = attacked.send(make_request("GET", path, {"Host": f"localhost:{attacked.port}"}))
    assert answer.status == 200 and b"Stub" not in answer.body
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self'" in policy and "unsafe" not in policy
    assert policy.endswith("; require-trusted-types-for 'script'; trusted-types 'none'")
    assert answer.headers["cache-control"] == "no-store"
    assert b"style=" not in answer.body and b"<script>" not in answer.body


def test_no_other_file_is_served(attacked: AttackedDaemon) -> None:
    for name in ("page.min.js", "page.min.css", "icon.svg"):
        path, host = f"/static/{name}", {"Host": f"localhost:{attacked.port}"}
        answer = attacked.send(make_request("GET", path, host))
        assert answer.status == 200 and answer.headers["cache-control"] == "no-cache"
        known = {**host, "If-None-Match": answer.headers["etag"]}
        assert attacked.send(make_request("GET", path, known)).status == 304
    for name in ("app.py", "..", "../app.py", "..%2fapp.py", "%2e%2e/app.py", "/etc/passwd"):
        assert_is_problem(attacked.ask("GET", f"/static/{name}"), 404)


def test_health_needs_no_token_and_tells_who_it_is(attacked: AttackedDaemon) -> None:
    answer = attacked.send(make_request("GET", "/healthz", {"Host": f"localhost:{attacked.port}"}))
    told = {"status": "ok", "name": "callout-companion", "version": __version__}
    assert (answer.status, answer.json) == (200, told)
    assert_is_secured(answer)


PATHS = [
    *("/etc/passwd", "//etc/passwd", "../secret.md", "..", ".", "./Stub.md"),
    *("../../../../etc/passwd", "A/../Stub.md", "A/../../secret.md", "A/..", "A/.", "A/./Stub.md"),
    *("A//Stub.md", "A/", "/", "/A", "//server/share/note.md", "\\\\server\\share\\note.md"),
    *("\\Windows\\win.ini", "..\\secret.md", "A\\..\\..\\secret.md", "A\\Stub.md"),
    *("C:\\Windows\\win.ini", "C:/Windows/win.ini", "c:note.md", "C:", "\\\\?\\C:\\note.md"),
    *("\\\\.\\pipe\\x", "Stub.md\0", "Stub.md\0.png", "\0", "A/\0/Stub.md", "../vault/Stub.md"),
    *("A/../../vault/Stub.md", "Stub.md/..", "../", "..//secret.md", "A/../A/../A/../../secret.md"),
    *("Stub.md\n", "x" * 256, "ä" * 200, "a/" * 3000 + "a"),
]


def test_no_path_leads_out_of_the_vault(attacked: AttackedDaemon) -> None:
    for turn, path in enumerate(PATHS):
        for what, request in _asking_for(attacked, path, turn):
            answer = attacked.send(request)
            if answer.status != 431:  # too long for an address at all
                assert answer.status == 422 and answer.json["errors"], what
    attacked.assert_nobody_came_in()


# Paths of the right form, in a vault where links lead out, and where much is not to be had.
LEADS = [
    *("out.md", "out", "chain.md", "chain", "dangling.md", "absolute.md", "passwd.md"),
    *("environment.md", "loop.md", "loop.md/x.md", "turn", "turn/Stub.md", "out/Stub.md"),
    *("out/Stub", "out/A", "out/A/Stub.md", "out/nowhere.md", "out/" + "deep/" * 40 + "Stub.md"),
    *("beside", "beside/Stub.md", "root", "root/etc/passwd", "root/proc/self/environ", "root/root"),
    *("A/up", "A/up/secret.md", "A/up/vault-2/Stub.md", "A/up/vault/Stub.md", "A/up/home/token"),
    *("A/up/home/config.toml", "round/out.md", "round/round/round/out/Stub.md", "round/Stub.md"),
    *("inner/Stub.md", "inner/up/secret.md", "folder.md", "folder.md/x.md", "pipe.md", ".obsidian"),
    *(".obsidian/plugins/x/data.json", ".trash/Gone.md", ".trash/gone.md", ".Hidden.md"),
    *("A/.git/Note.md", "~", "~/secret.md", "$HOME/secret.md", "%2e%2e%2fsecret.md"),
    *("..%2fsecret.md", "...", "file:secret.md", "Nowhere.md", "\u2025/secret.md"),
    *("\uff0e\uff0e/secret.md", "..\u2215secret.md", " ", "-", "x" * 255, "a/" * 2040 + "a"),
]
WAYS: list[dict[str, object]] = [
    {"all": True, "mode": "replace", "retry": True, "diff": True},
    {"section": "Stub", "priority": "interactive"},
]


def test_no_link_or_hidden_name_leads_to_a_file(attacked: AttackedDaemon) -> None:
    answers = []
    for turn, path in enumerate(LEADS):
        asked = _asking_for(attacked, path, turn)
        answers += [(what, attacked.send(request)) for what, request in asked]
        answers += [((path, way), attacked.post("/runs", {"paths": [path], **way})) for way in WAYS]
    runs = list(attacked.daemon.runs.values())
    eventually(lambda: all(run.is_over for run in runs))
    answers += [(run.id, attacked.get(f"/runs/{run.id}")) for run in runs]
    assert not [what for what, answer in answers if answer.status not in (200, 404, 422, 431)]
    assert not [run for run in runs if set(run.counts) - {"skipped"}]
    assert attacked.daemon_fixture.model.calls() == 0
    assert look(attacked.daemon_fixture.vault) == attacked.inside


BEYOND = [("out/A/Stub.md", "out/B/Stub.md"), ("root/etc", "root/no-such-folder")]


def test_nobody_learns_what_lies_beyond_a_link(attacked: AttackedDaemon) -> None:
    for there, nowhere in BEYOND:
        said = attacked.post("/runs", {"paths": [there]}).json["detail"].replace(there, "")
        other = attacked.post("/runs", {"paths": [nowhere]}).json["detail"]
        assert said == other.replace(nowhere, "")
        assert "leads out of the vault" in said


def _asking_for(attacked: AttackedDaemon, path: str, turn: int) -> Iterator[tuple[object, bytes]]:
    """Yield a request for the path in each field, or some, that takes one."""
    headers = attacked.headers
    for address in attacked.some(turn, parts=3):
        for place in address.places:
            value = [path] if isinstance(address.body[place], list) else path
            yield (address.target, place, path), address.request(headers, fields={place: value})
        for name in address.queries:
            needed = address.needed if name not in address.needed else ""
            target = f"{address.target}?{needed}{name}={quote(path, safe='')}"
            yield (address.target, name, path), address.request(headers, target)


# A folder that becomes a link, out of the vault, while the daemon works on a note in it.
ORDER = {"paths": ["A/Stub.md"], "priority": "interactive"}
WAYS_OUT = [pytest.param("A", id="its folder"), pytest.param("A/Stub.md", id="the note itself")]


@pytest.mark.parametrize("what", WAYS_OUT)
def test_an_answer_is_not_written_through_a_link(attacked: AttackedDaemon, what: str) -> None:
    attacked.daemon_fixture.model.think()
    run = attacked.post("/runs", ORDER).json["id"]
    eventually(lambda: attacked.daemon_fixture.model.calls() == 1)
    let_out(attacked, what, STUB)
    attacked.daemon_fixture.model.answer()
    told = _follow(attacked, run)
    assert told["counts"] in ({"failed": 1}, {"skipped": 1})
    assert attacked.get("/changes").json["changes"] == []


@pytest.mark.parametrize("what", WAYS_OUT)
def test_a_change_is_not_made_through_a_link(attacked: AttackedDaemon, what: str) -> None:
    run = attacked.post("/runs", ORDER).json["id"]
    change = _follow(attacked, run)["results"][0]["change"]
    assert attacked.daemon_fixture.read("A/Stub.md") == FILLED
    let_out(attacked, what, FILLED)
    answers = [
        attacked.post("/changes/undo", {"ids": [change]}),
        attacked.post("/runs", ORDER | {"mode": "replace", "diff": True}),
        attacked.post("/runs", {"paths": ["A"], "all": True, "mode": "replace"}),
    ]
    assert {answer.status for answer in answers} <= {200, 409, 422}
    eventually(lambda: all(run.is_over for run in attacked.daemon.runs.values()))
    assert len(attacked.get("/changes").json["changes"]) == 1


def test_an_editor_gets_no_edits_through_a_link(attacked: AttackedDaemon) -> None:
    attacked.report_open("A/Stub.md")
    attacked.post("/runs", ORDER)
    eventually(lambda: attacked.report_open("A/Stub.md"))
    [row] = attacked.report_open("A/Stub.md")
    place = f"/outbox/{row['id']}"
    offer = attacked.post(f"{place}/edits", {"text": STUB}).json["offer"]
    let_out(attacked, "A", STUB)
    again = attacked.post(f"{place}/edits", {"text": STUB})
    assert again.status == 409 and "symbolic link" in again.json["detail"]
    hashes = {name: offer[name] for name in ("base_sha256", "new_sha256")}
    made = attacked.post(f"{place}/applied", hashes).json
    attacked.report_open()
    [back] = attacked.post("/changes/undo", {"ids": [made["change"]]}).json["undone"]
    assert back["undone_by"] is None


def _follow(attacked: AttackedDaemon, run: str) -> dict[str, Any]:
    eventually(lambda: attacked.get(f"/runs/{run}").json["state"] not in ("queued", "running"))
    told: dict[str, Any] = attacked.get(f"/runs/{run}").json
    return told
