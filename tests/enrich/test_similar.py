"""Tags from similar notes: what they suggest, when they do not, and whose tags count."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from companion.config import Config, load_config
from companion.enrich.accept import Acceptor
from companion.enrich.configured_model import ModelFacts
from companion.enrich.context.excerpt import make_prompt_context
from companion.enrich.context.similar import FEWEST, SimilarNotes
from companion.enrich.context.vault_context import EmbeddedText, PromptNote, VaultContext
from companion.enrich.workspace import Workspace, open_workspace
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
def opened(vault: Path, config: Config | None = None) -> Iterator[tuple[Workspace, SimilarNotes]]:
    with open_workspace(config or load_config(), vault) as workspace:
        yield workspace, SimilarNotes(workspace)


def vote(
    workspace: Workspace,
    similar: SimilarNotes,
    text: str,
    path: str = "Stub.md",
) -> Mapping[str, float]:
    context, parsed = VaultContext(workspace.scan()), ParsedNote(NoteText(text))
    return similar.vote(context, path, parsed, "tags")


@pytest.mark.parametrize(("text", "tag"), [(BREAD, "cooking"), (ROSE, "garden")])
def test_a_note_gets_the_tag_of_those_like_it(vault: Path, text: str, tag: str) -> None:
    write_tagged(vault)
    with opened(vault) as (workspace, similar):
        context, parsed = VaultContext(workspace.scan()), ParsedNote(NoteText(text))
        field = workspace.prompts.fields["tags"]
        [proposal], _ = similar.choose(context, "Stub.md", parsed, {TAGS: field})
        assert (proposal.value, proposal.origin.model) == ([tag], "")


def test_where_similar_notes_disagree_the_model_chooses_unless_it_is_small(vault: Path) -> None:
    write_tagged(vault)
    for number, note in enumerate(sorted(vault.glob("*.md"))):
        note.write_text(note.read_text().replace("tags: [", f"tags: [t{number}] # ["))
    with opened(vault) as (workspace, similar):
        context, parsed = VaultContext(workspace.scan()), ParsedNote(NoteText(BREAD))
        field = workspace.prompts.fields["tags"]
        chosen, likely = similar.choose(context, "Stub.md", parsed, {TAGS: field})
        assert (chosen, len(likely["tags"])) == ([], 10)
        [proposal], _ = similar.choose(context, "Stub.md", parsed, {TAGS: field}, is_small=True)
        assert (proposal.state, proposal.fault) == ("rejected", "")


def test_tags_the_note_has_in_its_text_are_not_suggested(vault: Path) -> None:
    write_tagged(vault)
    with opened(vault) as (workspace, similar):
        assert "cooking" not in vote(workspace, similar, f"{BREAD}\n#Cooking\n")


def test_marks_and_tags_that_are_never_proposed_are_not_suggested(vault: Path) -> None:
    write_tagged(vault, cooking="todo, status/done, cooking")
    with opened(vault) as (workspace, similar):
        assert set(vote(workspace, similar, BREAD)) <= {"cooking", "garden"}


def test_tags_of_private_notes_are_suggested_for_private_notes_only(vault: Path) -> None:
    write_tagged(vault)
    for note in list(vault.glob("*.md"))[:5]:
        write(vault, f"Diary/{note.name}", note.read_text().replace("tags: [", "tags: [affair, "))
    write(vault, "Diary/Stub.md", BREAD)
    config = Config.model_validate({"private": {"folders": ["Diary"]}})
    with opened(vault, config) as (workspace, similar):
        assert "affair" not in vote(workspace, similar, BREAD)
        assert "affair" in vote(workspace, similar, BREAD, "Diary/Stub.md")


def test_what_companion_tagged_is_not_the_authors(vault: Path) -> None:
    write_tagged(vault)
    with opened(vault) as (workspace, similar):
        assert "cooking" in vote(workspace, similar, BREAD)
        for number, note in enumerate(vault.glob("*.md")):
            change = Change("run", note.name, "enrich", [Edit(0, 0, "a")], ("tags",))
            workspace.journal.done(workspace.journal.begin(change, b"", b"a"))
            if number == 30 - FEWEST:
                break
        assert vote(workspace, similar, BREAD) == {}, "too few are left"


def test_a_small_vault_leaves_it_to_the_model(vault: Path) -> None:
    for number in range(9):
        write(vault, f"{number}.md", "---\ntags: [cooking]\n---\nBake the dough.\n")
    with opened(vault) as (workspace, similar):
        assert vote(workspace, similar, BREAD) == {}


def test_a_note_that_changed_is_read_again(vault: Path) -> None:
    write_tagged(vault)
    with opened(vault) as (workspace, similar):
        assert vote(workspace, similar, BREAD)["cooking"] > 0.6
        for note in vault.glob("*.md"):
            text = note.read_text().replace("cooking", "garden")
            note.write_text(text + "Knead the dough, and bake it with cheese.\n")
        assert set(vote(workspace, similar, BREAD)) == {"garden"}


def test_notes_are_similar_where_they_share_rare_words_a_link_or_a_folder(vault: Path) -> None:
    write_tagged(vault)
    write(vault, "茶.md", "红茶和绿茶都来自同一种植物。")
    write(vault, "Kettle.md", "See [[Kyusu]].")
    write(vault, "F/Other.md", "Nothing in common.")
    with opened(vault) as (workspace, similar):
        context = VaultContext(workspace.scan())

        def nearest(text: str) -> list[str]:
            return similar.find_nearest(context, "Stub.md", ParsedNote(NoteText(text)))[:1]

        assert nearest("绿茶的产地") == ["茶.md"]
        assert nearest("Poured from a [[kyusu|pot]]") == ["Kettle.md"]
        assert nearest("Pruning a rose") == ["Pruning roses.md"]
    for note in list(vault.glob("*.md"))[:12]:
        text = re.sub(r"tags: .*", "tags: [folder]", note.read_text())
        write(vault, f"F/{note.name}", text)
    with opened(vault) as (workspace, similar):
        assert vote(workspace, similar, BREAD, "F/Stub.md")["folder"] > 0.6


def test_tags_that_a_small_model_chooses_wait(vault: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COMPANION_CHECKS")
    write_tagged(vault)
    for note in sorted(vault.glob("*.md"))[FEWEST - 1 :]:
        note.unlink()
    with opened(vault) as (workspace, _):
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
    return Acceptor(context, model, note).accept(Ask(need, field, field.name), answer)
