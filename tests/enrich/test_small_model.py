"""What is done because a model is small: its own sentence first, and evidence for all else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.enrich.small_model import (
    find_own_sentence,
    find_too_little,
    find_unsupported,
    leave_unsupported_out,
    says_nothing,
)
from companion.note.note import ParsedNote
from companion.note.text import NoteText

YEAST = "Sourdough starter is flour and water in which wild yeast lives."
OWN = [
    pytest.param(YEAST, YEAST, id="names the title"),
    pytest.param(f"Bread rises slowly in the cold.\n\n{YEAST}", YEAST, id="the first that does"),
    pytest.param(f"# Sourdough starter\n\n{YEAST} More.", YEAST, id="below the title"),
    pytest.param("Flour and water in which wild yeast lives.", None, id="names no title"),
    pytest.param(
        "With time and care, wild yeast makes a loaf rise by a sourdough starter.",
        None,
        id="names it late",
    ),
    pytest.param(f"> {YEAST}", None, id="a quote"),
    pytest.param(f"{YEAST} — Anna Baker", None, id="a quotation"),
    pytest.param("What is a sourdough starter, and who needs one?", None, id="a question"),
    pytest.param("A sourdough starter of flour, water and time", None, id="no sentence"),
    pytest.param("However, a sourdough starter takes time to rise.", None, id="needs another"),
    pytest.param("My sourdough starter lives in the fridge for weeks.", None, id="of the author"),
    pytest.param("The sourdough starter: 100 + 100 + 50 = 250 (5.7 * 8 / 2).", None, id="figures"),
    pytest.param("Sourdough starter starter starter sourdough.", None, id="nothing else"),
    pytest.param(f"Sourdough starter {'and time ' * 30}.", None, id="too long"),
    pytest.param("```\n" + YEAST + "\n```", None, id="code"),
    pytest.param("", None, id="no text"),
]


@pytest.mark.parametrize(("text", "own"), OWN)
def test_own_sentence(text: str, own: str | None) -> None:
    parsed = ParsedNote(NoteText(f"{text}\n"))
    assert find_own_sentence(parsed, "Sourdough starter", 160) == own


def test_own_sentence_in_chinese() -> None:
    said = "酸面包酵头由面粉和水制成，里面住着野生酵母。"
    parsed = ParsedNote(NoteText(f"做面包很好玩。{said}\n"))
    assert find_own_sentence(parsed, "酸面包酵头", 160) == said


TOO_LITTLE = [
    pytest.param("# Koji\n\n#tag\n\n> [!ai] AI\n> " + "word " * 90, "", True, id="nothing of it"),
    pytest.param("Word. " * 30, "", False, id="text"),
    pytest.param("", "Word. " * 30, False, id="others"),
    pytest.param("酵母" * 33, "", False, id="Chinese"),
]


@pytest.mark.parametrize(("text", "other", "is_too_little"), TOO_LITTLE)
def test_too_little(text: str, other: str, is_too_little: bool) -> None:
    why = find_too_little(ParsedNote(NoteText(text)), "Koji", [other], "tiny")
    assert bool(why) is is_too_little
    assert not why or ("“Koji”" in why and "tiny" in why)


SOURCE = "Koji is a mould. It grows on steamed rice and makes sugar of its starch."
VALUES = [
    pytest.param("Koji is a mould that grows on steamed rice.", [], id="said"),
    pytest.param("Sugars from starches: what moulds make of it.", [], id="other forms"),
    pytest.param(
        "Koji was invented by Portuguese sailors.", ["invented", "portuguese", "sailors"], id="new"
    ),
    pytest.param(
        ["It grows on rice.", "", "Sailors invented it."], ["sailors", "invented"], id="one is"
    ),
    pytest.param("It is so.", [], id="no content"),
]


@pytest.mark.parametrize(("value", "words"), VALUES)
def test_unsupported(value: str | list[str], words: list[str]) -> None:
    assert find_unsupported(value, "Koji", SOURCE) == words


@given(st.text(max_size=200))
def test_what_the_note_says_is_supported(text: str) -> None:
    assert find_unsupported(text, "", text) == []


@pytest.mark.parametrize(
    ("text", "others", "nothing"),
    [
        ("# Koji\n\n#food\n\n> [!ai] AI\n> A mould.\n", [], True),
        ("# Koji\n", ["Koji is a mould."], False),
        ("# Koji\n\nA mould.\n", [], False),
    ],
)
def test_a_title_alone(text: str, others: list[str], nothing: bool) -> None:
    assert says_nothing(ParsedNote(NoteText(text)), others) == nothing


NOTE = "Basil grows bushy when its tips are pinched out. Water it from below. It fears frost."


@pytest.mark.parametrize(
    ("lines", "left"),
    [
        pytest.param(
            ["Basil grows bushy. It flavours salads, pasta. It fears frost; water it from below."],
            ["Basil grows bushy. It fears frost; water it from below."],
            id="a sentence",
        ),
        pytest.param(
            ["Basil grows bushy.", "", "Italian kitchens love pesto sauces."],
            ["Basil grows bushy.", "", "Italian kitchens love pesto sauces."],
            id="too much",
        ),
        pytest.param(
            ["Italian kitchens love pesto. It grows bushy when its tips are pinched out."],
            ["Italian kitchens love pesto. It grows bushy when its tips are pinched out."],
            id="a beginning without which the rest says nothing",
        ),
        pytest.param(
            ["Basil grows bushy when its tips are pinched out.", "", "Pesto sauces love it."],
            ["Basil grows bushy when its tips are pinched out."],
            id="a paragraph",
        ),
    ],
)
def test_what_the_note_does_not_say_is_left_out(lines: list[str], left: list[str]) -> None:
    assert leave_unsupported_out(lines, "Basil", NOTE) == left
