"""From a model's words to a value: what is taken, what is refused, what is nothing."""

from __future__ import annotations

import pytest

from companion.enrich.parse_answer import Limits, NothingToSay, find_new_values, read_value
from companion.errors import AnswerError
from companion.prompts import Field, load_prompts

FIELDS = load_prompts().fields
ANY = Limits(None, frozenset(), lambda name: None)
VAULT = Limits(("bread", "how-to", "garden/herbs"), frozenset(), lambda name: None)
ABBREVIATED = f"Dr. Yeast's bread, {'x' * 200}, e.g. of rye. More."
TAKEN = Limits(None, frozenset({"sourdough"}), lambda name: None)


def field(name: str) -> Field:
    return FIELDS[name]


VALUES = [
    pytest.param("description", ANY, " A starter. ", "A starter.", id="blanks around"),
    pytest.param("description", ANY, "Description: A starter.", "A starter.", id="its label"),
    pytest.param("description", ANY, "**Description**: A.", "A.", id="its label in bold"),
    pytest.param("description", ANY, '"A starter."', "A starter.", id="quotes around"),
    pytest.param("description", ANY, "```json\nA.\n```", "A.", id="a fence around"),
    pytest.param("description", ANY, "One.\n\nTwo.", "One. Two.", id="two lines"),
    pytest.param("description", ANY, f"One. {'X' * 200}.", "One.", id="cut at a sentence"),
    pytest.param("description", ANY, ABBREVIATED, ABBREVIATED[:-6], id="cut at no abbreviation"),
    pytest.param("description", ANY, f"一。{'x' * 200}。", "一。", id="a Chinese sentence"),
    pytest.param("note-type", VAULT, "How-To.", "how-to", id="the vault's spelling"),
    pytest.param("tags", VAULT, ["#Bread", "nope", "bread"], ["bread"], id="known, each once"),
    pytest.param("tags", VAULT, "- bread\n- garden/herbs", ["bread", "garden/herbs"], id="lines"),
    pytest.param("tags", VAULT, "bread, how-to", ["bread", "how-to"], id="commas"),
    pytest.param("tags", VAULT, "1. bread\n2) how-to", ["bread", "how-to"], id="numbers"),
    pytest.param("aliases", TAKEN, ["Sourdough", "Levain"], ["Levain"], id="no name taken"),
    pytest.param("aliases", ANY, ["x" * 200, "b"], ["b"], id="none too long"),
    pytest.param("aliases", ANY, list("abcdefgh"), list("abcd"), id="no more than asked for"),
    pytest.param("callout", ANY, "One.\n\nTwo.", ["One.", "", "Two."], id="paragraphs"),
    pytest.param("callout", ANY, "```markdown\nOne.\n```", ["One."], id="a fence around prose"),
    pytest.param("callout", ANY, "See [[Nope]].", ["See Nope."], id="a link to nothing"),
]


@pytest.mark.parametrize(("name", "limits", "said", "expected"), VALUES)
def test_value(name: str, limits: Limits, said: object, expected: object) -> None:
    assert read_value(field(name), said, limits) == expected


NOTHING = [
    pytest.param("description", ANY, " \n ", id="blanks"),
    pytest.param("description", ANY, "---", id="a rule"),
    pytest.param("callout", ANY, "\n\n", id="an empty callout"),
    pytest.param("tags", VAULT, [], id="no tags"),
    pytest.param("tags", VAULT, ["nope"], id="unknown tags"),
    pytest.param("aliases", TAKEN, ["SOURDOUGH"], id="only names taken"),
]


@pytest.mark.parametrize(("name", "limits", "said"), NOTHING)
def test_nothing(name: str, limits: Limits, said: object) -> None:
    with pytest.raises(NothingToSay):
        read_value(field(name), said, limits)


UNFIT = [
    pytest.param("description", ANY, "x" * 1000, "1000 characters, 160 were", id="no sentence"),
    pytest.param("description", ANY, 3, "no text for description", id="a number"),
    pytest.param("description", ANY, None, "no text for description", id="null"),
    pytest.param("note-type", VAULT, "poem", "“poem” is no note-type that the vault", id="unknown"),
    pytest.param("callout", ANY, "word " * 3000, "characters", id="a book"),
]


@pytest.mark.parametrize(("name", "limits", "said", "words"), UNFIT)
def test_unfit(name: str, limits: Limits, said: object, words: str) -> None:
    with pytest.raises(AnswerError, match=words) as caught:
        read_value(field(name), said, limits)
    assert not isinstance(caught.value, NothingToSay)


NEW = [
    pytest.param("tags", VAULT, ["#Bread", "cheese", "cheese"], ["cheese"], id="each once"),
    pytest.param("tags", VAULT, "- bread\n- #wine", ["wine"], id="lines"),
    pytest.param("tags", ANY, ["wine"], [], id="where any value will do"),
    pytest.param("tags", VAULT, "x" * 200, [], id="no sentences"),
    pytest.param("note-type", VAULT, "Note-type: wine.", ["wine"], id="a choice"),
    pytest.param("note-type", VAULT, "How-to", [], id="a choice in use"),
    pytest.param("note-type", VAULT, "None of these fits.", [], id="a sentence for a choice"),
    pytest.param("note-type", VAULT, 3, [], id="no text for a choice"),
]


@pytest.mark.parametrize(("name", "limits", "answer", "expected"), NEW)
def test_what_the_vault_does_not_use_is_only_proposed(
    name: str, limits: Limits, answer: object, expected: list[str]
) -> None:
    assert find_new_values(field(name), answer, limits) == expected
