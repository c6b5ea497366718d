"""companion batch submit and collect, at a stub of the Batch API."""

import json
import os
import random
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from companion.app import batches
from companion.app.open_vault import find_daemon
from companion.llm import batch_api
from tests.cli.serving import PATIENCE, QUIET, serving, wait_until
from tests.cli.test_cli_batch import shown
from tests.cli.user import SAYS, STUB, User, answer_by_schema
from tests.llm.fake_batches import FakeBatches, Faults
from tests.llm.fake_endpoint import Seen

Open = Callable[[Faults], FakeBatches]


def answer(body: dict[str, Any]) -> dict[str, Any]:
    completion: dict[str, Any] = json.loads(answer_by_schema(Seen("", {}, body, 0), SAYS).body)
    return completion


@pytest.fixture
def provider(user: User, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    opened: list[FakeBatches] = []

    def open_(faults: Faults) -> FakeBatches:
        fake = FakeBatches(answer, faults)
        opened.append(fake)
        monkeypatch.setenv("COMPANION_BASE_URL", fake.url)
        user.environment["COMPANION_BASE_URL"] = fake.url
        return fake

    monkeypatch.setattr(batches, "_MOST_LINES", 7)
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.01)
    monkeypatch.setattr(batch_api, "retry_delay", lambda attempt: 0.01)
    yield open_
    for each in opened:
        each.close()


def notes(user: User, number: int) -> None:
    for n in range(number):
        user.note(f"N{n}.md", STUB.replace("# Stub", f"# Subject {n}"))


def require_one_each(user: User, fake: FakeBatches, number: int) -> None:
    """Check that each note has one open proposal a need, was paid once, and nothing is left."""
    found = [(p.path, p.need) for p in user.kept() if p.state == "open"]
    assert len(found) == len(set(found)) == 2 * number
    assert set(fake.paid.values()) == {1}
    assert len(fake.paid) == number
    assert fake.files == {}
    assert not list(user.home.rglob("batches/*.jsonl"))


def test_what_is_submitted_is_collected_once_it_is_there(user: User, provider: Open) -> None:
    fake = provider(Faults(waits=1))
    notes(user, 10)
    ran = user.run("batch", "submit")
    assert (ran.status, "2 sent" in ran.out) == (0, True), ran.all
    assert user.run("batch", "submit").status == 0
    assert [each["request_counts"]["total"] for each in fake.batches.values()] == [7, 3]
    assert all("Subject" not in str(each["metadata"]) for each in fake.batches.values())
    assert "in_progress" in user.run("batch", "collect").out
    ran = user.run("batch", "collect", "--json")
    assert ran.status == 0
    assert {each["status"] for each in ran.objects} == {"proposed"}
    require_one_each(user, fake, 10)
    assert "No batches" in user.run("batch", "collect").out


FAULTS = [
    pytest.param(Faults(lost=0.3, seed=1), id="loses connections"),
    pytest.param(Faults(failing=0.3), id="fails lines"),
    pytest.param(Faults(expired=0.3), id="expires"),
    pytest.param(Faults(doubled=0.5), id="doubles and reorders"),
    pytest.param(Faults(0.2, 0.2, 0.2, 0.3, 2, seed=3), id="all of it"),
]


@pytest.mark.parametrize("faults", FAULTS)
def test_each_note_is_paid_for_once_whatever_goes_wrong(
    user: User, provider: Open, faults: Faults
) -> None:
    fake = provider(faults)
    notes(user, 20)
    for _ in range(40):
        user.run("batch", "submit")
        user.run("batch", "collect")
        if len(fake.paid) == 20 and not fake.files:
            break
    user.run("batch", "collect")
    require_one_each(user, fake, 20)


def test_an_answer_is_kept_whose_note_cannot_be_read_just_now(user: User, provider: Open) -> None:
    fake = provider(Faults())
    notes(user, 3)
    assert user.run("batch", "submit").status == 0
    texts = {path: user.read(path) for path in ("N1.md", "N2.md")}
    user.note("N1.md", texts["N1.md"].replace("description:", "description: ["))  # is being typed
    user.note("N2.md", "")  # a sync client is about to write it
    user.run("batch", "collect")
    for path, text in texts.items():
        user.note(path, text)
    require_one_each(user, fake, 3)


