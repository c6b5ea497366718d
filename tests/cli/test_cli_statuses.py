"""The exit statuses of all commands, as the table in docs/commands.md has them."""

from __future__ import annotations

import json
import re
import shlex
import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing

import click
import pytest

from companion.cli import companion
from companion.config import state_folder
from tests.cli.serving import PATIENCE
from tests.cli.user import REPOSITORY, User
from tests.llm.fake_endpoint import error
from tests.llm.fake_hub import point_hub_at

PAGE = (REPOSITORY / "docs/commands.md").read_text(encoding="utf-8")
TABLE = PAGE.partition("| command | exit status 1")[2].partition("\n\n")[0]
ROWS = re.findall(r"^\| (`.*`) \| ?(.*?) ?\|$", TABLE, re.MULTILINE)
OWN_REASONS = {name: why for names, why in ROWS for name in re.findall("`(.*?)`", names)}


def list_commands(group: click.Group, above: str = "") -> Iterator[str]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from list_commands(command, f"{above}{name} ")
        if not isinstance(command, click.Group) or command.invoke_without_command:
            yield f"{above}{name}"


COMMANDS = [*list_commands(companion)]


def test_the_help_lists_few_enough_to_read() -> None:
    assert len(companion.list_commands(click.Context(companion))) <= 22


