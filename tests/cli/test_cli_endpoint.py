"""Endpoints and models that fail a run: what it says, when it ends, and that no key is shown.

What each fault of an endpoint is called is tested with the client, in tests/llm.
"""

import json

import pytest

from tests.cli.user import FILLED, KEY, SAYS, STUB, User, answer_by_schema
from tests.examples import labelled
from tests.llm.fake_endpoint import Scene, Seen, answer, error

THOUGHT = answer("", "length", reasoning_content="Hm")


def with_notes(user: User, number: int, text: str = STUB, *, at_once: int = 1) -> User:
    user.configure(f"[endpoint]\nconcurrency = {at_once}\n")
    for each in range(number):
        user.note(f"{each}.md", text)
    return user


def test_the_key_is_sent_and_never_shown(user: User) -> None:
    with_notes(user, 1)
    shown = [user.run(*command).all for command in (["prompt", "0"], ["enrich", "."])]
    assert user.fake.seen[0].headers["authorization"] == f"Bearer {KEY}"
    assert not any(KEY in text for text in shown)
    kept = [path for path in user.home.rglob("*") if path.is_file()]
    assert not any(KEY.encode() in path.read_bytes() for path in kept)
    user.note("1.md")
    user.fake.play(error(401, f"bad key {KEY}"))
    assert KEY not in user.run("enrich", ".").all
    with pytest.raises(Exception, match="does not accept the key") as caught:
        user.run("enrich", ".", "--debug")
    assert KEY not in str(caught.getrepr(style="long", showlocals=False))


def test_prompt_is_exactly_what_is_sent(user: User) -> None:
    with_notes(user, 1)
    told = user.run("prompt", "0").out
    [call] = user.run("prompt", "0", "--json").objects
    user.run("enrich", ".")
    body = user.fake.seen[0].body
    assert call["messages"] == body["messages"]
    assert call["schema"] == body["response_format"]["json_schema"]["schema"]
    assert all(message["content"] in told for message in call["messages"])


STOPPED = {
    "thinks for ever": (THOUGHT, "was all thoughts"),
    "rejected": (Scene(400, b'{"error": "no"}'), "rejects the request"),
}


@labelled(("scene", "words"), STOPPED)
def test_the_same_fault_note_after_note_ends_the_run(user: User, scene: Scene, words: str) -> None:
    with_notes(user, 30, at_once=4).fake.play(scene)
    ran = user.run("enrich", ".")
    assert ran.status == 1 and ran.err.count("\n") == 1
    assert ran.err.startswith("companion: 3 notes in a row got no answer") and words in ran.err
    assert "not done" in ran.out and "✓" not in ran.out
    assert 3 <= ran.out.count("✗") <= 12


def think(seen: Seen, _n: int) -> Scene:
    """Think, and answer in addition where that has room."""
    if seen.body["max_tokens"] < 2000:
        return THOUGHT
    scene = answer_by_schema(seen, SAYS)
    data = json.loads(scene.body)
    data["choices"][0]["message"]["reasoning_content"] = "Hm"
    return scene._replace(body=json.dumps(data).encode())


def test_a_model_that_thinks_gets_room_for_it(user: User) -> None:
    with_notes(user, 1).fake.script = think
    assert user.run("enrich", ".").status == 0 and user.read("0.md") == FILLED


def test_a_limit_ends_a_run_of_several_at_once(user: User) -> None:
    with_notes(user, 24)
    user.configure("[endpoint]\nconcurrency = 4\n[limits]\ntokens_a_day = 6000\n")
    user.says({"prompt_tokens": 700, "completion_tokens": 300})
    ran = user.run("enrich", ".")
    assert ran.status == 1 and ran.err.startswith("companion: The limit of 6,000 tokens a day")
    assert 3 <= user.calls() <= 6
    assert f"{user.calls()} enriched, {24 - user.calls()} not done" in ran.out
    assert "✗" not in ran.out, "nothing was asked about the others"
