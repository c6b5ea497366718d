"""From a model's words to a value: what is taken, what is refused, what is nothing."""

import pytest

from companion.enrich.checks.typed_values import stands_in
from companion.enrich.parse_answer import NothingToSay, find_new_values, read_value
from companion.errors import AnswerError
from companion.language.detection import find_language
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
    pytest.param("number", "1,000.50", "1000.5", id="both signs"),
    pytest.param("number", "1.000,50", "1000.5", id="both, the other way"),
    pytest.param("number", "1'234", "1234", id="an apostrophe"),
    pytest.param("number", "1 234,5", "1234.5", id="a blank"),
    pytest.param("number", "0.125", "0.125", id="no thousands begin with 0"),
    pytest.param("number", 1.234, "1.234", id="JSON has no thousands"),
    pytest.param("number", "1,234", "may be 1234 or 1.234", id="a comma may be both"),
    pytest.param("number", "12.500", "may be 12500 or 12.5", id="and a point"),
    pytest.param("number", "1,2,3", "not a number", id="three numbers"),
    pytest.param("number", "-0", "0", id="no negative 0"),
    pytest.param("number", "1e400", "not a number", id="over the largest"),
    pytest.param("number", float("inf"), "not a number", id="infinity"),
    pytest.param("number", float("nan"), "not a number", id="no number at all"),
    pytest.param("number", 12345678901234567890, "not a number", id="more digits than are kept"),
    pytest.param("number", "٣", "3", id="Arabic digits"),
    pytest.param("number", "٣٫٥", "3.5", id="with decimals"),
    pytest.param("number", "٣.٥", "3.5", id="with a point"),
    pytest.param("number", "１２", "12", id="wide digits"),
    pytest.param("number", "1½", "not a number", id="a fraction"),
    pytest.param("date", "2024-02-30", "not a date", id="no day"),
    pytest.param("date", "٢٠٢٤-٠٢-١١", "2024-02-11", id="a date in Arabic digits"),
    pytest.param("date", "1º de enero de 2024", "2024-01-01", id="a first"),
    pytest.param("datetime", "2024-02-11T10:30:00Z", "2024-02-11T10:30:00", id="a habit"),
    pytest.param("datetime", "2024-02-11T24:00", "not a date with a time", id="no hour"),
]


@pytest.mark.parametrize(("kind", "said", "expected"), SCALARS)
def test_a_number_or_a_date_is_never_guessed(kind: FieldKind, said: object, expected: str) -> None:
    typed = field("description").model_copy(update={"kind": kind})
    try:
        assert read(typed, said, ANY) == expected
    except AnswerError as error:
        assert expected in str(error)


TOLD = [
    pytest.param("2", "Two of the reports are due on Monday, as they were.", True, id="a word"),
    pytest.param("2", "The report is due on Monday, as it was before.", False, id="no Italian"),
    pytest.param("11", "It was made once upon a time, as they were.", False, id="no Spanish"),
    pytest.param("1", "It takes 1½ cups.", False, id="a part of a fraction"),
    pytest.param("5", "A room of 5 m².", True, id="a number before a unit"),
    pytest.param("3.5", "وزنه ٣٫٥ كيلوغرام", True, id="Arabic digits"),
    pytest.param("3", "وزنه ٣٫٥ كيلوغرام", False, id="a part of them"),
    pytest.param("125", "It is 0.125 m long.", False, id="decimals"),
    pytest.param("1234", "It weighs 1 234 g.", True, id="a blank between thousands"),
]


@pytest.mark.parametrize(("number", "text", "expected"), TOLD)
def test_a_number_stands_in_the_note(number: str, text: str, expected: bool) -> None:
    assert stands_in("number", number, text, find_language(text, "")) == expected


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
