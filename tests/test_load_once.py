"""What is loaded on first use is loaded once, however many threads are the first."""

import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from inspect import unwrap
from pathlib import Path
from threading import Barrier, BrokenBarrierError, Event, Lock
from typing import Any

import fasttext
import pytest

from companion.config import load_config
from companion.enrich.context import vault_context
from companion.enrich.context.backlinks import Backlinks
from companion.enrich.context.vault_context import VaultContext
from companion.enrich.workspace import Workspace, open_workspace
from companion.language import detection, words
from companion.language.detection import NoteLanguages
from companion.llm import calls, encoder
from companion.llm.client import Client, Question
from companion.llm.encoder import BuiltInEncoder
from companion.llm.endpoint import Endpoint
from companion.load_once import load_once
from companion.note.parsed_note import ParsedNote
from companion.prompts import load_prompts
from companion.vault.notes import Scan
from tests.examples import labelled

THREADS = 16
ENGLISH = "Bread rises when the yeast in the dough makes gas, and it wants time and warmth. "
STUB = f"---\ndescription:\ntags:\n---\n# Stub\n\n{ENGLISH}\n\n[[Hub]]\n"
HUB = f"---\ntags: [bread]\n---\n# Hub\n\n[[Stub]] says how bread rises in the oven.\n\n{ENGLISH}\n"


@pytest.fixture
def space(tmp_path: Path, home: Path) -> Iterator[Workspace]:
    vault = tmp_path / "vault"
    (vault / ".obsidian").mkdir(parents=True)
    (vault / "Stub.md").write_text(STUB)
    (vault / "Hub.md").write_text(HUB)
    with open_workspace(load_config(), vault) as workspace:
        yield workspace


class Loads:
    """Counts loads. The first one waits for a second one, which a correct loader never begins."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._lock = Lock()
        self._pair = Barrier(2)

    def begin(self) -> None:
        self.counts.clear()
        self._pair.reset()

    def counted(self, load: Callable[..., Any]) -> Callable[..., Any]:
        def counting(*args: Any, **kwargs: Any) -> Any:
            with self._lock:
                self.counts[repr([each for each in args if isinstance(each, (str, tuple))])] += 1
            with suppress(BrokenBarrierError):
                self._pair.wait(timeout=0.1)
            return load(*args, **kwargs)

        return counting


def parsed(space: Workspace, path: str = "Stub.md") -> ParsedNote:
    return ParsedNote.decode((space.root / path).read_bytes())


def detect_language(space: Workspace) -> Callable[[], object]:
    return lambda: detection.detect(ENGLISH)


def tell_language(space: Workspace) -> Callable[[], object]:
    made, note = NoteLanguages(space.root, ["Stub.md", "Hub.md"]), parsed(space)
    return lambda: made.of("Stub.md", note)


def tell_of(space: Workspace) -> Callable[[], object]:
    made, known, note = Backlinks(space), VaultContext(space.scan()), parsed(space)
    return lambda: made.find_related(known, "Stub.md", note, 800)


def of_context(use: Callable[[VaultContext], object]) -> Callable[[Workspace], Any]:
    def prepare(space: Workspace) -> Callable[[], object]:
        known = VaultContext(space.scan())
        return lambda: use(known)

    return prepare


def call_endpoint(space: Workspace) -> Callable[[], object]:
    client = Client(Endpoint(base_url="http://127.0.0.1:9/v1", model="none"), Event())

    def ask() -> None:
        with suppress(Exception):
            client.ask(Question([{"role": "user", "content": "?"}], 5))

    return ask


def encode(space: Workspace) -> Callable[[], object]:
    made = BuiltInEncoder(idle=30)
    return lambda: made.encode([ENGLISH])


TAGS = load_prompts().fields["tags"]
FIRST_USES = {
    "the language detector": (fasttext, "load_model", detect_language),
    "lists of words": (tomllib, "loads", lambda _: lambda: words.load_languages()),
    "a list": (words, "find_phrases", lambda _: lambda: words.find_words("refusal", "begins")),
    "the language of a folder": (NoteLanguages, "_commonest", tell_language),
    "the languages of a vault": (
        vault_context,
        "NoteLanguages",
        of_context(lambda known: known.languages),
    ),
    "a note that many link to": (Backlinks, "_read_source", tell_of),
    "the vault's links": (vault_context, "Links", of_context(lambda known: known.links)),
    "its names": (vault_context, "LinkNames", of_context(lambda known: known.names("Stub.md"))),
    "its callouts": (Scan, "styles", of_context(lambda known: known.styles)),
    "its tags": (
        Scan,
        "vocabulary",
        of_context(lambda known: known.vocabulary([TAGS], "Stub.md", ENGLISH)),
    ),
    "the connections": (calls, "_Connection", call_endpoint),
    "the encoder": (encoder, "start_worker", encode),
}


@labelled(("owner", "load", "prepare"), FIRST_USES)
def test_many_threads_load_it_once(
    space: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    owner: object,
    load: str,
    prepare: Callable[[Workspace], Callable[[], object]],
) -> None:
    global_values = (detection, "_detector"), (words, "load_languages"), (words, "find_words")
    for module, name in global_values:
        monkeypatch.setattr(module, name, load_once(unwrap(getattr(module, name))))
    loads, start = Loads(), Barrier(THREADS)
    monkeypatch.setattr(owner, load, loads.counted(getattr(owner, load)))
    use = prepare(space)
    loads.begin()

    def first_use(_: int) -> None:
        start.wait()
        use()

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(first_use, range(THREADS)))
    assert set(loads.counts.values()) == {1}
