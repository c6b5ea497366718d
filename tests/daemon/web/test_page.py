"""The page's addresses: who gets to its document and its files, and what its sessions open."""

import json
import re
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Literal
from unicodedata import normalize
from urllib.parse import quote

import pytest

from companion.app.tokens import VaultTokens, client_token, rotate_token
from companion.app.types.status import NewToken
from companion.config import state_folder
from companion.daemon.access import new_code
from companion.daemon.app import STATIC_FILES
from companion.daemon.guard import SHELL
from companion.note.needs import Need
from companion.store.proposals import FLAG_WORDS, Proposal
from tests.daemon.attack_fixture import AttackedDaemon, Headers, attacked
from tests.daemon.caller import JSON, Answer, make_request
from tests.daemon.test_attacks import HOSTS, ORIGINS, TWICE

__all__ = ["attacked"]

SESSION = "/api/v1/session"
LINK: Headers = {
    "Sec-Fetch-Site": "cross-site",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
}


def _get(attacked: AttackedDaemon, path: str, headers: Headers) -> Answer:
    return attacked.send(make_request("GET", path, headers))


def _open_session(attacked: AttackedDaemon, headers: Headers, code: object) -> Answer:
    body = json_of({"code": code})
    return attacked.send(make_request("POST", SESSION, {**headers, "Content-Type": JSON}, body))


def json_of(value: object) -> bytes:
    """Return the value as JSON."""
    return json.dumps(value).encode()


def _own(attacked: AttackedDaemon) -> Headers:
    return {"Host": f"127.0.0.1:{attacked.port}"}


def _without(headers: Headers, name: str) -> Headers:
    return {key: value for key, value in headers.items() if key != name}


@pytest.mark.parametrize("path", sorted(SHELL))
def test_the_page_needs_no_token_and_holds_nothing(attacked: AttackedDaemon, path: str) -> None:
    answer = _get(attacked, path, _own(attacked))
    assert answer.status == 200 and b"Stub" not in answer.body
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self'" in policy and "unsafe" not in policy
    assert policy.endswith("; require-trusted-types-for 'script'; trusted-types 'none'")  # alone
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert answer.headers["cache-control"] == "no-store"
    assert b"style=" not in answer.body and b"<script>" not in answer.body


def test_a_link_from_anywhere_leads_to_the_page_alone(attacked: AttackedDaemon) -> None:
    link = {**_own(attacked), **LINK}
    assert _get(attacked, "/", link).status == 200
    for path in ("/api/v1/proposals", "/api/v1/status", f"/static/{STATIC_FILES[0]}"):
        assert _get(attacked, path, {**attacked.page_headers, **link}).status == 403, path
    for change in ({"Sec-Fetch-Dest": "iframe"}, {"Sec-Fetch-Mode": "cors"}):
        assert _get(attacked, "/", {**link, **change}).status == 403, change


@pytest.mark.parametrize("path", ["/nowhere", "/now", "/page/inbox", "/Stub.md"])
def test_who_follows_a_link_to_nothing_gets_a_page_that_says_so(
    attacked: AttackedDaemon, path: str
) -> None:
    answer = _get(attacked, path, {**_own(attacked), **LINK})
    assert answer.status == 404 and b"<!doctype html>" in answer.body
    assert _get(attacked, path, _own(attacked)).status == 401


def test_static_files_are_those_of_the_page(attacked: AttackedDaemon) -> None:
    for name in (*STATIC_FILES, "de.min.json"):
        assert _get(attacked, f"/static/{name}", _own(attacked)).status == 200, name
    for name in ("pages.py", "..", "page.html", "page.min.js/"):
        assert _get(attacked, f"/static/{name}", _own(attacked)).status == 404, name


def test_a_code_opens_one_session(attacked: AttackedDaemon) -> None:
    stranger = _without(attacked.page_headers, "Authorization")
    code = new_code(state_folder(attacked.daemon.root), purpose="page")
    for wrong in ("AAAA-AAAA", "", None):
        assert _open_session(attacked, stranger, wrong).status in (403, 422)
    answer = _open_session(attacked, stranger, code)
    assert answer.status == 200
    assert _open_session(attacked, stranger, code).status == 403
    session = {**stranger, "Authorization": f"Bearer {answer.json['token']}"}
    assert _get(attacked, "/api/v1/status", session).status == 200


