"""What other notes tell of a note: which of it, in which order, and never what is private."""

import pytest

from companion.enrich.context.backlinks import Backlinks, RelatedTexts
from companion.enrich.context.vault_context import VaultContext
from companion.enrich.cost import describe_cost
from companion.enrich.job import Job
from companion.enrich.workspace import Workspace
from companion.note.note import ParsedNote
from tests.enrich.conftest import STUB, Open

USE = "Steamed rice is overgrown by [[Koji]] within two days."
SETTINGS = """[private]
folders = ["Diary"]
tags = ["private"]
properties = { secret = "true" }
[ignore]
tags = ["ignored"]
patterns = ["Drafts/**"]
"""


def tell(space: Workspace, path: str = "Koji.md", budget: int = 10_000) -> RelatedTexts:
    return Backlinks(space).find_related(
        VaultContext(space.scan()), path, parsed(space, path), budget
    )


def parsed(space: Workspace, path: str) -> ParsedNote:
    return ParsedNote.decode((space.root / path).read_bytes())


def test_definitions_come_first_then_what_says_most_each_once(open_vault: Open) -> None:
    space = open_vault(
        {
            "Soy.md": f"# Soy sauce\n\nBarrels and [[Koji]] for every start there.\n\n{USE}\n",
            "Copy.md": f"{USE}\n",
            "Miso.md": "[[Koji]] is a mould that grows on rice.",
        },
        "",
    )
    told = tell(space)
    assert {each.path for each in told.files} == {"Miso.md", "Copy.md", "Soy.md"}
    assert told.backlinks == (
        "Koji is a mould that grows on rice. (from “Miso”)",
        "Steamed rice is overgrown by Koji within two days. (from “Copy”)",
        "Barrels and Koji for every start there. (from “Soy sauce”)",
    )


def test_the_cost_of_a_note_includes_its_backlinks(
    open_vault: Open,
) -> None:
    space = open_vault({"Miso.md": f"---\naliases: [soy]\n---\n{USE} [[Rye]]", "Rye.md": "rye"}, "")
    scan, jobs = space.scan(), [Job("Koji.md")]
    cost = describe_cost(space, scan, jobs)
    (space.root / "Miso.md").write_text("miso", encoding="utf-8")
    assert describe_cost(space, space.scan(), jobs) != cost, "backlinks count"


def test_a_budget_cuts_what_says_least(open_vault: Open) -> None:
    space = open_vault({"A.md": USE, "B.md": "[[Koji]] is a mould that grows on rice."}, "")
    whole = tell(space).backlinks
    assert tell(space, budget=30).backlinks == whole[:1]
    assert tell(space, budget=0) == RelatedTexts()


def test_what_the_note_links_to_is_described_by_its_author(open_vault: Open) -> None:
    described = "---\ndescription: Where **barley** is malted\n---\n# Malt house\n"
    space = open_vault(
        {"Koji.md": STUB + "[[Malt]] [[Empty]]\n", "Malt.md": described, "Empty.md": STUB}, ""
    )
    assert tell(space).linked == ("Malt house: Where barley is malted",)


GROWS = "Koji grows on rice and wheat."
SAID = [
    pytest.param("- Moulds:\n    - [[Koji]] grows on rice and wheat.", GROWS, id="an item"),
    pytest.param("> [!note] Moulds\n> [[Koji]] grows on rice\n> and wheat.", GROWS, id="a callout"),
    pytest.param("Of wheat. It is sown. [[Koji]] grows on rice and wheat. So.", GROWS, id="one of"),
    pytest.param(
        "| [[Koji\\|mould]] | grows on rice and wheat |\n|---|---|\n",
        "mould: grows on rice and wheat",
        id="a row",
    ),
    pytest.param("> [!ai] AI\n> [[Koji]] grows on rice and wheat.", "", id="an AI callout"),
    pytest.param("```\n[[Koji]] grows on rice and wheat.\n```", "", id="code"),
    pytest.param("See [[Koji]].", "", id="a pointer"),
]


@pytest.mark.parametrize(("text", "said"), SAID)
def test_what_counts_as_said_of_a_note(open_vault: Open, text: str, said: str) -> None:
    space = open_vault({"Miso.md": f"{text}\n"}, "")
    assert tell(space).backlinks == ((f"{said} (from “Miso”)",) if said else ())


