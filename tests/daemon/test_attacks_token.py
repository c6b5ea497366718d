"""The attack table: requests without the token, on every route that the API documents."""

from base64 import b64encode
from hashlib import sha256

from companion.app.tokens import client_token, rotate_token
from companion.app.types.status import SCOPES, NewToken, Scope, is_within
from companion.config import state_folder
from companion.daemon.access import new_code
from tests.daemon.attack_fixture import NO_RUN, AttackedDaemon, Headers, attacked
from tests.daemon.caller import JSON, make_request

__all__ = ["attacked"]

# SHORT: the token without its end; OTHER: the token of a client of another vault; CODE: a code
# to pair with; HASH: the token's hash.
TOKENS: list[Headers] = [
    {},
    {"Authorization": ""},
    {"Authorization": "Bearer"},
    {"Authorization": "Bearer "},
    {"Authorization": "TOKEN"},
    {"Authorization": "BearerTOKEN"},
    {"Authorization": "Bearer\tTOKEN"},
    {"Authorization": "Basic TOKEN"},
    {"Authorization": "Basic BASIC"},
    {"Authorization": "Token TOKEN"},
    {"Authorization": "Bearer SHORT"},
    {"Authorization": "Bearer TOKENx"},
    {"Authorization": "Bearer TOKEN="},
    {"Authorization": "Bearer UPPER"},
    {"Authorization": 'Bearer "TOKEN"'},
    {"Authorization": "Bearer TOKEN TOKEN"},
    {"Authorization": "Bearer TOKEN, Bearer TOKEN"},
    {"Authorization": "Bearer TOKEN;"},
    {"Authorization": "Bearer TOKEN\x00"},
    {"Authorization": "Bearer TOKEN\xa0"},
    {"Authorization": "Bearer \xfc\xe9"},
    {"Authorization": "Bearer null"},
    {"Authorization": "Bearer " + "a" * 10_000},
    {"Authorization": ["Bearer TOKEN", "Bearer TOKEN"]},
    {"Authorization": ["Bearer x", "Bearer TOKEN"]},
    {"Authorization": "Bearer OTHER"},
    {"Authorization": "Bearer CODE"},
    {"Authorization": "Bearer HASH"},
    {"Authorization_": "Bearer TOKEN"},
    {"HTTP_AUTHORIZATION": "Bearer TOKEN"},
    {"Proxy-Authorization": "Bearer TOKEN"},
    {"X-Authorization": "Bearer TOKEN"},
    {"Cookie": "token=TOKEN; Authorization=Bearer TOKEN"},
]
IN_QUERY = ["token", "access_token", "bearer", "authorization", "Authorization"]


def test_nobody_gets_in_without_the_token(attacked: AttackedDaemon) -> None:
    assert len(TOKENS) >= 20
    token = attacked.token
    meant = {
        "SHORT": token[:-1],
        "UPPER": token.upper(),
        "BASIC": b64encode(f"user:{token}".encode()).decode(),
        "OTHER": client_token(token, attacked.world / "vault-2"),
        "CODE": new_code(state_folder(attacked.daemon_fixture.vault)),
        "HASH": sha256(token.encode()).hexdigest(),
    }
    for turn, fault in enumerate(TOKENS):
        headers: Headers = {"Host": f"127.0.0.1:{attacked.port}"}
        headers |= {name: _fill(attacked, value, meant) for name, value in fault.items()}
        for address in attacked.some(turn):
            if not address.is_open:
                attacked.assert_kept_out(address.request(headers), {401, 400}, fault)
    attacked.assert_nobody_came_in()


def test_no_token_is_taken_from_the_address(attacked: AttackedDaemon) -> None:
    headers: Headers = {"Host": f"127.0.0.1:{attacked.port}"}
    for name in IN_QUERY:
        for address in attacked.addresses:
            if not address.is_open:
                target = f"{address.target}?{name}={attacked.token}"
                attacked.assert_kept_out(address.request(headers, target), {401}, name)
    attacked.assert_nobody_came_in()


def test_a_rotated_token_opens_nothing(attacked: AttackedDaemon) -> None:
    headers = attacked.headers
    client = attacked.access.tokens.make(NewToken(name="x", scope="all")).token
    paired = headers | {"Authorization": f"Bearer {client}"}
    assert attacked.send(attacked.addresses[0].request(paired)).status == 200
    rotated = rotate_token()
    for address in attacked.addresses:
        if not address.is_open:
            attacked.assert_kept_out(address.request(headers), {401}, address)
            attacked.assert_kept_out(address.request(paired), {401}, address)
    attacked.token, attacked.outside = rotated, attacked.look_outside()
    assert attacked.get("/status").status == 200


SCOPE_OF_POSTS: dict[Scope, set[str]] = {  # that of all others is `all`, and of GET `read`
    "read": {"/scan"},
    "decide": {
        *("/presence", "/proposals/decide", "/proposals/again"),
        "/proposals/999/again",
        *("/changes/undo", "/changes/undo-all", "/changes/999/undo"),
        *("/proposals/decide-all", "/runs/RUN/cancel"),
        *(f"/outbox/999/{name}" for name in ("edits", "withdraw", "applied")),
    },
}


def test_each_route_takes_tokens_of_its_scope_and_those_above(attacked: AttackedDaemon) -> None:
    scopes = {path: scope for scope, paths in SCOPE_OF_POSTS.items() for path in paths}
    for scope in SCOPES:
        token = attacked.access.tokens.make(NewToken(name=scope, scope=scope)).token
        headers = attacked.headers | {"Authorization": f"Bearer {token}"}
        for address in attacked.addresses:
            path = address.target.removeprefix("/api/v1").replace(NO_RUN, "RUN")
            needed: Scope = "read" if address.method == "GET" and path != "/tokens" else "all"
            needed = scopes.get(path, needed) if address.method == "POST" else needed
            assert address.is_open or address.scope == needed, address
            answer = attacked.send(address.request(headers))
            is_in = address.is_open or is_within(needed, scope)
            is_out = answer.status == 403 and answer.json["code"] == "insufficient-scope"
            assert answer.status != 401 and is_out is not is_in, (scope, address, answer)
            assert is_in or f'scope="{needed}"' in answer.headers["www-authenticate"]


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
    "/api/v1/proof/../status",
    "/api/v1/proof/",
    "/api/v1/proof/x",
    "http://127.0.0.1/healthz",
]


def test_the_open_addresses_open_no_other(attacked: AttackedDaemon) -> None:
    headers: Headers = {"Host": f"127.0.0.1:{attacked.port}", "Content-Type": JSON}
    for target in OPEN_BY_TRICKS:
        for method in ("GET", "HEAD", "POST"):
            request = make_request(method, target, headers)
            answer = attacked.send(request, has_body=method != "HEAD")
            assert answer.status in (401, 400), (method, target)
    attacked.assert_nobody_came_in()


def _fill(
    attacked: AttackedDaemon, value: str | list[str], meant: dict[str, str]
) -> str | list[str]:
    if isinstance(value, str):
        for name, what in meant.items():
            value = value.replace(name, what)
    return attacked.fill(value)
