"""The attack table: what must not get in, on every route that the API documents."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest

from tests.daemon.caller import JSON, Answer, make_request
from tests.daemon.conftest import TOKEN, Served
from tests.daemon.test_guard import assert_is_secured

Headers = dict[str, str | list[str]]


class Address(NamedTuple):
    """One route of the API."""

    method: str
    target: str
    is_open: bool
    places: tuple[str, ...]  # of paths in its body
    queries: tuple[str, ...]  # that are paths

    def request(self, headers: Headers, target: str | None = None, body: bytes = b"{}") -> bytes:
        """Return a request that comes in unless headers or target keep it out."""
        is_post = self.method == "POST"
        typed = {"Content-Type": JSON} if is_post else {}
        return make_request(
            self.method, target or self.target, headers | typed, body if is_post else b""
        )


@pytest.fixture
def addresses(server: Served) -> list[Address]:
    document = server.get("/openapi.json").json
    return list(_addresses(document))


def _addresses(document: dict[str, Any]) -> Iterator[Address]:
    for path, operations in document["paths"].items():
        for method, told in operations.items():
            body = json.dumps(told.get("requestBody", {}))
            model = re.search(r"schemas/(\w+)", body)
            fields = document["components"]["schemas"][model[1]]["properties"] if model else {}
            yield Address(
                method.upper(),
                path.replace("{run}", "20261125-104412-3f9a").replace("{change}", "1"),
                told.get("security") == [],
                tuple(name for name in fields if name in ("path", "paths", "open")),
                tuple(
                    field["name"]
                    for field in told.get("parameters", [])
                    if field["name"] in ("path", "folder", "after")
                ),
            )


def test_the_same_requests_come_in_without_the_attack(
    server: Served, addresses: list[Address]
) -> None:
    assert len(addresses) >= 17
    came_in = [server.send(address.request(server.headers)) for address in addresses]
    assert {answer.status for answer in came_in} <= {200, 404, 422}
    assert sum(answer.status == 200 for answer in came_in) >= 9


HOSTS = [
    None,
    "",
    "127.0.0.1",
    "localhost",
    "127.0.0.1:",
    "localhost:",
    ":PORT",
    "PORT",
    "127.0.0.1:0",
    "127.0.0.1:80",
    "127.0.0.1:443",
    "127.0.0.1:PORT0",
    "127.0.0.1:0PORT",
    "127.0.0.1:+PORT",
    "127.0.0.1:PORT.",
    "127.0.0.1:PORT/",
    "127.0.0.1:PORT#",
    "127.0.0.1:PORT?x",
    "127.0.0.1:PORT:PORT",
    "127.0.0.1 :PORT",
    "127.0.0.1: PORT",
    "127.0.0.1.:PORT",
    "127.0.0.2:PORT",
    "127.1:PORT",
    "127.0.1:PORT",
    "127.000.000.001:PORT",
    "0177.0.0.1:PORT",
    "0x7f.0.0.1:PORT",
    "0x7f000001:PORT",
    "2130706433:PORT",
    "0.0.0.0:PORT",
    "0:PORT",
    "[::1]:PORT",
    "[::]:PORT",
    "::1:PORT",
    "[::ffff:127.0.0.1]:PORT",
    "[127.0.0.1]:PORT",
    "localhost.:PORT",
    "LOCALHOST:PORT",
    "Localhost:PORT",
    "localhost.localdomain:PORT",
    "ip6-localhost:PORT",
    "foo.localhost:PORT",
    "localhost.example.com:PORT",
    "127.0.0.1.example.com:PORT",
    "127.0.0.1.nip.io:PORT",
    "localtest.me:PORT",
    "rebind.example:PORT",
    "example.com",
    "evil@127.0.0.1:PORT",
    "127.0.0.1:PORT@evil.example",
    "user:pass@localhost:PORT",
    "http://127.0.0.1:PORT",
    "//127.0.0.1:PORT",
    "127.0.0.1:PORT, evil.example",
    "evil.example, 127.0.0.1:PORT",
    "127.0.0.1:PORT, 127.0.0.1:PORT",
    "127.0.0.1:PORT;evil.example",
    "127.0.0.1:PORT evil.example",
    "127.0.0.1:PORT\x0b",
    "127.0.0.1:PORT\xa0",
    "loc\xe4lhost:PORT",
    "127。0。0。1:PORT".encode().decode("latin-1"),
    "127.0.0.1%3APORT",
    "%6cocalhost:PORT",
    "*",
    "null",
    "169.254.169.254",
]
TWICE = [
    ["127.0.0.1:PORT", "127.0.0.1:PORT"],
    ["127.0.0.1:PORT", "evil.example"],
    ["evil.example", "localhost:PORT"],
    ["127.0.0.1:PORT", ""],
]


def test_no_other_host_gets_in(server: Served, addresses: list[Address]) -> None:
    assert len(HOSTS) + len(TWICE) >= 60
    for host in [*HOSTS, *TWICE]:
        headers = server.headers | {"Host": _fill(server, [] if host is None else host)}
        forwarded = f"localhost:{server.port}"
        headers |= {"X-Forwarded-Host": forwarded, "Forwarded": f"host={forwarded}"}
        for address in addresses:
            _assert_kept_out(server, address.request(headers), {421, 400}, host)


ORIGINS: list[Headers] = [
    {"Origin": "null"},
    {"Origin": ""},
    {"Origin": "*"},
    {"Origin": "https://127.0.0.1:PORT"},
    {"Origin": "http://127.0.0.1"},
    {"Origin": "http://localhost:1"},
    {"Origin": "http://127.0.0.1:PORT/"},
    {"Origin": "http://127.0.0.1:PORT.evil.example"},
    {"Origin": "http://evil.example:PORT"},
    {"Origin": "http://[::1]:PORT"},
    {"Origin": "HTTP://LOCALHOST:PORT"},
    {"Origin": "app://obsidian.md"},
    {"Origin": "file://"},
    {"Origin": "chrome-extension://abcdefghijklmnop"},
    {"Origin": ["http://127.0.0.1:PORT", "http://evil.example"]},
    {"Origin": ["http://127.0.0.1:PORT", "http://127.0.0.1:PORT"]},
    {"Origin": "http://127.0.0.1:PORT http://evil.example"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": ""},
    {"Sec-Fetch-Site": "Same-Origin"},
    {"Sec-Fetch-Site": ["same-origin", "cross-site"]},
    {"Sec-Fetch-Site": "none, none"},
    {"Origin": "http://127.0.0.1:PORT", "Sec-Fetch-Site": "cross-site"},
    {"Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"},
    {"Origin": "null", "Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "no-cors"},
]


def test_no_page_of_another_origin_gets_in(server: Served, addresses: list[Address]) -> None:
    assert len(ORIGINS) >= 20
    for named in ORIGINS:
        headers = server.headers | {name: _fill(server, value) for name, value in named.items()}
        for address in addresses:
            _assert_kept_out(server, address.request(headers), {403}, named)


TOKENS: list[Headers] = [
    {},
    {"Authorization": ""},
    {"Authorization": "Bearer"},
    {"Authorization": "Bearer "},
    {"Authorization": TOKEN},
    {"Authorization": f"Bearer{TOKEN}"},
    {"Authorization": f"Bearer\t{TOKEN}"},
    {"Authorization": f"Basic {TOKEN}"},
    {"Authorization": "Basic dXNlcjp0MGtlbi1PZl90aGUub3duZXJ+MQ=="},
    {"Authorization": f"Token {TOKEN}"},
    {"Authorization": f"Bearer {TOKEN[:-1]}"},
    {"Authorization": f"Bearer {TOKEN}x"},
    {"Authorization": f"Bearer {TOKEN}="},
    {"Authorization": f"Bearer {TOKEN.upper()}"},
    {"Authorization": f'Bearer "{TOKEN}"'},
    {"Authorization": f"Bearer {TOKEN} {TOKEN}"},
    {"Authorization": f"Bearer {TOKEN}, Bearer {TOKEN}"},
    {"Authorization": f"Bearer {TOKEN};"},
    {"Authorization": f"Bearer {TOKEN}\x00"},
    {"Authorization": f"Bearer {TOKEN}\xa0"},
    {"Authorization": "Bearer \xfc\xe9"},
    {"Authorization": "Bearer null"},
    {"Authorization": "Bearer " + "a" * 10_000},
    {"Authorization": [f"Bearer {TOKEN}", f"Bearer {TOKEN}"]},
    {"Authorization": ["Bearer x", f"Bearer {TOKEN}"]},
    {"Authorization_": f"Bearer {TOKEN}"},
    {"HTTP_AUTHORIZATION": f"Bearer {TOKEN}"},
    {"Proxy-Authorization": f"Bearer {TOKEN}"},
    {"X-Authorization": f"Bearer {TOKEN}"},
    {"Cookie": f"token={TOKEN}; Authorization=Bearer {TOKEN}"},
]
IN_QUERY = ["token", "access_token", "bearer", "authorization", "Authorization"]


def test_nobody_gets_in_without_the_token(server: Served, addresses: list[Address]) -> None:
    assert len(TOKENS) >= 20
    for fault in TOKENS:
        headers: Headers = {"Host": f"127.0.0.1:{server.port}", **fault}
        for address in addresses:
            if not address.is_open:
                _assert_kept_out(server, address.request(headers), {401, 400}, fault)


def test_no_token_is_taken_from_the_address(server: Served, addresses: list[Address]) -> None:
    headers: Headers = {"Host": f"127.0.0.1:{server.port}"}
    for name in IN_QUERY:
        for address in addresses:
            if not address.is_open:
                target = f"{address.target}?{name}={TOKEN}"
                _assert_kept_out(server, address.request(headers, target), {401}, name)


OPEN_BY_TRICKS = [
    "/healthz/../api/v1/status",
    "/healthz/%2e%2e/api/v1/status",
    "/healthz;/../api/v1/status",
    "//healthz",
    "/healthz/",
    "/healthz#/api/v1/status",
    "/HEALTHZ",
    "/%68ealthz",
    "/api/v1/pair/../status",
    "http://127.0.0.1/healthz",
]


@pytest.mark.parametrize("target", OPEN_BY_TRICKS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_the_open_addresses_open_no_other(server: Served, method: str, target: str) -> None:
    headers: Headers = {"Host": f"127.0.0.1:{server.port}", "Content-Type": JSON}
    answer = server.send(make_request(method, target, headers), has_body=method != "HEAD")
    assert answer.status in (401, 400)


# ROUTE is the route's own address; all of these carry the token.
TARGETS = [
    "/ROUTE",
    "//ROUTE",
    "/.ROUTE",
    "/..ROUTE",
    "/./ROUTE",
    "/x/..ROUTE",
    "/%2e%2eROUTE",
    "/%2fROUTE",
    "/%5cROUTE",
    "\\ROUTE",
    "ROUTE/",
    "ROUTE/.",
    "ROUTE/..",
    "ROUTE/../..",
    "ROUTE//",
    "ROUTE;x",
    "ROUTE;x=y",
    "ROUTE%00",
    "ROUTE%00.json",
    "ROUTE\x00",
    "ROUTE%0d%0aX:y",
    "ROUTE%20",
    "ROUTE%3f",
    "ROUTE%23",
    "ROUTE#x",
    "ROUTE%2f..%2f..%2fetc%2fpasswd",
    "ROUTE/..%252f..%252fetc%252fpasswd",
    "ROUTE/%c0%ae%c0%ae/%c0%ae%c0%ae/etc/passwd",
    "ROUTE/%e0%80%ae%e0%80%ae/etc/passwd",
    "ROUTE/....//....//etc/passwd",
    "ROUTE/..\\..\\windows\\win.ini",
    "ROUTE/%uff0e%uff0e/etc/passwd",
    "ROUTE\xe4",
    "ROUTE?path=a\xe4",
    "ROUTE~",
    "ROUTE.bak",
    "http://127.0.0.1:PORTROUTE",
    "http://evil.exampleROUTE",
    "https://localhost:PORTROUTE",
    "file:///etc/passwd",
    "127.0.0.1:PORTROUTE",
    "*",
    "ROUTE" + "/a" * 600,
    "/static/../ROUTE",
]


def test_no_trick_with_the_address_gets_in(server: Served, addresses: list[Address]) -> None:
    assert len(TARGETS) >= 40
    for target in TARGETS:
        for address in addresses:
            asked = target.replace("PORT", str(server.port)).replace("ROUTE", address.target)
            request = address.request(server.headers, asked)
            _assert_kept_out(server, request, {400, 404}, (address.target, target))


PATHS = [
    "/etc/passwd",
    "//etc/passwd",
    "../secret.md",
    "..",
    ".",
    "./Stub.md",
    "../../../../etc/passwd",
    "A/../Stub.md",
    "A/../../secret.md",
    "A/..",
    "A/.",
    "A/./Stub.md",
    "A//Stub.md",
    "A/",
    "/",
    "/A",
    "//server/share/note.md",
    "\\\\server\\share\\note.md",
    "\\Windows\\win.ini",
    "..\\secret.md",
    "A\\..\\..\\secret.md",
    "A\\Stub.md",
    "C:\\Windows\\win.ini",
    "C:/Windows/win.ini",
    "c:note.md",
    "C:",
    "\\\\?\\C:\\note.md",
    "\\\\.\\pipe\\x",
    "Stub.md\0",
    "Stub.md\0.png",
    "\0",
    "A/\0/Stub.md",
    "../vault/Stub.md",
    "A/../../vault/Stub.md",
    "Stub.md/..",
    "../",
    "..//secret.md",
    "A/../A/../A/../../secret.md",
    "Stub.md\n",
    "x" * 256,
    "ä" * 200,
    "a/" * 3000 + "a",
]


def test_no_path_leads_out_of_the_vault(server: Served, addresses: list[Address]) -> None:
    assert len(PATHS) >= 40
    tried = 0
    for path in PATHS:
        for address in addresses:
            for place in address.places:
                body = json.dumps({place: path if place == "path" else [path]}).encode()
                answer = server.send(address.request(server.headers, body=body))
                _assert_refused_at(answer, f"body/{place}", (address.target, path))
                tried += 1
            for name in address.queries:
                target = f"{address.target}?{name}={quote(path, safe='')}"
                answer = server.send(address.request(server.headers, target))
                if answer.status != 431:  # too long for an address at all
                    _assert_refused_at(answer, f"query/{name}", (address.target, path))
                tried += 1
    assert tried >= 40 * 8


def test_a_path_in_a_query_is_decoded_once(server: Served) -> None:
    answer = server.get("/notes?path=%252e%252e%252fsecret.md")
    assert answer.status == 422
    assert "there is no %2e%2e%2fsecret.md" in answer.json["detail"]


def _assert_refused_at(answer: Answer, place: str, what: object) -> None:
    assert answer.status == 422, what
    places = [error["where"] for error in answer.json["errors"]]
    assert any(where.startswith(place) for where in places), what


def _assert_kept_out(server: Served, request: bytes, statuses: set[int], what: object) -> None:
    answer = server.send(request)
    assert answer.status in statuses, (what, answer)
    assert answer.headers["content-type"] == "application/problem+json"
    assert_is_secured(answer)


def _fill(server: Served, value: str | list[str]) -> str | list[str]:
    port = str(server.port)
    if isinstance(value, str):
        return value.replace("PORT", port)
    return [one.replace("PORT", port) for one in value]
