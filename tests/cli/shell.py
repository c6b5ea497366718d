"""A small shell in this process, in which transcripts run: companion, and a few file commands.

    companion scan | grep PATTERN    the lines of the standard output that match it; cat, too
    companion serve &                a daemon in a process of its own; kill ends it
    stub NOTE, large NOTE, example   write a note that needs work, one too large, the example vault
    tagged                           write thirty notes, tagged cooking or garden
    pdf FILE TEXT                    write a PDF with the text, none for a scanned one
    look NOTE                        tell whether a note is the stub, or that filled and no more
    model says FIELD=TEXT            what the model answers; with := a JSON value
    model replies|takes|fails        its whole answer, in how many tokens (read, written, and read
                                     from the cache), or its error
    model calls|heard|moves          what it was asked; it is on another machine from now on
    offline QUESTIONS ANSWERS        have the model answer the file of a batch
    meanwhile COMMAND                what happens while the model thinks about the next question
    config <<.                       write the configuration file
    machine VAULT...                 nothing is set up here yet; Obsidian lists these vaults
    age DAYS NOTE|CHANGE             as if it was saved, or made, so many days ago
    interrupt                        as if the last change had been interrupted
    reset                            everything is as after the steps at the head of the page

The rest are what they are elsewhere: cat, cd, chmod, cp, export, link, ln, ls, mkdir, mv, printf,
rm, sed, unset. STATE is the state folder of the vault, ENDPOINT the address of the model.
"""

import json
import os
import re
import shlex
import shutil
import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from companion import __version__
from companion.config import state_folder
from tests.cli.batch_runner import ask_endpoint, run_batch, write_answers
from tests.cli.empty_machine import empty_machine
from tests.cli.serving import serving, wait_until_scanned
from tests.cli.transcript import Step
from tests.cli.user import FILLED, REPOSITORY, STUB, Terminal, User, let_it_rest
from tests.enrich.similar_vault import write_tagged
from tests.llm.fake_endpoint import Scene, Seen, answer, error
from tests.vault.test_pdf_text import make_pdf

ME = "/home/me"  # stands for the folder of the test
_VARYING = [
    (re.compile(rf"(?<![\d.]){re.escape(__version__)}\b"), "VERSION"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d [+-]\d{4}"), "TIME"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "TIME"),
    (re.compile(r"(?<=http://127\.0\.0\.1:)[3-6]\d{4}"), "PORT"),
    (re.compile(r"(?<![\w-])[\w-]{43}(?![\w-])"), "TOKEN"),
    (re.compile(r"\b(?=[0-9]*[a-f])[0-9a-f]{16}\b"), "ID"),
    (re.compile(r"\d+\.\d+ s\b"), "N s"),
    (re.compile(r'"seconds": [\d.]+'), '"seconds": N'),
    (re.compile(r"\b(?<=pid |ess )\d+"), "N"),
    (re.compile(r"(?<=-)[0-9a-f]{12}\b"), "HASH"),
    (re.compile(r"\(\d+(\.\d+)? (bytes|kB)\)"), "(SIZE)"),
    (re.compile(r"\x1b\[[0-9;]*m"), ""),
    (re.compile(r"(?<=#code=)\S+"), "CODE"),
]
_ESCAPE = re.compile(r"\\(?:n|x[0-9a-f]{2}|u[0-9a-f]{4})")
_DAY = 86_400.0  # seconds
_RUN = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}")


