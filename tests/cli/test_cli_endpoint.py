"""What endpoints and models do wrong: one clear sentence, the right status, the vault unharmed."""

from __future__ import annotations

import json
import re

import pytest

from tests.cli.user import FILLED, KEY, SAYS, STUB, User, answer_by_schema
from tests.llm.fake_endpoint import Scene, Seen, answer, error

HTML = Scene(200, b"<!doctype html><title>Hi</title>", {"content-type": "text/html"})
DOWN = "http://127.0.0.1:9/v1"

RUN_FAULTS = [
    pytest.param(None, "cannot be reached", "start its server", id="down"),
    pytest.param(error(401, f"bad key {KEY}"), "does not accept the key", "set COMP", id="401"),
    pytest.param(error(404, "no"), "has no model m", "model, or correct base_url", id="404"),
    pytest.param(error(429, "slow"), "takes no more calls", "wait, or", id="429"),
    pytest.param(error(500, f"oops {KEY}"), "error 500", "try again later", id="500"),
    pytest.param(HTML, "answers with a web page", "correct base_url", id="HTML"),
]


@pytest.mark.parametrize("debug", [False, True], ids=["", "debug"])
@pytest.mark.parametrize(("scene", "what", "remedy"), RUN_FAULTS)
def test_a_fault_for_all_notes_is_said_once(
    user: User,
    monkeypatch: pytest.MonkeyPatch,
    scene: Scene | None,
    what: str,
    remedy: str,
    debug: bool,
) -> None:
    for number in range(9):
        user.note(f"{number}.md")
    if scene is None:
        monkeypatch.setenv("COMPANION_BASE_URL", DOWN)
    else:
        user.fake.play(scene)
    before = user.files()
    arguments = ["enrich", ".", *(["--debug"] if debug else [])]
    if debug:
        with pytest.raises(Exception, match=what) as caught:
            user.run(*arguments)
        assert KEY not in str(caught.getrepr(style="long", showlocals=False))
    else:
        ran = user.run(*arguments)
        assert ran.status == 1
        assert ran.err.startswith("companion: The ") and ran.err.count("\n") == 1
        assert what in ran.err and remedy in ran.err
        assert re.search(r"\d failed, \d not done", ran.out) and what not in ran.out
        assert KEY not in ran.all
    assert user.files() == before and user.calls() < 9


ANSWER_FAULTS = [
    pytest.param(Scene(200, answer("x").body[:50]), "breaks off or is not JSON", id="half a reply"),
    pytest.param(answer('{"description": "A'), "not the JSON that was asked for", id="half a JSON"),
    pytest.param(answer(""), "is empty", id="empty"),
    pytest.param(answer(None, refusal="I can't."), "refuses to answer", id="a refusal"),
    pytest.param(answer("x" * 1_100_000), "longer than 1 MiB", id="a megabyte"),
    pytest.param(answer('{"title": "A"}'), "not the JSON that was asked for", id="other keys"),
    pytest.param(answer('{"description": 3, "callout": []}'), "not the JSON", id="other types"),
    pytest.param(answer("Sure! Here it is."), "not the JSON", id="chatter"),
]


@pytest.mark.parametrize(("scene", "words"), ANSWER_FAULTS)
def test_an_unusable_answer_fails_its_note(user: User, scene: Scene, words: str) -> None:
    user.note("Stub.md")
    user.fake.play(scene)
    ran = user.run("enrich", "Stub.md")
    assert (ran.status, ran.err, user.read("Stub.md")) == (1, "", STUB)
    assert ran.out.count(words) == 1 and "choose another model" in ran.out
    [told] = user.run("enrich", "Stub.md", "--json").objects
    assert (told["status"], told["left"], told["change"]) == ("failed", [], None)
    assert words in told["reason"]


def without_schema(seen: Seen, n: int) -> Scene:
    """Play a server that knows json_object only."""
    form = seen.body.get("response_format", {}).get("type")
    if form == "json_schema":
        return error(400, "response_format json_schema is not supported")
    said = {"description": SAYS["description"], "callout": SAYS["callout"], "extra": 1}
    return answer(f"```json\n{json.dumps(said)}\n```" if form else "plain")


