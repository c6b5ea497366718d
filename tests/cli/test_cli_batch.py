"""companion batch export and import: questions in a file, and proposals from the answers."""

import json
import os
import random
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.batch_runner import ask_endpoint, run_batch, write_answers
from tests.cli.user import STUB, User

Lines = list[dict[str, Any]]


def shown(user: User) -> list[tuple[object, ...]]:
    """Return the proposals that are no questions, without what differs between two runs."""
    rows = (
        (p.path, p.need, p.state, p.value, p.flags, p.reason)
        for p in user.kept()
        if p.value is not None or p.state == "rejected"
    )
    return sorted(rows, key=repr)


def export(user: User, *arguments: str, name: str = "q.jsonl") -> Path:
    file = user.home / name
    ran = user.run("batch", "export", str(file), *arguments)
    assert ran.status == 0, ran.all
    return file


def answers(user: User, questions: Path) -> Lines:
    return run_batch(questions, ask_endpoint(user.fake.url))


def take(user: User, lines: Lines, name: str = "a.jsonl") -> list[dict[str, Any]]:
    ran = user.run("batch", "import", "--json", str(write_answers(user.home / name, lines)))
    assert "left out" in ran.err or not ran.err, ran.err
    return ran.objects


def test_a_file_goes_out_and_what_comes_back_waits(user: User) -> None:
    user.note("A/Secret name.md")
    before = user.files()
    file = export(user)
    [question] = [json.loads(line) for line in file.read_bytes().splitlines()]
    assert question.keys() == {"custom_id", "method", "url", "body"}
    assert (question["method"], question["url"]) == ("POST", "/v1/chat/completions")
    assert "ecret" not in question["custom_id"]
    assert question["body"]["model"] == "m"
    assert os.name == "nt" or stat.S_IMODE(file.stat().st_mode) == 0o600
    assert user.calls() == 0
    [result] = take(user, answers(user, file))
    assert (result["path"], result["status"]) == ("A/Secret name.md", "proposed")
    assert len(result["proposals"]) == 2
    assert result["usage"] == {"input_tokens": 10, "output_tokens": 5}
    assert [(p.state, p.value) for p in user.kept() if p.value] == [
        ("open", "What a stub is."),
        ("open", ["A stub is a short note.", "", "It grows."]),
    ]
    assert user.files() == before


def test_proposals_are_those_of_a_run(user: User) -> None:
    user.note("Stub.md")
    user.note("Other.md", STUB.replace("# Stub", "# Other"))
    user.configure('[review]\nmode = "propose"\n')
    other = shutil.copytree(user.home, user.home.parent / "home2")
    assert user.run("enrich", ".").status == 0
    asked = shown(user)
    user.home = other
    os.environ["COMPANION_HOME"] = str(other)
    take(user, answers(user, export(user)))
    assert shown(user) == asked


def shuffled(lines: Lines) -> list[Lines]:
    random.Random(3).shuffle(lines)
    return [lines]


IMPORTS: list[tuple[str, Callable[[Lines], list[Lines]]]] = [
    ("twice", lambda lines: [lines, lines]),
    ("in another order", shuffled),
    ("in shares, the last one first", lambda lines: [lines[3:], lines[:3]]),
    ("each line twice in the file", lambda lines: [[*lines, *lines]]),
    ("a part again", lambda lines: [lines[:4], lines]),
    ("failed first", lambda lines: [[_failed(lines[0]), *lines]]),
    ("failed afterwards", lambda lines: [[*lines, _failed(lines[0])]]),
    ("expired in another file", lambda lines: [[_expired(line) for line in lines], lines]),
]


def _failed(line: dict[str, Any]) -> dict[str, Any]:
    return {**line, "response": {"status_code": 500, "body": {"error": {"message": "boom"}}}}


def _expired(line: dict[str, Any]) -> dict[str, Any]:
    return {**line, "response": None, "error": {"code": "batch_expired", "message": "late"}}


@pytest.mark.parametrize("arrange", [pytest.param(each, id=name) for name, each in IMPORTS])
def test_the_same_proposals_however_the_answers_come(
    user: User, arrange: Callable[[Lines], list[Lines]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        user.note(f"N{number}.md", STUB.replace("Text", f"Number {number} is a text"))
    lines = answers(user, export(user))
    once = shutil.copytree(user.home, user.home.parent / "home2")
    for number, part in enumerate(arrange(list(lines))):
        take(user, part, f"{number}.jsonl")
    found = shown(user)
    user.home = once
    monkeypatch.setenv("COMPANION_HOME", str(once))
    take(user, lines)
    assert found == shown(user)
    assert len(found) == 12


def test_half_characters_in_answers_stop_no_import(user: User) -> None:
    user.note("N.md")
    [line] = answers(user, export(user))
    strange = {"custom_id": "\ud83d", "response": line["response"]}
    broken = {**line, "response": None, "error": {"code": "expired \ud83d"}}
    ran = user.run("batch", "import", str(write_answers(user.home / "a.jsonl", [strange, broken])))
    assert "no answer (expired" in ran.out and "1 line left out" in ran.err, ran.all
    [result] = take(user, [line])
    assert result["status"] == "proposed"
