"""What other notes tell of a note: which of it, in which order, and never what is private."""

from collections.abc import Mapping

import pytest

from companion.enrich.answers.outcome import Accepted
from companion.enrich.asker import Asker
from companion.enrich.context.backlinks import Backlinks, RelatedTexts
from companion.enrich.context.vault_context import VaultContext
from companion.enrich.cost import describe_cost
from companion.enrich.task import Job
from companion.enrich.workspace import Workspace
from companion.note.callouts import Styles
from companion.note.edit import diff_edits
from companion.note.facts import find_facts
from companion.note.needs import CALLOUT
from companion.note.parsed_note import ParsedNote
from companion.store.journal import NewChange, write_note
from companion.vault.write import read_note
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


def tell(space: Workspace, path: str = "Koji.md", budget: int | None = None) -> RelatedTexts:
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
    assert [told.paths[each] for each in told.backlinks] == ["Miso.md", "Copy.md", "Soy.md"]
    assert told.backlinks == (
        "Koji is a mould that grows on rice. (from “Miso”)",
        "Steamed rice is overgrown by Koji within two days. (from “Copy”)",
        "Barrels and Koji for every start there. (from “Soy sauce”)",
    )


def test_the_cost_of_few_notes_is_estimated_without_what_concerns_the_others(
    open_vault: Open,
) -> None:
    space = open_vault({"Miso.md": f"---\naliases: [soy]\n---\n{USE} [[Rye]]", "Rye.md": "rye"}, "")
    scan, jobs = space.scan(), [Job("Koji.md")]
    few = VaultContext(scan, about=["Koji.md"])
    assert few.links.linking_to("Koji.md") == ["Miso.md"] and not few.links.linking_to("Rye.md")
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


def test_a_description_that_companion_wrote_does_not_count(open_vault: Open) -> None:
    space = open_vault({"Koji.md": STUB + "[[Malt]]\n", "Malt.md": STUB}, "")
    snapshot = read_note(space.root, "Malt.md")
    old = snapshot.data.decode()
    new = old.replace("description:", "description: A house where barley is malted.")
    edits = diff_edits(old, new)
    write_note(
        snapshot, new.encode(), space.journal, NewChange("r", "Malt.md", "enrich", edits, ())
    )
    assert tell(space).linked == ()
    edited = new.replace("A house", "An old house")
    (space.root / "Malt.md").write_text(edited)
    assert tell(space).linked == ("Koji: An old house where barley is malted.",)


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
            backlinks.find_related(known, "Koji.md", parsed(space, "Koji.md"), None)
            != RelatedTexts()
        )
    (space.root / "Open.md").write_text(f"{USE} #private")
    assert (
        backlinks.find_related(known, "Koji.md", parsed(space, "Koji.md"), None) == RelatedTexts()
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


@pytest.mark.parametrize(("settings", "title"), [("", "Quail"), (SETTINGS, Styles().top.title)])
def test_callouts_of_private_notes_are_no_model_for_others(
    open_vault: Open, settings: str, title: str
) -> None:
    notes = {f"Diary/{n}.md": "> [!ai] Quail\n> Birds.\n" for n in range(5)}
    assert VaultContext(open_vault(notes, settings).scan()).styles.top.title == title


DEFINED = "[[Koji]] is a mould that grows on rice and wheat.\n"
NOT_QUOTED = [
    pytest.param({"Use.md": USE}, "", id="no definition"),
    pytest.param({"Miso.md": f"- Moulds:\n    - {DEFINED}"}, "", id="needs what is above it"),
    pytest.param({"Miso.md": "[[Koji]] is a mould, of which these kinds exist:\n"}, "", id="open"),
    pytest.param(
        {"Miso.md": "Wash [[Koji]] from your hands with warm water.\n"}, "", id="no subject"
    ),
    pytest.param({"Miso.md": "[[Koji|Moulds]] spoil bread and cheese.\n"}, "", id="other words"),
    pytest.param({"Diary/Miso.md": DEFINED}, SETTINGS, id="private"),
    pytest.param(
        {"Miso.md": "[[Koji]] is a mould on rice and wheat that I like most.\n"},
        "",
        id="in the first person",
    ),
    pytest.param({"Miso.md": f"---\ntags: ignored\n---\n{DEFINED}"}, SETTINGS, id="ignored"),
    pytest.param({"Miso.md": DEFINED, "Koji.md": STUB + "Koji ferments. " * 20}, "", id="has text"),
    pytest.param({"Miso.md": DEFINED}, "[notes]\nown_sentence = false\n", id="switched off"),
    pytest.param({"Miso.md": DEFINED}, "[endpoint]\nsmall = false\n", id="a larger model"),
]


def quote(space: Workspace, path: str = "Koji.md") -> list[Accepted]:
    known = VaultContext(space.scan())
    asker, note = Asker(space, known), parsed(space, path)
    needs = find_facts(note, space.rules, explicit=True).needs
    _, outcomes, _ = asker.plan(path, note, [each for each in needs if each.kind == CALLOUT])
    return [each for each in outcomes if isinstance(each, Accepted)]


def test_a_small_model_is_not_asked_where_others_say_what_it_is(
    open_vault: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COMPANION_CHECKS")
    [quoted] = quote(open_vault({"Food/Miso.md": DEFINED, "Use.md": USE}, ""))
    assert quoted.filling.value == ["Koji is a mould that grows on rice and wheat. ([[Miso]])"]
    assert (quoted.by_model, quoted.flags) == (False, ())
    assert [each.path for each in quoted.evidence] == ["Food/Miso.md"]


@pytest.mark.parametrize(
    "fact",
    [
        "[[Koji]] smells of chestnuts after two days.",
        "The [[Koji]] must not be warmer than forty degrees.",
    ],
)
def test_a_fact_is_quoted_like_a_definition(
    open_vault: Open, monkeypatch: pytest.MonkeyPatch, fact: str
) -> None:
    monkeypatch.delenv("COMPANION_CHECKS")
    [quoted] = quote(open_vault({"Miso.md": fact}, ""))
    assert quoted.filling.value == [f"{fact.replace('[[Koji]]', 'Koji')} ([[Miso]])"]


def test_nothing_is_quoted_about_a_date(open_vault: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COMPANION_CHECKS")
    notes = {
        "2023-03-05.md": "---\ndescription:\n---\n",
        "Miso.md": "[[2023-03-05]] was the first day of the mash.",
    }
    assert quote(open_vault(notes, ""), "2023-03-05.md") == []


def test_without_links_the_title_tells_where_a_quotation_is_from(
    open_vault: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COMPANION_CHECKS")
    [quoted] = quote(open_vault({"Miso.md": DEFINED}, "[callout]\nlinks = false\n"))
    assert quoted.filling.value == ["Koji is a mould that grows on rice and wheat. (Miso)"]


@pytest.mark.parametrize(("notes", "settings"), NOT_QUOTED)
def test_what_is_not_quoted(
    open_vault: Open, monkeypatch: pytest.MonkeyPatch, notes: Mapping[str, str], settings: str
) -> None:
    monkeypatch.delenv("COMPANION_CHECKS")
    assert quote(open_vault(notes, settings)) == []
