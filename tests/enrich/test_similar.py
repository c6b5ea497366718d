"""Tags from similar notes: what they suggest, when they do not, and whose tags count."""

import logging
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from companion.config import Config, load_config
from companion.enrich.accept import Acceptor
from companion.enrich.configured_model import ModelFacts
from companion.enrich.context.excerpt import make_prompt_context
from companion.enrich.context.similar import FEWEST, NoteVectors, SimilarNotes
from companion.enrich.context.vault_context import EmbeddedText, PromptNote, VaultContext
from companion.enrich.workspace import Workspace, open_workspace
from companion.llm.encoder import BuiltInEncoder
from companion.note.edits import Edit
from companion.note.needs import Need
from companion.note.note import ParsedNote
from companion.note.text import NoteText
from companion.prompts import Ask
from companion.store.journal import Change
from companion.store.proposals import Proposal
from tests.enrich.similar_vault import STUB, write, write_tagged

BREAD = STUB.format(title="Cheese bread", text="Knead cheese into the dough and bake it.")
TAGS = Need("tags", None, None, "property", "empty")
ROSE = STUB.format(title="Climbing roses", text="")


@pytest.fixture
def vault(tmp_path: Path, home: Path) -> Path:
    (tmp_path / "vault" / ".obsidian").mkdir(parents=True)
    return tmp_path / "vault"


@contextmanager
def opened(
    vault: Path, encoder: BuiltInEncoder, config: Config | None = None
) -> Iterator[tuple[Workspace, SimilarNotes]]:
    with open_workspace(config or load_config(), vault) as workspace:
        yield workspace, SimilarNotes(workspace, NoteVectors(workspace, encoder))


def vote(
    workspace: Workspace,
    similar: SimilarNotes,
    text: str,
    path: str = "Stub.md",
    language: str | None = None,
) -> Mapping[str, float]:
    context, parsed = VaultContext(workspace.scan()), ParsedNote(NoteText(text))
    return similar.vote(context, path, parsed, "tags", language)


@pytest.mark.parametrize(("text", "tag"), [(BREAD, "cooking"), (ROSE, "garden")])
def test_a_note_gets_the_tag_of_those_like_it(
    vault: Path, encoder: BuiltInEncoder, text: str, tag: str
) -> None:
    write_tagged(vault)
    with opened(vault, encoder) as (workspace, similar):
        context, parsed = VaultContext(workspace.scan()), ParsedNote(NoteText(text))
        field = workspace.prompts.fields["tags"]
        [proposal], _ = similar.choose(context, "Stub.md", parsed, {TAGS: field})
        assert (proposal.value, proposal.origin.model) == ([tag], "")


def test_where_similar_notes_disagree_the_model_chooses_unless_it_is_small(
    vault: Path, encoder: BuiltInEncoder
) -> None:
    write_tagged(vault)
    for number, note in enumerate(sorted(vault.glob("*.md"))):
        note.write_text(note.read_text().replace("tags: [", f"tags: [t{number}] # ["))
    with opened(vault, encoder) as (workspace, similar):
        context, parsed = VaultContext(workspace.scan()), ParsedNote(NoteText(BREAD))
        field = workspace.prompts.fields["tags"]
        chosen, likely = similar.choose(context, "Stub.md", parsed, {TAGS: field})
        assert (chosen, len(likely["tags"])) == ([], 10)
        [proposal], _ = similar.choose(context, "Stub.md", parsed, {TAGS: field}, is_small=True)
        assert (proposal.state, proposal.fault) == ("rejected", "")


def test_tags_the_note_has_in_its_text_are_not_suggested(
    vault: Path, encoder: BuiltInEncoder
) -> None:
    write_tagged(vault)
    with opened(vault, encoder) as (workspace, similar):
        assert "cooking" not in vote(workspace, similar, f"{BREAD}\n#Cooking\n")


def test_marks_and_tags_that_are_never_proposed_are_not_suggested(
    vault: Path, encoder: BuiltInEncoder
) -> None:
    write_tagged(vault, cooking="todo, status/done, cooking")
    with opened(vault, encoder) as (workspace, similar):
        assert set(vote(workspace, similar, BREAD)) <= {"cooking", "garden"}


def test_tags_of_private_notes_are_suggested_for_private_notes_only(
    vault: Path, encoder: BuiltInEncoder
) -> None:
    write_tagged(vault)
    for note in list(vault.glob("*.md"))[:5]:
        write(vault, f"Diary/{note.name}", note.read_text().replace("tags: [", "tags: [affair, "))
    write(vault, "Diary/Stub.md", BREAD)
    config = Config.model_validate({"private": {"folders": ["Diary"]}})
    with opened(vault, encoder, config) as (workspace, similar):
        assert "affair" not in vote(workspace, similar, BREAD)
        assert "affair" in vote(workspace, similar, BREAD, "Diary/Stub.md")