def _spoiled(attacked: AttackedDaemon) -> dict[str, Headers]:
    headers = attacked.page_headers
    session = str(headers["Authorization"]).removeprefix("Bearer ")
    id_, mac = session.split(".")
    new = NewToken(name="page", scope="all")
    root = attacked.daemon.root
    values = {
        "nothing": "",
        "not signed": f"{id_}.{'0' * 64}",
        "another id": f"{'0' * 16}.{mac}",
        "nobody's": client_token(attacked.token, root, "0" * 16),
        "twice": f"{session}, Bearer {session}",
        "another vault's": VaultTokens(root / "A").make(new, 3600.0).token,
        "an old one": attacked.access.tokens.make(new, -1.0).token,
        "longer": f"{session}0",
        "quoted": f'"{session}"',
    }
    return {what: {**headers, "Authorization": f"Bearer {value}"} for what, value in values.items()}


def test_a_session_opens_the_api_and_no_spoiled_one_does(attacked: AttackedDaemon) -> None:
    for address in attacked.addresses:
        if address.method == "GET":
            assert attacked.send(address.request(attacked.page_headers)).status != 401, address
    for what, headers in _spoiled(attacked).items():
        attacked.assert_kept_out(attacked.addresses[0].request(headers), {401, 400}, what)


def test_a_session_ends_with_the_token(attacked: AttackedDaemon) -> None:
    headers = attacked.page_headers
    assert _get(attacked, "/api/v1/status", headers).status == 200
    attacked.token = rotate_token()
    assert _get(attacked, "/api/v1/status", headers).status == 401
    attacked.outside = attacked.look_outside()


def test_a_program_on_another_port_gets_nothing_that_opens_the_page(
    attacked: AttackedDaemon,
) -> None:
    """A browser sends the cookies of a host to all its ports (RFC 6265, section 8.5)."""
    host = f"127.0.0.1:{attacked.port}"
    page: Headers = {"Host": host, "Origin": f"http://{host}"}
    code = new_code(state_folder(attacked.daemon.root), purpose="page")
    answer = _open_session(attacked, page, code)
    cookies = SimpleCookie(answer.headers.get("set-cookie"))
    page["Cookie"] = "; ".join(f"{name}={each.value}" for name, each in cookies.items())
    assert _get(attacked, "/api/v1/proposals", page).status == 401
    attacked.assert_nobody_came_in()


def test_no_other_host_or_origin_gets_to_the_page(attacked: AttackedDaemon) -> None:
    hosts = [{"Host": attacked.fill([] if host is None else host)} for host in [*HOSTS, *TWICE]]
    origins = [{name: attacked.fill(value) for name, value in row.items()} for row in ORIGINS]
    for row in [*hosts, *origins]:
        for path in ("/", "/inbox", f"/static/{STATIC_FILES[0]}", "/api/v1/proposals"):
            answer = _get(attacked, path, {**attacked.page_headers, **row})
            assert answer.status in (400, 403, 421), (row, path)
    attacked.assert_nobody_came_in()


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("other", ["NFC", "NFD"])
def test_a_note_is_there_by_each_form_of_its_name(
    attacked: AttackedDaemon, form: Literal["NFC", "NFD"], other: Literal["NFC", "NFD"]
) -> None:
    path = normalize(form, "Crème/Brûlée.md")
    attacked.daemon_fixture.note(path)
    attacked.daemon_fixture.run(path)
    need = Need("tags", None, None, "property", "empty tags")
    attacked.daemon.space.journal.proposals.add([Proposal(path, need, ["a"])])
    attacked.daemon_fixture.rescan()
    named, folder = quote(normalize(other, path)), quote(normalize(other, "Crème"))
    for place in (f"proposals?path={named}", f"changes?path={named}", f"notes?folder={folder}"):
        answer = attacked.get(f"/{place}&filter=all" if "notes" in place else f"/{place}").json
        assert answer[place.partition("?")[0]], place
    attacked.daemon.space.journal.proposals.forget([path], "")


def test_flags_are_said_alike_on_the_page_and_in_the_terminal() -> None:
    plugin = Path(__file__).parents[3] / "obsidian-plugin"
    words = json.loads((plugin / "ui/languages/en.json").read_text("utf-8"))["view"]
    keys = re.findall(r'"?([\w-]+)"?: \["\w+", "(\w+)"', (plugin / "ui/proposal.js").read_text())
    shown = {flag: words[key].replace("’", "'") for flag, key in keys}
    assert shown == {flag: f"{why[0].upper()}{why[1:]}." for flag, why in FLAG_WORDS.items()}
