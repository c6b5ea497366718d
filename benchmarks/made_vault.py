"""Vaults made of numbered notes, the home folder of their Companion, and what became of them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.stub_endpoint import MARK, Stub, running_stub
from companion.config import state_folder
from companion.store.journal import Change, Journal

FOLDER_OF = 100  # notes
NOTE = """---
aliases:
  - name {number}
{description}created: 2024-01-01
---

# {name}

Some sentences of prose about {name}. They go on for a while, as sentences do.

## Heading

- one
- two
"""


@contextmanager
def fresh_folder() -> Iterator[Path]:
    """Return a folder, removed at the end, without symbolic links on the way to it."""
    # so that the daemon and the folder go, too, when the benchmark is told to end
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("told to end"))
    with tempfile.TemporaryDirectory(prefix="companion-daemon-") as name:
        yield Path(name).resolve()


def set_home(home: Path, tables: dict[str, dict[str, object]]) -> None:
    """Have this process and its daemons use a home folder of that configuration."""
    for name in ("COMPANION_BASE_URL", "COMPANION_API_KEY", "COMPANION_MODEL"):
        os.environ.pop(name, None)
    os.environ["COMPANION_HOME"] = str(home)
    home.mkdir(parents=True, exist_ok=True)
    lines: list[str] = []
    for table, settings in tables.items():
        lines.append(f"[{table}]")
        # of strings, numbers, booleans and lists of them, JSON is TOML
        lines += [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    (home / "config.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def stub_tables(base_url: str, **background: object) -> dict[str, dict[str, object]]:
    """Return the configuration for the stub endpoint. background: settings of that table."""
    table = {"enabled": True, "backlog": "all", "notes_a_day": 100_000} | background
    return {"endpoint": {"base_url": base_url, "model": "stub"}, "background": table}


def name_of(number: int) -> str:
    """Return the title of a note, which the stub knows again."""
    return f"Subject-{number:05}"


def number_of(title: str) -> int:
    """Return the number of the note that the title, or name, is of, whatever follows in it."""
    begin = len(name_of(0)) - 5
    return int(title[begin : begin + 5])


def path_of(number: int) -> str:
    """Return the note's path in the vault."""
    return f"{number // FOLDER_OF:03}/{name_of(number)}.md"


def note(number: int, description: str | None = None) -> str:
    """Return the text of a note. description: its value; "": a stub; None: without the property."""
    line = "" if description is None else f"description: {description}".rstrip() + "\n"
    return NOTE.format(number=number, name=name_of(number), description=line)


def make_vault(vault: Path, notes: int, description: str | None = "") -> Path:
    """Return the vault, with so many notes."""
    for number in range(notes):
        file = vault / path_of(number)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(note(number, description), encoding="utf-8")
    (vault / ".obsidian").mkdir(parents=True)
    return vault


@contextmanager
def stubbed_vault(
    notes: int,
    delay: float = 0.0,
    description: str | None = "",
    *,
    at_once: int = 4,
    proposes: bool = False,
    **background: object,
) -> Iterator[tuple[Path, Stub]]:
    """Lend a vault of so many notes that a stub answers for, in a home of its own; and the stub.

    delay: seconds before each of its answers. at_once: notes that are asked about at the same
    time. proposes: answers wait for a decision. background: settings of that table.
    """
    with fresh_folder() as folder, running_stub(delay) as stub:
        tables = stub_tables(stub.base_url, **background)
        tables["endpoint"]["concurrency"] = at_once
        tables["review"] = {"mode": "propose" if proposes else "write"}
        set_home(folder / "home", tables)
        yield make_vault(folder / "vault", notes, description), stub


def copy_vault(source: Path | None, vault: Path, notes: int) -> Path:
    """Return a copy of the vault at source; without one, a vault of so many notes, none a stub."""
    if source is None:
        return make_vault(vault, notes, "What it is about.")
    shutil.copytree(source, vault, symlinks=True)
    return vault


def is_filled_once(text: str) -> bool:
    """Return whether a note's text has one description and one callout, both of the stub."""
    filled = [line for line in text.splitlines() if line.startswith("description:")]
    return len(filled) == 1 and MARK in filled[0] and text.count("> [!ai]") == 1


def count_filled(vault: Path, notes: int) -> int:
    """Return how many of the vault's notes are filled, each exactly once."""
    texts = ((vault / path_of(number)).read_text(encoding="utf-8") for number in range(notes))
    return sum(map(is_filled_once, texts))


def open_journal(vault: Path) -> Journal:
    """Open the journal of the vault for reading; a context manager."""
    return Journal(state_folder(vault) / "journal.sqlite3")


def read_changes(vault: Path) -> list[Change]:
    """Return what the journal of the vault holds, oldest first."""
    with open_journal(vault) as journal:
        return journal.changes()[::-1]