def without_json(seen: Seen, n: int) -> Scene:
    """Play a server that knows no JSON format."""
    if "response_format" in seen.body:
        return error(400, "response_format is not supported")
    asked = seen.body["messages"][1]["content"]
    return answer(str(SAYS["callout" if "two paragraphs" in asked else "description"]))


SERVERS = [
    pytest.param(without_schema, 2, id="json_object"),
    pytest.param(without_json, 4, id="text"),
]


@pytest.mark.parametrize(("script", "calls"), SERVERS)
def test_servers_that_cannot_hold_a_schema(user: User, script: object, calls: int) -> None:
    user.note("Stub.md")
    user.fake.script = script  # type: ignore[assignment]
    ran = user.run("enrich", "Stub.md")
    assert (ran.status, user.read("Stub.md"), user.calls()) == (0, FILLED, calls)


QUESTIONS = [
    pytest.param(4096, 10, 2, id="4096"),
    pytest.param(2048, 6, 3, id="2048"),
    pytest.param(1024, 2, 3, id="1024"),
]


@pytest.mark.parametrize(("context", "number", "calls"), QUESTIONS)
def test_many_questions_fit_the_context(user: User, context: int, number: int, calls: int) -> None:
    def script(seen: Seen, _n: int) -> Scene:
        sent = json.dumps(seen.body["messages"]) + json.dumps(seen.body.get("response_format", ""))
        if len(sent) / 4 + seen.body["max_tokens"] > context:
            return error(400, "too many tokens", "context_length_exceeded")
        if "response_format" not in seen.body:
            return answer(str(SAYS["callout"]))
        return answer_by_schema(seen, SAYS)

    user.configure(f"[endpoint]\nretries = 0\ncontext_tokens = {context}\n")
    asked = "".join(f"\n> [!ai] What is question {each}?\n" for each in range(number))
    user.note("Asks.md", f"# Asks\n\n{'All of this is text of mine. ' * 400}\n{asked}")
    user.fake.script = script
    ran = user.run("enrich", "Asks.md", "--json")
    assert (ran.status, user.calls()) == (0, calls), ran.all
    assert user.read("Asks.md").count("\n> A stub") == number
    assert "text of mine" in json.dumps(user.fake.seen[0].body)


def test_a_question_as_long_as_a_text_is_refused(user: User) -> None:
    user.note("Asks.md", f"# Asks\n\n> [!ai] {'Why? ' * 300}\n\n> [!ai] Short?\n")
    ran = user.run("enrich", "Asks.md")
    assert "has 1,499 letters, and 1,000 are the most; shorten it" in ran.out
    assert "\n> [!ai] Short?\n> A stub" in user.read("Asks.md") and user.calls() == 1


DESCRIPTIONS = [
    pytest.param("---\nfoo: bar\n---", "description: ", id="---"),
    pytest.param("See [[Other]] and [[Nope]].", "Other", id="wikilinks"),
    pytest.param("yes", 'description: "yes"', id="a word that YAML reads as true"),
    pytest.param("{{x}} <% y %> %%z%%", "description: ", id="templates"),
]


@pytest.mark.parametrize(("said", "words"), DESCRIPTIONS)
def test_description_is_one_harmless_line(user: User, said: str, words: str) -> None:
    user.note("Other.md", "# Other\n")
    user.note("Stub.md")
    user.says(description=said)
    assert user.run("enrich", "Stub.md").status == 0
    lines, usual = user.read("Stub.md").split("\n"), FILLED.split("\n")
    assert words in lines[1] and lines[1].startswith("description: ")
    assert [lines[0], *lines[2:]] == [usual[0], *usual[2:]]
    assert not re.search(r"\[\[|\{\{|<%|%%|: #", lines[1])
    assert user.run("enrich", "Stub.md").out.startswith("· Stub.md: nothing to fill")


CALLOUTS = [
    pytest.param("> [!note] In\n> it", r"> > \[!|> \[!note", id="a nested callout"),
    pytest.param("```dataviewjs\nx()\n```", "dataviewjs", id="code that runs"),
    pytest.param("a\r\nb\u2028c\x07", "[\r\u2028\x07]", id="odd line ends"),
]


