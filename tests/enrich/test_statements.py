"""What one note says of another: which lines of it, with what around them."""

import pytest

from companion.enrich.statements import find_statements, read_passages
from companion.note.parsed_note import ParsedNote
from companion.note.text import NoteText

SENTENCE = "The grain is steamed and then overgrown by [[Koji|the mould]] within two days."
SAID = [
    pytest.param(
        f"Rice first. {SENTENCE} Then it rests.",
        ["The grain is steamed and then overgrown by the mould within two days."],
        id="the sentence of a paragraph",
    ),
    pytest.param(
        "The grain is steamed, and\nthen overgrown by\n[[Koji]] within two days. More.",
        ["The grain is steamed, and then overgrown by Koji within two days."],
        id="a sentence over several lines",
    ),
    pytest.param(
        "- Moulds:\n  - [[Koji]], a mould for soy sauce\n    and miso, grows on rice\n  - other\n",
        ["Moulds: Koji, a mould for soy sauce and miso, grows on rice"],
        id="a list item with its parent",
    ),
    pytest.param(
        "Starters we keep:\n\n1. yeast\n2. [x] [[Koji]] on barley, bought dried online\n",
        ["Starters we keep: Koji on barley, bought dried online"],
        id="a task, with what introduces the list",
    ),
    pytest.param(
        "- [[Koji]]\n  - a mould that grows on rice\n  - [[Miso]] needs it\n- other\n",
        ["Koji: a mould that grows on rice; Miso needs it"],
        id="an item that is nothing but the link, with those below it",
    ),
    pytest.param(
        "## [[Koji]]\n\nA mould that grows on steamed rice. It smells sweet.\n",
        ["Koji: A mould that grows on steamed rice."],
        id="a heading, with the sentence below it",
    ),
    pytest.param(
        "| what | which |\n|---|---|\n| [[Koji\\|koji]] | mould for miso, rice | Japan |\n",
        ["koji: mould for miso, rice, Japan"],
        id="a row of a table",
    ),
    pytest.param(
        "> [!tip] About [[Koji]]: keep the mould warm and moist\n> always\n",
        ["About Koji: keep the mould warm and moist always"],
        id="the author's own callout",
    ),
    pytest.param(
        "A mould, [the koji](Koji.md), turns starch into sugar **slowly** #food ^a1\n",
        ["A mould, the koji, turns starch into sugar slowly"],
        id="a Markdown link, without markup, tags at the end and block id",
    ),
    pytest.param("米飯は[[Koji|麹菌]]で発酵させる食べ物です。次の文。", None, id="Japanese"),
]
NOT_SAID = [
    pytest.param(
        "> [!ai] AI\n> [[Koji]] is a mould that grows on steamed rice.\n", id="AI callout"
    ),
    pytest.param(
        "> [!ai]\n> A mould.\n[[Koji]] is a mould that grows on steamed rice.\n",
        id="text that continues an AI callout",
    ),
    pytest.param("```\n[[Koji]] is a mould that grows on steamed rice\n```\n", id="code"),
    pytest.param("Write `[[Koji]]` where the mould of the rice is meant.", id="inline code"),
    pytest.param("%% [[Koji]] is a mould that grows on steamed rice %%\n", id="comment"),
    pytest.param("![[Koji]] shows how mould grows on steamed rice.\n", id="embed"),
    pytest.param("mould:: [[Koji]] which grows on steamed rice\n", id="Dataview field"),
    pytest.param("See also: [[Koji]], [[Miso]], [[Sake]].\n", id="a list of links"),
    pytest.param("For all the moulds that grow on rice, see [[Koji]].", id="a pointer"),
    pytest.param("Wer mehr über Schimmelpilze wissen will: siehe [[Koji]].", id="a German one"),
    pytest.param("米の上で育つカビについては、詳しくは[[Koji]]。", id="a Japanese one"),
    pytest.param("#mould/[[Koji]] #on #steamed #rice\n", id="tags"),
    pytest.param("[[Miso]] is made of beans that a mould ferments.", id="another note"),
    pytest.param(f"[[Koji]] {'and so on ' * 90}", id="one sentence without end"),
]
DEFINITIONS = [
    ("[[Koji]] is a mould that grows on rice.", True),
    ("The [[Koji]] (麹) was a mould that grows on rice.", True),
    ("**[[Koji]]**: a mould that grows on rice", True),
    ("- [[Koji|Kōji]] – a mould that grows on rice", True),
    ("[[Koji]] bezeichnet einen Schimmelpilz auf Reis.", True),
    ("[[Koji]]是一种在米饭上生长的霉菌。", True),
    ("[[Koji]]は米の上で育つカビの一種です。", True),
    ("[[Koji]], miso and soy sauce belong together here.", False),
    ("We bought our [[Koji]]: it was dried mould.", False),
    ("[[Koji]] isles are where this mould grows.", False),
]


def say(text: str) -> list[tuple[str, int, str, bool]]:
    def leads_here(target: str) -> bool:
        return target.removesuffix(".md") == "Koji"

    passages = read_passages(ParsedNote(NoteText(text)))
    found = find_statements(passages, leads_here, ["Koji"])
    return [(said.text, said.line, said.heading, said.is_definition) for said in found]


@pytest.mark.parametrize(("text", "expected"), SAID)
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_says(text: str, expected: list[str] | None, ends: str) -> None:
    found = [said for said, *_ in say(text.replace("\n", ends))]
    assert found == (expected or ["米飯は麹菌で発酵させる食べ物です。"])


@pytest.mark.parametrize("text", NOT_SAID)
def test_says_nothing(text: str) -> None:
    assert say(text) == []


@pytest.mark.parametrize(("text", "is_definition"), DEFINITIONS)
def test_knows_a_definition(text: str, is_definition: bool) -> None:
    assert [definition for *_, definition in say(text)] == [is_definition]


def test_tells_the_line_and_the_heading() -> None:
    text = f"---\na: b\n---\n# Rice\n\n## Steamed\n\nWash it.\n\nMore. {SENTENCE}\n"
    assert [(line, heading) for _, line, heading, _ in say(text)] == [(10, "Steamed")]


def test_what_leans_or_points_or_names_it_by_other_words_counts_less() -> None:
    def words(text: str) -> float:
        found = find_statements(
            read_passages(ParsedNote(NoteText(text))), lambda target: target == "Koji", ["Koji"]
        )
        return next(found).words

    rest = (
        "[[Koji]] within two warm and humid days, on trays of cedar wood that somebody turns, each"
        " with four kilograms of barley."
    )
    full = words(f"Rice is overgrown by {rest}")
    assert words(f"It is overgrown by {rest}") < full
    assert words(f"Rice is overgrown by {rest}".replace("[[Koji]]", "[[Koji|it]]")) < full
    assert words(f"Rice is overgrown, see [[Koji]], {rest[9:]}") < full
