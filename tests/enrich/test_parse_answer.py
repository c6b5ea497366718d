"""From a model's words to a value: what is taken, what is refused, what is nothing."""

import pytest

from companion.enrich.checks.typed_values import is_told
from companion.enrich.parse_answer import NothingToSay, find_new_values, read_value
from companion.errors import AnswerError
from companion.language.words import fold_accents
from companion.prompts import Field, load_prompts
from companion.prompts.fields import FieldKind

Limits = tuple[tuple[str, ...] | None, frozenset[str]]
"""The only values allowed, and the names of other notes."""

FIELDS = load_prompts().fields
ANY: Limits = (None, frozenset())
VAULT: Limits = (("bread", "how-to", "garden/herbs"), frozenset())
ABBREVIATED = f"Dr. Yeast's bread, {'x' * 200}, e.g. of rye. More."
TAKEN: Limits = (None, frozenset({"sourdough"}))


def field(name: str) -> Field:
    return FIELDS[name]


def read(field: Field, answer: object, limits: Limits) -> object:
    return read_value(field, answer, *limits, resolve=lambda name: None)


VALUES = [
    pytest.param("description", ANY, " A starter. ", "A starter.", id="blanks around"),
    pytest.param("description", ANY, "Description: A starter.", "A starter.", id="its label"),
    pytest.param("description", ANY, "**Description**: A.", "A.", id="its label in bold"),
    pytest.param("description", ANY, '"A starter."', "A starter.", id="quotes around"),
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
    pytest.param("callout", ANY, "See [[Nope]].", ["See Nope."], id="a link to nothing"),
]


@pytest.mark.parametrize(("name", "limits", "said", "expected"), VALUES)
def test_value(name: str, limits: Limits, said: object, expected: object) -> None:
    assert read(field(name), said, limits) == expected


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
        read(field(name), said, limits)


UNFIT = [
    pytest.param("description", ANY, "x" * 1000, "1,000 characters; at most 160", id="no sentence"),
    pytest.param("description", ANY, 3, "no text for description", id="a number"),
    pytest.param("description", ANY, None, "no text for description", id="null"),
    pytest.param("note-type", VAULT, "poem", "“poem” is no note-type that the vault", id="unknown"),
]


@pytest.mark.parametrize(("name", "limits", "said", "words"), UNFIT)
def test_unfit(name: str, limits: Limits, said: object, words: str) -> None:
    with pytest.raises(AnswerError, match=words) as caught:
        read(field(name), said, limits)
    assert not isinstance(caught.value, NothingToSay)


SCALARS = [
    pytest.param("number", 1.25, "1.25", id="JSON"),
    pytest.param("number", "1234.50", "1234.5", id="a text"),
    pytest.param("number", "1,234", "not a number", id="a comma may be both"),
    pytest.param("number", True, "not a number", id="a checkbox"),
    pytest.param("number", "-0", "0", id="no negative 0"),
    pytest.param("number", float("inf"), "not a number", id="infinity"),
    pytest.param("number", 12345678901234567890, "not a number", id="more digits than are kept"),
    pytest.param("number", "٣", "3", id="Arabic digits"),
    pytest.param("date", "2024-02-30", "not a date", id="no day"),
    pytest.param("date", "11 February 2024", "not a date", id="in words"),
    pytest.param("datetime", "2024-02-11T10:30:00Z", "2024-02-11T10:30:00", id="a habit"),
    pytest.param("datetime", "2024-02-11", "not a date with a time", id="no time"),
    pytest.param("datetime", "2024-02-11T24:00", "not a date with a time", id="no hour"),
    pytest.param("checkbox", "Yes.", "true", id="a word"),
]


@pytest.mark.parametrize(("kind", "said", "expected"), SCALARS)
def test_a_number_or_a_date_is_never_guessed(kind: FieldKind, said: object, expected: str) -> None:
    typed = field("description").model_copy(update={"kind": kind})
    try:
        assert read(typed, said, ANY) == expected
    except AnswerError as error:
        assert expected in str(error)


TOLD = [
    pytest.param("number", "2", "Two of the reports are due on Monday.", True, id="a word"),
    pytest.param("number", "5", "A room of 5 m².", True, id="before a unit"),
    pytest.param("number", "1234", "It weighs 1,234 g.", True, id="thousands"),
    pytest.param("number", "125", "It is 0.125 m long.", True, id="digits of decimals"),
    pytest.param("number", "7", "It is 17 m long.", False, id="a part of a number"),
    pytest.param("date", "2024-02-01", "Planted on 1 February 2024.", True, id="a month's name"),
    pytest.param("date", "2024-02-11", "Planted in February 2024.", False, id="no day"),
]


@pytest.mark.parametrize(("kind", "value", "text", "expected"), TOLD)
def test_the_note_has_a_number_or_a_date(kind: str, value: str, text: str, expected: bool) -> None:
    assert is_told(kind, value, fold_accents(text)) == expected


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
    assert find_new_values(field(name), answer, limits[0]) == expected
