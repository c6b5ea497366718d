"""Vectors of the vault's notes: what is encoded, when again, and what never is."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from companion.config import Config
from companion.enrich.context.note_vectors import NoteVectors, encoded_text
from companion.enrich.workspace import Workspace, open_workspace
from companion.errors import AnswerError
from companion.llm.encoder import EndpointEncoder
from companion.llm.endpoint import Endpoint
from companion.note.parsed_note import ParsedNote
from companion.note.text import NoteText
from tests.enrich.similar_vault import write
from tests.llm.fake_endpoint import FakeEndpoint, Scene, Seen

TEXTS = [
    pytest.param("# Tea\n\nTea is [[Leaf|brewed]].\n", "Tea\n# Tea\nTea is brewed.", id="links"),
    pytest.param("Tea. #drink\n#status/postponed\n", "Note\nTea.", id="no tags"),
    pytest.param("%% secret %%\nTea.\n", "Note\nTea.", id="no comments"),
    pytest.param("> [!ai] AI\n> Written.\n\nTea.\n", "Note\nTea.", id="no callouts"),
    pytest.param("---\ntags: [drink]\ndescription: Hot.\n---\nTea.\n", "Note\nTea.", id="no YAML"),
    pytest.param("word " * 500, "Note\n" + ("word " * 60), id="the beginning of a long one"),
]


@pytest.mark.parametrize(("note", "text"), TEXTS)
def test_encoded_text(note: str, text: str) -> None:
    assert encoded_text(ParsedNote(NoteText(note)), "Folder/Note.md") == text


class Encoding:
    """A vault whose notes are encoded by an endpoint, and what that was sent."""

    def __init__(self, vault: Path, fake: FakeEndpoint) -> None:
        self.vault = vault
        self.fake = fake
        fake.script = self._reply

    def _reply(self, seen: Seen, _n: int) -> Scene:
        items = [
            {"index": n, "embedding": [float(len(text)), 1.0]}
            for n, text in enumerate(seen.body["input"])
        ]
        return Scene(body=json.dumps({"data": items}).encode())

    @property
    def sent(self) -> list[str]:
        return [text for seen in self.fake.seen for text in seen.body["input"]]

    @contextmanager
    def open(self, **tables: object) -> Iterator[tuple[Workspace, NoteVectors]]:
        tables = {"endpoint": {"base_url": self.fake.url, "model": "m"}} | tables
        config = Config.model_validate({"similar": {"model": "embedder"}, **tables})
        endpoint = config.similar_endpoint()
        assert endpoint
        encoder = EndpointEncoder(endpoint)
        encoder.retries = 1
        with open_workspace(config, self.vault) as workspace:
            yield workspace, NoteVectors(workspace, encoder)

    def update(self, **tables: object) -> list[str]:
        """Bring the vectors up to date; return the notes that have one."""
        with self.open(**tables) as (workspace, vectors):
            scan = workspace.scan()
            vectors.update(scan, vectors.find_missing(scan))
            return vectors.table(sorted(scan.notes))[0]


@pytest.fixture
def encoding(tmp_path: Path, home: Path, fake: FakeEndpoint) -> Encoding:
    (tmp_path / "vault" / ".obsidian").mkdir(parents=True)
    return Encoding(tmp_path / "vault", fake)


def test_only_what_is_new_or_changed_is_encoded(encoding: Encoding) -> None:
    for name in ("a", "b"):
        write(encoding.vault, f"{name}.md", f"Text of {name}.\n")
    assert encoding.update() == ["a.md", "b.md"]
    (encoding.vault / "a.md").rename(encoding.vault / "moved.md")  # its title is another
    write(encoding.vault, "b.md", "---\ntags: [new]\n---\nText of b.\n")
    assert encoding.update() == ["b.md", "moved.md"]
    assert encoding.sent == ["a\nText of a.", "b\nText of b.", "moved\nText of a."]


def test_the_vector_goes_once_a_note_is_left_alone(encoding: Encoding) -> None:
    write(encoding.vault, "a.md", "Text of a.\n")
    write(encoding.vault, "Diary/b.md", "Text of b.\n")
    assert encoding.update() == ["Diary/b.md", "a.md"]
    assert encoding.update(ignore={"folders": ["Diary"]}) == ["a.md"]
    write(encoding.vault, "a.md", "---\nai: false\n---\nText of a.\n")
    assert encoding.update() == ["Diary/b.md"]


CHANGES = [
    pytest.param("home/config.toml", '[private]\nfolders = ["Diary"]\n', id="private by now"),
    pytest.param("home/config.toml", '[similar]\nmodel = "none"\n', id="switched off by now"),
    pytest.param("vault/Diary/a.md", "---\nai: false\n---\nText of a.\n", id="left alone by now"),
]


@pytest.mark.parametrize(("path", "text"), CHANGES)
def test_a_note_is_not_sent_again_that_must_not_be_by_now(
    encoding: Encoding, path: str, text: str
) -> None:
    write(encoding.vault, "Diary/a.md", "Text of a.\n")

    def fail(_seen: Seen, _n: int) -> Scene:
        write(encoding.vault.parent, path, text)
        return Scene(500)

    encoding.fake.script = fail
    with pytest.raises(AnswerError, match="changed in the meantime"):
        encoding.update()
    assert encoding.sent == ["a\nText of a."]


PRIVATE = {"folders": ["Diary"], "tags": ["private"], "properties": {"secret": "true"}}


def test_private_notes_never_go_to_another_machine(
    encoding: Encoding, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Endpoint, "is_local", property(lambda _: False))
    write(encoding.vault, "Diary/a.md", "Canary one.\n")
    write(encoding.vault, "b.md", "Canary two. #private/love\n")
    write(encoding.vault, "c.md", "---\nsecret: true\n---\nCanary three.\n")
    write(encoding.vault, "d.md", "---\nsecret: true\nx: [\n---\nCanary four, maybe private.\n")
    write(encoding.vault, "open.md", "For all.\n")
    assert encoding.update(private=PRIVATE) == ["open.md"]
    with encoding.open(private=PRIVATE) as (_, vectors):
        parsed = ParsedNote(NoteText("Canary five."))
        assert vectors.find("e.md", parsed) is None
        assert vectors.find("open.md", ParsedNote(NoteText("For all.\n"))) is not None
    assert encoding.sent == ["open\nFor all."]


def test_on_this_machine_private_notes_are_compared_too(encoding: Encoding) -> None:
    write(encoding.vault, "Diary/a.md", "Mine alone.\n")
    assert encoding.update(private=PRIVATE) == ["Diary/a.md"]


def test_many_notes_go_to_another_machine_only_once_agreed(
    encoding: Encoding, monkeypatch: pytest.MonkeyPatch
) -> None:
    with encoding.open() as (_, vectors):
        assert not vectors.needs_agreement(["a.md"] * 51)  # on this machine
        vectors.is_remote = True
        assert vectors.needs_agreement(["a.md"] * 51)
        assert not vectors.needs_agreement(["a.md"] * 50)


def test_a_table_of_notes_stays_true_while_vectors_come_go_and_are_freed(
    encoding: Encoding,
) -> None:
    for name in ("a", "bbbbbbbb", "c"):
        write(encoding.vault, f"{name}.md", "Text.\n")
    with encoding.open() as (workspace, vectors):
        scan = workspace.scan()
        vectors.update(scan, vectors.find_missing(scan))
        paths, table = vectors.table(["c.md", "a.md", "bbbbbbbb.md", "none.md"])
        assert paths == ["c.md", "a.md", "bbbbbbbb.md"]
        before = list(table.compare(table[0]))
        assert before[0] == before[1] > before[2]
        vectors.free_unused(0)
        assert list(table.compare(table[0])) == before
        write(encoding.vault, "a.md", "Many more words than there were.\n")
        write(encoding.vault, "d.md", "New.\n")
        (encoding.vault / "c.md").unlink()
        vectors.update(scan := workspace.scan(), vectors.find_missing(scan))
        assert table.compare(table[0])[1] < 1
        vectors.free_unused(0)
        likeness = table.compare(table[2])
        assert likeness[0] == 0
        assert 0 < likeness[1] < likeness[2]
        assert vectors.table(["c.md", "d.md"])[0] == ["d.md"]
