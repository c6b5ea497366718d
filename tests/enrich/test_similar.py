"""Tags from similar notes: what they suggest, when they do not, and whose tags count."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from companion.config import Config, load_config
from companion.config.settings import PrivateTable
from companion.enrich.answers.accept import Acceptor
from companion.enrich.answers.outcome import Accepted, Rejected
from companion.enrich.configured_model import ModelFacts
from companion.enrich.context.excerpt import make_prompt_context
from companion.enrich.context.nearest_neighbours import (
    FEWEST,
    NOTHING_LEARNT,
    NearestNeighbours,
    Suggestion,
    choose_rule,
)
from companion.enrich.context.note_vectors import NoteVectors
from companion.enrich.context.similar import ComparedNote, SimilarNotes
from companion.enrich.context.vault_context import EmbeddedText, PromptNote, VaultContext
from companion.enrich.model_calls import RawAnswer
from companion.enrich.workspace import Workspace, open_workspace
from companion.llm.encoder import BuiltInEncoder
from companion.note.edit import Edit
from companion.note.needs import CALLOUT, Need
from companion.note.parsed_note import ParsedNote
from companion.note.text import NoteText
from companion.prompts import Ask
from companion.store.journal import NewChange
from companion.store.vectors import VectorTable, pack_vectors
from tests.enrich.similar_vault import STUB, write, write_tagged

BREAD = STUB.format(title="Cheese bread", text="Knead cheese into the dough and bake it.")
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


def suggest(
    workspace: Workspace, similar: SimilarNotes, text: str, language: str | None = None
) -> Suggestion:
    context, parsed = VaultContext(workspace.scan()), ParsedNote(NoteText(text))
    return similar.suggest(ComparedNote(context, "Stub.md", parsed, language), "tags", 3)


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


def test_tags_of_private_notes_are_suggested_for_private_notes_only(
    vault: Path, encoder: BuiltInEncoder
) -> None:
    write_tagged(vault)
    for note in list(vault.glob("*.md"))[:5]:
        write(vault, f"Diary/{note.name}", note.read_text().replace("tags: [", "tags: [affair, "))
    write(vault, "Diary/Stub.md", BREAD)
    config = Config.model_validate({"private": {"folders": ["Diary"]}})
    with opened(vault, encoder, config) as (workspace, similar):
        assert set(suggest(workspace, similar, BREAD).candidates) == {"cooking", "garden"}
        context, parsed = VaultContext(workspace.scan()), ParsedNote(NoteText(BREAD))
        found = similar.suggest(ComparedNote(context, "Diary/Stub.md", parsed), "tags", 3)
        assert "affair" in found.candidates


def test_what_companion_tagged_is_not_the_authors(vault: Path, encoder: BuiltInEncoder) -> None:
    write_tagged(vault)
    with opened(vault, encoder) as (workspace, similar):
        context = VaultContext(workspace.scan())
        assert len(similar.neighbours(context, "tags", 3)) == 30
        change = NewChange("run", "Risotto.md", "enrich", [Edit(0, 0, "a")], ("tags",))
        number = workspace.journal.begin(change, b"", b"a")
        workspace.journal.done(number)
        context = VaultContext(workspace.scan())
        assert len(similar.neighbours(context, "tags", 3)) == 29
        undo = NewChange("undo", "Risotto.md", "undo", [Edit(0, 1, "")], undoes=number)
        workspace.journal.done(workspace.journal.begin(undo, b"a", b""))
        context = VaultContext(workspace.scan())
        assert len(similar.neighbours(context, "tags", 3)) == 30


def test_a_small_vault_leaves_it_to_the_model(vault: Path, encoder: BuiltInEncoder) -> None:
    for number in range(9):
        write(vault, f"{number}.md", "---\ntags: [cooking]\n---\nBake the dough.\n")
    with opened(vault, encoder) as (workspace, similar):
        assert suggest(workspace, similar, BREAD) == NOTHING_LEARNT
        assert similar.vectors.count() == 0


def test_a_language_that_the_encoder_does_not_know_is_told_once(
    vault: Path, encoder: BuiltInEncoder, caplog: pytest.LogCaptureFixture
) -> None:
    write_tagged(vault)
    with opened(vault, encoder) as (workspace, similar):
        for _ in range(2):
            assert suggest(workspace, similar, BREAD, "Finnish") == NOTHING_LEARNT
        assert suggest(workspace, similar, BREAD, "German").chosen == ("cooking",)
    assert [each.message.count("Finnish") for each in caplog.records] == [1]


def test_an_encoder_that_fails_leaves_it_to_the_model(
    vault: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    write_tagged(vault)
    monkeypatch.setattr("sys.executable", str(vault / "no-python"))
    with opened(vault, BuiltInEncoder()) as (workspace, similar):
        assert suggest(workspace, similar, BREAD) == NOTHING_LEARNT
    assert [each.levelno for each in caplog.records] == [logging.WARNING]
    assert "The built-in encoder cannot be run" in caplog.text


def learn(values: Sequence[str], angles: Sequence[float]) -> NearestNeighbours:
    """Learn from notes in a folder each, whose vectors have these angles."""
    rows = np.array([[np.cos(angle), np.sin(angle)] for angle in angles], np.float32)
    paths = [f"{number}/{number}.md" for number in range(len(values))]
    theirs = [each.split() for each in values]
    return NearestNeighbours(
        paths, VectorTable(dict(zip(paths, pack_vectors(rows), strict=True))), theirs, "tags", 2
    )


EAST = np.array([1, 0], np.float32)
SIDES = ["left"] * 20 + ["right"] * 20


def test_the_rule_is_learnt_from_the_notes_themselves() -> None:
    clear = learn(SIDES, [0.0] * 20 + [1.5] * 20)
    assert clear.rule and (clear.rule.precision, clear.rule.recall) == (1, 1)
    assert clear.suggest("x.md", EAST).chosen == ("left",)


def test_nothing_is_learnt_where_similar_notes_have_nothing_in_common() -> None:
    mixed = learn([f"tag{number}" for number in range(40)], [0.0] * 40)
    assert mixed.rule is None
    found = mixed.suggest("x.md", EAST)
    assert found.chosen is None and len(found.candidates) == 30


@pytest.mark.parametrize(
    ("right", "taken", "is_enough"),
    [(28, 40, False), (30, 40, True), (4, 4, False), (5, 5, True), (330, 500, True)],
)
def test_a_rule_needs_values_of_which_six_in_ten_are_surely_the_authors(
    right: int, taken: int, is_enough: bool
) -> None:
    shares = [(0.8, True)] * right + [(0.8, False)] * (taken - right)
    assert (choose_rule(shares, authors=taken, notes=taken) is not None) == is_enough


def test_tags_that_a_small_model_chooses_wait(vault: Path, encoder: BuiltInEncoder) -> None:
    write_tagged(vault)
    for note in sorted(vault.glob("*.md"))[FEWEST - 1 :]:
        note.unlink()
    with opened(vault, encoder) as (workspace, similar):
        context, parsed = VaultContext(workspace.scan()), ParsedNote(NoteText(BREAD))
        need = Need("tags", None, None, "property", "empty")
        accepted = accept(workspace, similar, context, parsed, need, ["cooking"])
    assert isinstance(accepted, Accepted) and accepted.flags == ("small-model",)


def test_notes_of_the_same_folder_count_for_more() -> None:
    near = learn(SIDES, [0.0] * 20 + [0.1] * 20)
    vector = np.array([np.cos(0.04), np.sin(0.04)], np.float32)
    elsewhere, beside = near.rank("x/new.md", vector), near.rank("39/new.md", vector)
    assert beside["right"] > elsewhere.get("right", 0.0)


def accept(
    workspace: Workspace,
    similar: SimilarNotes,
    context: VaultContext,
    parsed: ParsedNote,
    need: Need,
    answer: str | list[str],
) -> Accepted | Rejected:
    """Return what becomes of a small model's answer."""
    prompts = workspace.prompts
    field = prompts.field_of(need.kind)
    vocabulary = context.vocabulary([field], "Stub.md", parsed.note.text, {})
    shown = make_prompt_context(parsed, "Stub.md", vocabulary)
    note = PromptNote(
        "Stub.md", prompts, parsed, [need], shown, None, frozenset(), EmbeddedText(parsed)
    )
    model = ModelFacts("m", None, "together", is_small=True)
    acceptor = Acceptor(workspace.config, context, model, note, similar)
    return acceptor.accept(RawAnswer(Ask(need, field, field.name), answer))


