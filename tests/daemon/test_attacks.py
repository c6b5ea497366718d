"""The attack table: senders that must not get in, on every route that the API documents."""

from tests.daemon.attack_fixture import AttackedDaemon, Headers, attacked

__all__ = ["attacked"]


def test_the_same_requests_come_in_without_the_attack(attacked: AttackedDaemon) -> None:
    assert len(attacked.addresses) == 60
    came_in = [attacked.send(one.request(attacked.headers)) for one in attacked.addresses]
    assert {answer.status for answer in came_in} <= {200, 202, 403, 404}
    assert sum(answer.status in (200, 202) for answer in came_in) == 43
    attacked.assert_outside_untouched()


HOSTS = [
    *(None, "", "127.0.0.1", "localhost", "127.0.0.1:", "localhost:", ":PORT", "PORT"),
    *("127.0.0.1:0", "127.0.0.1:80", "127.0.0.1:443", "127.0.0.1:PORT0", "127.0.0.1:0PORT"),
    *("127.0.0.1:+PORT", "127.0.0.1:PORT.", "127.0.0.1:PORT/", "127.0.0.1:PORT#"),
    *("127.0.0.1:PORT?x", "127.0.0.1:PORT:PORT", "127.0.0.1 :PORT", "127.0.0.1: PORT"),
    *("127.0.0.1.:PORT", "127.0.0.2:PORT", "127.1:PORT", "127.0.1:PORT", "127.000.000.001:PORT"),
    *("0177.0.0.1:PORT", "0x7f.0.0.1:PORT", "0x7f000001:PORT", "2130706433:PORT", "0.0.0.0:PORT"),
    *("0:PORT", "[::1]:PORT", "[::]:PORT", "::1:PORT", "[::ffff:127.0.0.1]:PORT"),
    *("[127.0.0.1]:PORT", "localhost.:PORT", "LOCALHOST:PORT", "Localhost:PORT"),
    *("localhost.localdomain:PORT", "ip6-localhost:PORT", "foo.localhost:PORT"),
    *("localhost.example.com:PORT", "127.0.0.1.example.com:PORT", "127.0.0.1.nip.io:PORT"),
    *("localtest.me:PORT", "rebind.example:PORT", "example.com", "evil@127.0.0.1:PORT"),
    *("127.0.0.1:PORT@evil.example", "user:pass@localhost:PORT", "http://127.0.0.1:PORT"),
    *("//127.0.0.1:PORT", "127.0.0.1:PORT, evil.example", "evil.example, 127.0.0.1:PORT"),
    *("127.0.0.1:PORT, 127.0.0.1:PORT", "127.0.0.1:PORT;evil.example"),
    *("127.0.0.1:PORT evil.example", "127.0.0.1:PORT\x0b", "127.0.0.1:PORT\xa0"),
    *("loc\xe4lhost:PORT", "127。0。0。1:PORT".encode().decode("latin-1"), "127.0.0.1%3APORT"),
    *("%6cocalhost:PORT", "*", "null", "169.254.169.254"),
]
TWICE = [
    ["127.0.0.1:PORT", "127.0.0.1:PORT"],
    ["127.0.0.1:PORT", "evil.example"],
    ["evil.example", "localhost:PORT"],
    ["127.0.0.1:PORT", ""],
]


def test_no_other_host_gets_in(attacked: AttackedDaemon) -> None:
    assert len(HOSTS) + len(TWICE) >= 60
    for turn, host in enumerate([*HOSTS, *TWICE]):
        headers = attacked.headers | {"Host": attacked.fill([] if host is None else host)}
        forwarded = f"localhost:{attacked.port}"
        headers |= {"X-Forwarded-Host": forwarded, "Forwarded": f"host={forwarded}"}
        for address in attacked.some(turn):
            attacked.assert_kept_out(address.request(headers), {421, 400}, host)
    attacked.assert_nobody_came_in()


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


def test_no_page_of_another_origin_gets_in(attacked: AttackedDaemon) -> None:
    assert len(ORIGINS) >= 20
    for turn, named in enumerate(ORIGINS):
        headers = attacked.headers | {name: attacked.fill(value) for name, value in named.items()}
        for address in attacked.some(turn):
            attacked.assert_kept_out(address.request(headers), {403}, named)
    attacked.assert_nobody_came_in()
