"""The commands: their exit statuses, their lines of help, and how the documentation calls them."""

import json
import re
import shlex
import socket
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from companion.cli import companion
from tests.cli.serving import PATIENCE
from tests.cli.test_transcripts import PAGES
from tests.cli.transcript import read_sections
from tests.cli.user import REPOSITORY, User
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


WITH_KEYS = {
    "scan": ["scan"],
    "enrich": ["enrich", "."],
    "proposals": ["proposals", "--state", "accepted"],
    "undo": ["undo"],
}


def test_the_page_has_the_keys_of_each_json_object(user: User) -> None:
    user.note("Stub.md")
    for command, words in WITH_KEYS.items():
        table = PAGE.partition(f"| key of `{command} --json` |")[2].partition("\n\n")[0]
        first_column = [row.split("|")[1] for row in table.splitlines()[2:]]
        documented = re.findall(r"`(\w+)`", " ".join(first_column))
        printed = json.loads(user.run(*words, "--json").out.splitlines()[0])
        assert sorted(documented) == sorted(printed), command


# what needs a process, a service manager, a provider or an answer, with who tries it
ELSEWHERE = {
    "serve": "test_status_of_what_serves",
    "mcp": "test_status_of_what_serves",
    "demo": "test_cli_demo",
    "service install": "test_cli_service",
    "service uninstall": "test_cli_service",
    "model pull": "test_what_cannot_be_fetched",
    "batch export": "test_cli_state",
    "batch import": "test_cli_batch",
    "token": "test_cli_plugin",
}


def statuses_in_transcripts() -> dict[str, set[int]]:
    """Return by command the exit statuses that the transcripts show."""
    statuses: dict[str, set[int]] = {name: set() for name in COMMANDS}
    for step in [s for page in PAGES for section in read_sections(page) for s in section.steps]:
        words = f"{step.command.removeprefix('companion ')} "
        names = [name for name in COMMANDS if words.startswith(f"{name} ")]
        if names and step.command.startswith("companion "):
            last = step.shown[-1] if step.shown else ""
            status = int(last.partition("# status ")[2] or 0)
            statuses[max(names, key=len)].add(status)
    return statuses


def test_each_status_of_the_table_is_in_a_transcript() -> None:
    shown = statuses_in_transcripts()
    assert ELSEWHERE.keys() <= shown.keys()
    for name in shown.keys() - ELSEWHERE.keys():
        assert 0 in shown[name] and (1 in shown[name]) is bool(OWN_REASONS[name]), name


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
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = user.start(*command.format(port=taken.getsockname()[1]).split())
        _, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, "Traceback" in err) == (status, False), err


def test_what_cannot_be_fetched(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPANION_CACHE", str(user.home / "cache"))
    point_hub_at("http://127.0.0.1:9", monkeypatch)
    ran = user.run("model", "pull", "owner/repo/x.gguf")
    assert ran.status == 1 and "Please report it" not in ran.err


def test_an_unexpected_error_is_one_sentence(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("companion.app.vault.Vault.scan", fail)
    ran = user.run("scan")
    assert ran.status == 1 and ran.err.count("\n") == 1
    assert "unexpected RuntimeError: boom; --debug shows where" in ran.err
    with pytest.raises(RuntimeError):
        user.run("scan", "--debug")


DOCUMENTS = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
_LINE = re.compile(r"^ {0,8}(?:\$ )?(companion .*)$", re.MULTILINE)
_INLINE = re.compile(r"`(companion [^`\n]+)`")
_PLACEHOLDERS = re.compile(r"…|\.\.\.|[\[{<]|\.md:|^companion\.")


def find_commands(page: Path) -> Iterator[str]:
    """Yield the lines of code and the inline code that are commands, without their comments."""
    text = page.read_text(encoding="utf-8")
    if page.name == "commands.md":  # its help pages are generated
        text = text.partition("\n## ")[0]
    for command in [*_LINE.findall(text), *_INLINE.findall(text)]:
        words = re.split(r"\s+[#|&]|\s{3,}", command)[0].strip()
        if not _PLACEHOLDERS.search(words):
            yield words


DOCUMENTED = sorted({(page.name, command) for page in DOCUMENTS for command in find_commands(page)})


@pytest.mark.parametrize(("page", "command"), DOCUMENTED)
def test_it_can_be_typed(page: str, command: str) -> None:
    words = shlex.split(command)[1:]
    called: click.Command = companion
    while isinstance(called, click.Group) and words and not words[0].startswith("-"):
        found = called.get_command(click.Context(called), words.pop(0))
        assert found, f"{page}: {command}"
        called = found
    if words or not isinstance(called, click.Group):
        context = click.Context(called)
        names = {name for param in called.get_params(context) for name in param.opts}
        names |= {name for param in called.get_params(context) for name in param.secondary_opts}
        options = {word.partition("=")[0] for word in words if word.startswith("-") and word != "-"}
        assert options <= names | {"--help"}, f"{page}: {command}"
