"""A real daemon behind its real server, a vault full of ways out, and what is outside it."""

import json
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest

from companion.config import state_folder
from companion.daemon.daemon import Daemon
from tests.cli.user import let_it_rest
from tests.daemon.caller import JSON, Answer, assert_is_secured, make_request
from tests.daemon.conftest import Serving
from tests.daemon.daemon_fixture import STUB, DaemonFixture, eventually
from tests.examples import IS_RELEASE

__all__ = ["Address", "AttackedDaemon", "Headers", "attack", "attacked", "let_out", "look"]

Headers = dict[str, str | list[str]]

_MARK = "Kestrel 7731"  # stands in every file that nobody may get to
_SECRET = STUB.replace("Text of mine.", f"{_MARK}, outside.")
NO_RUN = "20261125-104412-3f9a"
_PATH = r"[^/\\\u0000]{1,255}"  # stands in the pattern of every path
_FILL: dict[str, object] = {
    "text": STUB,
    "path": "Stub.md",
    "client": "x",
    "fill": False,
    "code": "AAAA-AAAA",
    "nonce": "0" * 64,
    "name": "no model of the catalogue",
    "base_sha256": "0" * 64,
    "new_sha256": "1" * 64,
    "agent": "x",
    "script": "x",
    "field": "description",
    "kind": "tags",
    "value": "What a stub is.",
    "decision": "accept",
    "ids": [1],
    "change": 999,
    "changes": [999],
    "proposals": [999],
}
_Seen = dict[str, tuple[object, ...]]


class Address(NamedTuple):
    """One route of the API. is_open: it needs no token. body, needed: a body and the start of a
    query that come in; places, queries: its fields that are paths.
    """

    method: str
    target: str
    is_open: bool
    body: dict[str, object]
    places: tuple[str, ...]
    queries: tuple[str, ...]
    needed: str

    def request(
        self,
        headers: Headers,
        target: str | None = None,
        fields: Mapping[str, object] = MappingProxyType({}),
    ) -> bytes:
        """Return a request that comes in unless headers, target or fields keep it out."""
        is_post = self.method == "POST"
        typed = {"Content-Type": JSON} if is_post else {}
        body = json.dumps({**self.body, **fields}).encode() if is_post else b""
        usual = f"{self.target}?{self.needed}".rstrip("?&")
        return make_request(self.method, target or usual, headers | typed, body)


class AttackedDaemon(Serving[Daemon]):
    """The daemon as `serve` puts it together; no answer may hold what nobody may get to."""

    def __init__(self, daemon_fixture: DaemonFixture) -> None:
        self.daemon_fixture = daemon_fixture
        self.world = daemon_fixture.vault.parent
        self.asked = 0
        _lay_out(daemon_fixture)
        state = state_folder(daemon_fixture.vault)
        state.mkdir(parents=True, exist_ok=True)
        (state / "paused").touch()
        daemon_fixture.settings["backlog"] = "ask"
        super().__init__(daemon_fixture.start())
        eventually(lambda: daemon_fixture.status().ready)
        self.outside, self.inside = self.look_outside(), look(daemon_fixture.vault)
        self.addresses = list(_addresses(self.get("/openapi.json").json))

    def some(self, turn: int, parts: int = 6) -> list[Address]:
        """Return the routes for one attack of many: all before a release, else some in turn."""
        return self.addresses if IS_RELEASE else self.addresses[turn % parts :: parts]

    def send(self, request: bytes, *, has_body: bool = True) -> Answer:
        self.asked += 1
        answer = super().send(request, has_body=has_body)
        self.assert_tells_nothing(repr(answer.headers).encode() + answer.body)
        return answer

    def assert_tells_nothing(self, said: bytes) -> None:
        for secret in (_MARK, self.token, "root:x:0:"):
            assert secret.encode() not in said

    def assert_outside_untouched(self) -> None:
        """Files outside are byte for byte, and in time, what they were; no model heard of them."""
        assert self.look_outside() == self.outside
        assert self.daemon_fixture.model.calls(_MARK) == 0

    def assert_nobody_came_in(self) -> None:
        """Nothing is otherwise than before anybody asked."""
        self.assert_outside_untouched()
        assert look(self.daemon_fixture.vault) == self.inside
        status = self.daemon_fixture.status()
        assert (status.paused, status.open_notes, status.newest_change) == (True, 0, 0)
        assert list(self.daemon.runs.values()) == []
        assert self.daemon_fixture.model.calls() == 0

    def assert_kept_out(self, request: bytes, statuses: set[int], what: object) -> None:
        """The request is refused with one of these statuses."""
        answer = self.send(request)
        assert answer.status in statuses, (what, answer)
        assert answer.headers["content-type"] == "application/problem+json"
        assert_is_secured(answer)

    def fill(self, value: str | list[str]) -> str | list[str]:
        """Return a header's values with the port and the token that are meant."""
        if isinstance(value, list):
            return [str(self.fill(one)) for one in value]
        return value.replace("PORT", str(self.port)).replace("TOKEN", self.token)

    def look_outside(self) -> _Seen:
        """Return what is outside the vault, the token among it."""
        home = self.world / "home"
        files = {"token": read_facts(home / "token")}
        return files | look(self.world, leave=(self.daemon_fixture.vault, home))