PEELS = {
    "a/Peel.md": "A wooden board with which pizza and bread are slid into the hot oven.",
    "b/Peel.md": "The skin of an orange or another fruit, grated into a cake or marmalade.",
}


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("Bake the dough on a stone in a very hot oven.", "a/Peel"),
        ("Boil oranges with sugar until the marmalade sets.", "b/Peel"),
        ("Boil oranges with sugar, for the marmalade. Bake it? [[a/Peel]]", None),
    ],
)
def test_of_notes_of_one_name_the_one_like_it_is_linked(
    vault: Path, encoder: BuiltInEncoder, text: str, meant: str | None
) -> None:
    for path, told in PEELS.items():
        write(vault, path, told)
    with opened(vault, encoder) as (workspace, similar):
        scan = workspace.scan()
        similar.vectors.update(scan, similar.vectors.find_missing(scan))
        need = Need(CALLOUT, None, None, "top", "no AI callout")
        answer = "It is made with a Peel, as always."
        parsed = ParsedNote(NoteText(text))
        accepted = accept(workspace, similar, VaultContext(scan), parsed, need, answer)
    assert isinstance(accepted, Accepted)
    linked = f"[[{meant}|Peel]]" if meant else "Peel"
    assert accepted.filling.value == [f"It is made with a {linked}, as always."]


