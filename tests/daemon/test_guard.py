import re

import pytest

from companion import __version__
from companion.daemon.guard import MAX_BODY
from tests.daemon.caller import JSON, Answer, make_request
from tests.daemon.conftest import Served

STATUS = "/api/v1/status"
PAUSE = "/api/v1/pause"
SECURITY = {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


def assert_is_problem(answer: Answer, status: int, method: str = "GET") -> None:
    assert answer.status == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert_is_secured(answer)
    if method != "HEAD":
        problem = answer.json
        assert problem["status"] == status
        assert problem["title"] and problem["detail"] and problem["type"]


def assert_is_secured(answer: Answer) -> None:
    for name, value in SECURITY.items():
        assert answer.headers.get(name) == value
    assert not [name for name in answer.headers if name.startswith("access-control-")]
    assert not {"server", "via", "x-powered-by"} & set(answer.headers)
    shown = repr(answer.headers) + answer.body.decode()
    assert not re.search(r"waitress|werkzeug|flask|python", shown, re.IGNORECASE)


def test_lets_the_owner_in(server: Served) -> None:
    answer = server.ask("GET", STATUS)
    assert answer.status == 200
    assert answer.headers["content-type"] == JSON
    assert_is_secured(answer)
    again = server.get("/status", If_None_Match=answer.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    assert_is_secured(again)


LET_IN: list[dict[str, str | list[str]]] = [
    {"Host": "localhost:PORT"},
    {"Origin": "http://127.0.0.1:PORT"},
    {"Origin": "http://localhost:PORT"},
    {"Sec-Fetch-Site": "none"},  # typed into the browser
    {"Sec-Fetch-Site": "same-origin"},
    {"authorization": "bearer TOKEN", "Authorization": []},  # in any case
]


def test_lets_in(server: Served) -> None:
    for headers in LET_IN:
        filled = {
            name: value.replace("PORT", str(server.port)).replace("TOKEN", server.token)
            if isinstance(value, str)
            else value
            for name, value in headers.items()
        }
        request = make_request("GET", STATUS, server.headers | filled)
        assert server.send(request).status == 200, headers


def test_no_cache_keeps_an_answer(server: Served) -> None:
    run = server.post("/runs", {"paths": ["Stub.md"]}).json["id"]
    for path in ("/status", "/notes", "/runs", f"/runs/{run}", "/changes"):
        answer = server.get(path)
        assert (answer.status, answer.headers["cache-control"]) == (200, "no-store"), path
        again = server.get(path, If_None_Match=answer.headers["etag"])
        assert (again.status, again.headers["cache-control"]) == (304, "no-store"), path


def test_health_needs_no_token_and_tells_who_it_is(server: Served) -> None:
    answer = server.send(make_request("GET", "/healthz", {"Host": f"localhost:{server.port}"}))
    told = {"status": "ok", "name": "callout-companion", "version": __version__}
    assert (answer.status, answer.json) == (200, told)
    assert_is_secured(answer)


def test_health_is_told_to_a_client_of_any_version(server: Served) -> None:
    for version in ("0.0.1", "1000.0"):
        assert server.ask("GET", "/healthz", Companion_Version=version).status == 200


CLIENTS = {
    "ours": (__version__, 200, ""),
    "ours, before its release": ("0.3.0-beta.1", 200, ""),
    "newer: what was added is not asked of us": ("0.99.3", 200, ""),
    "too old": ("0.1.0", 422, "is too old for Companion"),
    "too new": ("1000.0.0", 422, "is too new for Companion"),
    "the next that breaks": ("1.0.0", 422, "is too new for Companion"),
    "no version": ("latest", 200, ""),
    "two numbers": ("0.0", 422, "is too old for Companion"),
    "empty": ("", 200, ""),
    "a long one": ("9" * 5000 + ".0", 200, ""),
}


def test_a_clients_version(server: Served) -> None:
    for label, (version, status, words) in CLIENTS.items():
        answer = server.get("/status", Companion_Version=version)
        assert answer.status == status and words in answer.json.get("detail", ""), label
        if words:
            assert_is_problem(answer, 422)
            assert answer.json["type"].split(":")[-1] in ("client-too-old", "client-too-new")


FAULTS: dict[str, tuple[str, str, dict[str, str], bytes, int]] = {
    "options: no cross-origin answers": ("OPTIONS", STATUS, {}, b"", 405),
    "put": ("PUT", STATUS, {}, b"", 405),
    "delete": ("DELETE", STATUS, {}, b"", 405),
    "patch nowhere": ("PATCH", "/nowhere", {}, b"", 405),
    "trace": ("TRACE", STATUS, {}, b"", 405),
    "connect": ("CONNECT", STATUS, {}, b"", 405),
    "method in lower case": ("get", STATUS, {}, b"", 400),
    "post where one reads": ("POST", STATUS, {"Content-Type": JSON}, b"{}", 405),
    "get where one does": ("GET", PAUSE, {}, b"", 405),
    "head nowhere": ("HEAD", "/nowhere", {}, b"", 404),
    "slash at the end": ("GET", "/api/v1/status/", {}, b"", 404),
    "get with a body": ("GET", "/healthz", {}, b"x", 400),
    "no type": ("POST", PAUSE, {}, b"{}", 415),
    "text": ("POST", PAUSE, {"Content-Type": "text/plain"}, b"{}", 415),
    "two types": ("POST", PAUSE, {"Content-Type": f"{JSON}, {JSON}"}, b"{}", 415),
    "like json": ("POST", PAUSE, {"Content-Type": f"{JSON}x"}, b"{}", 415),
    "utf-16": ("POST", PAUSE, {"Content-Type": f"{JSON}; charset=utf-16"}, b"{}", 415),
    "form": ("POST", PAUSE, {"Content-Type": "application/x-www-form-urlencoded"}, b"a=b", 415),
    "gzip": ("POST", PAUSE, {"Content-Type": JSON, "Content-Encoding": "gzip"}, b"{}", 415),
    "chunks": ("POST", PAUSE, {"Content-Type": JSON, "Transfer-Encoding": "chunked"}, b"", 411),
    "coding": ("POST", PAUSE, {"Content-Type": JSON, "Transfer-Encoding": "gzip"}, b"", 501),
    "two lengths": ("POST", PAUSE, {"Content-Type": JSON, "Content-Length": "2"}, b"{}", 400),
    "headers too large": ("GET", STATUS, {"X": "y" * 17_000}, b"", 431),
    "address too long": ("GET", STATUS + "?a=" + "y" * 17_000, {}, b"", 431),
}


def test_refuses(server: Served) -> None:
    for label, (method, target, headers, body, status) in FAULTS.items():
        request = make_request(method, target, server.headers | headers, body)
        answer = server.send(request, has_body=method != "HEAD")
        assert answer.status == status, label
        assert_is_problem(answer, status, method)
        assert server.ask("GET", STATUS).status == 200, label


def test_says_which_methods_are_taken(server: Served) -> None:
    assert server.ask("PUT", STATUS).headers["allow"] == "GET, HEAD"
    assert server.ask("GET", PAUSE).headers["allow"] == "POST"
    assert server.ask("PUT", "/nowhere").headers["allow"] == "GET, HEAD, POST"


BODIES = [
    pytest.param("Content-Length: {}", 413, id="by its length"),
    pytest.param("Expect: 100-continue\r\nContent-Length: {}", 413, id="asked for first"),
    pytest.param("Expect: 100-continue\r\nTransfer-Encoding: chunked", 411, id="asked, in chunks"),
]


@pytest.mark.parametrize(("header", "status"), BODIES)
def test_refuses_a_body_before_it_comes(server: Served, header: str, status: int) -> None:
    head = make_request("GET", PAUSE, server.headers | {"Content-Type": JSON})[4:-2]
    request = b"POST " + head + header.format(MAX_BODY + 1).encode() + b"\r\n\r\n"
    assert_is_problem(server.send(request), status)


def test_takes_the_largest_body(server: Served) -> None:
    body = b"{}" + b" " * (MAX_BODY - 2)
    assert server.ask("POST", PAUSE, body, Content_Type=JSON).status == 200


def test_reads_no_second_request_out_of_a_body(server: Served) -> None:
    hidden = make_request("POST", PAUSE, server.headers | {"Content-Type": JSON}, b"{}")
    head = f"GET {STATUS} HTTP/1.0\r\nHost: 127.0.0.1:{server.port}\r\nConnection: keep-alive\r\n"
    with server.open(head.encode() + b"Transfer-Encoding: chunked\r\n\r\n" + hidden) as line:
        got = b"".join(iter(lambda: line.recv(65536), b""))
    assert got.startswith(b"HTTP/1.0 411 ") and got.count(b"HTTP/1.") == 1
    assert not server.get("/status").json["paused"]