@pytest.fixture
def attacked(daemon_fixture: DaemonFixture) -> Iterator[AttackedDaemon]:
    """The daemon, paused, with nothing done yet; in the end nothing outside is touched."""
    with attack(daemon_fixture) as served:
        yield served


@contextmanager
def attack(daemon_fixture: DaemonFixture) -> Iterator[AttackedDaemon]:
    """What the fixture gives, for tests that share one."""
    served = AttackedDaemon(daemon_fixture)
    yield served
    served.stop()
    served.assert_outside_untouched()


def let_out(attacked: AttackedDaemon, what: str, text: str) -> None:
    """Put a link out of the vault in the place of a file or folder; text: of the note there."""
    moved, there = attacked.daemon_fixture.vault / what, attacked.world / "moved" / what
    there.parent.mkdir(parents=True)
    moved.rename(there)
    note = there / "Stub.md" if there.is_dir() else there
    note.write_text(text, encoding="utf-8")
    let_it_rest(note)
    moved.symlink_to(there)
    attacked.outside = attacked.look_outside()


def look(folder: Path, leave: tuple[Path, ...] = ()) -> _Seen:
    """Return what everything in the folder is: kind, size, times of change, content."""
    seen: _Seen = {".": read_facts(folder)}
    for here, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if Path(here, name) not in leave]
        for name in (*folders, *files):
            file = Path(here, name)
            seen[str(file.relative_to(folder))] = read_facts(file)
    return seen


def read_facts(file: Path) -> tuple[object, ...]:
    """Return what the file, folder or link is."""
    is_now = file.lstat()
    content: object = None
    if stat.S_ISLNK(is_now.st_mode):
        content = file.readlink()
    elif stat.S_ISREG(is_now.st_mode):
        content = file.read_bytes()
    return is_now.st_mode, is_now.st_ino, is_now.st_mtime_ns, is_now.st_ctime_ns, content


def _lay_out(daemon_fixture: DaemonFixture) -> None:
    """Make notes, what is outside the vault, and the ways that lead there."""
    vault, world = daemon_fixture.vault, daemon_fixture.vault.parent
    daemon_fixture.note("Stub.md")
    daemon_fixture.note("A/Stub.md")
    deep = "/".join(["deep"] * 40)
    hidden = (".obsidian/plugins/x/data.json", ".trash/Gone.md", ".Hidden.md", "A/.git/Note.md")
    beside = ("../secret.md", "../vault-2/Stub.md", "../outside/Stub.md", "../outside/A/Stub.md")
    for path in (*hidden, *beside, f"../outside/{deep}/Stub.md"):
        daemon_fixture.note(path, _SECRET)
    links = {
        "out.md": "../secret.md",
        "chain.md": "out.md",
        "dangling.md": "../nowhere.md",
        "absolute.md": str(world / "secret.md"),
        "passwd.md": "/etc/passwd",
        "environment.md": "/proc/self/environ",
        "loop.md": "loop.md",
        "out": "../outside",
        "beside": "../vault-2",
        "root": "/",
        "A/up": "../..",
        "round": ".",
        "turn": "turn",
        "inner": "A",
    }
    for name, target in links.items():
        (vault / name).symlink_to(target)
    (vault / "folder.md").mkdir()
    os.mkfifo(vault / "pipe.md")


def _addresses(document: dict[str, Any]) -> Iterator[Address]:
    for path, operations in document["paths"].items():
        for method, told in operations.items():
            sent = told.get("requestBody", {}).get("content", {}).get(JSON, {}).get("schema", {})
            model = document["components"]["schemas"].get(sent.get("$ref", "").split("/")[-1], {})
            fields = model.get("properties", {})
            places = {name: _stub(field) for name, field in fields.items() if _is_path(field)}
            filled = {name: _FILL[name] for name in model.get("required", ()) if name in _FILL}
            queries = [one for one in told.get("parameters", ()) if one["in"] == "query"]
            yield Address(
                method.upper(),
                path.replace("runs/{id}", f"runs/{NO_RUN}").replace("{id}", "999"),
                {} in told["security"],
                filled | places,
                tuple(places),
                tuple(one["name"] for one in queries if _is_path(one["schema"])),
                "".join(
                    f"{one['name']}={_FILL[one['name']]}&" for one in queries if one["required"]
                ),
            )


def _is_path(schema: dict[str, Any]) -> bool:
    return _PATH in str(schema.get("pattern") or schema.get("items", {}).get("pattern"))


def _stub(schema: dict[str, Any]) -> object:
    return ["Stub.md"] if schema.get("type") == "array" else "Stub.md"
