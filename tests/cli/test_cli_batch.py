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
        (p.path, p.need, p.state, p.value, p.flags, p.reason, p.prompt, p.sentences)
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
    assert not ran.err, ran.err
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


FAILURES = [
    pytest.param(lambda line: _failed(line), True, id="failed"),
    pytest.param(lambda line: _expired(line), True, id="expired"),
    pytest.param(
        lambda line: {**line, "response": {"status_code": 200, "body": []}}, True, id="damaged"
    ),
    pytest.param(
        lambda line: {
            **line,
            "response": {"status_code": 400, "body": {"error": {"message": "too long"}}},
        },
        False,
        id="refused",
    ),
]


@pytest.mark.parametrize(("spoil", "is_asked_again"), FAILURES)
def test_what_failed_is_asked_again_where_that_may_help(
    user: User, spoil: Callable[[dict[str, Any]], dict[str, Any]], is_asked_again: bool
) -> None:
    user.note("Stub.md", "---\ndescription:\n---\n# Stub\n")
    [line] = answers(user, export(user))
    [result] = take(user, [spoil(line)])
    assert result["status"] == "failed"
    calls = user.calls()
    user.run("enrich", ".")
    assert (user.calls() > calls) is is_asked_again


def test_an_answer_for_a_cancelled_batch_is_taken_if_nobody_was_asked(user: User) -> None:
    for name in ("A.md", "B.md"):
        user.note(name)
    file = export(user)
    lines = answers(user, file)
    user.run("batch", "cancel", str(file))
    assert user.run("enrich", "A.md").status == 0
    results = {each["path"]: each["status"] for each in take(user, lines)}
    assert results == {"A.md": "unchanged", "B.md": "proposed"}


@pytest.mark.parametrize("is_edited", [False, True], ids=["moved", "moved and edited"])
def test_a_note_that_was_moved_gets_its_answer(user: User, is_edited: bool) -> None:
    note = user.note("Old.md")
    lines = answers(user, export(user))
    moved = note.rename(user.vault / "New.md")
    if is_edited:
        assert user.run("enrich", ".").status == 0
        moved.write_text(moved.read_text() + "\nMore.\n")
    [result] = take(user, lines)
    assert (result["path"], result["status"]) == ("New.md", "proposed")


CHANGES = [
    pytest.param("---\ndescription: Mine.\n---\n\n> [!ai] AI\n> Mine.\n", id="filled"),
    pytest.param("---\nai: false\n---\n", id="left alone"),
    pytest.param("---\ndescription:\n---\nQuite another subject in other words.\n", id="rewritten"),
    pytest.param(None, id="deleted"),
]


@pytest.mark.parametrize("text", CHANGES)
def test_an_answer_whose_need_is_gone_is_dropped(user: User, text: str | None) -> None:
    note = user.note("Stub.md", STUB * 2)
    lines = answers(user, export(user))
    if text is None:
        note.unlink()
    else:
        user.note("Stub.md", text)
    [result] = take(user, lines)
    assert (result["status"], bool(result["reason"])) == ("unchanged", True)
    assert shown(user) == []


PRIVATE = '[private]\nfolders = ["P"]\ntags = ["me"]\n'


@pytest.mark.parametrize(
    ("options", "base_url", "count"),
    [
        ([], None, 1),
        (["--local"], None, 3),
        (["--local"], "http://example.com/v1", 3),
        ([], "http://example.com/v1", 1),
    ],
)
def test_private_notes_stay_unless_the_engine_is_local(
    user: User, monkeypatch: pytest.MonkeyPatch, options: list[str], base_url: str, count: int
) -> None:
    if base_url:
        monkeypatch.setenv("COMPANION_BASE_URL", base_url)
    user.configure(PRIVATE)
    user.note("P/A.md", STUB.replace("mine", "hidden"))
    user.note("B.md", STUB.replace("mine", "#me hidden"))
    user.note("C.md")
    text = export(user, *options).read_text()
    assert len(text.splitlines()) == count
    assert ("hidden" in text) is (count == 3)


QUOTED = "Its words stand in it."
QUOTING = [
    pytest.param("![[Other]]", QUOTED, id="an embed"),
    pytest.param("", f"The [[Stub]] is a note of which {QUOTED}", id="a sentence of another note"),
]


@pytest.mark.parametrize(("more", "other"), QUOTING)
def test_an_answer_from_words_that_are_private_by_now_is_dropped(
    user: User, more: str, other: str
) -> None:
    user.configure(PRIVATE)
    user.note("Stub.md", f"{STUB}\n{more}\n")
    user.note("Other.md", other)
    file = export(user)
    assert QUOTED in file.read_text()
    lines = answers(user, file)
    user.note("Other.md", f"#me {other}")
    [result] = take(user, lines)
    assert (result["status"], "may not be told" in result["reason"]) == ("failed", True)
    assert shown(user) == []
    assert QUOTED not in export(user, name="again.jsonl").read_text()


def test_an_answer_from_words_in_a_folder_that_is_private_by_now_is_dropped(user: User) -> None:
    user.note("Stub.md", f"{STUB}\n![[Other]]\n")
    user.note("P/Other.md", QUOTED)
    lines = answers(user, export(user))
    user.configure(PRIVATE)
    [result] = take(user, lines)
    assert (result["status"], shown(user)) == ("failed", [])


def test_an_export_keeps_the_proposals_for_private_notes(user: User) -> None:
    user.configure(f'{PRIVATE}[review]\nmode = "propose"\n')
    user.note("P/A.md")
    user.note("C.md")
    user.run("enrich", "P")
    asked = shown(user)
    export(user)
    assert len(asked) == 2
    assert shown(user) == asked
