"""The attack table: addresses and paths that lead elsewhere, on every route and in every field."""

from collections.abc import Iterator
from urllib.parse import quote

from tests.daemon.attack_fixture import AttackedDaemon, attacked, look
from tests.daemon.caller import Answer
from tests.daemon.daemon_fixture import eventually

__all__ = ["attacked"]

# ROUTE is the route's own address; all of these carry the token.
TARGETS = [
    *("/ROUTE", "//ROUTE", "/.ROUTE", "/..ROUTE", "/./ROUTE", "/x/..ROUTE", "/%2e%2eROUTE"),
    *("/%2fROUTE", "/%5cROUTE", "\\ROUTE", "ROUTE/", "ROUTE/.", "ROUTE/..", "ROUTE/../.."),
    *("ROUTE//", "ROUTE;x", "ROUTE;x=y", "ROUTE%00", "ROUTE%00.json", "ROUTE\x00"),
    *("ROUTE%0d%0aX:y", "ROUTE%20", "ROUTE%3f", "ROUTE%23", "ROUTE#x"),
    *("ROUTE%2f..%2f..%2fetc%2fpasswd", "ROUTE/..%252f..%252fetc%252fpasswd"),
    *("ROUTE/%c0%ae%c0%ae/%c0%ae%c0%ae/etc/passwd", "ROUTE/%e0%80%ae%e0%80%ae/etc/passwd"),
    *("ROUTE/....//....//etc/passwd", "ROUTE/..\\..\\windows\\win.ini"),
    *("ROUTE/%uff0e%uff0e/etc/passwd", "ROUTE\xe4", "ROUTE?path=a\xe4", "ROUTE~", "ROUTE.bak"),
    *("http://127.0.0.1:PORTROUTE", "http://evil.exampleROUTE", "https://localhost:PORTROUTE"),
    *("file:///etc/passwd", "127.0.0.1:PORTROUTE", "*", "ROUTE" + "/a" * 600, "/static/../ROUTE"),
]


def test_no_trick_with_the_address_gets_in(attacked: AttackedDaemon) -> None:
    assert len(TARGETS) >= 40
    for turn, target in enumerate(TARGETS):
        for address in attacked.some(turn):
            asked = target.replace("PORT", str(attacked.port)).replace("ROUTE", address.target)
            request = address.request(attacked.headers, asked)
            attacked.assert_kept_out(request, {400, 404}, (address.target, target))
    attacked.assert_nobody_came_in()


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
    assert len(PATHS) >= 40
    for turn, path in enumerate(PATHS):
        for what, place, request in _asking_for(attacked, path, turn):
            answer = attacked.send(request)
            if answer.status != 431:  # too long for an address at all
                _assert_refused_at(answer, place, what)
    assert attacked.asked >= 40 * 3
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
        answers += [(what, attacked.send(request)) for what, _, request in asked]
        answers += [((path, way), attacked.post("/runs", {"paths": [path], **way})) for way in WAYS]
    runs = list(attacked.daemon.runs.values())
    eventually(lambda: all(run.is_over for run in runs))
    answers += [(run.id, attacked.get(f"/runs/{run.id}")) for run in runs]
    assert not [what for what, answer in answers if answer.status not in (200, 202, 404, 422, 431)]
    assert attacked.asked >= len(LEADS) * 6
    assert not [run for run in runs if set(run.counts) - {"skipped"}]
    assert attacked.daemon_fixture.model.calls() == 0
    assert look(attacked.daemon_fixture.vault) == attacked.inside


BEYOND = [("out/A/Stub.md", "out/B/Stub.md"), ("root/etc", "root/no-such-folder")]


def test_nobody_learns_what_lies_beyond_a_link(attacked: AttackedDaemon) -> None:
    for name in ("path", "folder"):
        for there, nowhere in BEYOND:
            said = attacked.get(f"/notes?{name}={there}").json["detail"].replace(there, "")
            other = attacked.get(f"/notes?{name}={nowhere}").json["detail"]
            assert said == other.replace(nowhere, "")
            assert "leads out of the vault" in said


def test_a_path_in_a_query_is_decoded_once(attacked: AttackedDaemon) -> None:
    answer = attacked.get("/note?path=%252e%252e%252fsecret.md")
    assert answer.status == 404
    assert "there is no %2e%2e%2fsecret.md" in answer.json["detail"]


def _asking_for(
    attacked: AttackedDaemon, path: str, turn: int
) -> Iterator[tuple[object, str, bytes]]:
    """Yield a request for the path in each field, or some, that takes one, and where that is."""
    headers = attacked.headers
    for address in attacked.some(turn, parts=3):
        for place in address.places:
            value = [path] if isinstance(address.body[place], list) else path
            request = address.request(headers, fields={place: value})
            yield (address.target, path), f"body/{place}", request
        for name in address.queries:
            target = f"{address.target}?{address.needed}{name}={quote(path, safe='')}"
            yield (target, path), f"query/{name}", address.request(headers, target)


def _assert_refused_at(answer: Answer, place: str, what: object) -> None:
    assert answer.status == 422, what
    where = [error["where"] for error in answer.json["errors"]]
    assert where in ([place], [f"{place}/0"]), what