def test_what_companion_tagged_is_not_the_authors(vault: Path, encoder: BuiltInEncoder) -> None:
    write_tagged(vault)
    with opened(vault, encoder) as (workspace, similar):
        assert "cooking" in vote(workspace, similar, BREAD)
        for number, note in enumerate(vault.glob("*.md")):
            change = Change("run", note.name, "enrich", [Edit(0, 0, "a")], ("tags",))
            workspace.journal.done(workspace.journal.begin(change, b"", b"a"))
            if number == 30 - FEWEST:
                break
        assert vote(workspace, similar, BREAD) == {}, "too few are left"


def test_a_small_vault_leaves_it_to_the_model(vault: Path, encoder: BuiltInEncoder) -> None:
    for number in range(9):
        write(vault, f"{number}.md", "---\ntags: [cooking]\n---\nBake the dough.\n")
    with opened(vault, encoder) as (workspace, similar):
        assert vote(workspace, similar, BREAD) == {}


def test_a_language_that_the_encoder_does_not_know_is_told_once(
    vault: Path, encoder: BuiltInEncoder, caplog: pytest.LogCaptureFixture
) -> None:
    write_tagged(vault)
    with opened(vault, encoder) as (workspace, similar):
        for _ in range(2):
            assert vote(workspace, similar, BREAD, language="Finnish") == {}
        assert "cooking" in vote(workspace, similar, BREAD, language="German")
    assert [each.message.count("Finnish") for each in caplog.records] == [1]


def test_an_encoder_that_fails_leaves_it_to_the_model(
    vault: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    write_tagged(vault)
    monkeypatch.setattr("sys.executable", str(vault / "no-python"))
    with opened(vault, BuiltInEncoder()) as (workspace, similar):
        assert vote(workspace, similar, BREAD) == {}
    assert [each.levelno for each in caplog.records] == [logging.WARNING]
    assert "The built-in encoder cannot be run" in caplog.text


def test_notes_are_encoded_again_once_they_change_and_forgotten_once_left_alone(
    vault: Path, encoder: BuiltInEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts: list[str] = []
    plain = type(encoder).encode

    def encode(self: BuiltInEncoder, more: Sequence[str]) -> object:
        texts.extend(more)
        return plain(self, more)

    monkeypatch.setattr(type(encoder), "encode", encode)
    monkeypatch.setattr("companion.vault.files.NoteFile.is_settled", lambda *_: True)
    write(vault, "a.md", "Text of a.\n")
    write(vault, "Diary/b.md", "Text of b.\n")
    parsed = ParsedNote(NoteText("Text of c."))

    def compare(config: Config) -> set[str]:
        with opened(vault, encoder, config) as (workspace, similar):
            similar.vectors.update(workspace.scan())
            return set(similar.vectors.compare("c.md", parsed))

    assert compare(Config()) == {"a.md", "Diary/b.md"}
    (vault / "a.md").rename(vault / "moved.md")
    assert compare(Config()) == {"moved.md", "Diary/b.md"}
    [file] = vault.parent.rglob("vectors.sqlite3")
    query = "SELECT vector FROM vectors WHERE path = 'Diary/b.md'"
    with closing(sqlite3.connect(file)) as db:
        [(vector,)] = db.execute(query).fetchall()
    assert vector[-200:] in file.read_bytes()
    assert compare(Config.model_validate({"ignore": {"folders": ["Diary"]}})) == {"moved.md"}
    assert not any(part in file.read_bytes() for part in (vector[:200], vector[-200:]))
    assert sorted(texts) == [
        "a\nText of a.",
        "b\nText of b.",
        *["c\nText of c."] * 3,
        "moved\nText of a.",
    ]


def test_tags_that_a_small_model_chooses_wait(
    vault: Path, encoder: BuiltInEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COMPANION_CHECKS")
    write_tagged(vault)
    for note in sorted(vault.glob("*.md"))[FEWEST - 1 :]:
        note.unlink()
    with opened(vault, encoder) as (workspace, _):
        context, parsed = VaultContext(workspace.scan()), ParsedNote(NoteText(BREAD))
        accepted = accept(workspace, context, parsed, TAGS, ["cooking"])
    assert accepted.flags == ("unsupported",)


def accept(
    workspace: Workspace,
    context: VaultContext,
    parsed: ParsedNote,
    need: Need,
    answer: str | list[str],
) -> Proposal:
    """Return what becomes of a small model's answer."""
    prompts = workspace.prompts
    field = prompts.field_of(need.kind)
    vocabulary = context.vocabulary([field], "Stub.md", parsed.note.text, {})
    shown = make_prompt_context(parsed, "Stub.md", vocabulary)
    note = PromptNote("Stub.md", prompts, parsed, [need], shown, None, EmbeddedText(parsed))
    model = ModelFacts("m", None, is_small=True)
    return Acceptor(workspace.config, context, model, note).accept(
        Ask(need, field, field.name), answer
    )