@pytest.mark.parametrize(("said", "forbidden"), CALLOUTS)
def test_callout_is_harmless(user: User, said: str, forbidden: str) -> None:
    user.note("Stub.md")
    user.says(callout=f"Begin. {said}" if said[0] not in "`>-!" else said)
    assert user.run("enrich", "Stub.md").status == 0
    head, _, tail = FILLED.partition("> A stub is a short note.\n>\n> It grows.\n")
    new = user.read("Stub.md")
    assert new.startswith(head) and new.endswith(tail)
    body = new[len(head) : -len(tail)]
    assert body and all(line.startswith(">") for line in body.rstrip("\n").split("\n"))
    assert not re.search(forbidden, body, re.MULTILINE)


LINKS = [
    pytest.param("[[Other|that]] and Stub.", "[[Other|that]] and Stub.", id="a note"),
    pytest.param("[[Same]], [[same|this]].", "Same, this.", id="one of several notes"),
    pytest.param("[[C#]], [[F#minor]].", "C#, F\\#minor.", id="a hash in the name"),
    pytest.param("[[B/Same]].", "[[B/Same]].", id="one of them by its path"),
]


@pytest.mark.parametrize(("said", "written"), LINKS)
def test_links_to_notes_that_exist(user: User, said: str, written: str) -> None:
    for name in ("Other", "A/Same", "B/Same", "C", "C#", "F#minor"):
        user.note(f"{name}.md", "# Other\n")
    user.note("Stub.md")
    user.says(callout=f"See {said}")
    user.run("enrich", "Stub.md")
    assert f"> See {written}\n" in user.read("Stub.md")


VALUES = [
    pytest.param("bread, Nope", "tags: [bread]\n", id="one of two"),
    pytest.param("- #Bread\n- garden", "tags: [bread, garden]\n", id="bullets and #"),
    pytest.param("Nope", "tags:\n", id="none"),
]


@pytest.mark.parametrize(("said", "expected"), VALUES)
def test_tags_are_those_of_the_vault(user: User, said: str, expected: str) -> None:
    user.configure(
        '[endpoint]\nretries = 0\njson_mode = "text"\n[notes]\nfields = ["description", "tags"]\n'
    )
    user.note("Other.md", "---\ntags: [bread, garden]\n---\n")
    user.note("Stub.md", STUB.replace("created:", "tags:\ncreated:"))
    user.fake.script = lambda seen, n: answer(
        said if "Choose" in seen.body["messages"][1]["content"] else "Fine."
    )
    assert user.run("enrich", "Stub.md").status == 0
    assert f"description: Fine.\n{expected}created:" in user.read("Stub.md")


def test_the_key_is_sent_and_never_shown(user: User) -> None:
    user.note("Stub.md")
    shown = [user.run(*command).all for command in (["prompt", "Stub.md"], ["enrich", "."])]
    assert user.fake.seen[0].headers["authorization"] == f"Bearer {KEY}"
    assert not any(KEY in text for text in shown)
    kept = [path for path in user.home.rglob("*") if path.is_file()]
    assert not any(KEY.encode() in path.read_bytes() for path in kept)


def test_prompt_is_exactly_what_is_sent(user: User) -> None:
    user.note(
        "Stub.md", STUB + "\n%%mine alone%%\n\n<!-- hidden -->\n\n## Part\n\nSaid \u200baloud.\n"
    )
    told = user.run("prompt", "Stub.md").out
    [call] = user.run("prompt", "Stub.md", "--json").objects
    user.fake.script = lambda seen, n: answer_by_schema(seen, SAYS)
    user.run("enrich", "Stub.md")
    body = user.fake.seen[0].body
    assert call["messages"] == body["messages"]
    assert call["schema"] == body["response_format"]["json_schema"]["schema"]
    sent = json.dumps(body)
    assert "Part" in sent and "Text of mine" in sent and "Said aloud." in sent
    assert not any(word in sent for word in ("mine alone", "hidden", "2024-02-11"))
    assert f"To m at {user.fake.url} (on this machine)" in told
    assert all(message["content"] in told for message in call["messages"])
