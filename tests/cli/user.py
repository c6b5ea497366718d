"""Somebody at the command line: a vault, an endpoint that plays the model, and commands."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from companion.cli import run
from companion.config import load_config
from companion.config.load import ENDPOINT_VARIABLES
from companion.enrich.checks import UNCHECKED
from companion.enrich.workspace import Workspace, open_workspace
from companion.store.proposals import Proposal
from tests.forked import CAN_FORK, Forked
from tests.llm.fake_endpoint import FakeEndpoint, Scene, Seen, answer

Process = subprocess.Popen[str]

REPOSITORY = Path(__file__).parents[2]
KEY = "sk-user-Qm4tHs9pSecretKey"
STUB = "---\ndescription: \ncreated: 2024-02-11\n---\n\n# Stub\n\nText of mine.\n"
SAYS: Mapping[str, object] = {
    "description": "What a stub is.",
    "callout": "A stub is a short note.\n\nIt grows.",
    "aliases": ["short note"],
    "tags": [],
    "note-type": "",
}
FILLED = (
    "---\ndescription: What a stub is.\ncreated: 2024-02-11\n---\n\n# Stub\n\n"
    "> [!ai] AI\n> A stub is a short note.\n>\n> It grows.\n\nText of mine.\n"
)


class Terminal(io.StringIO):
    """A standard input at which a person types."""

    def isatty(self) -> bool:
        return True


class Ran(NamedTuple):
    """What a command came to: its exit status and what it printed."""

    status: int
    out: str
    err: str

    @property
    def objects(self) -> list[dict[str, Any]]:
        """The JSON objects on the standard output, one a line."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def all(self) -> str:
        """Everything that was printed."""
        return self.out + self.err


class User:
    """A user with a vault, into which they have changed, and settings of their own."""

    def __init__(
        self,
        folder: Path,
        fake: FakeEndpoint,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        self.vault = folder / "vault"
        self.home = folder / "home"
        self.fake = fake
        self._capsys = capsys
        self._monkeypatch = monkeypatch
        (self.vault / ".obsidian").mkdir(parents=True)
        self.home.mkdir()
        self.environment = {
            "COMPANION_HOME": str(self.home),
            "COMPANION_BASE_URL": fake.url,
            "COMPANION_MODEL": "m",
            "COMPANION_API_KEY": KEY,
        }
        for name, value in self.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(self.vault)
        self.configure("[endpoint]\n")
        self.says()

    def configure(self, text: str) -> Path:
        """Write the configuration file."""
        file = self.home / "config.toml"
        file.write_text(text, encoding="utf-8")
        return file

    def forget_endpoint(self) -> None:
        """Take the endpoint out of the environment."""
        for name in ENDPOINT_VARIABLES:
            self._monkeypatch.delenv(name, raising=False)
            self.environment.pop(name, None)

    def types(self, *lines: str) -> None:
        """Sit at a terminal, and type these lines."""
        self._monkeypatch.setenv("FORCE_COLOR", "1")
        self._monkeypatch.setenv("TERM", "dumb")
        self._monkeypatch.setattr(sys, "stdin", Terminal("".join(f"{line}\n" for line in lines)))

    def open(self) -> AbstractContextManager[Workspace]:
        """Open the vault, as commands do."""
        return open_workspace(load_config(self.vault), self.vault)

    def kept(self) -> list[Proposal]:
        """Return all proposals, the oldest first."""
        with self.open() as space:
            return space.journal.proposals.select()[::-1]

    def note(self, path: str, text: str | bytes = STUB) -> Path:
        """Write a note of the vault; its time of change lies a minute back."""
        file = self.vault / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        let_it_rest(file)
        return file

    def read(self, path: str) -> str:
        """Return the text of a note, line ends as they are."""
        return (self.vault / path).read_bytes().decode()

    def files(self) -> dict[str, bytes]:
        """Return every file of the vault."""
        return files_in(self.vault)

    def says(self, usage: Mapping[str, object] | None = None, **values: object) -> None:
        """Have the model say this for these fields, and the usual for the others.

        usage: what each answer takes, as OpenAI's API tells it.
        """

        def script(seen: Seen, _n: int) -> Scene:
            scene = answer_by_schema(seen, {**SAYS, **values})
            body = {**json.loads(scene.body), "usage": usage}
            return scene._replace(body=json.dumps(body).encode()) if usage else scene

        self.fake.script = script

    def run(self, *arguments: str) -> Ran:
        """Run a command in this process; that the tests have the checks off is not told."""
        self._capsys.readouterr()
        status = run(list(arguments))
        out, err = self._capsys.readouterr()
        return Ran(status, out, err.replace(f"{UNCHECKED}\n", ""))

    def calls(self) -> int:
        """Return how many questions reached the model so far."""
        return len(self.fake.seen)

    def start(self, *arguments: str, **options: Any) -> Process:
        """Start a command in a process of its own."""
        environment = os.environ | self.environment | {"PYTHONPATH": str(REPOSITORY)}
        usual: dict[str, Any] = {
            "cwd": self.vault,
            "env": environment | options.pop("env", {}),
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "stdin": subprocess.DEVNULL,
            "encoding": "utf-8",
        }
        if CAN_FORK and "preexec_fn" not in options:
            return Forked(arguments, **usual | options)
        return subprocess.Popen([sys.executable, "-m", "companion", *arguments], **usual | options)


def answer_by_schema(seen: Seen, values: Mapping[str, object]) -> Scene:
    """Return an answer with the values that the request's JSON schema asks for.

    Where that offers choices and the value is none of them, the first one is said.
    """
    form = seen.body.get("response_format", {}).get("json_schema")
    if not form:
        return answer(str(values["description"]))
    wanted = form["schema"]["properties"]
    said = {key: _choose(part, values[key.partition("_")[0]]) for key, part in wanted.items()}
    return answer(json.dumps(said))


def _choose(schema: Mapping[str, Any], value: object) -> object:
    choices = schema.get("enum")
    return choices[0] if choices and value not in choices else value


def let_it_rest(file: Path) -> None:
    """Set the file's time of change back a minute, so that nobody waits for it to settle."""
    seen = file.stat().st_mtime - 60
    os.utime(file, (seen, seen))


def files_in(folder: Path) -> dict[str, bytes]:
    """Return every file in the folder, by its path relative to it."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
