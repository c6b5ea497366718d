"""Follow a note's text through `Asker.ask`: the modules that it enters, and the turns back.

    python -m benchmarks.pipeline

One note with an empty description and empty tags, and without a callout, is asked about; an
endpoint on this machine answers by the schema, and the checks find its answers unfit, so that they
are asked for twice and a sentence of the note is the last resort: the longest way there is.

A module is entered by a call from another of our modules, if one of the call's arguments is the
note's text, a part of it that has the marked word, or an object that holds one. Counted are the
modules of `enrich/`, and `checks/` and `prompts/` as one each; the figures with each of their files
for itself follow in brackets. The modules of `note/`, which read the text, and of `llm/`, which
send it, serve any of them and are only named. Modules rank by when they are first entered. The way
turns back where a module is entered right after one of a higher rank, unless it hands the text on
to no other, and so is a helper. The same two modules count once, however many answers there are.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import is_dataclass
from inspect import CO_GENERATOR
from itertools import pairwise
from pathlib import Path
from threading import Event
from types import FrameType
from typing import Any, NamedTuple

from benchmarks.stub_endpoint import running_stub
from companion.config import Config
from companion.enrich.asker import Asker
from companion.enrich.configured_model import open_client
from companion.enrich.context.vault_context import VaultContext
from companion.enrich.task import Job, prepare_task
from companion.enrich.workspace import Workspace, open_workspace
from companion.llm.client import Client
from companion.vault.write import read_note

MARKED = "Quillwort"
NOTE = f"""---
description:
tags:
---

# {MARKED}

{MARKED} is a water plant with leaves like quills, which grows in clear lakes of the north.

## Where it grows

{MARKED} grows on sand, in water that is poor in lime, and [[Lakes|lakes]] lose it to dredging.
"""
COUNTED = ("enrich.", "prompts")
WHOLE = ("enrich.checks", "prompts")  # packages that count as one module
DEPTH = 4  # of the objects in an argument that are looked into
FIRST = 40  # members of a collection that are looked at


class Entry(NamedTuple):
    """A call by which the note's text enters a module, from another one."""

    origin: str
    module: str
    function: str


class Tracer:
    """Records the calls between our modules that carry the note's text; for one thread."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._begun = set[FrameType]()  # generators, which are called anew for each of their values

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        """Record a call, as `sys.setprofile` reports it."""
        module = _module(frame)
        if event != "call" or not module or frame in self._begun:
            return
        if frame.f_code.co_flags & CO_GENERATOR:
            self._begun.add(frame)
        caller = frame.f_back
        while caller and not _module(caller):
            caller = caller.f_back
        origin = _module(caller) if caller else ""
        if origin not in ("", module) and any(map(carries, frame.f_locals.values())):
            self.entries.append(Entry(origin, module, frame.f_code.co_name))


def _module(frame: FrameType) -> str:
    """Return the name of our module that the frame is of, without the package; empty for others."""
    package, _, name = frame.f_globals.get("__name__", "").partition(".")
    return name if package == "companion" else ""


def carries(value: object, depth: int = DEPTH) -> bool:
    """Return whether the value is text of the note, or holds some."""
    if isinstance(value, str):
        return MARKED in value
    if isinstance(value, bytes):
        return MARKED.encode() in value
    if depth == 0 or isinstance(value, Workspace | VaultContext | Client):
        return False  # what is of the vault, not of the note
    return any(carries(member, depth - 1) for member in _members(value))


def _members(value: object) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from list(value.values())[:FIRST]
    elif isinstance(value, list | tuple | set | frozenset):
        yield from list(value)[:FIRST]
    elif is_dataclass(value) or type(value).__module__.startswith("companion."):
        slots = getattr(type(value), "__slots__", ())
        yield from getattr(value, "__dict__", {}).values()
        yield from (getattr(value, name, None) for name in slots)


def trace() -> list[Entry]:
    """Return the entries of one `Asker.ask`, in order."""
    with tempfile.TemporaryDirectory() as folder, running_stub() as stub:
        del os.environ["COMPANION_CHECKS"]  # the stub's answers are to be found unfit
        os.environ["COMPANION_HOME"] = f"{folder}/home"
        vault = Path(folder, "vault")
        vault.mkdir()
        (vault / "Plant.md").write_text(NOTE)
        (vault / "Lakes.md").write_text("---\ntags: [place]\n---\n\nLakes are still water.\n")
        time.sleep(0.1)  # so that no note is young, and read_note need not wait
        config = Config.model_validate({"endpoint": {"base_url": stub.base_url, "model": "stub"}})
        with open_workspace(config, vault) as workspace, open_client(config, Event()) as client:
            asker = Asker(workspace, VaultContext(workspace.scan()))
            data = read_note(workspace.root, "Plant.md").data
            task = prepare_task(workspace, Job("Plant.md", explicit=True), data)
            tracer = Tracer()
            sys.setprofile(tracer)
            try:
                asker.ask("Plant.md", task.parsed, task.needs, client)
            finally:
                sys.setprofile(None)
    return tracer.entries


def find_turns(entries: list[Entry]) -> dict[tuple[str, str], int]:
    """Return the pairs of modules between which the way turns back, and how often it does."""
    ranks = {name: rank for rank, name in enumerate(dict.fromkeys(each.module for each in entries))}
    passing = {entry.origin for entry in entries}
    way = [entry.module for entry in entries if entry.module in passing]
    return Counter((before, name) for before, name in pairwise(way) if ranks[name] < ranks[before])


def merge_packages(entries: list[Entry]) -> list[Entry]:
    """Return the entries with the packages of WHOLE as one module each, without calls in them."""

    def name_of(module: str) -> str:
        return next((whole for whole in WHOLE if f"{module}.".startswith(f"{whole}.")), module)

    named = [
        entry._replace(origin=name_of(entry.origin), module=name_of(entry.module))
        for entry in entries
    ]
    return [entry for entry in named if entry.origin != entry.module]


def main() -> None:
    """Print the modules with the function by which each is entered first, and the turns back."""
    entries = trace()
    files = [entry for entry in entries if entry.module.startswith(COUNTED)]
    counted = merge_packages(files)
    first = {entry.module: entry for entry in reversed(counted)}
    for name in dict.fromkeys(entry.module for entry in counted):
        print(f"  {name}, first by {first[name].function} from {first[name].origin}")
    turns = find_turns(counted)
    for (before, name), times in turns.items():
        print(f"  back from {before} to {name}, {times} times")
    others = dict.fromkeys(entry.module for entry in entries if entry not in files)
    print(f"beside these: {', '.join(others)}")
    alone = len({entry.module for entry in files}), len(find_turns(files))
    print(f"modules: {len(first)}; turns back: {len(turns)} (each file for itself: {alone})")


if __name__ == "__main__":
    main()
