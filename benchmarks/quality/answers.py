"""Asks the model for what notes lack, by the product's own code; writes nothing to the vault."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal
from unittest.mock import patch

from benchmarks.quality.cached_client import CachedClient
from benchmarks.quality.references import Reference
from companion.config import Config
from companion.enrich.asker import Asker
from companion.enrich.configured_model import model_facts, open_source
from companion.enrich.context.backlinks import Backlinks
from companion.enrich.context.vault_context import VaultContext
from companion.enrich.workspace import Workspace, open_workspace
from companion.llm.response import Usage
from companion.note.facts import find_facts
from companion.note.needs import Need, Rules
from companion.note.parsed_note import ParsedNote
from companion.note.text import NoteText


@dataclass(frozen=True)
class Answered:
    """What came of one need of one note.

    text: the value that would go into the note; empty where it was rejected, or there is nothing
    to say. rejected: why. remark: what the history would say: it stands there where the value is
    not the model's own. usage, calls, seconds: of the whole note; calls: questions put to the
    client, so more than the needs where one was asked again.
    """

    note: Reference
    kind: str
    text: str
    rejected: str
    remark: str
    usage: Usage
    calls: int
    seconds: float


Shown = Literal["whole", "backlinks", "title"]
"""What of a note is shown: all; its title and what other notes tell of it; the title alone."""


@dataclass
class Answering:
    """Asks for the needs of notes of one vault. shown: what of the notes the model is shown.

    prose: tokens of a note's text that it is shown at most; None: as many as the product shows.
    """

    workspace: Workspace
    config: Config
    cache: Path
    shown: Shown = "whole"
    prose: int | None = None

    def ask_all(
        self, notes: Sequence[Reference], kinds: Sequence[str], at_once: int
    ) -> Iterator[list[Answered]]:
        """Yield for each note what came of its needs of these kinds, in the order of the notes."""
        asker = self.asker()
        with open_source(self.config) as source, ThreadPoolExecutor(at_once) as pool:

            def ask(note: Reference) -> list[Answered]:
                client = CachedClient(source, self.cache)
                with closing(client):
                    return self._ask(asker, client, note, kinds)

            yield from pool.map(ask, notes)

    def asker(self) -> Asker:
        """Return what asks for the notes' needs, and reads the answers."""
        model = model_facts(self.config)
        if self.shown == "title":
            model = model._replace(related_tokens=0)
        if self.prose:
            model = model._replace(prose_tokens=self.prose)
        return Asker(self.workspace, self._known, model=model)

    @cached_property
    def _known(self) -> VaultContext:
        return VaultContext(self.workspace.scan())

    def choose_told(self, notes: Sequence[Reference], least: int) -> list[Reference]:
        """Return the notes of which other notes tell so many things at least."""
        backlinks = Backlinks(self.workspace)

        def count(note: Reference) -> int:
            return len(backlinks.find_related(self._known, note.path, note.view, None).backlinks)

        return [note for note in notes if count(note) >= least]

    def needs_of(self, note: Reference, kinds: Sequence[str]) -> list[Need]:
        """Return what the product would ask for, were the note named, of these kinds."""
        return needs_of(note.view, self.workspace.rules, kinds)

    def _ask(
        self, asker: Asker, client: CachedClient, note: Reference, kinds: Sequence[str]
    ) -> list[Answered]:
        needs = self.needs_of(note, kinds)
        view = note.view if self.shown == "whole" else take_away_text(note.view)
        answers = asker.ask(note.path, view, needs, client)
        values = {each.need: each.filling for each in answers.accepted}
        reasons = {each.need: each.reason for each in answers.rejected}
        made = []
        for need in needs:
            filling = values.get(need)
            value = filling.value if filling else ""
            made.append(
                Answered(
                    note,
                    need.kind,
                    value if isinstance(value, str) else "\n".join(value),
                    "" if filling else reasons.get(need, "no answer"),
                    filling.remark if filling else "",
                    client.took,
                    client.asked,
                    client.seconds,
                )
            )
        return made


def needs_of(view: ParsedNote, rules: Rules, kinds: Collection[str]) -> list[Need]:
    """Return what the product would ask for, were the note named, of these kinds."""
    needs = find_facts(view, rules, explicit=True).needs
    return [need for need in needs if need.kind in kinds and need.where != "request"]


def take_away_text(view: ParsedNote) -> ParsedNote:
    """Return the note with nothing below its properties but the first heading of level 1."""
    first = next((line for line in view.lines if line.level == 1), None)
    heading = f"{first.text}\n" if first else ""
    return ParsedNote(NoteText(view.note.text[: view.note.body_start] + heading))


@contextmanager
def open_answering(
    config: Config,
    root: Path,
    cache: Path | None,
    shown: Shown = "whole",
    prose: int | None = None,
) -> Iterator[Answering]:
    """Open the vault with the built-in prompts and the vault's own, and a state of its own.

    cache: the folder of kept answers; None: they are kept for this run only.
    """
    with (
        tempfile.TemporaryDirectory(prefix="companion-quality-") as home,
        patch.dict(os.environ, COMPANION_HOME=home),
        open_workspace(config, root) as workspace,
    ):
        yield Answering(workspace, config, cache or Path(home, "answers"), shown, prose)


def with_progress(made: Iterable[list[Answered]], total: int) -> Iterator[Answered]:
    """Yield what came of each need, and say on standard error how far it is."""
    for number, group in enumerate(made, 1):
        end = "\r" if sys.stderr.isatty() and number < total else "\n"
        took = f"{group[0].seconds:.1f} s" if group else "nothing to ask"
        print(f"{number} of {total} notes: {took}", end=end, file=sys.stderr, flush=True)
        yield from group