def relate(
    workspace: Workspace, similar: SimilarNotes, path: str, text: str
) -> Accepted | Rejected:
    """Return the outcome for the empty property `up`, which comes from other notes."""
    context, parsed = VaultContext(workspace.scan()), ParsedNote(NoteText(text))
    need, field = Need("up", None, None, "property", ""), workspace.prompts.fields["up"]
    [outcome] = similar.choose(ComparedNote(context, path, parsed), {need: field}).outcomes
    return outcome


@pytest.mark.parametrize(
    ("source", "linked", "expected"),
    [
        ("similar", "", "[[Cooking]]"),
        ("links", "See [[Cooking]].\n", "[[Cooking]]"),
        ("links", "", None),
    ],
)
def test_a_note_is_linked_to_what_those_like_it_link_to(
    vault: Path, encoder: BuiltInEncoder, source: str, linked: str, expected: str | None
) -> None:
    write(vault, "_companion/prompts/fields/up.md", f"---\nkind: link\nfrom: {source}\n---\n")
    write_tagged(vault, cooking='"[[Cooking]]"', garden='"[[Garden]]"', name="up")
    if source == "links":
        for note in vault.glob("*.md"):
            text = note.read_text()
            note.write_text(f"{text}\nSee [[{'Cooking' if 'Cooking' in text else 'Garden'}]].\n")
    for name in "Cooking", "Garden":
        write(vault, f"{name}.md", f"# {name}\n\nAll about {name.lower()}.\n")
    with opened(vault, encoder) as (workspace, similar):
        outcome = relate(workspace, similar, "Stub.md", BREAD + linked)
        if expected is None:
            assert isinstance(outcome, Rejected) and outcome.kind == "nothing"
        else:
            assert isinstance(outcome, Accepted)
            assert (outcome.filling.value, outcome.flags) == (expected, ())
        assert not outcome.by_model


def test_links_that_nothing_was_learnt_of_wait_and_lead_to_no_private_note(
    vault: Path, encoder: BuiltInEncoder
) -> None:
    write(vault, "_companion/prompts/fields/up.md", "---\nkind: links\nfrom: similar\n---\n")
    write_tagged(vault)
    write(vault, "Secret/Cheese bread at home.md", BREAD)
    config = load_config().model_copy(update={"private": PrivateTable(folders=("Secret",))})
    with opened(vault, encoder, config) as (workspace, similar):
        outcome = relate(workspace, similar, "Stub.md", BREAD)
        assert isinstance(outcome, Accepted)
        assert outcome.flags == ("unverified",)
        assert len(outcome.filling.value) == 3 and "Secret" not in str(outcome.filling.value)
        assert "Cheese bread at home" not in str(outcome.filling.value)