def test_the_table_has_each_command_once() -> None:
    named = [name for names, _ in ROWS for name in re.findall("`(.*?)`", names)]
    assert sorted(named) == sorted(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_its_line_in_the_help_is_whole(command: str) -> None:
    group: click.Command = companion
    for name in command.split():
        assert isinstance(group, click.Group)
        found = group.get_command(click.Context(group), name)
        assert found
        group = found
        line = group.get_short_help_str(limit=1000)
        assert 10 < len(line) <= 50 and group.help and not group.hidden


OLD_NAMES = [
    ("pair --vault .", "plugin pair --vault ."),
    ("pair --json", "plugin pair --json"),
    ("token path", "plugin token path"),
    ("token rotate", "plugin token rotate"),
    ("similar Stub.md --json", "doctor similar Stub.md --json"),
    ("pause", "service pause"),
    ("resume", "service resume"),
    ("backlog --json", "service backlog --json"),
    ("forget --yes", "doctor forget --yes"),
]


@pytest.mark.parametrize(("old", "new"), OLD_NAMES)
def test_an_old_name_does_what_the_new_one_does(user: User, old: str, new: str) -> None:
    user.note("Stub.md")
    before, after = user.run(*old.split()), user.run(*new.split())
    codes = re.compile("[A-Z0-9]{4}-[A-Z0-9]{4}")
    assert before.status == after.status and before.all
    assert codes.sub("CODE", before.out) == codes.sub("CODE", after.out)
    assert before.err == after.err


@pytest.mark.parametrize("command", COMMANDS)
def test_an_unknown_option_is_wrong_usage(user: User, command: str) -> None:
    assert user.run(*command.split(), "--no-such-option").status == 2


def fill(user: User) -> None:
    user.run("enrich", "Stub.md")


def propose(user: User) -> None:
    user.run("enrich", "Stub.md", "--propose")


def fail(user: User) -> None:
    user.fake.script = lambda seen, n: error(500)


def edit(user: User) -> None:
    fill(user)
    text = user.read("Stub.md")
    user.note("Stub.md", text.replace("What a stub is.", "Mine.").replace("It grows", "It is mine"))


def spoil_note(user: User) -> None:
    user.note("Stub.md", "---\na: b: c\n---\n")


def export_batch(user: User) -> None:
    user.run("batch", "export", "../questions.jsonl")


def answer_badly(user: User) -> None:
    export_batch(user)
    lines = (user.vault.parent / "questions.jsonl").read_text().splitlines()
    answers = [
        {"custom_id": json.loads(line)["custom_id"], "response": {"status_code": 500, "body": {}}}
        for line in lines
    ]
    (user.vault.parent / "answers.jsonl").write_text("".join(json.dumps(a) + "\n" for a in answers))


def spoil_journal(user: User) -> None:
    fill(user)
    [journal] = state_folder(user.vault).glob("journal*.sqlite3")
    with closing(sqlite3.connect(journal)) as db:
        db.execute("PRAGMA user_version=99")


OF_ALL = [
    "scan", "enrich .", "batch export ../q.jsonl", "batch status", "proposals", "apply --all",
    "refuse --all", "prompt Stub.md", "doctor similar", "history", "undo", "doctor forget --yes",
    "service backlog --leave",
]  # fmt: skip
CASES: list[tuple[Callable[[User], object] | None, str, int]] = [
    (None, "scan", 0),
    (None, "scan Nowhere", 2),
    (None, "enrich Stub.md", 0),
    (fail, "enrich Stub.md", 1),
    (None, "enrich Stub.md --section Nowhere", 1),
    (None, "enrich Nowhere.md", 2),
    (None, "batch export ../questions.jsonl", 0),
    (export_batch, "batch status", 0),
    (export_batch, "batch cancel ../questions.jsonl", 0),
    (None, "batch cancel Nowhere", 1),
    (answer_badly, "batch import ../answers.jsonl", 1),
    (None, "batch import ../nowhere.jsonl", 2),
    (None, "batch collect", 0),
    (fail, "batch submit --yes", 1),
    (propose, "proposals", 0),
    (None, "proposals --field nothing", 2),
    (propose, "apply 1", 0),
    (None, "apply 99999", 1),
    (None, "apply --run nothing", 1),
    (None, "apply", 2),
    (propose, "refuse 1", 0),
    (None, "refuse 99999", 1),
    (None, f"refuse {'9' * 30}", 1),
    (fill, "undo 1", 0),
    (None, "undo", 0),
    (None, "undo 99999", 1),
    (None, "undo --run nothing", 1),
    (edit, "undo 1", 1),
    (None, "undo --since never", 2),
    (None, "prompt Stub.md", 0),
    (spoil_note, "prompt Stub.md", 1),
    (None, "prompt Nowhere.md", 2),
    (None, "doctor similar", 0),
    (lambda user: user.note("E.md", b""), "doctor similar E.md", 1),
    (None, "history", 0),
    (None, "doctor forget --yes", 0),
    (None, "doctor forget", 2),
    (None, "review", 2),
    (None, "service backlog --leave", 0),
    (None, "service backlog", 2),
    (None, "status", 1),
    (None, "service pause", 1),
    (None, "service resume", 1),
    (None, "open --print", 1),
    (None, "status --vault Nowhere", 2),
    (None, "plugin pair", 0),
    (None, "plugin token path", 0),
    (None, "plugin token list", 0),
    (None, "plugin token make x", 0),
    (None, "plugin token revoke x", 1),
    (None, "plugin token rotate", 0),
    (None, "plugin install --vault Nowhere", 2),
    (None, "config get endpoint.retries", 0),
    (None, "config get limits.tokens_a_day", 1),
    (None, "config get nothing", 2),
    (None, "config set endpoint.retries 1", 0),
    (None, "config set endpoint.retries many", 2),
    (None, "model list", 0),
    (None, "model path", 1),
    (None, "model path nothing", 2),
    (None, "model try nothing", 0),
    (None, "model try m", 2),
    (fail, "model try nothing", 1),
    (None, "model try m", 2),
    (None, "model pull owner/repo/x.gguf", 1),
    (None, "service status", 0),
    (None, "service status .", 1),
    (None, "service install", 1),
    (None, "service install Nowhere", 2),
    (None, "service uninstall", 1),
    (None, "service logs", 1),
    (fail, "init . --yes --endpoint {url} --model m --no-plugin --no-service", 1),
    (None, "init . --yes --endpoint {url} --model m --no-plugin --no-service", 0),
    (None, "init . --embedded --endpoint {url}", 2),
    (fail, "doctor", 1),
    (None, "doctor --vault Nowhere", 1),
    (None, "doctor nothing", 2),
    (None, "doctor --json similar", 2),
    (None, "demo --vault .", 2),
    *((spoil_journal, command, 1) for command in OF_ALL),
]  # fmt: skip


@pytest.mark.parametrize(("before", "command", "status"), CASES)
def test_status(
    user: User,
    monkeypatch: pytest.MonkeyPatch,
    before: Callable[[User], object] | None,
    command: str,
    status: int,
) -> None:
    monkeypatch.setenv("COMPANION_CACHE", str(user.home / "cache"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(user.home))
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    point_hub_at("http://127.0.0.1:9", monkeypatch)
    user.note("Stub.md")
    if before:
        before(user)
    ran = user.run(*shlex.split(command.format(url=user.fake.url)))
    assert ran.status == status, ran.all
    assert "Please report it" not in ran.err and (status == 0 or ran.all)


@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("serve --port {port}", 1),
        ("serve --vault Nowhere", 2),
        ("mcp", 0),
        ("mcp --vault Nowhere", 2),
    ],
)
def test_status_of_what_serves(user: User, command: str, status: int) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        process = user.start(*command.format(port=taken.getsockname()[1]).split())
        _, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, "Traceback" in err) == (status, False), err


def test_each_reason_of_the_table_is_tried() -> None:
    tried = {
        name
        for name in COMMANDS
        for _, command, status in CASES
        if status == 1 and command.startswith(name)
    }
    others = {
        "serve": "here",
        "demo": "test_cli_demo",
        "uninstall": "test_cli_uninstall",
        "batch collect": "test_cli_batch_provider",
    }
    assert {name for name, why in OWN_REASONS.items() if why} - tried == others.keys()


def test_an_unexpected_error_is_one_sentence(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("companion.app.local_notes.ScanPart", fail)
    ran = user.run("scan")
    assert ran.status == 1 and ran.err.count("\n") == 1
    assert "unexpected RuntimeError: boom; --debug shows where" in ran.err
    with pytest.raises(RuntimeError):
        user.run("scan", "--debug")