WITHHELD = [
    pytest.param("Diary/D.md", "{}", id="private folder"),
    pytest.param("diary/D.md", "{}", id="private folder in another case"),
    pytest.param("D.md", "{} #private", id="private tag"),
    pytest.param("D.md", "---\nsecret: yes\n---\n{}", id="private property"),
    pytest.param("D.md", "{} #ignored", id="ignored tag"),
    pytest.param("Drafts/D.md", "{}", id="ignored pattern"),
    pytest.param("D.md", "---\nai: false\n---\n{}", id="says ai: false"),
    pytest.param("D.md", "---\nkanban-plugin: basic\n---\n{}", id="Kanban"),
    pytest.param("D.md", "---\na: b: c\n---\n{}", id="cannot be understood"),
    pytest.param("D.md", "{}\n{{{{title}}}}\n", id="template"),
    pytest.param("_companion/D.md", "{}", id="Companion's own"),
    pytest.param("D (conflicted copy 2024-01-01).md", "{}", id="conflict copy"),
]


@pytest.mark.parametrize(("path", "text"), WITHHELD)
@pytest.mark.parametrize("is_remote", [True, False])
def test_some_notes_tell_nothing(
    open_vault: Open, monkeypatch: pytest.MonkeyPatch, path: str, text: str, is_remote: bool
) -> None:
    monkeypatch.setattr("companion.config.Config.is_remote", is_remote)
    space = open_vault({path: text.format(USE), "Open.md": USE}, SETTINGS)
    assert tell(space).backlinks == (
        "Steamed rice is overgrown by Koji within two days. (from “Open”)",
    )
    (space.root / "Open.md").unlink()
    whole = text if text.startswith("---") else f"---\n---\n{text}"
    described = whole.replace("---\n", "---\ndescription: Where barley is malted\n", 1)
    (space.root / path).write_text(described.format("text"))
    (space.root / "Koji.md").write_text(f"{STUB}[[{path}]]")
    assert tell(space) == RelatedTexts()


@pytest.mark.parametrize("was_told", [False, True], ids=["never told", "told before"])
def test_what_became_private_since_the_scan_tells_nothing(open_vault: Open, was_told: bool) -> None:
    space = open_vault({"Open.md": USE}, SETTINGS)
    known, backlinks = VaultContext(space.scan()), Backlinks(space)
    if was_told:
        assert (
            backlinks.find_related(known, "Koji.md", parsed(space, "Koji.md"), 10_000)
            != RelatedTexts()
        )
    (space.root / "Open.md").write_text(f"{USE} #private")
    assert (
        backlinks.find_related(known, "Koji.md", parsed(space, "Koji.md"), 10_000) == RelatedTexts()
    )


def test_names_of_private_notes_are_linked_in_private_notes_only(open_vault: Open) -> None:
    private = "---\naliases: [Quail]\ntags: [private, plan/quail]\n---\n"
    space = open_vault({"Secret.md": private, "Diary/D.md": "text", "B.md": "#plan/b"}, SETTINGS)
    known = VaultContext(space.scan())
    fields = [space.prompts.fields["tags"]]
    assert set(known.property_values("tags", of_all=False)) == {"B.md"}
    for path, told in (("Koji.md", False), ("Diary/D.md", True), ("Secret.md", True)):
        assert (known.names(path).resolve("Secret") is not None) == told
        assert ("plan/quail" in known.vocabulary(fields, path, "")["tags"]) == told


def described(text: str, marks: str = "") -> str:
    return f"---\ndescription: {text}\n{marks}---\n"


def test_links_and_examples_are_of_notes_that_may_be_told_of(open_vault: Open) -> None:
    text = f"{STUB}\nBGP and the Malt House. Not the Secret Cellar, nor the Hidden Attic. [[Rye]]\n"
    space = open_vault(
        {
            "Koji.md": text,
            "Border Gateway Protocol (BGP).md": described("How networks exchange their routes."),
            "Malt House.md": described("Where barley is malted, and how long it takes."),
            "Diary/Secret Cellar.md": described("A cellar that nobody may know of."),
            "Hidden Attic.md": described("An attic that nobody may know of.", "tags: [ignored]\n"),
            "Rye.md": described("no sentence"),
        },
        SETTINGS,
    )
    vault = VaultContext(space.scan())
    offered = vault.offer_links("Koji.md", text)
    assert list(offered) == ["Border Gateway Protocol (BGP)", "Malt House", "Rye"]
    assert {file.path for file in offered.values()} == {f"{target}.md" for target in offered}
    examples = Backlinks(space).find_examples(vault, "Malt House.md", "English")
    assert list(examples) == ["How networks exchange their routes."]
    resolve = vault.resolver(space.prompts.field_of("callout"), "Koji.md", ["Rye"])
    assert [resolve("Rye"), resolve("Malt House")] == ["Rye", None]