def test_killed_at_any_point_nothing_is_lost_or_paid_twice(user: User, provider: Open) -> None:
    fake = provider(Faults(0.1, 0.1, 0.1, 0.3, 1, seed=5))
    notes(user, 20)
    chance = random.Random(7)
    for n in range(6):
        process = user.start("batch", ["submit", "collect"][n % 2])
        time.sleep(chance.uniform(0.5, 2.5))
        process.kill()
        process.communicate()
    for _ in range(20):
        user.run("batch", "submit")
        user.run("batch", "collect")
        if len(fake.paid) == 20 and not fake.files:
            break
    require_one_each(user, fake, 20)


def test_a_cancelled_batch_gives_back_what_was_not_answered(user: User, provider: Open) -> None:
    fake = provider(Faults(waits=99))
    notes(user, 3)
    user.run("batch", "submit")
    [name] = [each["batch"] for each in user.run("batch", "status", "--json").objects]
    assert user.run("batch", "cancel", name).status == 0
    assert user.run("batch", "collect").status == 0
    assert fake.files == {}
    assert shown(user) == []
    user.run("batch", "submit")
    assert len(fake.batches) == 2


def test_a_batch_that_is_gone_at_the_provider_can_be_given_up(user: User, provider: Open) -> None:
    fake = provider(Faults())
    notes(user, 10)
    user.run("batch", "submit")
    first, second = [each["batch"] for each in user.run("batch", "status", "--json").objects]
    del fake.batches["batch_0"]
    ran = user.run("batch", "collect")
    assert (ran.status, f"{first}: {fake.url} has no such batch" in ran.err) == (0, True), ran.all
    assert f"{second}: completed, 3 questions" in ran.out
    assert "7 questions" in user.run("batch", "cancel", first).out
    assert "1 sent" in user.run("batch", "submit").out
    user.run("batch", "collect")
    require_one_each(user, fake, 10)


def complete(user: User, fake: FakeBatches) -> tuple[str, str]:
    """Submit a batch that is completed; return its name, and the id of its file of answers."""
    notes(user, 3)
    user.run("batch", "submit")
    [name] = [each["batch"] for each in user.run("batch", "status", "--json").objects]
    return name, fake.look("batch_0")["output_file_id"]


def hide_file(fake: FakeBatches, file: str) -> Callable[[], None]:
    """Let a proxy answer that there is no such file; return what ends that."""
    content = fake.files.pop(file)
    return lambda: fake.files.update({file: content})


def hide_id(fake: FakeBatches, file: str) -> Callable[[], None]:
    """Let the batch not name its file of answers yet; return what ends that."""
    del fake.batches["batch_0"]["output_file_id"]
    return lambda: fake.batches["batch_0"].update(output_file_id=file)


def empty_file(fake: FakeBatches, file: str) -> Callable[[], None]:
    """Let the file of answers be empty yet; return what ends that."""
    name, data = fake.files[file]
    fake.files[file] = (name, b"")
    return lambda: fake.files.update({file: (name, data)})


def hide_id_of_expired(fake: FakeBatches, file: str) -> Callable[[], None]:
    """Let the batch not name its file of answers yet, though it expired."""
    fake.batches["batch_0"]["status"] = "expired"
    show = hide_id(fake, file)

    def complete() -> None:
        show()
        fake.batches["batch_0"]["status"] = "completed"

    return complete


@pytest.mark.parametrize("hide", [hide_file, hide_id, empty_file, hide_id_of_expired])
def test_answers_that_come_late_are_paid_for_once(
    user: User, provider: Open, hide: Callable[[FakeBatches, str], Callable[[], None]]
) -> None:
    fake = provider(Faults())
    name, file = complete(user, fake)
    show = hide(fake, file)
    ran = user.run("batch", "collect")
    said = f"{name}: a file of its answers is not at {fake.url}"
    assert (ran.status, said in ran.err) == (0, True), ran.all
    assert "sent" not in user.run("batch", "submit").out
    show()
    assert "completed, 3 questions" in user.run("batch", "collect").out
    require_one_each(user, fake, 3)


def test_what_is_in_one_file_is_taken_while_the_other_is_missing(
    user: User, provider: Open
) -> None:
    fake = provider(Faults())
    fake.refuse = lambda body: "no" if "Subject 1" in json.dumps(body) else ""
    name, _ = complete(user, fake)
    del fake.files[fake.batches["batch_0"]["error_file_id"]]
    assert f"companion batch cancel {name}" in user.run("batch", "collect").err
    assert len(shown(user)) == 4
    assert "1 question" in user.run("batch", "cancel", name).out
    assert fake.files == {}