class Shell:
    """What a user types at. jobs: what runs in the background."""

    def __init__(self, user: User, monkeypatch: pytest.MonkeyPatch, jobs: ExitStack) -> None:
        self.user = user
        self._jobs = jobs
        self._patch = monkeypatch
        self._root = str(user.home.parent)
        self._runs: list[str] = []
        user.configure("[endpoint]\nconcurrency = 1\n")

    def keep(self) -> None:
        """Keep what there is for `reset`."""
        shutil.copytree(self._root, f"{self._root}-kept", symlinks=True)

    def _reset(self) -> None:
        """Put everything back as it was when it was kept."""
        for folder in (self.user.vault, self.user.home):
            shutil.rmtree(folder)
            shutil.copytree(f"{self._root}-kept/{folder.name}", folder, symlinks=True)
        self._patch.chdir(self.user.vault)

    def _look(self, *paths: str) -> str:
        """Tell which notes are the stub, and which were filled and nothing else."""
        names = {STUB.encode(): "the stub", FILLED.encode(): "filled"}
        notes = [(path, Path(path)) for path in paths]
        return "".join(
            f"{path}: {names.get(file.read_bytes(), 'else') if file.exists() else 'gone'}\n"
            for path, file in notes
        )

    def run(self, step: Step) -> list[str]:
        """Run the command; return the lines that it shows."""
        command, _, wanted = self._fill(step.command.partition("<<")[0]).partition(" | grep ")
        wanted = " ".join(shlex.split(wanted))
        command, *rest = shlex.split(command)
        if command == "companion":
            return self._companion(list(map(_unescape, rest)), step.typed, wanted)
        told = self._act(command, *rest, text=self._fill(step.text))
        for note in self.user.vault.rglob("*.md"):
            if not note.is_symlink() and time.time() - note.stat().st_mtime < 30:
                let_it_rest(note)
        return [line for line in _split(self._hide(told or "")) if re.search(wanted, line)]

    def _act(self, command: str, *words: str, text: str = "") -> str | None:
        act: Callable[..., str | None] = getattr(self, f"_{command}")
        return act(*words, text=text) if text else act(*words)

    def _companion(self, arguments: list[str], typed: list[str], wanted: str) -> list[str]:
        if arguments[-1] == "&":
            daemon = self._jobs.enter_context(serving(self.user, *arguments[1:-1]))
            wait_until_scanned(daemon)
            return _split(self._hide(daemon.said))
        with self._patch.context() as patch:
            if typed:
                patch.setenv("FORCE_COLOR", "1")
                patch.setenv("TERM", "dumb")
                keys = "".join(f"{line}\n" for line in typed if line != "^D")
                patch.setattr(sys, "stdin", Terminal(keys))
            ran = self.user.run(*arguments)
        lines = [line for line in _split(self._hide(ran.out)) if re.search(wanted, line)]
        lines += [f"! {line}" for line in _split(self._hide(ran.err))]
        return [*lines, *([f"# status {ran.status}"] if ran.status else [])]

    def _fill(self, text: str) -> str:
        """Return what is typed, with the run ids and places of this test."""
        text = re.sub(r"\bRUN(\d+)", lambda match: self._runs[int(match[1]) - 1], text)
        text = text.replace("STATE", str(state_folder(self.user.vault)))
        return text.replace(ME, self._root).replace("ENDPOINT", self.user.fake.url)

    def _hide(self, text: str) -> str:
        """Return what is shown, without what differs from run to run."""
        text = text.replace(self._root, ME).replace(self._root.replace("\\", "\\\\"), ME)
        if os.name == "nt":
            text = re.sub(rf"{ME}[^\s,;:\"')]*", lambda match: match[0].replace("\\", "/"), text)
        for pattern, name in _VARYING:
            text = pattern.sub(name, text)
        return _RUN.sub(self._name_run, text)

    def _name_run(self, match: re.Match[str]) -> str:
        if match[0] not in self._runs:
            self._runs.append(match[0])
        return f"RUN{self._runs.index(match[0]) + 1}"

    def _at(self, path: str) -> Path:
        file = Path(_unescape(path))
        file.parent.mkdir(parents=True, exist_ok=True)
        return file

    def _stub(self, *paths: str) -> None:
        for path in paths:
            self._at(path).write_bytes(STUB.encode())

    def _machine(self, *vaults: str) -> None:
        """Begin on a machine on which nothing is set up, with Companion's plugin built.

        vaults: those that Obsidian lists, the one opened last at the end.
        """
        (self.user.home / "config.toml").unlink(missing_ok=True)
        listed = self.user.home / "obsidian" / "obsidian.json"
        if vaults:
            listed.parent.mkdir(exist_ok=True)
            paths = {str(n): {"path": vault, "ts": n} for n, vault in enumerate(vaults)}
            listed.write_text(json.dumps({"vaults": paths}), encoding="utf-8")
        empty_machine(self.user, self._patch, [listed] if vaults else ())

    def _example(self) -> None:
        """Have the vault of `companion demo` here."""
        shutil.copytree(REPOSITORY / "examples/vault", ".", dirs_exist_ok=True)

    def _tagged(self) -> None:
        write_tagged(self.user.vault)

    def _large(self, path: str) -> None:
        self._at(path).write_bytes((STUB + "x" * 1_200_000).encode())

    def _pdf(self, path: str, text: str) -> None:
        self._at(path).write_bytes(make_pdf([_unescape(text)]))

    def _cat(self, *paths: str, text: str = "") -> str:
        if paths[0] == ">":
            self._at(paths[1]).write_bytes(text.encode())
            return ""
        return "".join(Path(path).read_bytes().decode() for path in paths)

    def _printf(self, text: str, _to: str, path: str) -> None:
        data = text.encode().decode("unicode_escape").encode("latin-1")
        self._at(path).write_bytes(data)

    def _sed(self, rule: str, *paths: str) -> None:
        _, old, new, _ = re.split(r"(?<!\\)" + re.escape(rule[0]), rule)
        for file in map(self._at, paths):
            text = file.read_bytes().decode()
            edited = text.replace(_unescape(old), _unescape(new))
            assert edited != text, f"{old} is not in {file}"
            file.write_bytes(edited.encode())

    def _config(self, text: str = "") -> None:
        self.user.configure(text)

    def _mv(self, old: str, new: str) -> None:
        shutil.move(old, self._at(new))

    def _cp(self, old: str, new: str) -> None:
        shutil.copy(old, self._at(new))

    def _rm(self, *paths: str) -> None:
        for path in map(Path, paths):
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def _ln(self, _option: str, old: str, new: str) -> None:
        self._at(new).symlink_to(old)

    def _link(self, old: str, new: str) -> None:
        self._at(new).hardlink_to(old)

    def _mkdir(self, *paths: str) -> None:
        for path in paths:
            Path(path).mkdir(parents=True)

    def _ls(self, path: str = ".") -> str:
        return "".join(f"{name}\n" for name in sorted(os.listdir(path)))  # noqa: PTH208

    def _cd(self, path: str) -> None:
        self._patch.chdir(path)

    def _export(self, setting: str) -> None:
        name, _, value = setting.partition("=")
        self._patch.setenv(name, value)

    def _unset(self, *names: str) -> None:
        for name in names:
            self._patch.delenv(name, raising=False)

    def _model(self, verb: str, *rest: str) -> str | None:
        """Have the model say something else or fail; or tell how often it was asked."""
        if verb == "calls":
            return f"{self.user.calls()}"
        if verb == "says":
            values: dict[str, Any] = dict(map(_read_value, rest))
            self.user.says(**values)
        if verb == "replies":
            self.user.fake.play(Scene(200, rest[1].encode()) if rest[0] == "-n" else answer(*rest))
        if verb == "fails":
            self.user.fake.play(error(int(rest[0]), *rest[1:]))
        if verb == "takes":
            read, written = map(int, rest)
            self.user.says({"prompt_tokens": read, "completion_tokens": written})
        if verb == "moves":
            self._patch.setattr("companion.config.Config.is_remote", True)
        if verb == "heard":
            sent = [str(seen.body) for seen in self.user.fake.seen]
            return "".join(
                f"{word}: {sum(word in each for each in sent)} of {len(sent)}\n" for word in rest
            )
        return None

    def _offline(self, questions: str, answers: str) -> None:
        lines = run_batch(Path(questions), ask_endpoint(self.user.fake.url))
        write_answers(Path(answers), lines)

    def _meanwhile(self, *command: str, text: str = "") -> None:
        """Run a command while the model thinks about the next question."""
        fake, script = self.user.fake, self.user.fake.script

        def act(seen: Seen, number: int) -> Scene:
            fake.script = script
            scene = script(seen, number)
            self._act(*command, text=text)
            return scene

        fake.script = act

    def _kill(self) -> None:
        self._jobs.close()

    def _chmod(self, mode: str, path: str) -> None:
        Path(path).chmod(int(mode, 8))

    def _age(self, days: str, *what: str) -> None:
        """Have changes been made, and notes been saved, some days earlier."""
        for each in what:
            if each.isdigit():
                self._age_change(float(days) * _DAY, int(each))
            else:
                seen = time.time() - float(days) * _DAY
                os.utime(each, (seen, seen))

    def _age_change(self, seconds: float, change: int) -> None:
        self._execute("UPDATE changes SET made_at = made_at - ? WHERE id = ?", seconds, change)

    def _interrupt(self) -> None:
        last = "(SELECT MAX(id) FROM changes)"
        self._execute(f"UPDATE changes SET state = 'pending' WHERE id = {last}")

    def _execute(self, sql: str, *values: float) -> None:
        """Execute a statement in the journal of the vault."""
        with closing(sqlite3.connect(state_folder(self.user.vault) / "journal.sqlite3")) as db, db:
            db.execute(sql, values)


def _split(text: str) -> list[str]:
    return text.removesuffix("\n").split("\n") if text else []


def _unescape(text: str) -> str:
    """Return the text with the characters that `\\n`, `\\x1b` and `\\u2028` stand for."""
    return _ESCAPE.sub(lambda match: match[0].encode().decode("unicode_escape"), text)


def _read_value(word: str) -> tuple[str, object]:
    name, _, value = word.partition("=")
    if name.endswith(":"):
        return name[:-1], json.loads(value)
    value = _unescape(value)
    return name, value.strip("[]").split(",") if value.startswith("[") else value
