"""Tags from similar notes: what they suggest, when they do not, and whose tags count."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from companion.config import Config, load_config
from companion.enrich.context import VaultContext
from companion.enrich.note_vectors import NoteVectors
from companion.enrich.similar import NOTHING_KNOWN, SimilarNotes, Suggestion, Voters
from companion.enrich.workspace import Workspace, open_workspace
from companion.llm.encoder import BuiltInEncoder
from companion.note.edit import Edit
from companion.note.parsed_note import ParsedNote
from companion.note.text import NoteText
from companion.vault.journal import NewChange
from companion.vault.vectors import VectorTable, pack_vectors
from tests.enrich.similar_vault import STUB, write, write_tagged

BREAD = STUB.format(title="Cheese bread", text="Knead cheese into the dough and bake it.")
ROSE = STUB.format(title="Climbing roses", text="")


@pytest.fixture(scope="module")
def encoder() -> Iterator[BuiltInEncoder]:
    made = BuiltInEncoder()
    yield made
    made.close()


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COMPANION_HOME", str(tmp_path / "home"))
    (tmp_path / "vault" / ".obsidian").mkdir(parents=True)
    return tmp_path / "vault"


@contextmanager
def opened(
    vault: Path, encoder: BuiltInEncoder, config: Config | None = None
) -> Iterator[tuple[Workspace, SimilarNotes]]:
    with open_workspace(config or load_config(), vault) as workspace:
        yield workspace, SimilarNotes(workspace, NoteVectors(workspace, encoder))


def suggest(
    workspace: Workspace, similar: SimilarNotes, text: str, language: str | None = None
) -> Suggestion:
    context, parsed = VaultContext(workspace.scan()), ParsedNote(NoteText(text))
    return similar.suggest(context, "Stub.md", parsed, "tags", 3, language)


@pytest.mark.parametrize(("text", "tag"), [(BREAD, "cooking"), (ROSE, "garden")])
def test_a_note_gets_the_tag_of_those_like_it(
    vault: Path, encoder: BuiltInEncoder, text: str, tag: str
) -> None:
    write_tagged(vault)
    with opened(vault, encoder) as (workspace, similar):
        found = suggest(workspace, similar, text)
        assert found.chosen == (tag,)
        assert set(found.candidates) == {"cooking", "garden"}


def test_tags_the_note_has_in_its_text_are_not_suggested(
    vault: Path, encoder: BuiltInEncoder
) -> None:
    write_tagged(vault)
    with opened(vault, encoder) as (workspace, similar):
        found = suggest(workspace, similar, f"{BREAD}\n#Cooking\n")
        assert "cooking" not in found.candidates
        assert found.chosen == ()
        assert "nothing for tags is common enough" in found.reason


def test_marks_and_tags_that_are_never_proposed_are_not_suggested(
    vault: Path, encoder: BuiltInEncoder
) -> None:
    write_tagged(vault, cooking="todo, status/done, secret/recipe, cooking")
    config = Config.model_validate({"tags": {"never": ["status", "todo", "#secret"]}})
    with opened(vault, encoder, config) as (workspace, similar):
        assert set(suggest(workspace, similar, BREAD).candidates) == {"cooking", "garden"}


def test_what_companion_tagged_is_not_the_authors(vault: Path, encoder: BuiltInEncoder) -> None:
    write_tagged(vault)
    with opened(vault, encoder) as (workspace, similar):
        context = VaultContext(workspace.scan())
        assert len(similar.voters(context, "tags", 3)) == 30
        change = NewChange("run", "Risotto.md", "enrich", [Edit(0, 0, "a")], ("tags",))
        number = workspace.journal.begin(change, b"", b"a")
        workspace.journal.done(number)
        context = VaultContext(workspace.scan())
        assert len(similar.voters(context, "tags", 3)) == 29
        undo = NewChange("undo", "Risotto.md", "undo", [Edit(0, 1, "")], undoes=number)
        workspace.journal.done(workspace.journal.begin(undo, b"a", b""))
        context = VaultContext(workspace.scan())
        assert len(similar.voters(context, "tags", 3)) == 30


def test_a_small_vault_leaves_it_to_the_model(vault: Path, encoder: BuiltInEncoder) -> None:
    for number in range(9):
        write(vault, f"{number}.md", "---\ntags: [cooking]\n---\nBake the dough.\n")
    with opened(vault, encoder) as (workspace, similar):
        assert suggest(workspace, similar, BREAD) == NOTHING_KNOWN
        assert similar.vectors.count() == 0


def test_a_language_that_the_encoder_does_not_know_is_told_once(
    vault: Path, encoder: BuiltInEncoder, caplog: pytest.LogCaptureFixture
) -> None:
    write_tagged(vault)
    with opened(vault, encoder) as (workspace, similar):
        for _ in range(2):
            assert suggest(workspace, similar, BREAD, "Finnish") == NOTHING_KNOWN
        assert suggest(workspace, similar, BREAD, "German").chosen == ("cooking",)
    assert [each.message.count("Finnish") for each in caplog.records] == [1]


def test_an_encoder_that_fails_leaves_it_to_the_model(
    vault: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    write_tagged(vault)
    monkeypatch.setattr("sys.executable", str(vault / "no-python"))
    with opened(vault, BuiltInEncoder()) as (workspace, similar):
        assert suggest(workspace, similar, BREAD) == NOTHING_KNOWN
    assert [each.levelno for each in caplog.records] == [logging.WARNING]
    assert "The built-in encoder cannot be run" in caplog.text


def voters(values: list[str], angles: list[float]) -> Voters:
    """Notes in one folder each, whose vectors have these angles."""
    rows = np.array([[np.cos(angle), np.sin(angle)] for angle in angles], np.float32)
    paths = [f"{number}/{number}.md" for number in range(len(values))]
    return Voters(paths, VectorTable(pack_vectors(rows)), [each.split() for each in values], "t", 2)


def test_the_rule_is_learnt_from_the_notes_themselves() -> None:
    clear = voters(["left"] * 20 + ["right"] * 20, [0.0] * 20 + [1.5] * 20)
    assert clear.rule and (clear.rule.precision, clear.rule.recall) == (1, 1)
    assert clear.suggest("x.md", np.array([1, 0], np.float32)).chosen == ("left",)


def test_nothing_is_learnt_where_similar_notes_have_nothing_in_common() -> None:
    mixed = voters([f"tag{number}" for number in range(40)], [0.0] * 40)
    assert mixed.rule is None
    found = mixed.suggest("x.md", np.array([1, 0], np.float32))
    assert found.chosen is None and len(found.candidates) == 30


def test_notes_of_the_same_folder_count_for_more() -> None:
    some = voters(["left"] * 20 + ["right"] * 20, [0.0] * 20 + [0.1] * 20)
    vector = np.array([np.cos(0.05), np.sin(0.05)], np.float32)
    ranked = some.rank("39/new.md", vector)
    assert ranked["right"] > voters(["left"] * 20 + ["right"] * 20, [0.0] * 20 + [0.1] * 20).rank(
        "elsewhere/new.md", vector
    ).get("right", 0)