def test_questions_whose_answers_are_gone_are_asked_again_once_given_up(
    user: User, provider: Open
) -> None:
    fake = provider(Faults())
    name, _ = complete(user, fake)
    assert "batch collect ends it" in user.run("batch", "cancel", name).out, "they can be taken"
    fake.files.clear()  # they expire
    fake.paid.clear()
    assert f"companion batch cancel {name}" in user.run("batch", "collect").err
    assert "3 questions" in user.run("batch", "cancel", name).out
    assert "1 sent" in user.run("batch", "submit").out
    user.run("batch", "collect")
    require_one_each(user, fake, 3)


def lose(file: Path) -> None:
    file.unlink()


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:100])


def cut_between_lines(file: Path) -> None:
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:-1]))


def replace_line(line: bytes) -> Callable[[Path], None]:
    def replace(file: Path) -> None:
        file.write_bytes(line + file.read_bytes().partition(b"\n")[2])

    return replace


DAMAGE = {
    "lost": lose,
    "cut": cut,
    "cut between lines": cut_between_lines,
    "a list": replace_line(b"[]\n"),
    "null": replace_line(b"null\n"),
    "no id": replace_line(b"{}\n"),
    "not stored": replace_line(b'{"custom_id": "0"}\n'),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_questions_that_are_lost_before_they_are_sent_can_be_given_up(
    user: User, provider: Open, damage: Callable[[Path], None]
) -> None:
    fake = provider(Faults())
    fake.exists = False
    notes(user, 2)
    user.run("batch", "submit")
    fake.exists = True
    [file] = user.home.rglob("batches/*.jsonl")
    damage(file)
    ran = user.run("batch", "collect")
    assert (ran.status, f"companion batch cancel {file.stem} gives" in ran.err) == (1, True)
    assert user.run("batch", "cancel", file.stem).status == 0
    assert "1 sent" in user.run("batch", "submit").out


def test_a_batch_that_version_0_2_sent_is_collected(user: User, provider: Open) -> None:
    fake = provider(Faults())
    notes(user, 3)
    user.run("batch", "submit")
    [journal] = user.home.rglob("journal.sqlite3")
    with closing(sqlite3.connect(journal)) as db, db:
        db.execute(
            """UPDATE batches SET provider = json_set(provider, '$.tokens', json('[9, 9]'))"""
        )
    assert user.run("batch", "collect").status == 0
    require_one_each(user, fake, 3)


def test_an_endpoint_without_batches_is_said_and_all_is_given_back(
    user: User, provider: Open
) -> None:
    fake = provider(Faults())
    fake.exists = False
    notes(user, 1)
    ran = user.run("batch", "submit")
    assert (ran.status, "has no Batch API" in ran.err) == (1, True)
    [name] = [each["batch"] for each in user.run("batch", "status", "--json").objects]
    assert "1 question" in user.run("batch", "cancel", name).out
    fake.exists = True
    assert "1 sent" in user.run("batch", "submit").out


def test_nothing_is_sent_over_the_cap(user: User, provider: Open) -> None:
    fake = provider(Faults())
    user.configure("[limits]\ntokens_a_day = 100\n")
    notes(user, 1)
    ran = user.run("batch", "submit")
    assert (ran.status, "tokens a day is reached" in ran.err) == (1, True)
    assert not fake.files
    assert not fake.batches
    user.configure("")
    assert "1 sent" in user.run("batch", "submit").out


def test_a_note_that_is_left_alone_by_now_is_not_sent(user: User, provider: Open) -> None:
    fake = provider(Faults(waits=9))
    fake.exists = False
    notes(user, 2)
    user.note("N2.md", f"{STUB.replace('# Stub', '# Subject 2')}\n![[Other]]\n")
    user.note("Other.md", "Its words stand in it.")
    user.run("batch", "submit")
    fake.exists = True
    user.note("N0.md", STUB.replace("description", "ai: false\ndescription"))
    user.note("Other.md", "---\nai: false\n---\nIts words stand in it.")
    user.run("batch", "collect")
    [(_, data)] = fake.files.values()
    assert [b"Subject %d" % n in data for n in range(3)] == [False, True, False]


def as_reasoning_models(body: dict[str, Any]) -> str:
    """Refuse what OpenAI's reasoning models refuse, in their words."""
    if "max_tokens" in body:
        return (
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use"
            " 'max_completion_tokens' instead."
        )
    if "temperature" in body:
        return "Unsupported value: 'temperature' does not support 0.2 with this model."
    return ""


def without_json(body: dict[str, Any]) -> str:
    return "response_format is not supported" if "response_format" in body else ""


@pytest.mark.parametrize("refuse", [as_reasoning_models, without_json])
def test_what_the_model_refuses_is_known_before_the_batch(
    user: User, provider: Open, refuse: Callable[[dict[str, Any]], str]
) -> None:
    """The first note is asked about at once; its answer is a proposal as the others."""
    fake = provider(Faults())
    fake.chats, fake.refuse = True, refuse
    notes(user, 3)
    ran = user.run("batch", "submit")
    assert (ran.status, "1 sent" in ran.out) == (0, True), ran.all
    [(_, data)] = fake.files.values()
    lines = [json.loads(line)["body"] for line in data.splitlines()]
    assert lines and not any(map(refuse, lines))
    ran = user.run("batch", "collect")
    assert ran.status == 0, ran.all
    found = [(p.path, p.need) for p in user.kept() if p.state == "open"]
    assert len(found) == len(set(found)) == 6
    assert set(fake.paid.values()) == {1}


def test_a_single_note_is_asked_about_at_once(user: User, provider: Open) -> None:
    fake = provider(Faults())
    fake.chats = True
    notes(user, 1)
    ran = user.run("batch", "submit")
    assert ran.status == 0 and len(fake.chat_bodies) == 1 and not fake.files
    assert len([p for p in user.kept() if p.state == "open"]) == 2


def test_nothing_is_asked_before_somebody_agrees(
    user: User, provider: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("companion.config.Config.is_remote", True)
    monkeypatch.setattr("companion.enrich.cost.ASK_FROM", 2)
    fake = provider(Faults())
    fake.chats = True
    notes(user, 3)
    ran = user.run("batch", "submit")
    assert (ran.status, "nobody is here to agree" in ran.err) == (2, True)
    assert not fake.chat_bodies and not fake.files


def test_an_endpoint_that_is_down_is_sent_nothing(user: User, provider: Open) -> None:
    fake = provider(Faults())
    fake.close()
    user.configure("[endpoint]\n")
    notes(user, 2)
    ran = user.run("batch", "submit")
    assert (ran.status, "cannot be reached" in ran.err) == (1, True)
    assert user.run("batch", "status").out == "No batches.\n"


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_a_daemon_stands_aside_for_a_batch_and_nothing_is_asked_twice(
    user: User, provider: Open
) -> None:
    """The vault has one writer: the daemon stops for the command, and starts again after it."""
    fake = provider(Faults())
    fake.chats = True
    user.configure('[background]\nbacklog = "all"\nsettle_seconds = 1\n')
    notes(user, 3)
    assert "1 sent" in user.run("batch", "submit").out
    with serving(user) as served:
        user.note("New.md", STUB.replace("# Stub", "# Subject 9"))
        wait_until(lambda: len(fake.chat_bodies) == 2, "the daemon asks about the new note")
        ran = user.run("batch", "collect")
        assert (ran.status, "The daemon stands aside" in ran.out) == (0, True)
        assert set(fake.paid.values()) == {1} and len(fake.paid) == 4
        wait_until(lambda: find_daemon(served.state), "the daemon is there again")
        found = find_daemon(served.state)
        assert found and found.port == served.port
        assert "gets the vault" in served.log
        user.note("Newer.md", STUB.replace("# Stub", "# Subject 10"))
        wait_until(lambda: len(fake.chat_bodies) == 3, "and goes on with its work")
        assert served.stop() == 0
    assert "No batches" in user.run("batch", "collect").out


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_a_daemon_that_works_on_a_run_does_not_stand_aside(user: User) -> None:
    user.configure(QUIET.replace("[background]", "requests_a_minute = 1\n[background]"))
    user.note("A.md")
    user.note("B.md")
    with serving(user) as served:
        process = user.start("enrich", ".")
        wait_until(lambda: served.client().status().rate_limit, "the run is at work")
        ran = user.run("batch", "export", "../questions.jsonl", ".")
        assert (ran.status, "the daemon works on run" in ran.err) == (1, True)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)
        wait_until(lambda: not served.client().status().runs, "the run is cancelled")
        assert user.run("batch", "export", "../questions.jsonl", ".").status == 0
        assert served.stop() == 0, "a signal ends it while it waits, too"
