"""Models that think, or give nothing: it works or is said, and no run pays on for nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.user import FILLED, SAYS, STUB, User, answer_by_schema
from tests.llm.fake_endpoint import Scene, Seen, answer, error

THOUGHT = answer("", "length", reasoning_content="Hm")
OWN = "Sourdough is bread that is raised by wild yeast."
PROSE = f"---\ndescription:\n---\n\n# Sourdough\n\n{OWN} Feed the starter twice a day.\n"
GOOD = "How sourdough is raised by the yeast of a starter."


def thinking(needed: int) -> Any:
    """Return what a model plays that answers once it may write so many tokens."""

    def script(seen: Seen, _n: int) -> Scene:
        if seen.body.get("chat_template_kwargs") == {"enable_thinking": False}:
            return answer_by_schema(seen, SAYS)
        return THOUGHT if seen.body["max_tokens"] < needed else thought_first(seen)

    return script


def thought_first(seen: Seen) -> Scene:
    scene = answer_by_schema(seen, SAYS)
    data = json.loads(scene.body)
    data["choices"][0]["message"]["reasoning_content"] = "Hm"
    return scene._replace(body=json.dumps(data).encode())


def test_a_thinking_model_fills_notes(user: User) -> None:
    for number in range(5):
        user.note(f"{number}.md")
    user.configure("[endpoint]\nretries = 0\nconcurrency = 1\n")
    user.fake.script = thinking(2000)
    ran = user.run("enrich", ".")
    assert (ran.status, ran.err) == (0, "") and user.calls() == 6
    assert all(user.read(f"{number}.md") == FILLED for number in range(5))


SETTINGS = [
    pytest.param('reasoning_effort = "none"\n', 0, id="thinking is off"),
    pytest.param("max_output_tokens = 9000\n", 0, id="it has room"),
    pytest.param("", 1, id="it has too little"),
]


@pytest.mark.parametrize(("setting", "status"), SETTINGS)
def test_what_helps_helps(user: User, setting: str, status: int) -> None:
    user.configure(f"[endpoint]\nretries = 0\n{setting}")
    user.note("Stub.md")
    user.fake.script = thinking(9000)
    ran = user.run("enrich", "Stub.md")
    assert ran.status == status
    assert user.read("Stub.md") == (STUB if status else FILLED)
    assert not status or ("✗ Stub.md: " in ran.out and "still thinking" in ran.out)


STOPPED = [
    pytest.param(THOUGHT, 'reasoning_effort = "none"', id="thinks for ever"),
    pytest.param(answer(""), "is empty", id="empty"),
    pytest.param(Scene(400, b'{"error": "no"}'), "rejects the request", id="rejected"),
]


@pytest.mark.parametrize("at_once", [1, 4])
@pytest.mark.parametrize(("scene", "words"), STOPPED)
def test_the_same_fault_note_after_note_ends_the_run(
    user: User, scene: Scene, words: str, at_once: int
) -> None:
    user.configure(f"[endpoint]\nretries = 0\nconcurrency = {at_once}\n")
    for number in range(30):
        user.note(f"{number}.md")
    user.fake.play(scene)
    ran = user.run("enrich", ".")
    assert ran.status == 1 and ran.err.count("\n") == 1
    assert ran.err.startswith("companion: 3 notes in a row got no answer") and words in ran.err
    assert "not done" in ran.out and "✓" not in ran.out
    begun = [line for line in ran.out.splitlines() if line.startswith("✗")]
    assert 3 <= len(begun) <= 12


@pytest.fixture
def checked(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers are checked, and only descriptions are asked for."""
    monkeypatch.delenv("COMPANION_CHECKS")
    user.configure('[endpoint]\nretries = 0\n[notes]\nfields = ["description"]\n')


@pytest.mark.usefixtures("checked")
def test_a_model_that_only_thinks_is_asked_again_once_that_is_mended(user: User) -> None:
    for number in range(5):
        user.note(f"{number}.md", PROSE)
    before = user.files()
    user.fake.play(THOUGHT)
    user.run("enrich", ".")
    assert user.files() == before, "the note's own sentence is no answer to that"
    user.says(description=GOOD)
    assert "5 enriched" in user.run("enrich", ".").out


def test_an_answer_now_and_then_keeps_the_run_going(user: User) -> None:
    user.configure("[endpoint]\nretries = 0\nconcurrency = 1\n")
    for number in range(12):
        user.note(f"{number}.md")
    user.fake.script = lambda seen, n: answer_by_schema(seen, SAYS) if n % 7 == 0 else answer("")
    ran = user.run("enrich", ".")
    assert (ran.status, ran.err) == (1, "") and "not done" not in ran.out


@pytest.mark.usefixtures("checked")
@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(answer(""), id="an empty answer"),
        pytest.param(error(400, code="context_length_exceeded"), id="the prompt is too long"),
    ],
)
def test_a_fallback_is_no_success(user: User, reply: Scene) -> None:
    own = "Flour and water stand in the warm kitchen over night."  # names no starter
    for name in ("Stub.md", "Other.md"):
        user.note(name, f"---\ndescription:\n---\n\n# Starter\n\n{own}\n")
    user.fake.play(reply)
    ran = user.run("enrich", "Stub.md")
    assert ran.status == 1 and own not in user.read("Stub.md").split("#")[0]
    assert "~ Stub.md: no answer could be used for description; the note's own" in ran.out
    assert "1 proposed (1 with nothing of the model's)" in ran.out
    [told] = user.run("enrich", "Other.md", "--json").objects
    assert (told["status"], told["fallback"]) == ("proposed", ["description"])


def test_doctor_notices_a_thinking_model(user: User) -> None:
    user.fake.script = thinking(2000)
    told = {check["name"]: check for check in user.run("doctor", "--json").objects}["answer"]
    assert (told["state"], "thought first" in told["said"]) == ("hint", True)
    assert 'reasoning_effort = "none"' in told["mend"] and "max_output_tokens" in told["mend"]
    user.configure("[endpoint]\nmax_output_tokens = 4000\n")
    told = {check["name"]: check for check in user.run("doctor", "--json").objects}["answer"]
    assert (told["state"], told["mend"]) == ("ok", "")
    user.configure("[endpoint]\nmax_output_tokens = 1000\n")
    told = {check["name"]: check for check in user.run("doctor", "--json").objects}["answer"]
    assert told["state"] == "problem" and "still thinking" in told["said"]


def test_init_notices_a_thinking_model(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("COMPANION_BASE_URL", "COMPANION_MODEL"):
        monkeypatch.delenv(name)
    user.fake.script = thinking(2000)
    ran = user.run("init", ".", "--endpoint", user.fake.url, "--model", "m", "--no-plugin")
    assert ran.status == 0 and "it thinks before it answers" in ran.err
