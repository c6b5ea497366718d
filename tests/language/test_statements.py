"""What one note says of another: which lines of it, with what around them."""

import pytest

from companion.language.statements import find_statements, read_passages
from companion.note.parsed_note import ParsedNote
from companion.note.text import NoteText
from tests.cases import Case, cases

SENTENCE = "The grain is steamed and then overgrown by [[Koji|the mould]] within two days."
PAGE = "language/cases/statements.md"
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


@cases(PAGE, "Quoted")
def test_says(case: Case) -> None:
    assert [said for said, *_ in say(case.before)] == case.told


@cases(PAGE, "Not quoted")
def test_says_nothing(case: Case) -> None:
    assert say(case.before) == []


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
